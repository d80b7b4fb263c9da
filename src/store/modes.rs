//! The modes of the data folder: only its owner reads it, whatever the umask. Private modules are in it, and what others asked for.
//!
//! Folders are made with 0700 and files with 0600. A folder that others may read, of an earlier version or made beforehand, is
//! closed when it is opened for writing.

use std::fs::{self, DirBuilder, DirEntry, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Of folders.
const FOLDER: u32 = 0o700;
/// Of files.
const FILE: u32 = 0o600;
/// What others than the owner may do.
const OTHERS: u32 = 0o077;
/// What of that lets them change a file.
const OTHERS_WRITE: u32 = 0o022;
/// The names that stand in a data folder.
const OWN_NAMES: [&str; 12] =
    ["access", "cache", "heads", "lock", "log", "modules", "private", "refused", "serving", "store", "tmp", "verify"];
/// What the names of the journal's files begin with.
const OWN_PREFIX: &str = "proxy.sqlite";
/// Stands in the root of a file system.
const LOST_AND_FOUND: &str = "lost+found";

/// Makes one folder, whose parent exists.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(FOLDER).create(path)
}

/// For opening a file that may have to be made.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE);
    options
}

/// Makes an empty file where there is none, for SQLite, which gives the files beside it the same mode. One that is there is not
/// opened: closing it would end the locks that this process holds on it.
pub(super) fn reserve(path: &Path) {
    // Where it cannot be made, SQLite says why.
    let _ = options().write(true).create_new(true).open(path);
}

/// Whether the owner can use a file, and nobody else can change it.
pub fn has_sound_mode(found: &Metadata) -> bool {
    let mode = found.mode();
    mode & FILE == FILE && mode & OTHERS_WRITE == 0
}

/// Gives a file the mode that it was made with; says whether it had one that is not sound. One that is not there is in order: a repair
/// that died may have set it aside.
pub(super) fn mend(path: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    if !found.is_file() || has_sound_mode(&found) {
        return Ok(false);
    }
    fs::set_permissions(path, Permissions::from_mode(FILE)).map(|()| true)
}

/// Closes an existing data folder to others than its owner. The folder itself only if nothing but a data folder's entries is in it:
/// `--data .` must not close the user's project, nor `--data /tmp` the system's folder.
pub(super) fn close(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    let mut holds_others = false;
    for entry in entries {
        let Ok(entry) = entry else { return };
        if is_own(&entry) {
            // Of the entry itself: what a link leads to is not ours to close.
            entry.metadata().into_iter().for_each(|found| close_one(&entry.path(), &found));
        } else if entry.file_name() != LOST_AND_FOUND {
            holds_others = true;
        }
    }
    if !holds_others && let Ok(found) = root.metadata() {
        close_one(root, &found);
    }
}

fn is_own(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    OWN_NAMES.contains(&&*name) || name.starts_with(OWN_PREFIX)
}

fn close_one(path: &Path, found: &Metadata) {
    let mode = found.mode() & 0o7777;
    if mode & OTHERS == 0 || found.is_symlink() {
        return;
    }
    let shown = format!("{mode:04o}");
    if found.uid() != rustix::process::geteuid().as_raw() {
        tracing::warn!(
            path = %path.display(),
            mode = shown,
            owner = found.uid(),
            "other users may read the data folder, and it belongs to another user: have its owner run chmod go-rwx"
        );
        return;
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
        Ok(()) => {
            tracing::warn!(path = %path.display(), mode = shown, "other users could read the data folder; closed to them now")
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), mode = shown, %error, "other users may read the data folder, and it cannot be closed");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::modules::Tree;

    #[test]
    fn what_is_ours_is_closed_and_the_rest_is_left() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let set = |name: &str, mode: u32| fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        let mode = |name: &str| at(name).metadata().unwrap().mode() & 0o7777;
        for name in ["modules", "log", "lost+found", "elsewhere"] {
            fs::create_dir(at(name)).unwrap();
            set(name, 0o755);
        }
        fs::write(at("proxy.sqlite-wal"), "x").unwrap();
        set("proxy.sqlite-wal", 0o664);
        std::os::unix::fs::symlink(at("elsewhere"), at("cache")).unwrap();
        set("log", 0o2555);
        set("", 0o775);
        close(root.path());
        assert_eq!((mode("modules"), mode("log"), mode("proxy.sqlite-wal")), (0o700, 0o2500, 0o600));
        assert_eq!(
            (mode("lost+found"), mode("elsewhere"), mode("")),
            (0o755, 0o755, 0o775),
            "it holds what is not ours"
        );
        fs::remove_dir(at("elsewhere")).unwrap();
        close(root.path());
        assert_eq!((mode("lost+found"), mode("")), (0o755, 0o700));
        close(&at("nothing"));
    }

    #[test]
    fn whatever_the_store_makes_is_its_own() {
        let root = tempfile::tempdir().unwrap();
        let folder = super::super::Folder::open(root.path()).unwrap();
        let (modules, name) = (folder.modules(), "sum.golang.org");
        let made = [
            modules.dir_of(Tree::Proven).to_owned(),
            modules.dir_of(Tree::FirstUse).to_owned(),
            folder.cache(name).unwrap().dir().to_owned(),
            folder.head(name).unwrap().path(),
            folder.log(name).unwrap().dir().to_owned(),
            folder.journal().unwrap().path().to_owned(),
            folder.tmp(),
        ];
        for path in made {
            let top = path.strip_prefix(root.path()).unwrap().iter().next().unwrap().to_str().unwrap();
            assert!(OWN_NAMES.contains(&top) || top.starts_with(OWN_PREFIX), "{top} is missing from OWN_NAMES");
        }
    }
}
