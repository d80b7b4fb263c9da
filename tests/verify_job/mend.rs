//! Repair of module files at every crash: whatever write the process dies at, no good byte is replaced, nothing is lost, and the next repair
//! finishes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};

use super::common::files_below;
use super::matrix::{filled, proxy, proxy_on};
use super::world::{Module, World, runtime};

/// The module files, and what is set aside of damaged ones.
fn files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = files_below(&world.root().join("modules")).into_iter();
    let is_lock = |path: &PathBuf| path.ends_with("lock");
    all.filter(|path| !is_lock(path)).map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Repairs these files on a disk; whether it came to its end.
fn mend(world: &World, upstream: &Path, disk: FailingDisk, damaged: &[PathBuf]) -> (Arc<FailingDisk>, bool) {
    let disk = Arc::new(disk);
    let folder = Folder::open_on(world.root(), Box::new(Arc::clone(&disk)));
    let mended = folder.and_then(|folder| proxy_on(&folder, world, upstream)).map(|proxy| {
        let runtime = runtime();
        damaged.iter().all(|path| runtime.block_on(proxy.mend_stored(path)).is_ok())
    });
    (disk, mended.unwrap_or(false))
}

#[test]
fn a_repair_of_modules_that_dies_at_any_write_replaces_no_good_byte() {
    let modules = ["a", "b"].map(|name| Module::new(&format!("example.com/{name}"), "v1.0.0", 50)).to_vec();
    let (world, upstream) = filled(World::of(modules));
    let good = files(&world);
    let module = &world.modules[0];
    let (zip, pin) = (world.path(module, "zip"), world.path(module, "modhash"));
    let damage = || {
        for (path, bytes) in &good {
            let mut bytes = bytes.clone();
            if *path == zip || *path == pin {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            fs::write(path, bytes).unwrap();
        }
        let _ = fs::remove_dir_all(world.root().join("refused"));
    };
    let wrong: Vec<PathBuf> = vec![zip.clone(), pin.clone()];
    damage();
    let (counted, ended) = mend(&world, upstream.path(), FailingDisk::never(), &wrong);
    let writes = counted.calls().len();
    assert!(ended && writes > 10, "{writes}");
    let is_proof = |path: &Path| path.extension().is_some_and(|ending| ending.to_string_lossy().ends_with("proof"));
    // What was fetched again has another stamp in its proof, and a crash can leave an `.info` that names the version alone.
    let may_differ = |path: &Path| {
        let names_it = || fs::read_to_string(path).is_ok_and(|text| text.contains("\"Version\":\"v1.0.0\""));
        is_proof(path) || *path == world.path(module, "info") && names_it()
    };
    let as_before = |context: &str| {
        for (path, bytes) in &good {
            let is_same = fs::read(path).is_ok_and(|now| now == *bytes);
            assert!(is_same || may_differ(path), "{context}: {}", path.display());
        }
    };
    as_before("without a crash");
    for at in 0..writes {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            damage();
            let context = format!("{at} {moment:?}");
            let damaged = fs::read(&zip).unwrap();
            mend(&world, upstream.path(), FailingDisk::new(at, moment, Then::Dead), &wrong);
            for (path, bytes) in good.iter().filter(|(path, _)| !wrong.contains(path) && !may_differ(path)) {
                let is_of_it = path.with_extension("") == zip.with_extension("");
                // What stands beside the file is written anew with it, or goes with it.
                let now = fs::read(path).ok();
                assert!(now.as_ref() == Some(bytes) || is_of_it && now.is_none(), "{context}: {}", path.display());
            }
            // The damaged bytes are where they were, or in the quarantine, or the right ones are here.
            let now = fs::read(&zip).ok();
            let kept =
                || files_below(&world.root().join("refused")).iter().any(|path| fs::read(path).unwrap() == damaged);
            assert!(now.as_ref() == Some(&damaged) || now.as_ref() == Some(&good[&zip]) || kept(), "{context}");
            let proxy = proxy(&world, upstream.path());
            for path in &wrong {
                let mended = runtime().block_on(proxy.mend_stored(path));
                assert!(mended.is_ok(), "{context}: {mended:?}");
            }
            drop(proxy);
            as_before(&context);
            assert_eq!(world.verify().findings, [], "{context}");
        }
    }
}
