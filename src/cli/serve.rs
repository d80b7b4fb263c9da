//! `gosumcheck serve`: settings in, a server that runs until it is stopped.

mod args;
mod memory;
mod modules;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::Mode;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

pub(super) use args::ServeArgs;
use memory::Memory;

use super::output::{tell, warn};
use super::setup;
use crate::config::settings::{DiskFloor, Layers, LogFormat, ReadAhead, RulesFile, SETTINGS, Settings};
use crate::config::{GoEnv, ProxyList, Sumdb};
use crate::database::Database;
use crate::fault::Fault;
use crate::proxy::{Proxy, ProxyLimits, ReadAheadLimits};
use crate::relay::{Relay, RelayOptions};
use crate::report::printable;
use crate::server::{self, Config, Descriptors, Limits, Listeners, ServedDatabase, SyncTask};
use crate::store::space::Floor;
use crate::store::{Folder, Log};
use crate::sumdb::checkpoint::Policy;
use crate::sumdb::module::Patterns;
use crate::sumdb::redact::redact;
use crate::sync::{self, SyncOptions};
use crate::upstream::{Bounds, Candidate, Http, MAX_CONNECTIONS, TraceExporter, Upstreams, candidates};

/// What is logged besides ourselves: only what its authors found alarming.
const OTHERS: &str = "warn";

/// Runs the command; gives the exit code.
pub(super) fn run(args: &ServeArgs) -> Result<u8, Fault> {
    let environment = |name: &str| std::env::var(name).ok();
    let layers = args.settings.over(Layers::read(SETTINGS, args.config.as_deref(), environment)?);
    let settings = Settings::of(&layers, &GoEnv::of_process(), environment)?;
    // Before anything is asked of anybody.
    warn(&setup::warned(settings.warnings.iter().cloned()));
    warn(&setup::noted(settings.notes.iter().cloned()));
    if args.check_config {
        tell(|out| {
            settings.shown.iter().try_for_each(|(name, value, source)| {
                writeln!(out, "{name:24} {:32} {}", printable(value), printable(&source.to_string()))
            })
        })?;
        return Ok(0);
    }
    logs(&settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::machine("the system", format!("cannot start threads: {error}")))?;
    runtime.block_on(serve(&settings))?;
    Ok(0)
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
    let descriptors = Descriptors::raise();
    let settings = &Settings { jobs: descriptors.jobs(settings.jobs), ..settings.clone() };
    let connections = connections(settings, descriptors)?;
    introduce(settings);
    let private = Patterns::parse(&settings.private);
    let folder = data_folder(settings)?;
    let memory = Memory::divide(settings.memory, settings.sumdb.len());
    let served = settings.sumdb.iter().map(|sumdb| open(settings, &folder, sumdb, &private, memory));
    let served = served.collect::<Result<Vec<ServedDatabase>, Fault>>()?;
    let relay = served.first().map(ServedDatabase::relay);
    let read_ahead = ReadAheadLimits { mode: settings.read_ahead, ..ReadAheadLimits::default() };
    let limits = ProxyLimits { refusal_bytes: memory.refusals, read_ahead, ..ProxyLimits::default() };
    let proxy = relay.map_or(Ok(None), |relay| modules::open(settings, &folder, relay.clone(), &private, limits))?;
    let listeners = Listeners { public: listen(&settings.listen).await?, admin: listen(&settings.admin_listen).await? };
    // Printed, not logged: with port 0 nobody else can tell where we are.
    tell(|out| {
        let say = |listener: &TcpListener| listener.local_addr();
        listeners.public.iter().try_for_each(|listener| writeln!(out, "listening: http://{}", say(listener)?))?;
        let mut admin = listeners.admin.iter();
        admin.try_for_each(|listener| writeln!(out, "listening for health and metrics: http://{}", say(listener)?))
    })?;
    let limits = Limits {
        connections,
        header: settings.header_timeout,
        idle: settings.idle_timeout,
        write: settings.write_timeout,
        stop: settings.stop_timeout,
        cache_bytes: memory.hot,
        body_bytes: Limits::body_bytes(settings.memory),
        ..Limits::default()
    };
    let (prefix, hosts) = (settings.prefix.clone(), settings.hosts.clone());
    let traces = settings.otlp_endpoint.as_deref().map(TraceExporter::start).transpose()?;
    let config = Config { prefix, hosts, limits, access: settings.access, traces };
    server::run(config, served, proxy, listeners, signals.stop()).await
}

