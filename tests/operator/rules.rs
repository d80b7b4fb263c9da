//! Rules: what is refused is asked of nobody, what has a route is asked there alone, and the text of a refusal is the rule's.

use crate::kit::{Machine, Site, Spec, expect};
use crate::world::{Server, home, program, settings};

/// Modules of which rules refuse some.
fn site() -> Site {
    let versions = ["v1.0.0", "v1.1.0", "v1.2.0-rc.1"].map(|version| Spec::new("example.com/m", version));
    let others = [Spec::new("example.com/bad", "v1.0.0"), Spec::new("example.com/bad/below", "v1.0.0")];
    Site::of(&versions.into_iter().chain(others).collect::<Vec<_>>())
}

/// Every way to ask about a module.
fn ways(module: &str, version: &str) -> Vec<String> {
    let at = format!("/{module}/@v/{version}");
    let files = [".info", ".mod", ".zip"].map(|end| format!("{at}{end}"));
    let others = ["/@v/list", "/@latest", "/@v/main.info"].map(|end| format!("/{module}{end}"));
    let below = [format!("/cached-only{at}.zip"), format!("/lookup/{module}@{version}")];
    files.into_iter().chain(others).chain(below).collect()
}

/// Requests of anybody that had this in their path.
fn heard(site: &Site, name: &str) -> Vec<String> {
    let mirror = site.mirror.requests().into_iter().map(|request| request.path);
    let log = site.log.requests().into_iter().map(|request| request.path);
    mirror.chain(log).filter(|path| path.contains(name)).collect()
}

