//! What lies beside the module files.

use std::fs;
use std::time::SystemTime;

use gosumcheck::report::integrity::Flaw;
use gosumcheck::store::journal::Incident;
use gosumcheck::store::modules::Tree;
use gosumcheck::sumdb::gosum::Kind;

use super::world::{Changed, Module, World};

#[test]
fn what_is_kept_about_a_version_is_about_it() {
    let world = World::new();
    let module = &world.modules[1];
    let path = world.path(module, "info");
    let version = module.version.version();
    for good in [
        format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}"),
        format!("{{\"Version\":\"{version}\"}}\n"),
        format!(
            "{{\"Version\":\"{version}\",\"Origin\":{{\"VCS\":\"git\"}},\"Time\":\"2026-01-02T03:04:05.5+02:00\"}}"
        ),
    ] {
        world.folder().modules().write_info(Tree::Proven, &module.version, good.as_bytes()).unwrap();
        world.is_in_order();
    }
    for bad in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "{\"Version\":\"v9.9.9\"}".to_owned(),
        "{\"Time\":\"2026-01-02T03:04:05Z\"}".to_owned(),
        format!("{{\"Version\":\"{version}\",\"Time\":\"yesterday\"}}"),
        format!("{{\"Version\":\"{version}\"}} and more"),
        "<html>".to_owned(),
        // What the go command refuses, whatever other parsers make of it.
        format!("{{\"Version\":\"{version}\",\"version\":\"v9.9.9\"}}"),
        format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\",\"time\":\"now\"}}"),
        format!("{{\"Version\":\"{version}\",\"Origin\":\"git\"}}"),
        format!("{{\"Version\":\"{version}\"}}{}", " ".repeat(100_000)),
    ] {
        fs::write(&path, &bad).unwrap();
        let finding = world.finds(Flaw::ModuleInfo, &path);
        assert_eq!(finding.module.unwrap().version, version.to_string(), "{bad}");
    }
}

#[test]
fn a_list_names_versions_of_its_module() {
    let world = World::new();
    let module = &world.modules[1];
    let path = world.path(module, "info").with_file_name("list");
    world.folder().modules().write_list(module.version.path()).unwrap();
    let right = fs::read(&path).unwrap();
    world.is_in_order();
    // It may lag behind what is here.
    fs::write(&path, "").unwrap();
    world.is_in_order();
    for bad in ["x\n", "v9.0.0\n", "v1.0.0", "v1.1.0\nv1.0.0\n", "<html>", "v2.0.0-20260102030405-0123456789ab\n"] {
        fs::write(&path, bad).unwrap();
        assert!(world.finds(Flaw::ModuleInfo, &path).next.unwrap().contains("delete"), "{bad}");
    }
    fs::write(&path, right).unwrap();
    world.is_in_order();
}

/// What is behind it is neither served nor verified, so that it is told.
#[test]
fn a_link_on_the_way_to_a_file_is_told() {
    let world = World::new();
    let folder = world.path(&world.modules[1], "info").parent().unwrap().to_path_buf();
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    let copied = std::process::Command::new("cp").arg("-a").args([&folder, &moved]).status().unwrap();
    assert!(copied.success());
    fs::remove_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(&moved, &folder).unwrap();
    assert!(world.finds(Flaw::Stray, &folder).what.contains("a link"));
}

/// Refuses a file as `serve` does; gives where it is kept.
fn refuse(world: &World, report: &[u8]) -> std::path::PathBuf {
    let other = Module::new("example.com/refused", "v1.0.0", 10);
    let store = world.folder().modules();
    let mut arrival = store.arrival(&other.version, Kind::Zip).unwrap();
    arrival.append(b"not what the log has").unwrap();
    store.refuse(arrival, "https://liar.example", report).unwrap().unwrap().with_extension("")
}

