//! The cases: zips with one thing changed.

use super::{Descriptor, Item, Zip, file, raw, stored, zip};

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
    let cases = [containers(), entries(), contents(), names(), module_rules()].concat();
    let cases = cases.into_iter().map(|(name, zip)| (name, zip.bytes()));
    cases.chain([("zip64-end-in-the-comment", zip64_end_in_the_comment())]).collect()
}

/// The zip64 end record stands in the comment, at the end of the file, and the locator points at it there.
pub fn zip64_end_in_the_comment() -> Vec<u8> {
    let mut bytes = Zip { zip64: true, ..zip(plain()) }.bytes();
    let mut end = bytes.split_off(bytes.len() - 22);
    let mut locator = bytes.split_off(bytes.len() - 20);
    let mut record = bytes.split_off(bytes.len() - 56);
    let between = (locator.len() + end.len()) as u64;
    locator[8..16].copy_from_slice(&(bytes.len() as u64 + between).to_le_bytes());
    // The directory ends where the record begins.
    let size = u64::from_le_bytes(record[40..48].try_into().unwrap()) + between;
    record[40..48].copy_from_slice(&size.to_le_bytes());
    end[20..22].copy_from_slice(&(record.len() as u16).to_le_bytes());
    [bytes, locator, end, record].concat()
}

type Case = (&'static str, Zip);

/// A name below the module's prefix.
fn name(rest: &[u8]) -> Vec<u8> {
    [b"example.com/m@v1.0.0/", rest].concat()
}

/// A zip with something about the whole of it changed.
fn whole(change: fn(&mut Zip)) -> Zip {
    let mut zip = zip(plain());
    change(&mut zip);
    zip
}

/// What is around the entries: the end records, comments, foreign bytes.
fn containers() -> Vec<Case> {
    vec![
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
    ]
}

/// What the directory says of an entry.
fn entries() -> Vec<Case> {
    vec![
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
    ]
}

/// What an entry holds, against what is said of it.
fn contents() -> Vec<Case> {
    let unicode_path = [b"up".as_slice(), &[12, 0, 1, 0, 0, 0, 0], b"RENAMED"].concat();
    vec![
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
    ]
}

/// What an entry is called.
fn names() -> Vec<Case> {
    vec![
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
    ]
}

/// What Go allows in the zip of a module.
fn module_rules() -> Vec<Case> {
    let mut cases = vec![
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
    cases
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
