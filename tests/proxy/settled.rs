//! What a power cut takes of the files that a server has given, whose names it leaves to the system.

use gosumcheck::store::modules::Deferred;
use gosumcheck::sumdb::module::Patterns;

use crate::kit::{Corpus, Spec};
use crate::power_disk::{KINDS, PowerDisk, Unsynced};
use crate::world::World;

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const INFO: &str = "example.com/a/@v/v1.0.0.info";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";

/// A server gives the file, and the power goes.
fn given_and_cut(world: &World, path: &str, unsynced: Unsynced) {
    let disk = PowerDisk::new(usize::MAX);
    let proxy = world.open(Box::new(disk.clone())).unwrap();
    proxy.defer_names(Deferred::Proven);
    world.expect_true(&proxy, path);
    drop(proxy);
    disk.come_back(unsynced);
}

#[test]
fn a_file_of_which_a_database_knows_may_go_and_is_brought_again() {
    for unsynced in KINDS {
        let world = World::new(Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000)]), 1);
        given_and_cut(&world, ZIP, unsynced);
        let next = world.proxy();
        assert!(unsynced != Unsynced::Lost || world.cached(&next, ZIP).is_err());
        world.expect_true(&next, ZIP);
        world.expect_true(&next, GO_MOD);
        // What stands beside a zip for readers of the folder may be torn.
        world.expect_true(&next, INFO);
        assert_eq!(world.incidents(), [], "{unsynced:?}");
        drop(next);
        let last = world.proxy();
        assert!([ZIP, GO_MOD].iter().all(|path| world.cached(&last, path).is_ok()), "{unsynced:?}");
    }
}

/// Nothing brings back what came first.
#[test]
fn the_first_use_of_a_private_module_stays() {
    const GO_MOD: &str = "corp.example/a/@v/v1.0.0.mod";
    for unsynced in KINDS {
        let mut world = World::new(Corpus::of(&[Spec::new("corp.example/a", "v1.0.0")]), 1);
        world.private = std::mem::take(&mut world.mirrors);
        world.options.private = Patterns::parse("corp.example");
        given_and_cut(&world, GO_MOD, unsynced);
        assert!(world.cached(&world.proxy(), GO_MOD).is_ok(), "{unsynced:?}");
    }
}
