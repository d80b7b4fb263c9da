//! `gosumcheck audit --history`: which repositories and which of their commits, and what became of their lines.

use std::path::Path;

use super::super::progress::Bar;
use super::AuditArgs;
use crate::audit::exclude::Exclusions;
use crate::audit::history::{self, History};
use crate::audit::inputs::Inputs;
use crate::fault::Fault;
use crate::report::{FileReport, Level, Notice, counted};
use crate::sumdb::number::wide;

/// The repository where no argument names one.
const HERE: &str = ".";

/// Reads the histories that the arguments name; `histories` gets what their findings are traced with.
///
/// # Errors
/// `Usage`: the range.
pub(super) fn read(
    args: &AuditArgs,
    range: Option<&str>,
    exclusions: &Exclusions,
    bar: &Bar,
    histories: &mut Vec<History>,
) -> Result<Inputs, Fault> {
    // `--history FOLDER`: what is a folder is taken for one where no PATH is given. So no range is ever taken for less than it is.
    let folder = range.filter(|range| args.paths.is_empty() && Path::new(range).is_dir());
    let range = if folder.is_some() { None } else { range };
    let here = [folder.unwrap_or(HERE).to_owned()];
    let paths = if args.paths.is_empty() { here.as_slice() } else { args.paths.as_slice() };
    let mut inputs = Inputs::default();
    for path in paths {
        let progress = |stage: &str, done: usize, total: usize| bar.show(stage, done, total);
        let found = history::read(path, range, exclusions, &progress)?;
        inputs.files.extend(found.files);
        inputs.notices.extend(found.notices);
        histories.extend(found.history);
    }
    Ok(inputs)
}

/// Adds to the findings in `files` which commits carried them.
pub(super) fn trace(histories: Vec<History>, files: &mut [FileReport]) -> Option<Notice> {
    let left_out: usize = histories.into_iter().map(|mut history| history.trace(files)).sum();
    let text = format!("{} not followed through the commits: there are too many", counted(wide(left_out), "finding"));
    (left_out > 0).then_some(Notice { level: Level::Warning, text })
}
