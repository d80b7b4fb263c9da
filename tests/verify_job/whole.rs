//! The matrix on a store as it is in use: a log of 100,000 records and 200 real modules. Each file of it, in each way, is found, located,
//! told apart, and repaired to what it was. Files of many modules are damaged at once: each is found by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gosumcheck::report::integrity::{Diagnosis, Finding, Flaw};

use super::cached::cached;
use super::damage::{ALL, Damage, Kept};
use super::matrix::{ENDINGS, diagnosed, filled, is_normal, proxy};
use super::repair;
use super::world::{Module, World, runtime};

const RECORDS: usize = 100_000;
const MODULES: usize = 200;
/// Files that are damaged at once: as many findings of one kind are named.
const AT_ONCE: usize = 100;

/// Real modules where there are any, else made ones.
fn modules() -> Vec<Module> {
    let made = || (0..MODULES).map(|n| Module::new(&format!("example.com/m{n}"), "v1.0.0", 20 + n)).collect();
    cached(MODULES).unwrap_or_else(made)
}

#[test]
fn every_file_of_a_log_of_100_000_records() {
    let modules = vec![Module::new("example.com/m", "v1.0.0", 20)];
    let world = World::among(modules, RECORDS - 1).log;
    assert_eq!(world.db.size(), RECORDS as u64);
    repair::index(&world);
    let names = ["records", "offsets", "hashes.0", "hashes.1", "hashes.2", "head", "heads", "index.sqlite"];
    let cases = repair::matrix(&world, &names, &ALL);
    assert!(cases > 90, "{cases}");
}

#[test]
fn every_file_of_200_modules() {
    let (world, upstream) = filled(World { private: "", ..World::among(modules(), RECORDS - MODULES) });
    assert_eq!(diagnosed(&world).findings, []);
    let mut cases = 0;
    for ending in ENDINGS.into_iter().chain(["list"]) {
        let path = |module: &Module| match ending {
            "list" => world.path(module, "info").with_file_name("list"),
            ending => world.path(module, ending),
        };
        let paths: BTreeSet<PathBuf> = world.modules.iter().map(path).collect();
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        for damage in ALL {
            for some in paths.chunks(AT_ONCE) {
                cases += at_once(&world, upstream.path(), some, ending, damage);
            }
        }
    }
    assert_eq!(diagnosed(&world).findings, []);
    assert!(cases >= 10_000, "{cases}");
}

/// A file that was damaged, and what it was before.
struct Damaged<'a> {
    path: &'a Path,
    before: Vec<u8>,
}

/// Damages these files in one way, and sees each found and repaired; says how many there were.
fn at_once(world: &World, upstream: &Path, paths: &[PathBuf], ending: &str, damage: Damage) -> usize {
    // A torn proof is what a power cut leaves.
    if ending.ends_with("proof")
        && !matches!(damage, Damage::Removed | Damage::Mode(_) | Damage::Linked | Damage::Swapped)
    {
        return 0;
    }
    let kept: BTreeMap<PathBuf, Kept> =
        paths.iter().flat_map(|path| beside(path)).map(|path| (path.clone(), Kept::of(&path))).collect();
    let mut damaged = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let neighbour = paths.get(at + 1).unwrap_or(&paths[0]);
        let before = fs::read(path).unwrap();
        let is_second = damage == Damage::Swapped && at % 2 == 1;
        if !is_second && damage.does(path, neighbour, &upstream.join(format!("elsewhere.{at}"))) {
            damaged.push(Damaged { path, before });
        }
    }
    let report = diagnosed(world);
    for one in &damaged {
        is_told(one, ending, damage, &report.findings);
    }
    let (proxy, runtime) = (proxy(world, upstream), runtime());
    for finding in report.findings.iter().filter(|finding| finding.flaw != Flaw::ModuleUnrecorded) {
        if let Err(why) = runtime.block_on(proxy.mend_stored(Path::new(&finding.file))) {
            panic!("{ending} {damage:?}: {why}: {finding:#?}");
        }
    }
    drop(proxy);
    assert_eq!(diagnosed(world).findings, [], "{ending} {damage:?}");
    for (path, kept) in &kept {
        let is_changed = damaged.iter().any(|one| one.path == path && is_harmless(one, ending, damage));
        // A file that was fetched again has another stamp in its proof.
        let has_stamp = path.extension().is_some_and(|ending| ending.to_string_lossy().ends_with("proof"));
        assert!(
            is_changed || kept.is_at(path) || has_stamp && path.is_file(),
            "{damage:?}: {} is another",
            path.display()
        );
        kept.put_back(path);
    }
    let _ = fs::remove_dir_all(world.root().join("refused"));
    damaged.len()
}

/// The files of the same module version; of a list, that alone.
fn beside(path: &Path) -> Vec<PathBuf> {
    let stem = path.with_extension("");
    let names = ENDINGS.map(|ending| path.with_file_name(format!("{}.{ending}", stem.file_name().unwrap().display())));
    if path.ends_with("list") { vec![path.to_owned()] } else { names.to_vec() }
}

fn is_harmless(one: &Damaged<'_>, ending: &str, damage: Damage) -> bool {
    is_normal(ending, damage, &fs::read(one.path).unwrap_or_default(), &one.before)
}

/// Whether it is among the findings, with its class, or is none.
fn is_told(one: &Damaged<'_>, ending: &str, damage: Damage, findings: &[Finding]) {
    let context = format!("{} {damage:?}", one.path.display());
    let stem = |path: &Path| beside(path)[0].clone();
    let of_it: Vec<&Finding> =
        findings.iter().filter(|finding| stem(Path::new(&finding.file)) == stem(one.path)).collect();
    if is_harmless(one, ending, damage) {
        assert!(of_it.is_empty(), "{context}: {of_it:#?}");
        return;
    }
    assert!(!of_it.is_empty(), "{context} is not found");
    let expected = match damage {
        Damage::Mode(_) => Some(Diagnosis::Replaced),
        Damage::Zeroed | Damage::Cut(0) if matches!(ending, "zip" | "mod" | "info") => Some(Diagnosis::TornWrite),
        Damage::Flip(_) if matches!(ending, "zip" | "mod" | "info") => Some(Diagnosis::BitRot),
        Damage::Linked if matches!(ending, "zip" | "mod") => Some(Diagnosis::Replaced),
        _ => None,
    };
    let seen: Vec<Diagnosis> = of_it.iter().map(|finding| finding.diagnosis).collect();
    assert!(expected.is_none_or(|expected| seen.contains(&expected)), "{context}: {seen:?}, not {expected:?}");
}
