//! `gosumcheck audit`: files in, a report out.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use super::AuditArgs;
use super::progress::Bar;
use super::setup::{self, Setup};
use crate::audit::{Audited, Claims, audit, inputs, modcache};
use crate::database::Comparison;
use crate::fault::Fault;
use crate::report::text::Style;
use crate::report::{Format, Level, Notice, Report};
use crate::sumdb::bundle::RecordProof;

/// Runs the command; gives the exit code.
pub(super) fn run(args: &AuditArgs) -> Result<u8, Fault> {
    let setup = setup::prepare(&args.database)?;
    let bar = Bar::new();
    let files = read(args, &setup, &bar)?;
    let runtime = setup::runtime()?;
    let mut audited = runtime.block_on(audit_all(&setup, files, &bar))?;
    bar.clear();
    audited.report.notices.extend(setup.notices.iter().cloned());
    if let Some(path) = &args.proof {
        write_proofs(path, &audited.proofs())?;
    }
    print(&audited.report, args.format, args.verbose)?;
    Ok(audited.report.exit_code())
}

fn read(args: &AuditArgs, setup: &Setup, bar: &Bar) -> Result<Vec<Claims>, Fault> {
    if let Some(named) = &args.modcache {
        let root = named.clone().or_else(|| setup.mod_cache.clone());
        let root =
            root.ok_or_else(|| Fault::Usage("there is no module cache: name one with --modcache DIR".to_owned()))?;
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        return Ok(vec![modcache::read(&root, threads, &|stage, done, total| bar.show(stage, done, total))]);
    }
    let mut stdin = io::stdin().lock();
    Ok(args.paths.iter().flat_map(|path| inputs::read(path, &mut stdin)).collect())
}

async fn audit_all(setup: &Setup, files: Vec<Claims>, bar: &Bar) -> Result<Audited, Fault> {
    let database = setup.database().await?;
    let progress = |stage: &str, done: usize, total: usize| bar.show(stage, done, total);
    let mut audited = audit(files, &setup.exempt, &database, &setup.name, &progress).await?;
    if audited.report.misbehaviour.is_none() {
        compare_with_go(setup, &database, &mut audited.report, &progress).await?;
    }
    Ok(audited)
}

/// The go command remembers a head of its own: a second witness, for nothing.
async fn compare_with_go(
    setup: &Setup,
    database: &crate::database::Database,
    report: &mut Report,
    progress: crate::database::Progress<'_>,
) -> Result<(), Fault> {
    let Some((path, note)) = setup.go_head() else { return Ok(()) };
    let whose = path.display().to_string();
    let notice = |level, text: String| Notice { level, text };
    match database.compare(&note, &whose, progress).await {
        Ok(Comparison::OneHistory) => {
            let text = format!("the go command's own head ({whose}) and this one are one history");
            report.notices.push(notice(Level::Note, text));
        }
        Ok(Comparison::Unknown(_)) => {
            let text =
                format!("the go command's own head ({whose}) could not be compared: the sources do not hold the tiles");
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

fn write_proofs(path: &Path, proofs: &[RecordProof]) -> Result<(), Fault> {
    let mut text = String::new();
    for proof in proofs {
        // Writing to a string cannot fail.
        let _ = write!(text, "{proof}");
    }
    std::fs::write(path, text)
        .map_err(|error| Fault::unavailable(path.display().to_string(), format!("cannot write the proofs: {error}")))
}

/// Prints `report`, in colour only to a terminal.
pub(super) fn print(report: &Report, format: Format, verbose: bool) -> Result<(), Fault> {
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let mut out = io::BufWriter::new(stdout.lock());
    let written = report.write(format, Style { colour, verbose }, &mut out).and_then(|()| out.flush());
    written.map_err(|error| Fault::unavailable("standard output", error.to_string()))
}
