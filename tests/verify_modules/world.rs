//! A data folder with modules that were admitted as `serve` admits them, and a log that has their records.

#![allow(unreachable_pub, reason = "a part of one test program")]

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use gosumcheck::database::Database;
use gosumcheck::report::Integrity;
use gosumcheck::report::integrity::{Finding, Flaw};
use gosumcheck::store::Folder;
use gosumcheck::store::modules::{Proof, Provenance};
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use gosumcheck::sumdb::gosum::{Kind, SumHash};
use gosumcheck::sumdb::module::{ModuleVersion, Patterns};
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};
use gosumcheck::verify::{self, ModuleOptions};

use super::fake::{FakeSumdb, Given};
use super::log;

/// The modules that are private.
pub const PRIVATE: &str = "corp.example";

/// A module's files.
#[derive(Clone)]
pub struct Module {
    pub version: ModuleVersion,
    pub zip: Vec<u8>,
    pub go_mod: Vec<u8>,
}

impl Module {
    pub fn new(path: &str, version: &str, size: usize) -> Module {
        let go_mod = format!("module {path}\n\ngo 1.26\n").into_bytes();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        // Random enough that it does not shrink to nothing.
        let body: String = (0..size).map(|n| format!("{:x}", (n * 7919 + path.len()) % 9973)).collect();
        for (name, bytes) in [("go.mod", go_mod.as_slice()), ("LICENSE", b"free\n"), ("a/b.go", body.as_bytes())] {
            zip.start_file(format!("{path}@{version}/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        Module { version: ModuleVersion::new(path, version).unwrap(), zip, go_mod }
    }

    pub fn bytes(&self, kind: Kind) -> &[u8] {
        match kind {
            Kind::Zip => &self.zip,
            Kind::GoMod => &self.go_mod,
        }
    }

    pub fn hash(&self, kind: Kind) -> SumHash {
        SumHash::H1(match kind {
            Kind::Zip => h1_zip(self.zip.as_slice(), 1).unwrap(),
            Kind::GoMod => h1_go_mod(&self.go_mod),
        })
    }

    pub fn is_private(&self) -> bool {
        self.version.path().as_str().starts_with(PRIVATE)
    }

    pub fn given(&self) -> Given {
        let [zip, go_mod] = [Kind::Zip, Kind::GoMod].map(|kind| self.hash(kind).to_string());
        Given::new(self.version.path().as_str(), &self.version.version().to_string(), &zip, &go_mod)
    }
}

/// Modules of every shape of name, the last of them private and in no log.
pub fn modules() -> Vec<Module> {
    [
        ("example.com/plain", "v1.0.0", 10),
        ("example.com/plain", "v1.1.0-rc.1", 3000),
        ("example.com/plain/v2", "v2.0.1", 20_000),
        ("github.com/Burnt/Toml", "v0.3.1", 500),
        ("gopkg.in/yaml.v3", "v3.0.1", 100),
        ("example.com/old", "v5.0.0+incompatible", 100),
        ("example.com/pseudo", "v0.0.0-20260102030405-0123456789ab", 100),
        ("corp.example/secret", "v1.0.0", 100),
    ]
    .map(|(path, version, size)| Module::new(path, version, size))
    .to_vec()
}

/// The data folder and what is in it.
pub struct World {
    pub modules: Vec<Module>,
    pub log: log::World,
    pub private: &'static str,
}

impl World {
    /// With a full log of the records of all modules that are not private, among others.
    pub fn new() -> World {
        World::of(modules())
    }

    pub fn of(modules: Vec<Module>) -> World {
        World::among(modules, 600)
    }

    /// Their records in the midst of so many others.
    pub fn among(modules: Vec<Module>, others: usize) -> World {
        let db = FakeSumdb::of_records(&records(&modules, others));
        let size = db.size();
        let world = World { modules, log: log::World::of(db, &[size]), private: PRIVATE };
        world.admit_all();
        world
    }

    /// With the answers that a server kept, and no full log.
    pub fn without_log() -> World {
        let modules = modules();
        let db = FakeSumdb::of_records(&records(&modules, 600));
        let log = log::World::of(db, &[]);
        let world = World { modules, log, private: PRIVATE };
        world.admit_all();
        world
    }

    pub fn root(&self) -> &Path {
        self.log.root.path()
    }

    pub fn folder(&self) -> Folder {
        Folder::open(self.root()).unwrap()
    }

    fn admit_all(&self) {
        for module in &self.modules {
            for kind in [Kind::Zip, Kind::GoMod] {
                self.admit(module, kind);
            }
        }
    }

    pub fn admit(&self, module: &Module, kind: Kind) {
        let store = self.folder().modules();
        let mut arrival = store.arrival(&module.version, kind).unwrap();
        arrival.append(module.bytes(kind)).unwrap();
        store.admit(arrival, &module.hash(kind), &self.provenance(module)).unwrap();
    }

    /// On whose word a module is admitted.
    fn provenance(&self, module: &Module) -> Provenance {
        if module.is_private() {
            return Provenance::FirstUse;
        }
        let record = self.log.db.find(module.version.path().as_str(), &module.version.version().to_string());
        Provenance::Recorded(Proof { database: self.log.db.vkey(), record: record.unwrap() })
    }

    /// Where a file of a module is.
    pub fn path(&self, module: &Module, ending: &str) -> PathBuf {
        let (path, version) = (module.version.path().escaped(), module.version.version().escaped());
        let tree = if module.is_private() && ending != "info" { "private" } else { "modules" };
        self.root().join(format!("{tree}/{path}/@v/{version}.{ending}"))
    }

    /// All module files: whose, which, and where.
    pub fn files(&self) -> Vec<(&Module, Kind, PathBuf)> {
        let both = |module| [(module, Kind::Zip), (module, Kind::GoMod)];
        let files = self.modules.iter().flat_map(both);
        files.map(|(module, kind)| (module, kind, self.path(module, ending(kind)))).collect()
    }

    /// Asks a server for the records of all modules, so that the answers are kept.
    pub fn keep_answers(&self) {
        let served = self.log.db.serve();
        let database = self.database(&self.folder(), vec![Base::parse(&served.url()).unwrap()]);
        let public = self.modules.iter().filter(|module| !module.is_private());
        let asked: Vec<ModuleVersion> = public.map(|module| module.version.clone()).collect();
        runtime().block_on(database.records(&asked, &|_, _, _| {})).unwrap();
    }

    fn database(&self, folder: &Folder, bases: Vec<Base>) -> Database {
        let policy = Policy::log(VerifierKey::parse(&self.log.db.vkey()).unwrap());
        let upstreams = Upstreams::new(Http::new(Settings::default()), bases);
        Database::open(folder, self.log.db.name(), policy, upstreams, 4).unwrap()
    }

    /// Verifies the modules.
    pub fn verify(&self) -> Integrity {
        self.verify_telling(&|_, _, _| {})
    }

    /// The same, with a callback for the progress.
    pub fn verify_telling(&self, progress: &(dyn Fn(&str, usize, usize) + Sync)) -> Integrity {
        self.verify_as(ModuleOptions::default(), progress)
    }

    /// The same, as `options` say.
    pub fn verify_as(&self, options: ModuleOptions, progress: &(dyn Fn(&str, usize, usize) + Sync)) -> Integrity {
        let folder = Folder::look(self.root()).unwrap();
        let database = self.database(&folder, Vec::new());
        let (threads, private) = (std::num::NonZero::new(2), Patterns::parse(self.private));
        let options = ModuleOptions { threads, private, ..options };
        let mut report = Integrity::new(self.log.db.name());
        runtime().block_on(verify::modules(&folder, &database, &options, progress, &mut report));
        report
    }

    /// Finds nothing.
    #[track_caller]
    pub fn is_in_order(&self) {
        let report = self.verify();
        assert_eq!(report.findings, []);
        let (figures, files) = (report.figures.modules.unwrap(), self.modules.len() as u64 * 2);
        assert_eq!((figures.files, figures.hashed, figures.evicted), (files, files, 0));
        assert_eq!((figures.proven, figures.pinned), (files - 2, 2), "all but the private ones are proven");
        assert_eq!(report.exit_code(), 0);
    }

    /// Finds one thing.
    #[track_caller]
    pub fn finds(&self, flaw: Flaw, path: &Path) -> Finding {
        let report = self.verify();
        assert_eq!(report.findings.len(), 1, "{}: {:#?}", path.display(), report.findings);
        let finding = report.findings[0].clone();
        assert_eq!((finding.flaw, finding.file.as_str()), (flaw, path.to_str().unwrap()), "{finding:?}");
        assert_eq!(report.exit_code(), 1);
        finding
    }
}

pub fn ending(kind: Kind) -> &'static str {
    match kind {
        Kind::Zip => "zip",
        Kind::GoMod => "mod",
    }
}

/// A file changed, and put back when this is dropped.
pub struct Changed {
    path: PathBuf,
    before: Option<Vec<u8>>,
}

impl Changed {
    /// Remembers what is at `path`.
    pub fn at(path: &Path) -> Changed {
        Changed { path: path.to_owned(), before: fs::read(path).ok() }
    }

    pub fn to(path: &Path, bytes: &[u8]) -> Changed {
        let changed = Changed::at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        changed
    }

    pub fn removed(path: &Path) -> Changed {
        let changed = Changed::at(path);
        fs::remove_file(path).unwrap();
        changed
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.path);
        if let Some(before) = &self.before {
            fs::write(&self.path, before).unwrap();
        }
    }
}

/// The records of the public modules in the midst of so many others.
fn records(modules: &[Module], others: usize) -> Vec<Given> {
    let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let filler = |n: usize| Given::new(&format!("example.com/filler{n}"), "v1.0.0", hash, hash);
    let public = modules.iter().filter(|module| !module.is_private());
    (0..others / 2).map(filler).chain(public.map(Module::given)).chain((others / 2..others).map(filler)).collect()
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
