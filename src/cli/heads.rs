//! `gosumcheck heads`: the signed heads that were accepted, with the time and the route of their first sight, and those of others
//! compared with them.

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{code_of, complain, say, tell, worst};
use super::settings::{help, value_name};
use super::setup;
use crate::config::settings::rows;
use crate::database::{Comparison, Database};
use crate::fault::Fault;
use crate::files;
use crate::report::printable;
use crate::store::HeadFile;
use crate::store::evidence::read_evidence;
use crate::store::head::Sighting;
use crate::sumdb::evidence::Evidence;
use crate::upstream::{Http, Settings, Upstreams};

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 100;

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  listed; or all heads belong to the one history that is remembered here
  2  could not tell: wrong usage, a file that cannot be read or is not a signed head, or what is held does not reach
  3  the log itself misbehaved: it signed two histories that contradict each other";

const CLEAR_EXIT_CODES: &str = "\
Exit codes:
  0  cleared; or there is nothing to clear
  2  not cleared: the answer was not yes, or the disk failed";

#[derive(Debug, Subcommand)]
pub(super) enum Heads {
    /// List the accepted heads: records, root, when each was first seen, and the source that had answered
    #[command(after_help = EXIT_CODES)]
    Ls(Which),
    /// Compare signed heads of others, such as the file `latest` that go keeps, with the history that is remembered here, and note
    /// those that belong to it. Nothing is sent; evidence of a fork is saved
    #[command(after_help = EXIT_CODES)]
    Add(AddArgs),
    /// Clear a fork, after a person has decided which history to believe: until then no newer head is accepted. The evidence is kept
    #[command(after_help = CLEAR_EXIT_CODES)]
    ClearFork(ClearArgs),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Checksum database, as in GOSUMDB: NAME or a verifier key NAME+HASH+KEY
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    #[arg(long, value_name = value_name(&rows::data), help = help(&rows::data))]
    data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Files with one signed head each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(super) struct ClearArgs {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    which: Which,
}

/// Runs the command; gives the exit code.
pub(super) fn run(command: &Heads) -> Result<u8, Fault> {
    match command {
        Heads::Ls(which) => list(which),
        Heads::Add(args) => add(args),
        Heads::ClearFork(args) => clear_fork(args),
    }
}

fn list(which: &Which) -> Result<u8, Fault> {
    let (name, _, folder, _) = setup::looked_at(which.sumdb.as_deref(), None, which.data.as_ref())?;
    let seen = folder.head(&name)?.sightings()?;
    tell(|out| seen.iter().try_for_each(|seen| writeln!(out, "{}", printable(&line(seen)))))?;
    Ok(0)
}

/// One sighting in one line.
pub(super) fn line(seen: &Sighting) -> String {
    let Sighting { size, root, seen, route } = seen;
    format!("{size} {root} {seen} {route}")
}

fn add(args: &AddArgs) -> Result<u8, Fault> {
    let (name, policy, folder) = setup::kept_at(args.which.sumdb.as_deref(), args.which.data.as_ref())?;
    let nobody = Upstreams::new(Http::new(Settings::default()), Vec::new());
    let database = Database::open(&folder, &name, policy, nobody, 1)?;
    let head = folder.head(&name)?;
    if database.remembered()?.is_none() && database.pins().is_empty() {
        let why = "no head is remembered here yet, with which others could be compared: audit, sync or serve first";
        return Err(Fault::machine(folder.root().display().to_string(), why));
    }
    let runtime = setup::runtime()?;
    let mut codes = Vec::new();
    for path in &args.files {
        let shown = path.display().to_string();
        let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_NOTE_BYTES));
        let compared = read
            .map_err(|error| Fault::machine(shown.clone(), format!("cannot be read: {}", files::explain(&error))))
            .and_then(|bytes| {
                let compared = runtime.block_on(database.compare(&bytes, &shown, &|_, _, _| {}))?;
                Ok((compared, bytes))
            });
        match compared {
            Ok((Comparison::OneHistory, bytes)) => {
                note_seen(&database, &head, &bytes, &shown)?;
                codes.push(code_of(tell(|out| writeln!(out, "{}: consistent", printable(&shown)))));
            }
            Ok((Comparison::Unknown(_), _)) => {
                let said = format!("{shown}: pending: what is held here does not reach to compare it");
                codes.extend([2, code_of(tell(|out| writeln!(out, "{}", printable(&said))))]);
            }
            Err(fault) => {
                complain(&fault);
                codes.push(fault.exit_code());
            }
        }
    }
    Ok(worst(&codes))
}

