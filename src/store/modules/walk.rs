//! What is in the two trees: every file has one of nine endings and the name of a module version, is the list of a module's versions,
//! or is a stray.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::super::words::unavailable;
use super::pin::Pin;
use super::place::FilePaths;
use super::proof::{Proof, ProofFile, proof_extension};
use super::{Modules, Tree, is_file, pin_extension, stamp_extension};
use crate::fault::Fault;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// The names that a module's files have below its path.
pub(super) const VERSIONS: &str = "@v";
/// The name of a list of versions below that.
pub(super) const LIST: &str = "list";
/// The lock of the server, in the tree's own folder.
const LOCK: &str = "lock";
/// The files that have a hash beside them.
const KINDS: [Kind; 2] = [Kind::GoMod, Kind::Zip];

/// One entry of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredItem {
    /// a file of a module
    File {
        /// which tree it is in
        tree: Tree,
        /// of which module version
        module: ModuleVersion,
        /// which file of it
        kind: Kind,
        /// where it is
        path: PathBuf,
        /// its size in bytes
        len: u64,
        /// the hash that stands beside it, in its proof or alone; none where that is missing or no hash, and then the file is not
        /// served
        hash: Option<SumHash>,
    },
    /// a hash whose file is not here
    HashOnly {
        /// which tree it is in
        tree: Tree,
        /// of which module version
        module: ModuleVersion,
        /// which file of it
        kind: Kind,
        /// where the hash is
        path: PathBuf,
        /// what the file was; where it is private, what it may only ever be
        hash: SumHash,
    },
    /// when a version was made
    Info {
        /// which tree it is in
        tree: Tree,
        /// of which module version
        module: ModuleVersion,
        /// where it is
        path: PathBuf,
    },
    /// which versions of a module are here
    List {
        /// of which module
        module: ModulePath,
        /// where it is
        path: PathBuf,
    },
    /// what is none of these, nor the lock: a link or a pipe, whatever its name; a name that no module version has
    Stray(PathBuf),
}

/// What stands beside a file.
#[derive(Debug)]
pub struct Beside {
    /// its hash; a fault where something stands there that is none, or that cannot be read
    pub hash: Result<Option<SumHash>, Fault>,
    /// the hash that was proven, and by which record
    pub proof: Option<(SumHash, Proof)>,
    /// whether something stands where a proof belongs that is none
    pub is_proof_damaged: bool,
}

impl Modules {
    /// What stands beside the file of that kind in one of the trees, for verification.
    ///
    /// # Errors
    /// `Usage`: no file has such a name.
    pub fn beside(&self, tree: Tree, module: &ModuleVersion, kind: Kind) -> Result<Beside, Fault> {
        let place = FilePaths::of(self, tree, module, kind)?;
        let hash = match Pin::read(&place.pin) {
            Ok(Pin::Missing) => Ok(None),
            Ok(Pin::Is(hash)) => Ok(Some(hash)),
            Ok(Pin::Damaged) => Err(Fault::machine(place.pin.display().to_string(), "holds no hash")),
            Err(error) => Err(unavailable(&place.pin, "read", &error)),
        };
        let read = ProofFile::read_in(tree, &place.proof);
        // One that a power cut tore ends early or has zeros; the file is proven again by the next question.
        let is_torn = || {
            is_file(&place.proof)
                && fs::read(&place.proof).is_ok_and(|bytes| !bytes.ends_with(b"\n") || bytes.contains(&0))
        };
        let is_proof_damaged = matches!(&read, Ok(ProofFile::Damaged) | Err(_)) && !is_torn();
        let proof = match read {
            Ok(ProofFile::Is(hash, proof, _)) => Some((hash, proof)),
            _ => None,
        };
        Ok(Beside { hash, proof, is_proof_damaged })
    }
}

pub(super) fn walk(dir: &Path, tree: Tree) -> impl Iterator<Item = Result<StoredItem, Fault>> + use<> {
    let dir = dir.to_path_buf();
    WalkDir::new(&dir).sort_by_file_name().into_iter().filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) => found(&dir, tree, &entry).transpose(),
        // Nothing was ever stored, or the entry was removed meanwhile.
        Err(error) if error.io_error().is_some_and(|error| error.kind() == NotFound) => None,
        Err(error) => {
            let path = error.path().unwrap_or(&dir).display().to_string();
            Some(Err(Fault::machine(path, format!("cannot read: {error}"))))
        }
    })
}

