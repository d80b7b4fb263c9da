//! Rows: another database, another order of databases, another key of the same name.

use crate::client::get;
use crate::columns::Column;
use crate::matrix::{Row, folder};
use crate::world::{Log, MODULE, Policy, Server, Stage, VERSION};

/// What a server answers of the modules of its policy.
const MODULES: [Column; 6] = [Column::GoMod, Column::Zip, Column::Info, Column::List, Column::Latest, Column::Range];

#[test]
fn another_database() {
    let stage = Stage::new();
    let (old, new) =
        (stage.policy(), Policy { databases: vec![&stage.b], public: &stage.other_mirror, ..stage.policy() });
    let row =
        Row { name: "database A to B", old: old.clone(), new: new.clone(), may_refuse: &[], must_answer: &MODULES };
    assert_eq!(row.run(), 11);
    let row = Row { name: "database B to A", old: new, new: old, may_refuse: &[], must_answer: &MODULES };
    assert_eq!(row.run(), 11);
}

#[test]
fn another_database_with_a_mirror_that_has_the_old_bytes() {
    let stage = Stage::new();
    let new = Policy { databases: vec![&stage.b], ..stage.policy() };
    let row = Row { name: "database A to B, old mirror", old: stage.policy(), new, may_refuse: &[], must_answer: &[] };
    assert_eq!(row.run(), 11);
}

#[test]
fn another_database_offline() {
    let stage = Stage::new();
    let new = Policy { databases: vec![&stage.b], public: &stage.other_mirror, offline: true, ..stage.policy() };
    let row = Row { name: "database A to B, offline", old: stage.policy(), new, may_refuse: &[], must_answer: &[] };
    assert_eq!(row.run(), 11);
}

#[test]
fn another_order_of_databases() {
    let stage = Stage::new();
    let old = Policy { databases: vec![&stage.a, &stage.b], ..stage.policy() };
    let new = Policy { databases: vec![&stage.b, &stage.a], public: &stage.other_mirror, ..stage.policy() };
    let row = Row { name: "databases A, B to B, A", old, new, may_refuse: &[], must_answer: &MODULES };
    assert_eq!(row.run(), 11);
}

/// A database that signs with another key is another database; that its name is known is a reason to stop and tell.
#[test]
fn another_key_of_the_same_name() {
    let stage = Stage::new();
    for full_log in [false, true] {
        let old = Policy { full_log, ..stage.policy() };
        let new = Policy { databases: vec![&stage.rotated], public: &stage.other_mirror, full_log, ..stage.policy() };
        let row = Row { name: "key rotated", old, new, may_refuse: &Column::ALL, must_answer: &[] };
        assert_eq!(row.run(), 11);
    }
}

#[test]
fn another_key_of_the_same_name_offline() {
    let stage = Stage::new();
    let new = Policy { databases: vec![&stage.rotated], public: &stage.other_mirror, offline: true, ..stage.policy() };
    let row =
        Row { name: "key rotated, offline", old: stage.policy(), new, may_refuse: &Column::ALL, must_answer: &[] };
    assert_eq!(row.run(), 11);
}

/// Nothing that the old key signed is served, nor does it stop the new one without a word: the refusal names both keys and the file.
#[test]
fn another_key_is_named_with_the_file_that_the_old_one_signed() {
    let stage = Stage::new();
    let data = folder();
    {
        let server = Server::open(&stage.policy(), data.path()).unwrap();
        assert_eq!(get(server.at, &format!("/lookup/{MODULE}@{VERSION}")).status, 200);
    }
    let id = |log: &Log| log.db.vkey().split('+').take(2).collect::<Vec<_>>().join("+");
    let new = Policy { databases: vec![&stage.rotated], public: &stage.other_mirror, ..stage.policy() };
    let server = Server::open(&new, data.path()).unwrap();
    for path in [format!("/lookup/{MODULE}@{VERSION}"), "/latest".to_owned()] {
        let reply = get(server.at, &path);
        let told = reply.text().replace('\n', " ");
        assert!(matches!(reply.status, 502 | 503), "{reply:?}");
        for named in [&id(&stage.a), &id(&stage.rotated), "latest"] {
            assert!(told.contains(named), "{path}: {named} is not named: {told}");
        }
    }
}
