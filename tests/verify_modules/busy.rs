//! Beside a server that admits files and takes others away: neither is a finding.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use gosumcheck::sumdb::gosum::Kind;

use super::world::{Changed, World};

#[test]
fn files_that_come_and_go_are_no_finding() {
    let world = World::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Two of the modules are taken away and admitted again, hash and all, as fast as the disk can.
            let moving = &world.modules[..2];
            while !done.load(Ordering::Relaxed) {
                for module in moving {
                    for (kind, ending) in [(Kind::Zip, "zip"), (Kind::GoMod, "mod")] {
                        let path = world.path(module, ending);
                        fs::remove_file(&path).unwrap();
                        fs::remove_file(path.with_extension(format!("{ending}hash"))).unwrap();
                        world.admit(module, kind);
                    }
                }
            }
        });
        for _ in 0..60 {
            let report = world.verify();
            let findings = report.findings.clone();
            if !findings.is_empty() {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(findings, []);
        }
        done.store(true, Ordering::Relaxed);
    });
    world.is_in_order();
}

#[test]
fn what_is_mended_while_it_is_looked_at_is_no_finding() {
    let world = World::new();
    let (module, kind, path) = world.files().swap_remove(0);
    let damaged = Changed::to(&path, b"none");
    let mended = AtomicBool::new(false);
    // Told after the first look at the last file, and before any second one.
    let report = world.verify_telling(&|_, done, total| {
        if done == total {
            fs::write(&path, module.bytes(kind)).unwrap();
            mended.store(true, Ordering::Relaxed);
        }
    });
    assert!(mended.load(Ordering::Relaxed));
    assert_eq!(report.findings, []);
    drop(damaged);
}
