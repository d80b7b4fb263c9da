//! The crash matrix: a sync whose disk fails at change number k, for every k; then another process finishes it.

use std::sync::Arc;

use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};

use crate::world::{GOALS, WORLD, assert_same, content, folder};

/// How many changes an undisturbed sync makes, and of which kinds.
fn changes() -> Vec<String> {
    let root = folder();
    let counting = Arc::new(FailingDisk::never());
    let log = WORLD.log(&Folder::open_on(root.path(), Box::new(counting.clone())).unwrap());
    WORLD.sync(&log, &GOALS).unwrap();
    counting.calls()
}

#[test]
fn a_sync_that_fails_anywhere_is_finished_to_the_same_bytes() {
    let undisturbed = WORLD.undisturbed(&GOALS);
    let changes = changes();
    for kind in ["open", "write_at", "sync", "sync_folder", "write_new durable", "rename", "remove", "create_folder"] {
        assert!(changes.iter().any(|change| change == kind), "{kind} is not in {changes:?}");
    }
    for (k, change) in changes.iter().enumerate() {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            for then in [Then::Dead, Then::Recovers] {
                let context = format!("k={k} ({change}) {moment:?} {then:?}");
                let root = folder();
                let disk = Arc::new(FailingDisk::new(k, moment, then));
                let log = WORLD.log(&Folder::open_on(root.path(), Box::new(disk)).unwrap());
                let told = GOALS.iter().take_while(|goal| WORLD.sync(&log, &[**goal]).is_ok()).max();
                WORLD.check(&log, told.copied().unwrap_or(0), &context);
                if then == Then::Recovers {
                    // The same process tries again.
                    WORLD.sync(&log, &GOALS).unwrap_or_else(|fault| panic!("{context}: {fault}"));
                } else {
                    let log = WORLD.quick_log(root.path());
                    WORLD.sync(&log, &GOALS).unwrap_or_else(|fault| panic!("{context}: {fault}"));
                }
                WORLD.check(&log, 1100, &context);
                let mut found = content(log.dir());
                // It could not be removed once, and means nothing.
                if found.get("progress").is_some_and(|bytes| bytes == b"1024 768\n") {
                    found.remove("progress");
                }
                assert_same(&found, &undisturbed, &context);
            }
        }
    }
}

#[test]
fn a_crash_is_survived_again_and_again() {
    let undisturbed = WORLD.undisturbed(&GOALS);
    let root = folder();
    // Every process gets one change further than it takes to find out where the last one stopped.
    for k in 0..1000 {
        let disk = Arc::new(FailingDisk::new(k % 50, Moment::Torn, Then::Dead));
        let log = WORLD.log(&Folder::open_on(root.path(), Box::new(disk)).unwrap());
        let done = WORLD.sync(&log, &GOALS).is_ok();
        WORLD.check(&log, 0, &format!("process {k}"));
        if done {
            return assert_same(&content(log.dir()), &undisturbed, "at last");
        }
    }
    panic!("1000 processes did not finish");
}

#[test]
fn a_failed_writer_refuses_to_go_on_until_it_is_rewound() {
    let root = folder();
    // A commit makes more than 30 changes.
    let failed = (0..30).filter(|k| {
        let root = root.path().join(k.to_string());
        let log = WORLD.quick_log(&root);
        WORLD.sync(&log, &[700]).unwrap();
        let disk = Arc::new(FailingDisk::new(*k, Moment::Torn, Then::Recovers));
        let log = WORLD.log(&Folder::open_on(&root, Box::new(disk)).unwrap());
        let committed = WORLD.head(700).tree();
        let Ok(mut writer) = log.writer(committed) else { return false };
        let appended = WORLD.append(&mut writer, 768, 100).and_then(|()| writer.mark());
        let Err(fault) = appended else { return false };
        assert!(fault.to_string().contains("free some space"), "{fault}");
        for refused in [writer.append(&[], &[]), writer.mark(), writer.commit(&WORLD.head(768))] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains("an earlier write failed"), "{text}");
        }
        assert_eq!(WORLD.committed(&log).unwrap(), committed);
        writer.rewind(committed).unwrap();
        assert_eq!(writer.tree(), committed);
        WORLD.append(&mut writer, 768, 100).unwrap();
        writer.commit(&WORLD.head(768)).unwrap();
        drop(writer);
        assert_same(&content(log.dir()), &WORLD.undisturbed(&[700, 768]), &format!("k={k}"));
        true
    });
    assert!(failed.count() > 5, "appending and marking make at least 5 changes");
}
