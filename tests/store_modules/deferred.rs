//! Names that become durable together: a folder is synced once for all of them, and what was said to be there after that survives a power
//! cut.

use std::path::Path;
use std::sync::Arc;

use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::modules::{Deferred, Modules, Provenance, Tree};
use gosumcheck::sumdb::gosum::Kind;

use crate::crash::{bring_and_admit, on};
use crate::power_disk::{KINDS, PowerDisk};
use crate::world::{BYTES, KINDS as FILES, admit, hash, judge, mixed, module, modules, open, recorded};

#[test]
fn each_folder_is_synced_once_for_all_names_that_it_got_and_again_where_that_failed() {
    let syncs = |disk: &FailingDisk| disk.calls().iter().filter(|call| *call == "sync_folder").count();
    let files: Vec<_> = ["example.com/a/m@v1.0.0", "example.com/a/m@v1.1.0", "example.com/b@v1.0.0"]
        .into_iter()
        .flat_map(|name| [Kind::GoMod, Kind::Zip].map(|kind| (module(name), kind)))
        .collect();
    // The one above the data folder, that, `modules`, `example.com`; `a`, `m` and `@v`; `b` and `@v`.
    let folders = 9;
    let bring = |root: &Path, disk: &Arc<FailingDisk>| {
        let modules = on(root, disk.clone());
        modules.defer_names(Deferred::All);
        files.iter().for_each(|(module, kind)| admit(&modules, module, *kind, BYTES));
        assert_eq!(syncs(disk), 0);
        modules
    };
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::never());
    let modules = bring(root.path(), &disk);
    let before = disk.calls().len();
    modules.settle_names(4).unwrap();
    assert_eq!(syncs(&disk), folders);
    modules.settle_names(4).unwrap();
    assert_eq!(syncs(&disk), folders, "they are durable");
    for at in before..before + folders {
        let root = tempfile::tempdir().unwrap();
        let disk = Arc::new(FailingDisk::new(at, Moment::Before, Then::Recovers));
        let modules = bring(root.path(), &disk);
        let text = modules.settle_names(1).unwrap_err().to_string();
        assert!(text.contains("cannot sync: no storage space; free some space"), "{text}");
        let failed = syncs(&disk);
        modules.settle_names(1).unwrap();
        assert_eq!(syncs(&disk), failed + folders, "{at}");
    }
}

const ROUNDS: [&[&str]; 2] =
    [&["example.com/Mixed/m@v1.0.0-RC1", "example.com/Mixed/m@v1.1.0"], &["example.com/other/deep/n@v1.0.0"]];
const ALL: usize = 6;

/// Brings files in two rounds; gives how many are said to survive, and what went wrong.
fn bring_together(modules: &Modules, by: &Provenance, whose: Deferred) -> (usize, Result<(), String>) {
    let mut told = 0;
    let mut bring = || -> Result<(), Fault> {
        modules.defer_names(whose);
        for round in ROUNDS {
            for (name, kind) in round.iter().flat_map(|name| FILES.map(|kind| (module(name), kind))) {
                let mut arrival = modules.arrival(&name, kind)?;
                arrival
                    .restart()
                    .and_then(|()| arrival.append(BYTES))
                    .map_err(|e| Fault::disk("tmp", e.to_string()))?;
                modules.admit(arrival, &hash(BYTES), by)?;
            }
            modules.settle_names(1)?;
            let is_settled = whose == Deferred::All || *by == Provenance::FirstUse;
            told += if is_settled { 2 * round.len() } else { 0 };
        }
        Ok(())
    };
    let done = bring().map_err(|fault| fault.to_string());
    (told, done)
}

#[test]
fn a_power_cut_takes_none_of_the_files_whose_names_were_settled_and_leaves_no_other_with_another_hash() {
    let ways = [
        (recorded(), Deferred::All),
        (recorded(), Deferred::Proven),
        (Provenance::FirstUse, Deferred::All),
        (Provenance::FirstUse, Deferred::Proven),
    ];
    for (by, whose) in ways {
        let mut done = false;
        for k in 0.. {
            if done {
                assert!(k > 40, "{k} changes");
                break;
            }
            for unsynced in KINDS {
                let whence = format!("{by:?}, {whose:?}, after {k} changes, {unsynced:?}");
                let home = tempfile::tempdir().unwrap();
                let (root, disk) = (home.path().join("data"), PowerDisk::new(k));
                let on_disk = Folder::open_on(&root, Box::new(disk.clone())).unwrap().modules();
                let (told, result) = bring_together(&on_disk, &by, whose);
                done = result.is_ok() && disk.is_on();
                disk.come_back(unsynced);
                let found = judge(&root, &whence);
                assert!(found >= told, "{whence}: told {told}, found {found}, {result:?}");
                let (told, again) = bring_together(&modules(&root), &by, whose);
                assert_eq!((again, judge(&root, &whence)), (Ok(()), ALL), "{whence}");
                assert!(told == ALL || whose == Deferred::Proven, "{whence}");
            }
        }
    }
}

/// A process dies before its names are durable, and the next one finds the files.
#[test]
fn what_a_process_that_died_had_deferred_is_settled_by_the_next_that_finds_it() {
    for unsynced in KINDS {
        let home = tempfile::tempdir().unwrap();
        let (root, disk) = (home.path().join("data"), PowerDisk::new(usize::MAX));
        let on_disk = || Folder::open_on(&root, Box::new(disk.clone())).unwrap().modules();
        let first = on_disk();
        first.defer_names(Deferred::All);
        admit(&first, &mixed(), Kind::Zip, BYTES);
        drop(first);
        let next = on_disk();
        next.defer_names(Deferred::All);
        assert!(open(&next, &mixed(), Kind::Zip).is_some());
        next.defer_name(Tree::Proven, &mixed()).unwrap();
        next.settle_names(1).unwrap();
        disk.come_back(unsynced);
        assert_eq!(judge(&root, ""), 1, "{unsynced:?}");
    }
}

/// The pin that an older version left in the other tree goes once the new one is durable.
#[test]
fn a_power_cut_takes_no_pin_that_moves_while_names_are_deferred() {
    let mut done = false;
    for k in 0.. {
        if done {
            assert!(k > 10, "{k} changes");
            break;
        }
        for unsynced in KINDS {
            let whence = format!("after {k} changes, {unsynced:?}");
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("modules/example.com/!mixed/m/@v");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("v1.0.0-!r!c1.ziphash"), hash(BYTES).to_string()).unwrap();
            let disk = PowerDisk::new(k);
            let on_disk = Folder::open_on(root.path(), Box::new(disk.clone())).unwrap().modules();
            on_disk.defer_names(Deferred::All);
            done = bring_and_admit(&on_disk, &Provenance::FirstUse).is_ok() && disk.is_on();
            disk.come_back(unsynced);
            let pin = modules(root.path()).pin(&mixed(), Kind::Zip).unwrap();
            assert_eq!(pin, Some(hash(BYTES)), "{whence}");
        }
    }
}
