//! `gosumcheck doctor`: what protects the modules on this machine and what does not; the lines that mend it, written and put back.

mod bench;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::output::{say, tell};
use super::settings::{help, value_name};
use super::setup;
use crate::config;
use crate::config::settings::rows;
use crate::doctor::change::{self, Undone};
use crate::doctor::{Examination, Fix, Machine, Severity};
use crate::fault::Fault;
use crate::report::{counted, printable, write_json};
use crate::sumdb::number::wide;
use crate::upstream::{Http, Settings};

pub(super) const EXIT_CODES: &str = "\
It reads the environment, the file of `go env -w`, go.env of the Go installation, netrc, and go.mod, go.sum and vendor of this folder \
or those above it. Unless --offline is given it asks the proxies in GOPROXY whether they relay the checksum database, and nothing else.

With --bench it asks proxies for a few well-known modules, or those of --sample, and proves what they send by the records in the \
checksum database. No other name leaves this machine. The times are those of this moment and this place.

Exit codes:
  0  nothing but notes; with --fix, --write and --undo: done
  1  findings: an error or a warning; with --bench, a proxy in GOPROXY, or a named one, that sent wrong bytes or is dead
  2  could not tell: wrong usage, a failure of the disk, or of the go command; with --bench, no proxy was shown to be honest
  3  the log itself misbehaved: with --bench, it signed two histories that contradict each other";

/// Rounds of writing at most: a setting that two findings are about is mended in two.
const MAX_ROUNDS: usize = 8;
/// How long what is left behind may still take: a write to the disk does not take as long.
const LEAVE: Duration = Duration::from_secs(1);
/// The time in which all proxies must have answered, unless another is given.
const TIME: Duration = Duration::from_secs(20);
/// Tries of a question to a proxy: a person waits for the answer, and can ask again.
const TRIES: usize = 1;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Make no requests
    #[arg(long)]
    offline: bool,
    /// Print the lines that mend what was found, and nothing else
    #[arg(long)]
    fix: bool,
    /// Run those of them that begin with `go env`; what was there before is kept in the data folder
    #[arg(long, conflicts_with = "fix")]
    write: bool,
    /// Put back what was there before --write
    #[arg(long, conflicts_with_all = ["fix", "write"])]
    undo: bool,
    #[arg(long, value_name = value_name(&rows::data), help = help(&rows::data))]
    data: Option<PathBuf>,
    #[command(flatten)]
    bench: bench::BenchArgs,
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &DoctorArgs) -> Result<u8, Fault> {
    if args.undo {
        return undo(args);
    }
    if args.bench.is_on() {
        return bench::run(args);
    }
    let mut machine = read();
    if !args.offline {
        let netrc = config::netrc_file(|name| std::env::var(name).ok());
        let time = args.bench.timeout.unwrap_or(TIME);
        let (connect, silence) = (bench::CONNECT, time);
        let http = Http::new(Settings { netrc, tries: TRIES, connect, silence, total: time, ..Settings::default() });
        run_and_leave(machine.ask_proxies(&http, time))?;
    }
    if args.write {
        return write(args, machine);
    }
    let examination = Examination::of(&machine);
    if args.fix {
        tell(|out| fixes(out, &examination))?;
        return Ok(0);
    }
    match args.format.as_str() {
        "json" => tell(|out| write_json(&examination, out))?,
        _ => tell(|out| show(out, &examination))?,
    }
    Ok(examination.exit_code())
}

/// Runs `work`, and then leaves what it left behind: a name that is still being looked up is not waited for, only what is being written.
fn run_and_leave<T>(work: impl Future<Output = T>) -> Result<T, Fault> {
    let runtime = setup::runtime()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LEAVE);
    Ok(done)
}

fn read() -> Machine {
    let here = std::env::current_dir().unwrap_or_default();
    Machine::read(|name| std::env::var(name).ok(), &here)
}

fn data(args: &DoctorArgs) -> Result<PathBuf, Fault> {
    args.data.clone().map_or_else(|| config::data_folder(|name| std::env::var(name).ok()), Ok)
}

/// Writes what can be written, until nothing more is found that can.
fn write(args: &DoctorArgs, mut machine: Machine) -> Result<u8, Fault> {
    let (data, mut written) = (data(args)?, Vec::<Fix>::new());
    for _ in 0..MAX_ROUNDS {
        let examination = Examination::of(&machine);
        let planned = change::planned(examination.findings.iter().flat_map(|finding| &finding.fix));
        let new: Vec<Fix> = planned.into_iter().filter(|fix| !written.contains(fix)).collect();
        if new.is_empty() {
            break;
        }
        change::write(&new, &machine, &data)?;
        tell(|out| new.iter().try_for_each(|fix| writeln!(out, "{}", printable(&fix.to_string()))))?;
        written.extend(new);
        machine = Machine { relaying: machine.relaying, ..read() };
    }
    let rest = Examination::of(&machine).exit_code() != 0;
    let done = if written.is_empty() {
        "nothing was written"
    } else {
        "written; `gosumcheck doctor --undo` puts back what was there"
    };
    let more = if rest { "; the rest is for you: see `gosumcheck doctor`" } else { "" };
    say(&format!("{done}{more}"));
    Ok(0)
}

fn undo(args: &DoctorArgs) -> Result<u8, Fault> {
    let line = match change::undo(&data(args)?)? {
        Undone::Restored { file, has_earlier } => {
            let more = if has_earlier { "; an earlier change is undone by another --undo" } else { "" };
            format!("{} is what it was before `doctor --write`{more}", file.display())
        }
        Undone::Nothing => "there is nothing to undo".to_owned(),
    };
    say(&line);
    Ok(0)
}

/// The lines that mend it, each below what it is for.
fn fixes(out: &mut dyn Write, examination: &Examination) -> io::Result<()> {
    for finding in examination.findings.iter().filter(|finding| !finding.fix.is_empty()) {
        writeln!(out, "# {}: {}", finding.id, printable(&finding.what))?;
        for fix in &finding.fix {
            // What a person does by hand is not for a shell.
            writeln!(out, "{}{}", if fix.is_command() { "" } else { "# " }, printable(&fix.to_string()))?;
        }
    }
    Ok(())
}

/// All of it, for people.
fn show(out: &mut dyn Write, examination: &Examination) -> io::Result<()> {
    writeln!(out, "What protects the modules that are built here:")?;
    for protection in &examination.protections {
        writeln!(out, "  {:24} {}", printable(&protection.modules), printable(&protection.by))?;
    }
    for finding in &examination.findings {
        let severity = match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Note => "NOTE",
        };
        writeln!(out, "\n{severity:8} {}: {}", finding.id, printable(&finding.what))?;
        writeln!(out, "  why    {}", printable(&finding.why))?;
        for fix in &finding.fix {
            writeln!(out, "  fix    {}", printable(&fix.to_string()))?;
        }
    }
    let count = |severity, word| counted(wide(examination.count(severity)), word);
    let (errors, warnings) = (count(Severity::Error, "error"), count(Severity::Warning, "warning"));
    writeln!(out, "\n{errors}, {warnings}, {}", count(Severity::Note, "note"))
}