#[test]
fn what_is_refused_is_asked_of_nobody_and_the_reason_is_shown() {
    let site = site();
    let server = Server::start(&site, "deny example.com/bad \"use example.com/m instead\"\n", &[]);
    for path in ways("example.com/bad", "v1.0.0").into_iter().chain(ways("example.com/bad/below", "v1.0.0")) {
        let reply = server.get(&path);
        let text = reply.text();
        assert_eq!((reply.status, reply.header("content-type")), (403, Some("text/plain; charset=utf-8")), "{path}");
        assert!(text.contains("use example.com/m instead") && text.contains("(line 1 of its rules)"), "{path}: {text}");
        assert!(text.lines().count() <= 8 && text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert_eq!(heard(&site, "bad"), [""; 0]);
    assert_eq!(server.get("/example.com/m/@v/v1.0.0.zip").status, 200);
    server.stop();
}

/// What a go.mod requires is not read ahead where a rule refuses it.
#[test]
fn what_is_refused_is_not_read_ahead() {
    let top = Spec::new("example.com/top", "v1.0.0")
        .requires("example.com/bad", "v1.0.0")
        .requires("example.com/m", "v1.0.0");
    let site = Site::of(&[top, Spec::new("example.com/bad", "v1.0.0"), Spec::new("example.com/m", "v1.0.0")]);
    let server = Server::start(&site, "deny example.com/bad\n", &["--read-ahead", "all"]);
    assert_eq!(server.get("/example.com/top/@v/v1.0.0.mod").status, 200);
    site.mirror.wait("example.com/m/@v/v1.0.0.mod", 1);
    server.stop();
    assert_eq!(heard(&site, "bad"), [""; 0]);
}

#[test]
fn refused_versions_are_in_no_list_and_are_never_the_latest() {
    let site = site();
    site.corpus.query("example.com/m", "main", "v1.1.0");
    let rules = "deny example.com/m >=v1.1.0 <v1.1.5 \"broken\"\n";
    let server = Server::start(&site, rules, &[]);
    assert_eq!(server.get("/example.com/m/@v/list").text(), "v1.0.0\nv1.2.0-rc.1\n");
    let latest = server.get("/example.com/m/@latest");
    assert!(latest.status == 200 && latest.text().contains("\"v1.0.0\""), "{latest:?}");
    for path in ["/example.com/m/@v/v1.1.0.mod", "/example.com/m/@v/v1.1.0.info", "/example.com/m/@v/main.info"] {
        let reply = server.get(path);
        assert!(reply.status == 403 && reply.text().contains("broken"), "{path}: {reply:?}");
    }
    assert_eq!(server.get("/example.com/m/@v/v1.2.0-rc.1.zip").status, 200);
    assert_eq!(heard(&site, "v1.1.0."), [""; 0]);
    // Nothing is left: the latest is refused with the reason, and the list is empty.
    let (_, home) = server.stop();
    std::fs::write(home.path().join("rules"), "deny example.com/m >=v0.0.0 \"all of it\"\n").unwrap();
    let server = Server::start_in(home, &site, &[]);
    assert_eq!(
        (server.get("/example.com/m/@v/list").status, server.get("/example.com/m/@v/list").text().as_str()),
        (200, "")
    );
    let latest = server.get("/example.com/m/@latest");
    assert!(latest.status == 403 && latest.text().contains("all of it"), "{latest:?}");
    server.stop();
}

#[test]
fn a_route_has_upstreams_and_keys_of_its_own() {
    let site = site();
    let team = Site::of(&[Spec::new("corp.example/team-a/x", "v1.0.0").unlogged()]);
    let other = Site::of(&[Spec::new("corp.example/other", "v1.0.0").unlogged()]);
    let big = Site::of(&[Spec::new("example.com/m", "v1.0.0")]);
    let rules = format!(
        "route corp.example/team-a/* = {}\nroute corp.example = {}|{}\nroute public example.com/m = {}\n",
        team.mirror.url(),
        other.mirror.url(),
        team.mirror.url(),
        big.mirror.url()
    );
    let home = home(&rules);
    std::fs::write(home.path().join("token"), "s3cret-of-team\n").unwrap();
    let table = format!("[upstreams.\"{}\"]\nbearer_file = \"token\"\n", team.mirror.url());
    std::fs::write(home.path().join("conf.toml"), table).unwrap();
    let server = Server::start_in(home, &site, &["--private", "corp.example", "--config", "conf.toml"]);
    for path in
        ["/corp.example/team-a/x/@v/v1.0.0.zip", "/corp.example/other/@v/v1.0.0.zip", "/example.com/m/@v/v1.0.0.zip"]
    {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let asked = team.mirror.requests();
    assert!(
        !asked.is_empty()
            && asked.iter().all(|request| request.header("authorization") == Some("Bearer s3cret-of-team"))
    );
    assert!(other.mirror.requests().iter().all(|request| request.header("authorization").is_none()));
    assert_eq!(
        (heard(&site, "team-a"), heard(&site, "corp"), heard(&site, "example.com/m/@v/v1.0.0.zip")),
        Default::default()
    );
    assert!(!other.mirror.heard_of("team-a") && !big.mirror.heard_of("corp"));
    // The module of a public route is proven by the log of the site, although the route's mirror sent it.
    let stored = server.home.path().join("data/modules/example.com/m/@v/v1.0.0.zipproof");
    assert!(stored.is_file());
    let (log, _) = server.stop();
    assert!(!log.contains("s3cret"), "{log}");
}

/// A public route never takes a module that is private: its name goes where private modules go.
#[test]
fn a_public_route_takes_no_private_module() {
    let site = Site::of(&[Spec::new("corp.example/x", "v1.0.0").unlogged()]);
    let rules = format!("route public * = {}\n", site.mirror.url());
    let server = Server::start(&site, &rules, &["--private", "corp.example"]);
    let reply = server.get("/corp.example/x/@v/v1.0.0.zip");
    assert!(reply.status == 403 && reply.text().contains("is private here"), "{reply:?}");
    assert_eq!(heard(&site, "corp"), [""; 0]);
    server.stop();
}

#[test]
fn a_dry_run_logs_and_refuses_nothing() {
    let site = site();
    let server = Server::start(&site, "deny example.com/bad \"why\"\ndeny example.com/m <v1.1.0\n", &["--dry-run"]);
    assert_eq!(server.get("/example.com/bad/@v/v1.0.0.mod").status, 200);
    assert_eq!(server.get("/example.com/m/@v/list").text(), "v1.0.0\nv1.1.0\nv1.2.0-rc.1\n");
    assert!(server.get("/metrics").text().contains("event=\"would_refuse\"} 1"));
    let (log, _) = server.stop();
    let words = "dry run: example.com/bad@v1.0.0 would be refused: rules:1: deny example.com/bad";
    assert!(log.contains(words), "{log}");
}

/// One message, with the line; the program does not start.
#[test]
fn a_wrong_file_is_pointed_at() {
    let site = site();
    let rows: [(&str, &[&str]); 4] = [
        (
            "deny example.com/m\nforbid example.com/x\n",
            &["rules:2:1: a rule begins with allow, deny or route", "^^^^^^"],
        ),
        (
            "route corp.example/a = https://a.example\n",
            &["rules:1:24:", "add corp.example/a to the setting private", "route public"],
        ),
        ("route public corp.example = nonsense\n", &["rules:1:29:", "GOPROXY entry"]),
        ("route public corp.example = off\n", &["rules:1:29: off is nowhere"]),
    ];
    for (rules, words) in rows {
        let home = home(rules);
        let settings = settings(&site);
        let mut command = program(&home, &["serve", "--rules", "rules"]);
        let ran = command.args(settings).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
    }
    let home = home("deny example.com\nallow example.com/m\n");
    let ran = program(&home, &["serve", "--check-config", "--rules", "rules"]).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success() && said.contains("rules:2: this rule decides nothing: line 1"), "{said}");
    let ran = program(&home, &["serve", "--check-config", "--rules", "nothing"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
}

/// A prefetch with a folder of its own follows the same rules.
#[test]
fn a_prefetch_follows_the_rules() {
    let site = site();
    let home = home("deny example.com/bad \"use another\"\n");
    let settings = settings(&site);
    let mut command =
        program(&home, &["prefetch", "example.com/bad@v1.0.0", "example.com/m@v1.0.0", "--rules", "rules"]);
    let ran = command.args(&settings[2..]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("REFUSED  example.com/bad/@v/v1.0.0.mod") && said.contains("use another"), "{said}");
    assert_eq!(heard(&site, "bad"), [""; 0]);
    assert!(home.path().join("data/modules/example.com/m/@v/v1.0.0.zip").is_file());
}

/// The go command shows the reason, and does not go around the refusal.
#[test]
fn gos_user_reads_the_reason() {
    let site = site();
    let server = Server::start(&site, "deny example.com/bad \"use example.com/m instead\"\n", &[]);
    let proxy = format!("{},{}", server.url(), site.mirror.url());
    let Some(machine) = Machine::new(&proxy, &site.sumdb()) else { return };
    let project = machine.project("app", &[("example.com/bad", "v1.0.0")]);
    let (_, err) = expect(1, &machine.go(&project, &["mod", "download", "example.com/bad"]));
    assert!(err.contains("403 Forbidden") && err.contains("use example.com/m instead"), "{err}");
    assert!(!site.mirror.heard_of("bad"));
    server.stop();
}
