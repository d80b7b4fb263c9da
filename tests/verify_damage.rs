//! Damage to a log of 70,000 records, three levels of hashes: each kind is found, by its file, its tile and its record, and
//! nothing else is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a panic is a failed test")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "verify/world.rs"]
mod world;

use std::fs;

use gosumcheck::report::Integrity;
use gosumcheck::report::integrity::{Finding, Flaw};
use world::World;

const SIZE: u64 = 70_000;

fn world() -> World {
    World::new(SIZE, &[300, 65_536, 69_999, SIZE])
}

/// The one finding that there is.
fn only(report: &Integrity) -> &Finding {
    assert_eq!(report.total(), 1, "{:#?}", report.findings);
    assert_eq!(report.exit_code(), 1);
    &report.findings[0]
}

/// Places all over a file, the first and the last byte among them.
fn places(len: usize, count: usize) -> Vec<usize> {
    let scattered = (0..count).map(|n| (n * 0x9e37_79b9 + 12_345) % len);
    [0, len / 2, len - 1].into_iter().chain(scattered).collect()
}

#[test]
fn a_flipped_byte_of_records_is_in_the_record_that_is_named() {
    let world = world();
    let (bytes, begins) = (world.bytes("records"), world.begins());
    for at in places(bytes.len(), 9) {
        let mut torn = bytes.clone();
        torn[at] ^= 0x10;
        world.put("records", &torn);
        let report = world.verify();
        let found = only(&report);
        assert_eq!((found.flaw, found.file.as_str()), (Flaw::RecordsDamaged, "records"), "{at}");
        let id = begins.partition_point(|begin| *begin <= at as u64) as u64 - 1;
        let (records, span) = (found.records.clone().unwrap(), found.bytes.clone().unwrap());
        // A blank line is at the end of the record before it, or at the beginning of the one after.
        assert!(records.contains(&id) || records.contains(&(id + 1)), "{at}: record {id} in {found:?}");
        assert!(records.end - records.start <= 2, "{at}: {found:?}");
        assert!(span.start <= at as u64 + 1 && at as u64 <= span.end, "{at}: {found:?}");
        let tiles = id / 256..=(id + 1) / 256;
        let fetch = found.fetch.clone().unwrap();
        assert!(tiles.contains(&fetch.start) && fetch.end - fetch.start <= 1, "{at}: {found:?}");
        world.put("records", &bytes);
    }
    assert_eq!(world.verify().findings, []);
}

#[test]
fn a_flipped_byte_of_hashes_is_in_the_hash_that_is_named() {
    let world = world();
    for level in 0..3_u32 {
        let name = format!("hashes.{level}");
        let bytes = world.bytes(&name);
        for at in places(bytes.len(), 5) {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            world.put(&name, &torn);
            let report = world.verify();
            let found = only(&report);
            let slot = at as u64 / 32;
            assert_eq!((found.flaw, &found.file), (Flaw::HashesDamaged, &name), "{at}");
            assert_eq!(found.bytes, Some(slot * 32..slot * 32 + 32), "{name}:{at}");
            let below = 1 << (8 * level);
            assert_eq!(found.records, Some(slot * below..(slot + 1) * below), "{name}:{at}");
            assert!(found.tile.as_ref().unwrap().starts_with(&format!("tile/8/{level}/")), "{found:?}");
            assert_eq!(found.fetch, None);
            world.put(&name, &bytes);
        }
    }
}

#[test]
fn a_flipped_byte_of_offsets_is_in_the_entry_that_is_named() {
    let world = world();
    let bytes = world.bytes("offsets");
    for at in places(bytes.len(), 7) {
        let mut torn = bytes.clone();
        torn[at] ^= 0x41;
        world.put("offsets", &torn);
        let report = world.verify();
        let found = only(&report);
        let entry = at as u64 / 8;
        assert_eq!(
            (found.flaw, &found.bytes),
            (Flaw::OffsetsDamaged, &Some(entry * 8..entry * 8 + 8)),
            "{at}: {found:?}"
        );
        world.put("offsets", &bytes);
    }
}

#[test]
fn a_file_that_was_cut_off_is_named_with_the_place() {
    let world = world();
    for name in ["records", "offsets", "hashes.0", "hashes.1", "hashes.2"] {
        let bytes = world.bytes(name);
        for len in [bytes.len() / 2, bytes.len() - 1] {
            world.put(name, &bytes[..len]);
            let report = world.verify();
            assert!(
                report.findings.iter().all(|found| found.flaw == Flaw::CutOff && found.file == name),
                "{name} {len}: {:#?}",
                report.findings
            );
            let found = &report.findings[0];
            let unit = match name {
                "records" => 1000,
                "offsets" => 8,
                _ => 32,
            };
            let at = found.bytes.as_ref().unwrap().start;
            assert!(at <= len as u64 && len as u64 - at < unit, "{name} {len}: {:#?}", report.findings);
        }
        fs::remove_file(world.path(name)).unwrap();
        let report = world.verify();
        assert!(!report.findings.is_empty(), "without {name}");
        assert!(
            report.findings.iter().all(|found| found.flaw == Flaw::CutOff && found.file == name),
            "{name}: {:#?}",
            report.findings
        );
        world.put(name, &bytes);
    }
    assert_eq!(world.verify().findings, []);
}

