//! A running server whose data folder rots, file by file: 250 real modules, and a full log of 100,000 records.
//!
//! What shows in a file's times is asked for at once, with no scrub. What shows nowhere is made by `tests/interop/rot`: on a file system
//! in memory a byte that is changed through mapped memory moves no time, as on a disk that flips a bit.

mod held;

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::held::{Held, PLACES, RECORDS, site};
use crate::client::get;
use crate::common::{files_below, go_program, random, skip};
use crate::kit::until;

/// Where files are in memory.
const IN_MEMORY: &str = "/dev/shm";

/// The lowest bit of a byte, in place; then the time of the last change is set back.
fn flip(path: &Path, at: u64, sets_back: bool) {
    let (file, mut byte) = (File::options().read(true).write(true).open(path).unwrap(), [0]);
    let modified = file.metadata().unwrap().modified().unwrap();
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    if sets_back {
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
    }
}

fn middle(path: &Path) -> u64 {
    path.metadata().unwrap().len() / 2
}

#[test]
fn what_shows_in_the_times_of_a_file_is_healed_before_anything_of_it_is_given() {
    let Some(site) = site() else { return };
    let held = Held::new(site, Path::new(env!("CARGO_TARGET_TMPDIR")), "0");
    // While the files are sound: what is healed is given from memory before it is in its place again.
    let places = held.log_places();
    for sets_back in [false, true] {
        for path in held.paths() {
            let file = held.data().join("modules").join(&path);
            flip(&file, held.harmful(&path), sets_back);
            held.expect(&path, "a module file");
            // A go.mod may be given from memory.
            let is_healed = fs::read(&file).unwrap() == site.corpus.file(&path).unwrap();
            assert!(is_healed || path.ends_with(".mod"), "{path}: it is in its place again");
        }
        for (name, at, tile) in &places {
            flip(&held.log_file(name), *at, sets_back);
            held.expect_tile(tile, &format!("{name} at {at}"));
        }
    }
    // What stands beside module files decides nothing that is given of these.
    for file in files_below(&held.data().join("modules")) {
        let path = file.strip_prefix(held.data().join("modules")).unwrap().to_str().unwrap();
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        // `list` is of no one version.
        let Some((version, _)) = name.rsplit_once('.').filter(|(_, end)| !["zip", "mod"].contains(end)) else {
            continue;
        };
        flip(&file, middle(&file), false);
        for end in ["zip", "mod"] {
            held.expect(&format!("{folder}/{version}.{end}"), path);
        }
    }
    damage_index(&held);
    let head = get(held.at(), "/latest");
    flip(&held.log_file("head"), middle(&held.log_file("head")), false);
    assert_eq!(get(held.at(), "/latest").body, head.body);
    held.expect_modules("in the end");
}

/// An index that names wrong records, or none, has no record withheld.
fn damage_index(held: &Held) {
    let (index, mut random) = (held.log_file("index.sqlite"), random());
    let pages = (index.metadata().unwrap().len() / 4096) as usize;
    for _ in 0..PLACES {
        let at = 4096 * (1 + random(pages - 1)) as u64;
        (0..4096).step_by(32).for_each(|within| flip(&index, at + within, false));
        (0..10).for_each(|_| held.expect_record(random(RECORDS) as u64, &format!("index at {at}")));
    }
}

#[test]
fn what_shows_nowhere_is_given_to_nobody_once_a_scrub_has_passed() {
    let Some(site) = site() else { return };
    if !Path::new(IN_MEMORY).is_dir() {
        return skip("there is no file system in memory", "GOSUMCHECK_REQUIRE_GO");
    }
    let programs = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(rot) = go_program("rot", programs.path()) else { return };
    let held = Held::new(site, Path::new(IN_MEMORY), "1s");
    leaves_no_trace(&rot, &held.data().join("sample"));
    let places = held.log_places();
    // All of it was proven by this process, and is not looked at again.
    places.iter().for_each(|(_, _, tile)| held.expect_tile(tile, "sound"));
    held.await_scrub();
    let mut damaged: BTreeMap<PathBuf, Vec<u64>> = BTreeMap::new();
    for path in held.paths() {
        damaged.insert(held.data().join("modules").join(&path), vec![held.harmful(&path)]);
    }
    let mut tiles: Vec<&str> = Vec::new();
    for (name, at, tile) in &places {
        // Two bits of one byte may come to none, and the offset after a damaged one is of another tile. Records and their hashes come
        // together where both are damaged, and count once.
        let of = tile.strip_prefix("tile/8/data/").or(tile.strip_prefix("tile/8/0/")).unwrap_or(tile);
        if *name != "offsets" && !tiles.contains(&of) {
            tiles.push(of);
            damaged.entry(held.log_file(name)).or_default().push(*at);
        }
    }
    let files = damaged.keys().filter(|path| path.starts_with(held.data().join("modules"))).count();
    flip_all(&rot, &damaged);
    held.await_scrub();
    held.expect_modules("after a scrub");
    places.iter().for_each(|(name, _, tile)| held.expect_tile(tile, name));
    let counts =
        ["gosumcheck_store_rotten_files_total", "gosumcheck_store_healed_files_total"].map(|name| held.metric(name));
    assert_eq!(counts, [files as u64; 2]);
    // A pass that reads a tile while it is put in its place may find it rotten once more: that is healed too.
    let [rotten, healed] =
        ["gosumcheck_log_rotten_tiles_total", "gosumcheck_log_healed_tiles_total"].map(|name| || held.metric(name));
    until("what was found is healed", || healed() == rotten());
    // What is wrong at the right edge comes together too: how often it counts depends on where the scrub was.
    let full = tiles.iter().filter(|tile| !tile.contains(".p/")).count();
    assert!(rotten() >= full as u64, "{} of {full}", rotten());
}

/// Nothing shows the damage in a file: seen with one that no scrub takes away meanwhile.
fn leaves_no_trace(rot: &Path, sample: &Path) {
    fs::write(sample, "sound").unwrap();
    let before = look(sample);
    flip_all(rot, &BTreeMap::from([(sample.to_path_buf(), vec![0])]));
    assert_eq!((look(sample), fs::read(sample).unwrap()), (before, b"round".to_vec()));
    fs::remove_file(sample).unwrap();
}

/// What a file looks like.
fn look(path: &Path) -> (u64, u64, [i64; 4]) {
    let found = path.metadata().unwrap();
    (found.ino(), found.len(), [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()])
}

fn flip_all(rot: &Path, places: &BTreeMap<PathBuf, Vec<u64>>) {
    let mut child = Command::new(rot).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for (path, places) in places {
        places.iter().for_each(|at| writeln!(input, "{at}\t{}", path.display()).unwrap());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}
