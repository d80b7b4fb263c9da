//! The answer to one path: first the true one, from the records and hashes of the history that is shown, then as the faults
//! that strike it leave it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Bytes;

use super::fault::{Fault, Kind};
use super::forge::{self, Genuine};
use super::history::{Fork, History};
use super::levels::{Levels, TILE_LEVELS, View};
use super::records::{Given, Records};
use super::route::{self, Route};
use super::signing::Keys;

/// How a data tile ends: its last record's newline, or that and the blank line that parts records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// as sum.golang.org
    #[default]
    One,
    /// as x/mod's server
    Two,
}

/// How a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// as it is
    Whole,
    /// half of it under a Content-Length of all of it
    Truncated,
    /// half of it, and then nothing more
    Stalled,
    /// over and over
    Endless,
    /// not at all: the connection is reset
    Reset,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status
    pub status: u16,
    /// text, and not hashes
    pub text: bool,
    /// the body; behind another `delivery` than `Whole`, what it would be
    pub body: Bytes,
    /// how the body is sent
    pub delivery: Delivery,
    /// how long the answer is held back
    pub delay: Duration,
    /// seconds for a Retry-After header
    pub retry_after: Option<u32>,
}

impl Answer {
    /// A text under a status.
    pub fn text(status: u16, body: impl Into<Bytes>) -> Answer {
        let (delivery, delay) = (Delivery::Whole, Duration::ZERO);
        Answer { status, text: true, body: body.into(), delivery, delay, retry_after: None }
    }

    pub(super) fn hashes(body: Vec<u8>) -> Answer {
        Answer { text: false, ..Answer::text(200, body) }
    }
}

/// All that answers are made of.
pub struct State {
    pub records: Records,
    pub ending: Ending,
    pub faults: Vec<Fault>,
    pub(super) levels: Levels,
    fork: Option<Fork>,
    forked: AtomicBool,
    pub(super) size: u64,
    pub(super) head: Bytes,
}

impl State {
    /// The first `count` records, all of them under the first head.
    pub fn new(records: Records, count: u64, keys: &Keys) -> State {
        let levels = Levels::build(&records, 0, count, None, None);
        let mut state = State {
            records,
            ending: Ending::One,
            faults: Vec::new(),
            levels,
            fork: None,
            forked: AtomicBool::new(false),
            size: 0,
            head: Bytes::new(),
        };
        state.grow(count, keys);
        state
    }

    /// Size of the tree that the newest head signs.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether there are that many records.
    pub fn can_grow(&self, size: u64) -> bool {
        size <= self.levels.size()
    }

    /// Whether a second history was made.
    pub fn has_fork(&self) -> bool {
        self.fork.is_some()
    }

    /// Signs the tree of the first `size` records, in both histories.
    pub fn grow(&mut self, size: u64, keys: &Keys) {
        assert!(size <= self.levels.size(), "there are {} records", self.levels.size());
        self.size = size;
        let base = View { levels: &self.levels, base: None };
        self.head = keys.head((size, base.root(size))).into();
        if let Some(fork) = &mut self.fork {
            let view = View { levels: &fork.levels, base: Some(&self.levels) };
            fork.head = keys.head((size, view.root(size))).into();
        }
    }

    /// Appends a given record and signs the tree that it makes.
    pub fn append(&mut self, record: Given, keys: &Keys) -> u64 {
        let id = self.records.push(record);
        self.levels.extend(&self.records, id + 1, None, None);
        if let Some(fork) = &mut self.fork {
            fork.levels.extend(&self.records, id + 1, Some(fork.at), Some(&self.levels));
        }
        self.grow(id + 1, keys);
        id
    }

    /// Makes the second history, which leaves the first at record `at`.
    pub fn prepare_fork(&mut self, at: u64, keys: &Keys) {
        assert!(at < self.levels.size(), "there are {} records", self.levels.size());
        let levels = Levels::build(&self.records, at, self.levels.size(), Some(at), Some(&self.levels));
        self.fork = Some(Fork { at, levels, head: Bytes::new() });
        self.grow(self.size, keys);
    }

    /// Shows the second history, if there is one, or the first.
    pub fn show_fork(&self, shown: bool) {
        self.forked.store(shown && self.fork.is_some(), Ordering::Relaxed);
    }

