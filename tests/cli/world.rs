//! A machine, a log that is served over HTTP, and a go.sum of its records.

#![allow(unreachable_pub, reason = "a part of one test program")]

use crate::command::{Machine, Ran};
use crate::fake::{FakeSumdb, Served, write_gosum};

/// Records in the log at first; it can grow to as many again.
pub const RECORDS: u64 = 1_000;
/// Lines of `go.sum`.
pub const LINES: usize = 40;
/// Nobody listens there.
pub const DEAD: &str = "http://127.0.0.1:1";
/// A hash of nothing.
pub const NO_HASH: &str = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub struct World {
    pub machine: Machine,
    pub log: FakeSumdb,
    pub served: Served,
}

impl World {
    /// `go.sum` stands in the working folder, and GOSUMDB names the log and where it is.
    pub fn new() -> World {
        let log = FakeSumdb::synthetic(2 * RECORDS, 1);
        log.grow(RECORDS);
        World::of(log)
    }

    pub fn of(log: FakeSumdb) -> World {
        let served = log.serve();
        let mut machine = Machine::new();
        machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
        let world = World { machine, log, served };
        world.machine.write("go.sum", world.gosum());
        world
    }

    pub fn gosum(&self) -> String {
        write_gosum(&self.log, LINES, 7)
    }

    /// Its go.sum with another hash in the first line.
    pub fn wrong_gosum(&self) -> String {
        let gosum = self.gosum();
        let (first, rest) = gosum.split_once('\n').unwrap();
        let (subject, _) = first.rsplit_once(' ').unwrap();
        format!("{subject} {NO_HASH}\n{rest}")
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.machine.run(args)
    }

    /// The module version of record `id`, as `lookup` takes it.
    pub fn module(&self, id: u64) -> String {
        let (module, version) = self.log.module(id);
        format!("{module}@{version}")
    }

    /// The path of the head that the go command remembers.
    pub fn go_head(&self) -> String {
        format!("../home/go/pkg/sumdb/{}/latest", self.log.name())
    }

    /// What the data folder holds of this log, below the home.
    pub fn cache(&self) -> std::path::PathBuf {
        self.machine.home().join(".local/share/gosumcheck/cache").join(self.log.name())
    }

    /// Where the remembered head is, below the home.
    pub fn head_file(&self) -> std::path::PathBuf {
        self.machine.home().join(".local/share/gosumcheck/heads").join(self.log.name()).join("latest")
    }
}
