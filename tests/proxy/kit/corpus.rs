//! The true answer to every path of the protocol, and the log that proves it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, RwLock};

use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use gosumcheck::sumdb::module::{ModulePath, ModuleVersion, Version};
use hyper::body::Bytes;

use super::spec::Spec;
use crate::fake::{FakeSumdb, Given};

/// Records of other modules around those of the corpus, so that the log has tiles on two levels.
pub const FILLERS: usize = 1_500;

/// Modules and their files. Clones are the same corpus.
#[derive(Clone)]
pub struct Corpus {
    shelf: Arc<RwLock<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    modules: Vec<Module>,
    /// what is answered to a path, unescaped by percent signs only
    files: BTreeMap<String, Bytes>,
}

struct Module {
    name: ModuleVersion,
    dated: String,
    logged: bool,
    h1_zip: String,
    h1_go_mod: String,
}

impl Corpus {
    /// Modules as these specs say.
    ///
    /// # Panics
    /// Where a spec's path and version are none.
    pub fn of(specs: &[Spec]) -> Corpus {
        let corpus = Corpus { shelf: Arc::default() };
        specs.iter().for_each(|spec| corpus.add(spec));
        corpus
    }

    /// One module version more: `list` and `@latest` change. A log that was made before does not.
    pub fn add(&self, spec: &Spec) {
        let name = ModuleVersion::new(&spec.module, &spec.version).unwrap();
        let (go_mod, zip) = (Bytes::from(spec.go_mod.clone()), Bytes::from(spec.zip_bytes()));
        // What nobody can hash is refused whatever the log says of it.
        let h1_of_zip = h1_zip(&zip[..], 2).unwrap_or_else(|_| h1_go_mod(&zip));
        let module = Module {
            dated: spec.dated(),
            logged: spec.logged,
            h1_zip: format!("h1:{h1_of_zip}"),
            h1_go_mod: format!("h1:{}", h1_go_mod(&go_mod)),
            name,
        };
        let mut shelf = self.shelf.write().unwrap();
        let at = |end: &str| format!("{}/@v/{}{end}", module.name.path().escaped(), module.name.version().escaped());
        shelf.files.insert(at(".info"), module.dated.clone().into());
        shelf.files.insert(at(".mod"), go_mod);
        shelf.files.insert(at(".zip"), zip);
        shelf.modules.retain(|other| other.name != module.name);
        let path = module.name.path().clone();
        shelf.modules.push(module);
        shelf.list(&path);
    }

    /// What a branch, a commit or another spelling stands for: the answer to `M/@v/QUERY.info`.
    pub fn query(&self, module: &str, query: &str, version: &str) {
        let told = self.file(&path_of(module, version, ".info")).expect("a version of the corpus");
        let path = format!("{}/@v/{query}.info", ModulePath::parse(module).unwrap().escaped());
        self.publish(&path, told);
    }

    /// Other bytes at a path, or none.
    pub fn publish(&self, path: &str, bytes: impl Into<Bytes>) {
        self.shelf.write().unwrap().files.insert(path.to_owned(), bytes.into());
    }

    /// Takes a path away.
    pub fn remove(&self, path: &str) {
        self.shelf.write().unwrap().files.remove(path);
    }

    /// The answer to a path such as `rsc.io/quote/@v/v1.5.2.zip`, without a leading slash.
    pub fn file(&self, path: &str) -> Option<Bytes> {
        self.shelf.read().unwrap().files.get(path).cloned()
    }

    /// Every path and its answer.
    pub fn files(&self) -> Vec<(String, Bytes)> {
        self.shelf.read().unwrap().files.iter().map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    }

    /// The zip of a module version.
    #[track_caller]
    pub fn zip(&self, module: &str, version: &str) -> Bytes {
        self.file(&path_of(module, version, ".zip")).expect("a version of the corpus")
    }

