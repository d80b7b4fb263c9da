//! What is kept beside log and modules: links in the places of files, the times of admission, and the cache of proven answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::kept::{cached, has_cache};
use super::Repaired;
use crate::database::Database;
use crate::fault::Fault;
use crate::report::Integrity;
use crate::report::integrity::Repair;
use crate::store::{Cache, Folder};
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::tile::VerifiedTree;

/// Passes over the cache: what is below the right edge can be judged once that is in order.
const ROUNDS: usize = 3;

/// Sets the modes of `paths`, which are kept beside log and modules.
pub fn mend_modes(folder: &Folder, paths: &[PathBuf], done: &mut Repaired) {
    each(paths, done, "has mode 0600 again", |path| folder.mend_mode(path));
}

/// Puts each of `paths` in order by `mend`, which says whether it had to; then it is noted `what` became of it.
fn each(paths: &[PathBuf], done: &mut Repaired, what: &str, mend: impl Fn(&Path) -> Result<bool, Fault>) {
    for path in paths {
        match mend(path) {
            Ok(true) => done.note(Repair::of_file(path.display().to_string(), what)),
            Ok(false) => {}
            Err(fault) => done.failed.push(fault.to_string()),
        }
    }
}

/// Puts files in the places of links among `paths`, which are kept beside log and modules, and the times of admission in order.
pub fn mend_kept(folder: &Folder, paths: &[PathBuf], done: &mut Repaired) {
    each(paths, done, "was a link, and is a file now", |path| folder.replace_kept_link(path));
    let modules = folder.modules();
    let path = modules.admissions().path();
    // One that is in order is not claimed: a server may be at work.
    let is_wrong =
        path.symlink_metadata().is_ok() && modules.check_admissions().map_or(true, |(wrong, _)| !wrong.is_empty());
    if !is_wrong {
        return;
    }
    match modules.mend_admissions() {
        Ok(true) => {
            done.note(Repair::of_file(path.display().to_string(), "was written anew, by the times of the stored files"))
        }
        Ok(false) => {}
        Err(fault) => done.failed.push(format!("{}: {fault}", path.display())),
    }
}

/// Proves the damaged tiles and answers of a database's cache again.
///
/// # Errors
/// `Forked`: the log is caught. `Unavailable`: the disk.
pub async fn mend_cached(folder: &Folder, database: &Database, done: &mut Repaired) -> Result<(), Fault> {
    let cache = folder.cache(database.name())?;
    // Without the remembered head nothing of it can be judged, which is said by now.
    let Ok(Some(head)) = database.remembered() else { return Ok(()) };
    if !has_cache(cache.dir()) {
        return Ok(());
    }
    let mut failed = BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut report = Integrity::new("");
        cached(&cache, &head, &mut report)?;
        let files = report.findings.iter().map(|finding| Path::new(&finding.file));
        let names: BTreeSet<String> = files.flat_map(|file| names(&cache, &head, file)).collect();
        let before = done.repairs.len();
        for name in names.iter().filter(|name| !failed.contains(*name)).cloned().collect::<Vec<_>>() {
            if let Err(fault) = mend_entry(&cache, database, &head, &name, done).await {
                if let Fault::Forked { .. } = fault {
                    return Err(fault);
                }
                done.failed.push(format!("{}: {fault}", cache.dir().join(&name).display()));
                failed.insert(name);
            }
        }
        if done.repairs.len() == before {
            break;
        }
    }
    Ok(())
}

/// The entries that a finding about `file` is about: of the cache as a whole, those at the right edge.
fn names(cache: &Cache, head: &Checkpoint, file: &Path) -> Vec<String> {
    match file.strip_prefix(cache.dir()) {
        Ok(name) if name.as_os_str().is_empty() => {
            VerifiedTree::new(head.tree()).edge().iter().map(ToString::to_string).collect()
        }
        Ok(name) => name.to_str().map(str::to_owned).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

async fn mend_entry(
    cache: &Cache,
    database: &Database,
    head: &Checkpoint,
    name: &str,
    done: &mut Repaired,
) -> Result<(), Fault> {
    let found = cache.read(name)?.unwrap_or_default();
    let proven = database.proven_entry(head, name).await?;
    if found != proven {
        cache.replace(name, &found, &proven)?;
        done.note(Repair::of_file(cache.dir().join(name).display().to_string(), "was proven again"));
    }
    Ok(())
}
