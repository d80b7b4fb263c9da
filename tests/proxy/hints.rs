//! What nobody can prove: cleaned, kept for a while, given when it is old where nobody answers, and never taken for proof.

use std::time::{Duration, SystemTime};

use gosumcheck::proxy::{Denied, TextKind};
use gosumcheck::store::journal::Scope;

use crate::kit::{Corpus, Fault, Spec};
use crate::world::{LONG, World, absent, outage, text};

const LIST: &str = "example.com/a/@v/list";
const LATEST: &str = "example.com/a/@latest";
const DATED: &str = "example.com/a/@v/v1.0.0.info";
const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const PSEUDO: &str = "v0.0.0-20240102030405-abcdefabcdef";

/// Mirrors that list less than the log has.
fn world(mirrors: usize) -> World {
    let versions = ["v1.0.0", "v1.1.0", "v1.2.0-rc.1", PSEUDO];
    let specs = versions.map(|version| Spec::new("example.com/a", version));
    let corpus = Corpus::of(&[&specs[..], &[Spec::new("example.com/untagged", PSEUDO)]].concat());
    corpus.publish(LIST, "v1.1.0\r\nv1.0.0 2024-01-01T00:00:00Z\nmaster\nv1.0.0\nv2.0.0\n\nv1\n");
    corpus.query("example.com/a", "master", "v1.1.0");
    World::new(corpus, mirrors)
}

fn said(world: &World, proxy: &gosumcheck::proxy::Proxy, path: &str) -> String {
    String::from_utf8(text(world.ask(proxy, path)).bytes.to_vec()).unwrap()
}

/// Under which name the journal has the hint for a path.
fn key(world: &World, path: &str) -> String {
    Scope::Public(&world.log.vkey()).key(path)
}

/// Makes what was said of a path as old as that.
fn age(world: &World, path: &str, age: Duration) {
    let journal = world.folder().journal().unwrap();
    let key = key(world, path);
    let mut hint = journal.hint(&key).unwrap().unwrap();
    hint.fetched = SystemTime::now() - age;
    journal.keep_hint(&key, &hint).unwrap();
}

fn stop(world: &World) {
    world.mirrors.iter().for_each(|mirror| mirror.stop());
}

#[test]
fn a_list_is_cleaned_and_completed_from_the_log() {
    let world = world(1);
    assert_eq!(said(&world, &world.proxy(), LIST), "v1.0.0\nv1.1.0\n");
    assert_eq!(said(&world, &world.proxy(), "example.com/untagged/@v/list"), "");
    age(&world, LIST, LONG);
    world.sync();
    let answer = text(world.ask(&world.proxy(), LIST));
    assert_eq!(
        (&answer.bytes[..], answer.kind, answer.stale),
        (&b"v1.0.0\nv1.1.0\nv1.2.0-rc.1\n"[..], TextKind::List, false)
    );
}

