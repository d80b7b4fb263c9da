//! Where the database is asked, what a "no" of a source is worth, and what is said of sources that are of no use.

use crate::fake::FakeSumdb;
use crate::world::{DEAD, NO_HASH, World};

/// Records of a log that is too long to be read as a whole for one question.
const LONG: u64 = 20_000;

/// A machine that reaches its log only by a proxy; at the log's own name, this machine, nobody listens.
fn behind_proxy(log: FakeSumdb) -> World {
    let mut world = World::of(log);
    let (vkey, url) = (world.log.vkey(), world.served.url());
    world.machine.set("GOSUMDB", vkey).set("GOPROXY", url);
    world
}

/// The go.sum line of a module that no log has.
fn absent() -> String {
    format!("example.com/none v1.0.0 {NO_HASH}\n")
}

/// The log denies every tenth of its own records, as a relay with holes does.
fn deny_every_tenth(world: &World) {
    let gosum = world.gosum();
    let mut modules: Vec<(&str, &str)> = gosum
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            Some((fields.next()?, fields.next()?.trim_end_matches("/go.mod")))
        })
        .collect();
    modules.dedup();
    for (module, version) in modules.iter().step_by(10) {
        let id = world.log.find(module, version).unwrap();
        world.log.fault(&format!("status:404:{}", world.log.lookup_path(id)));
    }
}

/// The same with the name of the public database, on a network that refuses whatever goes out over https.
fn behind_wall(records: u64) -> World {
    let mut world = behind_proxy(FakeSumdb::named("sum.golang.org", records, 3));
    world.machine.set("HTTPS_PROXY", DEAD);
    world
}

#[test]
fn where_one_proxy_answers_and_nothing_else_audit_and_sync_work() {
    let world = behind_wall(2_000);
    let audited = world.run(&["audit"]);
    audited.says(0, &["40 verified"]);
    assert!(!audited.out.contains("note:") && audited.err.is_empty(), "{}", audited.show());
    let synced = world.run(&["sync"]);
    synced.says(0, &["2,000 records"]);
    assert_eq!(synced.err, "", "{}", synced.show());
}

#[test]
fn where_the_one_proxy_relays_no_data_tiles_audit_works_and_sync_says_so_once() {
    let world = behind_wall(5_000);
    world.log.fault("status:404:tile/8/data/*");
    world.run(&["audit"]).says(0, &["40 verified"]);
    let synced = world.run(&["sync"]);
    synced.says(2, &["relays no data tiles", "https://sum.golang.org", "https://sum.golang.google.cn", "--sumdb-url"]);
    assert_eq!(synced.err.matches("note: ").count(), 1, "{}", synced.show());
    assert_eq!(synced.err.lines().count(), 2, "{}", synced.show());
}

#[test]
fn where_nothing_answers_one_message_says_what_was_tried_and_what_to_do() {
    let mut world = World::new();
    world.machine.set("GOSUMDB", "").set("HTTPS_PROXY", DEAD);
    let module = world.module(3);
    for args in [&["audit"][..], &["sync"], &["lookup", &module]] {
        let ran = world.run(args);
        ran.says(
            2,
            &["https://sum.golang.org: ", "https://sum.golang.google.cn: ", "Connection refused", "--sumdb-url"],
        );
        let said = format!("{}{}", ran.out, ran.err);
        for source in ["https://sum.golang.org", "https://sum.golang.google.cn"] {
            assert_eq!(said.matches(source).count(), 1, "{}", ran.show());
        }
    }
}

#[test]
fn a_record_that_a_relay_denies_is_never_said_to_be_absent() {
    // A small log is read as a whole, and has the record.
    let world = World::new();
    deny_every_tenth(&world);
    world.run(&["audit"]).says(0, &["40 verified"]);
    // A long one is not, and nobody knows; one request at a time is enough to find that out.
    let world = World::of(FakeSumdb::synthetic(LONG, 3));
    deny_every_tenth(&world);
    world.run(&["audit", "--jobs", "1"]).says(2, &["404 Not Found", "proves nothing about the log"]);
    let ran = world.run(&["audit"]);
    ran.says(2, &["404 Not Found", "proves nothing about the log"]);
    assert!(!ran.out.contains("not in the log") && !ran.out.contains("GOPRIVATE"), "{}", ran.show());
    // The full copy knows it.
    world.run(&["sync"]).says(0, &[]);
    world.run(&["audit"]).says(0, &["40 verified"]);
}

