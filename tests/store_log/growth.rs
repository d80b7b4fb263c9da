//! Growing: in runs of any length, with readers beside it, to higher levels, from a rewind, several logs in one folder.

use std::sync::atomic::{AtomicBool, Ordering};

use gosumcheck::fault::Fault;
use gosumcheck::store::failing::FailingDisk;
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::Tree;
use gosumcheck::sumdb::record::MAX_RECORD_BYTES;
use gosumcheck::sumdb::tile::{DataTile, Tile};
use proptest::prelude::*;

use crate::world::{WORLD, World, assert_same, content, folder};

#[derive(Debug, Clone)]
enum Step {
    Append(u64),
    Mark,
    Commit,
    Reopen,
    Rewind,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..300_u64).prop_map(Step::Append),
        1 => Just(Step::Append(256)),
        1 => Just(Step::Mark),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Rewind),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_steps_lead_to_the_same_files(steps in prop::collection::vec(step(), 1..20)) {
        let root = folder();
        let log = WORLD.quick_log(root.path());
        let mut writer = log.writer(Tree::EMPTY).unwrap();
        let (mut committed, mut marked) = (vec![Tree::EMPTY], 0);
        let last = |committed: &[Tree]| *committed.last().unwrap();
        for step in steps {
            match step {
                Step::Append(count) => {
                    let to = (writer.tree().size + count).min(1100);
                    WORLD.append(&mut writer, to, 1 + count as usize / 3).unwrap();
                }
                Step::Mark => {
                    writer.mark().unwrap();
                    let size = writer.tree().size;
                    if size.is_multiple_of(256) && size > last(&committed).size {
                        marked = size;
                    }
                }
                Step::Commit if writer.tree().size > 0 => {
                    let head = WORLD.head(writer.tree().size);
                    writer.commit(&head).unwrap();
                    if head.tree() != last(&committed) {
                        committed.push(head.tree());
                    }
                    marked = 0;
                }
                Step::Commit => {}
                Step::Reopen => {
                    drop(writer);
                    writer = log.writer(last(&committed)).unwrap();
                    prop_assert_eq!(writer.tree().size, last(&committed).size.max(marked));
                }
                Step::Rewind => {
                    writer.rewind(last(&committed)).unwrap();
                    marked = 0;
                    prop_assert_eq!(writer.tree().size, last(&committed).size);
                }
            }
            prop_assert_eq!(WORLD.committed(&log).unwrap(), last(&committed));
            if last(&committed).size > 0 {
                prop_assert!(log.snapshot(last(&committed)).is_ok());
            }
        }
        if last(&committed).size < 1100 {
            WORLD.append(&mut writer, 1100, 100).unwrap();
            writer.commit(&WORLD.head(1100)).unwrap();
            committed.push(WORLD.head(1100).tree());
        }
        let goals: Vec<u64> = committed.iter().skip(1).map(|tree| tree.size).collect();
        let mut found = content(log.dir());
        found.remove("progress");
        assert_same(&found, &WORLD.undisturbed(&goals), "after all steps");
    }
}

