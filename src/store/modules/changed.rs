//! A stored file that looks otherwise than when it was last proven. It is given to nobody before it is hashed again: as it was, it
//! is noted to have been proven now; else it goes to the quarantine, and its hash stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::words::unavailable;
use super::place::FilePaths;
use super::proof::{self, Proof};
use super::stamp::Stamp;
use super::{Admitted, Known, Modules, Tree, quarantine};
use crate::fault::Fault;
use crate::store::UseCounter;
use crate::store::scrub::{Paced, ScrubPace};
use crate::sumdb::dirhash::{ModuleZip, ReadAt, ZipError, h1_go_mod};
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// A stored file that may not be what it was.
#[derive(Debug)]
pub struct Changed {
    pub(super) tree: Tree,
    pub(super) module: ModuleVersion,
    pub(super) kind: Kind,
    pub(super) file: Admitted,
    pub(super) by: Option<Proof>,
    /// whether it would be given if it is as it was
    pub(super) is_proven: bool,
}

impl Changed {
    /// What its bytes hashed to when they were proven.
    pub fn hash(&self) -> &SumHash {
        self.file.hash()
    }

    /// The open file. Its bytes are not to be given.
    pub fn file(&self) -> &Admitted {
        &self.file
    }

    /// Whether the database asked has proven it, or first use pinned it.
    pub fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// Which tree it is in.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// Which file of the module it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What its bytes hash to now; none where a zip is none any more. Reads all of them.
    ///
    /// # Errors
    /// `Unavailable`: the disk does not give them.
    pub fn hash_now(&self, threads: usize) -> Result<Option<SumHash>, Fault> {
        self.hash_of(&self.file, threads)
    }

    /// The same, reading no faster than that.
    ///
    /// # Errors
    /// The same; also where the pace is stopped.
    pub fn hash_slowly(&self, pace: &ScrubPace) -> Result<Option<SumHash>, Fault> {
        self.hash_of(&Paced { source: &self.file, pace }, 1)
    }

    fn hash_of(&self, source: &impl ReadAt, threads: usize) -> Result<Option<SumHash>, Fault> {
        let unread = |error: std::io::Error| unavailable(&PathBuf::from(self.module.to_string()), "read", &error);
        match self.kind {
            Kind::GoMod => {
                let mut bytes = vec![0; usize::try_from(source.size()).unwrap_or(usize::MAX)];
                source.read_exact_at(0, &mut bytes).map_err(unread)?;
                Ok(Some(SumHash::H1(h1_go_mod(&bytes))))
            }
            Kind::Zip => match ModuleZip::read(source).and_then(|zip| zip.h1(threads)) {
                Ok(hash) => Ok(Some(SumHash::H1(hash))),
                Err(ZipError::Read(error)) => Err(unread(error)),
                Err(ZipError::Refused(_)) => Ok(None),
            },
        }
    }
}

impl Modules {
    /// Notes that a file was found to be as it was: its bytes have just been hashed. Where it changed meanwhile, and where the disk
    /// cannot be written, it is hashed again the next time.
    pub fn confirm(&self, changed: &Changed) {
        let Changed { tree, module, kind, file, by, .. } = changed;
        let is_same = file.file().metadata().is_ok_and(|found| Stamp::of(&found) == file.stamp());
        if let (true, Ok(place)) = (is_same, FilePaths::of(self, *tree, module, *kind)) {
            self.note_proven(&place, file, by.as_ref());
        }
    }

    /// Moves a file that is not what it was to the quarantine, after its `report` (JSON); gives the report's path, none where there
    /// was no room for it. Its hash and its proof stay: they say what it was.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then the file may still be where it was, and is still given to nobody.
    pub fn refuse_changed(&self, changed: &Changed, report: &[u8]) -> Result<Option<PathBuf>, Fault> {
        let Changed { tree, module, kind, file, .. } = changed;
        let place = FilePaths::of(self, *tree, module, *kind)?;
        quarantine::keep_stored(&self.folder, &place.file, file, (module, *kind), report)
    }

    /// Notes what a file looks like that is proven now. Best effort: without it the file is hashed again.
    pub(super) fn note_proven(&self, place: &FilePaths, file: &Admitted, by: Option<&Proof>) {
        let _ = self.know(&place.file, file, by.map(|by| Arc::from(by.database.as_str())));
        let written = match by {
            Some(by) => {
                self.folder.write(&place.proof, proof::text(file.hash(), by, Some(&file.stamp())).as_bytes(), false)
            }
            None => match &place.stamp {
                Some(stamp) => self.folder.write(stamp, format!("{}\n", file.stamp()).as_bytes(), false),
                None => Ok(()),
            },
        };
        if let Err(fault) = written {
            tracing::debug!("{fault}");
        }
    }

    /// Remembers that the file at `path` is proven, by the database with that key if by one, as it looks now; gives what counts its
    /// uses.
    pub(super) fn know(&self, path: &Path, file: &Admitted, database: Option<Arc<str>>) -> Arc<UseCounter> {
        let uses = self.usage.counter(path);
        let known = Known { stamp: file.stamp(), hash: file.hash().clone(), database, uses: Arc::clone(&uses) };
        self.known.insert(path.to_owned(), known);
        uses
    }

    /// Whether a file looks as it did when it was last proven: as `written` down, or as seen by this process.
    pub(super) fn is_as_proven(&self, place: &FilePaths, file: &Admitted, written: Option<&Stamp>) -> bool {
        let stamp = file.stamp();
        written == Some(&stamp) || self.known.get(&place.file).is_some_and(|known| known.stamp == stamp)
    }
}
