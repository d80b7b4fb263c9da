//! What a process leaves behind that is killed at any of its writes, with modules in the store: no state is a finding, a repair changes
//! nothing in it, and who goes on ends well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::relay::Cosigner;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::modules::{self, Proof, Provenance};
use gosumcheck::store::{Folder, index};
use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::note::{KeyKind, SignerKey};
use gosumcheck::sync::{self, SyncOptions};
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};

use super::command::Machine;
use super::common::files_below;
use super::fake::{FakeSumdb, Given, Served};
use super::log;
use super::world::{Module, World, runtime};

/// The records of the first head, and of the one after it.
const SIZES: [u64; 2] = [300, 600];
/// Where the records of the modules are: in a full data tile, in the last one of the first head, and beyond that head.
const PLACES: [usize; 3] = [40, 280, 500];
/// The module whose record is beyond the first head.
const LATE: usize = 2;

/// Of so many states one is repaired: where nothing is found, a repair is a verification.
const REPAIRED: usize = 8;

/// A log whose first head is held, modules, and the upstream that has more of that log.
struct Site {
    world: World,
    served: Served,
}

impl Site {
    fn new() -> Site {
        let modules = ["early", "edge", "late"].map(|name| Module::new(&format!("example.com/{name}"), "v1.0.0", 50));
        let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let record = |id: usize| match PLACES.iter().position(|place| *place == id) {
            Some(at) => modules[at].given(),
            None => Given::new(&format!("example.com/filler{id}"), "v1.0.0", hash, hash),
        };
        let db = FakeSumdb::of_records(&(0..SIZES[1] as usize).map(record).collect::<Vec<_>>());
        let served = db.serve();
        let world = World { modules: modules.to_vec(), log: log::World::of(db, &SIZES[..1]), private: "" };
        let site = Site { world, served };
        let tree = site.world.log.head(SIZES[0]).tree();
        index::update(&site.world.log.log, &site.world.log.log.snapshot(tree).unwrap(), &|_, _| {}).unwrap();
        site
    }

    fn root(&self) -> &Path {
        self.world.root()
    }

    /// The database as a process has it that works in `folder`.
    fn database(&self, folder: &Folder) -> Database {
        let upstreams = Upstreams::new(Http::new(Settings::default()), vec![Base::parse(&self.served.url()).unwrap()]);
        Database::open(folder, self.world.log.db.name(), self.world.log.policy.clone(), upstreams, 4).unwrap()
    }

    /// Stores a module as a server does: its record is proven first.
    fn store(&self, folder: &Folder, module: &Module) -> Result<(), Fault> {
        let database = self.database(folder);
        runtime().block_on(database.records(std::slice::from_ref(&module.version), &|_, _, _| {}))?;
        let record = self.world.log.db.find(module.version.path().as_str(), "v1.0.0").unwrap();
        let store = folder.modules();
        for kind in [Kind::Zip, Kind::GoMod] {
            let mut arrival = store.arrival(&module.version, kind)?;
            let whole = |error: std::io::Error| Fault::nobody("the arrival", error.to_string());
            let there = arrival.len() as usize;
            arrival.append(&module.bytes(kind)[there..]).map_err(whole)?;
            let proof = Provenance::Recorded(Proof { database: self.world.log.db.vkey(), record });
            store.admit(arrival, &module.hash(kind), &proof)?;
        }
        let info = br#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}"#;
        store.write_info(modules::Tree::Proven, &module.version, info)?;
        store.write_list(module.version.path())
    }

    fn sync(&self, folder: &Folder) -> Result<(), Fault> {
        let options = SyncOptions { to: None, jobs: 4, limit_rate: None };
        let log = folder.log(self.world.log.db.name())?;
        runtime().block_on(sync::sync(&self.database(folder), &log, &options, &|_| {})).map(|_| ())
    }

    fn cosign(&self, folder: &Folder) -> Result<(), Fault> {
        let key = SignerKey::of_kind(KeyKind::Witness, "mirror.example/go", [8; 32]).unwrap();
        let (name, database) = (self.world.log.db.name(), self.database(folder));
        let file = folder.head(name)?.cosigned(key.vkey().id());
        let cosigner = Cosigner::new(key, self.world.log.policy.log_key().unwrap(), file, folder.log(name)?)?;
        database.refresh()?;
        let mirror = database.mirror().ok_or_else(|| Fault::nobody("the log", "not yet"))?;
        cosigner.cosign(&database, &mirror, 100).map(|_| ())
    }

