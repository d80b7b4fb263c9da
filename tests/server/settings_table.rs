//! Every row of the table of settings: which source decides, and which sizes and durations it accepts.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use gosumcheck::config::SUM_GOLANG_ORG;
use gosumcheck::config::settings::{SETTINGS, Setting, UPSTREAM_SETTINGS, Value};
use gosumcheck::sumdb::note::{KeyKind, SignerKey};

use crate::config::{Given, line};

/// Three values of a setting, each different from the one before it.
fn values(setting: &Setting) -> [&'static str; 3] {
    if setting.value == Value::Switch {
        // A flag cannot say false.
        return ["true", "false", "true"];
    }
    match (setting.name, setting.value_name().unwrap()) {
        ("sumdb", _) => {
            ["sum.golang.google.cn", "sum.golang.org https://a.example", "sum.golang.org https://b.example"]
        }
        ("access.users", _) => ["a", "b", "c"].map(users),
        ("access.tokens", _) => ["/srv/a", "/srv/b", "/srv/c"],
        ("access.networks", _) => ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"],
        ("log.level", _) => ["error", "warn", "debug"],
        (_, "ADDRESS") => ["127.0.0.1:1", "unix:/run/a.sock", "systemd:web"],
        (_, "NETWORK") => ["10.0.0.0/8", "unix", "2001:db8::/32"],
        (_, "MODE") => ["0600", "0666", "0640"],
        ("policy", _) => ["none", "a", "b"].map(policy),
        ("cosign", _) => [1, 2, 3].map(cosigner),
        ("heads.pin", _) => ["a", "b", "c"].map(head),
        ("rules", _) => [
            concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/rules/deny"),
            concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/rules/list"),
            concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/rules/route"),
        ],
        ("heads.routes", _) => ["https://a.example/latest", "https://b.example/latest", "http://c.example/gossip/x"],
        (_, "FILE") => ["/srv/a.pem", "/srv/b.pem", "/srv/c.pem"],
        (_, "optional|required") => ["optional", "required", "optional"],
        (_, "NAME") => ["a.example", "b.example", "c.example"],
        (_, "DIR") => ["/srv/a", "/srv/b", "/srv/c"],
        (_, "SIZE") => ["10mb", "10 MiB", "1.5GiB"],
        (_, "DURATION") => ["31s", "1h30m", "2d"],
        (_, "RATE") => ["1MB/s", "10 MiB/s", "5kB"],
        ("verify.sample", _) => ["5%", "0.5%", "100%"],
        (_, "HH:MM") => ["03:00", "23:59", "00:00"],
        (_, "TARGET") => ["https://a.example", "mailto:ops@b.example", "https://c.example"],
        (_, "PERCENT") => ["90%", "off", "11%"],
        (_, "N") => ["5", "6", "7"],
        (_, "URL" | "GOPROXY") => ["https://a.example", "https://b.example", "https://c.example"],
        (_, "PATTERNS") => ["a.example", "b.example", "c.example"],
        (_, "PATH") => ["/a", "/b", "/c"],
        (_, "refuse|warn") => ["warn", "refuse", "warn"],
        (_, "text|json") => ["json", "text", "json"],
        (_, "off|errors|all") => ["off", "errors", "all"],
        (_, "off|mod|all") => ["off", "mod", "all"],
        (name, value) => panic!("give three values for {name}, which takes {value}"),
    }
}

/// A password file, which must be there.
fn users(name: &str) -> &'static str {
    private_file(&format!("users-{name}"), "")
}

/// A signed head of the default database.
fn head(name: &str) -> &'static str {
    private_file(&format!("head-{name}"), include_str!("../../src/database/carried/sum.golang.org.note"))
}

/// A policy for the log of the default database, whose quorum is this witness.
fn policy(quorum: &str) -> &'static str {
    let witness = |seed| SignerKey::of_kind(KeyKind::Witness, "w.example", [seed; 32]).unwrap().vkey();
    let text = format!("log {SUM_GOLANG_ORG}\nwitness a {}\nwitness b {}\nquorum {quorum}\n", witness(1), witness(2));
    private_file(&format!("policy-{quorum}"), &text)
}

