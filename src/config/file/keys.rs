//! The settings by name: one row each, from which flags, variables, the file's keys and `--check-config` are told.

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// in the file, with the table that it stands in: `limits.header_timeout`
    pub name: &'static str,
    /// in the environment
    pub variable: &'static str,
    /// on the command line
    pub flag: &'static str,
    /// what it is where nobody says anything; empty where that is looked up elsewhere
    pub default: &'static str,
    /// whether it takes several values
    pub is_list: bool,
    /// what it does
    pub help: &'static str,
}

const fn one(
    name: &'static str,
    variable: &'static str,
    flag: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key { name, variable, flag, default, is_list: false, help }
}

const fn list(
    name: &'static str,
    variable: &'static str,
    flag: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key { name, variable, flag, default, is_list: true, help }
}

/// Where to listen.
pub(super) const LISTEN: Key =
    list("listen", "GOSUMCHECK_LISTEN", "--listen", "127.0.0.1:3000", "addresses to listen at, HOST:PORT");
/// Its own names.
pub(super) const HOSTS: Key = list(
    "hosts",
    "GOSUMCHECK_HOSTS",
    "--host",
    "",
    "names of this server; requests for other hosts are refused on loopback, and where any is set, on every address",
);
/// Where to listen for health and metrics alone.
pub(super) const ADMIN_LISTEN: Key = list(
    "admin_listen",
    "GOSUMCHECK_ADMIN_LISTEN",
    "--admin-listen",
    "",
    "addresses at which only /healthz, /readyz and /metrics are answered, HOST:PORT",
);
/// The data folder.
pub(super) const DATA: Key = one("data", super::super::DATA_VARIABLE, "--data", "", "the data folder");
/// Which databases.
pub(super) const SUMDB: Key =
    list("sumdb", "GOSUMCHECK_SUMDB", "--sumdb", "sum.golang.org", "the databases, as in GOSUMDB");
/// Where to ask.
pub(super) const UPSTREAM: Key =
    list("upstream", "GOSUMCHECK_UPSTREAM", "--upstream", "", "where the only database is asked");
/// Whose names never leave.
pub(super) const PRIVATE: Key =
    list("private", "GOSUMCHECK_PRIVATE", "--private", "", "patterns of modules that are never asked about");
/// Where modules come from. Not `direct` unless somebody says so: it makes clients choose the hosts that this machine asks, and
/// runs git on what these send. The go command needs it not: it goes to the repository itself after our 404, where its own
/// GOPROXY ends with `direct`.
pub(super) const PROXY: Key = one(
    "proxy",
    "GOSUMCHECK_PROXY",
    "--proxy",
    "https://proxy.golang.org",
    "where modules come from, as in GOPROXY; off: no modules are served",
);
/// Where private modules come from.
pub(super) const PRIVATE_PROXY: Key = one(
    "private_proxy",
    "GOSUMCHECK_PRIVATE_PROXY",
    "--private-proxy",
    "",
    "where private modules come from, as in GOPROXY; empty: they are refused",
);
/// Wrong bytes.
pub(super) const ON_MISMATCH: Key = one(
    "on_mismatch",
    "GOSUMCHECK_ON_MISMATCH",
    "--on-mismatch",
    "refuse",
    "refuse or warn: what becomes of modules that are not what the database says",
);
/// Below which path.
pub(super) const PREFIX: Key =
    one("prefix", "GOSUMCHECK_PREFIX", "--prefix", "", "a path, as in /go, below which everything is answered too");
/// How old hints may be.
pub(super) const FRESHNESS: Key = one(
    "freshness",
    "GOSUMCHECK_FRESHNESS",
    "--freshness",
    "60s",
    "how long lists, latest versions and queries are kept before they are asked for again",
);
/// How old hints may be while upstreams are down.
pub(super) const STALE: Key =
    one("stale", "GOSUMCHECK_STALE", "--stale", "72h", "how old those may be while nobody can be asked");
