//! `gosumcheck audit`: files in, a report out.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::AuditArgs;
use super::output::{complain, plain, tell, worst};
use super::progress::Bar;
use super::setup::{self, Setup};
use crate::audit::{Answers, Audited, Claims, audit, inputs, judge, questions};
use crate::database::{Comparison, Database, Miss, Progress};
use crate::fault::Fault;
use crate::report::text::Style;
use crate::report::{Format, Level, Notice, Report};
use crate::sumdb::bundle::RecordProof;

/// What is audited where no path is given.
const HERE: &str = "./go.sum";

/// Runs the command; gives the exit code.
pub(super) fn run(args: &AuditArgs) -> Result<u8, Fault> {
    let setup = setup::prepare(&args.database)?;
    let bar = Bar::new();
    let files = read(&args.paths);
    let advice = unread_advice(&files);
    let mut audited = audit_all(&setup, files, &bar)?;
    bar.clear();
    let report = &mut audited.report;
    report.notices.extend(setup.notices.iter().cloned().chain(advice));
    let mut codes = vec![report.exit_code()];
    // A report is given even where a proof cannot be: it is what was asked for first.
    let kept = args.proof.as_ref().map_or(Ok(()), |path| keep_proofs(path, &audited.proofs, report));
    for fault in [print(report, args.format, args.verbose), kept].into_iter().filter_map(Result::err) {
        complain(&fault);
        codes.push(fault.exit_code());
    }
    Ok(worst(&codes))
}

/// The claims in what `paths` name.
pub(super) fn read(paths: &[String]) -> Vec<Claims> {
    let mut stdin = io::stdin().lock();
    let mut files: Vec<_> = paths.iter().flat_map(|path| inputs::read(path, &mut stdin)).collect();
    for why in files.iter_mut().filter_map(|file| file.unread.as_mut()) {
        *why = plain(why).to_owned();
    }
    files
}

/// What to do about files that could not be read, once for all of them.
pub(super) fn unread_advice(files: &[Claims]) -> Option<Notice> {
    let unread = files.iter().find(|file| file.unread.is_some())?;
    let text = if unread.path == HERE && !Path::new(HERE).exists() {
        "there is no go.sum in this folder: name one, or a folder to search for them (gosumcheck audit PATH...); a module \
         without dependencies has none"
    } else {
        "name files that can be read, folders that have go.sum files in or below them, or - for standard input"
    };
    Some(Notice { level: Level::Note, text: text.to_owned() })
}

/// Asks the database, unless there is nothing to ask it.
fn audit_all(setup: &Setup, files: Vec<Claims>, bar: &Bar) -> Result<Audited, Fault> {
    if questions(&files, &setup.exempt).is_empty() {
        let mut report = Report::new(&setup.name);
        report.files = judge(files, &setup.exempt, &Answers::new());
        return Ok(Audited { report, proofs: Vec::new() });
    }
    setup::runtime()?.block_on(async {
        let database = setup.database().await?;
        let progress = |stage: &str, done: usize, total: usize| bar.show(stage, done, total);
        let mut audited = audit(files, &setup.exempt, &database, &setup.name, &progress).await?;
        if audited.report.misbehaviour.is_none() && audited.report.head.is_some() {
            compare_with_go(setup, &database, &mut audited.report, &progress).await?;
        }
        Ok(audited)
    })
}

/// The go command remembers a head of its own: a second witness, for nothing.
async fn compare_with_go(
    setup: &Setup,
    database: &Database,
    report: &mut Report,
    progress: Progress<'_>,
) -> Result<(), Fault> {
    let Some((path, note)) = setup.go_head() else { return Ok(()) };
    let whose = path.display().to_string();
    let notice = |level, text: String| Notice { level, text };
    match database.compare(&note, &whose, progress).await {
        Ok(Comparison::OneHistory) => {
            let text = format!("the go command's own head ({whose}) and this one are one history");
            report.notices.push(notice(Level::Note, text));
        }
        Ok(Comparison::Unknown(miss)) => {
            let why = match miss {
                Miss::NotHeld(_) => "the sources do not hold the tiles".to_owned(),
                Miss::Fault(fault) => fault.to_string(),
            };
            let text = format!("the go command's own head ({whose}) could not be compared with this one: {why}");
            report.notices.push(notice(Level::Note, text));
        }
        Err(fault @ Fault::Forked { .. }) => report.misbehaviour = crate::audit::misbehaviour(&fault),
        Err(Fault::Refused { error, .. }) => {
            report
                .notices
                .push(notice(Level::Warning, format!("the go command's own head ({whose}) is damaged: {error}")));
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// Writes the proofs, if there are any.
fn keep_proofs(path: &Path, proofs: &[RecordProof], report: &mut Report) -> Result<(), Fault> {
    if proofs.is_empty() {
        let text = format!("{} is not written: nothing was proven", path.display());
        report.notices.push(Notice { level: Level::Warning, text });
        return Ok(());
    }
    let text: String = proofs.iter().map(ToString::to_string).collect();
    write_whole(path, text.as_bytes()).map_err(|error| {
        let why = plain(&error.to_string()).to_owned();
        Fault::unavailable(
            path.display().to_string(),
            format!("cannot write the proofs: {why}; name another --proof file"),
        )
    })
}

/// Writes a file whole or not at all, so that proofs of an earlier run are lost to none but whole ones. What is no plain
/// file, such as a device or a link, is written in place.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if !path.symlink_metadata().map_or(true, |found| found.is_file()) {
        return std::fs::write(path, bytes);
    }
    let mut draft = OsString::from(path);
    draft.push(format!(".tmp{}", std::process::id()));
    let written = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // Litter, if it stays: nothing reads it.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Prints `report`, in colour only to a terminal.
pub(super) fn print(report: &Report, format: Format, verbose: bool) -> Result<(), Fault> {
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    tell(|out| report.write(format, Style { colour, verbose }, out))
}
