//! What stands in the places of files: a link, or a file that others can change or its owner cannot use.

use std::fs;
use std::path::{Path, PathBuf};

use crate::report::Integrity;
use crate::report::integrity::{Finding, Flaw};
use crate::store::Log;
use crate::store::log::has_sound_mode;

/// Checks the files of a log.
pub(super) fn of_log(log: &Log, report: &mut Integrity) {
    for name in log.file_names() {
        of_place(&log.dir().join(&name), &name, report);
    }
}

/// Checks files that are kept beside log and modules, which the report calls by their whole paths.
pub fn places(paths: &[PathBuf], report: &mut Integrity) {
    for path in paths {
        of_place(path, &path.display().to_string(), report);
    }
}

fn of_place(path: &Path, name: &str, report: &mut Integrity) {
    if let Ok(target) = fs::read_link(path) {
        let what = format!("is a link to {} where a file belongs", target.display());
        report.add(Finding::of_file(Flaw::NotAFile, name, what));
    } else {
        of_mode(path, name, report);
    }
}

/// Checks the mode of the file at `path`, which the report calls `name`. One that is not there is in order.
pub(super) fn of_mode(path: &Path, name: &str, report: &mut Integrity) {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(found) = path.symlink_metadata() else { return };
    if found.is_file() && !has_sound_mode(&found) {
        let what = format!("has mode {:04o}, where gosumcheck makes files with 0600", found.mode() & 0o7777);
        report.add(Finding::of_file(Flaw::Permissions, name, what));
    }
}
