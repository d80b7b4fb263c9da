//! `gosumcheck serve`: settings in, a server that runs until it is told to stop.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::output::{tell, warn};
use crate::config::file::{self, Layers, LogFormat, Settings};
use crate::config::{self, GoEnv, Sumdb};
use crate::database::{Database, Relay, RelayOptions};
use crate::fault::Fault;
use crate::report::{Level, Notice, printable};
use crate::server::{self, Access, Config, Limits, Served, Syncing};
use crate::store::{Folder, Log};
use crate::sumdb::checkpoint::Policy;
use crate::sumdb::module::Patterns;
use crate::sync::{self, Options};
use crate::upstream::{Base, Http, Upstreams};

/// What is logged besides ourselves: only what its authors found alarming.
const OTHERS: &str = "warn";

/// Every option is a setting that gosumcheck.toml and the environment can say too; an option outdoes both.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Read settings from this file [default: gosumcheck/gosumcheck.toml in the user's configuration folder, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings in effect, each with where it comes from, and end
    #[arg(long)]
    check_config: bool,
    /// Listen here [default: 127.0.0.1:3000]. Repeatable; port 0 takes any, which is printed
    #[arg(long, value_name = "HOST:PORT")]
    listen: Vec<String>,
    /// Serve this database, as in GOSUMDB: NAME, NAME+HASH+KEY, or "NAME-or-KEY URL" [default: sum.golang.org]. Repeatable;
    /// the first is also answered for at the root
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Vec<String>,
    /// Ask here, and nowhere else: an http, https or file URL that has /lookup and /tile. Repeatable; asked in order
    #[arg(long, value_name = "URL")]
    upstream: Vec<String>,
    /// Keep the full log: synced in the background, and every answer is then given from the disk
    #[arg(long)]
    mirror: bool,
    /// How often to sync with --mirror [default: 60s]
    #[arg(long, value_name = "DURATION")]
    sync_interval: Option<String>,
    /// Ask nobody: answer from what the data folder holds
    #[arg(long)]
    offline: bool,
    /// Never ask about modules that match these patterns, as in GONOSUMDB; they get 403. "none" exempts nothing
    #[arg(long, value_name = "PATTERNS")]
    private: Option<String>,
    /// The data folder [default: GOSUMCHECK_DATA, else the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Requests to upstreams at once [default: 32]
    #[arg(long, value_name = "N")]
    jobs: Option<String>,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Logs, on standard error")]
struct LogArgs {
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Which requests to log: off, errors or all [default: errors]
    #[arg(long, value_name = "WHICH")]
    access_log: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Connections at once; more wait [default: 4096]
    #[arg(long, value_name = "N")]
    connections: Option<String>,
    /// For the head of a request to arrive [default: 10s]
    #[arg(long, value_name = "DURATION")]
    header_timeout: Option<String>,
    /// Between two requests on one connection [default: 60s]
    #[arg(long, value_name = "DURATION")]
    idle_timeout: Option<String>,
    /// For a slow client to take 64 KiB [default: 30s]
    #[arg(long, value_name = "DURATION")]
    write_timeout: Option<String>,
    /// To finish what is in flight when told to stop [default: 20s]
    #[arg(long, value_name = "DURATION")]
    stop_timeout: Option<String>,
    /// Answers kept in memory [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &ServeArgs) -> Result<u8, Fault> {
    let environment = |name: &str| std::env::var(name).ok();
    let layers = layers(args, Layers::read(args.config.as_deref(), environment)?);
    let settings = Settings::of(&layers, &GoEnv::of_process(), environment)?;
    if args.check_config {
        tell(|out| {
            settings.told.iter().try_for_each(|(name, value, source)| {
                writeln!(out, "{name:24} {:32} {}", printable(value), printable(&source.to_string()))
            })
        })?;
        return Ok(0);
    }
    logs(&settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Fault::unavailable("the system", format!("cannot start threads: {error}")))?;
    runtime.block_on(serve(&settings))?;
    Ok(0)
}

fn layers(args: &ServeArgs, layers: Layers) -> Layers {
    let yes = |is: bool| is.then(|| "true".to_owned());
    let (log, limits) = (&args.log, &args.limits);
    layers
        .flag("listen", args.listen.iter().cloned())
        .flag("sumdb", args.sumdb.iter().cloned())
        .flag("upstream", args.upstream.iter().cloned())
        .flag("mirror", yes(args.mirror))
        .flag("sync_interval", args.sync_interval.clone())
        .flag("offline", yes(args.offline))
        .flag("private", args.private.clone())
        .flag("data", args.data.clone())
        .flag("jobs", args.jobs.clone())
        .flag("log.level", log.log_level.clone())
        .flag("log.format", log.log_format.clone())
        .flag("log.access", log.access_log.clone())
        .flag("limits.connections", limits.connections.clone())
        .flag("limits.header_timeout", limits.header_timeout.clone())
        .flag("limits.idle_timeout", limits.idle_timeout.clone())
        .flag("limits.write_timeout", limits.write_timeout.clone())
        .flag("limits.stop_timeout", limits.stop_timeout.clone())
        .flag("limits.memory", limits.memory.clone())
}

