//! Nothing of an upstream's own text is kept or passed on: it is understood as Go does, and written anew.

use std::time::{Duration, SystemTime};

use gosumcheck::store::journal::{Hint, Scope};
use gosumcheck::sumdb::module::Patterns;

use crate::fake::FakeSumdb;
use crate::kit::{Corpus, FakeMirror, Fault, Machine, Spec, expect};
use crate::world::{World, bytes, outage, text};

const INFO: &str = "example.com/a/@v/v1.0.0.info";
const LATEST: &str = "example.com/a/@latest";
const BRANCH: &str = "example.com/a/@v/master.info";
const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
/// Ours reads `Version`, Go reads what comes last in any case.
const TWO_KEYS: &str = r#"{"Version":"v1.0.0","version":"v9.9.9","Time":"2026-01-02T03:04:05Z"}"#;

fn corpus() -> Corpus {
    let corpus = Corpus::of(&[Spec::new("example.com/a", "v1.0.0")]);
    corpus.query("example.com/a", "master", "v1.0.0");
    corpus
}

fn said(world: &World, path: &str) -> String {
    String::from_utf8(bytes(world.ask(&world.proxy(), path))).unwrap()
}

fn spoilt(text: &str) -> Fault {
    Fault::Replace(text.as_bytes().to_vec())
}

/// A file below `modules`.
fn stored(world: &World, path: &str) -> std::path::PathBuf {
    world.data.path().join("modules").join(path)
}

#[test]
fn two_keys_in_one_answer_are_refused_and_the_next_upstream_is_asked() {
    let world = World::new(corpus(), 2);
    world.mirrors[0].fault(INFO, spoilt(TWO_KEYS));
    world.expect_true(&world.proxy(), ZIP);
    assert_eq!(bytes(world.ask(&world.proxy(), INFO)), world.corpus.file(INFO).unwrap());
    world.mirrors[1].stop();
    let alone = World::new(corpus(), 1);
    alone.mirrors[0].fault(INFO, spoilt(TWO_KEYS));
    let told = outage(alone.ask(&alone.proxy(), INFO));
    assert!(told.contains(&alone.mirrors[0].url()) && told.contains("v9.9.9"), "{told}");
}

#[test]
fn what_a_mirror_adds_is_not_passed_on() {
    let padding = "x".repeat(20_000);
    let full = format!(
        r#" {{"version":"v1.0.0","Secret":"{padding}","TIME":"2026-01-02T03:04:05.500Z","Name":"n",
        "Origin":{{"VCS":"git","Extra":1,"URL":"https://example.com/a","hash":"abc"}}}} "#
    );
    let leaky = r#"{"Version":"v1.0.0","Origin":{"VCS":"git","URL":"https://user:token@example.com/a"}}"#;
    let clean = r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05.5Z","Origin":{"VCS":"git","URL":"https://example.com/a","Hash":"abc"}}"#;
    for path in [INFO, LATEST, BRANCH] {
        for (sent, given) in [(full.as_str(), clean), (leaky, r#"{"Version":"v1.0.0"}"#)] {
            let world = World::new(corpus(), 1);
            world.mirrors[0].fault(path, spoilt(sent));
            assert_eq!(said(&world, path), given, "{path}");
            world.expect_true(&world.proxy(), ZIP);
            let journal = world.folder().journal().unwrap();
            let hint = journal.hint(&Scope::Public(&world.log.vkey()).key(path)).unwrap().unwrap();
            assert_eq!(hint.bytes, given, "nor kept");
            if path == INFO {
                assert_eq!(std::fs::read_to_string(stored(&world, path)).unwrap(), given, "nor beside the zip");
            }
        }
    }
}

