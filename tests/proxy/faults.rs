//! Upstreams, disks and clients that fail: an upstream with the right bytes is found, nothing half-done has a name, and all
//! goes on by itself.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use gosumcheck::proxy::ProxyAnswer;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::upstream::BreakerState;

use crate::kit::{Corpus, Fault, Gate, Spec, Tamper, until};
use crate::world::{World, absent, ask, bytes, outage, refusal};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";

fn corpus() -> Corpus {
    Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000)])
}

fn world(mirrors: usize) -> World {
    World::new(corpus(), mirrors)
}

/// The first mirror fails so, and the second one has the file.
fn is_passed_over(fault: &Fault, separator: char) {
    let mut world = world(2);
    world.separator = separator;
    world.settings.silence = Duration::from_secs(2);
    world.settings.tries = 1;
    world.mirrors[0].fault(ZIP, fault.clone());
    world.expect_true(&world.proxy(), ZIP);
    assert_eq!((world.stored(), world.incidents()), (vec![ZIP.to_owned()], vec![]), "{fault:?}");
    assert_eq!(world.arrivals().len(), 0, "{fault:?}");
}

#[test]
fn an_upstream_that_hangs_or_resets() {
    for fault in [Fault::Hang(None), Fault::Hang(Some(70_000)), Fault::Reset(None), Fault::Reset(Some(70_000))] {
        is_passed_over(&fault, '|');
    }
}

#[test]
fn an_upstream_that_cannot_answer_now() {
    is_passed_over(&Fault::Status(500, "no disk".to_owned()), '|');
    is_passed_over(&Fault::Status(504, String::new()), '|');
    is_passed_over(&Fault::RetryAfter(503, "1000".to_owned()), '|');
    for separator in [',', '|'] {
        is_passed_over(&Fault::Status(404, "not found".to_owned()), separator);
        is_passed_over(&Fault::Status(410, "gone".to_owned()), separator);
    }
    let world = world(1);
    world.mirrors[0].fault_times(ZIP, 1, Fault::RetryAfter(429, "0".to_owned()));
    world.expect_true(&world.proxy(), ZIP);
    assert_eq!(world.mirrors[0].count(ZIP), 2, "asked again");
}

/// Go's own rule (go.dev/ref/mod, "Environment variables", GOPROXY): only behind `|` another one is asked after a "no".
#[test]
fn a_no_by_policy_counts_before_a_comma() {
    for status in [400, 401, 403, 405, 422, 429, 451] {
        let fault = Fault::Status(status, "not for you".to_owned());
        is_passed_over(&fault, '|');
        let mut world = world(2);
        (world.separator, world.settings.tries) = (',', 1);
        world.mirrors[0].fault(ZIP, fault);
        let told = world.ask(&world.proxy(), ZIP);
        // Of these three alone the server says that it does not give this module to us.
        let told = if matches!(status, 401 | 403 | 451) { refusal(told).join(" ") } else { outage(told) };
        assert!(told.contains(&status.to_string()) && told.contains("not for you"), "{told}");
        assert_eq!((world.mirrors[1].count("*"), world.stored().len()), (0, 0));
    }
}

#[test]
fn an_absence_is_what_all_of_them_say() {
    let world = world(2);
    let no = Fault::Status(404, "not found: no such tag".to_owned());
    world.mirrors[0].fault("*.mod", no.clone());
    world.mirrors[1].fault("*.mod", Fault::Status(500, "no disk".to_owned()));
    let proxy = world.proxy();
    let told = outage(world.ask(&proxy, GO_MOD));
    assert!(told.contains("no such tag") && told.contains("no disk"), "{told}");
    world.mirrors[1].heal();
    world.mirrors[1].fault("*.mod", no);
    let told = absent(world.ask(&proxy, GO_MOD));
    assert!(told.contains("no such tag"), "{told}");
    // The go command asks twice what is answered with 4xx.
    world.mirrors.iter().for_each(|mirror| mirror.clear_requests());
    assert_eq!(absent(world.ask(&proxy, GO_MOD)), told);
    assert_eq!((world.mirrors[0].count("*"), world.mirrors[1].count("*")), (0, 0));
    // What the log does not have nobody is asked for.
    absent(world.ask(&proxy, "example.com/unknown/@v/v1.0.0.zip"));
    assert_eq!((world.mirrors[0].count("*"), world.mirrors[1].count("*")), (0, 0));
}

