//! Which pinned heads the timeline is known to contain: `DATA/heads/NAME/pinned`, a line of `SIZE ROOT` each. It only saves a second
//! look: where it is lost or damaged, the pinned heads are compared again.

use std::path::PathBuf;

use super::super::whole::whole;
use super::HeadFile;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;

/// The longest file that is read, in bytes.
const LIMIT: u64 = 1 << 16;

impl HeadFile {
    fn pinned_path(&self) -> PathBuf {
        self.path().with_file_name("pinned")
    }

    /// Whether the timeline was shown to contain each of `trees`.
    pub fn has_pinned(&self, mut trees: impl Iterator<Item = Tree>) -> bool {
        let bytes = whole(&self.pinned_path(), LIMIT).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        trees.all(|tree| text.lines().any(|listed| listed == line(tree)))
    }

    /// Notes that the timeline contains each of `trees`; what was noted of others is forgotten.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn note_pinned(&self, trees: impl Iterator<Item = Tree>) -> Result<(), Fault> {
        let text: String = trees.map(|tree| line(tree) + "\n").collect();
        self.folder.write(&self.pinned_path(), text.as_bytes(), true)
    }
}

fn line(tree: Tree) -> String {
    format!("{} {}", tree.size, tree.root)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::Folder;
    use super::*;
    use crate::sumdb::hash::leaf_hash;

    #[test]
    fn only_whole_lines_count() {
        let root = tempfile::tempdir().unwrap();
        let head = Folder::open(root.path()).unwrap().head("sum.golang.org").unwrap();
        let [one, other] = [(7, b"a"), (77, b"b")].map(|(size, of)| Tree { size, root: leaf_hash(of) });
        assert!(!head.has_pinned([one].into_iter()));
        std::fs::create_dir_all(head.path().parent().unwrap()).unwrap();
        head.note_pinned([other].into_iter()).unwrap();
        assert!(head.has_pinned([other].into_iter()) && !head.has_pinned([one, other].into_iter()));
        head.note_pinned([one, other].into_iter()).unwrap();
        assert!(head.has_pinned([one, other].into_iter()));
        std::fs::write(head.pinned_path(), format!("{} ", one.size)).unwrap();
        assert!(!head.has_pinned([one].into_iter()));
    }
}
