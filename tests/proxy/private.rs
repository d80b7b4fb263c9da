//! Private modules: nobody outside hears of them, and they stay what they were when they first came.

use std::fs;

use gosumcheck::proxy::Proxy;
use gosumcheck::sumdb::module::Patterns;

use crate::kit::{Corpus, FakeMirror, Fault, Spec, Tamper};
use crate::world::{World, absent, bytes, outage, refusal};

const ZIP: &str = "corp.example/Team/m/@v/v1.0.0.zip";
const GO_MOD: &str = "corp.example/Team/m/@v/v1.0.0.mod";

/// Every question about a module of `corp.example`, and about the folders above it, which the go command asks about too.
const QUESTIONS: [&str; 10] = [
    "corp.example/!team/m/@v/list",
    "corp.example/!team/m/@latest",
    "corp.example/!team/m/@v/v1.0.0.info",
    "corp.example/!team/m/@v/master.info",
    "corp.example/!team/m/@v/v1.0.0.mod",
    "corp.example/!team/m/@v/v1.0.0.zip",
    "corp.example/!team/@v/list",
    "corp.example/!team/m/deep/er/@latest",
    "corp.example/@v/list",
    "corp.example/@v/v1.0.0.mod",
];

/// A public mirror that has the private module too, and so many that are to be asked for it.
fn world(private: usize) -> World {
    let corpus = Corpus::of(&[
        Spec::new("corp.example/Team/m", "v1.0.0").noise(100_000).unlogged(),
        Spec::new("example.com/a", "v1.0.0"),
    ]);
    corpus.query("corp.example/Team/m", "master", "v1.0.0");
    let mut world = World::new(corpus, 1);
    world.options.private = Patterns::parse("corp.example,*.internal.example/x");
    world.private = (0..private).map(|_| FakeMirror::serve(&world.corpus)).collect();
    world
}

fn escaped(path: &str) -> String {
    path.replace("Team", "!team")
}

fn ask(world: &World, proxy: &Proxy, path: &str) -> Vec<u8> {
    bytes(world.ask(proxy, &escaped(path)))
}

#[track_caller]
fn nobody_heard(world: &World) {
    assert!(!world.mirrors[0].heard_of("corp.example"), "{:#?}", world.mirrors[0].requests());
    let lookups = world.log.requests();
    assert!(lookups.iter().all(|request| !request.path.contains("corp.")), "{lookups:#?}");
}

#[test]
fn no_public_upstream_hears_of_a_private_module() {
    let world = world(1);
    let proxy = world.proxy();
    for _ in 0..2 {
        for path in QUESTIONS {
            match world.corpus.file(path) {
                Some(truth) => assert!(bytes(world.ask(&proxy, path)) == truth, "{path}"),
                None => drop(absent(world.ask(&proxy, path))),
            }
        }
    }
    nobody_heard(&world);
    assert_eq!(world.private[0].count("*"), QUESTIONS.len(), "asked once each");
    // A module that is not private goes the other way.
    world.expect_true(&proxy, "example.com/a/@v/v1.0.0.zip");
    assert!(!world.private[0].heard_of("example.com/a"));
    nobody_heard(&world);
}

#[test]
fn nor_while_the_private_one_is_out() {
    for fault in [Fault::Status(500, String::new()), Fault::Reset(None), Fault::Status(404, String::new())] {
        let world = world(1);
        world.private[0].fault("*", fault);
        world.sync();
        world.log.clear_requests();
        let proxy = world.proxy();
        for path in QUESTIONS {
            assert!(world.ask(&proxy, path).is_err(), "{path}");
        }
        nobody_heard(&world);
    }
}

#[test]
fn without_private_upstreams_they_are_refused() {
    let world = world(0);
    let proxy = world.proxy();
    for path in QUESTIONS {
        let told = refusal(world.ask(&proxy, path)).join("\n");
        assert!(told.contains("private") && told.contains("corp.example"), "{told}");
    }
    nobody_heard(&world);
    assert_eq!(world.stored().len(), 0);
}

#[test]
fn patterns_are_those_of_goprivate() {
    let corpus = Corpus::of(&[]);
    let mut world = World::new(corpus, 1);
    world.options.private = Patterns::parse("example.com/Secret,*.corp.example/x*,other.example/");
    let proxy = world.proxy();
    for path in [
        "example.com/!secret/@v/list",
        "example.com/!secret/deep/@v/v1.0.0.zip",
        "git.corp.example/xyz/m/@latest",
        "other.example/m/@v/list",
    ] {
        refusal(world.ask(&proxy, path));
        assert_eq!((world.mirrors[0].count("*"), world.log.requests().len()), (0, 0), "{path}");
    }
    for path in ["example.com/secret/@v/list", "example.com/!secrets/@v/list", "corp.example/x/@v/list"] {
        absent(world.ask(&proxy, path));
        assert_eq!(world.mirrors[0].requests().last().unwrap().path, path);
    }
}

