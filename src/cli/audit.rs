//! `gosumcheck audit`: files in, a report out.

mod history;
mod unpacked;
mod zips;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use super::AuditArgs;
use super::output::{complain, tell, warn_of_unstored, worst};
use super::progress::Bar;
use super::setup::{self, Setup};
use crate::audit::exclude::Exclusions;
use crate::audit::inputs::{self, HERE, Inputs};
use crate::audit::look::Look;
use crate::audit::{Answers, Audited, Claims, asks, audit, modcache, verdicts};
use crate::database::{Comparison, Database, Progress, Unavailable};
use crate::fault::Fault;
use crate::files::{self, Unfit};
use crate::report::text::Style;
use crate::report::{Format, Input, Level, Notice, Report, Verdict, plain};
use crate::sumdb::bundle::RecordProof;

/// Runs the command; gives the exit code.
pub(super) fn run(args: &AuditArgs) -> Result<u8, Fault> {
    let setup = setup::prepare(&args.database)?;
    let bar = Bar::new();
    let exclusions = Exclusions::parse(&args.exclude)?;
    let mut histories = Vec::new();
    let Inputs { mut files, vendors, notices } = match &args.history {
        Some(range) => history::read(args, range.as_deref(), &exclusions, &bar, &mut histories)?,
        None => claims(args, &exclusions, &setup, &bar)?,
    };
    files.extend(zips::claims(args, &setup, vendors, &bar)?);
    let advice = unread_advice(&files, args.modcache.is_some());
    let mut audited = audit_all(&setup, files, args.proof.is_some(), &bar)?;
    let Audited { report, proofs } = &mut audited;
    if let Some(root) = mod_cache(args, &setup) {
        unpacked::name_files(args, &setup, root, report, &bar);
    }
    bar.clear();
    report.input = match (&args.modcache, &args.history) {
        (Some(_), _) => Input::ModuleCache,
        (_, Some(_)) => Input::History,
        _ => Input::Lines,
    };
    report.notices.extend(history::trace(histories, &mut report.files));
    report.inherits_exemptions = args.database.private.is_none();
    report.notices.extend(skipped_notice(report));
    report.notices.extend(report.misbehaviour.as_ref().and_then(|found| setup.known_heads().origin(&found.evidence)));
    report.notices.extend(setup.notices.iter().cloned().chain(notices).chain(advice));
    let mut codes = vec![report.exit_code()];
    // The report is printed even where the proof file cannot be written.
    let kept = args.proof.as_ref().map_or(Ok(()), |path| keep_proofs(path, proofs, report));
    for fault in [print(report, args.format, args.verbose), kept].into_iter().filter_map(Result::err) {
        complain(&fault);
        codes.push(fault.exit_code());
    }
    Ok(worst(&codes))
}

/// What there is to prove: the lines of files, or the files of a module cache.
fn claims(args: &AuditArgs, exclusions: &Exclusions, setup: &Setup, bar: &Bar) -> Result<Inputs, Fault> {
    if args.modcache.is_none() {
        return Ok(read(&args.paths, args.look.unwrap_or_default(), exclusions));
    }
    let nowhere = || Fault::Usage("there is no module cache: name one with --modcache DIR".to_owned());
    let root = mod_cache(args, setup).ok_or_else(nowhere)?;
    Ok(modcache::read(root, threads(), &|stage, done, total| bar.show(stage, done, total)))
}

/// The module cache that is audited, if one is.
fn mod_cache<'a>(args: &'a AuditArgs, setup: &'a Setup) -> Option<&'a Path> {
    args.modcache.as_ref().and_then(|named| named.as_deref().or(setup.mod_cache.as_deref()))
}

/// Threads that hash.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The claims in what `paths` name.
pub(super) fn read(paths: &[String], look: Look, exclusions: &Exclusions) -> Inputs {
    inputs::read(paths, look, exclusions, &mut io::stdin().lock())
}

/// What to do about files that could not be read, once for all of them.
pub(super) fn unread_advice(files: &[Claims], is_modcache: bool) -> Option<Notice> {
    let unread = files.iter().find(|file| file.unread.is_some() && !file.is_explained)?;
    let text = if is_modcache {
        "name the module cache, the folder that `go env GOMODCACHE` prints: --modcache DIR"
    } else if unread.path == HERE && Path::new(HERE).symlink_metadata().is_err() {
        "there is no go.sum in this folder: name one, or a folder to search for them (gosumcheck audit PATH...); a module \
         without dependencies has none"
    } else {
        "name files that can be read, folders that have go.sum files in or below them, or - for standard input; a link is \
         followed only where it is named itself"
    };
    Some(Notice { level: Level::Note, text: text.to_owned() })
}

