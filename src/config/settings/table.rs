//! The settings: one row each. Flags, variables, keys of `gosumcheck.toml`, `--help`, `--check-config` and `docs/configuration.md`
//! come out of these rows. To add a setting, add a row here, and use its value.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::access::AccessTables;
use super::choices::{
    ACCESS, AccessLog, CLIENT_CERTIFICATES, ClientCertificates, DiskFloor, FORMATS, LEVELS, ListenAddress, LogFormat,
    MISMATCH, OnMismatch, READ_AHEAD, ReadAhead, TrustedProxy,
};
use super::notify::{NotifyTarget, share, time_of_day};
use super::reader::{SettingsReader, Shown};
use super::rules_file::RulesFile;
use super::setting::DefaultValue::{Found, Text, Unset};
use super::setting::Value::{One, Several, Switch};
use super::setting::{Setting, settings};
use super::upstream::Upstream;
use super::urls::{collector, web};
use super::values::{
    count, database, duration, flag, floor, host, kept, listening, mode, networks, path, path_of_file, percent, period,
    prefix, proxies, readable, trusted, word,
};
use crate::config::{DATA_VARIABLE, HostName, ProxyList, Sumdb, units};
use crate::fault::Fault;

/// Requests to one upstream at once, at most.
pub const MAX_JOBS: u16 = 1024;
/// Requests to one upstream per second, at most: the largest number that can be set.
pub const MAX_RATE: u32 = 1_000_000;

const SERVER: &str = "Server";
const TLS: &str = "TLS";
const DATABASE: &str = "Checksum database";
const MODULES: &str = "Modules";
const LOGS: &str = "Logs";
const LIMITS: &str = "Limits";
const ACCESS_CONTROL: &str = "Access control";
const STORE: &str = "Store";
const RULES: &str = "Module rules";
const VULNERABILITIES: &str = "Vulnerabilities";
const VERIFY: &str = "Nightly job";