#[test]
fn an_absence_that_is_proven_says_by_what() {
    let world = World::new();
    world.machine.write("go.sum", absent());
    world.run(&["audit"]).says(1, &["not in the log", "none of the 1000 records", "full copy was searched"]);
    let world = World::of(FakeSumdb::synthetic(LONG, 3));
    world.machine.write("go.sum", absent());
    world.run(&["audit"]).says(2, &["proves nothing about the log", "sync a full copy"]);
    world.run(&["sync"]).says(0, &[]);
    world.run(&["audit"]).says(1, &["not in the log", "none of the 20000 records"]);
    world.run(&["lookup", "example.com/none@v1.0.0"]).says(1, &["not in the log", "none of the 20000 records"]);
}

#[test]
fn a_server_that_shows_no_signed_head_denies_nothing() {
    let world = World::new();
    let wrong = format!("{}/nosuchpath", world.served.url());
    let ran = world.run(&["audit", "--sumdb-url", &wrong]);
    ran.says(2, &["404", "unavailable", "proves nothing about the log"]);
    assert!(!ran.out.contains("GOPRIVATE"), "{}", ran.show());
    world.run(&["lookup", "example.com/none@v1.0.0", "--sumdb-url", &wrong]).complains(2, &["404"]);
}

#[test]
fn a_relay_that_fails_in_between_is_followed_by_the_next() {
    let mut world = behind_proxy(FakeSumdb::named("127.0.0.1/sumdb", 500, 3));
    let (second, vkey) = (FakeSumdb::named("127.0.0.1/sumdb", 500, 3), world.log.vkey());
    assert_eq!(second.vkey(), vkey);
    let other = second.serve();
    world.log.fault("status:500:lookup/*");
    world.machine.set("GOPROXY", format!("{},{},direct", world.served.url(), other.url()));
    world.run(&["audit"]).says(0, &["40 verified"]);
}

#[test]
fn a_source_that_is_left_alone_is_said_once() {
    let world = World::new();
    let url = world.served.url();
    let ran = world.run(&["audit", "--sumdb-url", DEAD, "--sumdb-url", &url]);
    ran.says(0, &["40 verified", &format!("note: {DEAD} cannot be used"), "Connection refused"]);
    assert_eq!(ran.out.matches(DEAD).count() + ran.err.matches(DEAD).count(), 1, "{}", ran.show());
}

#[test]
fn the_old_name_of_a_flag_is_understood_with_a_note() {
    let world = World::new();
    let url = world.served.url();
    world.run(&["audit", "--upstream", &url]).says(0, &["40 verified", "--upstream is called --sumdb-url now"]);
    world.run(&["lookup", &world.module(3), "--upstream", &url]).says(0, &["--upstream is called --sumdb-url now"]);
    world.run(&["audit", "--upstream", &url, "--sumdb-url", &url]).complains(2, &["cannot be used with"]);
    let ran = world.run(&["audit", "--help"]);
    assert!(ran.out.contains("--sumdb-url") && !ran.out.contains("--upstream"), "{}", ran.show());
}

#[test]
fn a_relay_without_data_tiles_is_asked_for_one() {
    let world = behind_proxy(FakeSumdb::named("127.0.0.1/sumdb", 5_000, 3));
    world.log.fault("status:404:tile/8/data/*");
    let url = world.served.url();
    let ran = world.run(&["sync"]);
    ran.says(2, &[&format!("{url}/sumdb/127.0.0.1/sumdb relays no data tiles")]);
    assert_eq!(ran.err.matches("relays no data tiles; the next source").count(), 1, "{}", ran.show());
    // The last tile is partial, and its absence says nothing about full ones.
    let requests = world.log.requests_for("tile/8/data/");
    assert_eq!(requests.iter().filter(|request| !request.path.contains(".p/")).count(), 1, "{requests:?}");
    assert!(requests.len() <= 2, "{requests:?}");
    // With another source the records come from there.
    let second = FakeSumdb::named("127.0.0.1/sumdb", 5_000, 3);
    let other = second.serve();
    let mut world = behind_proxy(FakeSumdb::named("127.0.0.1/sumdb", 5_000, 3));
    world.log.fault("status:404:tile/8/data/*");
    world.machine.set("GOPROXY", format!("{},{}", world.served.url(), other.url()));
    world.run(&["sync"]).says(0, &["5,000 records", "relays no data tiles"]);
    assert!(world.log.requests_for("tile/8/data/").len() <= 2);
}
