//! `verify` finds every kind of damage and says where it is, and finds nothing in a log that is in order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a panic is a failed test")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "verify/world.rs"]
mod world;

use gosumcheck::report::integrity::Flaw;
use world::World;

#[test]
fn a_log_in_order_has_no_finding() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 600, 1000] {
        let world = World::new(size, &[size]);
        let report = world.verify();
        assert_eq!(report.findings, [], "{size}");
        assert_eq!((report.exit_code(), report.figures.records, report.figures.heads), (0, size, 1), "{size}");
    }
}

#[test]
fn a_log_that_grew_has_the_roots_of_all_its_heads() {
    let world = World::new(70_000, &[1, 255, 256, 257, 600, 65_535, 65_536, 65_537, 69_000, 70_000]);
    let report = world.verify();
    assert_eq!(report.findings, []);
    assert_eq!(report.figures.heads, 10);
    assert_eq!(report.notices, []);
}

#[test]
fn every_byte_of_every_file_counts() {
    let world = World::new(300, &[300]);
    for name in ["records", "hashes.0", "hashes.1", "offsets", "heads", "head"] {
        let bytes = world.bytes(name);
        // Every byte would take a minute; the strides meet every place of a record, a hash and an entry.
        let step = match name {
            "records" => 23,
            "hashes.0" => 5,
            _ => 1,
        };
        for at in (0..bytes.len()).step_by(step) {
            let mut torn = bytes.clone();
            torn[at] ^= 1 << (at % 8);
            world.put(name, &torn);
            let report = world.verify();
            let flaws: Vec<Flaw> = report.findings.iter().map(|found| found.flaw).collect();
            let expected = match name {
                "records" => Flaw::RecordsDamaged,
                "offsets" => Flaw::OffsetsDamaged,
                "heads" => Flaw::HeadsDamaged,
                "head" => Flaw::HeadDamaged,
                _ => Flaw::HashesDamaged,
            };
            assert!(flaws.iter().all(|flaw| *flaw == expected) && !flaws.is_empty(), "{name}:{at}: {report:?}");
            let found = &report.findings[0];
            if name == "records" {
                let id = world.record_at(at);
                assert!(found.records.as_ref().unwrap().contains(&id), "{name}:{at} in {id}: {found:?}");
            }
            if let Some(bytes) = &found.bytes {
                let (from, to) = (bytes.start.saturating_sub(1), bytes.end + 1);
                assert!((from..to).contains(&(at as u64)), "{name}:{at}: {found:?}");
            }
            world.put(name, &bytes);
        }
    }
    assert_eq!(world.verify().findings, []);
}
