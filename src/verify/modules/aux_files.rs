//! What lies beside the module files: `.info` files and lists of versions, which nothing proves but which must be about their
//! modules; the quarantine, where every refused file has its report; the journal, and the times of admission.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scan::Scan;
use crate::fault::Fault;
use crate::files;
use crate::report::integrity::{Finding, Flaw, ModuleFigures, OfModule};
use crate::report::{Integrity, Level, Notice};
use crate::store::modules::Tree;
use crate::store::{Folder, Modules};
use crate::sumdb::goproxy::VersionInfo;
use crate::sumdb::goproxy::list;
use crate::sumdb::module::{ModulePath, ModuleVersion};

/// The ending of a quarantined file's report.
const REPORT: &str = ".json";
/// The longest report that is read, in bytes: it has headers of one answer in it, and some hashes.
const MAX_REPORT_BYTES: u64 = 1 << 20;

/// Checks all of them.
pub(super) fn check(folder: &Folder, scan: &Scan, figures: &mut ModuleFigures, report: &mut Integrity) {
    let store = folder.modules();
    for (tree, module, path) in &scan.about {
        // Looked at twice, like all that a server may change meanwhile.
        let wrong = about(&store, *tree, module, path).and_then(|_| about(&store, *tree, module, path));
        if let Some(what) = wrong {
            let shown = path.display().to_string();
            let next = Some(format!("delete {shown}: it is fetched again"));
            let (path, version) = (module.path().to_string(), module.version().to_string());
            let module = Some(OfModule { path, version, expected: None, got: None });
            report.add(Finding { module, next, ..Finding::of_file(Flaw::ModuleInfo, shown, what) });
        }
    }
    for (module, path) in &scan.lists {
        if let Some(what) = listed(&store, module, path).and_then(|_| listed(&store, module, path)) {
            let shown = path.display().to_string();
            let next = Some(format!("delete {shown}: it is written again with the next version"));
            report.add(Finding { next, ..Finding::of_file(Flaw::ModuleInfo, shown, what) });
        }
    }
    quarantine(&folder.root().join("refused"), figures, report);
    journal(folder, report);
    admissions(&store, report);
}

/// What is wrong with the `.info` of a version; none where it is in order, or has left.
fn about(store: &Modules, tree: Tree, module: &ModuleVersion, path: &Path) -> Option<String> {
    let bytes = match store.read_info(tree, module) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return path.symlink_metadata().is_ok().then(|| "is empty, too long, or not a regular file".to_owned());
        }
        Err(fault) => return Some(fault.to_string()),
    };
    VersionInfo::of_module(module, &bytes).err().map(|error| format!("is invalid: {error}"))
}

/// What is wrong with the list of a module's versions; none where each is one of that module. It may lag behind what is here.
fn listed(store: &Modules, module: &ModulePath, path: &Path) -> Option<String> {
    let bytes = match store.read_list(module) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return path.symlink_metadata().is_ok().then(|| "is too long, or not a regular file".to_owned()),
        Err(fault) => return Some(fault.to_string()),
    };
    match list::read(module, &bytes) {
        Ok(versions) if list::write(&versions) == bytes => None,
        Ok(_) => Some("has a line that is not a version of the module, or lines out of order".to_owned()),
        Err(error) => Some(format!("is not what it should be: {error}")),
    }
}

/// Every file of the quarantine has a report, and every report can be read.
fn quarantine(dir: &Path, figures: &mut ModuleFigures, report: &mut Integrity) {
    let names = match names(dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            return report.add(Finding::of_file(
                Flaw::Refused,
                dir.display().to_string(),
                format!("cannot be read: {error}"),
            ));
        }
    };
    let mut without_bytes = 0_u64;
    for name in &names {
        let path = dir.join(name);
        let Ok(found) = path.symlink_metadata() else { continue };
        let shown = path.display().to_string();
        if !found.is_file() {
            let next = Some(format!("move {shown} away"));
            let what = "is not a regular file";
            report.add(Finding { next, ..Finding::of_file(Flaw::Stray, shown, what) });
            continue;
        }
        let wrong = match name.strip_suffix(REPORT) {
            Some(refused) => {
                without_bytes += u64::from(!names.contains(refused));
                unreadable_report(&path).and_then(|_| unreadable_report(&path))
            }
            None => {
                figures.refused += 1;
                figures.refused_bytes += found.len();
                lacks_report(&path)
            }
        };
        if let Some(what) = wrong {
            let next = Some(format!("delete {shown}"));
            report.add(Finding { next, ..Finding::of_file(Flaw::Refused, shown, what) });
        }
    }
    let notes = [
        (figures.refused, format!("refused files are kept in {}, each with the report of why", dir.display())),
        (without_bytes, format!("reports in {} are about files that are gone", dir.display())),
    ];
    let notes = notes.into_iter().filter(|(count, _)| *count > 0);
    report.notices.extend(notes.map(|(count, text)| Notice { level: Level::Note, text: format!("{count} {text}") }));
}

fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// A refused file gets its name after its report, and is removed before it.
fn lacks_report(path: &Path) -> Option<String> {
    let mut name = path.as_os_str().to_owned();
    name.push(REPORT);
    let is_alone = PathBuf::from(name).symlink_metadata().is_err() && path.symlink_metadata().is_ok();
    is_alone.then(|| format!("was refused, and has no report beside it (the same name and {REPORT})"))
}

/// What is wrong with a report; `None` where it is gone.
fn unreadable_report(path: &Path) -> Option<String> {
    let bytes = match path.symlink_metadata() {
        Ok(found) if found.len() > MAX_REPORT_BYTES => return Some(format!("is a report of {} bytes", found.len())),
        _ => files::open(path).and_then(|file| files::read_bounded(file, MAX_REPORT_BYTES)),
    };
    match bytes.map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
        Ok(Ok(Value::Object(_))) => None,
        Ok(Ok(_)) => Some("is not a JSON object".to_owned()),
        Ok(Err(error)) => Some(format!("is not JSON: {error}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}

fn journal(folder: &Folder, report: &mut Integrity) {
    let checked = folder.journal().and_then(|journal| Ok((journal.path().display().to_string(), journal.check()?)));
    match checked {
        Ok((path, wrong)) => {
            wrong.into_iter().for_each(|what| report.add(Finding::of_file(Flaw::Journal, path.clone(), what)));
        }
        Err(Fault::Unavailable { source_name, why, .. }) => {
            report.add(Finding::of_file(Flaw::Journal, source_name, why))
        }
        Err(fault) => report.add(Finding::of_file(Flaw::Journal, "proxy.sqlite", fault.to_string())),
    }
}

/// The times of admission: what is broken is lost when a server writes the file anew; what is missing is added by the next one.
fn admissions(store: &Modules, report: &mut Integrity) {
    let path = store.admissions().path().display().to_string();
    let next = Some(format!(
        "restore {path} from a backup, or leave it: the next server sets it aside, and takes the times from the stored files"
    ));
    let broken = |what| Finding { next: next.clone(), ..Finding::of_file(Flaw::Journal, path.clone(), what) };
    match store.check_admissions() {
        Ok((wrong, 0)) => wrong.into_iter().for_each(|what| report.add(broken(what))),
        Ok((_, missing)) => {
            let text = format!("{missing} stored versions are not in {path} yet: the next server adds them");
            report.notices.push(Notice { level: Level::Note, text });
        }
        Err(fault) => report.add(broken(fault.to_string())),
    }
}