#[test]
fn a_reader_beside_a_writer_sees_what_was_committed() {
    let root = folder();
    let log = WORLD.quick_log(root.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = log.writer(Tree::EMPTY).unwrap();
            for size in (10..=1200).step_by(10) {
                WORLD.append(&mut writer, size, 3).unwrap();
                writer.mark().unwrap();
                writer.commit(&WORLD.head(size)).unwrap();
                if size % 50 == 0 {
                    // What is given up later is not seen either.
                    WORLD.append(&mut writer, (size + 5).min(1200), 5).unwrap();
                    writer.rewind(WORLD.head(size).tree()).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        let mut first = None;
        loop {
            let last = done.load(Ordering::Acquire);
            let tree = WORLD.committed(&log).unwrap();
            if tree.size > 0 {
                let snapshot = log.snapshot(tree).unwrap();
                whole(&snapshot, tree);
                first.get_or_insert(snapshot);
            }
            if last {
                assert_eq!(tree.size, 1200);
                break;
            }
        }
        // The oldest one still says what it said.
        let first = first.unwrap();
        whole(&first, first.tree());
    });
}

fn whole(snapshot: &gosumcheck::store::log::Snapshot, tree: Tree) {
    for id in (0..tree.size).step_by(37).chain([tree.size - 1]) {
        assert_eq!(snapshot.record(id).unwrap().unwrap(), WORLD.texts[id as usize].as_bytes(), "{id} of {tree:?}");
        assert_eq!(snapshot.leaf(id).unwrap().unwrap(), WORLD.leaves[id as usize], "{id} of {tree:?}");
    }
    let last = DataTile::new((tree.size - 1) / 256, ((tree.size - 1) % 256 + 1) as u32).unwrap();
    let from = last.hashes().index() as usize * 256;
    let text = WORLD.texts[from..tree.size as usize].join("\n");
    assert_eq!(snapshot.data_tile(&last).unwrap().unwrap(), text.as_bytes(), "{tree:?}");
}

#[test]
fn higher_levels_begin_where_they_should() {
    let world = World::new(66_000, 9);
    let root = folder();
    let log = world.quick_log(root.path());
    let mut writer = log.writer(Tree::EMPTY).unwrap();
    for size in [65_535, 65_536, 65_537, 66_000] {
        world.append(&mut writer, size, 10_000).unwrap();
        writer.commit(&world.head(size)).unwrap();
        let snapshot = log.snapshot(world.head(size).tree()).unwrap();
        let level2 = snapshot.hash_tile(&Tile::new(2, 0, 1).unwrap()).unwrap();
        assert_eq!(level2, world.db.honest("tile/8/2/000.p/1").filter(|_| size >= 65_536), "{size}");
        assert_eq!(snapshot.file("hashes.2").map(|(_, len)| len), (size >= 65_536).then_some(32), "{size}");
        let all = Tile::new(1, 0, (size / 256).min(256) as u32).unwrap();
        assert_eq!(snapshot.hash_tile(&all).unwrap(), world.db.honest(&all.to_string()), "{size}");
    }
    drop(writer);
    assert_eq!(log.writer(world.head(66_000).tree()).unwrap().tree(), world.head(66_000).tree());
    let damaged = [("hashes.2", "right edge"), ("hashes.1", "right edge"), ("hashes.0", "right edge")];
    let at_the_end_of_full_tiles = world.quick_log(&root.path().join("again"));
    let mut writer = at_the_end_of_full_tiles.writer(Tree::EMPTY).unwrap();
    world.append(&mut writer, 65_536, 10_000).unwrap();
    writer.commit(&world.head(65_536)).unwrap();
    for (name, words) in damaged {
        let path = at_the_end_of_full_tiles.dir().join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bad).unwrap();
        let text = at_the_end_of_full_tiles.snapshot(world.head(65_536).tree()).unwrap_err().to_string();
        assert!(text.contains(words), "{name}: {text}");
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn a_prefix_that_is_not_wanted_is_rewound() {
    let other = World::new(1200, 8);
    let root = folder();
    let log = WORLD.quick_log(root.path());
    WORLD.sync(&log, &[300]).unwrap();
    // Another history, marked and never committed: the bytes are longer than what will be there.
    let committed = WORLD.head(300).tree();
    let mut writer = log.writer(committed).unwrap();
    let place = 300..1024;
    let records: Vec<&[u8]> = other.texts[place.clone()].iter().map(String::as_bytes).collect();
    writer.append(&records, &other.leaves[place]).unwrap();
    writer.mark().unwrap();
    drop(writer);
    let mut writer = log.writer(committed).unwrap();
    assert_eq!(writer.tree().size, 1024);
    assert!(matches!(writer.commit(&WORLD.head(1024)), Err(Fault::Usage(_))));
    writer.rewind(committed).unwrap();
    assert_eq!(writer.tree(), committed);
    drop(writer);
    let mut writer = log.writer(committed).unwrap();
    assert_eq!(writer.tree(), committed, "the mark is gone");
    WORLD.append(&mut writer, 700, 256).unwrap();
    writer.commit(&WORLD.head(700)).unwrap();
    assert_same(&content(log.dir()), &WORLD.undisturbed(&[300, 700]), "rewound");
}

#[test]
fn what_cannot_be_kept_is_refused_before_anything_is_appended() {
    let root = folder();
    let log = WORLD.quick_log(root.path());
    let mut writer = log.writer(Tree::EMPTY).unwrap();
    let long = [vec![b'a'; MAX_RECORD_BYTES], vec![b'\n']].concat();
    let leaf = WORLD.leaves[0];
    for text in [&b""[..], b"no end", b"a\n\nb\n", b"a\n\n", b"\na\n", &long] {
        let refused = writer.append(&[b"good\n", text], &[leaf, leaf]).unwrap_err();
        assert!(matches!(&refused, Fault::Usage(text) if text.contains("record 1 ")), "{refused}");
    }
    assert!(matches!(writer.append(&[b"good\n"], &[]), Err(Fault::Usage(_))));
    assert_eq!(writer.tree(), Tree::EMPTY);
    WORLD.append(&mut writer, 700, 256).unwrap();
    writer.commit(&WORLD.head(700)).unwrap();
    assert_same(&content(log.dir()), &WORLD.undisturbed(&[700]), "after refusals");
}

#[test]
fn the_empty_tree_is_a_tree() {
    let root = folder();
    let log = WORLD.quick_log(root.path());
    let empty = WORLD.head(0);
    log.writer(Tree::EMPTY).unwrap().commit(&empty).unwrap();
    let snapshot = log.snapshot(empty.tree()).unwrap();
    assert_eq!((snapshot.records_len(), snapshot.record(0).unwrap()), (0, None));
    assert_eq!(snapshot.file("offsets").unwrap().1, 0);
    let mut writer = log.writer(empty.tree()).unwrap();
    WORLD.append(&mut writer, 700, 256).unwrap();
    writer.commit(&WORLD.head(700)).unwrap();
    drop(writer);
    assert_eq!(WORLD.committed(&log).unwrap().size, 700);
}

#[test]
fn several_logs_stand_side_by_side() {
    let root = folder();
    let disk = std::sync::Arc::new(FailingDisk::never());
    let folder = Folder::open_on(root.path(), Box::new(disk)).unwrap();
    let other = World::new(600, 8);
    let names = ["localhost.localdev", "localhost.localdev/sumdb", "sum.golang.org"];
    let logs: Vec<Log> = names.iter().map(|name| folder.log(name).unwrap()).collect();
    // All at once: each has its own lock.
    let mut writers: Vec<_> = logs.iter().map(|log| log.writer(Tree::EMPTY).unwrap()).collect();
    for (at, writer) in writers.iter_mut().enumerate() {
        let (world, size) = if at == 1 { (&other, 600) } else { (&*WORLD, 700) };
        world.append(writer, size, 256).unwrap();
        writer.commit(&world.head(size)).unwrap();
    }
    drop(writers);
    assert_same(&content(logs[0].dir()), &WORLD.undisturbed(&[700]), names[0]);
    assert_same(&content(logs[2].dir()), &WORLD.undisturbed(&[700]), names[2]);
    assert_same(&content(logs[1].dir()), &other.undisturbed(&[600]), names[1]);
    let bytes = |log: &Log| content(log.dir()).values().map(Vec::len).sum::<usize>() as u64;
    for log in &logs {
        assert_eq!(log.disk_bytes().unwrap(), bytes(log), "not those of a log below");
    }
}
