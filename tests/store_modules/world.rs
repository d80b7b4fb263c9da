//! Module versions, their files, and a judge of the whole tree.

use std::fs;
use std::path::Path;

use gosumcheck::store::Folder;
use gosumcheck::store::modules::{Admitted, Arrival, Modules, Proof, Provenance, Stored, StoredItem, Tree};
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

/// The database that proves what most tests admit.
pub(crate) const DATABASE: &str = "sum.example+033de0ae+AcKey";

/// Its record of a file.
pub(crate) fn proof() -> Proof {
    Proof { database: DATABASE.to_owned(), record: 7 }
}

pub(crate) fn recorded() -> Provenance {
    Provenance::Recorded(proof())
}

pub(crate) fn admit(modules: &Modules, module: &ModuleVersion, kind: Kind, bytes: &[u8]) {
    admit_by(modules, module, kind, bytes, &recorded());
}

pub(crate) fn admit_by(modules: &Modules, module: &ModuleVersion, kind: Kind, bytes: &[u8], by: &Provenance) {
    let admitted = modules.admit(arrived(modules, module, kind, bytes), &hash(bytes), by).unwrap();
    assert_eq!(admitted.read().unwrap(), bytes);
}

/// The file as it is given where that database is asked.
pub(crate) fn open(modules: &Modules, module: &ModuleVersion, kind: Kind) -> Option<Admitted> {
    given(modules, || modules.open(module, kind, DATABASE).unwrap())
}

/// The file of a private module as it is given.
pub(crate) fn open_first_use(modules: &Modules, module: &ModuleVersion, kind: Kind) -> Option<Admitted> {
    given(modules, || modules.open_first_use(module, kind).unwrap())
}

/// What a server gives: a file that changed since it was proven is hashed first.
fn given(modules: &Modules, look: impl Fn() -> Stored) -> Option<Admitted> {
    let mut stored = look();
    for _ in 0..2 {
        match stored {
            Stored::Changed(changed) if hash(&changed.file().read().unwrap()) == *changed.hash() => {
                modules.confirm(&changed);
                stored = look();
            }
            _ => break,
        }
    }
    match stored {
        Stored::Proven(admitted) => Some(admitted),
        Stored::Unproven(_) | Stored::Changed(_) | Stored::Missing => None,
    }
}

/// Every file that has a name and a hash has that hash; gives how many there are.
pub(crate) fn judge(root: &Path, whence: &str) -> usize {
    let modules = modules(root);
    let mut files = 0;
    for found in modules.walk() {
        if let StoredItem::File { tree, module, kind, path, len, hash: Some(beside) } = found.unwrap() {
            let bytes = fs::read(&path).unwrap();
            assert_eq!(hash(&bytes), beside, "{whence}: {}", path.display());
            assert_eq!(bytes.len() as u64, len);
            let opened = match tree {
                Tree::FirstUse => open_first_use(&modules, &module, kind).unwrap().hash().clone(),
                Tree::Proven => match modules.open(&module, kind, DATABASE).unwrap() {
                    Stored::Proven(admitted) => admitted.hash().clone(),
                    Stored::Unproven(stored) => stored.hash().clone(),
                    Stored::Changed(changed) => changed.hash().clone(),
                    Stored::Missing => panic!("{whence}: {} is not opened", path.display()),
                },
            };
            assert_eq!(opened, beside);
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
