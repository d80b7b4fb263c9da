//! The modules of a go command's module cache, the smallest first.
//!
//! GOSUMCHECK_MODCACHE names the cache, or several as PATH does; else it is the one of the go command.
//! GOSUMCHECK_REQUIRE_MODCACHE=1 turns a skip into a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::ModuleVersion;

use super::common::{files_below, go_command, skip};
use super::world::Module;

/// Larger zips take long to hash again and again, and are damaged no otherwise.
const LARGEST: u64 = 512 << 10;
/// Fewer are not worth the name of a store.
const FEWEST: usize = 100;

/// The zips below a module cache that are not too large, by size.
fn zips(root: &Path) -> Vec<(u64, ModuleVersion, PathBuf)> {
    let download = root.join("cache/download");
    let files = if download.is_dir() { files_below(&download) } else { Vec::new() };
    let zip = |path: PathBuf| {
        let Ok(ModuleRequest::File(version, Kind::Zip)) =
            ModuleRequest::parse(path.strip_prefix(&download).ok()?.to_str()?)
        else {
            return None;
        };
        let len = path.metadata().ok()?.len();
        (len <= LARGEST && path.with_extension("mod").is_file()).then_some((len, version, path))
    };
    files.into_iter().filter_map(zip).collect()
}

/// At most `most` modules of the cache that have both files; none where it holds too few.
pub(crate) fn cached(most: usize) -> Option<Vec<Module>> {
    let roots = match std::env::var_os("GOSUMCHECK_MODCACHE") {
        Some(named) => named,
        None => {
            let said = Command::new(go_command()?).args(["env", "GOMODCACHE"]).output().ok()?;
            String::from_utf8(said.stdout).ok()?.trim_end().into()
        }
    };
    let mut found: Vec<_> = std::env::split_paths(&roots).flat_map(|root| zips(&root)).collect();
    found.sort();
    found.dedup_by(|(_, one, _), (_, other, _)| one == other);
    if found.len() < FEWEST {
        skip(&format!("the module cache holds {} modules", found.len()), "GOSUMCHECK_REQUIRE_MODCACHE");
        return None;
    }
    found.truncate(most);
    let module = |(_, version, path): (u64, _, PathBuf)| Module {
        version,
        zip: fs::read(&path).unwrap(),
        go_mod: fs::read(path.with_extension("mod")).unwrap(),
    };
    Some(found.into_iter().map(module).collect())
}
