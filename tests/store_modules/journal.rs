//! The journal: what is written is read, also by others; nothing grows without bound; a broken file is set aside and named.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::store::journal::{
    Hint, Incident, Journal, MAX_HINT_BYTES, MAX_HINTS, MAX_HINTS_BYTES, MAX_INCIDENTS, MAX_SOURCE_INCIDENTS, MAX_TEXT,
};
use rusqlite::Connection;

use crate::world::names;

pub(crate) fn journal(root: &Path) -> Journal {
    Folder::open(root).unwrap().journal().unwrap()
}

pub(crate) fn file(root: &Path) -> PathBuf {
    root.join("proxy.sqlite")
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000 + seconds, 123_456_789)
}

pub(crate) fn hint(text: &str, seconds: u64) -> Hint {
    Hint { bytes: text.to_owned().into(), from: "https://mirror.example".to_owned(), fetched: at(seconds) }
}

pub(crate) fn incident(n: u64) -> Incident {
    Incident {
        at: at(n),
        module: "example.com/Mixed/m".to_owned(),
        version: format!("v1.0.{n}"),
        file: "zip".to_owned(),
        expected: "h1:expected".to_owned(),
        got: "h1:got".to_owned(),
        upstream: "https://mirror.example".to_owned(),
        record: Some(n),
        tree: Some(u64::try_from(i64::MAX).unwrap()),
        report: Some(PathBuf::from("/data/refused/x.json")),
        why: "one byte of \u{201c}a.go\u{201d} differs".to_owned(),
    }
}

#[test]
fn what_is_kept_is_read_also_by_others_and_later() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (journal(root.path()), journal(root.path()));
    one.keep_hint("example.com/m/@v/list", &hint("v1.0.0\n", 1)).unwrap();
    one.keep_hint("example.com/m/@latest", &hint("", 2)).unwrap();
    two.keep_hint("example.com/m/@v/list", &hint("v1.0.0\nv1.1.0\n", 3)).unwrap();
    let bare =
        Incident { record: None, tree: None, report: None, at: UNIX_EPOCH - Duration::from_nanos(1), ..incident(2) };
    one.add(&incident(1)).unwrap();
    two.add(&bare).unwrap();
    for journal in [&one, &two, &journal(root.path())] {
        assert_eq!(journal.hint("example.com/m/@v/list").unwrap(), Some(hint("v1.0.0\nv1.1.0\n", 3)));
        assert_eq!(journal.hint("example.com/m/@latest").unwrap(), Some(hint("", 2)));
        assert_eq!(journal.hint("example.com/other/@latest").unwrap(), None);
        assert_eq!(journal.incidents(9).unwrap(), [bare.clone(), incident(1)]);
        assert_eq!(journal.incidents(1).unwrap(), std::slice::from_ref(&bare));
        assert_eq!(journal.check().unwrap(), [""; 0]);
    }
    two.sweep(at(3)).unwrap();
    assert_eq!(one.hint("example.com/m/@latest").unwrap(), None);
    assert!(one.hint("example.com/m/@v/list").unwrap().is_some());
    assert_eq!(one.incidents(9).unwrap().len(), 2);
}

#[test]
fn a_file_that_was_deleted_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    journal.add(&incident(1)).unwrap();
    std::fs::remove_file(file(root.path())).unwrap();
    assert_eq!(journal.incidents(9).unwrap(), []);
    journal.add(&incident(2)).unwrap();
    assert_eq!(self::journal(root.path()).incidents(9).unwrap(), [incident(2)]);
}

#[test]
fn to_read_makes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let journal = journal(&data);
    assert_eq!(journal.hint("x").unwrap(), None);
    assert_eq!(journal.incidents(1).unwrap(), []);
    assert_eq!(journal.check().unwrap(), [""; 0]);
    journal.sweep(SystemTime::now()).unwrap();
    assert!(!data.exists());
    journal.keep_hint("x", &hint("x", 0)).unwrap();
    assert!(data.join("proxy.sqlite").exists());
}

