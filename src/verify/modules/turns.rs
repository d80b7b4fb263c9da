//! Which module files a verification covers, in which turns it goes through them, and what is noted after each.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::ModuleOptions;
use super::scan::{Scan, Stored};
use crate::report::integrity::Coverage;
use crate::store::Folder;
use crate::store::modules::{pin_extension, proof_extension};
use crate::verify::parts::between_notes;

/// Files of one turn, at most: records are looked up for a turn at once.
const MAX_FILES: usize = 20_000;

/// The covered files with their names below the data folder, in the order of these.
pub(super) fn covered<'a>(folder: &Folder, scan: &'a Scan, coverage: Coverage) -> Vec<(String, &'a Stored)> {
    let is_covered = |(name, file): &(String, &Stored)| coverage.is_full() || coverage.has_file(name, changed(file));
    let named = scan.files.iter().map(|file| (name_of(folder, &file.path), file));
    let mut covered: Vec<_> = named.filter(is_covered).collect();
    covered.sort_by(|(a, _), (b, _)| a.cmp(b));
    covered
}

fn name_of(folder: &Folder, path: &Path) -> String {
    path.strip_prefix(folder.root()).unwrap_or(path).display().to_string()
}

/// When the file, or what stands beside it, was last changed, in microseconds since 1970: a new name and new rights count too. What
/// cannot be told counts as new.
fn changed(file: &Stored) -> u64 {
    let of = |path: &Path| match path.symlink_metadata() {
        Ok(found) => {
            let micros = found.ctime().saturating_mul(1_000_000).saturating_add(found.ctime_nsec() / 1000);
            u64::try_from(micros).unwrap_or(u64::MAX)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(_) => u64::MAX,
    };
    let beside =
        [pin_extension(file.kind), proof_extension(file.kind)].map(|ending| of(&file.path.with_extension(ending)));
    beside.into_iter().fold(of(&file.path), u64::max)
}

/// How many of the first of these files are one turn.
pub(super) fn turn(files: &[(String, &Stored)], options: &ModuleOptions) -> usize {
    let Some(resume) = &options.resume else { return files.len() };
    let (most, mut bytes) = (between_notes(resume, options.pace.as_ref()), 0_u64);
    let fits = |file: &&(String, &Stored)| {
        let before = bytes;
        bytes = bytes.saturating_add(file.1.len);
        before < most
    };
    files.iter().take(MAX_FILES).take_while(fits).count()
}
