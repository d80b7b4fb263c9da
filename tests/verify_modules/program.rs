//! The command: what it looks at, what it says, and that it changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::command::{Machine, Ran};
use super::world::{Changed, World};

/// Everything below a folder: the bytes of each file and when they were written.
pub(crate) fn contents(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let files = super::common::files_below(root).into_iter();
    files.map(|path| (path.clone(), (fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap()))).collect()
}

fn machine(world: &World) -> Machine {
    let mut machine = Machine::new();
    machine.set("GOSUMDB", world.log.db.vkey()).set("GOSUMCHECK_DATA", world.root().to_str().unwrap());
    machine
}

fn verify(world: &World, args: &[&str]) -> Ran {
    machine(world).run(&[&["verify", "--private", "corp.example", "--no-index"], args].concat())
}

#[test]
fn a_folder_in_order_is_told_in_one_line_and_left_alone() {
    let world = World::new();
    world.folder().journal().unwrap().add(&super::beside::incident()).unwrap();
    let before = contents(world.root());
    verify(&world, &[])
        .says(0, &["16 module files (", "14 by their records, 2 by their pins: all derived again"])
        .quiet();
    verify(&world, &["--no-log"])
        .says(0, &["16 module files (", "2 by their pins: all hashed again under tree 607"])
        .quiet();
    verify(&world, &["--threads", "1"]).says(0, &["607 records"]);
    machine(&world).run(&["verify", "--no-modules", "--no-index"]).says(0, &["607 records"]).quiet();
    assert!(contents(world.root()) == before, "verify changes nothing");
}

#[test]
fn a_folder_without_a_log_is_judged_by_what_is_kept() {
    let world = World::without_log();
    world.keep_answers();
    let before = contents(world.root());
    verify(&world, &[]).says(0, &["no full log is held here", "14 by their records"]).quiet();
    let ran = verify(&world, &["--no-log"]);
    assert!(!ran.says(0, &["14 by their records"]).out.contains("no full log"), "{}", ran.show());
    assert!(contents(world.root()) == before, "verify changes nothing");
    // Where there is nothing at all that is said, as ever.
    let empty = Machine::new();
    empty.run(&["verify"]).complains(2, &["there is no mirror of this log here", "gosumcheck sync"]);
    empty.run(&["verify", "--no-log"]).complains(2, &["holds no modules", "gosumcheck serve", "--data"]);
    machine(&world).run(&["verify", "--no-modules"]).complains(2, &["there is no mirror of this log here"]);
    empty.run(&["verify", "--no-modules", "--no-log"]).complains(2, &["cannot be used with"]);
}

#[test]
fn what_is_private_is_known_as_serve_knows_it() {
    let world = World::new();
    let run = |machine: &Machine, args: &[&str]| machine.run(&[&["verify", "--no-log"], args].concat());
    run(&machine(&world), &[]).says(1, &["module-not-recorded", "corp.example/secret v1.0.0", "--private"]);
    run(machine(&world).set("GOSUMCHECK_PRIVATE", "corp.example"), &[]).says(0, &[]);
    run(machine(&world).set("GOPRIVATE", "corp.example/*"), &[]).says(0, &[]);
    run(machine(&world).set("GOPRIVATE", "corp.example/*"), &["--private", "none"]).says(1, &["module-not-recorded"]);
    let file = machine(&world);
    file.write("g.toml", "private = [\"corp.example\"]\n");
    run(&file, &["--config", "g.toml"]).says(0, &[]);
    run(&file, &["--config", "none.toml"]).complains(2, &["none.toml"]);
    run(&file, &["--private", "corp.example,[x"]).complains(2, &["\"[x\" matches no module", "malformed"]);
    run(machine(&world).set("GOPRIVATE", "corp.example,[x"), &[]).says(0, &["warning: GOPRIVATE", "malformed"]);
}

#[test]
fn a_changed_file_is_named_with_what_to_do() {
    let world = World::new();
    let (module, kind, path) = world.files().swap_remove(2);
    let _changed = Changed::to(&path, b"none");
    let shown = path.to_str().unwrap();
    let expected = module.hash(kind).to_string();
    let next = format!("delete {shown} and {}hash: it is fetched again and proven", shown);
    verify(&world, &[])
        .says(1, &[shown, "module-damaged", "example.com/plain v1.1.0-rc.1", &expected, &next, "1 finding"]);
}

#[test]
fn a_damaged_log_does_not_hide_the_modules() {
    let world = World::new();
    let (_, _, path) = world.files().swap_remove(0);
    let _changed = Changed::to(&path, b"none");
    let (head, heads) = (world.log.path("head"), world.log.path("heads"));
    let _lost = (Changed::removed(&head), Changed::removed(&heads));
    let ran = verify(&world, &[]);
    ran.says(1, &["has no signed head left", path.to_str().unwrap(), "module-damaged"]);
}

#[test]
fn the_report_for_programs() {
    let world = World::new();
    let (_, _, zip) = world.files().swap_remove(0);
    let _zip = Changed::to(&zip, b"none");
    let stray = world.root().join("modules/stray");
    let _stray = Changed::to(&stray, b"");
    let ran = verify(&world, &["--format", "json", "--no-log"]);
    assert_eq!(ran.code, 1, "{}", ran.show());
    let mut report = ran.json();
    // What differs from one run of this test to the next.
    let note = report["head"]["note"].take();
    assert!(note.as_str().unwrap().starts_with("go.sum database tree\n607\n"));
    let root = world.root().to_str().unwrap();
    let text = serde_json::to_string_pretty(&report).unwrap().replace(root, "DATA") + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden/modules.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&golden).unwrap_or_default(), "UPDATE_GOLDEN=1 accepts this");
}
