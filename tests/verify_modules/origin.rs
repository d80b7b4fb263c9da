//! Files that were admitted under other settings: reported as what they are, and never as damage of the disk.

use std::fs;
use std::path::PathBuf;

use gosumcheck::report::integrity::{Finding, Flaw};
use gosumcheck::store::modules::{Proof, Provenance};
use gosumcheck::sumdb::gosum::Kind;

use super::world::{Changed, Module, World, ending};

const OTHER: &str = "other.example+00000000+AcKey";

/// Bytes of a module that another database has a record of, admitted under that one in place of the module's own.
fn admitted_under_another(world: &World, module: &Module, kind: Kind, bytes_of: &Module) -> PathBuf {
    let path = world.path(module, ending(kind));
    for suffix in [ending(kind).to_owned(), format!("{}hash", ending(kind)), format!("{}proof", ending(kind))] {
        let _ = fs::remove_file(path.with_extension(suffix)); // a first use has no proof
    }
    let store = world.folder().modules();
    let mut arrival = store.arrival(&module.version, kind).unwrap();
    arrival.append(bytes_of.bytes(kind)).unwrap();
    let by = Provenance::Recorded(Proof { database: OTHER.to_owned(), record: 4711 });
    store.admit(arrival, &bytes_of.hash(kind), &by).unwrap();
    path
}

/// The same module with other bytes.
fn changed(module: &Module) -> Module {
    Module::new(module.version.path().as_str(), &module.version.version().to_string(), 4_000)
}

fn is_not_damage(finding: &Finding) {
    assert_eq!(finding.flaw.id(), "module-other-policy");
    assert!(!finding.flaw.next().contains("Check the disk"), "{}", finding.flaw.next());
}

#[test]
fn what_another_database_proved_is_told_with_both_records() {
    let world = World::new();
    let module = world.modules[0].clone();
    let other = changed(&module);
    let path = admitted_under_another(&world, &module, Kind::Zip, &other);
    let finding = world.finds(Flaw::ModuleOtherPolicy, &path);
    is_not_damage(&finding);
    let record = world.log.db.find("example.com/plain", "v1.0.0").unwrap();
    for told in [
        format!("record 4711 of {OTHER}"),
        other.hash(Kind::Zip).to_string(),
        format!("record {record} of {}", world.log.db.name()),
        module.hash(Kind::Zip).to_string(),
    ] {
        assert!(finding.what.contains(&told), "{told}: {}", finding.what);
    }
    let named = finding.module.unwrap();
    assert_eq!(named.expected.unwrap(), module.hash(Kind::Zip).to_string());
    assert_eq!(named.got.unwrap(), other.hash(Kind::Zip).to_string());
    // Damaged under either is damaged.
    let _changed = Changed::to(&path, b"none");
    let finding = world.finds(Flaw::ModuleDamaged, &path);
    assert!(finding.what.contains("expected"), "{}", finding.what);
    let mut bytes = other.zip.clone();
    let at = memchr::memmem::find(&bytes, b"LICENSE").unwrap() + "LICENSE".len() + 1;
    bytes[at] ^= 1;
    let _changed = Changed::to(&path, &bytes);
    world.finds(Flaw::ModuleDamaged, &path);
}

#[test]
fn what_another_database_proved_to_be_the_same_is_in_order() {
    let world = World::new();
    let module = world.modules[0].clone();
    admitted_under_another(&world, &module, Kind::Zip, &module);
    admitted_under_another(&world, &module, Kind::GoMod, &module);
    world.is_in_order();
}

#[test]
fn what_another_database_proved_and_this_one_cannot_is_told_as_such() {
    let world = World::without_log();
    world.keep_answers();
    world.is_in_order();
    let module = world.modules[0].clone();
    let path = admitted_under_another(&world, &module, Kind::Zip, &changed(&module));
    let lookup = world.root().join("cache").join(world.log.db.name()).join("lookup/example.com/plain@v1.0.0");
    let _lookup = Changed::removed(&lookup);
    let report = world.verify();
    let finding = report.findings.iter().find(|finding| finding.file == path.to_str().unwrap()).unwrap();
    is_not_damage(finding);
    assert!(finding.what.contains(OTHER) && finding.what.contains("nothing here proves it"), "{}", finding.what);
}

