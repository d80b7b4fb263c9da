//! Power cuts during an import, whose names become durable together: what it said to be here is here when power comes back, what else has
//! a name is right, and the next import has all of it.

use std::collections::BTreeMap;
use std::fs;

use gosumcheck::transfer::ModuleVerdict;

use crate::crash::{import_on, unpacked};
use crate::power_disk::{PowerDisk, Unsynced};
use crate::world::{MODULES, World, content_of};

/// The files that a log proves; an `.info` can be asked for again.
fn proven(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    files.into_iter().filter(|(name, _)| !name.ends_with(".info")).collect()
}

#[test]
fn a_power_cut_at_any_change_takes_nothing_that_was_said_to_be_here() {
    let world = World::of(&MODULES[..2]);
    let (from, sumdb, data) = (world.goproxy("goproxy"), unpacked(&world), world.at("data"));
    let expected = proven(world.everything());
    let mut done = false;
    for k in 0.. {
        if done {
            assert!(k > 50, "{k} changes");
            break;
        }
        for unsynced in [Unsynced::Lost, Unsynced::NewNames] {
            let whence = format!("after {k} changes, {unsynced:?}");
            let disk = PowerDisk::new(k);
            let said = import_on(&world, &from, &sumdb, &data, Box::new(disk.clone()));
            done = said.is_ok() && disk.is_on();
            disk.come_back(unsynced);
            let found = proven(world.stored("data"));
            assert!(found.iter().all(|(name, bytes)| expected.get(name) == Some(bytes)), "{whence}");
            assert!(said.is_err() || found == expected, "{whence}: told done, found {:?}", found.keys());
            let disk = PowerDisk::new(usize::MAX);
            import_on(&world, &from, &sumdb, &data, Box::new(disk.clone())).unwrap();
            disk.come_back(unsynced);
            assert_eq!(proven(world.stored("data")), expected, "{whence}");
            fs::remove_dir_all(&data).unwrap();
        }
    }
}

/// The process dies first, and power goes only after the next import.
#[test]
fn what_an_import_that_died_left_is_durable_once_the_next_says_so() {
    let world = World::of(&MODULES[..1]);
    let (from, sumdb, data) = (world.goproxy("goproxy"), unpacked(&world), world.at("data"));
    let expected = proven(world.everything());
    for k in 0.. {
        let first = PowerDisk::new(k);
        let died = import_on(&world, &from, &sumdb, &data, Box::new(first.clone())).is_err();
        let next = first.goes_on();
        import_on(&world, &from, &sumdb, &data, Box::new(next.clone())).unwrap();
        next.come_back(Unsynced::Lost);
        assert_eq!(proven(world.stored("data")), expected, "after {k} changes");
        fs::remove_dir_all(&data).unwrap();
        if !died && first.is_on() {
            assert!(k > 30, "{k} changes");
            break;
        }
    }
}

#[test]
fn a_corrupt_file_among_others_spoils_only_itself() {
    let world = World::new();
    let (from, sumdb, data) = (world.goproxy("goproxy"), unpacked(&world), world.at("data"));
    let spoilt = "a.example/one/@v/v1.0.0.zip";
    let mut zip = fs::read(from.join(spoilt)).unwrap();
    let at = content_of(&zip);
    zip[at] ^= 1;
    fs::write(from.join(spoilt), zip).unwrap();
    let disk = PowerDisk::new(usize::MAX);
    let imported = import_on(&world, &from, &sumdb, &data, Box::new(disk.clone())).unwrap();
    disk.come_back(Unsynced::Lost);
    assert_eq!((imported.stored, imported.modules, imported.others.len()), (8, 3, 1), "{:?}", imported.others);
    assert_eq!(imported.others[0].request.to_string(), spoilt);
    assert!(matches!(imported.others[0].verdict, ModuleVerdict::Refused(_)), "{:?}", imported.others);
    let mut expected = proven(world.everything());
    expected.remove(spoilt);
    assert_eq!(proven(world.stored("data")), expected);
}
