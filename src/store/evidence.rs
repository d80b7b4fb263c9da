//! Evidence of a fork, kept for a person: `DATA/log/NAME/evidence/fork-HASH.txt`, durable, named after its content, so
//! that meeting one fork twice keeps one file. Once a person has cleared the fork it is `cleared-fork-HASH.txt`.

use std::io;
use std::path::{Path, PathBuf};

use super::words::unavailable;
use super::{Folder, below};
use crate::fault::Fault;
use crate::files;
use crate::sumdb::hash::sha256;

/// Bytes of the content's hash in the file's name.
const NAME_BYTES: usize = 8;
/// The longest report of a fork that is read, in bytes: two notes and a proof.
const MAX_BYTES: u64 = 8 << 20;

/// The report of a fork that is kept at `path`.
///
/// # Errors
/// Those of reading the file.
pub fn read_evidence(path: &Path) -> io::Result<String> {
    let bytes = files::read_bounded(files::open(path)?, MAX_BYTES)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

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

    /// Clears the fork whose evidence is at `path`, durably: the evidence stays, under the name that is given back, and stops nothing
    /// any more.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn clear_evidence(&self, path: &Path) -> Result<PathBuf, Fault> {
        let failed = |error| unavailable(path, "rename", &error);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let cleared = path.with_file_name(format!("cleared-{name}"));
        self.disk().rename(path, &cleared).map_err(failed)?;
        self.disk().sync_folder(cleared.parent().unwrap_or(path)).map_err(failed)?;
        Ok(cleared)
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
        let cleared = folder.clear_evidence(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&cleared).unwrap(), "SECURITY ERROR\n");
        assert_eq!(folder.log("sum.golang.org").unwrap().forks().unwrap(), Vec::<PathBuf>::new());
        assert_eq!(
            folder.save_evidence("sum.golang.org", "SECURITY ERROR\n").unwrap(),
            path,
            "met again, it counts again"
        );
    }
}
