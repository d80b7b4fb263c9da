//! `gosumcheck run -- COMMAND...`: a command with a proving module proxy of its own, on a port of this machine, for as long as it runs.

mod child;
mod environment;
mod outcome;
mod report;
mod sums;

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::audit::write_whole;
use super::output::{complain, say, tell_unstored, warn};
use super::prefetch::{Fetching, MAX_AT_ONCE};
use super::serve::CommandServer;
use super::settings::SettingArgs;
use super::setup;
use crate::config::GoEnv;
use crate::config::settings::{Layers, ReadAhead, SETTINGS, Settings, ValueSource, rows};
use crate::fault::Fault;
use crate::files;
use crate::prefetch::{self, Source, Wanted};
use crate::proxy::Proxy;
use crate::relay::Relay;
use crate::report::{printable, write_json};
use crate::server;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::module::{ModuleVersion, Patterns};
use child::{Child, Inherited, PassedOn, code_of_signal};
use environment::Asked;
use outcome::RunOutcome;
use report::RunReport;
use sums::Sums;

pub(super) const EXIT_CODES: &str = "\
GOPROXY and GOSUMDB of the command name a server of its own on a loopback port, which proves every module before it gives it, as \
`gosumcheck serve` does; the upstreams are those of GOPROXY. What go.sum lists is brought ahead. What is private (GOPRIVATE, \
GONOPROXY, GONOSUMDB) goes around it, to the repositories, as go does. What the command leaves running in its process group is ended \
with it.

Exit codes:
  that of the command; 128 and its number where a signal ended it; 127 where there is no such command, 126 where it cannot be run
  1  the command succeeded, but something was refused, or a go.sum line is not what the log says
  2  wrong usage, no data folder; or the command succeeded, but what go.sum lists could not be proven
  3  the log itself misbehaved: it signed two histories that contradict each other";

/// How long the proofs of a report are waited for: almost all were made while the command ran.
const REPORT_TIME: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Command to run, with its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
    /// Write what the command used to FILE, as JSON: each module with its record and its inclusion proof
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the inclusion proofs alone to FILE, to be checked with `gosumcheck verify-proof`
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<Fetching>,
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &RunArgs) -> Result<u8, Fault> {
    let environment = |name: &str| std::env::var(name).ok();
    let here = std::env::current_dir().unwrap_or_default();
    let sums = Sums::of(&here, &GoEnv::read(environment));
    let asked = Asked::read(environment, sums.folder());
    // A port that nobody has: go's settings may name a server of ours that runs, and that one is asked.
    let layers = Layers::read(SETTINGS, args.config.as_deref(), environment)?;
    let layers = args.settings.over(layers).flag(&rows::listen, ["127.0.0.1:0".to_owned()]);
    let settings = Settings::of(&layers, &asked.go, environment)?;
    let settings = Settings { offline: settings.offline || asked.offline, ..settings };
    let is_of_go = settings
        .shown
        .iter()
        .any(|(name, _, source)| *name == rows::private.name && matches!(source, ValueSource::Go(_)));
    let wide = if is_of_go { asked.wide_patterns() } else { Vec::new() };
    warn(&setup::warned(asked.warnings.iter().chain(&settings.warnings).chain(&wide).cloned()));
    let inherited = Inherited::take();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::machine("the system", format!("cannot start threads: {error}")))?;
    let code = runtime.block_on(with_server(args, &settings, &asked, &sums, &inherited));
    // What is read ahead for nobody is not waited for.
    runtime.shutdown_background();
    code
}

