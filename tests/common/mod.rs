//! What tests share: where the material outside the repository is.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::PathBuf;

/// The folder `name` of the shared material, or `None` (and a line that says so) where this machine has none.
/// `GOSUMCHECK_REQUIRE_SHARED=1` turns the skip into a failure.
pub fn shared(name: &str) -> Option<PathBuf> {
    let own = match name {
        "realdata" => std::env::var_os("GOSUMCHECK_REALDATA"),
        "vectors" => std::env::var_os("GOSUMCHECK_VECTORS"),
        _ => None,
    };
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let path = own.map_or(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("GOSUMCHECK_REQUIRE_SHARED").is_none(), "{} is required", path.display());
    eprintln!("skipped: {} is not here", path.display());
    None
}

/// Real sum.golang.org data.
pub fn realdata() -> Option<PathBuf> {
    shared("realdata")
}

/// Every file below `folder`, sorted.
pub fn files_below(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}
