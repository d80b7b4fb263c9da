//! By what the files are judged: records of a full log or of kept answers, and pins where a module is private.

use gosumcheck::report::integrity::Flaw;

use super::world::{Changed, World};

#[test]
fn a_module_that_no_log_has_is_told_unless_it_is_private() {
    let mut world = World::new();
    world.private = "";
    let report = world.verify();
    assert_eq!(report.findings.len(), 2, "{:#?}", report.findings);
    for finding in &report.findings {
        assert_eq!(finding.flaw, Flaw::ModuleUnrecorded);
        assert_eq!(finding.module.as_ref().unwrap().path, "corp.example/secret");
        assert_eq!(finding.module.as_ref().unwrap().expected, finding.module.as_ref().unwrap().got);
    }
}

#[test]
fn answers_that_a_server_kept_prove_as_much_as_a_full_log() {
    let world = World::without_log();
    let report = world.verify();
    assert_eq!(report.counts, [(Flaw::ModuleUnrecorded, 14)], "nothing is kept yet");
    world.keep_answers();
    world.is_in_order();
    let (_, _, path) = world.files().swap_remove(0);
    let _changed = Changed::to(&path, b"none");
    world.finds(Flaw::ModuleDamaged, &path);
}

#[test]
fn an_answer_that_was_changed_proves_nothing() {
    let world = World::without_log();
    world.keep_answers();
    let folder = world.root().join("cache").join(world.log.db.name()).join("lookup/example.com");
    let answer = folder.join("plain@v1.0.0");
    let text = std::fs::read_to_string(&answer).unwrap();
    let _changed = Changed::to(&answer, text.replacen("h1:", "h1:A", 1).replacen("=\n", "\n", 1).as_bytes());
    let report = world.verify();
    assert_eq!(report.counts, [(Flaw::ModuleUnrecorded, 2)], "{:#?}", report.findings);
    let told: Vec<&str> =
        report.findings.iter().map(|finding| finding.module.as_ref().unwrap().version.as_str()).collect();
    assert_eq!(told, ["v1.0.0", "v1.0.0"]);
}

#[test]
fn a_damaged_record_of_the_full_log_proves_nothing() {
    let world = World::new();
    let records = world.log.bytes("records");
    let at = memchr::memmem::find(&records, b"gopkg.in/yaml.v3 v3.0.1 h1:").unwrap() + 30;
    let mut damaged = records.clone();
    damaged[at] ^= 1;
    world.log.put("records", &damaged);
    let report = world.verify();
    assert!(!report.findings.is_empty(), "what cannot be proven is told");
    assert!(report.findings.iter().all(|finding| finding.flaw == Flaw::ModuleUnrecorded), "{:#?}", report.findings);
    world.log.put("records", &records);
    world.is_in_order();
}

#[test]
fn a_newer_head_that_was_remembered_leaves_the_full_log_its_worth() {
    let world = World::new();
    let log = &world.log;
    // Another command asks, and the log has grown since it was mirrored.
    for n in 0..700 {
        let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        log.db.append(super::fake::Given::new(&format!("example.com/new{n}"), "v1.0.0", hash, hash));
    }
    world.keep_answers();
    world.is_in_order();
}

#[test]
fn nobody_is_asked_and_nothing_is_changed() {
    for world in [World::new(), World::without_log()] {
        let before = super::program::contents(world.root());
        world.verify();
        assert_eq!(super::program::contents(world.root()), before);
    }
}