/// Shows each fork and, once somebody said so, clears it.
fn clear_fork(args: &ClearArgs) -> Result<u8, Fault> {
    let (name, policy, folder) = setup::kept_at(args.which.sumdb.as_deref(), args.which.data.as_ref())?;
    let forks = folder.log(&name)?.forks()?;
    if forks.is_empty() {
        tell(|out| writeln!(out, "{}: there is no fork to clear", printable(&name)))?;
        return Ok(0);
    }
    for path in &forks {
        let shown = path.display().to_string();
        let what = match Evidence::find(&read_evidence(path).unwrap_or_default(), &policy) {
            Ok(fork) => format!(
                "{name} signed a tree of {} records that one of {} does not contain",
                fork.old.size, fork.new.size
            ),
            Err(error) => format!("this evidence does not hold any more ({error})"),
        };
        tell(|out| writeln!(out, "{}: {}", printable(&shown), printable(&what)))?;
    }
    if !args.yes && !is_confirmed()? {
        return Err(Fault::Usage("not cleared: type yes, or say --yes".to_owned()));
    }
    for path in &forks {
        let kept = folder.clear_evidence(path)?.display().to_string();
        tell(|out| writeln!(out, "cleared: the evidence is kept in {}", printable(&kept)))?;
    }
    Ok(0)
}

/// Asks on the terminal.
fn is_confirmed() -> Result<bool, Fault> {
    say("newer heads will be accepted again, where they contain the one that is remembered here. Type yes to clear:");
    let mut answer = String::new();
    let read = std::io::stdin().lock().take(MAX_ANSWER_BYTES).read_line(&mut answer);
    read.map_err(|error| Fault::machine("standard input", format!("cannot be read: {error}")))?;
    Ok(answer.trim() == "yes")
}

/// Notes a head that belongs to the history, unless one of its size is noted.
fn note_seen(database: &Database, head: &HeadFile, bytes: &[u8], route: &str) -> Result<(), Fault> {
    let Ok(opened) = database.open_head(bytes) else { return Ok(()) };
    let tree = opened.tree();
    if head.sightings()?.iter().any(|seen| seen.size == tree.size) {
        return Ok(());
    }
    head.note_sighting(&Sighting::now(tree, route.to_owned()))
}

/// Between which two heads record `id` appeared, in the order of the log: one line each, or what is not known.
pub(super) fn first_seen(sightings: &[Sighting], id: u64) -> [String; 2] {
    let before = sightings.iter().filter(|seen| seen.size <= id).max_by_key(|seen| seen.size);
    let after = sightings.iter().filter(|seen| seen.size > id).min_by_key(|seen| seen.size);
    let shown = |which: &str, seen: Option<&Sighting>| match seen {
        Some(seen) => format!("{which} {}", line(seen)),
        None => format!("{which} no head of which the time is known"),
    };
    [shown("after", before), shown("by", after)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_appeared_between_two_heads() {
        let seen = |size| Sighting { size, root: "r".to_owned(), seen: format!("t{size}"), route: "u".to_owned() };
        let all = [seen(20), seen(10), seen(30)];
        assert_eq!(first_seen(&all, 19), ["after 10 r t10 u", "by 20 r t20 u"]);
        assert_eq!(first_seen(&all, 20), ["after 20 r t20 u", "by 30 r t30 u"]);
        let none = "no head of which the time is known";
        assert_eq!(first_seen(&all, 9), [format!("after {none}"), "by 10 r t10 u".to_owned()]);
        assert_eq!(first_seen(&all, 30), ["after 30 r t30 u".to_owned(), format!("by {none}")]);
    }
}