#[test]
fn a_hint_that_is_too_long_is_refused_and_the_longest_is_not() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    let of = |len: usize| Hint { bytes: vec![b'v'; len].into(), ..hint("", 0) };
    journal.keep_hint("x", &of(MAX_HINT_BYTES)).unwrap();
    assert!(matches!(journal.keep_hint("x", &of(MAX_HINT_BYTES + 1)), Err(Fault::Usage(_))));
    assert!(matches!(journal.keep_hint(&"x".repeat(MAX_TEXT + 1), &of(1)), Err(Fault::Usage(_))));
    assert_eq!(journal.hint("x").unwrap().unwrap(), of(MAX_HINT_BYTES));
    assert_eq!(names(root.path()).iter().filter(|name| name.contains("broken")).count(), 0);
}

#[test]
fn a_long_text_of_an_incident_is_cut_between_characters() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    journal.add(&Incident { why: "x".to_owned() + &"\u{20ac}".repeat(5_000_000), ..incident(1) }).unwrap();
    let found = journal.incidents(1).unwrap().remove(0);
    assert_eq!(found.why, "x".to_owned() + &"\u{20ac}".repeat((MAX_TEXT - 1) / 3));
}

fn count(root: &Path, sql: &str) -> i64 {
    Connection::open(file(root)).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn of_too_many_hints_the_oldest_leave() {
    let root = tempfile::tempdir().unwrap();
    journal(root.path()).keep_hint("first", &hint("x", 0)).unwrap();
    let fill = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MAX_HINTS})
         INSERT INTO hint SELECT 'p' || n, x'78', 'm', n, 1 FROM n"
    );
    Connection::open(file(root.path())).unwrap().execute_batch(&fill).unwrap();
    let journal = journal(root.path());
    for n in 0..2500 {
        journal.keep_hint(&format!("new{n}"), &hint("x", 1 + n)).unwrap();
    }
    let kept = count(root.path(), "SELECT count(*) FROM hint");
    assert!((MAX_HINTS as i64 - 1000..=MAX_HINTS as i64).contains(&kept), "{kept}");
    // Those of the fill are from 1970.
    assert_eq!(journal.hint("p1").unwrap(), None);
    for path in ["first", "new0", "new2499", &format!("p{MAX_HINTS}")] {
        assert!(journal.hint(path).unwrap().is_some(), "{path}");
    }
    let oldest = count(root.path(), "SELECT min(fetched) FROM hint");
    assert_eq!(
        count(root.path(), &format!("SELECT count(*) FROM hint WHERE fetched <= {MAX_HINTS}")),
        MAX_HINTS as i64 - oldest + 1
    );
    assert_eq!(journal.check().unwrap(), [""; 0]);
}

#[test]
fn of_too_many_bytes_the_oldest_leave() {
    let root = tempfile::tempdir().unwrap();
    journal(root.path()).keep_hint("first", &hint("x", 0)).unwrap();
    // Rows that say they are large, so that the test need not be.
    let fill = format!("INSERT INTO hint VALUES ('old', x'', 'm', 1, {MAX_HINTS_BYTES}), ('older', x'', 'm', 0, 1)");
    Connection::open(file(root.path())).unwrap().execute_batch(&fill).unwrap();
    let journal = journal(root.path());
    journal.keep_hint("second", &hint("x", 0)).unwrap();
    let found = ["first", "second", "old", "older"].map(|path| journal.hint(path).unwrap().is_some());
    assert_eq!(found, [true, true, false, false]);
}

