//! gomods/athens: config.toml, which variables of the environment overrule, key by key (pkg/config/config.go), the filter file and
//! the download mode file.

mod download_mode;
mod filter;

use toml::{Table, Value};

use super::draft::{Draft, list, text};
use super::{TheirSettings, command_line, repositories};

/// A setting's name in config.toml, and its variables, of which the first one that is set counts.
type Key = (&'static str, &'static [&'static str]);

const PORT: Key = ("Port", &["ATHENS_PORT", "PORT"]);
const SOCKET: Key = ("UnixSocket", &["ATHENS_UNIX_SOCKET"]);
const PREFIX: Key = ("PathPrefix", &["ATHENS_PATH_PREFIX"]);
const CERTIFICATE: Key = ("TLSCertFile", &["ATHENS_TLSCERT_FILE"]);
const PRIVATE_KEY: Key = ("TLSKeyFile", &["ATHENS_TLSKEY_FILE"]);
const USER: Key = ("BasicAuthUser", &["BASIC_AUTH_USER"]);
const STORAGE: Key = ("StorageType", &["ATHENS_STORAGE_TYPE"]);
const DISK_ROOT: &str = "ATHENS_DISK_STORAGE_ROOT";
const MODE: Key = ("DownloadMode", &["ATHENS_DOWNLOAD_MODE"]);
const URL: Key = ("DownloadURL", &["ATHENS_DOWNLOAD_URL"]);
const NETWORK: Key = ("NetworkMode", &["ATHENS_NETWORK_MODE"]);
const GO_VARIABLES: Key = ("GoBinaryEnvVars", &["ATHENS_GO_BINARY_ENV_VARS"]);
const NO_SUM: Key = ("NoSumPatterns", &["ATHENS_GONOSUM_PATTERNS"]);
const SUMDBS: Key = ("SumDBs", &["ATHENS_SUM_DBS"]);
const FILTER: Key = ("FilterFile", &["ATHENS_FILTER_FILE"]);
const LEVEL: Key = ("LogLevel", &["ATHENS_LOG_LEVEL"]);
const FORMAT: Key = ("LogFormat", &["ATHENS_LOG_FORMAT"]);
const SHUTDOWN: Key = ("ShutdownTimeout", &["ATHENS_SHUTDOWN_TIMEOUT"]);
const EXPORTER: Key = ("TraceExporter", &["ATHENS_TRACE_EXPORTER"]);
const EXPORTER_URL: Key = ("TraceExporterURL", &["ATHENS_TRACE_EXPORTER_URL"]);

/// Settings that mean nothing here, and why.
const WITHOUT: [(Key, &str); 19] = [
    (("GoBinary", &["GO_BINARY_PATH"]), "the go command on the PATH is used, and only for direct"),
    (("GoGetWorkers", &["ATHENS_GOGET_WORKERS"]), "how many fetches run at once has a bound of its own"),
    (("GoGetDir", &["ATHENS_GOGET_DIR"]), "unproven bytes are below the data folder"),
    (("ProtocolWorkers", &["ATHENS_PROTOCOL_WORKERS"]), "requests are bounded by limits.connections and limits.memory"),
    (("CloudRuntime", &["ATHENS_CLOUD_RUNTIME"]), "log.format says how logs are written"),
    (("EnablePprof", &["ATHENS_ENABLE_PPROF"]), "there is no profiler to be reached"),
    (("Timeout", &["ATHENS_TIMEOUT"]), "set file_timeout of an upstream in [upstreams.\"URL\"]; the default is 10m"),
    (("StashTimeout", &["ATHENS_STASH_TIMEOUT"]), "a fetch ends with its last waiter, or after an hour"),
    (("HomeTemplatePath", &["ATHENS_HOME_TEMPLATE_PATH"]), "the home page is the server's own"),
    (
        ("ForceSSL", &["PROXY_FORCE_SSL"]),
        "a proxy in front redirects; with tls.listen and listen = \"none\" nobody is without TLS",
    ),
    (("ValidatorHook", &["ATHENS_PROXY_VALIDATOR"]), "nobody is asked by HTTP: write what it decides as rules"),
    (
        ("NETRCPath", &["ATHENS_NETRC_PATH"]),
        "the netrc of the user that the server runs as is read; NETRC names another",
    ),
    (("GithubToken", &["ATHENS_GITHUB_TOKEN"]), "put it into the netrc of the user that the server runs as"),
    (("HGRCPath", &["ATHENS_HGRC_PATH"]), "only git is run"),
    (("RobotsFile", &["ATHENS_ROBOTS_FILE"]), "there is no robots.txt to choose"),
    (("SingleFlightType", &["ATHENS_SINGLE_FLIGHT_TYPE"]), "one process has a data folder, and fetches each file once"),
    (("IndexType", &["ATHENS_INDEX_TYPE"]), "/index and /catalog are answered from the data folder"),
    (("StatsExporter", &["ATHENS_STATS_EXPORTER"]), "/metrics is always there, for Prometheus"),
    (
        ("TraceSamplingFraction", &["ATHENS_TRACE_SAMPLING_FRACTION"]),
        "every request is traced where otlp_endpoint is set",
    ),
];

/// What Athens has for each of these where nothing is said: they are passed over then.
const DEFAULTS: [(&str, &str); 12] = [
    ("GoBinary", "go"),
    ("GoGetWorkers", "10"),
    ("ProtocolWorkers", "30"),
    ("CloudRuntime", "none"),
    ("EnablePprof", "false"),
    ("Timeout", "300"),
    ("StashTimeout", "600"),
    ("HomeTemplatePath", "/var/lib/athens/home.html"),
    ("ForceSSL", "false"),
    ("RobotsFile", "robots.txt"),
    ("SingleFlightType", "memory"),
    ("IndexType", "none"),
];

/// What is set, by whom.
struct Settings<'a> {
    file: Table,
    variables: &'a dyn Fn(&str) -> Option<String>,
}

impl Settings<'_> {
    /// The value of a setting, and what says so; none where nothing does.
    fn get(&self, (key, variables): Key) -> Option<(String, String)> {
        let set = |name: &&str| Some(((self.variables)(name).filter(|value| !value.is_empty())?, (*name).to_owned()));
        if let Some(found) = variables.iter().find_map(set) {
            return Some(found);
        }
        let value = match self.file.get(key)? {
            Value::String(value) => value.clone(),
            Value::Array(values) => {
                let values: Vec<String> = values.iter().map(plain).collect();
                values.join(if key == GO_VARIABLES.0 { ";" } else { "," })
            }
            other => plain(other),
        };
        let of = format!("{key} = {}", self.file.get(key).map(ToString::to_string).unwrap_or_default());
        (!value.is_empty()).then_some((value, of))
    }

    /// Only the value.
    fn value(&self, key: Key) -> Option<String> {
        self.get(key).map(|(value, _)| value)
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn read(given: &TheirSettings<'_>) -> Result<Draft, String> {
    let is_toml = |text: &str| text.parse::<Table>();
    let (file, lines) = match given.text.map(|text| (is_toml(text), text)) {
        None => (Table::new(), command_line::CommandLine::default()),
        Some((Ok(file), _)) => (file, command_line::CommandLine::default()),
        // A file of variables, as containers and units take it.
        Some((Err(error), text)) => match command_line::read(text, "athens-proxy") {
            lines if lines.variables.is_empty() => {
                return Err(format!("is neither a config.toml nor a file of variables: {error}"));
            }
            lines => (Table::new(), lines),
        },
    };
    let variables = |name: &str| lines.variables.get(name).cloned().or_else(|| (given.environment)(name));
    let settings = Settings { file, variables: &variables };
    let mut draft = Draft::default();
    places(&mut draft, &settings);
    sources(&mut draft, &settings);
    watching(&mut draft, &settings);
    if let Some((file, of)) = settings.get(FILTER) {
        match (given.read)(&file) {
            Ok(text) => filter::read(&mut draft, &text, &file),
            Err(why) => draft.without(format!("{of}: the filter file cannot be read: {why}")),
        }
    }
    download_mode::read(&mut draft, settings.get(MODE), settings.value(URL), given);
    storage(&mut draft, &settings);
    for (key, why) in WITHOUT {
        let is_default = |value: &str| DEFAULTS.contains(&(key.0, value));
        match settings.get(key) {
            Some((value, _)) if is_default(&value) => {}
            // Its value is nobody's business.
            Some(_) if key.0 == "GithubToken" => draft.without(format!("GithubToken: {why}")),
            Some((_, of)) => draft.without(format!("{of}: {why}")),
            None => {}
        }
    }
    Ok(draft)
}

/// Where it listens, and who is let in.
fn places(draft: &mut Draft, settings: &Settings<'_>) {
    let is_tls = settings.value(CERTIFICATE).is_some();
    match settings.get(SOCKET) {
        Some((path, of)) => draft.set("listen", list(&[format!("unix:{path}")]), of),
        None => {
            let (port, of) =
                settings.get(PORT).unwrap_or((":3000".to_owned(), "Port, of which this is the default".to_owned()));
            repositories::set_listen(draft, &repositories::listen(&port), is_tls, &of);
        }
    }
    for (key, setting) in [(CERTIFICATE, "tls.cert"), (PRIVATE_KEY, "tls.key")] {
        if let Some((file, of)) = settings.get(key) {
            draft.set(setting, text(&file), of);
        }
    }
    if let Some((prefix, of)) = settings.get(PREFIX) {
        draft.set("prefix", text(&repositories::prefix(&prefix)), of);
    }
    if let Some((user, _)) = settings.get(USER) {
        let make = format!("htpasswd -B -c gosumcheck.users {user}");
        let what = "BasicAuthUser: write its name and password into a file, and name that";
        draft.todo(what, &[make, "access.users = \"gosumcheck.users\"".to_owned()]);
    }
}

/// Whom it fetches from, and what is private.
fn sources(draft: &mut Draft, settings: &Settings<'_>) {
    let of_go = settings.value(GO_VARIABLES).unwrap_or_else(|| "GOPROXY=direct".to_owned());
    let go: Vec<(&str, &str)> = of_go.split(';').filter_map(|pair| pair.trim().split_once('=')).collect();
    let variable = |name: &str| go.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let proxy = variable("GOPROXY").unwrap_or("https://proxy.golang.org,direct");
    draft.set("proxy", text(proxy), "GOPROXY in GoBinaryEnvVars: where Athens fetches what it does not have");
    let mut private = repositories::split(&settings.value(NO_SUM).unwrap_or_default());
    for name in ["GOPRIVATE", "GONOSUMDB", "GONOPROXY"] {
        private.extend(repositories::split(variable(name).unwrap_or_default()));
    }
    private.sort();
    private.dedup();
    let of = "NoSumPatterns, and GOPRIVATE and its like in GoBinaryEnvVars";
    let from = "private modules come from their repositories, with this user's keys";
    repositories::set_private(draft, &private, of, from);
    if variable("GOSUMDB") == Some("off") {
        draft.without(
            "GOSUMDB=off in GoBinaryEnvVars: public modules are always proven; name those that cannot be in private",
        );
    }
    for (name, _) in &go {
        if !["GOPROXY", "GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOSUMDB"].contains(name) {
            draft.without(format!("{name} in GoBinaryEnvVars: the go command gets an environment of the server's own"));
        }
    }
    match settings.value(NETWORK).as_deref() {
        Some("offline") => draft.set("offline", "true".to_owned(), "NetworkMode = \"offline\""),
        Some("strict") | None => {}
        Some(mode) => draft.without(format!(
            "NetworkMode = {mode:?}: a list is the upstream's; where it fails, what is known from before is given"
        )),
    }
    if let Some((urls, of)) = settings.get(SUMDBS) {
        let names = repositories::split(&urls).into_iter().map(|url| url.trim_start_matches("https://").to_owned());
        let (known, others): (Vec<String>, Vec<String>) = names.partition(|name| repositories::is_known_sumdb(name));
        for name in others {
            draft.without(format!("{of}: the key of {name} is not known here; write it as NAME+HASH+KEY in sumdb"));
        }
        if !known.is_empty() {
            draft.set("sumdb", list(&known), of);
        }
    }
}

/// Logs, traces, and how it stops.
fn watching(draft: &mut Draft, settings: &Settings<'_>) {
    if let Some((level, of)) = settings.get(LEVEL) {
        let level = match level.to_ascii_lowercase().as_str() {
            "panic" | "fatal" => "error".to_owned(),
            "warning" => "warn".to_owned(),
            level => level.to_owned(),
        };
        draft.set("log.level", text(&level), of);
    }
    if let Some((format, of)) = settings.get(FORMAT) {
        draft.set("log.format", text(if format == "plain" { "text" } else { &format }), of);
    }
    if let Some((seconds, of)) = settings.get(SHUTDOWN) {
        draft.set("limits.stop_timeout", text(&format!("{seconds}s")), of);
    }
    match (settings.get(EXPORTER), settings.value(EXPORTER_URL)) {
        (Some((exporter, of)), Some(url)) if exporter == "otlp" => {
            draft.set("otlp_endpoint", text(&url.replace(":4317", ":4318")), format!("{of}, by HTTP in place of gRPC"));
        }
        (Some((_, of)), _) => {
            draft.without(format!("{of}: traces are sent by OTLP over HTTP alone, see otlp_endpoint"))
        }
        (None, _) => {}
    }
}

/// What it has stored.
fn storage(draft: &mut Draft, settings: &Settings<'_>) {
    let kind = settings.value(STORAGE).unwrap_or_else(|| "memory".to_owned());
    if kind != "disk" {
        if kind != "memory" {
            draft.without(format!(
                "StorageType = {kind:?}: the store is a folder (data); copy what is stored to a folder laid out as an Athens \
                 has it on a disk, and import that"
            ));
        }
        return;
    }
    let table = |value: &Value, key: &str| value.as_table().and_then(|table| table.get(key)).cloned();
    let of_file = || {
        let disk = table(settings.file.get("Storage")?, "Disk")?;
        table(&disk, "RootPath").map(|root| plain(&root))
    };
    let root = (settings.variables)(DISK_ROOT).or_else(of_file).unwrap_or_else(|| "/var/lib/athens".to_owned());
    draft.todo(
        "take over what is stored, once; all of it is proven",
        &[format!("gosumcheck import --as athens {root}")],
    );
}
