//! `gosumcheck prefetch`: what a build needs in, and there it is when the go command asks.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::output::{code_of, say, tell, warn, worst};
use super::progress::Bar;
use super::settings::{SettingArgs, Takes};
use super::{serve, setup, spelling, words};
use crate::config;
use crate::config::settings::{Setting, Settings, rows};
use crate::fault::Fault;
use crate::prefetch::{self, Outcome, Source, Wanted, Why};
use crate::proxy::Proxy;
use crate::report::{counted, grouped, printable};
use crate::sumdb::module::Patterns;
use crate::sumdb::number::wide;
use crate::sumdb::redact::redact;
use crate::upstream::{self, Base, Proxies, ProxyEntry, ProxyPlace};

pub(super) const EXIT_CODES: &str = "\
Every file is proven before it is stored, as by `gosumcheck serve`; with the same data folder a server gives it at once. The \
settings are those of serve, and come from its file and its variables too.

Exit codes:
  0  all is there
  1  findings: a file is not what the log says, a go.sum line differs from the log, a module does not exist, or a line names none
  2  could not tell: wrong usage, a network or disk failure, or a file that could not be read
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2.";

/// Findings and failures that are listed each.
const MAX_LISTED: usize = 20;
/// Files that are brought at once, at most: enough for a source that is far away, and each takes an open file.
pub(super) const MAX_AT_ONCE: usize = 96;
/// A server answers when it has all of a file.
const SERVER_PATIENCE: Duration = prefetch::MAX_WAIT;

#[derive(Debug, Args)]
pub(super) struct PrefetchArgs {
    /// go.sum, go.work.sum or go.mod files, folders to search for go.sum files, lists of module versions (as `go list -m all`
    /// prints them), module versions such as golang.org/x/text@v0.3.0, or - for standard input [default: ./go.sum]
    #[arg(value_name = "WHAT")]
    what: Vec<String>,
    /// Ask this running gosumcheck server to bring them, into its own data folder
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<Fetching>,
}

/// The settings that say where files come from, and where they go.
#[derive(Debug)]
pub(super) struct Fetching;

impl Takes for Fetching {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            rows::data.name,
            rows::disk_floor.name,
            rows::store_max_size.name,
            rows::sumdb.name,
            rows::sumdb_url.name,
            rows::pin_head.name,
            rows::proxy.name,
            rows::private.name,
            rows::private_proxy.name,
            rows::jobs.name,
            rows::rules.name,
        ];
        taken.contains(&setting.name)
    }
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &PrefetchArgs) -> Result<u8, Fault> {
    let settings = args.settings.read(args.config.as_deref())?;
    let mut wanted = Wanted::read(&args.what, &mut io::stdin().lock(), &spelling::advice)?;
    let has_upstreams = settings.private_proxy.entries().len() > 0 || settings.rules_file.has_private_routes();
    let private = has_upstreams && args.server.is_none();
    let left_out = if private { 0 } else { wanted.leave_out(&Patterns::parse(&settings.private)) };
    warn(&wanted.notices);
    let at_once = settings.jobs.min(MAX_AT_ONCE);
    let (started, bar) = (Instant::now(), Bar::new());
    let outcome = setup::runtime_of(at_once)?.block_on(async {
        let source = source(&settings, args.server.as_deref(), at_once)?;
        let progress = |done: usize, total: usize| bar.show("prefetch", done, total);
        let brought = prefetch::bring(&source, &wanted, at_once, &progress);
        tokio::select! {
            brought = brought => brought,
            // What is stored by then stays; what had begun to arrive is gone on with the next time.
            _ = tokio::signal::ctrl_c() => Err(Fault::machine("prefetch", "stopped by a signal")),
        }
    });
    bar.clear();
    let outcome = outcome?;
    let codes = tell_outcome(&wanted, &outcome);
    say_left_out(left_out, args.server.is_some());
    tell(|out| writeln!(out, "{}", summary(&wanted, &outcome, args.server.as_deref(), started.elapsed())))?;
    Ok(worst(&codes))
}

/// The module proxy over the data folder.
pub(super) fn proxy(settings: &Settings, at_once: usize) -> Result<Proxy, Fault> {
    let off = || Fault::Usage("there is nobody to fetch modules from: the setting proxy is off".to_owned());
    serve::proxy(settings, at_once)?.ok_or_else(off)
}

