//! The answers of a server whose upstreams are honest, fail or lie, and of one that may not ask them.

use crate::client::{ask, get};
use crate::world::{Plan, RECORDS, World, until};

fn on_demand() -> World {
    World::of(Plan { full: false, ..Plan::default() })
}

#[test]
fn without_a_full_log_the_answers_are_the_same() {
    let world = on_demand();
    for path in ["tile/8/0/000", "tile/8/0/002.p/88", "tile/8/data/000"] {
        assert_eq!(get(world.at, &format!("/{path}")).body, world.db.honest(path).unwrap(), "{path}");
    }
    let path = world.db.lookup_path(5);
    let expected = format!("5\n{}\n{}", world.db.record_text(5), world.db.head(RECORDS));
    assert_eq!(get(world.at, &format!("/{path}")).text(), expected);
    assert_eq!(get(world.at, "/latest").text(), world.db.head(RECORDS));
    assert!(world.db.requests_for("supported").is_empty(), "that is ours to say");
}

#[test]
fn an_unknown_version_is_404_and_an_outage_is_not() {
    let mut world = on_demand();
    let missing = get(world.at, "/lookup/example.com/nobody@v1.0.0");
    assert_eq!((missing.status, missing.header("cache-control")), (404, Some("public, max-age=60")));
    assert!(missing.text().starts_with("not found: example.com/nobody@v1.0.0"), "{}", missing.text());
    drop(world.upstream.take());
    let unknown = get(world.at, &format!("/{}", world.db.lookup_path(9)));
    assert!(matches!(unknown.status, 502 | 504), "{unknown:?}");
    assert_eq!(unknown.header("cache-control"), Some("no-store"));
    assert_eq!(get(world.at, "/supported").status, 200);
}

#[test]
fn a_lying_upstream_is_502() {
    let world = on_demand();
    assert_eq!(get(world.at, "/latest").status, 200);
    world.db.fault("forged:lookup/*");
    world.db.fault("flip:tile/8/0/001:7");
    let lookup = get(world.at, &format!("/{}", world.db.lookup_path(300)));
    assert_eq!(lookup.status, 502, "{}", lookup.text());
    let tile = get(world.at, "/tile/8/0/001");
    assert_eq!(tile.status, 502, "{}", tile.text());
}

#[test]
fn private_names_never_leave() {
    let (module, version) = crate::fake::FakeSumdb::synthetic(1200, 7).module(3);
    let world = World::of(Plan { full: false, private: module.clone(), ..Plan::default() });
    let path = world.db.lookup_path(3);
    for path in
        [format!("/{path}"), format!("/sumdb/{}/{path}", world.db.name()), format!("/{}", path.replace('@', "%40"))]
    {
        let reply = get(world.at, &path);
        assert_eq!(reply.status, 403, "{path}");
        assert!(reply.text().contains("GONOSUMDB"), "{}", reply.text());
    }
    assert!(world.db.requests_for("lookup/").is_empty(), "{module}@{version} was asked for");
    assert_eq!(get(world.at, &format!("/{}", world.db.lookup_path(4))).status, 200);
}

#[test]
fn offline_no_upstream_is_asked() {
    let mut world = World::of(Plan { offline: true, ..Plan::default() });
    drop(world.upstream.take());
    assert_eq!(get(world.at, &format!("/{}", world.db.lookup_path(9))).status, 200);
    assert_eq!(get(world.at, "/readyz").status, 200);
    let unknown = get(world.at, "/lookup/example.com/nobody@v1.0.0");
    assert_eq!(unknown.status, 503, "{unknown:?}");
    assert!(world.db.requests().is_empty());
}

#[test]
fn a_newer_head_is_used_as_soon_as_it_is_committed() {
    let world = World::full();
    let path = format!("/{}", world.db.lookup_path(3));
    assert!(get(world.at, &path).text().ends_with(&world.db.head(RECORDS)));
    world.db.grow(2 * RECORDS);
    let (database, log) = crate::world::open(&world.db, &world.data, &world.upstream.as_ref().unwrap().url());
    let options = gosumcheck::sync::SyncOptions { to: None, jobs: 4, limit_rate: None };
    crate::world::runtime().block_on(gosumcheck::sync::sync(&database, &log, &options, &|_| {})).unwrap();
    until("the new head is seen", || get(world.at, "/latest").text() == world.db.head(2 * RECORDS));
    assert!(get(world.at, &path).text().ends_with(&world.db.head(2 * RECORDS)), "not the kept answer");
    assert_eq!(get(world.at, "/tile/8/0/003").body, world.db.honest("tile/8/0/003").unwrap());
}

#[test]
fn readiness_needs_a_head_and_a_log_without_a_fork() {
    let world = World::full();
    assert_eq!((get(world.at, "/healthz").status, get(world.at, "/readyz").status), (200, 200));
    let evidence = world.log().dir().join("evidence");
    std::fs::create_dir_all(&evidence).unwrap();
    std::fs::write(evidence.join("fork-1.txt"), "two heads").unwrap();
    // The status is cached for a second.
    until("the fork is seen", || get(world.at, "/readyz").status == 503);
    assert!(get(world.at, "/readyz").text().contains("two histories"));
    assert_eq!(get(world.at, "/healthz").status, 200);
    assert_eq!(world.metric("gosumcheck_ready"), 0.0);

    let offline = World::of(Plan { full: false, offline: true, ..Plan::default() });
    let reply = get(offline.at, "/readyz");
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("no proven head"), "{}", reply.text());
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let world = World::full();
    for path in ["/latest", "/tile/8/0/000", "/tile/8/0/000", "/tile/8/0/9", "/nothing", "/nothing"] {
        get(world.at, path);
    }
    let reply = ask(world.at, "GET", "/metrics", &[("Accept", "application/openmetrics-text")]);
    assert!(reply.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = reply.text();
    assert!(text.ends_with("# EOF\n"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("gosumcheck_") && value.parse::<f64>().is_ok(), "{line}");
    }
    let name = world.db.name();
    let log = format!("{{database=\"{name}\"}}");
    for line in [
        "gosumcheck_http_requests_total{route=\"hash_tile\",code=\"200\"} 2".to_owned(),
        "gosumcheck_http_requests_total{route=\"hash_tile\",code=\"400\"} 1".to_owned(),
        "gosumcheck_http_requests_total{route=\"latest\",code=\"200\"} 1".to_owned(),
        "gosumcheck_http_requests_total{route=\"other\",code=\"404\"} 2".to_owned(),
        "gosumcheck_http_request_seconds_count{route=\"hash_tile\"} 3".to_owned(),
        "gosumcheck_hot_hits_total 1".to_owned(),
        "gosumcheck_hot_misses_total 1".to_owned(),
        format!("gosumcheck_head_size{log} {RECORDS}"),
        format!("gosumcheck_mirror_size{log} {RECORDS}"),
        format!("gosumcheck_sync_lag_records{log} 0"),
        format!("gosumcheck_forks{log} 0"),
        format!("gosumcheck_disk_writable{log} 1"),
        format!("gosumcheck_upstream_requests_total{{database=\"{name}\",kind=\"lookup\"}} 0"),
        format!("gosumcheck_upstream_errors_total{{database=\"{name}\",kind=\"refused\"}} 0"),
        "gosumcheck_ready 1".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(&format!("gosumcheck_disk_bytes{log} ")));
}
