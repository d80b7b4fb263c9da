//! How upstreams are treated: asked less where they say that it is too much, and not given up for that.

use super::fake::FakeSumdb;
use super::world::{World, assert_same, expected};

#[test]
fn an_upstream_that_is_asked_too_much_is_asked_less_and_all_is_brought() {
    for code in [429, 503] {
        let log = FakeSumdb::synthetic(30_000, 61);
        let served = log.serve();
        log.fault(&format!("status:{code}:tile/8/data/*,times=20,retry-after=0"));
        let mut world = World::new(&log);
        world.settings.tries = 6;
        let synced = world.sync(&[&served.url()]).unwrap();
        assert!(synced.committed && synced.complaints.is_empty(), "{:?}", synced.complaints);
        assert_same(&world.files(), &expected(&log, 30_000), "after many refusals");
        let asked: usize = log.counts("tile/8/data").values().sum();
        assert_eq!(asked, 118 + 20, "nothing is asked again that was answered");
    }
}

#[test]
fn an_upstream_that_is_gone_costs_no_more_than_its_part() {
    let log = FakeSumdb::synthetic(30_000, 62);
    let served = log.serve();
    let world = World::new(&log);
    let dead = "http://127.0.0.1:1";
    let synced = world.sync(&[dead, &served.url()]).unwrap();
    assert!(synced.committed);
    assert_same(&world.files(), &expected(&log, 30_000), "beside a dead one");
    let complaint = &synced.complaints[0];
    assert!(complaint.source == dead && complaint.failed > 0 && complaint.refused == 0, "{complaint}");
}
