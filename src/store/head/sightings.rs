//! When each accepted head was first seen, and by which route: `DATA/heads/NAME/seen.jsonl`, one JSON object a line, appended.
//!
//! A record that is in one head and not in the one before was published between the two: the order of the log is a clock that no
//! author of a module can set. Nothing is decided by it; a line that cannot be read is passed over.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::whole::whole;
use super::super::words::unavailable;
use super::HeadFile;
use super::append::append;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;

/// The longest file that is read, in bytes: a head a minute for ten years.
const LIMIT: u64 = 1 << 30;

/// The first sight of a head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// records of its tree
    pub size: u64,
    /// the root hash, in base64
    pub root: String,
    /// when, RFC 3339 in UTC, by the clock of this machine
    pub seen: String,
    /// the source that had answered last when the head was accepted
    pub route: String,
}

impl Sighting {
    /// Of a tree that is seen now, by this route.
    pub fn now(tree: Tree, route: String) -> Sighting {
        let Tree { size, root } = tree;
        Sighting { size, root: root.to_string(), seen: jiff::Timestamp::now().to_string(), route }
    }
}

impl HeadFile {
    /// Where the sightings are.
    pub fn sightings_path(&self) -> PathBuf {
        self.path().with_file_name("seen.jsonl")
    }

    /// Appends the first sight of a head that was accepted, durably.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn note_sighting(&self, sighting: &Sighting) -> Result<(), Fault> {
        let path = self.sightings_path();
        let failed = |error| unavailable(&path, "write", &error);
        let line = serde_json::to_string(sighting).map_err(|error| failed(error.into()))? + "\n";
        append(&self.folder, &path, line.as_bytes(), b"\n")
    }

    /// The sightings, the oldest first.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read.
    pub fn sightings(&self) -> Result<Vec<Sighting>, Fault> {
        let bytes = whole(&self.sightings_path(), LIMIT)?;
        Ok(bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::Folder;
    use super::super::Swap;
    use super::*;

    #[test]
    fn the_first_sighting_needs_no_accepted_head() {
        let root = tempfile::tempdir().unwrap();
        let head = Folder::open(root.path()).unwrap().head("sum.golang.org").unwrap();
        let sighting = Sighting::now(Tree::EMPTY, "u".into());
        head.note_sighting(&sighting).unwrap();
        assert_eq!(head.sightings().unwrap(), [sighting]);
    }

    #[test]
    fn sightings_are_appended_and_a_torn_one_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let head = Folder::open(root.path()).unwrap().head("sum.golang.org").unwrap();
        assert_eq!(head.sightings().unwrap(), []);
        assert_eq!(head.swap(None, b"a head\n").unwrap(), Swap::Done);
        let sighting =
            |size| Sighting { size, root: "r=".into(), seen: "2026-11-28T00:00:00Z".into(), route: "u".into() };
        head.note_sighting(&sighting(1)).unwrap();
        let whole = std::fs::read(head.sightings_path()).unwrap();
        for end in 1..whole.len() {
            std::fs::write(
                head.sightings_path(),
                whole.iter().chain(whole.iter().take(end)).copied().collect::<Vec<u8>>(),
            )
            .unwrap();
            head.note_sighting(&sighting(2)).unwrap();
            let sizes: Vec<u64> = head.sightings().unwrap().iter().map(|seen| seen.size).collect();
            assert!(sizes == [1, 2] || sizes == [1, 1, 2], "{end}: {sizes:?}");
        }
    }
}