/// `None` for the lock, for a file that is reported together with its module file or hash, and for one that was removed meanwhile.
fn found(dir: &Path, tree: Tree, entry: &DirEntry) -> Result<Option<StoredItem>, Fault> {
    let path = entry.path().to_path_buf();
    let below = path.strip_prefix(dir).ok().and_then(Path::to_str);
    if below == Some(LOCK) && entry.file_type().is_file() {
        return Ok(None);
    }
    let named = below.filter(|_| entry.file_type().is_file()).and_then(parse);
    let Some((module, ending)) = named else {
        let list = below.filter(|_| tree == Tree::Proven && entry.file_type().is_file()).and_then(parse_list);
        return Ok(Some(list.map_or(StoredItem::Stray(path.clone()), |module| StoredItem::List { module, path })));
    };
    let unreadable = |path: &Path, error: &std::io::Error| unavailable(path, "read", error);
    if ending == "info" {
        return Ok(Some(StoredItem::Info { tree, module, path }));
    }
    for kind in KINDS {
        if ending == kind.extension() {
            return file(tree, module, kind, path);
        }
        if ending == pin_extension(kind) {
            if is_file(&path.with_extension(kind.extension())) {
                return Ok(None);
            }
            return match Pin::read(&path).map_err(|error| unreadable(&path, &error))? {
                Pin::Is(hash) => Ok(Some(StoredItem::HashOnly { tree, module, kind, path, hash })),
                Pin::Damaged => Ok(Some(StoredItem::Stray(path))),
                Pin::Missing => Ok(None),
            };
        }
        // Without its file neither claims anything.
        let beside = if tree == Tree::Proven { proof_extension(kind) } else { stamp_extension(kind) };
        if ending == beside {
            return Ok(None);
        }
    }
    Ok(Some(StoredItem::Stray(path)))
}

fn file(tree: Tree, module: ModuleVersion, kind: Kind, path: PathBuf) -> Result<Option<StoredItem>, Fault> {
    let unreadable = |path: &Path, error: &std::io::Error| unavailable(path, "read", error);
    let len = match path.symlink_metadata() {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    let (pin, proof) = (path.with_extension(pin_extension(kind)), path.with_extension(proof_extension(kind)));
    let proven = ProofFile::read_in(tree, &proof).map_err(|error| unreadable(&proof, &error))?;
    let hash = match (proven, Pin::read(&pin).map_err(|error| unreadable(&pin, &error))?) {
        (ProofFile::Is(hash, ..), _) | (_, Pin::Is(hash)) => Some(hash),
        (_, Pin::Missing | Pin::Damaged) => None,
    };
    Ok(Some(StoredItem::File { tree, module, kind, path, len, hash }))
}

/// The module version and the ending of `<escaped path>/@v/<escaped version>.<ending>`.
pub(super) fn parse(below: &str) -> Option<(ModuleVersion, &str)> {
    let (folder, name) = below.rsplit_once('/')?;
    let (module, versions) = folder.rsplit_once('/')?;
    let (version, ending) = name.rsplit_once('.')?;
    let module = ModulePath::unescape(module).ok().filter(|_| versions == VERSIONS)?;
    Some((ModuleVersion::pair(module, Version::unescape(version).ok()?).ok()?, ending))
}

/// The module of `<escaped path>/@v/list`.
fn parse_list(below: &str) -> Option<ModulePath> {
    let (folder, name) = below.rsplit_once('/')?;
    let (module, versions) = folder.rsplit_once('/')?;
    ModulePath::unescape(module).ok().filter(|_| versions == VERSIONS && name == LIST)
}

/// The versions that have a file of one of these kinds in `dir`, which is the folder `@v` of `module`, and a hash beside it.
pub(super) fn versions(dir: &Path, module: &ModulePath, kinds: &[Kind]) -> Result<Vec<Version>, Fault> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => return Ok(Vec::new()),
        Err(error) => return Err(unavailable(dir, "read", &error)),
    };
    let mut files = HashSet::new();
    for entry in entries {
        let entry = entry.map_err(|error| unavailable(dir, "read", &error))?;
        if entry.file_type().is_ok_and(|found| found.is_file()) {
            files.extend(entry.file_name().into_string());
        }
    }
    let version = |name: &String| {
        let (version, ending) = name.rsplit_once('.')?;
        let kind = kinds.iter().find(|kind| ending == kind.extension())?;
        let hash = files.contains(&format!("{version}.{}", pin_extension(*kind)));
        let version = Version::unescape(version).ok().filter(|_| hash)?;
        ModuleVersion::pair(module.clone(), version).ok().map(|found| found.version().clone())
    };
    let mut versions: Vec<Version> = files.iter().filter_map(version).collect();
    versions.sort();
    versions.dedup();
    Ok(versions)
}