/// A key that cosigns.
fn cosigner(seed: u8) -> &'static str {
    let key = SignerKey::of_kind(KeyKind::Witness, "w.example", [seed; 32]).unwrap();
    private_file(&format!("cosign-{seed}"), &key.secret_text())
}

/// The path of a file with this text, which nobody else may read.
fn private_file(name: &str, text: &str) -> &'static str {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("settings-{name}"));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path.display().to_string().leak()
}

/// `[table]` and key, as in the file.
fn file(setting: &Setting, value: &str) -> String {
    match setting.name.split_once('.') {
        Some((table, key)) => format!("[{table}]\n{key} = {value:?}\n"),
        None => format!("{} = {value:?}\n", setting.name),
    }
}

fn flag(setting: &Setting, value: &str) -> String {
    if setting.value == Value::Switch { setting.flag.to_owned() } else { format!("{}={value}", setting.flag) }
}

/// The arguments that this setting needs to be valid.
fn context(setting: &Setting) -> &'static [&'static str] {
    match setting.name {
        "private_proxy" => &["--private=corp.example"],
        "proxy_protocol" => &["--trusted-proxy=10.0.0.1"],
        "tls.listen" => &["--tls-cert=c", "--tls-key=k"],
        "tls.cert" => &["--tls-listen=127.0.0.1:4", "--tls-key=k"],
        "tls.key" => &["--tls-listen=127.0.0.1:4", "--tls-cert=c"],
        "tls.client_ca" => &["--tls-listen=127.0.0.1:4", "--tls-cert=c", "--tls-key=k"],
        _ => &[],
    }
}

