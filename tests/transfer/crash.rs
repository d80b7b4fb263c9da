//! A disk that fails at change number k, before, in the middle of or after it, for every k of an import. What is there then is
//! right, and the next import has all of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::proxy::{OnMismatch, Proxy, ProxyLimits, ProxyOptions, Upstreams};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::store::Folder;
use gosumcheck::store::disk::{Disk, RealDisk};
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::transfer::{ImportOptions, Imported, import, inventory, recognise};
use gosumcheck::upstream::{Base, Http, Proxies, ProxyEntry, ProxyPlace, Settings};

use crate::world::{MODULES, World};

/// Imports the folder or bundle `from` into `data` on this disk, with the tree `sumdb` as the database's only source.
pub fn import_on(
    world: &World,
    from: &Path,
    sumdb: &Path,
    data: &Path,
    disk: Box<dyn Disk>,
) -> Result<Imported, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = |fault: gosumcheck::fault::Fault| fault.to_string();
    runtime.block_on(async {
        let recognised = recognise(from, None).map_err(said)?;
        let folder = Folder::open_on(data, disk).map_err(said)?;
        let key = VerifierKey::parse(&world.site.log.vkey()).unwrap();
        let sources = gosumcheck::upstream::Upstreams::new(Http::new(Settings::default()), vec![Base::tree(sumdb)]);
        let name = world.site.log.name();
        let database = Database::open(&folder, name, Policy::log(key), sources, 4).map_err(said)?;
        let relay = Relay::new(database, folder.log(name).map_err(said)?, RelayOptions::default()).map_err(said)?;
        let entry = ProxyEntry { place: ProxyPlace::Held(recognised.holding.clone()), falls_back: false };
        let upstreams = Upstreams { public: Proxies::new(vec![entry]), private: None };
        let long = Duration::from_secs(3600);
        let options = ProxyOptions {
            private: Patterns::default(),
            on_mismatch: OnMismatch::Refuse,
            freshness: long,
            stale: long,
            negative: Duration::ZERO,
            threads: 1,
        };
        let proxy = Proxy::beside(&folder, relay, upstreams, options, ProxyLimits::default()).map_err(said)?;
        let options = ImportOptions { at_once: 1, is_dry_run: false, with_private: false };
        let found = inventory(&recognised.holding);
        import(&proxy, &recognised.holding, &found, options, &|_, _| {}).await.map_err(said)
    })
}

/// The checksum database's tree, as a bundle with all modules has it.
pub fn unpacked(world: &World) -> PathBuf {
    world.export("out.tar", "here", &["--for", &world.go_sum()]).says(0, &[]);
    let sumdb = world.at("sumdb");
    std::fs::create_dir(&sumdb).unwrap();
    recognise(&world.at("out.tar"), None).unwrap().bundle.unwrap().unpack_sumdb(&sumdb).unwrap();
    sumdb
}

/// `verify` finds nothing in `data`.
fn is_normal(world: &World, data: &Path, whence: &str) {
    let (key, data) = (world.site.log.vkey(), data.to_str().unwrap());
    let ran =
        world.command(&["verify", "--data", data, "--sumdb", &key, "--private", "none", "--format", "json"]).output();
    let said = [ran.as_ref().unwrap().stdout.clone(), ran.as_ref().unwrap().stderr.clone()].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(ran.unwrap().status.code() == Some(0) && said.contains("\"total_findings\": 0"), "{whence}: {said}");
}

/// What `data` has of modules is right, and all of it with an import more.
fn goes_on(world: &World, from: &Path, sumdb: &Path, data: &Path, whence: &str) {
    let name = data.file_name().unwrap().to_str().unwrap();
    let expected = world.everything();
    for (file, bytes) in world.stored(name) {
        // An `.info` may still be what the name alone says.
        assert!(expected.get(&file) == Some(&bytes) || file.ends_with(".info"), "{whence}: {file}");
    }
    let imported = import_on(world, from, sumdb, data, Box::new(RealDisk)).unwrap();
    assert_eq!(imported.exit_code(), 0, "{whence}: {:?}", imported.others);
    assert_eq!(world.stored(name), expected, "{whence}");
}

#[test]
fn an_import_that_fails_anywhere_leaves_what_is_right_and_goes_on() {
    let world = World::of(&MODULES[1..2]);
    let athens = world.athens("athens");
    let (sumdb, bundle) = (unpacked(&world), world.at("out.tar"));
    let dead = [Moment::Before, Moment::Torn, Moment::After].map(|moment| (moment, Then::Dead));
    for (from, failures) in [(&athens, &dead[..]), (&bundle, &[(Moment::Torn, Then::Recovers), dead[2]])] {
        let counting = Arc::new(FailingDisk::never());
        let data = world.at("whole");
        let imported = import_on(&world, from, &sumdb, &data, Box::new(counting.clone())).unwrap();
        assert_eq!((imported.stored, imported.modules), (3, 1), "{:?}", imported.others);
        std::fs::remove_dir_all(&data).unwrap();
        let changes = counting.calls().len();
        assert!(changes > 20, "{changes}");
        for at in 0..changes {
            for (moment, then) in failures.iter().copied() {
                let whence = format!("{} {at} {moment:?} {then:?}", from.display());
                let data = world.at("data");
                // Whatever it says of it: some of what fails is not worth an error.
                let _ = import_on(&world, from, &sumdb, &data, Box::new(Arc::new(FailingDisk::new(at, moment, then))));
                // What a full disk did not take of the cache, with no log beside it, proves nothing: that is another state.
                if (moment, then) == (Moment::After, Then::Dead) && data.is_dir() {
                    is_normal(&world, &data, &whence);
                }
                goes_on(&world, from, &sumdb, &data, &whence);
                std::fs::remove_dir_all(&data).unwrap();
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_or_broken_is_named_with_what_to_do() {
    let world = World::of(&MODULES[1..2]);
    let (from, sumdb, data) = (world.goproxy("goproxy"), unpacked(&world), world.at("data"));
    for (is_broken, says) in [(false, "; free some space"), (true, "; the disk is failing")] {
        let mut failed = 0;
        for at in 0.. {
            let disk = FailingDisk::new(at, Moment::Before, Then::Dead);
            let disk = Arc::new(if is_broken { disk.broken() } else { disk });
            let done = import_on(&world, &from, &sumdb, &data, Box::new(disk.clone()));
            if disk.calls().len() <= at {
                assert!(done.is_ok() && failed > 20, "{failed} of {at}: {done:?}");
                break;
            }
            // What nothing depends on, as what a file looked like when it was proven, fails silently: it is done without.
            if let Err(text) = done {
                assert!(text.starts_with(world.home.path().to_str().unwrap()) && text.contains(says), "{at}: {text}");
                failed += 1;
            }
            goes_on(&world, &from, &sumdb, &data, &format!("{says} {at}"));
            std::fs::remove_dir_all(&data).unwrap();
        }
        std::fs::remove_dir_all(&data).unwrap();
    }
}
