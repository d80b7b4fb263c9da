//! Zips made byte by byte, honest and otherwise, for `h1.rs` (what we say of them) and `h1_go.rs` (what Go says).
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::as_conversions)]

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};

/// The module that all crafted zips are of.
pub const MODULE: (&str, &str) = ("example.com/m", "v1.0.0");

/// What follows an entry's content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Descriptor {
    Absent,
    Signed,
    Unsigned,
    WrongCrc,
}

/// One entry; `file` makes an honest one, the fields then lie.
#[derive(Clone)]
pub struct Item {
    pub name: Vec<u8>,
    pub local_name: Option<Vec<u8>>,
    pub packed: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub crc: u32,
    pub packed_size: u64,
    pub size: u64,
    pub extra: Vec<u8>,
    pub comment: Vec<u8>,
    pub descriptor: Descriptor,
    /// Sizes and place are all ones, the truth is in a zip64 field.
    pub zip64: bool,
    /// The place of its local header, if not the true one.
    pub header: Option<u32>,
}

/// An honest deflated file `example.com/m@v1.0.0/NAME`.
pub fn file(name: &str, content: &[u8]) -> Item {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(content).unwrap();
    let packed = deflate.finish().unwrap();
    raw(format!("{}@{}/{name}", MODULE.0, MODULE.1).as_bytes(), content, packed, 8)
}

/// An honest stored file.
pub fn stored(name: &str, content: &[u8]) -> Item {
    Item { packed: content.to_vec(), packed_size: content.len() as u64, method: 0, ..file(name, content) }
}

/// An entry with this whole name.
pub fn raw(name: &[u8], content: &[u8], packed: Vec<u8>, method: u16) -> Item {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    Item {
        name: name.to_vec(),
        local_name: None,
        packed_size: packed.len() as u64,
        packed,
        method,
        flags: 0,
        crc: crc.sum(),
        size: content.len() as u64,
        extra: Vec::new(),
        comment: Vec::new(),
        descriptor: Descriptor::Absent,
        zip64: false,
        header: None,
    }
}

/// A whole zip; `zip` makes an honest one.
#[derive(Clone, Default)]
pub struct Zip {
    pub prefix: Vec<u8>,
    pub items: Vec<Item>,
    pub comment: Vec<u8>,
    pub trailing: Vec<u8>,
    /// What the end record says, if not the truth.
    pub count: Option<u16>,
    pub offset: Option<u32>,
    /// Bytes between the directory and the end record.
    pub gap: Vec<u8>,
    /// Write a zip64 end record and locator.
    pub zip64: bool,
}

/// An honest zip of these entries.
pub fn zip(items: Vec<Item>) -> Zip {
    Zip { items, ..Zip::default() }
}

