//! The files of unpacked modules that are not those of the proven zips, named in the report behind the folder that differs.

use std::path::Path;

use futures_util::StreamExt as _;

use super::super::progress::Bar;
use super::super::setup::{self, Setup};
use super::AuditArgs;
use super::zips::{self, AT_ONCE};
use crate::audit::unpacked_files::{DifferingFolder, differing};
use crate::fault::Fault;
use crate::report::{FileReport, LineReport, Location, Report, plain};

/// Adds to `report`, which is of the module cache at `root`, the files of each unpacked module that differs. That the module differs
/// stands there already: where its files cannot be told, that is said.
pub(super) fn name_files(args: &AuditArgs, setup: &Setup, root: &Path, report: &mut Report, bar: &Bar) {
    for file in &mut report.files {
        let folders = differing(root, file);
        if folders.is_empty() {
            continue;
        }
        match compare(args, setup, root, folders, bar) {
            Ok(compared) => compared.into_iter().for_each(|(folder, found)| add(file, &folder.shown(), found)),
            Err(fault) => file
                .remarks
                .push(format!("which files in these folders differ could not be told: {}", plain(&fault.to_string()))),
        }
    }
}

/// Adds what was found in the folder at `path`, behind the folder itself.
fn add(file: &mut FileReport, path: &str, found: Compared) {
    match found {
        Ok((lines, more)) => {
            let is_it = |line: &LineReport| matches!(&line.place, Location::File(place) if place == path);
            let behind = file.lines.iter().position(is_it).map_or(file.lines.len(), |place| place + 1);
            file.lines.splice(behind..behind, lines);
            if more > 0 {
                file.remarks.push(format!("{path}: {more} more files in it differ and are not listed"));
            }
        }
        Err(why) => file.remarks.push(format!("{path}: which files in it differ could not be told: {}", plain(&why))),
    }
}

/// What differs in a folder: its files and how many more, or why that could not be told.
type Compared = Result<(Vec<LineReport>, usize), String>;

/// Each of `folders`, held against its proven zip.
fn compare(
    args: &AuditArgs,
    setup: &Setup,
    root: &Path,
    folders: Vec<DifferingFolder>,
    bar: &Bar,
) -> Result<Vec<(DifferingFolder, Compared)>, Fault> {
    setup::runtime()?.block_on(async {
        let proxy = zips::proxy(args, setup, Some(root))?;
        let total = folders.len();
        let ask = |folder: DifferingFolder| async {
            let zip = zips::zip(proxy.as_ref(), &folder.module).await;
            (folder, zip)
        };
        let mut zips = futures_util::stream::iter(folders.into_iter().map(ask)).buffered(AT_ONCE);
        let mut compared = Vec::new();
        while let Some((folder, zip)) = zips.next().await {
            bar.show("unpacked modules compared", compared.len(), total);
            let files = match zip? {
                Ok(zip) => folder.files(root, &zip, super::threads()),
                Err(verdict) => Err(verdict.sentence(&setup.name)),
            };
            compared.push((folder, files));
        }
        Ok(compared)
    })
}