#[test]
fn an_info_of_an_earlier_version_is_judged_by_the_same_parser() {
    for (earlier, given) in [
        (TWO_KEYS.to_owned(), r#"{"Version":"v1.0.0"}"#),
        (format!("{}{}", TWO_KEYS, " ".repeat(900_000)), r#"{"Version":"v1.0.0"}"#),
        (
            r#"{"Extra":1,"Time":"2026-01-02T03:04:05Z","Version":"v1.0.0"}"#.to_owned(),
            r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}"#,
        ),
    ] {
        let world = World::new(corpus(), 1);
        world.expect_true(&world.proxy(), ZIP);
        std::fs::write(stored(&world, INFO), &earlier).unwrap();
        // What an earlier version kept in the journal, under no policy.
        let hint = Hint { bytes: earlier.into(), from: world.mirrors[0].url(), fetched: SystemTime::now() };
        if hint.bytes.len() < 100_000 {
            world.folder().journal().unwrap().keep_hint(INFO, &hint).unwrap();
        }
        world.mirrors[0].stop();
        assert_eq!(said(&world, INFO), given, "nobody can be asked");
        assert_eq!(std::fs::read_to_string(stored(&world, INFO)).unwrap(), given, "and it is mended");
        world.mirrors[0].start();
        assert_eq!(said(&world, INFO).as_bytes(), world.corpus.file(INFO).unwrap(), "replaced by an upstream's answer");
        assert_eq!(std::fs::read(stored(&world, INFO)).unwrap(), world.corpus.file(INFO).unwrap());
    }
}

#[test]
fn a_damaged_hint_is_none() {
    let world = World::new(corpus(), 1);
    for path in [INFO, LATEST, BRANCH, "example.com/a/@v/list"] {
        let truth = said(&world, path);
        let key = Scope::Public(&world.log.vkey()).key(path);
        let journal = world.folder().journal().unwrap();
        let hint = journal.hint(&key).unwrap().unwrap();
        journal.keep_hint(&key, &Hint { bytes: (&b"\xff{\"Version\":"[..]).into(), ..hint }).unwrap();
        assert_eq!(said(&world, path), truth, "asked again at once");
        assert_eq!(world.mirrors[0].count(path), 2);
    }
}

#[test]
fn a_hint_answers_under_no_other_policy() {
    let mut world = World::new(corpus(), 1);
    world.private = vec![FakeMirror::serve(&world.corpus)];
    let private = r#"{"Version":"v1.0.0","Origin":{"VCS":"git","URL":"ssh://git@git.corp.example/a"}}"#;
    world.private[0].fault("*", spoilt(private));
    world.private[0].fault("*/list", spoilt("v1.0.0\nv1.0.1\n"));
    let paths = [INFO, LATEST, BRANCH, "example.com/a/@v/list"];
    let public = paths.map(|path| said(&world, path));
    world.options.private = Patterns::parse("example.com");
    let of_private = paths.map(|path| said(&world, path));
    assert_eq!(of_private[..3], [private, private, private].map(str::to_owned));
    assert_eq!(of_private[3], "v1.0.0\nv1.0.1\n");
    // Back again, and nobody to ask: what was said in public is still known, and of the private nothing.
    world.mirrors[0].stop();
    world.private[0].stop();
    world.options.private = Patterns::default();
    assert_eq!(paths.map(|path| said(&world, path)), public);
    std::fs::remove_file(world.folder().journal().unwrap().path()).unwrap();
    for path in paths {
        outage(world.ask(&world.proxy(), path));
    }
}

#[test]
fn a_hint_of_another_database_is_none() {
    let mut world = World::new(corpus(), 1);
    let paths = [INFO, LATEST, BRANCH, "example.com/a/@v/list"];
    for path in paths {
        said(&world, path);
    }
    world.mirrors[0].stop();
    assert_ne!(world.log.vkey(), FakeSumdb::named(world.log.name(), 10, 99).vkey(), "a rotated key");
    world.log = FakeSumdb::named(world.log.name(), 10, 99);
    world.served = Some(world.log.serve());
    for path in paths {
        outage(world.ask(&world.proxy(), path));
        assert!(world.cached(&world.proxy(), path).is_err(), "{path}");
    }
}

#[test]
fn a_hint_of_an_upstream_that_was_taken_out_is_asked_for_again() {
    let mut world = World::new(corpus(), 2);
    world.mirrors[0].fault(LATEST, spoilt(r#"{"Version":"v1.0.0","Time":"1999-01-01T00:00:00Z"}"#));
    assert!(said(&world, LATEST).contains("1999"));
    world.mirrors.remove(0);
    assert!(!said(&world, LATEST).contains("1999"));
    assert!(text(world.ask(&world.proxy(), LATEST)).keep > Duration::ZERO);
}

/// Finding 5 of the attack: one bad answer must not outlive the mirror that gave it.
#[test]
fn go_builds_once_the_lying_mirror_is_replaced() {
    let mut world = World::new(corpus(), 1);
    world.mirrors[0].fault(INFO, spoilt(TWO_KEYS));
    let download = |world: &World| {
        let folder = world.data.path().to_path_buf();
        let serve = |url: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
            let sumdb = format!("{} {}", world.log.vkey(), world.served.as_ref().unwrap().url());
            command.args(["serve", "--listen", "127.0.0.1:0", "--data", "."]).args(["--sumdb", &sumdb, "--proxy", url]);
            command.current_dir(&folder).env_clear().env("HOME", &folder).env("GOENV", "off");
            crate::common::Serving::start(&mut command)
        };
        let serving = serve(&world.mirrors[0].url());
        let machine = Machine::new(&serving.url, &format!("{} {}", world.log.vkey(), world.served.as_ref()?.url()))?;
        let ran = machine.go(&machine.path("."), &["mod", "download", "-x", "example.com/a@v1.0.0"]);
        Some((ran, serving))
    };
    let stored = stored(&world, INFO);
    let Some((ran, serving)) = download(&world) else { return };
    let (_, told) = expect(1, &ran);
    assert!(told.contains("502 Bad Gateway"), "the lie is not passed on: {told}");
    drop(serving);
    // The zip is proven and stored, as by a build with a whole go.sum: there is such a version, whatever the mirror says.
    world.expect_true(&world.proxy(), ZIP);
    let (ran, serving) = download(&world).unwrap();
    expect(0, &ran);
    assert_eq!(std::fs::read_to_string(&stored).unwrap(), r#"{"Version":"v1.0.0"}"#);
    drop(serving);
    world.mirrors = vec![FakeMirror::serve(&world.corpus)];
    let (ran, _serving) = download(&world).unwrap();
    expect(0, &ran);
    assert_eq!(std::fs::read(&stored).unwrap(), world.corpus.file(INFO).unwrap());
}
