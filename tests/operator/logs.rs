//! The log: one line at the start for what it is read for first, one line a request with what was asked for it, and the request's ID in
//! every refusal.

use serde_json::Value;

use crate::client::{Reply, ask};
use crate::kit::{Fault, Site, Spec};
use crate::world::Server;

fn site() -> Site {
    Site::of(&[Spec::new("example.com/m", "v1.0.0"), Spec::new("example.com/bad", "v1.0.0")])
}

fn with_id(server: &Server, path: &str, id: &str) -> Reply {
    ask(server.at(), "GET", path, &[("X-Request-Id", id)])
}

/// Every line with a request, by its ID.
fn lines(log: &str) -> impl Fn(&str) -> Value {
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    move |id| lines.iter().find(|line| line["id"] == id).cloned().unwrap_or_else(|| panic!("{id} in {lines:?}"))
}

#[test]
fn a_request_s_line_says_who_was_asked_and_what_came_of_it() {
    let site = site();
    let rules = "deny example.com/bad \"no\"\n";
    let args = ["--access-log", "all", "--log-format", "json", "--read-ahead", "off"];
    let server = Server::start(&site, rules, &args);
    let mirror = site.mirror.url();
    let rows = [
        ("/example.com/m/@v/v1.0.0.zip", "cold", 200, "miss", "proven", mirror.as_str()),
        ("/example.com/m/@v/v1.0.0.zip", "warm", 200, "hit", "proven", ""),
        ("/example.com/m/@v/v1.0.0.mod", "mod", 200, "miss", "proven", mirror.as_str()),
        ("/example.com/m/@v/v1.0.0.mod", "hot", 200, "hot", "proven", ""),
        ("/example.com/m/@v/list", "list", 200, "miss", "hint", mirror.as_str()),
        ("/example.com/bad/@v/v1.0.0.zip", "rule", 403, "hit", "refused_by_rule", ""),
        ("/lookup/example.com/bad@v1.0.0", "rule2", 403, "hit", "refused_by_rule", ""),
        ("/healthz", "health", 200, "hit", "", ""),
    ];
    for (path, id, status, ..) in rows {
        assert_eq!(with_id(&server, path, id).status, status, "{path}");
    }
    // The database's source is named where it is asked.
    with_id(&server, "/latest", "latest");
    let (log, _) = server.stop();
    let line = lines(&log);
    for (path, id, status, cache, verdict, upstream) in rows {
        let line = line(id);
        let found = [&line["path"], &line["cache"], &line["verdict"]].map(|value| value.as_str().unwrap().to_owned());
        assert_eq!(found, [path, cache, verdict], "{line}");
        assert_eq!(line["status"], status);
        let name = line["upstream"].as_str().unwrap();
        // Of a cold file the mirror and the source of the database are asked at once: the last one is named.
        let is_source = cache == "miss" && name == site.served.url();
        assert!(name == upstream || is_source, "{line}");
        assert_eq!(line["upstream_micros"].as_u64().unwrap() > 0, cache == "miss", "{line}");
    }
}

#[test]
fn a_refusal_ends_with_the_request_s_id() {
    let site = site();
    site.mirror.fault("example.com/none/@v/*", Fault::Status(500, "out of order ".repeat(100)));
    let server = Server::start(&site, "deny example.com/bad \"no\"\n", &["--log-format", "json"]);
    for (path, status) in [
        ("/example.com/bad/@v/v1.0.0.zip", 403),
        ("/example.com/other/@v/v1.0.0.info", 404),
        ("/example.com/none/@v/list", 502),
        ("/tile/9", 400),
        ("/nothing", 404),
    ] {
        let reply = with_id(&server, path, "abc-1");
        let text = reply.text();
        assert_eq!((reply.status, reply.header("x-request-id")), (status, Some("abc-1")), "{path}");
        assert!(text.ends_with("\nrequest ID: abc-1\n"), "{text}");
        assert!(text.lines().count() <= 8 && text.lines().all(|line| !line.is_empty() && line.len() <= 80), "{text}");
        let made = with_id(&server, path, "not sane!");
        let id = made.header("x-request-id").unwrap().to_owned();
        assert!(made.text().ends_with(&format!("\nrequest ID: {id}\n")) && id.len() > 8 && id.is_ascii(), "{made:?}");
    }
    let post = ask(server.at(), "POST", "/", &[]);
    assert!(post.status == 405 && post.text().contains("request ID: "), "{post:?}");
    // What is not refused has no ID, unless it is logged.
    assert_eq!(server.get("/example.com/m/@v/v1.0.0.mod").header("x-request-id"), None);
    let (log, _) = server.stop();
    let line = lines(&log)("abc-1");
    assert!(line["status"].as_u64().unwrap() >= 400);
}

#[test]
fn a_start_is_told_in_a_few_lines() {
    let site = site();
    let server = Server::start(&site, "deny example.com/bad\n", &["--private", "corp.example"]);
    let (log, _) = server.stop();
    for words in [
        concat!("gosumcheck ", env!("CARGO_PKG_VERSION")),
        "data folder: data",
        &format!("upstreams: modules {}; private modules none", site.mirror.url()),
        "private patterns: corp.example",
        "rules: 1 in rules",
    ] {
        assert_eq!(log.lines().filter(|line| line.contains(words)).count(), 1, "{words} in {log}");
    }
}
