//! Folders and files that were made to harm: nothing is waited for, nothing outside is read, and all of it is named.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::world::{World, write};

#[test]
fn links_pipes_and_names_that_are_none_are_passed_over_and_named() {
    let world = World::new();
    for (layout, root, folder) in [
        ("goproxy", world.goproxy("caches"), "a.example/!two/@v"),
        ("athens", world.athens("athens"), "a.example/Two/v1.2.0"),
    ] {
        let of = |end: &str| match (layout, end) {
            ("athens", "mod") => "go.mod".to_owned(),
            ("athens", "zip") => "source.zip".to_owned(),
            _ => format!("v1.2.0.{end}"),
        };
        let secret = world.at("secret");
        fs::write(&secret, "module secret\n").unwrap();
        let place = root.join(folder);
        fs::remove_file(place.join(of("mod"))).unwrap();
        symlink(&secret, place.join(of("mod"))).unwrap();
        fs::remove_file(place.join(of("zip"))).unwrap();
        mknodat(CWD, place.join(of("zip")), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        symlink(world.at("."), root.join("elsewhere")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        if layout == "athens" {
            write(&root.join("not a module/v1/go.mod"), b"module x\n");
        } else {
            write(&root.join("UPPER.example/m/@v/v1.0.0.mod"), b"module x\n");
            write(&root.join("a.example/one/@v/v1.mod"), b"module x\n");
        }
        let data = format!("data-{layout}");
        let ran = world.import(&root.display().to_string(), &data, &[]);
        let passed = if layout == "athens" { "5 passed over" } else { "6 passed over" };
        ran.says(2, &[passed, "1 .info alone left out", "elsewhere: is a link", "loop: is a link", "is a named pipe"]);
        assert!(!ran.err.contains("module secret"), "{}", ran.err);
        let mut expected = world.everything();
        expected.retain(|name, _| !name.contains("!two"));
        let mut stored = world.stored(&data);
        stored.retain(|name, _| !name.contains("!two"));
        assert_eq!(stored, expected, "{layout}");
        assert!(!world.at(&data).join("modules/a.example/!two/@v/v1.2.0.mod").exists());
    }
}

#[test]
fn files_of_any_size_are_bounded() {
    let world = World::new();
    let root = world.goproxy("caches");
    // Sparse: they take no room, and would take all of the memory and the disk.
    for (name, size) in [("mod", 1_u64 << 40), ("info", 1 << 40), ("zip", 1 << 42)] {
        let file = File::create(root.join(format!("a.example/!two/@v/v1.2.0.{name}"))).unwrap();
        file.set_len(size).unwrap();
    }
    let ran = world.import("caches", "data", &[]);
    ran.says(2, &["v1.2.0.mod", "v1.2.0.zip", "the file is longer than"]);
    assert_eq!(world.stored("data").len(), 6);
    let tmp = world.at("data/tmp");
    let left =
        fs::read_dir(tmp).map_or(0, |entries| entries.flatten().filter(|e| e.metadata().unwrap().len() > 0).count());
    assert_eq!(left, 0);
}

#[test]
fn what_is_nothing_of_the_kind_is_said() {
    let world = World::new();
    fs::create_dir(world.at("empty")).unwrap();
    world.import("empty", "data", &[]).says(2, &["there are no modules in it", "--as", "gomodcache, goproxy"]);
    world.import("none", "data", &[]).says(2, &["none: ", "No such file"]);
    fs::write(world.at("file"), "some text that is long enough").unwrap();
    world.import("file", "data", &[]).says(2, &["file: is cut off, or not a bundle"]);
    fs::write(world.at("zeros"), vec![0; 4096]).unwrap();
    world.import("zeros", "data", &[]).says(2, &["zeros: is empty, so not a bundle"]);
    world
        .import("file", "data", &["--as", "athens"])
        .says(2, &["is a file, and the disk store of an Athens is a folder"]);
    world.import("empty", "data", &["--as", "bundle"]).says(2, &["is a folder, and a bundle is a file"]);
    world.import("empty", "data", &["--as", "nexus"]).says(2, &["invalid value 'nexus'"]);
    mknodat(CWD, world.at("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    world.import("pipe", "data", &[]).says(2, &["pipe: cannot be read: it is a named pipe"]);
    assert!(!world.at("data").exists(), "nothing is made for nothing");
}

#[test]
fn a_source_that_cannot_prove_anything_stores_nothing() {
    let world = World::new();
    world.goproxy("caches");
    let ran = world.import_alone("caches", "data", &[]);
    ran.says(2, &["6 not judged", "0 files proven and stored"]);
    assert!(world.stored("data").is_empty());
}
