//! Programs and zips made byte by byte, honest and otherwise; the zips for `h1.rs` (what we say of them) and `h1_go.rs` (what Go says).
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::as_conversions)]

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};

mod cases;
pub mod programs;

pub use cases::{agreed, plain, refused_by_us, zip64_end_in_the_comment};

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
