//! Signed heads of others that could not be compared yet: `DATA/heads/NAME/pending`, each note followed by a blank line. They wait
//! there for a head that they can be compared with. A note that is torn or damaged is passed over.

use std::path::PathBuf;

use super::super::lock::Lock;
use super::super::log::entries;
use super::super::whole::whole;
use super::HeadFile;
use super::append::append;
use crate::fault::Fault;

/// The longest file that is read, in bytes.
const LIMIT: u64 = 256 << 20;

impl HeadFile {
    /// Where they are.
    pub fn pending_path(&self) -> PathBuf {
        self.path().with_file_name("pending")
    }

    /// The notes that wait, the oldest first.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read.
    pub fn pending(&self) -> Result<Vec<Vec<u8>>, Fault> {
        let bytes = whole(&self.pending_path(), LIMIT)?;
        Ok(entries(&bytes).map(|entry| entry.bytes().to_vec()).collect())
    }

    /// Adds a note, durably.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn add_pending(&self, note: &[u8]) -> Result<(), Fault> {
        append(&self.folder, &self.pending_path(), &[note, b"\n"].concat(), b"\n\n")
    }

    /// Keeps only `notes`, durably.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn set_pending<'a>(&self, notes: impl Iterator<Item = &'a [u8]>) -> Result<(), Fault> {
        let path = self.pending_path();
        let _alone = Lock::acquire(&path.with_extension("lock"))?;
        let bytes: Vec<u8> = notes.flat_map(|note| [note, &b"\n"[..]].concat()).collect();
        self.folder.write(&path, &bytes, true)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::Folder;

    #[test]
    fn a_torn_note_costs_no_other() {
        let root = tempfile::tempdir().unwrap();
        let head = Folder::open(root.path()).unwrap().head("sum.golang.org").unwrap();
        let note =
            |size: u32| format!("go.sum database tree\n{size}\nroot=\n\n\u{2014} log.example AAAA\n").into_bytes();
        let stored = || head.pending().unwrap();
        head.add_pending(&note(1)).unwrap();
        head.add_pending(&note(2)).unwrap();
        assert_eq!(stored(), [note(1), note(2)]);
        let whole = std::fs::read(head.pending_path()).unwrap();
        for end in 0..whole.len() {
            std::fs::write(head.pending_path(), whole.get(..end).unwrap()).unwrap();
            head.add_pending(&note(3)).unwrap();
            assert_eq!(stored().last(), Some(&note(3)), "{end}");
            assert!(end < note(1).len() || stored().first() == Some(&note(1)), "{end}");
        }
        head.set_pending([note(3)].iter().map(Vec::as_slice)).unwrap();
        assert_eq!(stored(), [note(3)]);
    }
}
