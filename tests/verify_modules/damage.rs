//! Every module file in turn, damaged in every way: it is found and named, and nothing else is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use gosumcheck::report::integrity::Flaw;
use gosumcheck::sumdb::gosum::Kind;

use super::world::{Changed, Module, World, ending};

#[test]
fn a_store_in_order_has_no_finding() {
    World::new().is_in_order();
}

/// Every module file in turn, as `change` leaves it, is the one finding.
fn each_in_turn(change: impl Fn(&World, &Module, Kind, &Path) -> (Vec<Changed>, Flaw)) {
    let world = World::new();
    for (module, kind, path) in world.files() {
        let (_changed, flaw) = change(&world, module, kind, &path);
        let finding = world.finds(flaw, &path);
        let named = finding.module.unwrap();
        assert_eq!(named.path, module.version.path().as_str());
        assert_eq!(named.version, module.version.version().to_string());
        assert!(finding.next.unwrap().contains(path.to_str().unwrap()));
        if let Some(expected) = named.expected {
            assert_eq!(expected, module.hash(kind).to_string());
        }
    }
    world.is_in_order();
}

fn with_byte(at: impl Fn(usize) -> usize) {
    each_in_turn(|_, module, kind, path| {
        let mut bytes = module.bytes(kind).to_vec();
        let at = at(bytes.len());
        bytes[at] ^= 1;
        (vec![Changed::to(path, &bytes)], Flaw::ModuleDamaged)
    });
}

#[test]
fn the_first_byte() {
    with_byte(|_| 0);
}

#[test]
fn a_byte_in_the_midst() {
    each_in_turn(|_, module, kind, path| {
        // In a zip, one of a file's content: there are bytes that no hash is about, such as times.
        let mut bytes = module.bytes(kind).to_vec();
        let at = memchr::memmem::find(&bytes, b"LICENSE").map_or(bytes.len() / 2, |name| name + "LICENSE".len() + 1);
        bytes[at] ^= 1;
        (vec![Changed::to(path, &bytes)], Flaw::ModuleDamaged)
    });
}

#[test]
fn the_last_byte() {
    with_byte(|len| len - 1);
}

#[test]
fn cut_off() {
    for keep in [|_| 0, |len| len / 2, |len: usize| len - 1] {
        each_in_turn(|_, module, kind, path| {
            let bytes = module.bytes(kind);
            (vec![Changed::to(path, &bytes[..keep(bytes.len())])], Flaw::ModuleDamaged)
        });
    }
}

#[test]
fn bytes_added() {
    let world = World::new();
    for (module, kind, path) in world.files() {
        let _changed = Changed::to(&path, &[module.bytes(kind), b"\n"].concat());
        match kind {
            Kind::GoMod => drop(world.finds(Flaw::ModuleDamaged, &path)),
            // A zip is known by the files in it, to the go command too: bytes behind it change none of them.
            Kind::Zip => assert_eq!(world.verify().findings, []),
        }
    }
}

/// A module of another path.
fn other_than<'a>(world: &'a World, module: &Module) -> &'a Module {
    world.modules.iter().find(|other| other.version.path() != module.version.path()).unwrap()
}

#[test]
fn swapped_with_another() {
    each_in_turn(|world, module, kind, path| {
        let other = other_than(world, module);
        (vec![Changed::to(path, other.bytes(kind))], Flaw::ModuleDamaged)
    });
}

#[test]
fn swapped_together_with_its_hash() {
    let world = World::new();
    for (module, kind, path) in world.files() {
        let other = other_than(&world, module);
        let beside = path.with_extension(format!("{}hash", ending(kind)));
        let _both =
            (Changed::to(&path, other.bytes(kind)), Changed::to(&beside, other.hash(kind).to_string().as_bytes()));
        if module.version.path().as_str().starts_with(super::world::PRIVATE) && kind == Kind::GoMod {
            // Nothing but its pin vouches for what is private, and it was changed too: only a copy elsewhere could tell.
            assert_eq!(world.verify().findings, []);
            continue;
        }
        let is_private = module.version.path().as_str().starts_with(super::world::PRIVATE);
        // A private zip still has names that are not its own.
        let flaw = if is_private { Flaw::ModuleRules } else { Flaw::ModuleDamaged };
        let finding = world.finds(flaw, &path);
        assert_eq!(is_private, !finding.what.contains("the hash beside it was changed with it"), "{}", finding.what);
    }
    world.is_in_order();
}