/// One line each for what a log is read for first.
fn introduce(settings: &Settings) {
    tracing::info!("gosumcheck {}", env!("CARGO_PKG_VERSION"));
    tracing::info!("data folder: {}", settings.data.display());
    let shown = |list: &ProxyList| redact(&list.to_string());
    let private = if settings.private_proxy.is_off() { "none".to_owned() } else { shown(&settings.private_proxy) };
    tracing::info!("upstreams: modules {}; private modules {private}", shown(&settings.proxy));
    let patterns = if settings.private.is_empty() { "none" } else { &settings.private };
    tracing::info!("private patterns: {patterns}");
    let RulesFile { name, rules, .. } = &settings.rules_file;
    if settings.rules.is_some() {
        let dry = if settings.dry_run { ", a dry run: nothing is refused" } else { "" };
        tracing::info!("rules: {} in {name}{dry}", rules.iter().len());
    }
}

/// The data folder, with its floor, and closed to other users.
fn data_folder(settings: &Settings) -> Result<Folder, Fault> {
    // The store sets the mode of all that it makes; what the commands of `direct` make is below the data folder too.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let folder = Folder::open(&settings.data)?;
    folder.set_floor(match settings.disk_floor {
        DiskFloor::Auto => Floor::Auto,
        DiskFloor::Bytes(0) => Floor::Off,
        DiskFloor::Bytes(bytes) => Floor::Bytes(bytes),
    });
    Ok(folder)
}

/// The module proxy as a server with these settings has it, without the server, with `at_once` downloads; none where the setting
/// `proxy` is off.
pub(super) fn proxy(settings: &Settings, at_once: usize) -> Result<Option<Proxy>, Fault> {
    let private = Patterns::parse(&settings.private);
    let folder = data_folder(settings)?;
    let memory = Memory::divide(settings.memory, settings.sumdb.len());
    let Some(sumdb) = settings.sumdb.first() else { return Ok(None) };
    let relay = open(settings, &folder, sumdb, &private, memory)?.relay().clone();
    let limits = ProxyLimits::default();
    let downloads = Bounds { running: at_once, longest_wait: limits.deadline, ..limits.downloads };
    // All is asked for anyway.
    let read_ahead = ReadAheadLimits { mode: ReadAhead::Off, ..limits.read_ahead };
    let limits = ProxyLimits { downloads, read_ahead, ..limits };
    modules::open(settings, &folder, relay, &private, limits)
}

/// The module proxy as a server with these settings has it, over a data folder that is only read, and with a database that asks
/// nobody; none where the setting `proxy` is off.
pub(super) fn looking(settings: &Settings) -> Result<Option<Proxy>, Fault> {
    let private = Patterns::parse(&settings.private);
    let folder = Folder::look(&settings.data)?;
    let memory = Memory::divide(settings.memory, settings.sumdb.len());
    let Some(sumdb) = settings.sumdb.first() else { return Ok(None) };
    let offline = Settings { offline: true, mirror: false, ..settings.clone() };
    let relay = open(&offline, &folder, sumdb, &private, memory)?.relay().clone();
    let read_ahead = ReadAheadLimits { mode: ReadAhead::Off, ..ReadAheadLimits::default() };
    modules::open(settings, &folder, relay, &private, ProxyLimits { read_ahead, ..ProxyLimits::default() })
}

/// How many connections there can be.
fn connections(settings: &Settings, descriptors: Descriptors) -> Result<usize, Fault> {
    let connections = descriptors.connections(settings.connections, settings.jobs.min(MAX_CONNECTIONS))?;
    let source = if settings.connections.is_some() { "limits.connections" } else { "the limit of open files" };
    tracing::info!(open_files = descriptors.limit(), connections, "connections at once: as {source} has it");
    Ok(connections)
}

async fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Fault> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|error| {
            Fault::machine(address.to_string(), format!("cannot listen there: {error}; name another with --listen"))
        })?);
    }
    Ok(listeners)
}

/// One database, ready to be served.
fn open(
    settings: &Settings,
    folder: &Folder,
    sumdb: &Sumdb,
    private: &Patterns,
    memory: Memory,
) -> Result<ServedDatabase, Fault> {
    let Sumdb::On { name, .. } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let log = folder.log(name)?;
    let options = RelayOptions { offline: settings.offline, private: private.clone() };
    let relay = Relay::within(database(settings, folder, sumdb)?, log.clone(), options, memory.database)?;
    let served = ServedDatabase::new(relay, log.clone());
    if !settings.mirror {
        return Ok(served);
    }
    let database = Arc::new(database(settings, folder, sumdb)?);
    let asking = Arc::clone(&database);
    let asked = Arc::new(move || (asking.upstreams().counts(), asking.upstreams().complaints()));
    Ok(served.synced(syncing(database, log, settings.jobs), settings.sync_interval, asked))
}

/// The database with its sources: those that were named for it, else relays, which `--proxy` names first, then the database itself.
fn database(settings: &Settings, folder: &Folder, sumdb: &Sumdb) -> Result<Database, Fault> {
    let Sumdb::On { name, key, url } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let named = if settings.sumdb_url.is_empty() { url.as_slice() } else { settings.sumdb_url.as_slice() };
    let lists = [&settings.proxy, &settings.go_proxies].map(|list| list.entries().map(|(entry, _)| entry).collect());
    let mut found = candidates(name, named, &lists)?;
    if settings.offline {
        found.retain(|candidate| candidate.base.is_tree());
    }
    let with_http = |candidate: Candidate| {
        let upstream = settings.upstream(&candidate.url);
        let (_, asked) = modules::asked(settings, candidate.base.clone(), upstream)?;
        Ok((candidate, Http::new(asked)))
    };
    let found = found.into_iter().map(with_http).collect::<Result<Vec<_>, Fault>>()?;
    let upstreams = Upstreams::found(found, !named.is_empty());
    Database::open(folder, name, Policy::log(key.as_ref().clone()), upstreams, settings.jobs)
}

/// What `--mirror` does in the background.
fn syncing(database: Arc<Database>, log: Log, jobs: usize) -> SyncTask {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    Arc::new(move || {
        let (database, log, said) = (Arc::clone(&database), log.clone(), Arc::clone(&said));
        Box::pin(async move {
            let options = SyncOptions { to: None, jobs, limit_rate: None };
            let synced = sync::sync(&database, &log, &options, &|_| {}).await;
            let lacking = database.upstreams().without_data_tiles().into_iter();
            let lacking =
                lacking.map(|source| format!("{source} relays no data tiles; the next source is asked for them"));
            let synced = synced.inspect_err(|_| say_new(&said, lacking.clone()))?;
            say_new(&said, synced.complaints.iter().map(ToString::to_string).chain(lacking));
            let (new, all) = (synced.records, synced.tree.size);
            Ok((new > 0).then(|| format!("synced: {new} new records, {all} in all")))
        })
    })
}

/// Logs what was not logged before.
fn say_new(said: &Mutex<Vec<String>>, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    let mut said = said.lock();
    lines.iter().filter(|line| !said.contains(line)).for_each(|line| tracing::warn!("{line}"));
    *said = lines;
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
            signal(kind).map_err(|error| Fault::machine("the system", format!("cannot handle signals: {error}")))
        };
        Ok(Signals {
            interrupt: install(SignalKind::interrupt())?,
            terminate: install(SignalKind::terminate())?,
            hang_up: install(SignalKind::hangup())?,
        })
    }

    /// Until somebody stops the server. A terminal that goes away stops nothing: heads on disk are looked at every second anyway.
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
