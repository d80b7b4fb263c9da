//! Power cuts: what was written and not synced is lost, in part or whole, or is there as zeros or other bytes; so are names.

use std::fs;

use gosumcheck::store::Folder;

use crate::power_disk::{KINDS, PowerDisk};
use crate::world::{GOALS, WORLD, assert_same, content, folder};

#[test]
fn a_power_cut_at_any_change_costs_nothing_that_was_committed() {
    let undisturbed = WORLD.undisturbed(&GOALS);
    let mut k = 0;
    loop {
        let mut done = false;
        for unsynced in KINDS {
            let context = format!("after {k} changes, {unsynced:?}");
            let root = folder();
            let disk = PowerDisk::new(k);
            let folder = Folder::open_on(&root.path().join("data"), Box::new(disk.clone())).unwrap();
            // Somebody made the data folder before, and did not care whether it lasts.
            let _ = folder.cache("sum.golang.org").unwrap().write("tile/8/0/000", b"x");
            let log = WORLD.log(&folder);
            let told = GOALS.iter().take_while(|goal| WORLD.sync(&log, &[**goal]).is_ok()).max();
            done = told == GOALS.last();
            disk.come_back(unsynced);

            let log = WORLD.quick_log(&root.path().join("data"));
            WORLD.check(&log, told.copied().unwrap_or(0), &context);
            resumable(&log, &context);
            WORLD.sync(&log, &GOALS).unwrap_or_else(|fault| panic!("{context}: {fault}"));
            WORLD.check(&log, 1100, &context);
            let mut found = content(log.dir());
            if found.get("progress").is_some_and(|bytes| bytes == b"1024 768\n") {
                found.remove("progress");
            }
            assert_same(&found, &undisturbed, &context);
        }
        if done {
            assert!(k > 50, "{k} changes");
            return;
        }
        k += 1;
    }
}

/// What `progress` claims is on the disk, byte for byte.
fn resumable(log: &gosumcheck::store::Log, context: &str) {
    let committed = WORLD.committed(log).unwrap();
    let Ok(writer) = log.writer(committed) else { panic!("{context}: no writer") };
    let tree = writer.tree();
    assert!(tree.size >= committed.size, "{context}");
    if tree.size == 0 {
        return;
    }
    assert_eq!(tree, WORLD.head(tree.size).tree(), "{context}");
    let records = WORLD.texts[..tree.size as usize].chunks(256).map(|tile| tile.join("\n")).collect::<String>();
    let found = fs::read(log.dir().join("records")).unwrap();
    assert!(found.starts_with(records.as_bytes()), "{context}: the records up to {} are not there", tree.size);
}
