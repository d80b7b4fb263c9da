//! The options of `gosumcheck serve`.

use std::path::PathBuf;

use clap::Args;

use crate::config::file::Layers;

/// Every option is a setting that gosumcheck.toml and the environment can say too; an option outdoes both.
#[derive(Debug, Args)]
pub(in super::super) struct ServeArgs {
    /// Read settings from this file [default: gosumcheck/gosumcheck.toml in the user's configuration folder, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print the settings in effect, each with where it comes from, and end
    #[arg(long)]
    pub(super) check_config: bool,
    /// Listen here [default: 127.0.0.1:3000]. Repeatable; port 0 takes any, which is printed
    #[arg(long, value_name = "HOST:PORT")]
    listen: Vec<String>,
    /// A name of this server, as in goproxy.corp.example. At loopback addresses requests for a host other than localhost, an IP address
    /// and these names are refused, so that no web page can read private modules (DNS rebinding); with names, at all addresses.
    /// Needed behind a reverse proxy that passes the Host header on. Repeatable
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Answer /healthz, /readyz and /metrics, and nothing else, here too: with connections of its own, which clients cannot use
    /// up. Repeatable
    #[arg(long, value_name = "HOST:PORT")]
    admin_listen: Vec<String>,
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
    /// Modules that match these patterns, as in GOPRIVATE, are never asked about in public; "none" for no modules [default: all
    /// patterns of GOPRIVATE, GONOPROXY and GONOSUMDB]
    #[arg(long, value_name = "PATTERNS")]
    private: Option<String>,
    /// The data folder [default: GOSUMCHECK_DATA, else the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Free disk space below which nothing is stored: a size, 0 for none, or auto [default: auto, which is 256MiB or 5 % of a
    /// small disk]
    #[arg(long, value_name = "SIZE")]
    disk_floor: Option<String>,
    /// Requests to upstreams at once [default: 32]
    #[arg(long, value_name = "N")]
    jobs: Option<String>,
    /// Answer below this path too, as in /go
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    #[command(flatten)]
    modules: ModuleArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Modules")]
struct ModuleArgs {
    /// Where modules come from, as in GOPROXY; "off" serves none; "direct" lets clients choose which public hosts git asks from
    /// here [default: https://proxy.golang.org]
    #[arg(long, value_name = "GOPROXY")]
    proxy: Option<String>,
    /// Where private modules come from, as in GOPROXY. Anybody who reaches the port has all of them: there is no access control yet
    /// [default: nowhere, they get 403]
    #[arg(long, value_name = "GOPROXY")]
    private_proxy: Option<String>,
    /// What becomes of modules that are not what the database says: refuse, or warn to serve them all the same [default:
    /// refuse]
    #[arg(long, value_name = "WHAT")]
    on_mismatch: Option<String>,
    /// How long lists, latest versions and queries are kept before they are asked for again [default: 60s]
    #[arg(long, value_name = "DURATION")]
    freshness: Option<String>,
    /// How old those may be while nobody can be asked [default: 72h]
    #[arg(long, value_name = "DURATION")]
    stale: Option<String>,
    /// How long an answer that there is no such thing is kept [default: 60s]
    #[arg(long, value_name = "DURATION")]
    negative: Option<String>,
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
    /// Connections at once; more wait [default: 4096, or what the limit of open files allows]
    #[arg(long, value_name = "N")]
    connections: Option<String>,
    /// For the head of a request to arrive [default: 10s]
    #[arg(long, value_name = "DURATION")]
    header_timeout: Option<String>,
    /// Between two requests on one connection [default: 60s]
    #[arg(long, value_name = "DURATION")]
    idle_timeout: Option<String>,
    /// For a client to take 64 KiB of what is being sent to it [default: 30s]
    #[arg(long, value_name = "DURATION")]
    write_timeout: Option<String>,
    /// To finish what is in flight when told to stop [default: 20s]
    #[arg(long, value_name = "DURATION")]
    stop_timeout: Option<String>,
    /// Answers and refusals kept in memory, all together, beside half as much (8 to 32 MiB) for those being sent [default: 128MiB]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
}

impl ServeArgs {
    /// What the options say, over what was said before.
    pub(super) fn over(&self, layers: Layers) -> Layers {
        let yes = |is: bool| is.then(|| "true".to_owned());
        let (modules, log, limits) = (&self.modules, &self.log, &self.limits);
        layers
            .flag("listen", self.listen.iter().cloned())
            .flag("hosts", self.hosts.iter().cloned())
            .flag("admin_listen", self.admin_listen.iter().cloned())
            .flag("sumdb", self.sumdb.iter().cloned())
            .flag("upstream", self.upstream.iter().cloned())
            .flag("mirror", yes(self.mirror))
            .flag("sync_interval", self.sync_interval.clone())
            .flag("offline", yes(self.offline))
            .flag("private", self.private.clone())
            .flag("prefix", self.prefix.clone())
            .flag("proxy", modules.proxy.clone())
            .flag("private_proxy", modules.private_proxy.clone())
            .flag("on_mismatch", modules.on_mismatch.clone())
            .flag("freshness", modules.freshness.clone())
            .flag("stale", modules.stale.clone())
            .flag("negative", modules.negative.clone())
            .flag("data", self.data.clone())
            .flag("disk_floor", self.disk_floor.clone())
            .flag("jobs", self.jobs.clone())
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
}
