//! What stands between two upstreams means what it means to go: after a comma the second one is asked only for what the first one
//! lacks, and after `|` whatever became of the first. Wrong bytes are another thing: for these the second one is always asked.

use std::time::Duration;

use gosumcheck::proxy::Proxy;
use gosumcheck::upstream::BreakerState;

use crate::kit::{Corpus, Fault, Spec};
use crate::world::{LONG, World, bytes, outage, text};

const LIST: &str = "example.com/a/@v/list";
const INFO: &str = "example.com/a/@v/v1.0.0.info";
const BRANCH: &str = "example.com/a/@v/master.info";
const LATEST: &str = "example.com/a/@latest";
const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";
const ALL: [&str; 6] = [LIST, INFO, BRANCH, LATEST, ZIP, GO_MOD];

/// Two mirrors with the separator between them.
fn world(separator: char) -> World {
    let corpus = Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(50_000)]);
    corpus.query("example.com/a", "master", "v1.0.0");
    let mut world = World::new(corpus, 2);
    world.separator = separator;
    world.settings.tries = 1;
    world.settings.silence = Duration::from_secs(2);
    world
}

/// The first mirror fails so: after a comma that is the answer, and after `|` the second one's is.
fn ends_at_a_comma(path: &str, fault: &Fault) {
    let behind = world('|');
    behind.mirrors[0].fault(path, fault.clone());
    assert!(!bytes(behind.ask(&behind.proxy(), path)).is_empty(), "{path} {fault:?}");
    let world = world(',');
    world.mirrors[0].fault(path, fault.clone());
    let told = outage(world.ask(&world.proxy(), path));
    assert!(told.contains(&world.mirrors[0].url()), "{path} {fault:?}: {told}");
    assert_eq!(world.mirrors[1].requests().len(), 0, "{path} {fault:?}: it may not learn the name");
}

#[test]
fn an_outage_is_the_answer_after_a_comma() {
    for path in ALL {
        for fault in [
            Fault::Status(204, String::new()),
            Fault::Status(206, "a part".to_owned()),
            Fault::Status(500, "no disk".to_owned()),
            Fault::RetryAfter(503, "1000".to_owned()),
            Fault::Redirect("ftp://nowhere.example/".to_owned()),
            Fault::Truncated,
            Fault::FalseGzip,
            Fault::Reset(None),
        ] {
            ends_at_a_comma(path, &fault);
        }
    }
    ends_at_a_comma(ZIP, &Fault::Hang(Some(20_000)));
    ends_at_a_comma(LIST, &Fault::Hang(None));
}

/// Whatever go could not read: a portal's page of HTML in the place of the proxy behind it is not an absence.
#[test]
fn what_answers_no_question_is_the_answer_after_a_comma() {
    for path in [INFO, BRANCH, LATEST] {
        for body in ["", "<!DOCTYPE html>\n<html></html>\n", "[]", r#"{"Version":"v1.0.0","Time":17}"#] {
            ends_at_a_comma(path, &Fault::Replace(body.into()));
        }
    }
    ends_at_a_comma(INFO, &Fault::MovedTag("v1.1.0".to_owned()));
    ends_at_a_comma(LIST, &Fault::Html);
}

#[test]
fn an_absence_leads_on_after_either() {
    for separator in [',', '|'] {
        for (path, status) in ALL.into_iter().flat_map(|path| [(path, 404), (path, 410)]) {
            let world = world(separator);
            world.mirrors[0].fault("*", Fault::Status(status, "not found: no such tag".to_owned()));
            assert!(!bytes(world.ask(&world.proxy(), path)).is_empty(), "{path} {status} {separator}");
            assert_eq!(world.mirrors[1].count(path), 1, "{path} {status} {separator}");
        }
    }
}

/// No mirror is trusted: go stops at wrong bytes in either case, and we ask the next one.
#[test]
fn wrong_bytes_lead_on_after_either() {
    for separator in [',', '|'] {
        for (path, fault) in [
            (ZIP, Fault::Html),
            (ZIP, Fault::Empty),
            (ZIP, Fault::Oversized { declared: true }),
            (GO_MOD, Fault::Html),
            (GO_MOD, Fault::WrongGoMod),
            (GO_MOD, Fault::Replace(vec![b'\n'; (16 << 20) + 1])),
        ] {
            let world = world(separator);
            world.mirrors[0].fault(path, fault);
            world.expect_true(&world.proxy(), path);
        }
    }
}

/// Asks the first mirror, which is gone, until it is left alone.
fn give_up(world: &World, proxy: &Proxy) {
    world.mirrors[0].stop();
    while proxy.upstreams()[0].breaker == BreakerState::Closed {
        outage(world.ask(proxy, "example.com/unknown/@v/list"));
    }
}

#[test]
fn one_that_is_left_alone_is_out() {
    let world = world(',');
    let proxy = world.proxy();
    give_up(&world, &proxy);
    for path in ALL {
        let told = outage(world.ask(&proxy, path));
        assert!(told.contains("not asked again"), "{path}: {told}");
    }
    assert_eq!(world.mirrors[1].requests().len(), 0);
}

/// What is here needs nobody.
#[test]
fn what_is_held_is_given_while_the_first_one_is_out() {
    let mut world = world(',');
    world.options.freshness = Duration::ZERO;
    world.options.stale = LONG;
    let proxy = world.proxy();
    let before = ALL.map(|path| bytes(world.ask(&proxy, path)));
    give_up(&world, &proxy);
    for (path, before) in ALL.into_iter().zip(before) {
        assert!(bytes(world.ask(&proxy, path)) == before, "{path}");
    }
    assert!(text(world.ask(&proxy, LIST)).stale);
    assert_eq!(world.mirrors[1].requests().len(), 0);
}
