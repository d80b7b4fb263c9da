//! An inventory that is kept says what a new one would, whatever this process has changed since.

use std::path::Path;

use gosumcheck::store::modules::{InventoryFile, Modules, Provenance, Tree};
use gosumcheck::sumdb::gosum::Kind;
use proptest::prelude::*;

use crate::world::{BYTES, KINDS, admit_by, module, modules, recorded};

/// One below another, several versions of one, and one that stands alone.
const NAMES: [&str; 5] = [
    "example.com/a@v1.0.0",
    "example.com/a@v1.1.0",
    "example.com/a/v2@v2.0.0",
    "example.com/a/b/c@v1.0.0",
    "other.example/d@v1.0.0",
];

/// A change of the module of that number, the file of that kind, or what stands beside it.
fn change(modules: &Modules, what: u8, module_number: usize, kind: Kind) {
    let module = module(NAMES[module_number]);
    match what {
        0 => admit_by(modules, &module, kind, BYTES, &recorded()),
        1 => admit_by(modules, &module, kind, BYTES, &Provenance::FirstUse),
        2 => drop(modules.evict(&module, kind).unwrap()),
        3 => drop(modules.evict_remains(&module).unwrap()),
        4 => drop(modules.remove_file(Tree::FirstUse, &module, kind).unwrap()),
        _ => modules.write_info(Tree::Proven, &module, &[b' '; 9001][..1 + 2250 * module_number]).unwrap(),
    }
}

/// What tells files apart, in an order.
fn lines(files: &[InventoryFile]) -> Vec<String> {
    let mut lines: Vec<String> = files.iter().map(|file| format!("{file:?}")).collect();
    lines.sort();
    lines
}

/// What is left of a version stands under any of its names.
fn remains(files: &[InventoryFile]) -> Vec<String> {
    let mut lines: Vec<String> = files.iter().map(|file| format!("{} {} bytes", file.module, file.bytes)).collect();
    lines.sort();
    lines
}

fn opened(root: &Path) -> Modules {
    modules(&root.join("data"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_kept_inventory_says_what_a_new_one_does(
        before in prop::collection::vec((0..6_u8, 0..NAMES.len(), 0..2_usize), 0..12),
        after in prop::collection::vec((0..6_u8, 0..NAMES.len(), 0..2_usize, any::<bool>()), 1..24),
    ) {
        let root = tempfile::tempdir().unwrap();
        let modules = opened(root.path());
        for (what, number, kind) in before {
            change(&modules, what, number, KINDS[kind]);
        }
        let mut kept = modules.keep_inventory().unwrap();
        for (what, number, kind, looks) in after {
            // A clone, as servers have them; the changes are those of the data folder.
            change(&modules.clone(), what, number, KINDS[kind]);
            if looks {
                prop_assert!(kept.renew().unwrap());
                let (new, (files, left)) = (modules.inventory().unwrap(), kept.files());
                prop_assert_eq!(kept.bytes(), new.bytes);
                prop_assert_eq!(kept.len(), new.files.len() + new.remains.len());
                prop_assert_eq!(lines(&files), lines(&new.files));
                prop_assert_eq!(remains(&left), remains(&new.remains));
            }
        }
        let (files, all) = (kept.files(), kept.into_files());
        prop_assert_eq!((lines(&files.0), remains(&files.1)), (lines(&all.0), remains(&all.1)));
    }
}

#[test]
fn the_changes_of_other_processes_are_not_noted() {
    let root = tempfile::tempdir().unwrap();
    let (own, other) = (opened(root.path()), opened(root.path()));
    let mut kept = own.keep_inventory().unwrap();
    change(&other, 0, 0, Kind::Zip);
    assert!(kept.renew().unwrap());
    assert_eq!(kept.len(), 0);
    // A look at the place finds them.
    change(&own, 0, 0, Kind::GoMod);
    assert!(kept.renew().unwrap());
    assert_eq!(kept.len(), 2);
}