    /// Its go.mod.
    #[track_caller]
    pub fn go_mod(&self, module: &str, version: &str) -> Bytes {
        self.file(&path_of(module, version, ".mod")).expect("a version of the corpus")
    }

    /// `h1:...` of its zip.
    pub fn h1_zip(&self, module: &str, version: &str) -> String {
        self.with(module, version, |module| module.h1_zip.clone())
    }

    /// `h1:...` of its go.mod.
    pub fn h1_go_mod(&self, module: &str, version: &str) -> String {
        self.with(module, version, |module| module.h1_go_mod.clone())
    }

    fn with<T>(&self, module: &str, version: &str, read: impl FnOnce(&Module) -> T) -> T {
        let name = ModuleVersion::new(module, version).unwrap();
        let shelf = self.shelf.read().unwrap();
        read(shelf.modules.iter().find(|module| module.name == name).expect("a version of the corpus"))
    }

    /// Every module version, in the order in which they came.
    pub fn modules(&self) -> Vec<ModuleVersion> {
        self.shelf.read().unwrap().modules.iter().map(|module| module.name.clone()).collect()
    }

    /// The go.sum lines of those that are in the log.
    pub fn go_sum(&self) -> String {
        self.records().iter().map(|record| record.text.as_str()).collect()
    }

    /// The records of those that are in the log.
    pub fn records(&self) -> Vec<Given> {
        let shelf = self.shelf.read().unwrap();
        let logged = shelf.modules.iter().filter(|module| module.logged);
        let given = logged.map(|module| {
            let (path, version) = (module.name.path().as_str(), module.name.version().as_str());
            Given::new(path, version, &module.h1_zip, &module.h1_go_mod)
        });
        given.collect()
    }

    /// A log that has the records of the modules in the middle of `FILLERS` others.
    pub fn log(&self) -> FakeSumdb {
        self.log_among(FILLERS)
    }

    /// A log that has them in the middle of so many others.
    pub fn log_among(&self, fillers: usize) -> FakeSumdb {
        log_of(self.records(), fillers)
    }

    /// Writes all of it below `folder`: a module proxy that is asked by `file://`.
    pub fn write_to(&self, folder: &Path) {
        for (path, bytes) in self.files() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

impl Shelf {
    /// Makes `list` and `@latest` of a module anew: releases before what precedes a release, as the go command orders them.
    fn list(&mut self, path: &ModulePath) {
        let mut versions: Vec<(&Version, &String)> = Vec::new();
        versions.extend(self.modules.iter().filter(|m| m.name.path() == path).map(|m| (m.name.version(), &m.dated)));
        versions.sort();
        let rank = |version: &Version| (!version.is_pseudo(), !version.is_prerelease());
        let latest = versions.iter().max_by_key(|(version, _)| (rank(version), *version));
        let latest = latest.map(|(_, dated)| (*dated).clone()).unwrap_or_default();
        let tagged = versions.iter().filter(|(version, _)| !version.is_pseudo());
        let list: String = tagged.map(|(version, _)| format!("{version}\n")).collect();
        self.files.insert(format!("{}/@v/list", path.escaped()), list.into());
        self.files.insert(format!("{}/@latest", path.escaped()), latest.into());
    }
}

/// A log that has `records` in the middle of so many others.
pub fn log_of(records: Vec<Given>, fillers: usize) -> FakeSumdb {
    let filler = |n| Given::new(&format!("example.com/filler{n}"), "v1.0.0", "h1:x=", "h1:y=");
    let mut all: Vec<_> = (0..fillers).map(filler).collect();
    let middle = all.len() / 2;
    all.splice(middle..middle, records);
    FakeSumdb::of_records(&all)
}

/// `M/@v/V` and an end, escaped.
fn path_of(module: &str, version: &str, end: &str) -> String {
    let name = ModuleVersion::new(module, version).unwrap();
    format!("{}/@v/{}{end}", name.path().escaped(), name.version().escaped())
}