/// Logs go to standard error, as text or JSON.
fn logs(settings: &Settings) {
    let filter = EnvFilter::new(format!("{OTHERS},gosumcheck={},access=info", settings.log_level));
    let logs = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    // A second subscriber is refused, and the first goes on: there is none in this process.
    let _ = match settings.log_format {
        LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).try_init(),
    };
}

async fn serve(settings: &Settings) -> Result<(), Fault> {
    // Before anybody can think that we are ready: a signal must not find us without a handler.
    let mut signals = Signals::install()?;
    let private = Patterns::parse(&settings.private);
    let warning = |text| Notice { level: Level::Warning, text };
    let malformed = private.malformed().iter();
    let notices: Vec<_> =
        malformed.map(|pattern| warning(format!("the pattern {pattern:?} is malformed and matches nothing"))).collect();
    warn(&notices);
    let folder = Folder::open(&settings.data)?;
    let served = settings.sumdb.iter().map(|sumdb| open(settings, &folder, sumdb, &private));
    let served = served.collect::<Result<Vec<Served>, Fault>>()?;
    let mut listeners = Vec::new();
    for address in &settings.listen {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|error| {
            Fault::unavailable(address.to_string(), format!("cannot listen there: {error}; name another with --listen"))
        })?);
    }
    // Printed, not logged: with port 0 nobody else can tell where we are.
    tell(|out| {
        listeners.iter().try_for_each(|listener| writeln!(out, "listening: http://{}", listener.local_addr()?))
    })?;
    let limits = Limits {
        connections: settings.connections,
        header: settings.header_timeout,
        idle: settings.idle_timeout,
        write: settings.write_timeout,
        stop: settings.stop_timeout,
        hot_bytes: settings.memory,
    };
    let access = match settings.access {
        file::Access::Off => Access::Off,
        file::Access::Errors => Access::Errors,
        file::Access::All => Access::All,
    };
    server::run(Config { limits, access }, served, listeners, signals.stop()).await
}

/// One database, ready to be served.
fn open(settings: &Settings, folder: &Folder, sumdb: &Sumdb, private: &Patterns) -> Result<Served, Fault> {
    let Sumdb::On { name, .. } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let log = folder.log(name)?;
    let options = RelayOptions { offline: settings.offline, private: private.clone() };
    let relay = Relay::new(database(settings, folder, sumdb)?, log.clone(), options)?;
    let served = Served::new(relay, log.clone());
    if !settings.mirror {
        return Ok(served);
    }
    Ok(served.synced(syncing(database(settings, folder, sumdb)?, log, settings.jobs), settings.sync_interval))
}

fn database(settings: &Settings, folder: &Folder, sumdb: &Sumdb) -> Result<Database, Fault> {
    let Sumdb::On { name, key, url } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let mut bases = settings.upstream.iter().map(|url| Base::parse(url)).collect::<Result<Vec<_>, _>>()?;
    if bases.is_empty() {
        bases.push(url.as_deref().map_or_else(|| Base::direct(name), Base::parse)?);
    }
    if settings.offline {
        bases.retain(Base::is_tree);
    }
    let netrc = config::netrc_file(|name| std::env::var(name).ok());
    let upstream = crate::upstream::Settings { concurrency: settings.jobs, netrc, ..Default::default() };
    let upstreams = Upstreams::new(Http::new(upstream), bases);
    Database::open(folder, name, Policy::log(key.as_ref().clone()), upstreams, settings.jobs)
}

/// What `--mirror` does in the background.
fn syncing(database: Database, log: Log, jobs: usize) -> Syncing {
    let both = Arc::new((database, log));
    Arc::new(move || {
        let both = Arc::clone(&both);
        Box::pin(async move {
            let options = Options { to: None, jobs, limit_rate: None };
            let synced = sync::sync(&both.0, &both.1, &options, &|_| {}).await?;
            synced.complaints.iter().for_each(|complaint| tracing::warn!("{complaint}"));
            let (new, all) = (synced.records, synced.tree.size);
            Ok((new > 0).then(|| format!("synced: {new} new records, {all} in all")))
        })
    })
}

/// What the system tells a server.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn install() -> Result<Signals, Fault> {
        let install = |kind| {
            signal(kind).map_err(|error| Fault::unavailable("the system", format!("cannot handle signals: {error}")))
        };
        Ok(Signals {
            interrupt: install(SignalKind::interrupt())?,
            terminate: install(SignalKind::terminate())?,
            hang_up: install(SignalKind::hangup())?,
        })
    }

    /// Until we are told to stop. A terminal that goes away stops nothing: heads on disk are looked at every second anyway.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => tracing::info!("SIGHUP: nothing to read again; restart to change settings"),
            }
        }
    }
}
