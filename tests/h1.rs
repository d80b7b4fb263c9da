//! h1 and the rules for module zips, over zips made byte by byte. What Go says of the same ones: `h1_go.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::io::{self, Write as _};
use std::sync::Mutex;

use gosumcheck::sumdb::dirhash::{Limits, ReadAt, ZipError, h1_files, h1_go_mod, h1_zip, h1_zip_within};
use gosumcheck::sumdb::hash::{Hash, sha256};
use gosumcheck::sumdb::modzip::check_zip;
use proptest::prelude::*;

mod crafted;
use crafted::{Zip, agreed, file, plain, refused_by_us, stored, zip, zip64_end_in_the_comment};

fn h1(bytes: &[u8]) -> Result<Hash, String> {
    h1_zip(bytes, 1).map_err(|error| error.to_string())
}

fn check(bytes: &[u8]) -> Result<(), String> {
    check_zip(bytes, crafted::MODULE.0, crafted::MODULE.1).map_err(|error| error.to_string())
}

/// The definition, written down again: sorted lines of hash, two spaces, name.
fn by_definition(files: &[(&str, &[u8])]) -> Hash {
    let mut lines: Vec<String> =
        files.iter().map(|(name, content)| format!("{name}\0{}", hex::encode(sha256(content).0))).collect();
    lines.sort();
    let text: String = lines
        .iter()
        .map(|line| line.split_once('\0').unwrap())
        .map(|(name, hash)| format!("{hash}  {name}\n"))
        .collect();
    sha256(text.as_bytes())
}

