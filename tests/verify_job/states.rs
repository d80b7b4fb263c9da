//! States that a data folder is in between any two steps of a sync, an eviction, an arrival or an audit: none is a finding.

use std::fs;
use std::path::Path;

use gosumcheck::store::index;
use gosumcheck::sumdb::gosum::Kind;

use super::command::{Machine, Ran};
use super::fake::FakeSumdb;
use super::log::World as LogWorld;
use super::world::World;

fn verify(vkey: &str, data: &Path, args: &[&str]) -> Ran {
    let mut machine = Machine::new();
    machine.set("GOSUMDB", vkey).set("GOSUMCHECK_DATA", data.to_str().unwrap());
    machine.run(&[&["verify", "--private", "corp.example"], args].concat())
}

/// Nothing is found, and the notes have these words.
#[track_caller]
fn is_normal(vkey: &str, data: &Path, words: &[&str]) {
    let ran = verify(vkey, data, &["--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.show());
    assert_eq!(ran.json()["total_findings"], 0, "{}", ran.show());
    let ran = verify(vkey, data, &[]);
    ran.says(0, words);
    assert!(!ran.out.contains("warning:"), "{}", ran.show());
}

fn normal_log(world: &LogWorld, words: &[&str]) {
    is_normal(&world.db.vkey(), world.root.path(), words);
}

#[test]
fn an_empty_folder_before_the_first_start() {
    let (db, root) = (FakeSumdb::synthetic(1, 7), tempfile::tempdir().unwrap());
    is_normal(&db.vkey(), root.path(), &["no full log", "nothing is stored yet"]);
}

#[test]
fn a_first_sync_that_has_stored_nothing_yet() {
    let world = LogWorld::new(300, &[]);
    drop(world.log.writer(gosumcheck::sumdb::checkpoint::Tree::EMPTY).unwrap());
    normal_log(&world, &["a first sync is under way", "0 records are stored"]);
}

#[test]
fn a_first_sync_that_was_stopped() {
    let world = LogWorld::new(2000, &[]);
    let served = world.db.serve();
    let mut machine = Machine::new();
    machine.set("GOSUMDB", format!("{} {}", world.db.vkey(), served.url()));
    let data = world.root.path().to_str().unwrap();
    machine.run(&["sync", "--to", "1000", "--data", data]).says(0, &["768 records"]);
    normal_log(&world, &["a first sync is under way", "768 records are stored"]);
}

#[test]
fn a_first_commit_between_its_two_files() {
    let world = LogWorld::new(300, &[300]);
    fs::remove_file(world.path("head")).unwrap();
    world.put("progress", b"256 0\n");
    normal_log(&world, &["the first commit is under way"]);
}

#[test]
fn a_later_sync_under_way() {
    let world = LogWorld::new(600, &[300, 600]);
    let older = world.db.head(300);
    world.put("head", older.as_bytes());
    world.put("heads", format!("{older}\n").as_bytes());
    world.put("progress", b"512 300\n");
    normal_log(&world, &["lie beyond the committed head"]);
}

#[test]
fn a_later_commit_between_its_two_files() {
    let world = LogWorld::new(600, &[300, 600]);
    world.put("head", world.db.head(300).as_bytes());
    world.put("progress", b"600 300\n");
    normal_log(&world, &["a commit is under way"]);
}

#[test]
fn a_last_entry_of_heads_that_a_crash_tore() {
    let world = LogWorld::new(300, &[300]);
    let heads = world.bytes("heads");
    world.put("heads", &[&heads[..], &heads[..heads.len() / 2]].concat());
    normal_log(&world, &["the last entry of heads is torn"]);
}

#[test]
fn an_index_that_lags_and_one_that_is_not_there() {
    let world = LogWorld::new(600, &[300, 600]);
    normal_log(&world, &["there is no index yet"]);
    let older = gosumcheck::sumdb::checkpoint::Tree { size: 300, root: world.db.root(300) };
    let snapshot = world.log.snapshot(older).unwrap();
    index::update(&world.log, &snapshot, &|_, _| {}).unwrap();
    normal_log(&world, &["300 indexed"]);
}

#[test]
fn a_server_without_a_mirror() {
    let world = World::without_log();
    world.keep_answers();
    is_normal(
        &world.log.db.vkey(),
        world.root(),
        &["no full log is held here", "14 by their records", "cached answers"],
    );
}

#[test]
fn after_an_audit_and_after_a_part_of_its_cache_was_cleared() {
    let world = World::without_log();
    world.keep_answers();
    let vkey = world.log.db.vkey();
    for tree in ["modules", "private"] {
        fs::remove_dir_all(world.root().join(tree)).unwrap();
    }
    is_normal(&vkey, world.root(), &["cached answers"]);
    let cache = world.root().join("cache/fakelog.example");
    fs::remove_dir_all(cache.join("tile/8/0")).unwrap();
    is_normal(&vkey, world.root(), &["were not compared"]);
    fs::remove_dir_all(&cache).unwrap();
    is_normal(&vkey, world.root(), &[]);
}

#[test]
fn an_eviction_under_way() {
    let world = World::new();
    let vkey = world.log.db.vkey();
    let store = world.folder().modules();
    let module = &world.modules[0];
    store.evict(&module.version, Kind::Zip).unwrap();
    is_normal(&vkey, world.root(), &["is missing; a new download must match the recorded hash"]);
    store.evict(&module.version, Kind::GoMod).unwrap();
    // The hash goes before its proof.
    for ending in ["modhash", "ziphash", "modproof"] {
        fs::remove_file(world.path(module, ending)).unwrap();
        is_normal(&vkey, world.root(), &[]);
    }
}

#[test]
fn an_arrival_under_way() {
    let world = World::new();
    let vkey = world.log.db.vkey();
    let module = &world.modules[1];
    let mut arrival = world.folder().modules().arrival(&module.version, Kind::Zip).unwrap();
    arrival.append(&module.zip[..module.zip.len() / 2]).unwrap();
    // The proof is written first, without a stamp, then the hash, then the file gets its name.
    let proof = fs::read_to_string(world.path(module, "zipproof")).unwrap();
    let unstamped: String = proof.split_inclusive('\n').take(2).collect();
    fs::remove_file(world.path(module, "zip")).unwrap();
    fs::write(world.path(module, "zipproof"), unstamped).unwrap();
    is_normal(&vkey, world.root(), &["is missing"]);
    fs::remove_file(world.path(module, "ziphash")).unwrap();
    is_normal(&vkey, world.root(), &[]);
}

#[test]
fn a_folder_that_was_restored_from_a_backup() {
    let world = World::new();
    for (_, _, path) in world.files() {
        // Another inode and other times: the stamps in the proofs are those of the old files.
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    is_normal(&world.log.db.vkey(), world.root(), &["16 module files"]);
}

#[test]
fn a_damaged_remembered_head_is_one_finding_and_nothing_else_is_blamed_for_it() {
    let world = World::new();
    let vkey = world.log.db.vkey();
    let latest = world.root().join("heads/fakelog.example/latest");
    fs::create_dir_all(latest.parent().unwrap()).unwrap();
    let good = world.log.db.head(607);
    let stranger = FakeSumdb::named("other.example", 3, 1).head(3);
    for bytes in [&b""[..], b"nonsense\n", &good.as_bytes()[..40], stranger.as_bytes()] {
        fs::write(&latest, bytes).unwrap();
        for args in [&["--format", "json"][..], &["--format", "json", "--no-log"]] {
            let ran = verify(&vkey, world.root(), args);
            let report = ran.json();
            assert_eq!((ran.code, &report["total_findings"]), (1, &1.into()), "{}", ran.show());
            assert_eq!(report["findings"][0]["flaw"], "heads-damaged", "{}", ran.show());
            assert!(report["findings"][0]["file"].as_str().unwrap().ends_with("heads/fakelog.example/latest"));
            assert_eq!(report["figures"]["modules"]["as_admitted"], 14, "{}", ran.show());
        }
        // What is damaged besides is found all the same.
        let path = world.path(&world.modules[0], "mod");
        let _damaged = super::world::Changed::to(&path, b"module other\n");
        let ran = verify(&vkey, world.root(), &["--format", "json"]);
        assert_eq!(ran.json()["total_findings"], 2, "{}", ran.show());
    }
    fs::write(&latest, good).unwrap();
    is_normal(&vkey, world.root(), &["14 by their records"]);
}

#[test]
fn a_damaged_log_is_found_and_no_module_is_blamed_for_it() {
    let world = World::new();
    super::repair::index(&world.log);
    for (name, at) in [
        ("head", 40),
        ("records", 60_000),
        ("hashes.0", 9_700),
        ("hashes.1", 40),
        ("offsets", 9),
        ("index.sqlite", 5_000),
    ] {
        let good = world.log.bytes(name);
        let (mut torn, at) = (good.clone(), at.min(good.len() - 1));
        torn[at..].fill(b'#');
        world.log.put(name, &torn);
        let ran = verify(&world.log.db.vkey(), world.root(), &["--format", "json"]);
        let report = ran.json();
        let flaws: Vec<&str> =
            report["findings"].as_array().unwrap().iter().map(|finding| finding["flaw"].as_str().unwrap()).collect();
        assert_eq!(ran.code, 1, "{name}: {}", ran.show());
        assert!(!flaws.is_empty() && flaws.iter().all(|flaw| !flaw.starts_with("module")), "{name}: {flaws:?}");
        world.log.put(name, &good);
    }
    is_normal(&world.log.db.vkey(), world.root(), &["14 by their records"]);
}

#[test]
fn evidence_holds_or_is_a_finding() {
    let world = LogWorld::new(600, &[600]);
    let other = FakeSumdb::synthetic(600, 7);
    other.fork(10);
    let open = |note: String| gosumcheck::sumdb::checkpoint::Checkpoint::open(note.as_bytes(), &world.policy).unwrap();
    let one = gosumcheck::sumdb::evidence::Evidence::of_one_size(&open(world.db.head(600)), &open(other.head(600)));
    let folder = gosumcheck::store::Folder::open(world.root.path()).unwrap();
    let path = folder.save_evidence("fakelog.example", &format!("{}\n", one.unwrap())).unwrap();
    let shown = path.display().to_string();
    verify(&world.db.vkey(), world.root.path(), &[]).says(3, &["THE LOG MISBEHAVED", &shown]);
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("— fakelog.example ").unwrap() + 30;
    let letter = if &text[at..=at] == "A" { "B" } else { "A" };
    fs::write(&path, format!("{}{letter}{}", &text[..at], &text[at + 1..])).unwrap();
    verify(&world.db.vkey(), world.root.path(), &[]).says(1, &["evidence-damaged", &shown]);
}

#[test]
fn a_cached_answer_or_tile_that_is_not_what_was_proven_is_found() {
    let world = World::without_log();
    world.keep_answers();
    let cache = world.root().join("cache/fakelog.example");
    let names = world.folder().cache("fakelog.example").unwrap().names().unwrap();
    assert!(names.len() > 9, "{names:?}");
    for name in names {
        let path = cache.join(&name);
        let bytes = fs::read(&path).unwrap();
        let mut torn = bytes.clone();
        // Of an answer the record, since its note is judged by nobody once it is here.
        torn[12] ^= 1;
        fs::write(&path, torn).unwrap();
        let ran = verify(&world.log.db.vkey(), world.root(), &["--format", "json"]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.show());
        let (report, files) = (ran.json(), |report: &serde_json::Value| report["findings"][0]["flaw"].clone());
        assert!(ran.out.contains("cache-damaged"), "{name}: {}", files(&report));
        fs::write(&path, bytes).unwrap();
    }
    is_normal(&world.log.db.vkey(), world.root(), &[]);
}