impl Zip {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let mut directory = Vec::new();
        for item in &self.items {
            let header = out.len() - self.prefix.len();
            out.extend(item.local());
            directory.extend(item.central(header as u32));
        }
        let offset = out.len() - self.prefix.len();
        out.extend(&directory);
        let at = out.len() as u64;
        out.extend(&self.gap);
        let count = self.count.unwrap_or(self.items.len() as u16);
        let (mut size, mut place) = (directory.len() as u32, self.offset.unwrap_or(offset as u32));
        if self.zip64 {
            out.extend([b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat());
            out.extend([u64::from(count), u64::from(count), size.into(), place.into()].map(u64::to_le_bytes).concat());
            out.extend([b"PK\x06\x07".as_slice(), &[0; 4], &at.to_le_bytes(), &1_u32.to_le_bytes()].concat());
            (size, place) = (u32::MAX, u32::MAX);
        }
        out.extend([b"PK\x05\x06".as_slice(), &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
        out.extend([size.to_le_bytes(), place.to_le_bytes()].concat());
        out.extend((self.comment.len() as u16).to_le_bytes());
        out.extend(&self.comment);
        out.extend(&self.trailing);
        out
    }
}

impl Item {
    fn flags(&self) -> u16 {
        self.flags | if self.descriptor == Descriptor::Absent { 0 } else { 8 }
    }

    fn local(&self) -> Vec<u8> {
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        let mut out = b"PK\x03\x04\x14\x00".to_vec();
        out.extend([self.flags(), self.method, 0, 0].map(u16::to_le_bytes).concat());
        out.extend([self.crc, self.packed_size as u32, self.size as u32].map(u32::to_le_bytes).concat());
        out.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        out.extend(name);
        out.extend(&self.packed);
        let sizes = [self.packed_size as u32, self.size as u32];
        match self.descriptor {
            Descriptor::Absent => {}
            Descriptor::Signed => {
                out.extend([0x0807_4b50, self.crc, sizes[0], sizes[1]].map(u32::to_le_bytes).concat())
            }
            Descriptor::Unsigned => out.extend([self.crc, sizes[0], sizes[1]].map(u32::to_le_bytes).concat()),
            Descriptor::WrongCrc => out.extend([!self.crc, sizes[0], sizes[1]].map(u32::to_le_bytes).concat()),
        }
        out
    }

    fn central(&self, header: u32) -> Vec<u8> {
        let header = self.header.unwrap_or(header);
        let mut extra = self.extra.clone();
        let mut fields = [self.packed_size as u32, self.size as u32];
        let mut place = header;
        if self.zip64 {
            extra.extend([1, 24].map(u16::to_le_bytes).concat());
            extra.extend([self.size, self.packed_size, header.into()].map(u64::to_le_bytes).concat());
            (fields, place) = ([u32::MAX; 2], u32::MAX);
        }
        let mut out = b"PK\x01\x02\x14\x00\x14\x00".to_vec();
        out.extend([self.flags(), self.method, 0, 0].map(u16::to_le_bytes).concat());
        out.extend([self.crc, fields[0], fields[1]].map(u32::to_le_bytes).concat());
        let lengths = [self.name.len(), extra.len(), self.comment.len()].map(|length| length as u16);
        out.extend(lengths.map(u16::to_le_bytes).concat());
        out.extend([0; 8]);
        out.extend(place.to_le_bytes());
        out.extend(&self.name);
        out.extend(&extra);
        out.extend(&self.comment);
        out
    }
}

/// The three files that most cases change one thing of.
pub fn plain() -> Vec<Item> {
    let code = "package d\n\n// lines that compress\n".repeat(40);
    vec![
        file("go.mod", b"module example.com/m\n"),
        file("d/a.go", code.as_bytes()),
        stored("LICENSE", b"do as you like\n"),
    ]
}

/// The same with the second entry changed.
fn with(change: impl FnOnce(&mut Item)) -> Zip {
    let mut zip = zip(plain());
    change(&mut zip.items[1]);
    zip
}

/// Cases on which Go and we must agree: a name and a zip.
pub fn agreed() -> Vec<(&'static str, Vec<u8>)> {
    let name = |rest: &[u8]| [b"example.com/m@v1.0.0/", rest].concat();
    let whole = |change: fn(&mut Zip)| {
        let mut zip = zip(plain());
        change(&mut zip);
        zip
    };
    let unicode_path = [b"up".as_slice(), &[12, 0, 1, 0, 0, 0, 0], b"RENAMED"].concat();
    let mut cases = vec![
        ("plain", zip(plain())),
        ("empty", zip(vec![])),
        ("folder", zip([plain(), vec![raw(&name(b"d/"), b"", vec![], 0)]].concat())),
        ("folder-with-packed-bytes", zip([plain(), vec![Item { size: 0, ..file("d/", b"x") }]].concat())),
        ("folder-with-size", zip([plain(), vec![Item { size: 1, ..raw(&name(b"d/"), b"", vec![], 0) }]].concat())),
        ("folder-of-unknown-method", zip([plain(), vec![raw(&name(b"d/"), b"", vec![], 99)]].concat())),
        ("prefix-bytes", whole(|zip| zip.prefix = b"#!/bin/sh\n".to_vec())),
        (
            "prefix-bytes-with-true-places",
            whole(|zip| {
                zip.items[0].header = Some(3);
                zip.prefix = b"abc".to_vec();
            }),
        ),
        ("comment", whole(|zip| zip.comment = b"a comment with PK\x05".to_vec())),
        ("long-comment", whole(|zip| zip.comment = vec![b'x'; 65535])),
        (
            "comment-too-long",
            whole(|zip| {
                zip.comment = vec![b'x'; 65535];
                zip.trailing = vec![b'y'; 1200]
            }),
        ),
        ("trailing-bytes", whole(|zip| zip.trailing = b"trailing".to_vec())),
        ("two-end-records", whole(|zip| zip.comment = [b"PK\x05\x06".as_slice(), &[0; 18]].concat())),
        (
            "second-end-record-cut-short",
            whole(|zip| zip.comment = [b"PK\x05\x06".as_slice(), &[0; 16], &[9, 0]].concat()),
        ),
        ("gap", whole(|zip| zip.gap = b"gap".to_vec())),
        ("count-too-small", whole(|zip| zip.count = Some(2))),
        ("count-too-large", whole(|zip| zip.count = Some(4))),
        ("directory-outside", whole(|zip| zip.offset = Some(1 << 30))),
        ("directory-offset-too-small", whole(|zip| zip.offset = Some(1))),
        ("zip64-end", whole(|zip| zip.zip64 = true)),
        (
            "zip64-end-and-entries",
            whole(|zip| {
                zip.zip64 = true;
                zip.items[1].zip64 = true
            }),
        ),
        ("zip64-entry", with(|item| item.zip64 = true)),
        (
            "zip64-field-too-short",
            with(|item| {
                item.size = 0xffff_ffff;
                item.extra = vec![1, 0, 4, 0, 1, 2, 3, 4]
            }),
        ),
        ("size-of-all-ones", with(|item| item.size = 0xffff_ffff)),
        ("extra-cut-short", with(|item| item.extra = vec![1, 0, 200, 0, 5])),
        (
            "extra-then-zip64",
            with(|item| {
                item.extra = vec![0x55, 0x54, 1, 0, 0];
                item.zip64 = true
            }),
        ),
        ("header-outside", with(|item| item.header = Some(1 << 30))),
        ("header-elsewhere", with(|item| item.header = Some(1))),
        ("header-of-the-other", with(|item| item.header = Some(0))),
        ("local-name-differs", with(|item| item.local_name = Some(b"another/name".to_vec()))),
        ("descriptor-signed", with(|item| item.descriptor = Descriptor::Signed)),
        ("descriptor-unsigned", with(|item| item.descriptor = Descriptor::Unsigned)),
        ("descriptor-wrong", with(|item| item.descriptor = Descriptor::WrongCrc)),
        ("descriptor-absent", with(|item| item.flags = 8)),
        (
            "descriptor-and-crc-0",
            with(|item| {
                item.descriptor = Descriptor::Signed;
                item.crc = 0
            }),
        ),
        ("crc-wrong", with(|item| item.crc ^= 1)),
        ("crc-0", with(|item| item.crc = 0)),
        ("size-too-small", with(|item| item.size -= 1)),
        ("size-too-large", with(|item| item.size += 1)),
        ("size-0", with(|item| item.size = 0)),
        ("packed-size-too-small", with(|item| item.packed_size -= 1)),
        ("packed-size-too-large", with(|item| item.packed_size += 10)),
        ("stored-as-deflated", with(|item| item.method = 0)),
        ("method-unknown", with(|item| item.method = 12)),
        ("encrypted-flag", with(|item| item.flags = 1)),
        ("utf8-flag", with(|item| item.flags = 0x800)),
        ("unicode-path-field", with(|item| item.extra = unicode_path.clone())),
        ("entry-comment", with(|item| item.comment = b"PK\x01\x02".to_vec())),
        (
            "bytes-after-the-stream",
            with(|item| {
                item.packed.extend(b"more");
                item.packed_size += 4
            }),
        ),
        (
            "stream-cut-short",
            with(|item| {
                item.packed.truncate(9);
                item.packed_size = 9
            }),
        ),
        ("stream-corrupt", with(|item| item.packed[0] = 7)),
        (
            "stream-empty",
            with(|item| {
                item.packed.clear();
                item.packed_size = 0
            }),
        ),
        ("name-utf8", with(|item| item.name = name("é/ö.go".as_bytes()))),
        ("name-not-utf8", with(|item| item.name = name(b"\xff\xfe.go"))),
        ("name-backslash", with(|item| item.name = name(b"a\\b.go"))),
        ("name-dotdot", with(|item| item.name = name(b"../../etc/passwd"))),
        ("name-absolute", with(|item| item.name = b"/etc/passwd".to_vec())),
        ("name-newline", with(|item| item.name = name(b"a\nb.go"))),
        ("name-nul", with(|item| item.name = name(b"a\0b.go"))),
        ("name-empty", with(|item| item.name = vec![])),
        (
            "name-of-the-prefix",
            with(|item| {
                item.name = name(b"");
                item.size = 0;
                item.packed_size = 0
            }),
        ),
        ("name-other-module", with(|item| item.name = b"example.com/n@v1.0.0/a.go".to_vec())),
        ("name-like-a-folder-file", zip([plain(), vec![file("d", b"")]].concat())),
        ("name-case-collision", zip([plain(), vec![file("D/b.go", b"")]].concat())),
        ("name-kelvin-collision", zip([plain(), vec![file("k", b""), file("\u{212a}", b"")]].concat())),
        ("name-sharp-s", zip([plain(), vec![file("\u{df}", b""), file("\u{1e9e}", b"")]].concat())),
        ("name-sigma", zip([plain(), vec![file("\u{3c3}", b""), file("\u{3c2}", b"")]].concat())),
        ("name-dotless-i", zip([plain(), vec![file("i", b""), file("\u{131}", b""), file("\u{130}", b"")]].concat())),
        ("go-mod-upper-case", zip(vec![file("GO.MOD", b"module example.com/m\n")])),
        ("go-mod-below", zip([plain(), vec![file("x/go.mod", b"module example.com/m/x\n")]].concat())),
        ("go-mod-below-in-upper-case", zip([plain(), vec![file("x/Go.Mod", b"")]].concat())),
        (
            "many",
            zip((0..600).map(|i| file(&format!("f{}/{i}.go", i % 7), format!("{i}\n").repeat(i).as_bytes())).collect()),
        ),
        ("large", zip(vec![file("big", &b"0123456789abcdef\n".repeat(100_000)), stored("flat", &[7; 1_300_000])])),
    ];
    for bad in [
        "a//b", "a/./b", "a/..", ".", "..", "...", "x.", "x./y", "con", "Aux.txt", "com1.a.b", "com0", "a:b", "a*",
        "a?b",
    ] {
        cases.push((bad, zip(vec![file(bad, b"x")])));
    }
    for good in
        [".hidden", "-dash", "a b", "a@b", "~", "lpt10", "!#$%&()+,-.=@[]^_{}~x", "\u{4e16}", "a\u{301}", "\u{2160}"]
    {
        cases.push((good, zip(vec![file(good, b"x")])));
    }
    cases.into_iter().map(|(name, zip)| (name, zip.bytes())).collect()
}

/// Cases that Go takes and we refuse: a name, a zip, and what our error says.
pub fn refused_by_us() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut shared = zip((0..3).map(|i| stored(&i.to_string(), &[7; 60_000])).collect());
    for item in shared.items.iter_mut().skip(1) {
        // Its own bytes are taken out: it points at those of the first.
        item.packed.clear();
        item.header = Some(0);
    }
    vec![
        (
            "listed-twice",
            zip([plain(), vec![file("go.mod", b"module example.com/other\n")]].concat()).bytes(),
            "listed twice",
        ),
        ("entries-share-bytes", shared.bytes(), "of a zip of"),
    ]
}
