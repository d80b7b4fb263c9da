//! How `serve` finds its database: through relays where the database itself is out of reach, by go's settings below its own.

use std::net::SocketAddr;
use std::process::Command;

use crate::client::get;
use crate::common::Serving;
use crate::fake::FakeSumdb;
use crate::kit::{Corpus, Machine, Spec, expect};
use crate::world::until;

/// A name under which nobody listens: this machine.
const NAME: &str = "127.0.0.1/sumdb";
/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1";

/// `gosumcheck serve` with these arguments and variables, in a home of its own.
fn serve(args: &[&str], env: &[(&str, &str)]) -> (Serving, SocketAddr, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data"]).args(args);
    command.env_clear().env("HOME", home.path()).env("GOENV", "off").current_dir(home.path());
    command.envs(env.iter().copied());
    let serving = Serving::start(&mut command);
    let at = serving.address();
    (serving, at, home)
}

#[test]
fn where_only_one_proxy_answers_it_is_enough() {
    let log = FakeSumdb::named(NAME, 1_000, 3);
    let proxy = log.serve();
    let (serving, at, _home) = serve(&["--sumdb", &log.vkey(), "--proxy", &proxy.url()], &[]);
    assert_eq!(get(at, &format!("/{}", log.lookup_path(5))).status, 200);
    // The database itself may have it, and cannot be asked.
    assert_eq!(get(at, "/lookup/example.com/absent@v1.0.0").status, 502);
    let source = format!("{}/sumdb/{NAME}", proxy.url());
    let metric = format!("gosumcheck_database_source_used{{database=\"{NAME}\",source=\"{source}\"}} 1");
    until("the source is in the metrics", || get(at, "/metrics").text().contains(&metric));
    let used = format!("the database is asked at {source}, a proxy that relays it");
    until("the source is in the log", || serving.logged().contains(&used));
    let (code, logged) = serving.end("-TERM");
    assert_eq!(code, 0);
    assert_eq!(logged.matches(&used).count(), 1, "{logged}");
}

/// A network that refuses whatever goes out over https.
const WALL: (&str, &str) = ("HTTPS_PROXY", DEAD);

/// A proxy such as goproxy.cn: it has the modules, and relays the public database below `/sumdb/`.
fn one_proxy(corpus: &Corpus) -> FakeSumdb {
    let log = FakeSumdb::with_records("sum.golang.org", &corpus.records(), 1);
    corpus.files().into_iter().for_each(|(path, bytes)| log.publish(&path, bytes.to_vec()));
    log
}

#[test]
fn where_one_proxy_answers_and_nothing_else_go_builds_through_us() {
    let corpus = Corpus::of(&[Spec::new("example.com/a", "v1.0.0"), Spec::new("example.com/b", "v1.0.0")]);
    let log = one_proxy(&corpus);
    let proxy = log.serve();
    let (serving, at, _home) = serve(&["--proxy", &proxy.url()], &[("GOSUMDB", &log.vkey()), WALL]);
    assert_eq!(get(at, "/example.com/a/@v/v1.0.0.zip").body, corpus.zip("example.com/a", "v1.0.0"));
    for sumdb in [log.vkey(), format!("{} {}", log.vkey(), serving.url)] {
        let Some(machine) = Machine::new(&serving.url, &sumdb) else { break };
        let folder = machine.project("main", &[("example.com/a", "v1.0.0"), ("example.com/b", "v1.0.0")]);
        expect(0, &machine.go(&folder, &["mod", "tidy"]));
        expect(0, &machine.go(&folder, &["build", "./..."]));
        assert_eq!(std::fs::read_to_string(folder.join("go.sum")).unwrap(), corpus.go_sum());
    }
    let (code, logged) = serving.end("-TERM");
    assert_eq!((code, logged.matches("WARN").count(), logged.matches("ERROR").count()), (0, 0, 0), "{logged}");
}

#[test]
fn where_nothing_answers_one_line_says_what_was_tried_and_what_to_do() {
    let (serving, at, _home) = serve(&[], &[WALL]);
    let answer = get(at, "/lookup/example.com/a@v1.0.0");
    assert_eq!(answer.status, 502, "{}", answer.text());
    let tried = [
        "https://proxy.golang.org/sumdb/sum.golang.org: ",
        "https://sum.golang.org: ",
        "https://sum.golang.google.cn: ",
    ];
    let told = answer.text().replace('\n', " ");
    assert!(tried.iter().all(|source| told.contains(source)), "{told}");
    until("it is in the log", || serving.logged().contains("no proven head"));
    // It is tried again and again, and said once.
    for _ in 0..3 {
        get(at, "/lookup/example.com/a@v1.0.0");
    }
    let (_, logged) = serving.end("-TERM");
    let lines: Vec<&str> = logged.lines().filter(|line| line.contains("no proven head")).collect();
    let [line] = lines[..] else { panic!("{logged}") };
    assert!(tried.iter().all(|source| line.matches(source).count() == 1), "{line}");
    assert!(line.contains("--proxy") && line.contains("--sumdb-url"), "{line}");
}

