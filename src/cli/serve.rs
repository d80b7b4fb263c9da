//! `gosumcheck serve`: settings in, a server that runs until it is stopped.

mod access;
mod args;
mod command;
mod databases;
mod health;
mod importing;
mod listen;
mod logs;
mod memory;
mod modules;
mod nightly;
mod notify;
mod reload;
mod signals;
mod tls;
mod upstreams;

use std::path::Path;
use std::sync::Arc;

use rustix::fs::Mode;
use tokio::task::JoinSet;

pub(super) use args::ServeArgs;
pub(super) use command::CommandServer;
pub(super) use importing::importing;
use listen::{Passed, Sockets};
use logs::SetLevel;
use memory::Memory;
pub(super) use modules::store_limits;
use nightly::NightlyJob;
use reload::Reload;
use signals::Signals;

use super::output::{tell, warn};
use super::setup;
use crate::access::Access;
use crate::config::settings::{DiskFloor, Layers, ReadAhead, RulesFile, SETTINGS, Settings, rows};
use crate::config::{GoEnv, ProxyList};
use crate::database::Database;
use crate::fault::Fault;
use crate::files;
use crate::proxy::{ModulePolicy, Proxy, ProxyLimits, ReadAheadLimits};
use crate::relay::HeadRoute;
use crate::report::printable;
use crate::server::{self, Config, Descriptors, Limits, Loopback, ServedDatabase, TrustedProxies, VulnDatabase};
use crate::store::Folder;
use crate::store::space::Floor;
use crate::sumdb::module::Patterns;
use crate::sumdb::redact::redact;
use crate::upstream::{MAX_CONNECTIONS, Proxies, TraceExporter};

/// Runs the command; gives the exit code.
pub(super) fn run(args: &ServeArgs) -> Result<u8, Fault> {
    let environment = |name: &str| std::env::var(name).ok();
    let read = || {
        let layers = args.settings.over(Layers::read(SETTINGS, args.config.as_deref(), environment)?);
        Settings::of(&layers, &GoEnv::of_process(), environment)
    };
    let settings = read()?;
    if args.check_health {
        health::ask(&settings)?;
        return Ok(0);
    }
    // Before anything is asked of anybody.
    warn(&setup::warned(settings.warnings.iter().cloned()));
    warn(&setup::noted(settings.notes.iter().cloned()));
    if args.check_config {
        Access::of(&settings)?;
        databases::check(&settings)?;
        tell(|out| {
            settings.shown.iter().try_for_each(|(name, value, source)| {
                writeln!(out, "{name:24} {:32} {}", printable(value), printable(&source.to_string()))
            })
        })?;
        return Ok(0);
    }
    if args.reload {
        let named = Layers::named(args.config.as_deref(), environment);
        let (line, refused) = reload::ask(&settings.data, named.as_deref())?;
        if refused {
            return Err(Fault::Usage(line));
        }
        tell(|out| writeln!(out, "{}", printable(&line)))?;
        return Ok(0);
    }
    let set_level = logs::start(&settings);
    let passed = Passed::take();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::machine("the system", format!("cannot start threads: {error}")))?;
    let nightly = NightlyJob::of(&settings, args.config.as_deref())?;
    let file = Layers::file(args.config.as_deref(), environment);
    runtime.block_on(serve(&settings, passed, nightly, (&read, file.as_deref()), set_level))?;
    Ok(0)
}

