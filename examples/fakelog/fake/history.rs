//! The true answers of one history of the log: the first, or the one that leaves it at a fork.

use hyper::body::Bytes;

use super::answer::{Answer, Ending, State};
use super::levels::{Levels, View};
use super::route::{self, Route};

/// The second history.
pub struct Fork {
    /// its first record that differs
    pub at: u64,
    /// its hashes from there on
    pub levels: Levels,
    /// its newest signed head
    pub head: Bytes,
}

/// One of the two histories of a log.
pub struct History<'a> {
    /// the log
    pub state: &'a State,
    /// the second history, where this is it
    pub fork: Option<&'a Fork>,
}

impl<'a> History<'a> {
    pub fn view(&self) -> View<'a> {
        match self.fork {
            Some(fork) => View { levels: &fork.levels, base: Some(&self.state.levels) },
            None => View { levels: &self.state.levels, base: None },
        }
    }

    pub fn head(&self) -> Bytes {
        self.fork.map_or(&self.state.head, |fork| &fork.head).clone()
    }

    pub fn write_record(&self, id: u64, out: &mut Vec<u8>) {
        self.state.records.write(id, self.fork.is_some_and(|fork| id >= fork.at), out);
    }

    pub fn answer(&self, path: &str, head: &Bytes) -> Answer {
        match route::parse(path) {
            Err(why) => Answer::text(400, why),
            Ok(None) => Answer::text(404, "404 page not found\n"),
            Ok(Some(Route::Latest)) => Answer::text(200, head.clone()),
            Ok(Some(Route::Lookup { module, version })) => self.lookup(&module, &version, head),
            Ok(Some(Route::Hashes { level, index, width })) if self.state.covers(level, index, width) => {
                Answer::hashes(self.view().tile(level, index, width))
            }
            Ok(Some(Route::Data { index, width })) if self.state.covers(0, index, width) => {
                Answer::text(200, self.data(index * 256, width))
            }
            Ok(Some(Route::Hashes { .. } | Route::Data { .. })) => Answer::text(404, "not found: no such tile\n"),
        }
    }

    pub fn lookup(&self, module: &str, version: &str, head: &Bytes) -> Answer {
        let Some(id) = self.state.records.find(module, version).filter(|id| *id < self.state.size) else {
            let why = format!("not found: {module}@{version}: invalid version: unknown revision {version}\n");
            return Answer::text(404, why);
        };
        let mut body = format!("{id}\n").into_bytes();
        body.reserve(512);
        self.write_record(id, &mut body);
        body.push(b'\n');
        body.extend_from_slice(head);
        Answer::text(200, body)
    }

    pub fn data(&self, first: u64, count: u64) -> Vec<u8> {
        let mut body = Vec::with_capacity(count as usize * 256);
        for id in first..first + count {
            self.write_record(id, &mut body);
            body.push(b'\n');
        }
        if self.state.ending == Ending::One {
            body.pop();
        }
        body
    }
}
