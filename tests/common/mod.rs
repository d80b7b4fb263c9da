//! What tests share: where the material outside the repository is, and the go command.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::as_conversions,
    reason = "each test program uses another part of it"
)]

mod modcache;
mod serving;

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use modcache::{cached_zips, zips};
pub use serving::Serving;

/// The variable with which tests that need Go fail instead of skipping.
const REQUIRE_GO: &str = "GOSUMCHECK_REQUIRE_GO";

/// The folder `name` of the shared material beside the repository, or `None` (and a line that says so) where this machine
/// has none. GOSUMCHECK_REALDATA and GOSUMCHECK_VECTORS name other places for these two; GOSUMCHECK_REQUIRE_SHARED=1 turns
/// the skip into a failure.
pub fn shared(name: &str) -> Option<PathBuf> {
    let own = match name {
        "realdata" => env::var_os("GOSUMCHECK_REALDATA"),
        "vectors" => env::var_os("GOSUMCHECK_VECTORS"),
        _ => None,
    };
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let path = own.map_or(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    skip(&format!("{} is not here", path.display()), "GOSUMCHECK_REQUIRE_SHARED");
    None
}

/// Real sum.golang.org data.
pub fn realdata() -> Option<PathBuf> {
    shared("realdata")
}

/// The go command: the one that GOSUMCHECK_GO names, or the one on the PATH, or `None` (and a line that says so).
/// GOSUMCHECK_REQUIRE_GO=1 turns the skip into a failure.
pub fn go_command() -> Option<PathBuf> {
    let named = env::var_os("GOSUMCHECK_GO").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let name = format!("go{}", env::consts::EXE_SUFFIX);
    let found =
        named.into_iter().chain(env::split_paths(&path).map(|folder| folder.join(&name))).find(|go| go.is_file());
    if found.is_none() {
        skip("there is no go command", REQUIRE_GO);
    }
    found
}

/// The program of the Go module `tests/interop/NAME`, built into `dir`, or `None` (and a line that says so) where it cannot be built.
/// Unless GOSUMCHECK_REQUIRE_GO=1, nothing is downloaded for it.
pub fn go_program(name: &str, dir: &Path) -> Option<PathBuf> {
    let program = dir.join(name).with_extension(env::consts::EXE_EXTENSION);
    let mut build = Command::new(go_command()?);
    build.args(["build", "-o"]).arg(&program).arg(".").env("GOFLAGS", "").env("GOWORK", "off");
    build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name));
    if !is_set(REQUIRE_GO) {
        build.env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
    }
    let built = build.output().unwrap();
    if !built.status.success() {
        skip(&format!("tests/interop/{name} is not built: {}", String::from_utf8_lossy(&built.stderr)), REQUIRE_GO);
        return None;
    }
    Some(program)
}

/// Numbers below its argument, the same ones in every run: a xorshift with a fixed seed.
pub fn random() -> impl FnMut(usize) -> usize {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    }
}

/// Every file below `folder`, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// Says why a test skips, past the test runner's capture; fails where the environment sets `required`.
pub fn skip(why: &str, required: &str) {
    assert!(!is_set(required), "{required} is set, but {why}");
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}
