//! Real modules: those of a go command's module cache, each file in turn damaged in every way.
//!
//! GOSUMCHECK_MODCACHE names the cache, or several as PATH does; else it is the one of the go command.
//! GOSUMCHECK_REQUIRE_MODCACHE=1 turns a skip into a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gosumcheck::report::integrity::Flaw;
use gosumcheck::sumdb::dirhash::h1_zip;
use gosumcheck::sumdb::gosum::{Kind, SumHash};

use super::common::{cached_zips, skip};
use super::world::{Changed, Module, World};

/// Modules of the store, the smallest of the cache.
const MODULES: usize = 250;
/// Larger zips take long to hash again and again, and are damaged no otherwise.
const LARGEST: u64 = 512 << 10;
/// Fewer are not worth the name of a store.
const FEWEST: usize = 100;
/// Files that are damaged at once: as many findings of one kind are named.
const AT_ONCE: usize = 100;
/// Files that are removed at once: as many are named.
const REMOVED_AT_ONCE: usize = 20;

/// The modules of the cache that have both files.
fn cached() -> Option<Vec<Module>> {
    let mut found = cached_zips(LARGEST)?;
    if found.len() < FEWEST {
        skip(&format!("the module cache holds {} modules", found.len()), "GOSUMCHECK_REQUIRE_MODCACHE");
        return None;
    }
    found.truncate(MODULES);
    let module = |(_, version, path): (u64, _, PathBuf)| Module {
        version,
        zip: fs::read(&path).unwrap(),
        go_mod: fs::read(path.with_extension("mod")).unwrap(),
    };
    Some(found.into_iter().map(module).collect())
}

/// Whether a zip that was damaged still has all of its files as they were: the damage is in a time or a mode, which no h1 is
/// about and the go command does not look at.
fn is_harmless(module: &Module, kind: Kind, damaged: &[u8]) -> bool {
    kind == Kind::Zip && h1_zip(damaged, 1).is_ok_and(|hash| SumHash::H1(hash) == module.hash(kind))
}

type Damage = fn(&World, &Module, Kind) -> Vec<u8>;

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

const DAMAGES: [(&str, Damage); 5] = [
    ("first byte", |_, module, kind| flipped(module.bytes(kind), 0)),
    ("middle byte", |_, module, kind| flipped(module.bytes(kind), module.bytes(kind).len() / 2)),
    ("last byte", |_, module, kind| flipped(module.bytes(kind), module.bytes(kind).len() - 1)),
    ("truncated", |_, module, kind| module.bytes(kind)[..module.bytes(kind).len() * 2 / 3].to_vec()),
    ("swapped", |world, module, kind| {
        let differs = |other: &&Module| other.bytes(kind) != module.bytes(kind);
        world.modules.iter().rev().find(differs).unwrap().bytes(kind).to_vec()
    }),
];

#[test]
fn every_file_of_a_store_of_real_modules_in_every_way() {
    let Some(modules) = cached() else { return };
    let mut world = World::of(modules);
    world.private = "";
    let files = world.files();
    let report = world.verify();
    assert_eq!((report.findings, report.figures.modules.unwrap().proven), (Vec::new(), files.len() as u64));
    for (name, damage) in DAMAGES {
        let mut harmless = 0;
        for some in files.chunks(AT_ONCE) {
            let (mut expected, mut changed) = (BTreeSet::new(), Vec::new());
            for (module, kind, path) in some {
                let bytes = damage(&world, module, *kind);
                changed.push(Changed::to(path, &bytes));
                if is_harmless(module, *kind, &bytes) {
                    harmless += 1;
                } else {
                    expected.insert(path.to_str().unwrap().to_owned());
                }
            }
            let report = world.verify();
            let found: BTreeSet<String> = report.findings.iter().map(|finding| finding.file.clone()).collect();
            assert_eq!(found, expected, "{name}");
            assert!(report.findings.iter().all(|finding| finding.flaw == Flaw::ModuleDamaged), "{name}");
            assert_eq!(report.total(), expected.len() as u64, "{name}");
        }
        assert!(harmless * 20 < files.len(), "{name}: {harmless} of {}", files.len());
    }
    for some in files.chunks(REMOVED_AT_ONCE) {
        let _changed: Vec<Changed> = some.iter().map(|(_, _, path)| Changed::removed(path)).collect();
        let report = world.verify();
        assert_eq!((report.findings.len(), report.figures.modules.unwrap().evicted), (0, some.len() as u64));
        let is_named = |path: &Path| report.notices.iter().any(|notice| notice.text.contains(path.to_str().unwrap()));
        assert!(some.iter().all(|(_, _, path)| is_named(path)));
    }
    assert_eq!(world.verify().findings, []);
}
