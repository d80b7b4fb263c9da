//! A journal that is damaged, or something else: a check names it, a call that writes sets it aside, no call is kept from its work.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gosumcheck::fault::Fault;
use rusqlite::Connection;

use crate::journal::{file, hint, incident, journal};
use crate::world::names;

/// What may stand in the place of a journal, by what it is.
fn strangers(root: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let whole = {
        let journal = journal(root);
        journal.keep_hint("x", &hint(&"x".repeat(100_000), 0)).unwrap();
        journal.add(&incident(0)).unwrap();
        drop(journal);
        let bytes = fs::read(file(root)).unwrap();
        fs::remove_file(file(root)).unwrap();
        bytes
    };
    let with = |change: &dyn Fn(&Connection)| {
        fs::write(file(root), &whole).unwrap();
        let db = Connection::open(file(root)).unwrap();
        db.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
        change(&db);
        drop(db);
        let bytes = fs::read(file(root)).unwrap();
        fs::remove_file(file(root)).unwrap();
        bytes
    };
    let sql = |text: &'static str| with(&move |db: &Connection| db.execute_batch(text).unwrap());
    let mut zeros = whole.clone();
    zeros[..4096].fill(0);
    let mut scribbled = whole.clone();
    scribbled[100..4096].fill(0xff);
    vec![
        ("a text", b"this was never a database\n".repeat(500)),
        ("zeros", vec![0; 8192]),
        ("a header of zeros", zeros),
        ("scribbled on", scribbled),
        ("cut off", whole[..5000].to_vec()),
        ("another application", sql("PRAGMA application_id = 7")),
        ("of no application", sql("PRAGMA application_id = 0; PRAGMA user_version = 0")),
        ("an old form", sql("PRAGMA user_version = 0")),
        ("without a table", sql("DROP TABLE incident")),
        ("without an index", sql("DROP INDEX hint_by_age")),
        ("another table", sql("DROP TABLE hint; CREATE TABLE hint (path TEXT)")),
    ]
}

#[test]
fn a_broken_file_is_named_by_a_check_then_set_aside_and_begun_anew() {
    let scratch = tempfile::tempdir().unwrap();
    for (what, bytes) in strangers(scratch.path()) {
        let root = tempfile::tempdir().unwrap();
        fs::write(file(root.path()), &bytes).unwrap();
        let one = journal(root.path());
        let wrong = one.check().unwrap();
        assert!(!wrong.is_empty() && wrong.iter().all(|line| !line.contains('\n')), "{what}: {wrong:?}");
        let _ = one.hint("x");
        let _ = one.incidents(1);
        assert!(fs::read(file(root.path())).unwrap() == bytes, "{what}: a reader changes nothing");

        one.add(&incident(7)).unwrap();
        one.keep_hint("y", &hint("y", 1)).unwrap();
        assert_eq!(one.incidents(9).unwrap(), [incident(7)], "{what}");
        assert_eq!(one.hint("y").unwrap(), Some(hint("y", 1)));
        assert_eq!(one.check().unwrap(), [""; 0]);
        assert!(fs::read(root.path().join("proxy.sqlite.broken-1")).unwrap() == bytes, "{what}");
    }
}

#[test]
fn a_file_that_breaks_under_a_server_is_set_aside_too() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    for round in 1..12 {
        journal.keep_hint("x", &hint(&"x".repeat(200_000), 0)).unwrap();
        journal.add(&incident(round)).unwrap();
        Connection::open(file(root.path())).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let mut bytes = fs::read(file(root.path())).unwrap();
        bytes.fill(0xaa);
        let damaged = fs::File::options().write(true).open(file(root.path())).unwrap();
        std::io::Write::write_all(&mut &damaged, &bytes).unwrap();
        assert!(!journal.check().unwrap().is_empty());
        journal.add(&incident(100 + round)).unwrap();
        assert_eq!(journal.incidents(9).unwrap(), [incident(100 + round)]);
    }
    // Each is kept, up to the eighth.
    let aside: Vec<String> = names(root.path()).into_iter().filter(|name| name.contains("broken")).collect();
    assert_eq!(aside, (1..=8).map(|n| format!("proxy.sqlite.broken-{n}")).collect::<Vec<_>>());
}

#[test]
fn a_check_finds_a_damaged_page() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    for n in 0..400 {
        journal.keep_hint(&format!("example.com/m{n}/@v/list"), &hint(&"v1.0.0\n".repeat(40), n)).unwrap();
    }
    journal.add(&incident(0)).unwrap();
    drop(journal);
    let whole = fs::read(file(root.path())).unwrap();
    let journal = self::journal(root.path());
    assert_eq!(journal.check().unwrap(), [""; 0]);
    // The middle of each page but the first, whose tables are looked at on their own: rows are cut, order is lost.
    let (mut found, mut pages) = (0, 0);
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..page * 4096 + 64].fill(0xff);
        fs::write(file(root.path()), &bytes).unwrap();
        pages += 1;
        found += usize::from(!journal.check().unwrap().is_empty());
    }
    assert!(pages > 20 && found == pages, "{found} of {pages}");
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    journal(root.path()).add(&incident(1)).unwrap();
    Connection::open(file(root.path())).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    let journal = journal(root.path());
    for fault in [journal.add(&incident(2)).unwrap_err(), journal.incidents(1).unwrap_err()] {
        assert!(fault.to_string().contains("made by a newer gosumcheck"), "{fault}");
    }
    assert!(journal.check().unwrap()[0].contains("newer"));
    assert!(names(root.path()).iter().all(|name| !name.contains("broken")));
}

#[test]
fn a_folder_that_cannot_be_written_is_a_fault_and_no_more() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(file(root.path())).unwrap();
    let journal = journal(root.path());
    assert!(matches!(journal.add(&incident(1)), Err(Fault::Unavailable { .. })));
    assert!(matches!(journal.hint("x"), Err(Fault::Unavailable { .. })));
    assert_eq!(journal.check().unwrap(), ["is not a file"]);
    fs::remove_dir(file(root.path())).unwrap();
    // The same journal works as soon as it can.
    journal.add(&incident(1)).unwrap();
    assert_eq!(journal.incidents(9).unwrap(), [incident(1)]);
}

#[test]
fn a_read_only_folder_is_read_and_checked() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    journal(&data).add(&incident(1)).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o500)).unwrap();
    fs::set_permissions(file(&data), fs::Permissions::from_mode(0o400)).unwrap();
    let journal = journal(&data);
    let (check, added) = (journal.check(), journal.add(&incident(2)));
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(check.unwrap(), [""; 0]);
    // Who may do anything is not kept from it.
    assert!(matches!(added, Ok(()) | Err(Fault::Unavailable { .. })));
}