/// As the go command proves them whatever GONOSUMDB says.
#[test]
fn toolchains_are_nobodys_private_modules() {
    let mut world = World::new(Corpus::of(&[Spec::toolchain("go1.99.0")]), 1);
    world.options.private = Patterns::parse("*");
    world.private = vec![FakeMirror::serve(&Corpus::of(&[]))];
    let proxy = world.proxy();
    let (zip, _) = world.corpus.files().into_iter().find(|(path, _)| path.ends_with(".zip")).unwrap();
    world.expect_true(&proxy, &zip);
    assert_eq!((world.log.requests_for("lookup/").len(), world.private[0].count("*")), (1, 0));
    absent(world.ask(&proxy, "example.com/a/@v/list"));
    assert_eq!((world.mirrors[0].heard_of("example.com"), world.private[0].count("*")), (false, 1));
}

/// The name of a private module's file in the store.
fn file_of(world: &World, path: &str) -> std::path::PathBuf {
    world.data.path().join("private").join(escaped(path))
}

#[test]
fn what_came_first_is_what_it_stays() {
    for (path, fault) in [(ZIP, Fault::Zip(Tamper::FlipBit)), (GO_MOD, Fault::WrongGoMod)] {
        let world = world(1);
        let proxy = world.proxy();
        let truth = ask(&world, &proxy, path);
        assert!(truth == world.corpus.file(&escaped(path)).unwrap());
        world.private[0].fault("*", fault);
        assert!(ask(&world, &proxy, path) == truth, "from the store");
        drop(proxy);
        fs::remove_file(file_of(&world, path)).unwrap();
        let told = refusal(world.ask(&world.proxy(), &escaped(path))).join("\n");
        assert!(told.contains("a private module") && told.contains("expected h1:"), "{told}");
        let incidents = world.incidents();
        assert_eq!((incidents.len(), incidents[0].record, incidents[0].tree), (1, None, None));
        assert_eq!(incidents[0].upstream, world.private[0].url());
        assert_eq!(world.stored(), [format!("{} (hash)", escaped(path))]);
        world.private[0].heal();
        assert!(ask(&world, &world.proxy(), path) == truth, "what it was may come again");
        nobody_heard(&world);
    }
}

#[test]
fn a_second_private_upstream_has_what_it_was() {
    let world = world(2);
    let truth = ask(&world, &world.proxy(), ZIP);
    fs::remove_file(file_of(&world, ZIP)).unwrap();
    world.private[0].fault("*", Fault::Zip(Tamper::AddFile));
    assert!(ask(&world, &world.proxy(), ZIP) == truth);
    assert_eq!((world.incidents().len(), world.private[1].count("*.zip")), (1, 1));
    nobody_heard(&world);
}

/// A page of a portal is not what a module is to be for ever.
#[test]
fn what_is_no_module_is_not_pinned() {
    for path in [ZIP, GO_MOD] {
        for fault in [Fault::Html, Fault::Empty, Fault::Short] {
            if path == GO_MOD && matches!(fault, Fault::Short) {
                continue; // half of a go.mod is one
            }
            let world = world(1);
            world.private[0].fault("*", fault.clone());
            refusal(world.ask(&world.proxy(), &escaped(path)));
            assert_eq!(world.stored(), [""; 0], "{path} {fault:?}: nothing is pinned");
            world.private[0].heal();
            assert!(!ask(&world, &world.proxy(), path).is_empty());
        }
    }
}

#[test]
fn a_pin_that_cannot_be_read_is_no_first_use() {
    let world = world(1);
    drop(ask(&world, &world.proxy(), ZIP));
    fs::remove_file(file_of(&world, ZIP)).unwrap();
    fs::write(file_of(&world, ZIP).with_extension("ziphash"), "h1:").unwrap();
    let told = outage(world.ask(&world.proxy(), &escaped(ZIP)));
    assert!(told.contains("ziphash"), "{told}");
}

/// Nothing proves what comes first, so it comes in one piece.
#[test]
fn a_first_download_that_was_cut_begins_anew() {
    let mut world = world(1);
    world.settings.tries = 1;
    world.private[0].fault_times("*.zip", 1, Fault::Truncated);
    outage(world.ask(&world.proxy(), &escaped(ZIP)));
    assert_eq!(world.arrivals().len(), 1);
    drop(ask(&world, &world.proxy(), ZIP));
    let ranges: Vec<bool> = world.private[0].requests().iter().map(|asked| asked.header("range").is_some()).collect();
    assert_eq!(ranges, [false, false]);
}