#[test]
fn golden_values_of_go() {
    let two = || vec![file("go.mod", b"module example.com/m\n"), file("d/a.go", b"package d\n")];
    let folder = crafted::raw(b"example.com/m@v1.0.0/d/", b"", vec![], 0);
    assert_eq!(h1(&zip(two()).bytes()).unwrap().to_string(), "OzyIDYnpqIf1KhEkhK9SoOo7x4PUdsScz0KigxV7iZc=");
    assert_eq!(
        h1(&zip([two(), vec![folder]].concat()).bytes()).unwrap().to_string(),
        "bTNUHHemSxAVjCM6b+pnN4Ei6AvHahnLCk6J8NQ2MvU="
    );
    assert_eq!(h1(&zip(vec![]).bytes()).unwrap().to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    // The go.mod hash that Go drops, of an empty file.
    assert_eq!(h1_go_mod(b"").to_string(), "G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=");
}

#[test]
fn files_in_any_order_have_one_h1() {
    let (a, b) = ((b"m@v1/a".as_slice(), sha256(b"1")), (b"m@v1/b".as_slice(), sha256(b"2")));
    let expected = by_definition(&[("m@v1/a", b"1"), ("m@v1/b", b"2")]);
    assert_eq!(h1_files([a, b]), Ok(expected));
    assert_eq!(h1_files([b, a]), Ok(expected));
    assert!(h1_files([a, b, a]).unwrap_err().to_string().contains("listed twice"));
    assert!(h1_files([(b"a\nb".as_slice(), sha256(b""))]).unwrap_err().to_string().contains("newline"));
}

#[test]
fn a_zip_of_the_zip_crate_and_any_number_of_threads() {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let mut files = Vec::new();
    for i in 0..700_usize {
        let name = format!("m@v1.0.0/dir{}/file{i}", i % 9);
        let content: Vec<u8> = (0..i * i * 3).map(|byte| (byte / 7 * i) as u8).collect();
        let method = if i % 3 == 0 { ::zip::CompressionMethod::Stored } else { ::zip::CompressionMethod::Deflated };
        writer.start_file(&name, ::zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(&content).unwrap();
        files.push((name, content));
    }
    let bytes = writer.finish().unwrap().into_inner();
    let named: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let expected = by_definition(&named);
    for threads in [0, 1, 2, 3, 7, 1000] {
        assert_eq!(h1_zip(&bytes, threads).unwrap(), expected, "{threads} threads");
    }
}

/// As in Go, the locator may point anywhere, also at the last bytes of the file.
#[test]
fn a_zip64_end_record_may_end_the_file() {
    assert_eq!(h1(&zip64_end_in_the_comment()), h1(&zip(plain()).bytes()));
}

#[test]
fn what_go_takes_and_we_refuse_says_why() {
    for (name, bytes, why) in refused_by_us() {
        let error = h1(&bytes).unwrap_err();
        assert!(error.contains(why), "{name}: {error}");
    }
}

#[test]
fn every_fault_of_a_module_zip_is_told() {
    let faults =
        zip([plain(), vec![file("x/go.mod", b""), file("D/b.go", b""), file("con", b""), file("a:b", b"")]].concat());
    let error = check(&faults.bytes()).unwrap_err();
    for fault in ["below the module's root", "differs only by case", "CON is a reserved name", "the character ':'"] {
        assert!(error.contains(fault), "{error}");
    }
    let many = zip((0..100).map(|i| file(&format!("{i}:"), b"")).collect());
    let error = check(&many.bytes()).unwrap_err();
    assert!(error.contains("and 84 more") && error.len() < 3000, "{error}");
    assert!(check(&zip(vec![file("Go.Mod", b"")]).bytes()).unwrap_err().contains("go.mod must be in lower case"));
    assert_eq!(check(&zip(plain()).bytes()), Ok(()));
}

#[test]
fn limits_are_kept() {
    let limit = |limits: Limits, items| h1_zip_within(&zip(items).bytes(), 2, &limits).unwrap_err().to_string();
    let default = Limits::default();
    assert!(limit(Limits { packed: 100, ..default }, plain()).contains("100 are the limit"));
    assert!(limit(Limits { entries: 2, ..default }, plain()).contains("more than 2 entries"));
    assert!(limit(Limits { names: 60, ..default }, plain()).contains("more than 60 bytes of names"));
    assert!(limit(Limits { unpacked: 1000, ..default }, plain()).contains("1000 are the limit"));
    let unpacked = plain().iter().map(|item| item.size).sum();
    assert!(h1_zip_within(&zip(plain()).bytes(), 2, &Limits { unpacked, ..default }).is_ok());
    // An honest bomb is stopped by what it declares, before it is inflated; a lying one by the size it declared.
    let bomb = || file("bomb", &vec![0; 600 << 20 >> 4]);
    let mut declared = bomb();
    declared.size = 600 << 20;
    assert!(limit(default, vec![declared]).contains("524288000 are the limit"));
    let mut lying = bomb();
    lying.size = 1000;
    assert!(limit(default, vec![lying]).contains("the 1000 bytes that it declares"));
    let mut large_lie = bomb();
    large_lie.size = 2 << 20;
    assert!(limit(default, vec![large_lie]).contains("the 2097152 bytes that it declares"));
}

#[test]
fn a_name_from_a_stranger_is_escaped_and_cut() {
    let mut items = plain();
    items[1].name = [b"\x1b[31m\xff\r".as_slice(), &[b'x'; 5000]].concat();
    items[1].crc ^= 1;
    let error = h1(&zip(items).bytes()).unwrap_err();
    assert!(error.len() < 400 && !error.chars().any(char::is_control), "{error}");
    for (length, cut) in [(120, false), (121, true), (122, true)] {
        let prefix = "example.com/m@v1.0.0/";
        let mut items = plain();
        items[1].name = format!("{prefix}{}", "x".repeat(length - prefix.len())).into_bytes();
        items[1].crc ^= 1;
        let error = h1(&zip(items).bytes()).unwrap_err();
        assert_eq!(error.contains("x...\""), cut, "{error}");
    }
}

#[test]
fn the_first_faulty_entry_is_told_whatever_the_threads() {
    let mut items: Vec<_> = (0..400).map(|i| stored(&format!("{i:03}"), &[i as u8; 5000])).collect();
    items[77].crc ^= 1;
    items[300].crc ^= 1;
    let bytes = zip(items).bytes();
    for threads in 1..5 {
        let error = h1_zip(&bytes, threads).unwrap_err().to_string();
        assert!(error.contains("/077\""), "{error}");
    }
}

/// Counts the reads, and the bytes that were read.
struct Counted(Vec<u8>, Mutex<(usize, usize)>);

impl ReadAt for Counted {
    fn size(&self) -> u64 {
        self.0.size()
    }
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let mut read = self.1.lock().unwrap();
        *read = (read.0 + 1, read.1 + buf.len());
        self.0.read_exact_at(offset, buf)
    }
}

/// Many small files are read at once. A large file is read in pieces, and no byte of it twice.
#[test]
fn a_zip_is_read_in_few_pieces() {
    let small = (0..1000).map(|n| stored(&n.to_string(), &[7; 100])).collect();
    let large = (0..8).map(|n| stored(&n.to_string(), &[7; 2 << 20])).collect();
    for (items, most_reads) in [(small, 20), (large, 80)] {
        let source = Counted(zip(items).bytes(), Mutex::default());
        h1_zip(&source, 1).unwrap();
        let ((reads, bytes), len) = (*source.1.lock().unwrap(), source.0.len());
        assert!(reads <= most_reads && bytes <= len + (512 << 10), "{reads} reads, {bytes} bytes of a zip of {len}");
    }
}

#[test]
fn a_source_that_fails_is_not_the_zip_s_fault() {
    struct Broken(Vec<u8>, u64);
    impl ReadAt for Broken {
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
            if offset < self.1 { Err(io::Error::other("broken disk")) } else { self.0.read_exact_at(offset, buf) }
        }
    }
    let bytes = Zip { comment: vec![b' '; 3000], ..zip(plain()) }.bytes();
    for broken_below in [1, 300, 100_000] {
        assert!(matches!(h1_zip(&Broken(bytes.clone(), broken_below), 2), Err(ZipError::Read(_))));
    }
}