#[test]
fn what_was_public_when_it_was_proven_is_told_where_it_is_private() {
    let mut world = World::new();
    world.private = "corp.example,example.com/plain";
    let report = world.verify();
    assert_eq!(report.counts, [(Flaw::ModuleOtherPolicy, 6)], "{:#?}", report.findings);
    for finding in &report.findings {
        is_not_damage(finding);
        assert!(
            finding.what.contains("private now") && finding.what.contains(&world.log.db.vkey()),
            "{}",
            finding.what
        );
    }
}

#[test]
fn what_first_use_pinned_is_told_where_it_is_not_private() {
    let mut world = World::new();
    world.private = "";
    let report = world.verify();
    assert_eq!(report.counts, [(Flaw::ModuleUnrecorded, 2)]);
    for finding in &report.findings {
        assert!(finding.what.contains("what first use of a private module pinned"), "{}", finding.what);
        assert!(finding.file.contains("/private/"), "{}", finding.file);
    }
}

#[test]
fn the_record_of_a_public_module_says_nothing_of_a_first_use() {
    let world = World::new();
    let module = world.modules[0].clone();
    let other = changed(&module);
    let store = world.folder().modules();
    let mut arrival = store.arrival(&module.version, Kind::Zip).unwrap();
    arrival.append(&other.zip).unwrap();
    store.admit(arrival, &other.hash(Kind::Zip), &Provenance::FirstUse).unwrap();
    let path = world.root().join("private/example.com/plain/@v/v1.0.0.zip");
    let finding = world.finds(Flaw::ModuleUnrecorded, &path);
    assert!(finding.what.contains("does not answer public requests"), "{}", finding.what);
}

/// Folders from before proofs were stored, with a hash beside each file and nothing else.
#[test]
fn what_has_no_proof_is_judged_by_its_record_or_told() {
    let world = World::new();
    for (_, kind, path) in world.files().into_iter().filter(|(module, ..)| !module.is_private()) {
        fs::remove_file(path.with_extension(format!("{}proof", ending(kind)))).unwrap();
    }
    world.is_in_order();
    let module = world.modules[0].clone();
    let (other, path) = (changed(&module), world.path(&module, "zip"));
    let hash = other.hash(Kind::Zip).to_string();
    let _both = (Changed::to(&path, &other.zip), Changed::to(&path.with_extension("ziphash"), hash.as_bytes()));
    let finding = world.finds(Flaw::ModuleOtherPolicy, &path);
    is_not_damage(&finding);
    assert!(finding.what.contains("no proof names its database") && finding.what.contains(&hash), "{}", finding.what);
    // Without a hash beside it, it is nobody's.
    let _removed = Changed::removed(&path.with_extension("ziphash"));
    world.finds(Flaw::ModuleDamaged, &path);
}

#[test]
fn a_private_file_of_an_old_folder_is_what_first_use_pinned() {
    let world = World::new();
    let old = world.root().join("modules/corp.example/secret/@v");
    fs::create_dir_all(&old).unwrap();
    let new = world.root().join("private/corp.example/secret/@v");
    for name in ["v1.0.0.zip", "v1.0.0.ziphash", "v1.0.0.mod", "v1.0.0.modhash"] {
        fs::rename(new.join(name), old.join(name)).unwrap();
    }
    world.is_in_order();
}

/// The proof beside a file is of other bytes, of which nothing is here.
#[test]
fn a_proof_that_is_not_the_files_is_told() {
    let world = World::new();
    let module = world.modules[0].clone();
    let path = world.path(&module, "zip");
    let text = |hash: &str| format!("{hash}\nrecord 1 of {}\n", world.log.db.vkey());
    let other = changed(&module).hash(Kind::Zip).to_string();
    {
        let _changed = Changed::to(&path.with_extension("zipproof"), text(&other).as_bytes());
        let finding = world.finds(Flaw::ModuleHash, &path);
        assert!(finding.what.contains(&other), "{}", finding.what);
    }
    for damaged in ["", "h1:", "\0\0\0"] {
        // As a power cut leaves it: it is proven again by the next question.
        let _changed = Changed::to(&path.with_extension("zipproof"), damaged.as_bytes());
        world.is_in_order();
    }
}
