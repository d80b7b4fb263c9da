//! Power cuts while a file is admitted: whatever has a name and a hash is right when power comes back, and what was said to be there
//! is there.

use gosumcheck::store::Folder;
use gosumcheck::store::modules::Provenance;
use gosumcheck::sumdb::gosum::Kind;

use crate::crash::bring_and_admit;
use crate::power_disk::{KINDS, PowerDisk, Unsynced};
use crate::world::{BYTES, admit_by, judge, mixed, modules, recorded};

#[test]
fn a_power_cut_at_any_change_leaves_no_file_with_another_hash_and_takes_none_that_was_admitted() {
    for by in [recorded(), Provenance::FirstUse] {
        let mut done = false;
        for k in 0.. {
            if done {
                assert!(k > 15, "{k} changes");
                break;
            }
            for unsynced in KINDS {
                let whence = format!("{by:?} after {k} changes, {unsynced:?}");
                let root = tempfile::tempdir().unwrap();
                let disk = PowerDisk::new(k);
                let told =
                    bring_and_admit(&Folder::open_on(root.path(), Box::new(disk.clone())).unwrap().modules(), &by);
                // The last change is noted by nobody: without it the file is hashed again.
                done = told.is_ok() && disk.is_on();
                disk.come_back(unsynced);
                let found = judge(root.path(), &whence);
                assert!(told.is_err() || found == 1, "{whence}: told done, found {found}");
                // What is left of the bytes in tmp may be any: who goes on with them and finds them wrong starts over.
                admit_by(&modules(root.path()), &mixed(), Kind::Zip, BYTES, &by);
                assert_eq!(judge(root.path(), &whence), 1);
            }
        }
    }
}

/// The folders above are as durable as the file: they are made for less, when the store is locked.
#[test]
fn a_power_cut_takes_no_data_folder_that_is_new() {
    let home = tempfile::tempdir().unwrap();
    let (root, disk) = (home.path().join("data"), PowerDisk::new(usize::MAX));
    let on_disk = Folder::open_on(&root, Box::new(disk.clone())).unwrap().modules();
    let _lock = on_disk.claim().unwrap();
    bring_and_admit(&on_disk, &recorded()).unwrap();
    disk.come_back(Unsynced::Lost);
    assert_eq!(judge(&root, ""), 1);
}