#[test]
fn what_was_refused_has_its_report() {
    let world = World::new();
    let file = refuse(&world, b"{\"why\": \"wrong hash\"}");
    let report = world.verify();
    assert_eq!(report.findings, []);
    let figures = report.figures.modules.unwrap();
    assert_eq!((figures.refused, figures.refused_bytes), (1, 20));
    assert!(report.notices.iter().any(|notice| notice.text.contains("1 refused file")), "{:?}", report.notices);

    let beside = world.root().join("refused").join(format!("{}.json", file.file_name().unwrap().to_str().unwrap()));
    for bad in ["", "{", "[]", "html"] {
        let _changed = Changed::to(&beside, bad.as_bytes());
        world.finds(Flaw::Refused, &beside);
    }
    {
        let _removed = Changed::removed(&beside);
        world.finds(Flaw::Refused, &file);
    }
    let _gone = Changed::removed(&file);
    assert_eq!(world.verify().findings, [], "a report is written before the file that it is about");
    let folder = world.root().join("refused/folder");
    fs::create_dir(&folder).unwrap();
    world.finds(Flaw::Stray, &folder);
}

/// Something that a server wrote down.
pub(crate) fn incident() -> Incident {
    let [module, version, file, expected, got, upstream, why] =
        ["example.com/a", "v1.0.0", "zip", "h1:a", "h1:b", "https://mirror.example", "wrong"].map(str::to_owned);
    let at = SystemTime::UNIX_EPOCH;
    Incident { at, module, version, file, expected, got, upstream, record: Some(7), tree: Some(9), report: None, why }
}

#[test]
fn a_broken_journal_is_told_and_left_where_it_is() {
    let world = World::new();
    let path = world.root().join("proxy.sqlite");
    {
        let journal = world.folder().journal().unwrap();
        journal.add(&incident()).unwrap();
        world.is_in_order();
    }
    world.is_in_order();
    let before = fs::read(&path).unwrap();
    let pages = (0..before.len()).step_by(4096).skip(1).map(|page| (page, vec![0xa5; 64]));
    for (at, bytes) in pages.chain([(0, b"no SQLite file".to_vec())]) {
        let mut broken = before.clone();
        broken[at..at + bytes.len()].copy_from_slice(&bytes);
        fs::write(&path, &broken).unwrap();
        let report = world.verify();
        assert!(report.findings.iter().all(|finding| finding.flaw == Flaw::Journal), "{:#?}", report.findings);
        assert!(!report.findings.is_empty(), "{at}");
        assert_eq!(fs::read(&path).unwrap(), broken);
    }
    fs::write(&path, &before[..before.len() / 2]).unwrap();
    assert!(!world.verify().findings.is_empty());
    fs::remove_file(&path).unwrap();
    world.is_in_order();
}

/// They prove nothing, and cannot be had again exactly.
#[test]
fn broken_times_of_admission_are_told_and_left_where_they_are() {
    let world = World::new();
    let path = world.root().join("store/admitted.sqlite");
    let modules = world.folder().modules();
    world.is_in_order();
    modules.complete_admissions().unwrap();
    world.is_in_order();
    let is_noted = || world.verify().notices.iter().any(|notice| notice.text.contains("1 stored versions are not in"));
    assert!(!is_noted());
    let db = rusqlite::Connection::open(&path).unwrap();
    let one = "SELECT min(at) FROM admitted";
    db.execute(&format!("UPDATE admitted SET version = 'v1' WHERE at = ({one})"), []).unwrap();
    assert!(world.finds(Flaw::Journal, &path).what.contains("cannot be a module version"));
    db.execute(&format!("DELETE FROM admitted WHERE at = ({one})"), []).unwrap();
    db.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    drop(db);
    world.is_in_order();
    assert!(is_noted(), "a server adds it");
    let before = fs::read(&path).unwrap();
    for (at, bytes) in [(0, b"no SQLite file".to_vec()), (4096, vec![0xa5; 64])] {
        let mut broken = before.clone();
        broken[at..at + bytes.len()].copy_from_slice(&bytes);
        fs::write(&path, &broken).unwrap();
        assert!(world.finds(Flaw::Journal, &path).next.unwrap().contains("sets it aside"), "{at}");
        assert_eq!(fs::read(&path).unwrap(), broken);
    }
    fs::remove_file(&path).unwrap();
    world.is_in_order();
}
