//! A full log in a folder, written as sync writes it, that tests damage.

use std::fs;
use std::path::PathBuf;

use gosumcheck::report::Integrity;
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::leaf_hashes;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::verify::{self, VerifyOptions};

use super::fake::FakeSumdb;

#[allow(dead_code, reason = "each test program uses another part of it")]
/// The log, and the database that it is a copy of.
pub(crate) struct World {
    pub(crate) db: FakeSumdb,
    pub(crate) log: Log,
    pub(crate) policy: Policy,
    pub(crate) root: tempfile::TempDir,
}

#[allow(dead_code, reason = "each test program uses another part of it")]
impl World {
    /// A log of `size` synthetic records, committed at each of `heads`, of which the last is `size`.
    pub(crate) fn new(size: u64, heads: &[u64]) -> World {
        World::of(FakeSumdb::synthetic(size, 7), heads)
    }

    /// A copy of `db`.
    pub(crate) fn of(db: FakeSumdb, heads: &[u64]) -> World {
        let policy = Policy::log(VerifierKey::parse(&db.vkey()).unwrap());
        let root = tempfile::tempdir().unwrap();
        let log = Folder::open(root.path()).unwrap().log(db.name()).unwrap();
        let world = World { db, log, policy, root };
        let mut tree = Tree::EMPTY;
        for &size in heads {
            tree = world.grow(tree, size);
        }
        world
    }

    /// Commits the head of this size after that of `tree`.
    pub(crate) fn grow(&self, tree: Tree, size: u64) -> Tree {
        let mut writer = self.log.writer(tree).unwrap();
        let ids: Vec<u64> = (tree.size..size).collect();
        for ids in ids.chunks(1000) {
            let texts: Vec<String> = ids.iter().map(|id| self.db.record_text(*id)).collect();
            let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            writer.append(&records, &leaf_hashes(&records)).unwrap();
        }
        let head = self.head(size);
        writer.commit(&head).unwrap();
        head.tree()
    }

    /// The head of this size.
    pub(crate) fn head(&self, size: u64) -> Checkpoint {
        Checkpoint::open(self.db.head(size).as_bytes(), &self.policy).unwrap()
    }

    pub(crate) fn verify(&self) -> Integrity {
        self.verify_as(&VerifyOptions {
            threads: std::num::NonZero::new(2),
            skip_index: true,
            ..VerifyOptions::default()
        })
    }

    pub(crate) fn verify_as(&self, options: &VerifyOptions) -> Integrity {
        verify::log(&self.log, self.db.name(), &self.policy, options, &|_, _| {}).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.log.dir().join(name)
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Where each record begins in `records`, and where the last one ends.
    pub(crate) fn begins(&self) -> Vec<u64> {
        let mut begins = vec![0];
        for id in 0..self.db.size() {
            let gap = u64::from((id + 1) % 256 != 0 && id + 1 < self.db.size());
            begins.push(begins.last().unwrap() + self.db.record_text(id).len() as u64 + gap);
        }
        begins
    }

    /// The record that this byte belongs to; a blank line belongs to the record after it.
    pub(crate) fn record_at(&self, at: usize) -> u64 {
        let begins = self.begins();
        begins.partition_point(|begin| {
            *begin
                <= at as u64
                    + u64::from(
                        begins.contains(&(at as u64 + 1)) && {
                            let (id, _) =
                                begins.iter().enumerate().find(|(_, begin)| **begin == at as u64 + 1).unwrap();
                            id % 256 != 0
                        },
                    )
        }) as u64
            - 1
    }
}
