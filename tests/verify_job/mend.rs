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

/// Nothing is found of what was not damaged.
fn finds_nothing_else(world: &World, wrong: &[PathBuf], context: &str) {
    let found = world.verify().findings;
    let stem = |path: &Path| path.with_extension("");
    let is_wrong = |file: &str| wrong.iter().any(|path| stem(path) == stem(Path::new(file)));
    assert!(found.iter().all(|it| is_wrong(&it.file)), "{context}: {found:#?}");
}

#[test]
fn a_repair_of_modules_that_dies_at_any_write_replaces_no_good_byte() {
    let modules = ["a", "b"].map(|name| Module::new(&format!("example.com/{name}"), "v1.0.0", 50)).to_vec();
    let (world, upstream) = filled(World::of(modules));
    let good = files(&world);
    let [module, other] = [&world.modules[0], &world.modules[1]];
    let [zip, pin] = ["zip", "modhash"].map(|ending| world.path(module, ending));
    let [go_mod, about] = ["mod", "info"].map(|ending| world.path(other, ending));
    let wrong: Vec<PathBuf> = vec![zip.clone(), pin, go_mod.clone(), about.clone()];
    let damage = || {
        for (path, bytes) in &good {
            let mut bytes = bytes.clone();
            if wrong.contains(path) {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            fs::write(path, bytes).unwrap();
        }
        let _ = fs::remove_dir_all(world.root().join("refused"));
    };
    damage();
    let (counted, ended) = mend(&world, upstream.path(), FailingDisk::never(), &wrong);
    let writes = counted.calls().len();
    assert!(ended && writes > 10, "{writes}");
    // What was fetched again has another stamp in its proof.
    let is_proof = |path: &Path| {
        [(module, "zipproof"), (other, "modproof")].iter().any(|(of, ending)| world.path(of, ending) == path)
    };
    let as_before = |context: &str| {
        for (path, bytes) in good.iter().filter(|(path, _)| !is_proof(path)) {
            assert!(fs::read(path).is_ok_and(|now| now == *bytes), "{context}: {}", path.display());
        }
    };
    as_before("without a crash");
    for at in 0..writes {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            damage();
            let context = format!("{at} {moment:?}");
            let damaged = [&zip, &go_mod, &about].map(|path| (path, fs::read(path).unwrap()));
            mend(&world, upstream.path(), FailingDisk::new(at, moment, Then::Dead), &wrong);
            for (path, bytes) in good.iter().filter(|(path, _)| !wrong.contains(path) && !is_proof(path)) {
                // The hash of a file that is fetched again goes with it. What nothing proves, nothing brings back: it stays.
                let goes = [(module, "ziphash"), (other, "modhash")]
                    .iter()
                    .any(|(of, ending)| world.path(of, ending) == *path);
                let now = fs::read(path).ok();
                assert!(now.as_ref() == Some(bytes) || goes && now.is_none(), "{context}: {}", path.display());
            }
            // The damaged bytes are where they were, or in the quarantine, or the right ones are here.
            let dir = Some(world.root().join("refused")).filter(|dir| dir.is_dir());
            let kept = dir.iter().flat_map(|dir| files_below(dir));
            let refused: Vec<Vec<u8>> = kept.map(|path| fs::read(path).unwrap()).collect();
            for (path, damaged) in &damaged {
                let now = fs::read(path).ok();
                let is_right = now.as_ref() == Some(&good[*path]) || now.as_ref() == Some(damaged);
                assert!(is_right || refused.contains(damaged), "{context}: {}", path.display());
            }
            finds_nothing_else(&world, &wrong, &context);
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
