//! The hash beside a file: it never changes, a damaged one does not count as a first use, and nothing is opened that it does
//! not stand for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use gosumcheck::store::modules::{Modules, Provenance, Stored, Tree};
use gosumcheck::sumdb::gosum::{Kind, SumHash};

use crate::world::{
    BYTES, DATABASE, KINDS, admit, admit_by, arrived, hash, mixed, modules, open, open_first_use, recorded,
};

const NAMES: &str = "example.com/!mixed/m/@v";

fn private(modules: &Modules) -> PathBuf {
    modules.dir_of(Tree::FirstUse).join(NAMES)
}

#[test]
fn what_is_pinned_never_changes() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    for kind in KINDS {
        admit_by(&modules, &mixed(), kind, BYTES, &Provenance::FirstUse);
        let pin = modules.pin(&mixed(), kind).unwrap();
        for here in [true, false] {
            if !here {
                let suffix = if kind == Kind::Zip { "zip" } else { "mod" };
                fs::remove_file(private(&modules).join(format!("v1.0.0-!r!c1.{suffix}"))).unwrap();
            }
            let moved = arrived(&modules, &mixed(), kind, b"moved");
            let text = modules.admit(moved, &hash(b"moved"), &Provenance::FirstUse).unwrap_err();
            let text = text.to_string();
            assert!(text.contains("hash: is pinned to h1:") && text.contains("never changes"), "{text}");
            assert_eq!(modules.pin(&mixed(), kind).unwrap(), pin);
            let open = open_first_use(&modules, &mixed(), kind);
            assert_eq!(open.map(|open| open.read().unwrap()), here.then(|| BYTES.to_vec()));
        }
        // The right bytes come back to their pin.
        admit_by(&modules, &mixed(), kind, BYTES, &Provenance::FirstUse);
    }
}

#[test]
fn what_a_database_proved_never_changes_under_that_database() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    for kind in KINDS {
        admit(&modules, &mixed(), kind, BYTES);
        for here in [true, false] {
            if !here {
                let suffix = if kind == Kind::Zip { "zip" } else { "mod" };
                fs::remove_file(modules.dir().join(NAMES).join(format!("v1.0.0-!r!c1.{suffix}"))).unwrap();
            }
            let moved = arrived(&modules, &mixed(), kind, b"moved");
            let text = modules.admit(moved, &hash(b"moved"), &recorded()).unwrap_err().to_string();
            assert!(text.contains("hash: is pinned to h1:") && text.contains("never changes"), "{text}");
            assert_eq!(open(&modules, &mixed(), kind).map(|open| open.read().unwrap()), here.then(|| BYTES.to_vec()));
        }
        // The right bytes come back to their proof.
        admit(&modules, &mixed(), kind, BYTES);
    }
}

#[test]
fn a_damaged_pin_is_no_first_use() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit_by(&modules, &mixed(), Kind::Zip, BYTES, &Provenance::FirstUse);
    let pin = private(&modules).join("v1.0.0-!r!c1.ziphash");
    let whole = fs::read_to_string(&pin).unwrap();
    let try_again =
        || modules.admit(arrived(&modules, &mixed(), Kind::Zip, BYTES), &hash(BYTES), &Provenance::FirstUse);
    for damaged in ["", "h1:", &whole[..20], "h1:AAAA", &"x".repeat(5000), "\0\0\0\0"] {
        fs::write(&pin, damaged).unwrap();
        assert!(open_first_use(&modules, &mixed(), Kind::Zip).is_none(), "{damaged:?}");
        let text = modules.pin(&mixed(), Kind::Zip).unwrap_err().to_string();
        assert!(text.contains("v1.0.0-!r!c1.ziphash: holds no hash"), "{text}");
        assert_eq!(try_again().unwrap_err().to_string(), text);
    }
    // An algorithm of the future is a pin, and another one than that of any bytes.
    fs::write(&pin, "h2:abc").unwrap();
    assert!(open_first_use(&modules, &mixed(), Kind::Zip).is_none());
    assert!(matches!(modules.pin(&mixed(), Kind::Zip).unwrap(), Some(SumHash::Unknown { .. })));
    assert!(try_again().is_err());
    // Go's own, and one that a person wrote with an editor.
    fs::write(&pin, whole.clone() + "\n").unwrap();
    assert_eq!(open_first_use(&modules, &mixed(), Kind::Zip).unwrap().hash(), &hash(BYTES));
}

