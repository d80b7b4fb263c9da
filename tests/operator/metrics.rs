//! `/metrics`: what Prometheus' own checker says of the page of a server that has done some work, and what the numbers are.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::client::ask;
use crate::common::skip;
use crate::kit::{Fault, Site, Spec};
use crate::world::Server;

/// Debian's package `prometheus` has it.
fn promtool() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("promtool")).find(|tool| tool.is_file());
    if found.is_none() {
        skip("there is no promtool", "GOSUMCHECK_REQUIRE_PROMTOOL");
    }
    found
}

/// A server that served, refused, failed and looked up something.
fn worked(site: &Site) -> Server {
    let server = Server::start(site, "deny example.com/bad \"no\"\n", &["--read-ahead", "off"]);
    site.mirror.fault("example.com/none/@v/*", Fault::Status(500, "out".to_owned()));
    for (path, status) in [
        ("/example.com/m/@v/v1.0.0.zip", 200),
        ("/example.com/m/@v/v1.0.0.zip", 200),
        ("/example.com/m/@v/v1.0.0.mod", 200),
        ("/example.com/m/@v/v1.0.0.mod", 200),
        ("/example.com/m/@v/list", 200),
        ("/example.com/bad/@v/v1.0.0.zip", 403),
        ("/example.com/none/@v/list", 502),
        ("/lookup/example.com/m@v1.0.0", 200),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    server
}

fn site() -> Site {
    Site::of(&[Spec::new("example.com/m", "v1.0.0").noise(10_000)])
}

#[test]
fn promtool_finds_nothing_to_complain_of() {
    let Some(promtool) = promtool() else { return };
    let site = site();
    let server = worked(&site);
    let page = server.get("/metrics");
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(&page.body).unwrap();
    let said = check.wait_with_output().unwrap();
    let words = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
    assert!(said.status.success() && words.is_empty(), "{words}\n{}", page.text());
    server.stop();
}

#[test]
fn the_numbers_are_those_of_the_work() {
    let site = site();
    let server = worked(&site);
    let page = server.get("/metrics").text();
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in\n{page}")).parse::<f64>().unwrap()
    };
    let mirror = site.mirror.url();
    for (name, expected) in [
        ("gosumcheck_refusals_total{cause=\"rule\"}".to_owned(), 1.0),
        ("gosumcheck_refusals_total{cause=\"mismatch\"}".to_owned(), 0.0),
        ("gosumcheck_modules_total{event=\"file_hits\"}".to_owned(), 1.0),
        ("gosumcheck_modules_total{event=\"files_admitted\"}".to_owned(), 2.0),
        ("gosumcheck_hot_hits_total".to_owned(), 1.0),
        (format!("gosumcheck_module_upstream_breaker{{upstream=\"{mirror}\",state=\"open\"}}"), 0.0),
        (format!("gosumcheck_module_upstream_failures_total{{upstream=\"{mirror}\"}}"), 1.0),
        (format!("gosumcheck_upstream_request_seconds_count{{upstream=\"{mirror}\"}}"), 4.0),
        (format!("gosumcheck_upstream_request_seconds_bucket{{le=\"+Inf\",upstream=\"{mirror}\"}}"), 4.0),
        ("gosumcheck_top_module_requests{module=\"example.com/m\"}".to_owned(), 4.0),
    ] {
        assert_eq!(value(&name), expected, "{name}\n{page}");
    }
    assert!(value(&format!("gosumcheck_module_upstream_received_bytes_total{{upstream=\"{mirror}\"}}")) > 10_000.0);
    assert!(value("gosumcheck_http_response_bytes_total{route=\"zip\"}") > 20_000.0);
    // Nothing lags where no full copy is kept.
    assert!(!page.contains("lag_records{") && !page.contains("last_sync_timestamp_seconds{"), "{page}");
    let open = ask(
        server.at(),
        "GET",
        "/metrics",
        &[("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")],
    );
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(open.text().ends_with("# EOF\n") && open.text().contains("# TYPE gosumcheck_build info"));
    server.stop();
}

/// A module that is private is on no list.
#[test]
fn no_private_name_is_in_the_metrics() {
    let site = Site::of(&[Spec::new("corp.example/secret", "v1.0.0").unlogged()]);
    let rules = format!("route corp.example = {}\n", site.mirror.url());
    let server = Server::start(&site, &rules, &["--private", "corp.example"]);
    assert_eq!(server.get("/corp.example/secret/@v/v1.0.0.zip").status, 200);
    assert!(!server.get("/metrics").text().contains("secret"));
    server.stop();
}