#[test]
fn a_log_that_is_out_is_an_outage() {
    let mut world = world(1);
    world.served = None;
    let proxy = world.proxy();
    outage(world.ask(&proxy, ZIP));
    assert_eq!((world.mirrors[0].count("*"), world.stored().len()), (0, 0), "nothing could prove it");
}

#[test]
fn a_slow_upstream_is_waited_for() {
    let world = world(1);
    let gate = Gate::new();
    world.mirrors[0].fault(ZIP, Fault::Drip(gate.clone()));
    let proxy = world.proxy();
    let (asking, truth) = (proxy.clone(), world.corpus.zip("example.com/a", "v1.0.0"));
    let answer = world.runtime.spawn(async move { ask(&asking, ZIP).await });
    gate.wait(1);
    for sent in [1, 1_000, 100_000] {
        gate.release(sent - world.mirrors[0].sent(ZIP));
        until("the bytes were sent", || world.mirrors[0].sent(ZIP) == sent);
        assert_eq!(world.stored(), [""; 0], "half a file has no name");
    }
    gate.open();
    assert!(bytes(world.runtime.block_on(answer).unwrap()) == truth);
}

#[test]
fn an_upstream_that_comes_and_goes() {
    let world = world(1);
    let proxy = world.proxy();
    let probing = proxy.clone();
    world.runtime.spawn(async move { probing.tend().await });
    for _ in 0..2 {
        world.mirrors[0].stop();
        while proxy.upstreams()[0].breaker == BreakerState::Closed {
            outage(world.ask(&proxy, "example.com/a/@v/list"));
        }
        assert!(outage(world.ask(&proxy, ZIP)).contains("not asked again"));
        world.mirrors[0].start();
        until("the breaker is closed", || proxy.upstreams()[0].breaker == BreakerState::Closed);
        world.expect_true(&proxy, GO_MOD);
    }
    world.expect_true(&proxy, ZIP);
}

#[test]
fn a_hundred_clients_and_one_download() {
    let world = World::new(Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(50 << 20)]), 1);
    let gate = Gate::new();
    world.mirrors[0].fault(ZIP, Fault::Hold(gate.clone()));
    let proxy = world.proxy();
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let proxy = proxy.clone();
            world.runtime.spawn(async move { ask(&proxy, ZIP).await })
        })
        .collect();
    gate.wait(1);
    gate.open();
    let expected = world.corpus.h1_zip("example.com/a", "v1.0.0");
    for client in clients {
        let Ok(ProxyAnswer::File(file)) = world.runtime.block_on(client).unwrap() else { panic!("no file") };
        assert_eq!(file.hash().to_string(), expected);
    }
    world.expect_true(&proxy, ZIP);
    assert_eq!((world.mirrors[0].count(ZIP), world.mirrors[0].busiest()), (1, 1));
}

/// A client that leaves while the first bytes of its zip are here, or not yet.
fn leaves_after(world: &World, proxy: &gosumcheck::proxy::Proxy, bytes: u64) -> Gate {
    let gate = Gate::new();
    world.mirrors[0].fault_times(ZIP, 1, Fault::Drip(gate.clone()));
    let asking = proxy.clone();
    let client = world.runtime.spawn(async move { ask(&asking, ZIP).await.is_ok() });
    gate.wait(1);
    gate.release(bytes);
    let arrived = || world.arrivals().iter().map(|path| fs::metadata(path).map_or(0, |found| found.len())).sum::<u64>();
    until("the bytes are here", || arrived() == bytes);
    client.abort();
    assert!(world.runtime.block_on(client).is_err());
    gate
}

#[test]
fn a_client_that_leaves_does_not_end_a_download_whose_bytes_flow() {
    let world = world(1);
    let proxy = world.proxy();
    let gate = leaves_after(&world, &proxy, 1_000);
    until("nobody waits for it", || proxy.work()[0].detached == 1);
    gate.open();
    until("the file is stored", || world.stored() == [ZIP]);
    world.expect_true(&proxy, ZIP);
    assert_eq!(world.mirrors[0].count(ZIP), 1);
    until("nothing is left", || proxy.work()[0].tasks == 0);
}

