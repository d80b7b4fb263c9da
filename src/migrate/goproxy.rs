//! goproxy/goproxy: `goproxy server` with its flags (cmd/goproxy/internal/server_cmd.go), and go's variables, which keep their
//! meaning there.

use super::draft::{Draft, list, text};
use super::{TheirSettings, command_line, repositories};

/// Flags without a value.
const SWITCHES: [&str; 3] = ["insecure", "cacher-s3-disable-tls", "cacher-s3-force-path-style"];
/// Where it listens unless it is told otherwise.
const ADDRESS: &str = "localhost:8080";

pub(super) fn read(given: &TheirSettings<'_>) -> Result<Draft, String> {
    let line = command_line::given(given, "goproxy");
    let (flags, others) = command_line::flags(&line.words, &SWITCHES);
    let mut draft = Draft::default();
    let value = |name: &str| command_line::value(&flags, name);
    let of = |name: &str| format!("--{name}");
    let address = repositories::listen(value("address").unwrap_or(ADDRESS));
    let is_tls = value("tls-cert-file").is_some_and(|file| !file.is_empty());
    repositories::set_listen(&mut draft, &address, is_tls, &of("address"));
    for (name, setting) in [("tls-cert-file", "tls.cert"), ("tls-key-file", "tls.key"), ("path-prefix", "prefix")] {
        if let Some(value) = value(name).filter(|value| !value.is_empty()) {
            let value = if setting == "prefix" { repositories::prefix(value) } else { value.to_owned() };
            draft.set(setting, text(&value), of(name));
        }
    }
    let variable = |name: &str| line.variables.get(name).cloned().or_else(|| (given.environment)(name));
    variables(&mut draft, &variable);
    if let Some(value) = value("proxied-sumdbs") {
        sumdbs(&mut draft, value);
    }
    if let Some(value) = value("shutdown-timeout") {
        draft.set("limits.stop_timeout", text(value), of("shutdown-timeout"));
    }
    if let Some(value) = value("log-format") {
        draft.set("log.format", text(value), of("log-format"));
    }
    let cacher = value("cacher-dir").unwrap_or("caches");
    if value("cacher") == Some("s3") {
        draft.without("--cacher s3: the store is a folder (data); copy the bucket to one and import that");
    } else {
        let import = format!("gosumcheck import --as goproxy {cacher}");
        draft.todo("take over what it has cached, once, after it is stopped; all of it is proven", &[import]);
    }
    for (name, value) in &flags {
        not_set(&mut draft, name, value);
    }
    for word in others.iter().filter(|word| *word != "server") {
        draft.without(format!("{word}: not a flag of goproxy server"));
    }
    Ok(draft)
}

/// Flags that say nothing here.
fn not_set(draft: &mut Draft, name: &str, value: &str) {
    let why = match name {
        "connect-timeout" | "fetch-timeout" => {
            "set connect_timeout and file_timeout of an upstream in [upstreams.\"URL\"]; the defaults are 10s and 10m"
        }
        "insecure" => "certificates are always checked; name a private CA in [upstreams.\"URL\"] as ca",
        "go-bin" => "the go command on the PATH is used, and only for direct",
        "max-concurrent-direct-fetches" | "max-direct-fetches" => "how many fetches run at once has a bound of its own",
        "temp-dir" => "unproven bytes are below the data folder",
        "address" | "tls-cert-file" | "tls-key-file" | "path-prefix" | "proxied-sumdbs" | "shutdown-timeout"
        | "log-format" | "cacher" | "cacher-dir" => return,
        name if name.starts_with("cacher-s3-") => return,
        _ => "not a flag of goproxy server",
    };
    draft.without(format!("--{name} {value}: {why}"));
}

/// GOPROXY and its like, as the process has them.
fn variables(draft: &mut Draft, variable: &dyn Fn(&str) -> Option<String>) {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let proxy = set("GOPROXY");
    match &proxy {
        Some(value) => draft.set("proxy", text(value), "GOPROXY"),
        None => draft.set("proxy", text("https://proxy.golang.org,direct"), "GOPROXY, of which this is the default"),
    }
    let mut private = Vec::new();
    for name in ["GOPRIVATE", "GONOPROXY", "GONOSUMDB"] {
        private.extend(repositories::split(&set(name).unwrap_or_default()));
    }
    private.sort();
    private.dedup();
    let from = "GONOPROXY: these come from their repositories";
    repositories::set_private(draft, &private, "GOPRIVATE, GONOPROXY and GONOSUMDB", from);
    if let Some(value) = set("GOSUMDB") {
        if value == "off" {
            draft.without("GOSUMDB=off: public modules are always proven; name those that cannot be in private");
        } else {
            draft.set("sumdb", list(&[value]), "GOSUMDB");
        }
    }
}

/// `name` or `name url`, separated by commas.
fn sumdbs(draft: &mut Draft, value: &str) {
    let is_known = |entry: &String| entry.split(' ').next().is_some_and(repositories::is_known_sumdb);
    let (known, others): (Vec<String>, Vec<String>) = repositories::split(value).into_iter().partition(is_known);
    for entry in others {
        draft.without(format!(
            "--proxied-sumdbs {entry}: its key is not known here; write it as NAME+HASH+KEY in sumdb"
        ));
    }
    if !known.is_empty() {
        draft.set("sumdb", list(&known), "--proxied-sumdbs");
    }
}
