//! Module versions, their files, and a judge of the whole tree.

use std::fs;
use std::path::Path;

use gosumcheck::store::Folder;
use gosumcheck::store::modules::{Arrival, Found, Modules};
use gosumcheck::sumdb::dirhash::h1_go_mod;
use gosumcheck::sumdb::gosum::{Kind, SumHash};
use gosumcheck::sumdb::module::ModuleVersion;

pub(crate) const BYTES: &[u8] = b"module example.com/Mixed/m\n\ngo 1.21\n\nrequire example.com/other v1.2.3\n";
pub(crate) const KINDS: [Kind; 2] = [Kind::Zip, Kind::GoMod];

pub(crate) fn module(text: &str) -> ModuleVersion {
    ModuleVersion::parse_at(text).unwrap()
}

pub(crate) fn mixed() -> ModuleVersion {
    module("example.com/Mixed/m@v1.0.0-RC1")
}

/// The store looks at no bytes: here every file is hashed as if it were a go.mod.
pub(crate) fn hash(bytes: &[u8]) -> SumHash {
    SumHash::H1(h1_go_mod(bytes))
}

pub(crate) fn modules(root: &Path) -> Modules {
    Folder::open(root).unwrap().modules()
}

/// The file's bytes, arrived in parts.
pub(crate) fn arrived(modules: &Modules, module: &ModuleVersion, kind: Kind, bytes: &[u8]) -> Arrival {
    let mut arrival = modules.arrival(module, kind).unwrap();
    arrival.restart().unwrap();
    bytes.chunks(20).for_each(|part| arrival.append(part).unwrap());
    arrival
}

pub(crate) fn admit(modules: &Modules, module: &ModuleVersion, kind: Kind, bytes: &[u8]) {
    let admitted = modules.admit(arrived(modules, module, kind, bytes), &hash(bytes)).unwrap();
    assert_eq!(admitted.read().unwrap(), bytes);
}

/// Every file that has a name and a hash has that hash; gives how many there are.
pub(crate) fn judge(root: &Path, whence: &str) -> usize {
    let modules = modules(root);
    let mut files = 0;
    for found in modules.walk() {
        if let Found::File { module, kind, path, len, hash: Some(beside) } = found.unwrap() {
            let bytes = fs::read(&path).unwrap();
            assert_eq!(hash(&bytes), beside, "{whence}: {}", path.display());
            assert_eq!(bytes.len() as u64, len);
            assert_eq!(modules.open(&module, kind).unwrap().unwrap().hash(), &beside);
            files += 1;
        }
    }
    files
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