#[test]
fn a_relay_that_denies_a_record_is_a_bad_gateway_and_no_absence() {
    // Too long to be read as a whole.
    let log = FakeSumdb::named(NAME, 20_000, 3);
    let proxy = log.serve();
    log.fault(&format!("status:404:{}", log.lookup_path(5)));
    let (_serving, at, _home) = serve(&["--sumdb", &log.vkey(), "--proxy", &proxy.url()], &[]);
    let denied = get(at, &format!("/{}", log.lookup_path(5)));
    assert_eq!(denied.status, 502, "{}", denied.text());
    assert_eq!(get(at, &format!("/{}", log.lookup_path(6))).status, 200);
}

#[test]
fn the_settings_of_go_count_below_its_own() {
    let log = FakeSumdb::named(NAME, 1_000, 3);
    let proxy = log.serve();
    let (vkey, list) = (log.vkey(), format!("{},direct", proxy.url()));
    let (_serving, at, _home) = serve(&[], &[("GOSUMDB", &vkey), ("GOPROXY", &list)]);
    assert_eq!(get(at, &format!("/{}", log.lookup_path(5))).status, 200);
    // A proxy of --proxy that relays nothing is followed by those of GOPROXY.
    let (_serving, at, _home) = serve(&["--proxy", DEAD], &[("GOSUMDB", &vkey), ("GOPROXY", &list)]);
    assert_eq!(get(at, &format!("/{}", log.lookup_path(5))).status, 200);
}

#[test]
fn where_nobody_answers_all_that_was_tried_is_named() {
    let log = FakeSumdb::named(NAME, 10, 3);
    let (_serving, at, _home) = serve(&["--sumdb", &log.vkey(), "--proxy", DEAD], &[]);
    let answer = get(at, &format!("/{}", log.lookup_path(5)));
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains(DEAD) && answer.text().contains("https://127.0.0.1/sumdb"), "{}", answer.text());
}

/// What `--check-config` shows of a setting, and what it says besides.
fn checked(setting: &str, args: &[&str], env: &[(&str, &str)]) -> (String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--check-config"]).args(args).env_clear().env("HOME", home.path()).env("GOENV", "off");
    let output = command.envs(env.iter().copied()).current_dir(home.path()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    (out.lines().find(|line| line.starts_with(&format!("{setting} "))).map(words).unwrap_or_default(), err)
}

#[test]
fn a_setting_of_go_is_shown_with_its_source() {
    let us = "http://localhost:3000";
    let db = format!("sum.golang.org {us}");
    for (setting, args, env, shown, said) in [
        ("proxy", &[][..], &[][..], "proxy https://proxy.golang.org default", ""),
        ("proxy", &[], &[("GOPROXY", "https://goproxy.cn,direct")], "proxy https://goproxy.cn go env GOPROXY", ""),
        ("proxy", &[], &[("GOPROXY", "direct")], "proxy https://proxy.golang.org default", ""),
        ("proxy", &[], &[("GOPROXY", "off")], "proxy off go env GOPROXY", ""),
        (
            "proxy",
            &[],
            &[("GOPROXY", us)],
            "proxy https://proxy.golang.org default",
            "GOPROXY names this server itself",
        ),
        ("proxy", &["--proxy=https://a.example"], &[("GOPROXY", "off")], "proxy https://a.example --proxy", ""),
        ("sumdb", &[], &[], "sumdb sum.golang.org default", ""),
        ("sumdb", &[], &[("GOSUMDB", "sum.golang.google.cn")], "sumdb sum.golang.google.cn go env GOSUMDB", ""),
        ("sumdb", &[], &[("GOSUMDB", &db)], &format!("sumdb {db} go env GOSUMDB"), "GOSUMDB names this server itself"),
        ("sumdb", &[], &[("GOSUMDB", "off")], "", "GOSUMDB=off"),
        (
            "sumdb_url",
            &["--upstream=http://m.example"],
            &[],
            "sumdb_url http://m.example --sumdb-url",
            "called --sumdb-url",
        ),
        (
            "sumdb_url",
            &[],
            &[("GOSUMCHECK_UPSTREAM", "http://m.example")],
            "sumdb_url http://m.example GOSUMCHECK_UPSTREAM",
            "GOSUMCHECK_UPSTREAM is called GOSUMCHECK_SUMDB_URL now",
        ),
    ] {
        let (found, err) = checked(setting, args, env);
        assert_eq!(found, shown, "{env:?}: {err}");
        assert!(err.contains(said) && (err.is_empty() == said.is_empty()), "{env:?}: {err}");
    }
}

#[test]
fn a_table_of_an_upstream_counts_for_sources_of_the_database() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let named = format!("--config={}", file.path().display());
    for url in ["https://sum.golang.org", "https://sum.golang.google.cn", "https://m.example/x"] {
        let text = format!("upstream = [\"https://m.example/x\"]\n[upstreams.\"{url}\"]\ntries = 2\n");
        std::fs::write(file.path(), text).unwrap();
        let (shown, err) = checked("tries", &[&named], &[]);
        assert!(shown.contains(url) && err.contains("upstream is called sumdb_url now"), "{shown} {err}");
    }
}
