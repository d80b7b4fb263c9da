//! Real modules: those of a go command's module cache.
//!
//! GOSUMCHECK_MODCACHE names the cache, or several as PATH does; else it is the one of the go command.

use std::path::{Path, PathBuf};
use std::process::Command;

use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::ModuleVersion;

use super::{files_below, go_command};

/// The zips of the module cache that have at most `largest` bytes and a go.mod beside them, by size; none (and a line that says so)
/// where there is no go command.
pub fn cached_zips(largest: u64) -> Option<Vec<(u64, ModuleVersion, PathBuf)>> {
    let roots = match std::env::var_os("GOSUMCHECK_MODCACHE") {
        Some(named) => named,
        None => {
            let said = Command::new(go_command()?).args(["env", "GOMODCACHE"]).output().ok()?;
            String::from_utf8(said.stdout).ok()?.trim_end().into()
        }
    };
    let mut found: Vec<_> = std::env::split_paths(&roots).flat_map(|root| zips(&root, largest)).collect();
    found.sort();
    found.dedup_by(|(_, one, _), (_, other, _)| one == other);
    Some(found)
}

/// Those of the module cache at `root` alone.
pub fn zips(root: &Path, largest: u64) -> Vec<(u64, ModuleVersion, PathBuf)> {
    let download = root.join("cache/download");
    let files = if download.is_dir() { files_below(&download) } else { Vec::new() };
    let zip = |path: PathBuf| {
        let Ok(ModuleRequest::File(version, Kind::Zip)) =
            ModuleRequest::parse(path.strip_prefix(&download).ok()?.to_str()?)
        else {
            return None;
        };
        let len = path.metadata().ok()?.len();
        (len <= largest && path.with_extension("mod").is_file()).then_some((len, version, path))
    };
    files.into_iter().filter_map(zip).collect()
}
