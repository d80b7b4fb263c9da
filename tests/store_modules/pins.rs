//! The hash beside a file: it never changes, a damaged one is no first use, and nothing is opened that it does not stand for.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use gosumcheck::sumdb::gosum::{Kind, SumHash};

use crate::world::{BYTES, KINDS, admit, arrived, hash, mixed, modules};

#[test]
fn what_is_pinned_never_changes() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    for kind in KINDS {
        admit(&modules, &mixed(), kind, BYTES);
        let pin = modules.hash(&mixed(), kind).unwrap();
        for here in [true, false] {
            if !here {
                let suffix = if kind == Kind::Zip { "zip" } else { "mod" };
                let file = modules.dir().join("example.com/!mixed/m/@v").join(format!("v1.0.0-!r!c1.{suffix}"));
                fs::remove_file(file).unwrap();
            }
            let text = modules.admit(arrived(&modules, &mixed(), kind, b"moved"), &hash(b"moved")).unwrap_err();
            let text = text.to_string();
            assert!(text.contains("hash: is pinned to h1:") && text.contains("never changes"), "{text}");
            assert_eq!(modules.hash(&mixed(), kind).unwrap(), pin);
            let open = modules.open(&mixed(), kind).unwrap();
            assert_eq!(open.map(|open| open.read().unwrap()), here.then(|| BYTES.to_vec()));
        }
        // The right bytes come back to their pin.
        admit(&modules, &mixed(), kind, BYTES);
    }
}

#[test]
fn a_damaged_pin_is_no_first_use() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    let pin = modules.dir().join("example.com/!mixed/m/@v/v1.0.0-!r!c1.ziphash");
    let whole = fs::read_to_string(&pin).unwrap();
    for damaged in ["", "h1:", &whole[..20], "h1:AAAA", &"x".repeat(5000), "\0\0\0\0"] {
        fs::write(&pin, damaged).unwrap();
        assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none(), "{damaged:?}");
        let text = modules.hash(&mixed(), Kind::Zip).unwrap_err().to_string();
        assert!(text.contains("v1.0.0-!r!c1.ziphash: holds no hash"), "{text}");
    }
    // An algorithm of the future is a pin, and another one than that of any bytes.
    fs::write(&pin, "h2:abc").unwrap();
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    assert!(matches!(modules.hash(&mixed(), Kind::Zip).unwrap(), Some(SumHash::Unknown { .. })));
    assert!(modules.admit(arrived(&modules, &mixed(), Kind::Zip, BYTES), &hash(BYTES)).is_err());
    // Go's own, and one that a person wrote with an editor.
    fs::write(&pin, whole.clone() + "\n").unwrap();
    assert_eq!(modules.open(&mixed(), Kind::Zip).unwrap().unwrap().hash(), &hash(BYTES));
    fs::write(&pin, "damaged").unwrap();
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    assert_eq!(fs::read_to_string(&pin).unwrap(), whole);
}

#[test]
fn what_is_no_proven_file_is_not_opened_and_gives_way() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let folder = modules.dir().join("example.com/!mixed/m/@v");
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
        assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none(), "{what}");
        admit(&modules, &mixed(), Kind::Zip, BYTES);
        assert!(file.symlink_metadata().unwrap().is_file(), "{what}");
        assert_eq!(fs::read(&outside).unwrap(), BYTES);
        fs::remove_file(&file).unwrap();
        if what != "file" {
            // With its pin there: still no file.
            plant();
            assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none(), "{what}");
            admit(&modules, &mixed(), Kind::Zip, BYTES);
            fs::remove_file(&file).unwrap();
        }
        fs::remove_file(&pin).unwrap();
    }
    // A folder in the way is a person's to clear.
    fs::create_dir_all(file.join("x")).unwrap();
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    let text = modules.admit(arrived(&modules, &mixed(), Kind::Zip, BYTES), &hash(BYTES)).unwrap_err().to_string();
    assert!(text.contains("v1.0.0-!r!c1.zip: cannot write") && text.contains("move it away"), "{text}");
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    fs::remove_dir_all(&file).unwrap();
    // So is a link in the place of a hash.
    fs::remove_file(&pin).unwrap();
    fs::write(&outside, hash(BYTES).to_string()).unwrap();
    symlink(&outside, &pin).unwrap();
    fs::write(&file, BYTES).unwrap();
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    assert!(modules.hash(&mixed(), Kind::Zip).is_err());
}
