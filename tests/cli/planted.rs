//! What stands in folders that belong to the user, but was put there by somebody else: a module cache with links, a data folder
//! with pipes, a secret that all may write.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use gosumcheck::sumdb::dirhash::h1_go_mod;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::fake::{FakeSumdb, Given};
use crate::world::{NO_HASH, RECORDS, World};

const GO_MOD: &str = "module example.com/m\n";
const FOLDER: &str = "mod/cache/download/example.com/m/@v";

/// A log of one module, and a module cache with its right go.mod.
fn module_cache() -> World {
    let hash = format!("h1:{}", h1_go_mod(GO_MOD.as_bytes()));
    let world = World::of(FakeSumdb::of_records(&[Given::new("example.com/m", "v1.0.0", NO_HASH, &hash)]));
    world.machine.write(&format!("{FOLDER}/v1.0.0.mod"), GO_MOD);
    world
}

#[test]
fn a_link_in_a_module_cache_is_followed_within_it_and_named_beyond_it() {
    let world = module_cache();
    let at = |path: &str| world.machine.at(path);
    world.machine.write("mod/shared/right", GO_MOD).write("mod/shared/wrong", "module example.com/evil\n");
    let link = at(&format!("{FOLDER}/v1.0.0.mod"));
    let relink = |target: &std::path::Path| {
        std::fs::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
        world.run(&["audit", "--modcache", "mod"])
    };
    relink("../../../../../shared/right".as_ref()).says(0, &["1 line: 1 verified"]).quiet();
    relink("../../../../../shared/wrong".as_ref()).says(1, &["v1.0.0.mod:  DIFFERS"]).quiet();
    world.machine.write("outside.mod", GO_MOD);
    for target in [at("outside.mod"), "../../../../../../outside.mod".into(), "/proc/self/environ".into()] {
        relink(&target).says(2, &["v1.0.0.mod:", "link", "leads out of", "1 unavailable"]).quiet();
    }
    relink("v1.0.0.mod".as_ref()).says(2, &["v1.0.0.mod:", "1 unavailable"]).quiet();
    // The folder that the user names may be a link itself.
    relink("../../../../../shared/right".as_ref());
    symlink("mod", at("linked")).unwrap();
    world.run(&["audit", "--modcache", "linked"]).says(0, &["1 verified"]).quiet();
}

#[test]
fn what_an_audit_of_a_module_cache_passes_over_is_named() {
    let world = module_cache();
    let at = |path: &str| world.machine.at(path);
    mknodat(CWD, at(&format!("{FOLDER}/v1.1.0.zip")), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::fs::create_dir(at(&format!("{FOLDER}/v1.2.0.mod"))).unwrap();
    let ran = world.machine.run_to_the_end(&["audit", "--modcache", "mod"]);
    ran.says(
        2,
        &[
            "v1.1.0.zip:",
            "is a named pipe",
            "v1.2.0.mod:",
            "is a folder",
            "1 verified, 2 unavailable",
            "warning: 2 files",
        ],
    )
    .quiet();
    // A build reads through a link to a folder of modules.
    let world = module_cache();
    world.machine.write("elsewhere/n/@v/v1.0.0.mod", GO_MOD);
    symlink("../../../../elsewhere", world.machine.at("mod/cache/download/example.org")).unwrap();
    let ran = world.run(&["audit", "--modcache", "mod"]);
    ran.says(2, &["1 verified", "download/example.org:  not read  is a link"]).quiet();
}

#[test]
fn a_pipe_in_the_data_folder_is_named_and_not_waited_for() {
    for path in ["latest", "lock", "pack"] {
        let world = World::new();
        world.run(&["audit"]).says(0, &["40 verified"]);
        let path = world.cache().join(path);
        let _ = std::fs::remove_file(&path);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        world.log.grow(RECORDS + 100);
        let ran = world.machine.run_to_the_end(&["lookup", &world.module(1_050)]);
        assert!(ran.code == 2 || ran.code == 0, "{}", ran.show());
        if ran.code == 2 {
            ran.complains(2, &[path.to_str().unwrap()]);
        }
    }
    // One of the cached answers: it counts as missing, and is fetched again.
    let world = World::new();
    world.machine.write("one/go.sum", world.gosum().lines().next().unwrap().to_owned() + "\n");
    world.run(&["audit", "one"]).says(0, &["1 verified"]);
    let mut entries: Vec<_> = walkdir(&world.cache().join("lookup"));
    let entry = entries.pop().unwrap();
    std::fs::remove_file(&entry).unwrap();
    mknodat(CWD, &entry, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    world.machine.run_to_the_end(&["audit", "one"]).says(0, &["1 verified"]);
    assert!(entry.symlink_metadata().unwrap().is_file());
}

fn walkdir(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let found = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap());
    found.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

#[test]
fn a_secret_that_others_may_write_is_refused() {
    let world = World::new();
    let config = |name: &str| {
        let text =
            "proxy = \"https://proxy.example\"\n[upstreams.\"https://proxy.example\"]\nbearer_file = \"token\"\n";
        world.machine.write("c.toml", text);
        let path = world.machine.at("token");
        if !name.is_empty() {
            std::fs::write(&path, "a-token\n").unwrap();
            let mode = u32::from_str_radix(name, 8).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        world.machine.run_to_the_end(&["serve", "--config", "c.toml", "--check-config"])
    };
    for mode in ["666", "602", "660", "620"] {
        config(mode).complains(2, &["token", "may write", "chmod 600"]);
    }
    for mode in ["600", "400", "644", "440"] {
        config(mode).says(0, &["proxy.example"]);
    }
    let path = world.machine.at("token");
    std::fs::remove_file(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    config("").complains(2, &["token", "is a named pipe"]);
    std::fs::remove_file(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    world.machine.run_to_the_end(&["serve", "--config", "token", "--check-config"]).complains(2, &["is a named pipe"]);
}