/// What `--check-config` shows of a setting with this file and these flags.
fn shown(given: &Given, setting: &Setting, args: &[&str]) -> String {
    // Where it is not given it needs nothing.
    let context = if args.is_empty() { &[] } else { context(setting) };
    let (code, out, err) = given.run(&[args, context].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{} {args:?}", setting.name);
    line(&out, setting.name)
}

#[test]
fn a_flag_overrides_a_variable_and_a_variable_the_file_and_the_file_the_default() {
    for setting in SETTINGS {
        let [in_file, in_variable, in_flag] = values(setting);
        let text = file(setting, in_file);
        let place = text.matches('\n').count();
        let named = ["--config", "g.toml"];
        let given = Given::file(&text);
        assert!(shown(&given, setting, &[]).ends_with(" default"), "{}", setting.name);
        assert_eq!(shown(&given, setting, &named), format!("{} {in_file} g.toml:{place}", setting.name));
        let given = given.env(setting.variable, in_variable);
        let expected = format!("{} {in_variable} {}", setting.name, setting.variable);
        assert_eq!(shown(&given, setting, &named), expected);
        let flag = flag(setting, in_flag);
        let expected = format!("{} {in_flag} {}", setting.name, setting.flag);
        assert_eq!(shown(&given, setting, &[named.as_slice(), &[&flag]].concat()), expected);
    }
}

/// A text that no setting accepts, unless it accepts any.
const NONSENSE: &str = "\u{7}://nonsense";

#[test]
fn a_wrong_value_is_named_where_it_stands() {
    for setting in SETTINGS {
        let takes_any_text = matches!(setting.name, "data" | "sumdb_url" | "distributors" | "access.tokens");
        if takes_any_text {
            continue;
        }
        let text = file(setting, "@").replace('@', "\\u0007://nonsense");
        let place = text.matches('\n').count();
        let (code, _, err) = Given::file(&text).run(&["--config", "g.toml"]);
        assert!(code == 2 && err.starts_with(&format!("gosumcheck: g.toml:{place}:")), "{}: {err}", setting.name);
        assert!(err.contains(&format!(": {}: ", setting.name)), "{}: {err}", setting.name);
        // One in which there may be a secret is not repeated.
        let is_secret = setting.name == "verify.notify";
        let begins = |source| format!("gosumcheck: {source}{}", if is_secret { ": " } else { " is " });
        assert!(!is_secret || !err.contains("nonsense"), "{err}");
        let (code, _, err) = Given::file("").env(setting.variable, NONSENSE).run(&[]);
        assert!(code == 2 && err.starts_with(&begins(setting.variable)), "{}: {err}", setting.name);
        if setting.value != Value::Switch {
            let (code, _, err) = Given::file("").run(&[&format!("{}={NONSENSE}", setting.flag)]);
            assert!(code == 2 && err.starts_with(&begins(setting.flag)), "{}: {err}", setting.name);
        }
    }
}

/// Texts, and whether each is a valid size. None is 0, which some settings refuse.
const SIZES: [(&str, bool); 14] = [
    ("10mb", true),
    ("10MB", true),
    ("10 MiB", true),
    ("10MiB", true),
    ("10m", true),
    ("1.5GiB", true),
    ("4096", true),
    ("-1", false),
    ("-1.5GiB", false),
    ("99999999999999999999GiB", false),
    ("10 XB", false),
    ("1,5GiB", false),
    ("much", false),
    ("10MB/m", false),
];

/// Texts, and whether each is a valid duration.
const DURATIONS: [(&str, bool); 11] = [
    ("30s", true),
    ("5m", true),
    ("1h30m", true),
    ("1h 30m", true),
    ("1.5h", true),
    ("2d", true),
    ("30", false),
    ("-5s", false),
    ("soon", false),
    ("5M", false),
    ("1month", false),
];

/// Sets `setting` to `text` in the file, by its variable and by its flag: each accepts it, or reports what is accepted.
fn takes_everywhere(setting: &Setting, text: &str, is_right: bool) {
    for ran in [
        Given::file(&file(setting, text)).run(&["--config", "g.toml"]),
        Given::file("").env(setting.variable, text).run(&[]),
        Given::file("").run(&[&format!("{}={text}", setting.flag)]),
    ] {
        let (code, _, err) = ran;
        assert_eq!(code, if is_right { 0 } else { 2 }, "{} = {text}: {err}", setting.name);
        assert!(is_right || err.contains("write it as in "), "{} = {text}: {err}", setting.name);
    }
}

#[test]
fn sizes_and_durations_are_the_same_in_every_setting() {
    let of = |name: &str| SETTINGS.iter().filter(|setting| setting.value_name() == Some(name)).collect::<Vec<_>>();
    let (sizes, durations) = (of("SIZE"), of("DURATION"));
    assert!(sizes.len() >= 2 && durations.len() >= 8, "no table to walk");
    for (text, is_right) in SIZES {
        sizes.iter().for_each(|setting| takes_everywhere(setting, text, is_right));
    }
    for (text, is_right) in DURATIONS {
        durations.iter().for_each(|setting| takes_everywhere(setting, text, is_right));
    }
    for setting in UPSTREAM_SETTINGS.iter().filter(|setting| setting.value == "DURATION") {
        for (text, is_right) in DURATIONS {
            let table = format!("[upstreams.\"https://proxy.golang.org\"]\n{} = {text:?}\n", setting.name);
            let (code, _, err) = Given::file(&table).run(&["--config", "g.toml"]);
            assert_eq!(code, if is_right { 0 } else { 2 }, "{} = {text}: {err}", setting.name);
            assert!(is_right || err.contains("write it as in "), "{} = {text}: {err}", setting.name);
        }
    }
}

#[test]
fn the_options_of_sync_take_the_same_sizes_and_durations() {
    // Syncing a log that does not exist fails with 2 too, but not because of an invalid value.
    let sync = |option: &str, text: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        let folder = tempfile::tempdir().unwrap();
        command.args(["sync", "--sumdb", "off", &format!("{option}={text}")]).env_clear().env("HOME", folder.path());
        let output = command.env("GOENV", "off").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    for (option, texts) in [("--limit-rate", &SIZES[..]), ("--follow", &DURATIONS[..])] {
        for (text, is_right) in texts {
            let err = sync(option, text);
            assert_eq!(err.contains("invalid value"), !is_right, "{option} {text}: {err}");
            assert_eq!(err.contains("write it as in"), !is_right, "{option} {text}: {err}");
        }
    }
    for text in ["10MB/s", "10 MiB/s", "4096/s"] {
        assert!(!sync("--limit-rate", text).contains("invalid value"), "{text}");
    }
}
