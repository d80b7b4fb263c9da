//! The crash matrix of what is stored already: a disk that fails at change number k while a file is proven under another database,
//! put aside, or taken over from before proofs were stored. No file is lost, and no claim is made that is not true.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gosumcheck::store::failing::FailingDisk;
use gosumcheck::store::modules::{Modules, Provenance, Stored, Unproven};
use gosumcheck::sumdb::gosum::Kind;

use crate::crash::{MOMENTS, REPORT, THEN, on};
use crate::world::{
    BYTES, DATABASE, arrived, hash, judge, mixed, modules, names, open, open_first_use, proof, recorded,
};

const OTHER: &str = "other.example+00000000+AcKey";

/// A file that another database proved, or that was stored before proofs were, in the folder of a server under another policy.
fn stored_before(by: Option<&str>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("modules/example.com/!mixed/m/@v");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("v1.0.0-!r!c1.zip"), BYTES).unwrap();
    fs::write(folder.join("v1.0.0-!r!c1.ziphash"), hash(BYTES).to_string()).unwrap();
    if let Some(database) = by {
        let proof = format!("{}\nrecord 3 of {database}\n", hash(BYTES));
        fs::write(folder.join("v1.0.0-!r!c1.zipproof"), proof).unwrap();
    }
    root
}

fn unproven(modules: &Modules) -> Unproven {
    let look = || modules.open(&mixed(), Kind::Zip, DATABASE).unwrap();
    let stored = match look() {
        // What was stored before stamps were is hashed first.
        Stored::Changed(changed) => {
            modules.confirm(&changed);
            look()
        }
        stored => stored,
    };
    match stored {
        Stored::Unproven(stored) => stored,
        other => panic!("{other:?}"),
    }
}

/// Runs `change` on a disk that fails at each of its changes; `then` looks at what is left, told whether it was said to be done.
fn everywhere(by: Option<&str>, change: impl Fn(&Modules) -> bool, then: impl Fn(&Path, bool, &str)) {
    let counting = Arc::new(FailingDisk::never());
    assert!(change(&on(stored_before(by).path(), counting.clone())));
    let changes = counting.calls().len();
    assert!(changes > 1, "{changes}");
    for k in 0..changes {
        for (moment, after) in MOMENTS.into_iter().flat_map(|moment| THEN.map(|then| (moment, then))) {
            let root = stored_before(by);
            let done = change(&on(root.path(), Arc::new(FailingDisk::new(k, moment, after))));
            then(root.path(), done, &format!("{by:?} k={k} {moment:?} {after:?}"));
        }
    }
}

#[test]
fn a_proof_that_is_not_written_is_written_the_next_time_and_the_file_is_given() {
    for by in [None, Some(OTHER)] {
        let prove = |modules: &Modules| modules.prove(unproven(modules), &hash(BYTES), &proof()).is_ok();
        everywhere(by, prove, |root, done, whence| {
            assert!(done, "{whence}: the file is right, whatever the disk does");
            let modules = modules(root);
            match modules.open(&mixed(), Kind::Zip, DATABASE).unwrap() {
                Stored::Proven(admitted) => assert_eq!(admitted.hash(), &hash(BYTES), "{whence}"),
                Stored::Unproven(stored) => {
                    assert_eq!(stored.by().map(|by| by.database.as_str()), by, "{whence}");
                    modules.prove(stored, &hash(BYTES), &proof()).unwrap();
                }
                // What was stored before proofs were is hashed once.
                Stored::Changed(_) => drop(modules.prove(unproven(&modules), &hash(BYTES), &proof()).unwrap()),
                Stored::Missing => panic!("{whence}"),
            }
            assert!(open(&modules, &mixed(), Kind::Zip).is_some(), "{whence}");
            assert_eq!(judge(root, whence), 1);
        });
    }
}

#[test]
fn a_stored_file_that_is_put_aside_is_in_one_of_two_places_and_counts_as_nothing_new() {
    for by in [None, Some(OTHER)] {
        let refuse = |modules: &Modules| modules.refuse_stored(&unproven(modules), REPORT).is_ok();
        everywhere(by, refuse, |root, done, whence| {
            let refused = root.join("refused");
            let kept: Vec<Vec<u8>> = names(&refused).iter().map(|name| fs::read(refused.join(name)).unwrap()).collect();
            let is_aside = kept.iter().any(|bytes| bytes == BYTES);
            let stands = root.join("modules/example.com/!mixed/m/@v/v1.0.0-!r!c1.zip").exists();
            assert!(is_aside != stands && (!done || is_aside), "{whence}");
            assert!(!is_aside || kept.iter().any(|bytes| bytes == REPORT), "{whence}");
            let modules = modules(root);
            assert!(open(&modules, &mixed(), Kind::Zip).is_none(), "{whence}");
            // What another database proved is not a first use, whatever is left of it.
            if by.is_some() {
                assert_eq!(modules.pin(&mixed(), Kind::Zip).unwrap(), None, "{whence}");
            }
            if stands {
                modules.refuse_stored(&unproven(&modules), REPORT).unwrap();
            }
            // The right bytes come in its place.
            let arrival = arrived(&modules, &mixed(), Kind::Zip, b"right");
            modules.admit(arrival, &hash(b"right"), &recorded()).unwrap();
            assert_eq!(open(&modules, &mixed(), Kind::Zip).unwrap().read().unwrap(), b"right", "{whence}");
            assert_eq!(judge(root, whence), 1);
        });
    }
}

#[test]
fn an_old_first_use_that_is_moved_is_never_lost_and_keeps_its_pin() {
    let take = |modules: &Modules| open_first_use(modules, &mixed(), Kind::Zip).is_some();
    everywhere(None, take, |root, done, whence| {
        assert!(done, "{whence}: it is given from wherever it is");
        let modules = modules(root);
        assert_eq!(modules.pin(&mixed(), Kind::Zip).unwrap(), Some(hash(BYTES)), "{whence}");
        let admitted = open_first_use(&modules, &mixed(), Kind::Zip);
        assert_eq!(admitted.unwrap_or_else(|| panic!("{whence}")).read().unwrap(), BYTES);
        let moved = arrived(&modules, &mixed(), Kind::Zip, b"moved");
        assert!(modules.admit(moved, &hash(b"moved"), &Provenance::FirstUse).is_err(), "{whence}");
        assert_eq!(judge(root, whence), 1);
        assert!(matches!(modules.open(&mixed(), Kind::Zip, DATABASE).unwrap(), Stored::Missing), "{whence}");
    });
}