settings! {
    /// Listen on this address, without TLS: HOST:PORT, unix:/PATH for a Unix socket, or systemd:NAME for a socket that systemd
    /// opened. Port 0 picks a free port, which is printed. "none" listens nowhere without TLS.
    listen: Vec<ListenAddress> = present(listening) {
        name: "listen", variable: "GOSUMCHECK_LISTEN", flag: "--listen",
        value: Several("ADDRESS"), default: Text("127.0.0.1:3000"), heading: SERVER,
    }

    /// A name of this server, such as goproxy.corp.example. On a loopback address, requests for any host other than localhost, an IP
    /// address or one of these names are refused, so that no web page can read private modules (DNS rebinding). Once a name is
    /// set, this holds on every address. Needed behind a reverse proxy that passes the Host header on.
    hosts: Vec<HostName> = all(host) {
        name: "hosts", variable: "GOSUMCHECK_HOSTS", flag: "--host",
        value: Several("NAME"), default: Unset, heading: SERVER,
    }

    /// Also listen on this address and answer only /healthz, /readyz and /metrics there, with a connection limit of its own that
    /// clients cannot use up.
    admin_listen: Vec<ListenAddress> = present(listening) {
        name: "admin_listen", variable: "GOSUMCHECK_ADMIN_LISTEN", flag: "--admin-listen",
        value: Several("ADDRESS"), default: Unset, heading: SERVER,
    }

    /// Mode of the Unix sockets, in octal: who may connect.
    socket_mode: u32 = one(mode) {
        name: "socket_mode", variable: "GOSUMCHECK_SOCKET_MODE", flag: "--socket-mode",
        value: One("MODE"), default: Text("0660"), heading: SERVER,
    }

    /// Believe reverse proxies and load balancers in this network about the address of their client: X-Forwarded-For, Forwarded, and
    /// with --proxy-protocol the PROXY protocol. "unix" believes all who connect to a Unix socket. From anybody else these are
    /// ignored.
    trusted_proxies: Vec<TrustedProxy> = all(trusted) {
        name: "trusted_proxies", variable: "GOSUMCHECK_TRUSTED_PROXIES", flag: "--trusted-proxy",
        value: Several("NETWORK"), default: Unset, heading: SERVER,
    }

    /// Connections from a trusted proxy begin with a PROXY header, version 1 or 2; without one they are closed.
    proxy_protocol: bool = one(flag) {
        name: "proxy_protocol", variable: "GOSUMCHECK_PROXY_PROTOCOL", flag: "--proxy-protocol",
        value: Switch, default: Text("false"), heading: SERVER,
    }

    /// Data folder: stored modules, the full log, cached answers, and the tree head that this machine has accepted.
    data: PathBuf = data_folder(path) {
        name: "data", variable: DATA_VARIABLE, flag: "--data",
        value: One("DIR"), default: Found("gosumcheck in the user's data folder, such as ~/.local/share"), heading: SERVER,
    }

    /// Store nothing more when free disk space falls below this size. 0 disables the check; auto is 256MiB, or 5 % of a disk
    /// smaller than 5GiB.
    disk_floor: DiskFloor = one(floor) {
        name: "disk_floor", variable: "GOSUMCHECK_DISK_FLOOR", flag: "--disk-floor",
        value: One("SIZE"), default: Text("auto"), heading: SERVER,
    }

    /// Let stored modules take this much of the disk. Above it, zips that were used least go first; each is asked for upstream before
    /// it goes. Private modules, pinned ones (`gosumcheck store pin`) and those that no upstream has any more stay.
    store_max_size: Option<u64> = optional(units::size) {
        name: "store.max_size", variable: "GOSUMCHECK_STORE_MAX_SIZE", flag: "--store-max-size",
        value: One("SIZE"), default: Unset, heading: STORE,
    }

    /// When the disk is this full, such as 90%, remove stored modules in the same order until it is 10 points less full. Others'
    /// files on the disk count too: with nothing else to remove, all zips that may go will.
    store_max_disk: Option<u8> = one(percent) {
        name: "store.max_disk", variable: "GOSUMCHECK_STORE_MAX_DISK", flag: "--store-max-disk",
        value: One("PERCENT"), default: Text("off"), heading: STORE,
    }

    /// Maximum number of questions per hour to upstreams whether they still have what is about to be removed. What could not be asked
    /// for stays.
    store_checks: usize = one(count(MAX_RATE)) {
        name: "store.checks_per_hour", variable: "GOSUMCHECK_STORE_CHECKS_PER_HOUR", flag: "--store-checks-per-hour",
        value: One("N"), default: Text("36000"), heading: STORE,
    }

    /// Hash every stored module file and all of the full log again once in this time, in the background. What changed is set aside
    /// and fetched again. 0 disables it.
    store_scrub: Option<Duration> = one(period) {
        name: "store.scrub", variable: "GOSUMCHECK_STORE_SCRUB", flag: "--store-scrub",
        value: One("DURATION"), default: Text("7d"), heading: STORE,
    }

    /// Read at most this much per second for that.
    store_scrub_rate: u64 = one(units::rate) {
        name: "store.scrub_rate", variable: "GOSUMCHECK_STORE_SCRUB_RATE", flag: "--store-scrub-rate",
        value: One("RATE"), default: Text("8MiB/s"), heading: STORE,
    }

    /// Serve this checksum database, as in GOSUMDB: NAME, NAME+HASH+KEY, or "NAME-or-KEY URL". The first one is also served at
    /// the root of the server.
    sumdb: Vec<Sumdb> = databases(database) {
        name: "sumdb", variable: "GOSUMCHECK_SUMDB", flag: "--sumdb",
        value: Several("GOSUMDB"), default: Found("GOSUMDB, else sum.golang.org"), heading: DATABASE,
    }

    /// Ask this source for the checksum database, and no other: an http, https or file URL with /lookup and /tile below it.
    /// Several are tried in order. Without it, proxies that relay the database are asked (those of --proxy, then of GOPROXY), then
    /// the database itself.
    sumdb_url: Vec<String> = all(kept) {
        name: "sumdb_url", variable: "GOSUMCHECK_SUMDB_URL", flag: "--sumdb-url",
        value: Several("URL"), default: Unset, heading: DATABASE,
    }

    /// Count a tree head only with the cosignatures of this policy's quorum of witnesses: a file in the form of C2SP tlog-policy
    /// (docs/witnesses.md).
    policy: Option<PathBuf> = optional(readable) {
        name: "policy", variable: "GOSUMCHECK_POLICY", flag: "--policy",
        value: One("FILE"), default: Unset, heading: DATABASE,
    }

    /// With a policy, fetch cosigned tree heads from this distributor: a URL with checkpoint.N below it, or with checkpoint, as
    /// another gosumcheck has it below /tlog/ORIGIN.
    distributors: Vec<String> = all(kept) {
        name: "distributors", variable: "GOSUMCHECK_DISTRIBUTORS", flag: "--distributor",
        value: Several("URL"), default: Unset, heading: DATABASE,
    }

    /// Cosign the tree heads of the first database with the key in this file, each as soon as its full log is held up to it, and serve them
    /// at /tlog/ORIGIN/checkpoint. `gosumcheck key generate --kind cosignature` makes the key.
    cosign: Option<PathBuf> = optional(readable) {
        name: "cosign", variable: "GOSUMCHECK_COSIGN", flag: "--cosign",
        value: One("FILE"), default: Unset, heading: DATABASE,
    }

    // Not `direct` unless somebody names it: with it, clients choose the hosts that this machine connects to, and git runs on what
    // those send. The go command can do without: after our 404 it goes to the repository itself, where its own GOPROXY ends with
    // `direct`. For that reason `direct` in go's own GOPROXY does not count.
    /// Fetch modules from these proxies, as in GOPROXY: after a comma the next one is asked only for what the one before lacks (404,
    /// 410), after | also when it fails. Separate mirrors of equal rank with |. Where a proxy sends wrong bytes, the next one is always
    /// asked. "off" serves no modules; "direct" runs git here, against public hosts that clients choose.
    proxy: ProxyList = proxy_list(proxies) {
        name: "proxy", variable: "GOSUMCHECK_PROXY", flag: "--proxy",
        value: One("GOPROXY"), default: Found("GOPROXY without direct, else https://proxy.golang.org"), heading: MODULES,
    }

    /// Patterns of private modules, as in GOPRIVATE. Their names are never sent to a public proxy or to the checksum database.
    /// "none" makes no module private.
    private: String = private() {
        name: "private", variable: "GOSUMCHECK_PRIVATE", flag: "--private",
        value: Several("PATTERNS"), default: Found("all patterns of GOPRIVATE, GONOPROXY and GONOSUMDB"), heading: MODULES,
    }

    /// Fetch private modules from these proxies, as in GOPROXY. Without access control (docs/access.md) every client that reaches
    /// the server can read all of them.
    private_proxy: ProxyList = any(proxies) {
        name: "private_proxy", variable: "GOSUMCHECK_PRIVATE_PROXY", flag: "--private-proxy",
        value: One("GOPROXY"), default: Found("none; private modules are refused with status 403"), heading: MODULES,
    }

    /// What to do with a module that differs from the checksum database: refuse it, or warn in the log and serve it anyway.
    on_mismatch: OnMismatch = one(word(&MISMATCH)) {
        name: "on_mismatch", variable: "GOSUMCHECK_ON_MISMATCH", flag: "--on-mismatch",
        value: One("refuse|warn"), default: Text("refuse"), heading: MODULES,
    }

    /// Fetch what the go command will ask for next before it asks: go.mod files and their checksum database records (mod), zips too
    /// (all), or nothing (off). It comes after clients' requests, within fixed limits, and never for private modules.
    read_ahead: ReadAhead = one(word(&READ_AHEAD)) {
        name: "read_ahead", variable: "GOSUMCHECK_READ_AHEAD", flag: "--read-ahead",
        value: One("off|mod|all"), default: Text("all"), heading: MODULES,
    }

    /// Also answer below this path, such as /go.
    prefix: String = any(prefix) {
        name: "prefix", variable: "GOSUMCHECK_PREFIX", flag: "--prefix",
        value: One("PATH"), default: Unset, heading: SERVER,
    }

    /// Keep version lists, latest versions and answers to queries for this long before asking upstream again.
    freshness: Duration = one(duration) {
        name: "freshness", variable: "GOSUMCHECK_FRESHNESS", flag: "--freshness",
        value: One("DURATION"), default: Text("60s"), heading: MODULES,
    }

    /// While no upstream answers, serve version lists, latest versions and answers to queries up to this age, also that there are none.
    stale: Duration = one(duration) {
        name: "stale", variable: "GOSUMCHECK_STALE", flag: "--stale",
        value: One("DURATION"), default: Text("72h"), heading: MODULES,
    }

    /// Remember for this long that upstream does not have a module or version.
    negative: Duration = one(duration) {
        name: "negative", variable: "GOSUMCHECK_NEGATIVE", flag: "--negative",
        value: One("DURATION"), default: Text("60s"), heading: MODULES,
    }

    /// Make no network requests: answer from the data folder and file:// upstreams only.
    offline: bool = one(flag) {
        name: "offline", variable: "GOSUMCHECK_OFFLINE", flag: "--offline",
        value: Switch, default: Text("false"), heading: SERVER,
    }

    /// Keep a full copy of the log: sync it in the background, and answer from disk.
    mirror: bool = one(flag) {
        name: "mirror", variable: "GOSUMCHECK_MIRROR", flag: "--mirror",
        value: Switch, default: Text("false"), heading: DATABASE,
    }

    /// Time between two syncs of the full log, with --mirror.
    sync_interval: Duration = one(duration) {
        name: "sync_interval", variable: "GOSUMCHECK_SYNC_INTERVAL", flag: "--sync-interval",
        value: One("DURATION"), default: Text("60s"), heading: DATABASE,
    }

    /// Hold first contact to the signed tree head in this file, as `sync` writes it to heads/NAME/latest, in place of the head of
    /// sum.golang.org that this program carries: what is seen first must be consistent with it.
    pin_head: Vec<PathBuf> = all(readable) {
        name: "heads.pin", variable: "GOSUMCHECK_PIN_HEAD", flag: "--pin-head",
        value: Several("FILE"), default: Unset, heading: DATABASE,
    }

    /// Also ask for the newest signed head of the first database at this URL, such as `https://sum.golang.google.cn/latest`, a proxy's
    /// /sumdb/NAME/latest, another server's /gossip/NAME, or a distributor's checkpoint: each must be of the one history. `serve` asks
    /// in the background, `verify` in each run. Both also send their own newest head there where `gossip` is in the path, or begins the host.
    head_routes: Vec<String> = all(web) {
        name: "heads.routes", variable: "GOSUMCHECK_HEAD_ROUTES", flag: "--head-route",
        value: Several("URL"), default: Unset, heading: DATABASE,
    }

    /// Time between two questions to each of the URLs in heads.routes.
    head_interval: Duration = one(duration) {
        name: "heads.interval", variable: "GOSUMCHECK_HEAD_INTERVAL", flag: "--head-interval",
        value: One("DURATION"), default: Text("10m"), heading: DATABASE,
    }

    /// A signed head is stale, and a finding of `verify`, when none newer has been seen for this long, or when a newer one has been
    /// known for this long.
    head_stale: Duration = one(duration) {
        name: "heads.stale", variable: "GOSUMCHECK_HEAD_STALE", flag: "--head-stale",
        value: One("DURATION"), default: Text("24h"), heading: DATABASE,
    }

    /// Maximum number of concurrent requests to one upstream, from 1 to 1024. How many it bears is found out; over HTTP/1.1 there are
    /// never more than 128.
    jobs: usize = one(count(MAX_JOBS.into())) {
        name: "jobs", variable: "GOSUMCHECK_JOBS", flag: "--jobs",
        value: One("N"), default: Text("1024"), heading: SERVER,
    }

    /// Maximum number of requests per second to one upstream.
    request_rate: Option<usize> = optional(count(MAX_RATE)) {
        name: "request_rate", variable: "GOSUMCHECK_REQUEST_RATE", flag: "--request-rate",
        value: One("N"), default: Unset, heading: SERVER,
    }

    /// Log messages of this level and above: error, warn, info, debug or trace.
    log_level: &'static str = one(word(&LEVELS)) {
        name: "log.level", variable: "GOSUMCHECK_LOG_LEVEL", flag: "--log-level",
        value: One("LEVEL"), default: Text("info"), heading: LOGS,
    }

    /// Format of the log, which goes to standard error.
    log_format: LogFormat = one(word(&FORMATS)) {
        name: "log.format", variable: "GOSUMCHECK_LOG_FORMAT", flag: "--log-format",
        value: One("text|json"), default: Text("text"), heading: LOGS,
    }

    /// Which requests to log. An error is a response of status 4xx or 5xx, except 404.
    access: AccessLog = one(word(&ACCESS)) {
        name: "log.access", variable: "GOSUMCHECK_ACCESS_LOG", flag: "--access-log",
        value: One("off|errors|all"), default: Text("errors"), heading: LOGS,
    }

    /// Send traces to this OpenTelemetry collector, by OTLP over HTTP with JSON, such as http://127.0.0.1:4318. A request, its lookup, its
    /// requests to upstreams and its proof are spans; the header traceparent is read, and sent to upstreams.
    otlp_endpoint: Option<String> = optional(collector) {
        name: "otlp_endpoint", variable: "GOSUMCHECK_OTLP_ENDPOINT", flag: "--otlp-endpoint",
        value: One("URL"), default: Unset, heading: LOGS,
    }

    /// Maximum number of concurrent client connections. Further clients wait.
    connections: Option<usize> = optional(count(1_000_000)) {
        name: "limits.connections", variable: "GOSUMCHECK_CONNECTIONS", flag: "--connections",
        value: One("N"), default: Found("4096, or fewer if the limit of open files requires it"), heading: LIMITS,
    }

    /// Time allowed for a client to send the headers of a request.
    header_timeout: Duration = one(duration) {
        name: "limits.header_timeout", variable: "GOSUMCHECK_HEADER_TIMEOUT", flag: "--header-timeout",
        value: One("DURATION"), default: Text("10s"), heading: LIMITS,
    }

    /// Time that a connection may be idle between two requests.
    idle_timeout: Duration = one(duration) {
        name: "limits.idle_timeout", variable: "GOSUMCHECK_IDLE_TIMEOUT", flag: "--idle-timeout",
        value: One("DURATION"), default: Text("60s"), heading: LIMITS,
    }

    /// Time allowed for a client to receive 64KiB of a response.
    write_timeout: Duration = one(duration) {
        name: "limits.write_timeout", variable: "GOSUMCHECK_WRITE_TIMEOUT", flag: "--write-timeout",
        value: One("DURATION"), default: Text("30s"), heading: LIMITS,
    }

    /// Time between the signal to stop, when /readyz begins to answer 503, and the closing of the listeners, so that a load balancer
    /// sees it in time.
    drain_delay: Option<Duration> = optional(duration) {
        name: "limits.drain_delay", variable: "GOSUMCHECK_DRAIN_DELAY", flag: "--drain-delay",
        value: One("DURATION"), default: Found("none"), heading: LIMITS,
    }

    /// Time allowed at shutdown for requests in flight to finish.
    stop_timeout: Duration = one(duration) {
        name: "limits.stop_timeout", variable: "GOSUMCHECK_STOP_TIMEOUT", flag: "--stop-timeout",
        value: One("DURATION"), default: Text("20s"), heading: LIMITS,
    }

    /// Memory for cached answers and refusals. Responses that are being sent take half as much again, at least 8MiB and at most
    /// 32MiB.
    memory: u64 = one(units::size) {
        name: "limits.memory", variable: "GOSUMCHECK_MEMORY", flag: "--memory",
        value: One("SIZE"), default: Text("128MiB"), heading: LIMITS,
    }

    /// Listen on this address with TLS. The addresses are written as for --listen.
    tls_listen: Vec<ListenAddress> = present(listening) {
        name: "tls.listen", variable: "GOSUMCHECK_TLS_LISTEN", flag: "--tls-listen",
        value: Several("ADDRESS"), default: Unset, heading: TLS,
    }

    /// PEM file with the server's certificate, followed by those that lead to its authority.
    tls_certificate: Option<PathBuf> = optional(path_of_file) {
        name: "tls.cert", variable: "GOSUMCHECK_TLS_CERT", flag: "--tls-cert",
        value: One("FILE"), default: Unset, heading: TLS,
    }

    /// PEM file with the certificate's private key, not encrypted.
    tls_key: Option<PathBuf> = optional(path_of_file) {
        name: "tls.key", variable: "GOSUMCHECK_TLS_KEY", flag: "--tls-key",
        value: One("FILE"), default: Unset, heading: TLS,
    }

    /// Ask clients for a certificate of one of the authorities in this PEM file.
    tls_client_ca: Option<PathBuf> = optional(path_of_file) {
        name: "tls.client_ca", variable: "GOSUMCHECK_TLS_CLIENT_CA", flag: "--tls-client-ca",
        value: One("FILE"), default: Unset, heading: TLS,
    }

    /// Whether a client must have a certificate, with --tls-client-ca.
    tls_client_auth: ClientCertificates = one(word(&CLIENT_CERTIFICATES)) {
        name: "tls.client_auth", variable: "GOSUMCHECK_TLS_CLIENT_AUTH", flag: "--tls-client-auth",
        value: One("optional|required"), default: Text("required"), heading: TLS,
    }

    /// Read the files of TLS again this often, and serve what is new in them if it is right.
    tls_check_interval: Duration = one(duration) {
        name: "tls.check_interval", variable: "GOSUMCHECK_TLS_CHECK_INTERVAL", flag: "--tls-check-interval",
        value: One("DURATION"), default: Text("60s"), heading: TLS,
    }

    /// Accept the users of this file, written as by htpasswd -B: a name, a colon, and a bcrypt or argon2 hash. Setting it turns
    /// access control on.
    access_users: Option<PathBuf> = optional(readable) {
        name: "access.users", variable: "GOSUMCHECK_ACCESS_USERS", flag: "--access-users",
        value: One("FILE"), default: Unset, heading: ACCESS_CONTROL,
    }

    /// Accept the tokens of this file, which gosumcheck token writes. Setting it turns access control on.
    access_tokens: Option<PathBuf> = optional(path) {
        name: "access.tokens", variable: "GOSUMCHECK_ACCESS_TOKENS", flag: "--access-tokens",
        value: One("FILE"), default: Found("access/tokens.toml in the data folder"), heading: ACCESS_CONTROL,
    }

    /// Answer only clients whose address is in one of these networks, such as 10.0.0.0/8; /healthz and /readyz answer all.
    access_networks: Vec<IpNet> = all(networks) {
        name: "access.networks", variable: "GOSUMCHECK_ACCESS_NETWORKS", flag: "--access-network",
        value: Several("NETWORK"), default: Unset, heading: ACCESS_CONTROL,
    }

    /// Maximum number of requests per second of one client: an IPv4 address, or an IPv6 network of 64 bits. Beyond it clients get
    /// status 429.
    access_client_rate: Option<usize> = optional(count(MAX_RATE)) {
        name: "access.client_rate", variable: "GOSUMCHECK_ACCESS_CLIENT_RATE", flag: "--access-client-rate",
        value: One("N"), default: Unset, heading: ACCESS_CONTROL,
    }

    /// Maximum number of requests per second with the credentials of one user, token or certificate.
    access_credential_rate: Option<usize> = optional(count(MAX_RATE)) {
        name: "access.credential_rate", variable: "GOSUMCHECK_ACCESS_CREDENTIAL_RATE", flag: "--access-credential-rate",
        value: One("N"), default: Unset, heading: ACCESS_CONTROL,
    }

    /// Number of requests that a client, or a credential, may send at once before its rate counts.
    access_burst: Option<usize> = optional(count(MAX_RATE)) {
        name: "access.burst", variable: "GOSUMCHECK_ACCESS_BURST", flag: "--access-burst",
        value: One("N"), default: Found("ten seconds of the rate"), heading: ACCESS_CONTROL,
    }

    /// Maximum number of concurrent requests of one client, bodies included.
    access_client_concurrency: Option<usize> = optional(count(MAX_RATE)) {
        name: "access.client_concurrency", variable: "GOSUMCHECK_ACCESS_CLIENT_CONCURRENCY",
        flag: "--access-client-concurrency", value: One("N"), default: Unset, heading: ACCESS_CONTROL,
    }

    /// Maximum number of concurrent requests with the credentials of one user, token or certificate, bodies included.
    access_credential_concurrency: Option<usize> = optional(count(MAX_RATE)) {
        name: "access.credential_concurrency", variable: "GOSUMCHECK_ACCESS_CREDENTIAL_CONCURRENCY",
        flag: "--access-credential-concurrency", value: One("N"), default: Unset, heading: ACCESS_CONTROL,
    }

    /// Read rules from this file: which modules are refused, with the reason that users read, and which are fetched from upstreams of
    /// their own. One rule a line, the first one that matches decides.
    rules: Option<PathBuf> = optional(readable) {
        name: "rules", variable: "GOSUMCHECK_RULES", flag: "--rules",
        value: One("FILE"), default: Unset, heading: RULES,
    }

    /// Refuse nothing because of a rule: log what would be refused, and serve it. Routes hold.
    dry_run: bool = one(flag) {
        name: "dry_run", variable: "GOSUMCHECK_DRY_RUN", flag: "--dry-run",
        value: Switch, default: Text("false"), heading: RULES,
    }

    /// Serve a Go vulnerability database below /vulndb/, for govulncheck -db: a folder or a vulndb.zip, such as a copy of
    /// that of vuln.go.dev. A newer copy that takes its place is served at once.
    vulndb: Option<PathBuf> = optional(path_of_file) {
        name: "vulndb.path", variable: "GOSUMCHECK_VULNDB", flag: "--vulndb",
        value: One("PATH"), default: Unset, heading: VULNERABILITIES,
    }

    /// Run `gosumcheck verify --record --resume` every day at this time, HH:MM in UTC, as a process of its own of low priority, one
    /// at a time. The other settings of `[verify]` hold for it.
    verify_at: Option<u32> = optional(time_of_day) {
        name: "verify.at", variable: "GOSUMCHECK_VERIFY_AT", flag: "--verify-at",
        value: One("HH:MM"), default: Unset, heading: VERIFY,
    }

    /// Read at most this much per second in `gosumcheck verify`, and let all other work go first.
    verify_max_rate: Option<u64> = optional(units::rate) {
        name: "verify.max_rate", variable: "GOSUMCHECK_VERIFY_MAX_RATE", flag: "--verify-max-rate",
        value: One("RATE"), default: Unset, heading: VERIFY,
    }

    /// In a recorded run, cover what is new since the last one and this share of the rest, in turn. A run after one with findings is
    /// complete.
    verify_sample: Option<u32> = optional(share) {
        name: "verify.sample", variable: "GOSUMCHECK_VERIFY_SAMPLE", flag: "--verify-sample",
        value: One("PERCENT"), default: Unset, heading: VERIFY,
    }

    /// With verify.sample, run a complete verification at least once in this time. 0 disables it.
    verify_full_every: Option<Duration> = one(period) {
        name: "verify.full_every", variable: "GOSUMCHECK_VERIFY_FULL_EVERY", flag: "--verify-full-every",
        value: One("DURATION"), default: Text("30d"), heading: VERIFY,
    }

    /// Ask every upstream of `proxy`, also behind a comma, for the stored public modules that a run of `gosumcheck verify` covers, and
    /// report those that have other bytes than the log recorded, and versions that were moved or are gone. All that is covered is
    /// downloaded again.
    verify_ask_upstreams: bool = one(flag) {
        name: "verify.ask_upstreams", variable: "GOSUMCHECK_VERIFY_ASK_UPSTREAMS", flag: "--verify-ask-upstreams",
        value: Switch, default: Text("false"), heading: VERIFY,
    }

    /// Send a message about each run that found something: https://HOST/PATH (a POST of JSON), mailto:ADDRESS (through sendmail) or
    /// command:COMMAND (by sh).
    verify_notify: Vec<NotifyTarget> = all(NotifyTarget::parse) {
        name: "verify.notify", variable: "GOSUMCHECK_VERIFY_NOTIFY", flag: "--verify-notify",
        value: Several("TARGET"), default: Unset, heading: VERIFY,
    }

    /// File with the key of the HMAC-SHA256 that authenticates messages to webhooks.
    verify_notify_key: Option<PathBuf> = optional(path_of_file) {
        name: "verify.notify_key", variable: "GOSUMCHECK_VERIFY_NOTIFY_KEY", flag: "--verify-notify-key",
        value: One("FILE"), default: Unset, heading: VERIFY,
    }

    /// Send a message where all is well, too: one line.
    verify_notify_always: bool = one(flag) {
        name: "verify.notify_always", variable: "GOSUMCHECK_VERIFY_NOTIFY_ALWAYS", flag: "--verify-notify-always",
        value: Switch, default: Text("false"), heading: VERIFY,
    }

    /// Sign each entry of the record with the key in this file.
    verify_sign_key: Option<PathBuf> = optional(path_of_file) {
        name: "verify.sign_key", variable: "GOSUMCHECK_VERIFY_SIGN_KEY", flag: "--verify-sign-key",
        value: One("FILE"), default: Unset, heading: VERIFY,
    }
}