#[test]
fn of_too_many_incidents_the_oldest_leave() {
    let root = tempfile::tempdir().unwrap();
    journal(root.path()).add(&incident(0)).unwrap();
    let fill = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MAX_INCIDENTS})
         INSERT INTO incident SELECT NULL, n, 'm', 'v', 'zip', 'e', 'g', 'u', NULL, NULL, NULL, 'w' FROM n"
    );
    Connection::open(file(root.path())).unwrap().execute_batch(&fill).unwrap();
    let journal = journal(root.path());
    journal.add(&incident(1)).unwrap();
    let all = journal.incidents(usize::MAX).unwrap();
    assert_eq!(all.len(), MAX_INCIDENTS);
    assert_eq!(all[0], incident(1));
    // The first one stays. Those in the middle, of the source that has most, are gone.
    assert_eq!(all[MAX_INCIDENTS - 1], incident(0));
    let gap = |pair: &&[Incident]| pair[0].at.duration_since(pair[1].at).is_ok_and(|gap| gap.as_nanos() == 3);
    assert_eq!(all[1..MAX_INCIDENTS - 1].windows(2).filter(gap).count(), 1);
}

/// Finding 15b: 12,000 lies of one mirror.
#[test]
fn a_liar_pushes_neither_its_first_incidents_out_nor_those_of_others() {
    let root = tempfile::tempdir().unwrap();
    let of = |upstream: &str, n: u64| Incident { upstream: upstream.to_owned(), ..incident(n) };
    journal(root.path()).add(&of("https://other.example", 1)).unwrap();
    let fill = "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 9998)
                INSERT INTO incident
                SELECT NULL, n, 'm', 'v', 'zip', 'e', 'g', 'https://liar.example', NULL, NULL, NULL, 'w' FROM n";
    Connection::open(file(root.path())).unwrap().execute_batch(fill).unwrap();
    let journal = journal(root.path());
    for n in 0..2001 {
        journal.add(&of("https://liar.example", n)).unwrap();
    }
    let all = journal.incidents(usize::MAX).unwrap();
    assert_eq!(all.last(), Some(&of("https://other.example", 1)));
    let liar: Vec<_> = all.iter().filter(|incident| incident.upstream == "https://liar.example").collect();
    assert_eq!((liar.len(), all.len()), (MAX_SOURCE_INCIDENTS, MAX_SOURCE_INCIDENTS + 1));
    assert_eq!(*liar[0], of("https://liar.example", 2000));
    // As many of the first as of the newest.
    let first = liar.iter().rev().take(MAX_SOURCE_INCIDENTS / 2).map(|incident| incident.at);
    assert!(first.eq((0..1000).map(|n| UNIX_EPOCH + Duration::from_nanos(n))));
}

const ROOT: &str = "GOSUMCHECK_TEST_JOURNAL_ROOT";
const ROUNDS: u64 = 60;

/// What each process of the test below does.
fn write(root: &Path) {
    let journal = journal(root);
    for n in 0..ROUNDS {
        journal.keep_hint(&format!("{}/{n}", std::process::id()), &hint("x", n)).unwrap();
        journal.keep_hint("shared", &hint("x", n)).unwrap();
        journal.add(&incident(n)).unwrap();
    }
}

#[test]
fn two_processes_that_write_lose_nothing() {
    if let Some(root) = std::env::var_os(ROOT) {
        return write(Path::new(&root)); // this is one of the two
    }
    let root = tempfile::tempdir().unwrap();
    let spawn = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "journal::two_processes_that_write_lose_nothing"])
            .env(ROOT, root.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let (mut one, mut two) = (spawn(), spawn());
    // A check beside them disturbs nobody.
    let journal = journal(root.path());
    assert_eq!(journal.check().unwrap(), [""; 0]);
    assert!(one.wait().unwrap().success() && two.wait().unwrap().success());
    assert_eq!(journal.check().unwrap(), [""; 0]);
    assert_eq!(journal.incidents(usize::MAX).unwrap().len() as u64, 2 * ROUNDS);
    assert_eq!(count(root.path(), "SELECT count(*) FROM hint") as u64, 2 * ROUNDS + 1);
    assert!(names(root.path()).iter().all(|name| !name.contains("broken")));
}