#[test]
fn a_client_that_leaves_ends_a_download_that_has_brought_nothing() {
    let world = world(1);
    let proxy = world.proxy();
    let gate = leaves_after(&world, &proxy, 0);
    until("nothing is left", || proxy.work()[0].tasks == 0 && proxy.work()[0].queue.running == 0);
    assert_eq!(world.stored().len(), 0);
    gate.open();
    world.expect_true(&proxy, ZIP);
    assert_eq!(world.mirrors[0].count(ZIP), 2, "the next client's download began anew");
}

#[test]
fn one_server_has_a_folder() {
    let world = world(1);
    let first = world.proxy();
    let why = world.open(Box::new(gosumcheck::store::disk::RealDisk)).err().unwrap().to_string();
    assert!(why.contains(&world.data.path().display().to_string()) && why.contains("--data"), "{why}");
    world.expect_true(&first, ZIP);
    drop(first);
    world.expect_true(&world.proxy(), ZIP);
}

/// At every change that is made to the disk, before, in the middle of and after it.
#[test]
fn a_disk_that_is_full() {
    for moment in [Moment::Before, Moment::Torn, Moment::After] {
        for at in 0.. {
            let world = world(1);
            let disk = Arc::new(FailingDisk::new(at, moment, Then::Recovers));
            let proxy = match world.open(Box::new(Arc::clone(&disk))) {
                Ok(proxy) => proxy,
                Err(why) => {
                    assert!(disk.calls().len() > at, "{why}");
                    world.expect_true(&world.proxy(), ZIP);
                    continue;
                }
            };
            let first = world.ask(&proxy, ZIP);
            let has_failed = disk.calls().len() > at;
            let lies = world.stored().into_iter().filter(|name| name != ZIP && *name != format!("{ZIP} (hash)"));
            assert_eq!(lies.count(), 0, "{moment:?} {at} {:?}", disk.calls());
            if first.is_err() {
                assert!(has_failed, "{first:?}");
                outage(first);
            }
            world.expect_true(&proxy, ZIP);
            assert_eq!((world.stored(), world.incidents()), (vec![ZIP.to_owned()], vec![]), "{moment:?} {at}");
            if !has_failed {
                assert!(at > 5, "{:?}", disk.calls());
                break;
            }
        }
    }
}

/// A world whose one mirror broke off in the middle, and the process that asked it has ended.
fn cut() -> World {
    let mut world = world(1);
    world.settings.tries = 1;
    world.mirrors[0].fault_times(ZIP, 1, Fault::Truncated);
    outage(world.ask(&world.proxy(), ZIP));
    assert_eq!((world.stored().len(), world.arrivals().len()), (0, 1));
    world.mirrors[0].clear_requests();
    world
}

/// The ranges that were asked for.
fn ranges(world: &World) -> Vec<Option<String>> {
    let range = |request: &crate::kit::Request| request.header("range").map(str::to_owned);
    world.mirrors[0].requests_for(ZIP).iter().map(range).collect()
}

#[test]
fn a_download_that_was_cut_is_gone_on_with() {
    let world = cut();
    let half = world.corpus.zip("example.com/a", "v1.0.0").len() / 2;
    world.expect_true(&world.proxy(), ZIP);
    assert_eq!(ranges(&world), [Some(format!("bytes={half}-"))]);
}

#[test]
fn a_beginning_that_is_wrong_is_nobodys_fault() {
    let world = cut();
    let arrival = world.arrivals().remove(0);
    let mut half = fs::read(&arrival).unwrap();
    half[1_000] ^= 1;
    fs::write(&arrival, &half).unwrap();
    world.expect_true(&world.proxy(), ZIP);
    assert_eq!(ranges(&world), [Some(format!("bytes={}-", half.len())), None]);
    assert_eq!(world.incidents(), []);
}

/// Half of one mirror's zip and half of another's that is packed otherwise are not a zip, though each of them is right.
#[test]
fn two_mirrors_that_pack_otherwise() {
    let mut world = world(2);
    world.settings.tries = 1;
    world.mirrors[0].fault(ZIP, Fault::Truncated);
    world.mirrors[1].fault(ZIP, Fault::Zip(Tamper::Repacked));
    assert!(!bytes(world.ask(&world.proxy(), ZIP)).is_empty());
    assert_eq!((world.stored(), world.incidents()), (vec![ZIP.to_owned()], vec![]));
}
