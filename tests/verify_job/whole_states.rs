//! The store of `whole`: what is kept beside log and modules in every way, and the states in between two steps of whatever goes on, one
//! on top of the other.

use std::fs;
use std::path::PathBuf;

use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::hash::leaf_hashes;

use super::damage::{ALL, Kept};
use super::fake::Given;
use super::whole::{Whole, kept_files};
use super::{kept, resume};

/// Records that come after the first head.
const MORE: usize = 700;

/// Damages the remembered head in every way, with the others in those ways that concern them; says how many cases there were.
pub(super) fn every_kept_file(whole: &Whole) -> usize {
    let names = kept_files(&whole.world);
    let elsewhere = tempfile::tempdir().unwrap();
    let neighbour = elsewhere.path().join("neighbour");
    let mut cases = 0;
    for damage in ALL {
        let (mut before, mut total) = (Vec::<(PathBuf, Kept)>::new(), 0);
        for name in &names {
            let path = whole.world.root().join(name);
            let Some(expected) = kept::expected(name, damage) else { continue };
            before.push((path.clone(), Kept::of(&path)));
            fs::write(&neighbour, "another file").unwrap();
            assert!(
                damage.does(&path, &neighbour, &elsewhere.path().join(name.replace('/', "-"))),
                "{name} {damage:?}"
            );
            (cases, total) = (cases + 1, total + usize::from(!expected.is_empty()));
        }
        let ran = whole.verify(&[]);
        assert_eq!(ran.json()["total_findings"], total, "{damage:?}: {}", ran.show());
        for name in &names {
            let expected = kept::expected(name, damage).filter(|expected| !expected.is_empty());
            let found = kept::found(&ran, name);
            assert_eq!(found, expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{name} {damage:?}");
        }
        before.iter().for_each(|(path, kept)| kept.put_back(path));
    }
    cases
}

/// Each state comes on top of those before it.
pub(super) fn none_is_a_finding(whole: &Whole) {
    let normal = |state: &str| {
        let ran = whole.verify(&[]);
        assert_eq!((ran.code, &ran.json()["total_findings"]), (0, &0.into()), "{state}: {}", ran.show());
    };
    let (world, root) = (&whole.world, whole.world.root());
    resume::killed(&whole.machine, &root.join("verify/progress.json"), 1);
    normal("a verification that was killed");
    in_modules(whole, &normal);

    let log = &world.log;
    let before = log.head(log.db.size()).tree();
    let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for n in 0..MORE {
        log.db.append(Given::new(&format!("example.com/later{n}"), "v1.0.0", hash, hash));
    }
    append(whole, before, 300);
    normal("a later sync that was stopped");
    let after = log.grow(before, log.db.size());
    normal("an index that lags");
    log.put("head", log.db.head(before.size).as_bytes());
    log.put("progress", format!("{} {}\n", after.size, before.size).as_bytes());
    normal("a commit between its two files");
    log.put("head", log.db.head(after.size).as_bytes());
    fs::remove_file(log.path("progress")).unwrap();
    let heads = log.bytes("heads");
    log.put("heads", &[&heads[..], &heads[..heads.len() / 3]].concat());
    normal("a last entry of heads that a crash tore");
    fs::remove_file(log.path("index.sqlite")).unwrap();
    normal("no index yet");
    ["head", "heads"].iter().for_each(|name| fs::remove_file(log.path(name)).unwrap());
    fs::remove_file(root.join(&kept_files(world)[0])).unwrap();
    log.put("progress", format!("{} 0\n", after.size - after.size % 256).as_bytes());
    normal("a first sync");
}

/// The states of the module store.
fn in_modules(whole: &Whole, normal: &dyn Fn(&str)) {
    let world = &whole.world;
    let (modules, store) = (&world.modules, world.folder().modules());
    store.evict(&modules[0].version, Kind::Zip).unwrap();
    normal("an eviction");
    store.evict(&modules[1].version, Kind::GoMod).unwrap();
    fs::remove_file(world.path(&modules[1], "modhash")).unwrap();
    normal("an eviction between hash and proof");
    let mut arrival = store.arrival(&modules[2].version, Kind::Zip).unwrap();
    arrival.append(&modules[2].zip[..modules[2].zip.len() / 2]).unwrap();
    let proof = fs::read_to_string(world.path(&modules[2], "zipproof")).unwrap();
    let unstamped: String = proof.split_inclusive('\n').take(2).collect();
    fs::remove_file(world.path(&modules[2], "zip")).unwrap();
    fs::write(world.path(&modules[2], "zipproof"), unstamped).unwrap();
    normal("an arrival between proof and name");
    for module in &modules[3..20] {
        for ending in ["zip", "mod"] {
            // Another inode and other times.
            let kept = Kept::of(&world.path(module, ending));
            kept.put_back(&world.path(module, ending));
        }
    }
    normal("a folder that was restored from a backup");
    for module in &modules[20..30] {
        ["zipproof", "modproof"].iter().for_each(|ending| fs::remove_file(world.path(module, ending)).unwrap());
    }
    normal("what was stored before there were proofs");
    for module in &modules[30..40] {
        fs::remove_file(world.path(module, "info")).unwrap();
        fs::remove_file(world.path(module, "info").with_file_name("list")).unwrap();
    }
    normal("versions of which nobody asked when they were made");
    fs::write(world.path(&modules[40], "zip"), "neither").unwrap();
    whole.verify(&["--repair"]).says(0, &["\"total_findings\": 0"]);
    assert!(whole.stored().keys().any(|path| path.starts_with(world.root().join("refused"))));
    normal("a file that was refused");
}

/// Appends records behind the tree, which no head commits.
fn append(whole: &Whole, tree: Tree, count: u64) {
    let mut writer = whole.world.log.log.writer(tree).unwrap();
    let texts: Vec<String> = (tree.size..tree.size + count).map(|id| whole.world.log.db.record_text(id)).collect();
    let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    writer.append(&records, &leaf_hashes(&records)).unwrap();
}
