//! Where the files of modules lie on this machine: a folder laid out as a proxy's paths, the disk store of an Athens, or one
//! file that has many in it. Whatever it is, it is asked the questions of the GOPROXY protocol.
//!
//! The operator names it, but others may have filled it: only links that stay inside a folder are followed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{self, Links, Tree, Unfit};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;

/// A place with files of modules.
#[derive(Debug, Clone)]
pub enum Holding {
    /// a folder whose paths are those of the GOPROXY protocol: `GOMODCACHE/cache/download`, or the cache of a goproxy
    Tree(PathBuf),
    /// the disk store of an Athens, `MODULE/VERSION/{go.mod,source.zip,VERSION.info}` with nothing escaped (pkg/storage/fs of
    /// Athens)
    Athens(PathBuf),
    /// one file, in which each answer is a range of bytes
    Archive(Arc<Archive>),
}

/// A file in which others stand, uncompressed.
#[derive(Debug)]
pub struct Archive {
    /// the file
    pub path: PathBuf,
    /// where each begins and how long it is, in bytes, by its path in the GOPROXY protocol
    pub members: BTreeMap<String, (u64, u64)>,
}

/// An open file, or the range of one.
pub(super) struct HeldFile {
    pub(super) file: File,
    /// where it begins
    pub(super) at: u64,
    /// its length in bytes
    pub(super) len: u64,
    /// as messages call it
    pub(super) place: String,
}

impl Holding {
    /// The folder or the file.
    pub fn path(&self) -> &Path {
        match self {
            Holding::Tree(root) | Holding::Athens(root) => root,
            Holding::Archive(archive) => &archive.path,
        }
    }

    /// The answer to a request; none where it is not there. An empty file has not been written yet, but for a list.
    ///
    /// # Errors
    /// `NotFound` where the folder or the file itself is not there; others of the system, and an [`Unfit`].
    pub(super) fn open(&self, request: &ModuleRequest) -> io::Result<Option<HeldFile>> {
        let (root, below) = match self {
            Holding::Tree(root) => (root, request.to_string()),
            Holding::Athens(root) => match athens_path(request) {
                Some(below) => (root, below),
                None => return Ok(None),
            },
            Holding::Archive(archive) => return archive.open(request),
        };
        match Tree::open(root).and_then(|tree| tree.file(Path::new(&below), Links::Within)) {
            Ok(file) => {
                let len = file.metadata()?.len();
                let place = root.join(below).display().to_string();
                let is_written = len > 0 || matches!(request, ModuleRequest::List(_));
                Ok(is_written.then_some(HeldFile { file, at: 0, len, place }))
            }
            // A link out of the tree is an error; anything else that is not a regular file counts as missing.
            Err(error) if Unfit::of(&error).is_some_and(|unfit| unfit != Unfit::Leaves) => Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                if root.is_dir() { Ok(None) } else { Err(io::ErrorKind::NotFound.into()) }
            }
            Err(error) => Err(error),
        }
    }
}

impl Archive {
    fn open(&self, request: &ModuleRequest) -> io::Result<Option<HeldFile>> {
        let name = request.to_string();
        let Some((at, len)) = self.members.get(&name).copied() else { return Ok(None) };
        let file = files::open(&self.path)?;
        if at.checked_add(len).is_none_or(|end| end > file.metadata().map_or(0, |found| found.len())) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(HeldFile { file, at, len, place: format!("{}#{name}", self.path.display()) }))
    }
}

/// Where an Athens keeps a file; none for what it does not keep.
fn athens_path(request: &ModuleRequest) -> Option<String> {
    let (module, name) = match request {
        ModuleRequest::File(module, Kind::GoMod) => (module, "go.mod".to_owned()),
        ModuleRequest::File(module, Kind::Zip) => (module, "source.zip".to_owned()),
        ModuleRequest::Info(module) => (module, format!("{}.info", module.version())),
        ModuleRequest::List(_) | ModuleRequest::Latest(_) | ModuleRequest::Query(..) => return None,
    };
    Some(format!("{}/{}/{name}", module.path(), module.version()))
}
