//! What several test programs share: where the real data and the go command are, and the synthetic checksum database.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test program uses another part of it")]

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[path = "../../examples/fakelog/fake/mod.rs"]
pub mod fake;

/// The folder `sub` of the shared test material, which lies beside the repository and is not part of it; the environment's
/// GOSUMCHECK_SHARED names another place. `None` where it is missing: the test says so and passes, unless
/// GOSUMCHECK_REQUIRE_SHARED is set.
pub fn shared(sub: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = env::var_os("GOSUMCHECK_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = beside.join(sub);
    if folder.exists() {
        return Some(folder);
    }
    skip(&format!("no {}", folder.display()), "GOSUMCHECK_REQUIRE_SHARED");
    None
}

/// The go command: the one that GOSUMCHECK_GO names, or the one on the PATH. `None` where there is none: the test says so and
/// passes, unless GOSUMCHECK_REQUIRE_GO is set.
pub fn go_command() -> Option<PathBuf> {
    let named = env::var_os("GOSUMCHECK_GO").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let name = format!("go{}", env::consts::EXE_SUFFIX);
    let found =
        named.into_iter().chain(env::split_paths(&path).map(|folder| folder.join(&name))).find(|go| go.is_file());
    if found.is_none() {
        skip("no go command on the PATH", "GOSUMCHECK_REQUIRE_GO");
    }
    found
}

/// Says why a test is skipped, past the test runner's capture; a panic where `required` is set in the environment.
fn skip(why: &str, required: &str) {
    assert!(env::var_os(required).is_none_or(|value| value.is_empty() || value == "0"), "{required} is set, and {why}");
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}
