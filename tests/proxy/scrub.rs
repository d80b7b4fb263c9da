//! What rots without a trace is found by reading all of it, set aside, and fetched again before a client gets it.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use gosumcheck::proxy::Proxy;
use gosumcheck::store::scrub::Passed;
use gosumcheck::sumdb::module::Patterns;

use crate::kit::{Corpus, FakeMirror, Spec};
use crate::world::{World, bytes, outage};

/// A public and a private module, both files of each stored.
fn stored() -> World {
    let specs = ["example.com/a", "corp.example/p"].map(|name| Spec::new(name, "v1.0.0").noise(50_000));
    let mut world = World::new(Corpus::of(&specs), 1);
    world.private = vec![FakeMirror::serve(&world.corpus)];
    world.options.private = Patterns::parse("corp.example");
    let proxy = world.proxy();
    PATHS.iter().for_each(|(_, path)| world.expect_true(&proxy, path));
    world
}

const PATHS: [(&str, &str); 4] = [
    ("modules", "example.com/a/@v/v1.0.0.mod"),
    ("modules", "example.com/a/@v/v1.0.0.zip"),
    ("private", "corp.example/p/@v/v1.0.0.mod"),
    ("private", "corp.example/p/@v/v1.0.0.zip"),
];

fn at(world: &World, (tree, path): (&str, &str)) -> PathBuf {
    world.data.path().join(tree).join(path)
}

/// One bit of the contents, in place. Its times cannot be set back by a program, so what is noted of them is set forward: the file looks
/// as it did when it was proven, as one does that rotted on the disk itself.
fn rot_without_a_trace(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
    let found = file.metadata().unwrap();
    let (mtime, ctime) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
    let stat = format!("stat {} {}.{:09} {}.{:09} {}\n", found.len(), mtime.0, mtime.1, ctime.0, ctime.1, found.ino());
    let end = file.extension().unwrap().to_str().unwrap();
    let proof = file.with_extension(format!("{end}proof"));
    let (noted, text) = match fs::read_to_string(&proof) {
        Ok(text) => (proof, text.split_inclusive('\n').filter(|line| !line.starts_with("stat ")).collect::<String>()),
        Err(_) => (file.with_extension(format!("{end}stat")), String::new()),
    };
    assert!(noted.is_file());
    fs::write(noted, text + &stat).unwrap();
}

fn rot_and_set_the_time_back(file: &Path) {
    let (mut bytes, found) = (fs::read(file).unwrap(), file.metadata().unwrap());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
    let times = FileTimes::new().set_modified(found.modified().unwrap());
    File::options().write(true).open(file).unwrap().set_times(times).unwrap();
}

fn scrub(world: &World, proxy: &Proxy) -> gosumcheck::proxy::ScrubCounts {
    world.runtime.block_on(proxy.scrub(None)).unwrap()
}

fn asked(world: &World) -> usize {
    world.mirrors.iter().chain(&world.private).map(|mirror| mirror.count("*")).sum()
}

#[test]
fn each_file_that_rots_is_healed_and_no_rotten_byte_is_given_after_the_scrub() {
    for (how, shows) in [(rot_without_a_trace as fn(&Path), false), (rot_and_set_the_time_back, true)] {
        for path in PATHS {
            let world = stored();
            how(&at(&world, path));
            let proxy = world.proxy();
            if !shows {
                // This is what the scrub is for.
                assert!(bytes(world.ask(&proxy, path.1)) != world.corpus.file(path.1).unwrap(), "{path:?}");
            }
            let before = asked(&world);
            let counts = scrub(&world, &proxy);
            assert_eq!((counts.files, counts.rotten, counts.healed), (4, 1, 1), "{path:?}");
            assert_eq!(counts.done, counts.total);
            assert_eq!(asked(&world), before + 1, "{path:?}: it is asked for once, and nothing else is");
            PATHS.iter().for_each(|(_, path)| world.expect_true(&proxy, path));
            assert!(fs::read(at(&world, path)).unwrap() == world.corpus.file(path.1).unwrap());
            assert_eq!(world.incidents().len(), 1);
            // Also in another process, and there is nothing left to find.
            drop(proxy);
            let proxy = world.proxy();
            PATHS.iter().for_each(|(_, path)| world.expect_true(&proxy, path));
            assert_eq!(scrub(&world, &proxy).rotten, 0);
            assert_eq!(asked(&world), before + 1);
            world.stored();
        }
    }
}

#[test]
fn what_cannot_be_healed_is_given_to_nobody() {
    for path in PATHS {
        let mut world = stored();
        rot_without_a_trace(&at(&world, path));
        world.mirrors.clear();
        world.private.iter().for_each(FakeMirror::stop);
        world.offline = true;
        let proxy = world.proxy();
        let counts = scrub(&world, &proxy);
        assert_eq!((counts.rotten, counts.healed), (1, 0), "{path:?}");
        outage(world.ask(&proxy, path.1));
        assert!(world.cached(&proxy, path.1).is_err());
        assert!(!at(&world, path).exists(), "it is in the quarantine");
        assert_eq!(world.reports().len(), 1);
    }
}

#[test]
fn a_pass_that_was_cut_off_goes_on_where_it_was() {
    let world = stored();
    let place = world.folder().scrub_place();
    place.note(&Passed { began: 77, name: format!("modules/{}", PATHS[1].1) });
    let proxy = world.proxy();
    let counts = scrub(&world, &proxy);
    assert_eq!(counts.files, 2, "those of the private tree");
    assert_eq!(counts.done, counts.total);
    assert_eq!((place.read(), place.finished()), (None, Some(77)), "the pass began then");
    assert_eq!(scrub(&world, &proxy).files, 2 + 4);
}

/// What stands there is no file of the store: it is not read, not counted, and what it leads to stays.
#[test]
fn links_are_not_followed() {
    let world = stored();
    let outside = world.data.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let file = at(&world, PATHS[1]);
    fs::rename(&file, outside.join("v1.0.0.zip")).unwrap();
    std::os::unix::fs::symlink(outside.join("v1.0.0.zip"), &file).unwrap();
    let (folder, moved) = (file.parent().unwrap().to_path_buf(), outside.join("@v"));
    assert_eq!(scrub(&world, &world.proxy()).files, 3);
    let inventory = world.folder().modules().inventory().unwrap();
    assert_eq!(inventory.files.len(), 3);
    // A folder too: nothing below it is the store's, neither a file nor what is kept about it.
    fs::rename(&folder, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &folder).unwrap();
    let store = world.folder().modules();
    let module = gosumcheck::sumdb::module::ModuleVersion::new("example.com/a", "v1.0.0").unwrap();
    assert!(moved.join("v1.0.0.info").is_file() || moved.join("list").is_file());
    let tree = gosumcheck::store::modules::Tree::Proven;
    assert_eq!(store.read_info(tree, &module).unwrap(), None);
    assert_eq!(store.read_list(module.path()).unwrap(), None);
    assert_eq!(store.inventory().unwrap().files.len(), 2);
    assert_eq!(scrub(&world, &world.proxy()).files, 2);
    let offline = world.proxy();
    assert!(world.cached(&offline, PATHS[0].1).is_err());
    assert!(outside.join("v1.0.0.zip").is_file());
}
