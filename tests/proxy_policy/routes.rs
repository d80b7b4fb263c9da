//! Rows: a module becomes private, or public. What first use pinned is never a public answer, nor the other way round.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::client::{ask, get};
use crate::columns::Column;
use crate::matrix::{Row, folder};
use crate::world::{MODULE, Policy, Server, Stage, VERSION};

fn private(stage: &Stage) -> Policy<'_> {
    Policy { patterns: "example.com", private: Some(&stage.other_mirror), ..stage.policy() }
}

#[test]
fn private_to_public() {
    let stage = Stage::new();
    let row = Row {
        name: "private to public",
        old: private(&stage),
        new: stage.policy(),
        may_refuse: &[],
        must_answer: &Column::ALL[..10],
    };
    assert_eq!(row.run(), 11);
}

#[test]
fn public_to_private() {
    let stage = Stage::new();
    let row = Row {
        name: "public to private",
        old: stage.policy(),
        new: private(&stage),
        may_refuse: &[],
        must_answer: &[Column::GoMod, Column::Zip, Column::Info, Column::List, Column::Latest, Column::Range],
    };
    assert_eq!(row.run(), 11);
}

#[test]
fn private_to_private_without_an_upstream() {
    let stage = Stage::new();
    let row = Row {
        name: "private to refused",
        old: private(&stage),
        new: Policy { private: None, ..private(&stage) },
        may_refuse: &[],
        must_answer: &[],
    };
    assert_eq!(row.run(), 11);
}

#[test]
fn public_to_private_offline() {
    let stage = Stage::new();
    let row = Row {
        name: "public to private, offline",
        old: stage.policy(),
        new: Policy { offline: true, ..private(&stage) },
        may_refuse: &[],
        must_answer: &[],
    };
    assert_eq!(row.run(), 11);
}

#[test]
fn private_to_public_offline() {
    let stage = Stage::new();
    let row = Row {
        name: "private to public, offline",
        old: private(&stage),
        new: Policy { offline: true, ..stage.policy() },
        may_refuse: &[],
        must_answer: &[],
    };
    assert_eq!(row.run(), 11);
}

/// A client that knows the date of what it holds, and no tag: that is the date of the private bytes.
#[test]
fn a_later_date_is_no_reason_to_keep_other_bytes() {
    let stage = Stage::new();
    let data = folder();
    let path = format!("/{MODULE}/@v/{VERSION}.zip");
    assert_eq!(get(Server::open(&stage.policy(), data.path()).unwrap().at, &path).status, 200);
    // The public file is older than the private one.
    let stored = data.path().join(format!("modules{path}"));
    let hours = SystemTime::now() - Duration::from_secs(9_000);
    File::options().write(true).open(stored).unwrap().set_modified(hours).unwrap();
    let held = get(Server::open(&private(&stage), data.path()).unwrap().at, &path);
    assert_eq!(held.body, stage.other.zip(MODULE, VERSION));
    let date = held.header("last-modified").unwrap();
    let server = Server::open(&stage.policy(), data.path()).unwrap();
    let reply = ask(server.at, "GET", &path, &[("If-Modified-Since", date)]);
    assert!(reply.status == 200 && reply.body == stage.corpus.zip(MODULE, VERSION), "{reply:?}");
}