    /// Runs `verify` over `data`.
    fn verify(&self, data: &Path, args: &[&str]) -> serde_json::Value {
        let mut machine = Machine::new();
        machine.set("GOSUMDB", self.world.log.db.vkey()).set("GOSUMCHECK_DATA", data.to_str().unwrap());
        let ran = machine.run(&[&["verify", "--format", "json"], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.show());
        ran.json()
    }

    /// Each state that `step` leaves in a copy of the data folder if it is killed at any of its writes: `verify` finds nothing, a repair
    /// changes nothing, and the same step done again ends as if nobody had been killed. Gives how many different ones there were.
    fn each_state(&self, step: &dyn Fn(&Folder) -> Result<(), Fault>) -> usize {
        let on = |disk: FailingDisk| {
            let (copy, disk) = (copy(self.root()), Arc::new(disk));
            let folder = Folder::open_on(copy.path(), Box::new(Arc::clone(&disk)));
            let done = folder.and_then(|folder| step(&folder));
            (copy, disk.calls().len(), done)
        };
        let (whole, writes, done) = on(FailingDisk::never());
        done.unwrap();
        let (whole, mut seen) = (lasting(whole.path()), BTreeSet::new());
        for at in 0..writes {
            // Before it is after the one before it.
            for moment in [Moment::Torn, Moment::After] {
                let (copy, ..) = on(FailingDisk::new(at, moment, Then::Dead));
                let before = content(copy.path());
                if !seen.insert(before.clone()) {
                    continue;
                }
                let what = format!("write {at} of {writes}, {moment:?}: {:?}", before.keys());
                is_normal(&what, &self.verify(copy.path(), &[]));
                if seen.len() % REPAIRED == 1 {
                    is_normal(&what, &self.verify(copy.path(), &["--repair", "--offline"]));
                    assert!(content(copy.path()) == before, "{what}");
                }
                step(&Folder::open(copy.path()).unwrap()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
                let ended = lasting(copy.path());
                let other: Vec<_> = whole.iter().filter(|(path, bytes)| ended.get(*path) != Some(bytes)).collect();
                assert!(other.is_empty(), "{what}: {:?}", other.iter().map(|(path, _)| path).collect::<Vec<_>>());
            }
        }
        seen.len()
    }
}

/// Nothing was found, nothing was repaired, and nothing is warned of.
#[track_caller]
fn is_normal(what: &str, report: &serde_json::Value) {
    assert_eq!(report["total_findings"], 0, "{what}: {report:#}");
    assert_eq!(report["repairs"].as_array().map_or(0, Vec::len), 0, "{what}: {report:#}");
    let mut notices = report["notices"].as_array().unwrap().iter();
    assert!(notices.all(|notice| notice["level"] != "warning"), "{what}: {report:#}");
}

/// A copy of a data folder.
fn copy(root: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in files_below(root) {
        let to = copy.path().join(path.strip_prefix(root).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
    copy
}

/// Every file, but for locks and what SQLite makes for as long as it works.
fn content(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_passing = |path: &Path| ["lock", "-shm", "-wal"].iter().any(|end| path.to_string_lossy().ends_with(end));
    let files = files_below(root).into_iter().filter(|path| !is_passing(path));
    files.map(|path| (path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// What is the same after every run that came to its end: no stamps, no times, no temporary files.
fn lasting(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = content(root);
    let is_lasting = |path: &Path| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let of_log = path.starts_with("log") && !path.ends_with("index.sqlite") && !path.ends_with("heads");
        of_log
            || ["zip", "mod", "ziphash", "modhash", "info"].contains(&&*ending)
            || path.to_string_lossy().contains("cosigned.")
    };
    files.retain(|path, _| is_lasting(path));
    files
}

/// A site whose modules are stored, and proven from its cache where they are not from its log.
fn stored() -> Site {
    let site = Site::new();
    site.world.modules.iter().for_each(|module| site.store(&site.world.folder(), module).unwrap());
    site
}

#[test]
fn a_later_sync() {
    let site = stored();
    let states = site.each_state(&|folder| site.sync(folder));
    assert!(states > 10, "{states}");
}

#[test]
fn a_later_sync_after_the_cache_was_cleared() {
    let site = stored();
    fs::remove_dir_all(site.root().join("cache")).unwrap();
    let states = site.each_state(&|folder| site.sync(folder));
    assert!(states > 10, "{states}");
}

#[test]
fn a_first_sync_after_the_log_was_removed_as_a_finding_advises() {
    let site = stored();
    fs::remove_dir_all(site.root().join("cache")).unwrap();
    fs::remove_dir_all(site.root().join("log")).unwrap();
    // From its first write on: without that there is a store without a log.
    drop(site.world.folder().log(site.world.log.db.name()).unwrap().writer(Tree::EMPTY));
    let states = site.each_state(&|folder| site.sync(folder));
    assert!(states > 10, "{states}");
}

#[test]
fn an_arrival_of_a_record_beyond_the_log() {
    let site = Site::new();
    site.world.modules[..LATE].iter().for_each(|module| site.store(&site.world.folder(), module).unwrap());
    let states = site.each_state(&|folder| site.store(folder, &site.world.modules[LATE]));
    assert!(states > 10, "{states}");
}

#[test]
fn an_eviction() {
    let site = stored();
    let states = site.each_state(&|folder| {
        let mut both = [Kind::Zip, Kind::GoMod].into_iter();
        both.try_for_each(|kind| folder.modules().evict(&site.world.modules[0].version, kind).map(|_| ()))
    });
    assert!(states > 3, "{states}");
}

#[test]
fn a_cosignature() {
    let site = stored();
    site.cosign(&site.world.folder()).unwrap();
    site.sync(&site.world.folder()).unwrap();
    let states = site.each_state(&|folder| site.cosign(folder));
    assert!(states > 2, "{states}");
}