#[test]
fn the_log_answers_while_every_upstream_is_down() {
    let world = world(2);
    world.sync();
    stop(&world);
    let proxy = world.proxy();
    assert_eq!(said(&world, &proxy, LIST), "v1.0.0\nv1.1.0\nv1.2.0-rc.1\n");
    assert_eq!(said(&world, &proxy, LATEST), r#"{"Version":"v1.1.0"}"#);
    assert_eq!(said(&world, &proxy, "example.com/untagged/@v/list"), "");
    let latest = format!(r#"{{"Version":"{PSEUDO}","Time":"2024-01-02T03:04:05Z"}}"#);
    assert_eq!(said(&world, &proxy, "example.com/untagged/@latest"), latest);
    assert!(text(world.ask(&proxy, LIST)).stale);
    outage(world.ask(&proxy, "example.com/unknown/@v/list"));
    outage(world.ask(&proxy, DATED));
}

#[test]
fn what_is_fresh_is_not_asked_again() {
    let world = world(1);
    let asked = [LIST, LATEST, DATED, "example.com/a/@v/master.info"];
    let proxy = world.proxy();
    let first = asked.map(|path| said(&world, &proxy, path));
    assert_eq!(first.clone().map(|_| 1), asked.map(|path| world.mirrors[0].count(path)));
    assert_eq!(asked.map(|path| said(&world, &proxy, path)), first);
    drop(proxy);
    let proxy = world.proxy();
    assert_eq!(asked.map(|path| said(&world, &proxy, path)), first, "nor by the next process");
    age(&world, LIST, LONG / 4);
    assert!(text(world.ask(&proxy, LIST)).keep <= LONG - LONG / 4, "clients keep it no longer than it is fresh");
    assert_eq!(world.mirrors[0].requests().len(), asked.len());
    for path in asked {
        age(&world, path, LONG);
        said(&world, &proxy, path);
        assert_eq!(world.mirrors[0].count(path), 2, "{path}: what is old is");
    }
}

#[test]
fn what_was_said_is_given_while_nobody_answers_but_not_for_ever() {
    let world = world(2);
    let proxy = world.proxy();
    let asked = [LIST, LATEST, DATED];
    let first = asked.map(|path| said(&world, &proxy, path));
    stop(&world);
    for (path, first) in asked.into_iter().zip(first) {
        age(&world, path, LONG + LONG / 2);
        let answer = text(world.ask(&proxy, path));
        assert_eq!((&answer.bytes[..], answer.stale), (first.as_bytes(), true));
        assert_eq!(answer.keep, Duration::ZERO);
        age(&world, path, LONG * 2);
        outage(world.ask(&proxy, path));
    }
    // What all of them say is gone is gone, whatever one said before.
    age(&world, LIST, LONG + LONG / 2);
    world.mirrors.iter().for_each(|mirror| mirror.start());
    world.mirrors.iter().for_each(|mirror| mirror.fault("*", Fault::Status(404, "gone".to_owned())));
    drop(proxy);
    absent(world.ask(&world.proxy(), LIST));
}

#[test]
fn an_absence_is_repeated() {
    let world = world(2);
    let proxy = world.proxy();
    let asked = ["example.com/unknown/@v/list", "example.com/unknown/@latest", "example.com/a/@v/v1.9.9.info"];
    for path in asked {
        let told = absent(world.ask(&proxy, path));
        assert_eq!(absent(world.ask(&proxy, path)), told);
        assert!(told.contains(path) && told.contains(&world.mirrors[1].url()), "{told}");
    }
    assert_eq!(world.mirrors.iter().map(|mirror| mirror.requests().len()).sum::<usize>(), 2 * asked.len());
    let repeated = proxy.counts().into_iter().find(|(name, _)| *name == "absences_repeated");
    assert_eq!(repeated, Some(("absences_repeated", 3)));
    let mut forgetful = World::new(world.corpus.clone(), 1);
    forgetful.options.negative = Duration::ZERO;
    let proxy = forgetful.proxy();
    (0..2).for_each(|_| drop(absent(forgetful.ask(&proxy, asked[0]))));
    assert_eq!(forgetful.mirrors[0].requests().len(), 2, "only for as long as is set");
}

#[test]
fn an_outage_is_not_repeated() {
    let world = world(1);
    world.mirrors[0].fault_times("*", 2, Fault::Status(500, String::new()));
    let proxy = world.proxy();
    outage(world.ask(&proxy, LIST));
    assert_eq!(said(&world, &proxy, LIST), "v1.0.0\nv1.1.0\n");
}

#[test]
fn a_branch_stands_for_a_version() {
    let world = world(1);
    let answer = text(world.ask(&world.proxy(), "example.com/a/@v/master.info"));
    assert_eq!(answer.bytes, world.corpus.file("example.com/a/@v/v1.1.0.info").unwrap());
    assert_eq!(answer.kind, TextKind::Info);
    assert!(answer.keep <= LONG, "branches move");
}

#[test]
fn when_a_proven_version_was_made_is_known_for_as_long_as_its_zip_is_here() {
    for zip_first in [false, true] {
        let world = world(1);
        let proxy = world.proxy();
        if zip_first {
            world.expect_true(&proxy, ZIP);
        }
        assert!(text(world.ask(&proxy, DATED)).keep <= LONG, "a hint, whatever is proven");
        world.expect_true(&proxy, ZIP);
        stop(&world);
        drop(proxy);
        std::fs::remove_file(world.folder().journal().unwrap().path()).unwrap();
        let answer = text(world.ask(&world.proxy(), DATED));
        assert_eq!((&answer.bytes, answer.stale), (&world.corpus.file(DATED).unwrap(), true));
        assert_eq!(world.stored(), [DATED, ZIP]);
    }
    // Without anybody's word, the store knows at least that there is such a version.
    let world = world(1);
    let proxy = world.proxy();
    world.expect_true(&proxy, ZIP);
    stop(&world);
    assert_eq!(said(&world, &proxy, DATED), r#"{"Version":"v1.0.0"}"#);
}

#[test]
fn an_answer_is_asked_for_again_also_where_the_zip_is_stored() {
    let world = world(1);
    let proxy = world.proxy();
    said(&world, &proxy, DATED);
    world.expect_true(&proxy, ZIP);
    let stored = world.data.path().join("modules").join(DATED);
    for second in ["01", "02"] {
        let news = format!(r#"{{"Version":"v1.0.0","Time":"2026-01-01T00:00:{second}Z"}}"#);
        world.corpus.publish(DATED, news.clone());
        age(&world, DATED, LONG);
        assert_eq!(said(&world, &proxy, DATED), news, "README: asked again after --freshness");
        assert_eq!(std::fs::read_to_string(&stored).unwrap(), news, "the folder is a GOPROXY too");
    }
    // Old, and nobody to ask: for as long as the zip is here, and no longer.
    stop(&world);
    age(&world, DATED, LONG * 1000);
    assert!(said(&world, &proxy, DATED).contains("00:02Z"));
    std::fs::remove_file(world.data.path().join("modules").join(ZIP)).unwrap();
    outage(world.ask(&proxy, DATED));
}

#[test]
fn a_kept_info_that_a_power_cut_spoiled_is_asked_for_again() {
    let world = world(1);
    let proxy = world.proxy();
    let told = said(&world, &proxy, DATED);
    world.ask(&proxy, ZIP).unwrap();
    let kept = world.data.path().join("modules").join(DATED);
    drop(proxy);
    for spoiled in [vec![0; told.len()], Vec::new(), told.as_bytes()[..9].to_vec()] {
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), told);
        std::fs::write(&kept, spoiled).unwrap();
        age(&world, DATED, LONG);
        assert_eq!(said(&world, &world.proxy(), DATED), told);
    }
}

#[test]
fn nobody_is_asked_where_only_the_cached_is_wanted() {
    let world = world(1);
    let proxy = world.proxy();
    let all = [LIST, LATEST, DATED, ZIP, "example.com/a/@v/v1.0.0.mod", "example.com/a/@v/master.info"];
    for path in all {
        assert!(matches!(world.cached(&proxy, path), Err(Denied::NotCached(_))), "{path}");
    }
    assert_eq!((world.mirrors[0].requests().len(), world.log.requests().len()), (0, 0));
    for path in all {
        world.ask(&proxy, path).unwrap();
    }
    age(&world, LIST, LONG);
    let requests = (world.mirrors[0].requests().len(), world.log.requests().len());
    for path in all {
        world.cached(&proxy, path).unwrap();
    }
    assert!(text(world.cached(&proxy, LIST)).stale);
    assert_eq!((world.mirrors[0].requests().len(), world.log.requests().len()), requests);
}

#[test]
fn what_answers_no_question_is_passed_over() {
    for (path, fault) in [
        (DATED, Fault::MovedTag("v1.1.0".to_owned())),
        (DATED, Fault::Html),
        (DATED, Fault::Empty),
        (LATEST, Fault::Html),
        (LATEST, Fault::MovedTag("v2.0.0".to_owned())),
        (LATEST, Fault::MovedTag("master".to_owned())),
        (LIST, Fault::Html),
        (LIST, Fault::FalseGzip),
    ] {
        let world = world(2);
        world.mirrors[0].fault(path, fault.clone());
        let (proxy, truth) = (world.proxy(), World::new(world.corpus.clone(), 1));
        assert_eq!(said(&world, &proxy, path), said(&truth, &truth.proxy(), path), "{fault:?}");
        let alone = World::new(world.corpus.clone(), 1);
        alone.mirrors[0].fault(path, fault.clone());
        let told = outage(alone.ask(&alone.proxy(), path));
        assert!(told.contains(&alone.mirrors[0].url()), "{told}");
        assert_eq!(alone.folder().journal().unwrap().hint(&key(&alone, path)).unwrap(), None, "{fault:?}");
    }
}

#[test]
fn toolchains_are_modules_too() {
    let corpus = Corpus::of(&[Spec::toolchain("go1.99.0")]);
    let version = corpus.modules()[0].version().to_string();
    let world = World::new(corpus, 1);
    let proxy = world.proxy();
    assert_eq!(said(&world, &proxy, "golang.org/toolchain/@v/list"), format!("{version}\n"));
    world.expect_true(&proxy, &format!("golang.org/toolchain/@v/{version}.zip"));
}