async fn with_server(
    args: &RunArgs,
    settings: &Settings,
    asked: &Asked,
    sums: &Sums,
    inherited: &Inherited,
) -> Result<u8, Fault> {
    let no_port = |error: io::Error| Fault::machine("127.0.0.1", format!("cannot listen there: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(no_port)?;
    let url = format!("http://{}", listener.local_addr().map_err(no_port)?);
    let descriptors = server::Descriptors::raise();
    let private = Patterns::parse(&settings.private);
    let mut wanted = sums.listed();
    wanted.leave_out(&private);
    let jobs = descriptors.jobs(settings.jobs);
    let at_once = jobs.min(MAX_AT_ONCE);
    // All that a whole go.sum lists is asked for anyway.
    let read_ahead = if wanted.files.is_empty() { settings.read_ahead } else { ReadAhead::Off };
    let settings = Settings { jobs, read_ahead, ..settings.clone() };
    let CommandServer { config, served, proxy, aside } = CommandServer::open(&settings, at_once)?;
    if aside.is_some() {
        let place = settings.data.display();
        say(&format!("note: another gosumcheck has the module store of {place}: what is new is not kept there"));
    }
    let relay = served.relay().clone();
    let account = proxy.keep_account();
    let variables = asked.variables(&settings, &url, relay.vkey());
    let mut passed_on = PassedOn::install()?;
    let child = match Child::start(&args.command, &variables, inherited) {
        Ok(child) => child,
        Err(failed) => {
            say(&printable(&failed.why));
            return Ok(failed.code);
        }
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server::run(config, vec![served], Some(proxy.clone()), vec![listener], async move {
        let _ = stopped.await; // it is dropped, or sent
    }));
    let ahead = bring_ahead(asked.go.modcache(), proxy, wanted, at_once);
    let ended = tokio::select! {
        ended = child.ended(&mut passed_on) => ended?,
        never = ahead => match never {},
    };
    let concluded = async {
        drop(stop);
        let _ = serving.await; // it has nobody left to serve
        // As the command left it.
        let wanted = sums.listed();
        let outcome = RunOutcome::of(wanted, &private, &relay, ended, account.so_far(), at_once).await?;
        let code = conclude(args, outcome, &relay).await?;
        tell_unstored(&relay.store_failures());
        Ok(code)
    };
    let code = tokio::select! {
        code = concluded => code,
        signal = passed_on.next() => {
            say("stopped by a signal before all that go.sum lists was proven");
            Ok(if ended.code == 0 { code_of_signal(signal) } else { ended.code })
        }
    };
    drop(aside);
    code
}

/// Brings what is wanted and is not in the go command's module cache, for as long as the future is polled. What cannot be had is said
/// where it matters: when the command asks for it.
async fn bring_ahead(modcache: Option<PathBuf>, proxy: Proxy, mut wanted: Wanted, at_once: usize) -> Infallible {
    if let Some(modcache) = modcache.map(|modcache| modcache.join("cache/download")) {
        let held = |module: &ModuleVersion, kind| {
            let request = ModuleRequest::File(module.clone(), kind).to_string();
            modcache.join(request).is_file()
        };
        wanted.leave_out_files(held);
    }
    let source = Source::Folder(proxy);
    let _ = prefetch::bring(&source, &wanted, at_once, &|_, _| {}).await;
    std::future::pending().await
}

/// Says what came of it, and writes what is to be kept; gives the exit code.
async fn conclude(args: &RunArgs, outcome: RunOutcome, relay: &Relay) -> Result<u8, Fault> {
    let code = outcome.exit_code();
    outcome.findings().iter().for_each(|line| say(&printable(line)));
    say(&outcome.summary(relay));
    if outcome.ended.code == 0 && code != 0 {
        say(&format!("the command succeeded, but not all that it could use was proven: exit code {code}"));
    }
    if args.report.is_none() && args.proof.is_none() {
        return Ok(code);
    }
    let made = tokio::time::timeout(REPORT_TIME, RunReport::of(&args.command, code, &outcome, relay)).await;
    let late = |_| Err(Fault::timed_out("the report", format!("timed out: no proofs within {REPORT_TIME:?}")));
    let (report, proofs) = made.unwrap_or_else(late)?;
    let mut text = Vec::new();
    write_json(&report, &mut text).map_err(|error| Fault::machine("the report", error.to_string()))?;
    let proofs: String = proofs.iter().map(ToString::to_string).collect();
    let mut failed = None;
    for (path, text) in [(&args.report, text), (&args.proof, proofs.into_bytes())] {
        let Some(path) = path else { continue };
        if let Err(error) = write_whole(path, &text) {
            let fault =
                Fault::disk(path.display().to_string(), format!("cannot be written: {}", files::explain(&error)));
            complain(&fault);
            failed = Some(fault.exit_code());
        }
    }
    Ok(if code == 0 { failed.unwrap_or(0) } else { code })
}