#[test]
fn what_lies_beyond_the_head_is_ignored_and_said() {
    let world = world();
    for name in ["records", "offsets", "hashes.0", "hashes.1", "hashes.2"] {
        let bytes = world.bytes(name);
        world.put(name, &[&bytes[..], b"\nwhat a crash left\n\nbehind\n"].concat());
        let report = world.verify();
        assert_eq!(report.findings, [], "{name}");
        assert_eq!(report.notices.len(), usize::from(name == "records"), "{name}");
        world.put(name, &bytes);
    }
}

#[test]
fn swapped_tiles_are_both_named() {
    let world = world();
    let (bytes, offsets) = (world.bytes("records"), world.bytes("offsets"));
    let begins: Vec<usize> = offsets.as_chunks().0.iter().map(|at| u64::from_le_bytes(*at) as usize).collect();
    let tile = |n: usize| &bytes[begins[n]..begins[n + 1]];
    for (a, b) in [(0, 1), (10, 11), (263, 271)] {
        let swapped =
            [&bytes[..begins[a]], tile(b), &bytes[begins[a + 1]..begins[b]], tile(a), &bytes[begins[b + 1]..]];
        world.put("records", &swapped.concat());
        let report = world.verify();
        assert!(
            report
                .findings
                .iter()
                .all(|found| found.flaw == Flaw::RecordsDamaged || found.flaw == Flaw::OffsetsDamaged)
        );
        let fetch = report.to_fetch();
        for tile in [a, b] {
            assert!(fetch.iter().any(|range| range.contains(&(tile as u64))), "{a} and {b}: {fetch:?}");
        }
        assert!(fetch.first().unwrap().start >= a as u64 && fetch.last().unwrap().end <= b as u64 + 2, "{fetch:?}");
    }
    world.put("records", &bytes);
    // Of one length, none between them moves.
    let (a, b) = (0..200)
        .flat_map(|a| (a + 1..200).map(move |b| (a, b)))
        .find(|(a, b)| tile(*a).len() == tile(*b).len() && a + 1 < *b)
        .unwrap();
    let swapped = [&bytes[..begins[a]], tile(b), &bytes[begins[a + 1]..begins[b]], tile(a), &bytes[begins[b + 1]..]];
    world.put("records", &swapped.concat());
    let report = world.verify();
    assert_eq!(report.to_fetch(), [a as u64..a as u64 + 1, b as u64..b as u64 + 1]);
}

#[test]
fn damage_at_many_places_is_found_in_one_go() {
    let world = world();
    let flip = |name: &str, at: usize| {
        let mut bytes = world.bytes(name);
        bytes[at] ^= 4;
        world.put(name, &bytes);
    };
    let begins = world.begins();
    // A record, another in the tile in which a stored hash is hit as well, hashes of three levels, an entry of offsets.
    for (name, at) in [
        ("records", begins[5_000] as usize + 9),
        ("records", begins[30_000] as usize + 9),
        ("hashes.0", 32 * 30_001),
        ("hashes.0", 32 * 69_990),
        ("hashes.1", 32 * 40),
        ("hashes.2", 5),
        ("offsets", 8 * 200),
    ] {
        flip(name, at);
    }
    let report = world.verify();
    let found: Vec<_> =
        report.findings.iter().map(|found| (found.file.as_str(), found.flaw, found.records.clone())).collect();
    assert_eq!(
        found,
        [
            ("hashes.0", Flaw::HashesDamaged, Some(30_001..30_002)),
            ("hashes.0", Flaw::HashesDamaged, Some(69_990..69_991)),
            ("hashes.1", Flaw::HashesDamaged, Some(40 * 256..41 * 256)),
            ("hashes.2", Flaw::HashesDamaged, Some(0..65_536)),
            ("offsets", Flaw::OffsetsDamaged, None),
            ("records", Flaw::RecordsDamaged, Some(5_000..5_001)),
            ("records", Flaw::RecordsDamaged, Some(30_000..30_001)),
        ],
        "{:#?}",
        report.findings
    );
    assert_eq!(report.to_fetch(), [19..20, 117..118]);
}