/// The proof decides what is given; the hash beside it is for Go, and is put right with the next admission.
#[test]
fn a_damaged_hash_of_a_proven_file_is_written_anew() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    let names = modules.dir().join(NAMES);
    let (file, pin) = (names.join("v1.0.0-!r!c1.zip"), names.join("v1.0.0-!r!c1.ziphash"));
    let whole = fs::read_to_string(&pin).unwrap();
    for damaged in ["damaged", "h2:abc", "", &hash(b"other").to_string()] {
        fs::write(&pin, damaged).unwrap();
        assert_eq!(open(&modules, &mixed(), Kind::Zip).unwrap().read().unwrap(), BYTES);
        fs::remove_file(&file).unwrap();
        admit(&modules, &mixed(), Kind::Zip, BYTES);
        assert_eq!(fs::read_to_string(&pin).unwrap(), whole);
    }
}

#[test]
fn what_is_no_proven_file_is_not_opened_and_gives_way() {
    for by in [Provenance::FirstUse, recorded()] {
        gives_way(&by);
    }
}

fn gives_way(by: &Provenance) {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let tree = if *by == Provenance::FirstUse { Tree::FirstUse } else { Tree::Proven };
    let opens = || match tree {
        Tree::FirstUse => !matches!(modules.open_first_use(&mixed(), Kind::Zip).unwrap(), Stored::Missing),
        Tree::Proven => !matches!(modules.open(&mixed(), Kind::Zip, DATABASE).unwrap(), Stored::Missing),
    };
    let admit = || admit_by(&modules, &mixed(), Kind::Zip, BYTES, by);
    let folder = modules.dir_of(tree).join(NAMES);
    let proof = folder.join("v1.0.0-!r!c1.zipproof");
    let (file, pin) = (folder.join("v1.0.0-!r!c1.zip"), folder.join("v1.0.0-!r!c1.ziphash"));
    let outside = root.path().join("outside");
    fs::write(&outside, BYTES).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let plants: [(&str, &dyn Fn()); 4] = [
        ("file", &|| fs::write(&file, "junk").unwrap()),
        ("link", &|| symlink(&outside, &file).unwrap()),
        ("dangling", &|| symlink("nowhere", &file).unwrap()),
        ("pipe", &|| assert!(Command::new("mkfifo").arg(&file).status().unwrap().success())),
    ];
    for (what, plant) in plants {
        plant();
        assert!(!opens(), "{what}");
        admit();
        assert!(file.symlink_metadata().unwrap().is_file(), "{what}");
        assert_eq!(fs::read(&outside).unwrap(), BYTES);
        fs::remove_file(&file).unwrap();
        if what != "file" {
            // With its pin there: still no file.
            plant();
            assert!(!opens(), "{what}");
            admit();
            fs::remove_file(&file).unwrap();
        }
        fs::remove_file(&pin).unwrap();
        let _ = fs::remove_file(&proof); // there is none of a first use
    }
    // A folder in the way is a person's to clear.
    fs::create_dir_all(file.join("x")).unwrap();
    assert!(!opens());
    let arrived = arrived(&modules, &mixed(), Kind::Zip, BYTES);
    let text = modules.admit(arrived, &hash(BYTES), by).unwrap_err().to_string();
    assert!(text.contains("v1.0.0-!r!c1.zip: cannot write") && text.contains("move it away"), "{text}");
    assert!(!opens());
    fs::remove_dir_all(&file).unwrap();
    // So is a link in the place of a hash.
    fs::remove_file(&pin).unwrap();
    let _ = fs::remove_file(&proof);
    fs::write(&outside, hash(BYTES).to_string()).unwrap();
    symlink(&outside, &pin).unwrap();
    fs::write(&file, BYTES).unwrap();
    assert!(!opens());
    assert!(modules.beside(tree, &mixed(), Kind::Zip).unwrap().hash.is_err());
    assert!(modules.pin(&mixed(), Kind::Zip).is_err());
}
