//! A corpus, a mirror of it, and its log, all of them served: what most tests begin with.

use super::corpus::Corpus;
use super::machine::Machine;
use super::mirror::FakeMirror;
use super::spec::Spec;
use crate::fake::{FakeSumdb, Served};

/// The upstream side of a test.
pub struct Site {
    pub corpus: Corpus,
    pub mirror: FakeMirror,
    pub log: FakeSumdb,
    /// the log's server
    pub served: Served,
}

impl Site {
    /// Modules as these specs say, and a log of their records.
    pub fn of(specs: &[Spec]) -> Site {
        let corpus = Corpus::of(specs);
        let log = corpus.log();
        Site::with_log(corpus, log)
    }

    /// A corpus and the log that it is to be proven by.
    pub fn with_log(corpus: Corpus, log: FakeSumdb) -> Site {
        Site { mirror: FakeMirror::serve(&corpus), served: log.serve(), corpus, log }
    }

    /// Another mirror of the same modules, with faults and a port of its own.
    pub fn mirror(&self) -> FakeMirror {
        FakeMirror::serve(&self.corpus)
    }

    /// GOSUMDB (and `--sumdb`): the log's key, and where it is.
    pub fn sumdb(&self) -> String {
        format!("{} {}", self.log.vkey(), self.served.url())
    }

    /// A go command that asks the mirror and the log themselves, with nobody between.
    pub fn machine(&self) -> Option<Machine> {
        Machine::new(&self.mirror.url(), &self.sumdb())
    }
}
