//! Every file of a module store in every way: found, located, told apart, and repaired to what it was. Nothing else changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::proxy::{OnMismatch, Proxy, ProxyOptions, Upstreams};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::report::Integrity;
use gosumcheck::report::integrity::{Diagnosis, Flaw};
use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::upstream::{self, Base, Http, Proxies, ProxyEntry, ProxyPlace, Settings};
use gosumcheck::verify;

use super::damage::{ALL, Damage, Kept};
use super::world::{Module, World, runtime};

/// Modules in each of the stores, which are gone through side by side.
const MODULES: usize = 14;
const STORES: usize = 2;
/// An hour, which no test takes.
const LONG: Duration = Duration::from_secs(3600);

/// What the file of this ending is that somebody damaged, so that it is found nowhere.
pub(super) fn is_normal(ending: &str, damage: Damage, damaged: &[u8], before: &[u8]) -> bool {
    match (ending, damage) {
        // An eviction; a version without a date; a list that is written with the next version; a proof that older versions did not write.
        (_, Damage::Removed) => matches!(ending, "zip" | "mod" | "info" | "list" | "zipproof" | "modproof"),
        // Times and the like in a zip are not hashed: go sees the same files.
        ("zip", Damage::Flip(_) | Damage::Grown) => {
            let hash = |bytes: &[u8]| gosumcheck::sumdb::dirhash::h1_zip(bytes, 1).ok();
            hash(damaged) == hash(before)
        }
        // An older version wrote nothing into a list of pseudo-versions.
        ("list", Damage::Cut(0)) => true,
        // It may name a version that was evicted in the midst of a crash.
        ("list", Damage::Flip(_)) => {
            let text = String::from_utf8_lossy(damaged).into_owned();
            text.strip_suffix('\n').is_some_and(|text| gosumcheck::sumdb::module::Version::parse(text).is_ok())
        }
        _ => false,
    }
}

/// What is behind a finding about a file of this ending, where the file shows it.
pub(super) fn expected(ending: &str, damage: Damage) -> Option<Diagnosis> {
    match damage {
        Damage::Mode(_) => Some(Diagnosis::Replaced),
        Damage::Zeroed | Damage::Cut(0) if matches!(ending, "zip" | "mod" | "info") => Some(Diagnosis::TornWrite),
        Damage::Flip(_) if matches!(ending, "zip" | "mod" | "info") => Some(Diagnosis::BitRot),
        Damage::Linked if matches!(ending, "zip" | "mod") => Some(Diagnosis::Replaced),
        _ => None,
    }
}

/// The proxy of a store, with the modules of `upstream` as its source.
pub(super) fn proxy(world: &World, upstream: &Path) -> Proxy {
    proxy_on(&Folder::open(world.root()).unwrap(), world, upstream).unwrap()
}

/// The same over a folder on another disk.
pub(super) fn proxy_on(folder: &Folder, world: &World, upstream: &Path) -> Result<Proxy, Fault> {
    let policy = Policy::log(VerifierKey::parse(&world.log.db.vkey()).unwrap());
    let nobody = upstream::Upstreams::new(Http::new(Settings::default()), Vec::new());
    let database = Database::open(folder, world.log.db.name(), policy, nobody, 2)?;
    let private = Patterns::parse(world.private);
    let options = RelayOptions { offline: true, private: private.clone() };
    let relay = Relay::new(database, folder.log(world.log.db.name())?, options)?;
    let entry = || ProxyEntry {
        place: ProxyPlace::Base(Base::parse(&format!("file://{}", upstream.display())).unwrap(), Settings::default()),
        falls_back: false,
    };
    let upstreams = Upstreams { public: Proxies::new(vec![entry()]), private: Some(Proxies::new(vec![entry()])) };
    let options = ProxyOptions {
        private,
        on_mismatch: OnMismatch::Refuse,
        freshness: LONG,
        stale: LONG,
        negative: LONG,
        threads: 1,
    };
    Proxy::open(folder, relay, upstreams, options)
}

pub(super) fn diagnosed(world: &World) -> Integrity {
    let mut report = world.verify();
    verify::diagnose(world.log.log.dir(), &mut report);
    report
}

/// A store of modules with all that stands beside them, and a copy of it as an upstream.
fn store(number: usize) -> (World, tempfile::TempDir) {
    let modules = (0..MODULES).map(|n| Module::new(&format!("example.com/s{number}/m{n}"), "v1.0.0", 20 + n)).collect();
    filled(World::of(modules))
}

