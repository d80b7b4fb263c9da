//! What several test files need.

use std::path::{Path, PathBuf};

/// The folder of real sum.golang.org data beside the repository, or where GOSUMCHECK_REALDATA says. Where there is none,
/// says so and gives `None`, so that the caller skips; with GOSUMCHECK_REQUIRE_SHARED=1 that is a failure instead.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn realdata() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/realdata");
    let folder = std::env::var_os("GOSUMCHECK_REALDATA").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("GOSUMCHECK_REQUIRE_SHARED").is_some_and(|value| value == "1");
    assert!(!required, "no real data at {}, and GOSUMCHECK_REQUIRE_SHARED=1", folder.display());
    eprintln!("SKIPPED: no real data at {} (GOSUMCHECK_REALDATA says where it is)", folder.display());
    None
}