    /// The history that is shown.
    fn shown(&self) -> History<'_> {
        self.history(self.forked.load(Ordering::Relaxed))
    }

    fn history(&self, forked: bool) -> History<'_> {
        History { state: self, fork: self.fork.as_ref().filter(|_| forked) }
    }

    /// The hashes of the history that is shown.
    pub fn view(&self) -> View<'_> {
        self.shown().view()
    }

    /// Its newest signed head.
    pub fn head(&self) -> Bytes {
        self.shown().head()
    }

    /// The true answer to a path, under any head.
    pub fn honest(&self, path: &str, head: &Bytes) -> Answer {
        self.shown().answer(path, head)
    }

    pub(super) fn covers(&self, level: usize, index: u64, width: u64) -> bool {
        let end = index.checked_mul(256).and_then(|n| n.checked_add(width));
        level < TILE_LEVELS && end.is_some_and(|end| end <= self.size >> (8 * level))
    }

    /// The answer to a path, with all faults that strike it.
    pub fn answer(&self, path: &str, keys: &Keys) -> Answer {
        if self.faults.is_empty() {
            return self.honest(path, &self.head());
        }
        let struck: Vec<Kind> = self.faults.iter().filter(|f| f.strikes(path)).map(|f| f.kind).collect();
        if struck.iter().any(|kind| matches!(kind, Kind::Fork { .. })) {
            self.show_fork(true);
        }
        let stale = struck.iter().find_map(|kind| if let Kind::Stale { size } = kind { Some(*size) } else { None });
        let size = stale.map_or(self.size, |size| size.min(self.levels.size()));
        let tree = || (size, self.view().root(size));
        let head =
            struck.iter().find_map(|kind| forge::head(*kind, tree(), keys)).map_or_else(|| self.head(), Bytes::from);
        let mut answer = self.honest(path, &head);
        for kind in struck {
            if answer.status == 200 {
                self.spoil(&mut answer, kind, path, &head, keys);
            }
        }
        answer
    }

    fn spoil(&self, answer: &mut Answer, kind: Kind, path: &str, head: &Bytes, keys: &Keys) {
        match kind {
            Kind::Flip { byte, bit } => answer.body = forge::flip(&answer.body, byte, bit),
            Kind::TooLong => answer.body = [answer.body.as_ref(), [0x61; 32].as_slice()].concat().into(),
            Kind::Truncated => answer.delivery = Delivery::Truncated,
            Kind::Endless => answer.delivery = Delivery::Endless,
            Kind::Reset => answer.delivery = Delivery::Reset,
            Kind::Stalled => answer.delivery = Delivery::Stalled,
            Kind::Redirect => *answer = Answer::text(307, ""),
            Kind::Rewritten => *answer = self.history(true).answer(path, &self.history(true).head()),
            Kind::TooWide => answer.body = self.wider(path, &answer.body),
            Kind::Other => answer.body = self.other(path, head),
            Kind::Slow { milliseconds } => answer.delay += Duration::from_millis(milliseconds),
            Kind::Status { code, retry_after } => {
                let text = Answer::text(code, format!("fakelog was told to answer {code}\n"));
                *answer = Answer { retry_after, delay: answer.delay, ..text };
            }
            _ => {
                if let Some(body) = self.forged_lookup(kind, path, head, keys) {
                    answer.body = body.into();
                }
            }
        }
    }

    /// A tile with one hash or record more; anything else twice.
    fn wider(&self, path: &str, body: &Bytes) -> Bytes {
        let shown = self.shown();
        match route::parse(path) {
            Ok(Some(Route::Hashes { level, index, width })) => {
                let next = (index * 256 + width) % (self.size >> (8 * level));
                [body.as_ref(), shown.view().hash(level, next).0.as_slice()].concat().into()
            }
            Ok(Some(Route::Data { index, width })) => {
                let mut body = body.to_vec();
                if self.ending == Ending::One {
                    body.push(b'\n');
                }
                shown.write_record((index * 256 + width) % self.size, &mut body);
                body.into()
            }
            _ => [body.as_ref(), body.as_ref()].concat().into(),
        }
    }

    /// The true answer to another question.
    fn other(&self, path: &str, head: &Bytes) -> Bytes {
        let shown = self.shown();
        let beside = |index: u64| if index == 0 { 1 } else { index - 1 };
        match route::parse(path) {
            Ok(Some(Route::Hashes { level, index, width })) if self.covers(level, beside(index), width) => {
                shown.view().tile(level, beside(index), width).into()
            }
            Ok(Some(Route::Hashes { width, .. })) => shown.view().tile(0, 0, width).into(),
            Ok(Some(Route::Data { index, width })) => shown.data(beside(index) * 256, width).into(),
            Ok(Some(Route::Lookup { module, version })) => {
                let id = self.records.find(&module, &version).unwrap_or(0);
                let (module, version) = self.records.module((id + 1) % self.size);
                shown.lookup(&module, &version, head).body
            }
            _ => shown.view().tile(0, 0, 1).into(),
        }
    }

    fn forged_lookup(&self, kind: Kind, path: &str, head: &Bytes, keys: &Keys) -> Option<String> {
        let Ok(Some(Route::Lookup { module, version })) = route::parse(path) else { return None };
        let id = self.records.find(&module, &version)?;
        let other_id = if id + 1 < self.size { id + 1 } else { id.checked_sub(1)? };
        let text = |id| {
            let mut text = Vec::new();
            self.shown().write_record(id, &mut text);
            String::from_utf8(text).ok()
        };
        let genuine = Genuine { id, text: &text(id)?, other_id, other_text: &text(other_id)? };
        forge::lookup(kind, &genuine, std::str::from_utf8(head).ok()?, keys, (self.size, self.view().root(self.size)))
    }
}
