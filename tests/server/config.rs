//! Settings: where each comes from, and the message when one is wrong.

use std::process::Command;

use gosumcheck::config::settings::SETTINGS;
use tempfile::TempDir;

pub(crate) struct Given {
    pub(crate) folder: TempDir,
    env: Vec<(String, String)>,
}

impl Given {
    pub(crate) fn file(text: &str) -> Given {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("g.toml"), text).unwrap();
        Given { folder, env: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Given {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The exit code, standard output, standard error.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--check-config"]).args(args).current_dir(self.folder.path());
        command.env_clear().env("HOME", self.folder.path()).env("GOENV", "off");
        let output = command.envs(self.env.iter().map(|(name, value)| (name, value))).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

/// The line about a setting, with single spaces.
pub(crate) fn line(out: &str, name: &str) -> String {
    let found = out.lines().find(|line| line.starts_with(&format!("{name} ")));
    found.unwrap_or_else(|| panic!("no {name} in {out}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn defaults_file_environment_flags() {
    let given = Given::file(
        "listen = [\"127.0.0.1:1\", \"[::1]:2\"]\ndata = \"/srv/a\"\njobs = 8\nmirror = true\nprivate = \"a.b/*,c.d\"\n\
         [limits]\nidle_timeout = \"2m\"\nmemory = \"1GiB\"\nconnections = 10\n[log]\nformat = \"json\"\n",
    );
    let given = given
        .env("GOSUMCHECK_DISK_FLOOR", "1GiB")
        .env("GOSUMCHECK_JOBS", "9")
        .env("GOSUMCHECK_CONNECTIONS", "11")
        .env("GOSUMCHECK_IDLE_TIMEOUT", "");
    let (code, out, err) = given.run(&["--config", "g.toml", "--connections", "12", "--access-log", "all"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for (name, shown) in [
        ("listen", "listen 127.0.0.1:1, [::1]:2 g.toml:1"),
        ("data", "data /srv/a g.toml:2"),
        ("disk_floor", "disk_floor 1GiB GOSUMCHECK_DISK_FLOOR"),
        ("sumdb", "sumdb sum.golang.org default"),
        ("private", "private a.b/*,c.d g.toml:5"),
        ("offline", "offline false default"),
        ("mirror", "mirror true g.toml:4"),
        ("sync_interval", "sync_interval 60s default"),
        ("jobs", "jobs 9 GOSUMCHECK_JOBS"),
        ("log.format", "log.format json g.toml:11"),
        ("log.access", "log.access all --access-log"),
        ("limits.connections", "limits.connections 12 --connections"),
        ("limits.idle_timeout", "limits.idle_timeout 2m g.toml:7"),
        ("limits.memory", "limits.memory 1GiB g.toml:8"),
    ] {
        assert_eq!(line(&out, name), shown);
    }
    assert_eq!(out.lines().count(), SETTINGS.len(), "{out}");
}

#[test]
fn the_users_own_file_is_read_and_no_file_in_the_working_folder() {
    let given = Given::file("jobs = 1\n");
    std::fs::rename(given.folder.path().join("g.toml"), given.folder.path().join("gosumcheck.toml")).unwrap();
    assert_eq!(line(&given.run(&[]).1, "jobs"), "jobs 1024 default");
    let own = given.folder.path().join(".config/gosumcheck");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("gosumcheck.toml"), "jobs = 2\n").unwrap();
    assert!(line(&given.run(&[]).1, "jobs").starts_with("jobs 2 /"));
    let given = given.env("GOSUMCHECK_CONFIG", "gosumcheck.toml");
    assert_eq!(line(&given.run(&[]).1, "jobs"), "jobs 1 gosumcheck.toml:1");
}

#[test]
fn gos_settings_decide_which_modules_are_private_by_default() {
    let given = Given::file("").env("GOPRIVATE", "corp.example/*");
    assert_eq!(line(&given.run(&[]).1, "private"), "private corp.example/* go env GOPRIVATE");
    assert_eq!(line(&given.run(&["--private", "none"]).1, "private"), "private none --private");
    // Each of go's settings counts and is shown; a pattern that can match nothing is reported too.
    let given = given.env("GONOSUMDB", "other.example, x.example").env("GONOPROXY", "none");
    let (code, out, err) = given.run(&[]);
    let shown: Vec<String> =
        out.lines().filter(|line| line.starts_with("private ")).map(|line| self::line(line, "private")).collect();
    let expected = ["private corp.example/* go env GOPRIVATE", "private other.example, x.example go env GONOSUMDB"];
    assert_eq!((code, shown), (0, expected.map(str::to_owned).to_vec()));
    assert!(
        err.starts_with("gosumcheck: warning: GONOSUMDB (from the environment): the pattern \" x.example\""),
        "{err}"
    );
    assert_eq!(given.run(&["--private", "none"]).2, "", "go's settings decide nothing then");
}

#[test]
fn hosts_must_be_host_names() {
    let given = Given::file("hosts = [\"goproxy.corp.example\", \"mirror\"]\n");
    assert_eq!(line(&given.run(&["--config", "g.toml"]).1, "hosts"), "hosts goproxy.corp.example, mirror g.toml:1");
    let given = given.env("GOSUMCHECK_HOSTS", "a.example, b.example");
    assert_eq!(line(&given.run(&[]).1, "hosts"), "hosts a.example, b.example GOSUMCHECK_HOSTS");
    for wrong in ["a.example:3000", "https://a.example", "*.a.example", ""] {
        let (code, _, err) = given.run(&["--host", wrong]);
        assert!(code == 2 && err.starts_with("gosumcheck: --host is ") && err.contains("without a port"), "{err}");
    }
}

#[test]
fn passwords_are_not_shown() {
    let given = Given::file("sumdb_url = [\"https://me:s3cret@mirror.example/x\"]\n");
    let (code, out, err) = given.run(&["--config", "g.toml"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("https://mirror.example/x") && !out.contains("s3cret"), "{out}");
}

/// Invalid files, and the messages about them.
const WRONG: &[(&str, &str)] = &[
    (
        "[limits]\nidle_timeout = \"soon\" # x\n",
        "g.toml:2:16: limits.idle_timeout: not a duration; write it as in 500ms, 30s, 5m, 1h30m or 2d
  |
2 | idle_timeout = \"soon\" # x
  |                ^^^^^^",
    ),
    (
        "jobs = 0\n",
        "g.toml:1:8: jobs: not a number from 1 to 1024
  |
1 | jobs = 0
  |        ^",
    ),
    (
        "mirror = true\nlisten = [\"127.0.0.1:3000\", \"here\"]\n",
        "g.toml:2:29: listen: not an address to listen at; write it as in 127.0.0.1:3000, [::]:3000 or localhost:3000; port 0 takes any
  |
2 | listen = [\"127.0.0.1:3000\", \"here\"]
  |                             ^^^^^^",
    ),
    (
        "[limits]\nidle = \"1s\"\n",
        "g.toml:2:1: \"idle\" is not a setting of [limits]; the settings are connections, header_timeout, idle_timeout, write_timeout, drain_delay, stop_timeout, memory
  |
2 | idle = \"1s\"
  | ^^^^",
    ),
    (
        "[Limits]\n",
        "g.toml:1:2: \"Limits\" is not a setting; the settings are listen, hosts, admin_listen, socket_mode, trusted_proxies, proxy_protocol, data, disk_floor, store, sumdb, sumdb_url, policy, distributors, cosign, proxy, private, private_proxy, on_mismatch, read_ahead, prefix, freshness, stale, negative, offline, mirror, sync_interval, heads, jobs, request_rate, log, otlp_endpoint, limits, tls, access, rules, dry_run, vulndb, verify, upstreams
  |
1 | [Limits]
  |  ^^^^^^",
    ),
    (
        "offline = 1.5\n",
        "g.toml:1:11: offline: a TOML float is not accepted here; write a string, an integer, true or false
  |
1 | offline = 1.5
  |           ^^^",
    ),
    (
        "jobs = [1, 2]\n",
        "g.toml:1:8: jobs: takes one value, not a list
  |
1 | jobs = [1, 2]
  |        ^^^^^^",
    ),
    (
        "[log]\nformat = \"xml\"\n",
        "g.toml:2:10: log.format: not one of text, json
  |
2 | format = \"xml\"
  |          ^^^^^",
    ),
    (
        "sumdb = [\"sum.example.org\"]\n",
        "g.toml:1:10: sumdb: invalid GOSUMDB \"sum.example.org\": not a database whose key everybody knows; give its key, NAME+HASH+KEY
  |
1 | sumdb = [\"sum.example.org\"]
  |          ^^^^^^^^^^^^^^^^^",
    ),
    ("proxy = \"off\"\nprivate = \"a.example\"\nprivate_proxy = \"https://a.example\"\n", "private_proxy is set and proxy is off, which serves no modules at all: name a proxy, as in proxy = \"direct\""),
    ("mirror = true\noffline = true\n", "mirror and offline are both set: mirror syncs from upstream in the background, offline forbids it"),
    ("sumdb = [\"sum.golang.org\", \"sum.golang.org\"]\n", "sumdb: sum.golang.org is named twice"),
];

#[test]
fn a_wrong_setting_is_pointed_at() {
    for (text, told) in WRONG {
        let (code, out, err) = Given::file(text).run(&["--config", "g.toml"]);
        let told: String = told.lines().map(|line| format!("gosumcheck: {line}\n")).collect();
        assert_eq!((code, out.as_str(), err), (2, "", told), "{text}");
    }
    for (text, words) in
        [("jobs = \n", "g.toml:1:"), ("x", "not TOML"), ("jobs = 1\njobs = 2\n", "g.toml:2:1: not TOML")]
    {
        let (code, out, err) = Given::file(text).run(&["--config", "g.toml"]);
        assert_eq!((code, out.as_str()), (2, ""), "{text}");
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn a_wrong_variable_or_flag_is_named() {
    let given = Given::file("").env("GOSUMCHECK_SYNC_INTERVAL", "often");
    let (code, _, err) = given.run(&[]);
    assert_eq!(code, 2);
    assert!(err.starts_with("gosumcheck: GOSUMCHECK_SYNC_INTERVAL is \"often\": not a duration"), "{err}");
    let (code, _, err) = Given::file("").run(&["--memory", "much"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("gosumcheck: --memory is \"much\": not a size"), "{err}");
    let (code, _, err) = Given::file("").run(&["--disk-floor", "5%"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("gosumcheck: --disk-floor is \"5%\": not a size") && err.contains("or auto"), "{err}");
    for floor in ["0", "auto", "1GiB"] {
        let (code, out, _) = Given::file("").run(&["--disk-floor", floor]);
        assert_eq!((code, line(&out, "disk_floor")), (0, format!("disk_floor {floor} --disk-floor")));
    }
    let (code, _, err) = Given::file("").run(&["--config", "no.toml"]);
    assert_eq!(code, 2);
    assert!(err.contains("no.toml: cannot be read"), "{err}");
    let (code, _, err) = Given::file("").run(&["--sumdb", "off"]);
    assert_eq!(code, 2);
    assert!(err.contains("no database"), "{err}");
}
