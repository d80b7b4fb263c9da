//! Evidence of a fork, kept for a person: `DATA/log/NAME/evidence/fork-HASH.txt`, durable, named after its content, so
//! that meeting one fork twice keeps one file.

use std::path::PathBuf;

use super::{Folder, below};
use crate::fault::Fault;
use crate::sumdb::hash::sha256;

/// Bytes of the content's hash in the file's name.
const NAME_BYTES: usize = 8;

impl Folder {
    /// Keeps `text`, the evidence of a fork of the database `name`; gives the file's path.
    ///
    /// # Errors
    /// `Usage` where `name` is not fit to be a folder's name; `Unavailable` where the disk fails.
    pub fn save_evidence(&self, name: &str, text: &str) -> Result<PathBuf, Fault> {
        let digest = sha256(text.as_bytes()).0;
        let digits: String = digest.iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let folder = below(&self.root().join("log"), name)?.join("evidence");
        let path = folder.join(format!("fork-{digits}.txt"));
        self.write(&path, text.as_bytes(), true)?;
        Ok(path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_fork_is_one_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let path = folder.save_evidence("sum.golang.org", "SECURITY ERROR\n").unwrap();
        assert_eq!(folder.save_evidence("sum.golang.org", "SECURITY ERROR\n").unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "SECURITY ERROR\n");
        assert_eq!(path.parent().unwrap(), root.path().join("log/sum.golang.org/evidence"));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
