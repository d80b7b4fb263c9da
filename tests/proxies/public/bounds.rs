//! What clients can take of a server that runs `direct`: hosts that stall do not block other hosts, disk is bounded, and an error
//! about an outage reveals nothing about the network.

use std::process::Command;
use std::time::Duration;

use gosumcheck::upstream::{DirectSettings, FailureKind};

use super::host::World;
use super::{Place, fetch};
use crate::world::body;

async fn until(what: impl Fn() -> bool) {
    let seen = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap();
}

#[tokio::test]
async fn hosts_that_stall_leave_others_served() {
    let place =
        Place::scripted("case \"$*\" in *stalled*) echo $$ >> $seen/stalled; exec sleep 1000;; esac; echo '{}'");
    let world = World::new(&[]).await;
    let bounds =
        DirectSettings { at_once: 4, long_at_once: 4, patience: Duration::from_millis(50), ..place.settings(&world) };
    let proxies = place.proxies(bounds);
    let paths: Vec<String> = (0..12).map(|n| format!("stalled{n}.example.com/m/@v/list")).collect();
    let stalled = futures_util::future::join_all(paths.iter().map(|path| fetch(&proxies, path)));
    let others = async {
        until(|| place.read("stalled").lines().count() >= 4).await;
        for n in 0..4 {
            assert_eq!(body(fetch(&proxies, &format!("h{n}.example.com/m/@v/list")).await), "");
        }
    };
    // Stalled runs end when no client waits for them any more.
    tokio::select! {
        _ = stalled => panic!("they stall"),
        () = others => {}
    }
    let is_dead = |pid: &str| !Command::new("kill").args(["-0", pid]).output().unwrap().status.success();
    until(|| place.read("stalled").lines().all(is_dead) && place.is_swept()).await;
}

#[tokio::test]
async fn the_disk_is_bounded() {
    for (script, words) in [
        ("for n in 1 2 3 4 5; do head -c 500000 /dev/zero > $TMPDIR/$n; done; exec sleep 1000", "of disk to fetch"),
        ("head -c 3000000 /dev/zero > $TMPDIR/large || { echo 'write: file too large' >&2; exit 1; }; sleep 1000", ""),
    ] {
        let place = Place::scripted(script);
        let world = World::new(&[]).await;
        let settings = DirectSettings { disk: 1_000_000, ..place.settings(&world) };
        let failure = fetch(&place.proxies(settings), "evil.example.com/x/@v/list").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLong, "{failure}");
        assert!(failure.why.contains(words), "{failure}");
        until(|| place.is_swept()).await;
    }
}

#[tokio::test]
async fn strangers_read_nothing_of_an_outage() {
    let place = Place::scripted("echo \"go: dial tcp 10.0.0.5:443: connect: connection refused in $PWD\" >&2; exit 1");
    let world = World::new(&[]).await;
    let failure = fetch(&place.proxies(place.settings(&world)), "evil.example.com/x/@v/list").await.unwrap_err();
    assert_eq!((failure.kind, failure.why.as_str()), (FailureKind::Unreachable, "the go command could not find out"));
}