#[test]
fn without_the_hash_beside_it() {
    each_in_turn(|_, module, kind, path| {
        let beside = path.with_extension(format!("{}hash", ending(kind)));
        let is_private = module.version.path().as_str().starts_with(super::world::PRIVATE);
        let flaw = if is_private { Flaw::ModuleUnrecorded } else { Flaw::ModuleHash };
        (vec![Changed::removed(&beside)], flaw)
    });
}

#[test]
fn with_a_wrong_hash_beside_it() {
    for text in ["h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "h1:short", "", "h2:x"] {
        each_in_turn(|_, module, kind, path| {
            let beside = path.with_extension(format!("{}hash", ending(kind)));
            let is_private = module.version.path().as_str().starts_with(super::world::PRIVATE);
            let flaw = match (is_private, text) {
                (false, _) => Flaw::ModuleHash,
                (true, "" | "h1:short") => Flaw::ModuleUnrecorded,
                (true, _) => return (vec![Changed::to(path, b"neither")], Flaw::ModuleDamaged),
            };
            (vec![Changed::to(&beside, text.as_bytes())], flaw)
        });
    }
}

#[test]
fn something_else_in_its_place() {
    let world = World::new();
    for (module, kind, path) in world.files() {
        let kept = world.root().join("elsewhere");
        fs::write(&kept, module.bytes(kind)).unwrap();
        for is_link in [true, false] {
            let _changed = Changed::removed(&path);
            if is_link {
                symlink(&kept, &path).unwrap()
            } else {
                fs::create_dir(&path).unwrap()
            }
            let finding = world.finds(Flaw::ModuleDamaged, &path);
            assert!(finding.what.contains(if is_link { "a link" } else { "a folder" }), "{}", finding.what);
            assert_eq!(finding.module.unwrap().path, module.version.path().as_str());
        }
    }
    world.is_in_order();
}

#[test]
fn removed_is_no_finding_and_named() {
    let world = World::new();
    for (_, _, path) in world.files() {
        let _changed = Changed::removed(&path);
        let report = world.verify();
        assert_eq!(report.findings, []);
        assert_eq!(report.figures.modules.unwrap().evicted, 1);
        assert!(report.notices.iter().any(|notice| notice.text.contains(path.to_str().unwrap())), "{report:?}");
    }
}

#[test]
fn a_hash_that_is_left_of_a_file_is_what_may_come_back() {
    let world = World::new();
    let (_, _, path) = world.files().swap_remove(0);
    let _file = Changed::removed(&path);
    let _hash = Changed::to(&path.with_extension("ziphash"), b"h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let finding = world.finds(Flaw::ModuleHash, &path);
    assert!(finding.what.contains("is missing, and its stored hash is"), "{}", finding.what);
}

#[test]
fn strays() {
    let world = World::new();
    let (_, _, path) = world.files().swap_remove(0);
    let folder = path.parent().unwrap();
    for name in ["v1.0.0.zip.tmp", "lists", "README", "v1.zip", "v01.0.0.mod", "v1.0.0.lock", "master.info"] {
        let stray = folder.join(name);
        let _stray = Changed::to(&stray, b"x");
        assert!(world.finds(Flaw::Stray, &stray).next.unwrap().contains("move"), "{name}");
    }
    for name in ["x", "Example.com/a/@v/v1.0.0.zip", "example.com/v2/@v/v1.0.0.zip"] {
        let stray = world.root().join("modules").join(name);
        let _stray = Changed::to(&stray, b"x");
        world.finds(Flaw::Stray, &stray);
    }
    world.is_in_order();
}

#[test]
fn a_zip_that_go_would_not_unpack() {
    let mut bad = Module::new("example.com/bad", "v1.0.0", 10);
    // As recorded, and of another module.
    bad.zip = Module::new("example.com/other", "v1.0.0", 10).zip;
    let world = World::of(super::world::modules().into_iter().chain([bad.clone()]).collect());
    let path = world.path(&bad, "zip");
    let finding = world.finds(Flaw::ModuleRules, &path);
    assert!(finding.what.contains("example.com/bad@v1.0.0/"), "{}", finding.what);
}

#[test]
fn many_at_once_are_all_told_in_the_order_of_their_paths() {
    let world = World::new();
    let mut files = world.files();
    let _changed: Vec<Changed> = files.iter().map(|(_, _, path)| Changed::to(path, b"none")).collect();
    let report = world.verify();
    let told: Vec<&str> = report.findings.iter().map(|finding| finding.file.as_str()).collect();
    files.sort_by(|(_, _, one), (_, _, other)| one.cmp(other));
    let expected: Vec<&str> = files.iter().map(|(_, _, path)| path.to_str().unwrap()).collect();
    assert_eq!(told, expected);
}