async fn serve(
    settings: &Settings,
    passed: Passed,
    nightly: Option<NightlyJob>,
    (read, file): (&dyn Fn() -> Result<Settings, Fault>, Option<&Path>),
    set_level: SetLevel,
) -> Result<(), Fault> {
    // Before anybody can think that we are ready: a signal must not find us without a handler.
    let mut signals = Signals::install()?;
    let descriptors = Descriptors::raise();
    let as_read = settings;
    let settings = &Settings { jobs: descriptors.jobs(settings.jobs), ..settings.clone() };
    let connections = connections(settings, descriptors)?;
    introduce(settings);
    let private = Patterns::parse(&settings.private);
    let folder = data_folder(settings)?;
    let memory = Memory::divide(settings.memory, settings.sumdb.len());
    let served = settings.sumdb.iter().map(|sumdb| databases::open(settings, &folder, sumdb, &private, memory));
    let served = served.collect::<Result<Vec<ServedDatabase>, Fault>>()?;
    databases::cosign(settings, &folder, &served)?;
    let relay = served.first().map(ServedDatabase::relay);
    let read_ahead = ReadAheadLimits { mode: settings.read_ahead, ..ReadAheadLimits::default() };
    let store = store_limits(settings);
    let limits = ProxyLimits { refusal_bytes: memory.refusals, read_ahead, store, ..ProxyLimits::default() };
    let proxy = relay.map_or(Ok(None), |relay| modules::open(settings, &folder, relay.clone(), &private, limits))?;
    let tls = tls::open(settings)?;
    let traces = settings.otlp_endpoint.as_deref().map(TraceExporter::start).transpose()?;
    let vulndb = settings.vulndb.as_deref().map(VulnDatabase::open).transpose();
    let vulndb = vulndb.map_err(|fault| fault.set_at(&settings.place_of(&rows::vulndb)))?.map(Arc::new);
    let Sockets { mut listeners, lines, files: _files } = listen::open(settings, passed).await?;
    let gate = access::open(settings)?;
    listen::warn_of_open(&listeners, settings);
    // `--reload` finds it as soon as anybody knows that it is there.
    let reload = Reload::new(read, as_read, &folder, file);
    // Printed, not logged: with port 0 nobody else can tell where we are.
    tell(|out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    let limits = client_limits(settings, connections, &memory);
    let (prefix, hosts) = (settings.prefix.clone(), settings.hosts.clone());
    let trusted = TrustedProxies::new(&settings.trusted_proxies, settings.proxy_protocol);
    // What can change while the server runs: a line for each part.
    let reload = reload
        .with(tls::part(tls.clone()))
        .with(access::part(Arc::clone(&gate)))
        .with(upstreams::part(proxy.clone(), folder.clone()))
        .with(modules::policy_part(proxy.clone(), folder.clone()))
        .with(logs::level_part(set_level));
    let (own, loopback) = Loopback::new();
    listeners.admin.push(own);
    let mut background = JoinSet::new();
    tls.clone().map(|tls| background.spawn(tls::watch(tls, settings.tls_check_interval)));
    notify::watch(loopback).map(|watching| background.spawn(watching));
    let nightly_at = settings.verify_at;
    nightly.map(|job| background.spawn(job.keep_running()));
    let access = settings.access;
    let config = Config { prefix, hosts, limits, access, tls, trusted, gate, traces, vulndb, nightly_at };
    notify::ready();
    let ran = server::run(config, served, proxy, listeners, signals.stop(reload)).await;
    background.shutdown().await;
    ran
}

/// The limits for clients.
fn client_limits(settings: &Settings, connections: usize, memory: &Memory) -> Limits {
    Limits {
        connections,
        header: settings.header_timeout,
        idle: settings.idle_timeout,
        write: settings.write_timeout,
        drain: settings.drain_delay.unwrap_or_default(),
        stop: settings.stop_timeout,
        cache_bytes: memory.hot,
        body_bytes: Limits::body_bytes(settings.memory),
        ..Limits::default()
    }
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
    // One that is there and cannot be written is served from. Where there is none, nothing that is proven would be kept.
    std::fs::create_dir_all(&settings.data).map_err(|error| {
        let why = format!("the data folder cannot be made: {}; name another with --data", files::explain(&error));
        Fault::disk(settings.data.display().to_string(), why)
    })?;
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
    let relay = databases::open(settings, &folder, sumdb, &private, memory)?.relay().clone();
    modules::open(settings, &folder, relay, &private, modules::limits_of_command(settings, at_once))
}

/// The first database of the settings, over a data folder that may be written, with the sources that a server asks.
pub(super) fn database(settings: &Settings, folder: &Folder) -> Result<Database, Fault> {
    databases::first(settings, folder)
}

/// The other places that show heads of the first database.
pub(super) fn routes(settings: &Settings) -> Result<Vec<HeadRoute>, Fault> {
    databases::routes(settings)
}

/// The proxies that public modules are fetched from, and the rules.
pub(super) fn public_proxies(settings: &Settings, folder: &Folder) -> Result<(Proxies, Arc<ModulePolicy>), Fault> {
    Ok((modules::public(settings, folder)?, modules::policy(settings, folder)?))
}

/// The module proxy as a server with these settings has it, over a data folder that is only read, and with a database that asks
/// nobody; none where the setting `proxy` is off.
pub(super) fn looking(settings: &Settings) -> Result<Option<Proxy>, Fault> {
    let private = Patterns::parse(&settings.private);
    let folder = Folder::look(&settings.data)?;
    let memory = Memory::divide(settings.memory, settings.sumdb.len());
    let Some(sumdb) = settings.sumdb.first() else { return Ok(None) };
    let offline = Settings { offline: true, mirror: false, ..settings.clone() };
    let relay = databases::open(&offline, &folder, sumdb, &private, memory)?.relay().clone();
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
