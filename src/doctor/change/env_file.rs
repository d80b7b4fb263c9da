//! The file of `go env -w`: read whole, replaced whole with the mode and the owner that it had, and what of it a change is about.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// Links that are followed one after the other, as by the system.
const MAX_LINKS: usize = 40;

/// Where writing to `path` leads: links are followed, also where the last of them leads to nothing.
///
/// # Errors
/// Those of the system; links that lead to each other.
pub(super) fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("/")).join(to),
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("links lead to each other"))
}

/// Whether two texts of such a file differ in these settings at most. Go sorts lines when it writes, and keeps the last of several about
/// one setting.
pub(super) fn has_only_these_changed(before: &str, after: &str, names: &[String]) -> bool {
    others(before, names) == others(after, names)
}

/// The settings without those of these names, each with the value that counts, and all other lines.
fn others<'a>(text: &'a str, names: &[String]) -> (BTreeMap<&'a str, &'a str>, Vec<&'a str>) {
    let (mut settings, mut lines) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        match line.split_once('=').filter(|(name, _)| !name.contains('#')) {
            Some((name, value)) if !names.iter().any(|other| other == name) => _ = settings.insert(name, value),
            Some(_) => {}
            None => lines.push(line),
        }
    }
    (settings, lines)
}

/// Writes a file whole or not at all, with the mode and the owner that it had.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(text.as_bytes())?;
        if let Ok(found) = fs::metadata(path) {
            // Only root can give a file away, and only root finds one of somebody else here.
            let _ = fchown(draft.as_file(), Some(found.uid()), Some(found.gid()));
            draft.as_file().set_permissions(found.permissions())?;
        }
        draft.as_file().sync_all()?;
        draft.persist(path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: io::Error| failed(path, &error))
}

/// The text of a file of at most `limit` bytes; none where there is no file.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<String>, Fault> {
    let refused = |why: String| Fault::machine(path.display().to_string(), why);
    let bytes = match files::open(path).and_then(|file| files::read_bounded(file, limit)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    if wide(bytes.len()) > limit {
        return Err(refused(format!("has more than {limit} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| refused("is not text in UTF-8".to_owned()))
}

pub(super) fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::disk(path.display().to_string(), files::explain(error))
}