/// What stands beside its modules, and a copy of them as an upstream.
pub(super) fn filled(world: World) -> (World, tempfile::TempDir) {
    let upstream = tempfile::tempdir().unwrap();
    for module in &world.modules {
        let info = format!("{{\"Version\":\"{}\",\"Time\":\"2026-01-02T03:04:05Z\"}}", module.version.version());
        let dir = upstream.path().join(module.version.path().escaped()).join("@v");
        fs::create_dir_all(&dir).unwrap();
        let version = module.version.version().escaped();
        for (ending, bytes) in [("info", info.as_bytes()), ("zip", &module.zip), ("mod", &module.go_mod)] {
            fs::write(dir.join(format!("{version}.{ending}")), bytes).unwrap();
        }
        world
            .folder()
            .modules()
            .write_info(gosumcheck::store::modules::Tree::Proven, &module.version, info.as_bytes())
            .unwrap();
        world.folder().modules().write_list(module.version.path()).unwrap();
    }
    (world, upstream)
}

/// The files of a module, beside the list.
pub(super) const ENDINGS: [&str; 7] = ["zip", "ziphash", "zipproof", "mod", "modhash", "modproof", "info"];

fn files(world: &World) -> Vec<(PathBuf, &'static str)> {
    let of = |module| ENDINGS.map(|ending| (world.path(module, ending), ending));
    let list = |module| (world.path(module, "info").with_file_name("list"), "list");
    world.modules.iter().flat_map(|module| of(module).into_iter().chain([list(module)])).collect()
}

/// Damages one file in one way, and sees it found and repaired; says whether there was anything to do.
fn case(world: &World, upstream: &Path, number: usize, damage: Damage) -> bool {
    let all = files(world);
    let (path, ending) = all[number].clone();
    let neighbour = all[(number + all.len() / MODULES) % all.len()].0.clone();
    let beside = |path: &Path| {
        let stem = path.with_extension("");
        all.iter().map(|(path, _)| path.clone()).filter(|other| other.with_extension("") == stem).collect::<Vec<_>>()
    };
    let kept: Vec<(PathBuf, Kept)> =
        beside(&path).into_iter().chain(beside(&neighbour)).map(|path| (path.clone(), Kept::of(&path))).collect();
    // A torn proof is what a power cut leaves, another key is another database's, another stamp a restored backup's.
    let is_in_bytes = matches!(damage, Damage::Flip(_) | Damage::Cut(_) | Damage::Zeroed | Damage::Grown);
    if ending.ends_with("proof") && is_in_bytes {
        return false;
    }
    let before = fs::read(&path).unwrap();
    let elsewhere = upstream.join("elsewhere");
    let context = format!("{} {damage:?}", path.display());
    if !damage.does(&path, &neighbour, &elsewhere) {
        return false;
    }
    let report = diagnosed(world);
    let damaged = fs::read(&path).unwrap_or_default();
    if is_normal(ending, damage, &damaged, &before) {
        assert_eq!(report.findings, [], "{context}");
    } else {
        assert!(!report.findings.is_empty(), "{context} is not found");
        let stem = path.with_extension("").display().to_string();
        let is_of = |file: &str| Path::new(file).with_extension("").display().to_string() == stem;
        assert!(report.findings.iter().any(|finding| is_of(&finding.file)), "{context}: {:#?}", report.findings);
        let expected = expected(ending, damage);
        let seen: Vec<Diagnosis> = report.findings.iter().map(|finding| finding.diagnosis).collect();
        assert!(expected.is_none_or(|expected| seen.contains(&expected)), "{context}: {seen:?}, not {expected:?}");
    }
    let proxy = proxy(world, upstream);
    let runtime = runtime();
    for finding in report.findings.iter().filter(|finding| finding.flaw != Flaw::ModuleUnrecorded) {
        if let Err(why) = runtime.block_on(proxy.mend_stored(Path::new(&finding.file))) {
            panic!("{context}: {why}: {finding:#?}");
        }
    }
    drop(proxy);
    let after = world.verify();
    assert_eq!(after.findings, [], "{context}");
    if !is_normal(ending, damage, &damaged, &before) {
        for (path, kept) in &kept {
            // A file that was fetched again has another stamp in its proof.
            let has_stamp = path.extension().is_some_and(|ending| ending.to_string_lossy().ends_with("proof"));
            assert!(kept.is_at(path) || has_stamp && path.is_file(), "{context}: {} is another", path.display());
        }
    }
    kept.iter().for_each(|(path, kept)| kept.put_back(path));
    let _ = (fs::remove_file(&elsewhere), fs::remove_dir_all(world.root().join("refused")));
    true
}

#[test]
fn every_file_of_a_module_store_in_every_way_is_found_told_apart_and_repaired() {
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..STORES {
            let done = &done;
            scope.spawn(move || {
                let (world, upstream) = store(number);
                assert_eq!(world.verify().findings, []);
                for at in 0..files(&world).len() {
                    for damage in ALL {
                        done.fetch_add(usize::from(case(&world, upstream.path(), at, damage)), Ordering::Relaxed);
                    }
                }
                assert_eq!(world.verify().findings, []);
            });
        }
    });
    let done = done.into_inner();
    assert!(done >= 2000, "{done} cases");
}