/// What to do where the environment exempts all that could be proven.
pub(super) fn skipped_notice(report: &Report) -> Option<Notice> {
    let text = "nothing was proven: GOPRIVATE or GONOSUMDB, of the environment or of `go env -w`, exempt every line. --private none \
                checks them; if none of them is public, say so: --private PATTERNS";
    report.skips_all().then(|| Notice { level: Level::Warning, text: text.to_owned() })
}

/// Asks the database, unless there is nothing to ask it.
fn audit_all(setup: &Setup, files: Vec<Claims>, proofs: bool, bar: &Bar) -> Result<Audited, Fault> {
    if !asks(&files, &setup.exempt) {
        let mut report = Report::new(&setup.name);
        report.files = verdicts(files, &setup.exempt, &Answers::new());
        return Ok(Audited { report, proofs: Vec::new() });
    }
    let progress = |stage: &str, done: usize, total: usize| bar.show(stage, done, total);
    setup::runtime()?.block_on(async {
        let database = setup.database()?;
        let mut audited = audit(files, &setup.exempt, &database, &setup.name, proofs, &progress).await?;
        if audited.report.misbehaviour.is_none() && audited.report.head.is_some() {
            compare_with_go(setup, &database, &mut audited.report, &progress).await;
        }
        bar.clear();
        warn_of_unstored(&database);
        audited.report.notices.extend(left_alone(&database));
        audited.report.notices.extend(setup::noted(setup.cosigned(&database)));
        Ok(audited)
    })
}

/// Sources that could not be used, where another one made up for them.
fn left_alone(database: &Database) -> Vec<Notice> {
    let standings = database.upstreams().standings();
    let Some(used) = standings.iter().find(|standing| standing.is_used).map(|standing| standing.name.clone()) else {
        return Vec::new();
    };
    let said = standings.into_iter().filter_map(|standing| Some((standing.name, standing.why?)));
    let text =
        |(name, why): (String, String)| format!("{name} cannot be used: {}; {used} was asked instead", plain(&why));
    said.map(|said| Notice { level: Level::Note, text: text(said) }).collect()
}

/// The go command remembers a head of its own: a second witness that costs nothing.
async fn compare_with_go(setup: &Setup, database: &Database, report: &mut Report, progress: Progress<'_>) {
    let Some((path, note)) = setup.go_head() else { return };
    let whose = path.display().to_string();
    let (level, finding) = match database.compare(&note, &whose, progress).await {
        Ok(Comparison::OneHistory) => (Level::Note, "and this one are one history".to_owned()),
        Ok(Comparison::Unknown(Unavailable::NotHeld(_))) => {
            (Level::Note, "could not be compared with this one: the sources do not hold the tiles".to_owned())
        }
        Ok(Comparison::Unknown(miss)) => {
            let fault = miss.into_fault("the data folder");
            (Level::Note, format!("could not be compared with this one: {}", plain(&fault.to_string())))
        }
        Err(Fault::Refused { error, .. }) => (Level::Warning, format!("is damaged: {error}")),
        Err(fault @ Fault::Forked { .. }) => {
            report.misbehaviour = crate::audit::misbehaviour(&fault);
            return;
        }
        Err(fault) => (Level::Warning, format!("could not be compared with this one: {}", plain(&fault.to_string()))),
    };
    report.notices.push(Notice { level, text: format!("the go command's own head ({whose}) {finding}") });
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
        let why = format!("cannot write the proofs: {}; name another --proof file", files::explain(&error));
        Fault::machine(path.display().to_string(), why)
    })
}

/// Writes a file whole or not at all, so that only complete new proofs replace those of an earlier run. A device, and what a shell
/// opened for this process, is written in place. Nothing is written through a link: a stranger may have put it into the folder.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let there = path.symlink_metadata().ok().and_then(|found| Unfit::of_type(found.file_type()));
    match there {
        _ if files::is_own_descriptor(path) => return std::fs::write(path, bytes),
        Some(Unfit::Device) => return std::fs::write(path, bytes),
        Some(unfit) => return Err(unfit.into()),
        None => {}
    }
    let mut draft = OsString::from(path);
    draft.push(format!(".tmp{}", std::process::id()));
    // A file that already has the draft's name is not ours: it is neither written to nor removed.
    let mut file = std::fs::File::create_new(&draft)?;
    let written = file.write_all(bytes).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // If it cannot be removed it does no harm: nothing reads it.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Prints `report`, in colour only to a terminal.
pub(super) fn print(report: &mut Report, format: Format, verbose: bool) -> Result<(), Fault> {
    for file in &mut report.files {
        let unavailable = file.lines.iter_mut().filter_map(|line| match &mut line.verdict {
            Verdict::Unavailable { why } | Verdict::NotHeld { why } => Some(why),
            _ => None,
        });
        unavailable.chain(file.unread.as_mut()).for_each(|why| *why = plain(why));
    }
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    tell(|out| report.write(format, Style { colour, verbose }, out))
}
