//! The alerts and the dashboard of `deploy/`: what they name is measured, and each alert has its page and its tests.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::common::Serving;
use crate::deploy::{folder, text};
use crate::world::{DEAD, World};

/// The names of the samples that a server has on its page of metrics. It keeps a full copy: without one nothing lags.
fn exposed() -> BTreeSet<String> {
    // Its log is of this machine, and nobody serves its modules.
    let World { machine, .. } = &World::new();
    let alone = ["--mirror", "--proxy", DEAD];
    let server = Serving::start(&mut machine.command(&[&["serve", "--listen", "127.0.0.1:0"][..], &alone].concat()));
    // A verification is on the page once one is recorded, whatever it found beside the server's first sync.
    machine.run(&["verify", "--record"]);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let suffixes = |name: &str, kind: &str| match kind {
        "counter" if !name.ends_with("_total") => &["_total"][..],
        "histogram" => &["_bucket", "_sum", "_count"],
        _ => &[""],
    };
    kinds.flat_map(|(name, kind)| suffixes(name, kind).iter().map(move |suffix| format!("{name}{suffix}"))).collect()
}

/// The metrics that a query names.
fn named(query: &str) -> impl Iterator<Item = &str> {
    query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| word.starts_with("gosumcheck_"))
}

#[test]
fn alerts_and_dashboard_name_what_the_server_measures() {
    let exposed = exposed();
    let alerts = text("prometheus/alerts.yaml");
    let dashboard: serde_json::Value = serde_json::from_str(&text("grafana/gosumcheck.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut queries: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(queries.len() > 15 && queries.iter().all(|query| named(query).next().is_some()), "{queries:?}");
    queries.push(dashboard["templating"]["list"][1]["query"]["query"].as_str().unwrap());
    queries.push(&alerts);
    for metric in queries.iter().flat_map(|query| named(query)) {
        assert!(exposed.contains(metric), "{metric} is not on the page of metrics");
    }
}

#[test]
fn each_alert_has_its_page() {
    let alerts = text("prometheus/alerts.yaml");
    let page = fs::read_to_string(folder().join("../docs/alerts.md")).unwrap();
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(names, headings);
    let pages: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(pages, names.iter().map(|name| format!("docs/alerts.md#{}", name.to_lowercase())).collect::<Vec<_>>());
    // Each is seen firing, and each not firing, in the tests of the rules.
    let tests = text("prometheus/alerts_test.yaml");
    for name in names {
        assert!(tests.contains(&format!("alertname: {name}, exp_alerts: []")), "{name}");
        assert!(tests.contains(&format!("alertname: {name}\n        exp_alerts:\n          - exp_labels:")), "{name}");
    }
}

#[test]
fn the_chart_has_the_same_alerts() {
    // A chart has no files from outside its folder, and a link there is complained of with each command of Helm's.
    assert_eq!(text("helm/gosumcheck/alerts.yaml"), text("prometheus/alerts.yaml"), "copy the second to the first");
}