/// How long a no is a no.
pub(super) const NEGATIVE: Key = one(
    "negative",
    "GOSUMCHECK_NEGATIVE",
    "--negative",
    "60s",
    "how long an answer that there is no such thing is kept",
);
/// Ask nobody.
pub(super) const OFFLINE: Key = one("offline", "GOSUMCHECK_OFFLINE", "--offline", "false", "ask nobody");
/// Sync in the background.
pub(super) const MIRROR: Key =
    one("mirror", "GOSUMCHECK_MIRROR", "--mirror", "false", "keep the full log, synced in the background");
/// How often.
pub(super) const SYNC_INTERVAL: Key =
    one("sync_interval", "GOSUMCHECK_SYNC_INTERVAL", "--sync-interval", "60s", "how often the full log is synced");
/// Requests to upstreams.
pub(super) const JOBS: Key = one("jobs", "GOSUMCHECK_JOBS", "--jobs", "32", "requests to upstreams at once");
/// Which events are logged.
pub(super) const LOG_LEVEL: Key =
    one("log.level", "GOSUMCHECK_LOG_LEVEL", "--log-level", "info", "error, warn, info, debug or trace");
/// How logs look.
pub(super) const LOG_FORMAT: Key = one("log.format", "GOSUMCHECK_LOG_FORMAT", "--log-format", "text", "text or json");
/// Which requests are logged.
pub(super) const LOG_ACCESS: Key =
    one("log.access", "GOSUMCHECK_ACCESS_LOG", "--access-log", "errors", "off, errors or all");
/// Connections at once.
pub(super) const CONNECTIONS: Key =
    one("limits.connections", "GOSUMCHECK_CONNECTIONS", "--connections", "", "connections at once");
/// Slow heads.
pub(super) const HEADER_TIMEOUT: Key =
    one("limits.header_timeout", "GOSUMCHECK_HEADER_TIMEOUT", "--header-timeout", "10s", "for a request's head");
/// Idle connections.
pub(super) const IDLE_TIMEOUT: Key =
    one("limits.idle_timeout", "GOSUMCHECK_IDLE_TIMEOUT", "--idle-timeout", "60s", "between two requests");
/// Slow readers.
pub(super) const WRITE_TIMEOUT: Key = one(
    "limits.write_timeout",
    "GOSUMCHECK_WRITE_TIMEOUT",
    "--write-timeout",
    "30s",
    "for a client to take 64 KiB of what is being sent to it",
);
/// The end.
pub(super) const STOP_TIMEOUT: Key =
    one("limits.stop_timeout", "GOSUMCHECK_STOP_TIMEOUT", "--stop-timeout", "20s", "to finish when told to stop");
/// Answers in memory.
pub(super) const MEMORY: Key =
    one("limits.memory", "GOSUMCHECK_MEMORY", "--memory", "128MiB", "all answers and refusals kept in memory");

/// Free space that is left alone.
pub(super) const DISK_FLOOR: Key = one(
    "disk_floor",
    "GOSUMCHECK_DISK_FLOOR",
    "--disk-floor",
    "auto",
    "free disk space below which nothing is stored: a size, 0, or auto (256MiB, at most 5 % of the disk)",
);

/// All of them, in the order in which they are shown.
pub const KEYS: [&Key; 28] = [
    &LISTEN,
    &HOSTS,
    &ADMIN_LISTEN,
    &DATA,
    &DISK_FLOOR,
    &SUMDB,
    &UPSTREAM,
    &PROXY,
    &PRIVATE,
    &PRIVATE_PROXY,
    &ON_MISMATCH,
    &PREFIX,
    &FRESHNESS,
    &STALE,
    &NEGATIVE,
    &OFFLINE,
    &MIRROR,
    &SYNC_INTERVAL,
    &JOBS,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &LOG_ACCESS,
    &CONNECTIONS,
    &HEADER_TIMEOUT,
    &IDLE_TIMEOUT,
    &WRITE_TIMEOUT,
    &STOP_TIMEOUT,
    &MEMORY,
];
