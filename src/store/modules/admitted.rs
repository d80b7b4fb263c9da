//! A proven file, open for reading. Its name may be taken away meanwhile; its bytes stay.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::stamp::Stamp;
use crate::files::{self, Unfit};
use crate::store::UseCounter;
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::gosum::SumHash;

/// An open file that was proven when it was admitted. Cheap to clone; clones share the open file.
#[derive(Debug, Clone)]
pub struct Admitted {
    file: Arc<File>,
    len: u64,
    modified: SystemTime,
    stamp: Stamp,
    hash: SumHash,
    uses: Option<Arc<UseCounter>>,
}

impl Admitted {
    /// The file at `path`, which is below `root`. None where nothing stands there, or no file: a link to one is none, nor is
    /// anything behind a link below `root`, and a pipe is not waited for.
    pub(super) fn open(root: &Path, path: &Path, hash: SumHash) -> io::Result<Option<Admitted>> {
        use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
        let nothing = |error: &io::Error| {
            Unfit::of(error).is_some() || matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
        };
        let below = path.strip_prefix(root).map_err(io::Error::other)?;
        let (file, found) = match files::open_below(root, below) {
            Ok(opened) => opened,
            Err(error) if nothing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Admitted::of(file, &found, hash)?))
    }

    /// This open file, which was admitted just now, whether or not it still has its name.
    pub(super) fn arrived(file: File, hash: SumHash) -> io::Result<Admitted> {
        let found = file.metadata()?;
        Admitted::of(file, &found, hash)
    }

    fn of(file: File, found: &Metadata, hash: SumHash) -> io::Result<Admitted> {
        let (len, modified, stamp) = (found.len(), found.modified()?, Stamp::of(found));
        Ok(Admitted { file: Arc::new(file), len, modified, stamp, hash, uses: None })
    }

    /// The same file, whose uses are counted there.
    pub(super) fn counted(self, uses: Arc<UseCounter>) -> Admitted {
        Admitted { uses: Some(uses), ..self }
    }

    /// Counts that it is given.
    pub fn used(&self) {
        self.uses.iter().for_each(|uses| uses.used(self.len));
    }

    /// What counts its uses, for who gives its bytes again without opening it.
    pub fn uses(&self) -> Option<&Arc<UseCounter>> {
        self.uses.as_ref()
    }

    /// What it looked like when it was opened.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Its size in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty go.mod is a file like any other")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The hash that its bytes were proven to have.
    pub fn hash(&self) -> &SumHash {
        &self.hash
    }

    /// When its last byte arrived.
    pub fn modified(&self) -> SystemTime {
        self.modified
    }

    /// The open file. Readers pass the offset, since clones share the position.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// All of its bytes.
    ///
    /// # Errors
    /// Those of the system; `UnexpectedEof` where somebody cut the file off.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.len).map_err(|_| io::ErrorKind::FileTooLarge)?];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

impl ReadAt for Admitted {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }
}