/// The data folder, or the server.
fn source(settings: &Settings, server: Option<&str>, at_once: usize) -> Result<Source, Fault> {
    let Some(url) = server else { return proxy(settings, at_once).map(Source::Folder) };
    let base = Base::parse(url)?;
    if base.is_tree() {
        return Err(Fault::Usage(format!("--server {url}: a folder is not a server; name it with --data")));
    }
    let netrc = config::netrc_file(|name| std::env::var(name).ok());
    let defaults = upstream::Settings { concurrency: settings.jobs, netrc, ..upstream::Settings::default() };
    let asked = upstream::Settings { silence: SERVER_PATIENCE, total: SERVER_PATIENCE, ..defaults };
    let entry = ProxyEntry { place: ProxyPlace::Base(base, asked), falls_back: false };
    Ok(Source::Server(Proxies::new(vec![entry])))
}

/// Prints the findings, and says what could not be had or read; gives the exit codes that follow.
pub(super) fn tell_outcome(wanted: &Wanted, outcome: &Outcome) -> Vec<u8> {
    let mut codes = vec![outcome.exit_code(), code_of(tell(|out| report(out, wanted, outcome)))];
    for why in list(wanted.unread.iter().cloned()).chain(list(failures(outcome))) {
        // A path may have line ends, which are not to look like ours.
        say(&printable(&why));
    }
    codes.extend((!wanted.malformed.is_empty()).then_some(1));
    codes.extend((!wanted.unread.is_empty()).then_some(2));
    codes
}

/// The findings.
fn report(out: &mut dyn Write, wanted: &Wanted, outcome: &Outcome) -> io::Result<()> {
    let differing = outcome.differing.iter().map(|differing| {
        let (place, request) = (&differing.said.place, &differing.request);
        format!("DIFFERS  {place}: {request}: the line has {}, the log has {}", differing.said.hash, differing.proven)
    });
    let malformed = wanted.malformed.iter().map(|line| format!("NO LINE  {line}"));
    let missed = outcome.missed.iter().filter_map(|missed| match &missed.why {
        Why::Absent(words) => Some(format!("ABSENT   {}: {words}", missed.request)),
        Why::Refused(lines) => Some(format!("REFUSED  {}: {}", missed.request, lines.join(" / "))),
        Why::Failed(_) => None,
    });
    let lines = list(differing).chain(list(malformed)).chain(list(missed));
    lines.map(|line| printable(&line)).try_for_each(|line| writeln!(out, "{line}"))
}

/// Why files could not be had.
fn failures(outcome: &Outcome) -> impl Iterator<Item = String> {
    outcome.missed.iter().filter_map(|missed| match &missed.why {
        Why::Failed(fault) => Some(format!("{}: {fault}", missed.request)),
        Why::Absent(_) | Why::Refused(_) => None,
    })
}

/// The first lines, and how many more there are.
pub(super) fn list(lines: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut lines = lines;
    let mut first: Vec<String> = lines.by_ref().take(MAX_LISTED).collect();
    let more = lines.count();
    first.extend((more > 0).then(|| format!("... and {} more", grouped(wide(more)))));
    first.into_iter()
}

fn say_left_out(left_out: usize, is_server: bool) {
    let why = if is_server { "a server brings them when it is asked by go" } else { "there is no --private-proxy" };
    if left_out > 0 {
        say(&format!("note: private modules were left out, {left_out} in number: {why}"));
    }
}

/// What was done, in one line.
fn summary(wanted: &Wanted, outcome: &Outcome, server: Option<&str>, took: Duration) -> String {
    let count = |count: usize| grouped(wide(count));
    let (modules, files) = (counted(wide(wanted.modules()), "module"), wide(wanted.files.len()));
    let missed = match outcome.missed.len() {
        0 => String::new(),
        missed => format!(", {} missing", count(missed)),
    };
    let took = took.as_secs_f64();
    match server {
        Some(server) => {
            let there = count(outcome.held + outcome.fetched);
            let files = counted(files, "file");
            let server = redact(server);
            format!("prefetched {modules}: {there} of {files} are at {server}{missed}, in {took:.1} s")
        }
        None => {
            let (fetched, held, bytes) = (count(outcome.fetched), count(outcome.held), words::bytes(outcome.bytes));
            format!(
                "prefetched {modules}: {}, {fetched} fetched and proven ({bytes}), {held} held before\
                 {missed}, in {took:.1} s",
                counted(files, "file")
            )
        }
    }
}
