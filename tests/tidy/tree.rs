//! The files of the repository, and the names that the rules call them by.

use std::path::{Path, PathBuf};

/// Where the repository is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository below `folder`, without build output, without version control.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let own = |entry: &walkdir::DirEntry| {
        let name = entry.file_name();
        name != "target" && name != ".git" && name != "node_modules"
    };
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(own).flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// The path as the rules name it: from the repository's root, with `/`.
pub(crate) fn name(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap();
    path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
