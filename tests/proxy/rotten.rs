//! What changed on the disk since it was proven is hashed again before it is given: what rotted is fetched again, or given to nobody.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};

use gosumcheck::proxy::ProxyAnswer;
use gosumcheck::sumdb::module::Patterns;

use crate::kit::{Corpus, FakeMirror, Spec};
use crate::world::{World, bytes, outage};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";

fn corpus() -> Corpus {
    Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(100_000)])
}

/// A world of which both files are stored, in `modules` or in `private`.
fn stored(tree: &str) -> World {
    let mut world = World::new(corpus(), 1);
    if tree == "private" {
        world.private = vec![FakeMirror::serve(&world.corpus)];
        world.options.private = Patterns::parse("example.com");
    }
    let proxy = world.proxy();
    world.expect_true(&proxy, ZIP);
    world.expect_true(&proxy, GO_MOD);
    world
}

fn at(world: &World, tree: &str, path: &str) -> PathBuf {
    world.data.path().join(tree).join(path)
}

/// One bit of the contents, in place; the length and the time of the last change stay as they were.
fn rot(path: &Path) {
    let (mut bytes, found) = (fs::read(path).unwrap(), path.metadata().unwrap());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    let times = FileTimes::new().set_modified(found.modified().unwrap());
    File::options().write(true).open(path).unwrap().set_times(times).unwrap();
}

fn requests(world: &World) -> usize {
    world.mirrors.iter().chain(&world.private).map(|mirror| mirror.count("*")).sum()
}

fn nobody_answers(world: &mut World) {
    world.mirrors.clear();
    world.private.iter().for_each(FakeMirror::stop);
    world.offline = true;
}

#[test]
fn what_rotted_is_fetched_again() {
    for tree in ["modules", "private"] {
        for path in [ZIP, GO_MOD] {
            let world = stored(tree);
            // In another process than the one that proved it, and in that one.
            let file = at(&world, tree, path);
            rot(&file);
            let before = requests(&world);
            let proxy = world.proxy();
            world.expect_true(&proxy, path);
            assert_eq!(requests(&world), before + 1, "{tree} {path}: it is asked for again");
            rot(&file);
            world.expect_true(&proxy, path);
            world.expect_true(&proxy, path);
            assert_eq!(requests(&world), before + 2, "{tree} {path}: once");
            let reports = world.reports();
            assert!(
                reports.iter().all(|(report, _)| report["refused"]["upstream"] == "the module store"),
                "{reports:?}"
            );
            assert_eq!(world.incidents().len(), 2);
        }
    }
}

#[test]
fn what_rotted_is_given_to_nobody_where_nobody_has_it() {
    for tree in ["modules", "private"] {
        for path in [ZIP, GO_MOD] {
            let mut world = stored(tree);
            nobody_answers(&mut world);
            rot(&at(&world, tree, path));
            let proxy = world.proxy();
            assert!(world.cached(&proxy, path).is_err());
            outage(world.ask(&proxy, path));
            let other = if path == ZIP { GO_MOD } else { ZIP };
            world.expect_true(&proxy, other);
        }
    }
}

/// A copy, a restored backup, another time: the bytes are what they were.
#[test]
fn what_only_looks_otherwise_is_given_and_nobody_is_asked() {
    for tree in ["modules", "private"] {
        let mut world = stored(tree);
        nobody_answers(&mut world);
        for path in [ZIP, GO_MOD] {
            let file = at(&world, tree, path);
            let copy = file.with_extension("copy");
            fs::copy(&file, &copy).unwrap();
            fs::rename(&copy, &file).unwrap();
            world.expect_true(&world.proxy(), path);
            File::options().write(true).open(&file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
            let proxy = world.proxy();
            world.expect_true(&proxy, path);
            assert!(bytes(world.cached(&proxy, path)) == world.corpus.file(path).unwrap());
            // A request for stored files only hashes it too.
            drop(proxy);
            let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
            File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
            assert!(bytes(world.cached(&world.proxy(), path)) == world.corpus.file(path).unwrap());
        }
        assert_eq!(world.incidents(), vec![]);
    }
}

/// What older versions stored has no stamp: it is hashed once.
#[test]
fn what_was_stored_without_a_stamp_is_hashed_once() {
    let mut world = stored("modules");
    nobody_answers(&mut world);
    for (path, proof) in [(ZIP, "v1.0.0.zipproof"), (GO_MOD, "v1.0.0.modproof")] {
        let proof = at(&world, "modules", "example.com/a/@v").join(proof);
        let whole = fs::read_to_string(&proof).unwrap();
        let (older, stamp) = whole.split_at(whole.find("stat ").unwrap());
        assert_eq!(stamp.lines().count(), 1);
        fs::write(&proof, older).unwrap();
        world.expect_true(&world.proxy(), path);
        assert_eq!(fs::read_to_string(&proof).unwrap(), whole, "it is noted");
        fs::write(&proof, older).unwrap();
        rot(&at(&world, "modules", path));
        outage(world.ask(&world.proxy(), path));
    }
}

/// Nothing is given through a link, be it the file or a folder on the way to it.
#[test]
fn a_link_is_not_served() {
    for tree in ["modules", "private"] {
        for link in [ZIP, "example.com/a/@v", "example.com"] {
            let mut world = stored(tree);
            nobody_answers(&mut world);
            let (from, elsewhere) = (at(&world, tree, link), world.data.path().join("elsewhere"));
            fs::rename(&from, &elsewhere).unwrap();
            std::os::unix::fs::symlink(&elsewhere, &from).unwrap();
            let proxy = world.proxy();
            assert!(
                !matches!(world.ask(&proxy, ZIP), Ok(ProxyAnswer::File(_) | ProxyAnswer::Unproven(_))),
                "{tree} {link}"
            );
        }
    }
}