#[test]
fn cut_short_anywhere_it_is_refused() {
    for zip in [zip(plain()), Zip { zip64: true, ..zip(plain()) }] {
        let bytes = zip.bytes();
        for length in 0..bytes.len() {
            assert!(h1(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
            assert!(check(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
        }
    }
}

#[test]
fn a_changed_byte_never_passes_for_the_original() {
    let mut items = plain();
    items[0].descriptor = crafted::Descriptor::Signed;
    items[2].crc = 0; // nothing but h1 guards this one
    items[2].zip64 = true;
    let zip = Zip { zip64: true, comment: b"c".to_vec(), ..zip(items) };
    let bytes = zip.bytes();
    let original = h1(&bytes).unwrap();
    // Where h1's subject lies: the contents, and the names in the directory.
    let find = |needle: &[u8]| bytes.windows(needle.len()).rposition(|window| window == needle).unwrap();
    let mut guarded: Vec<usize> = Vec::new();
    for item in &zip.items {
        guarded.extend((0..item.name.len()).map(|i| find(&item.name) + i));
    }
    let license = find(b"do as you like\n");
    guarded.extend(license..license + 15);
    for at in 0..bytes.len() {
        for mask in (0..8).map(|bit| 1 << bit).chain([0xff]) {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            let result = h1(&changed);
            let _ = check(&changed);
            assert!(!(guarded.contains(&at) && result == Ok(original)), "byte {at} with {mask:#x}");
        }
    }
}

proptest! {
    #[test]
    fn damaged_zips_do_no_harm(which in 0_usize..1000, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let cases = agreed();
        let mut bytes = cases[which % cases.len()].1.clone();
        prop_assume!(!bytes.is_empty() && bytes.len() < 100_000);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = (h1(&bytes), check(&bytes));
    }
}
