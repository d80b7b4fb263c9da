//! The database itself: a path in, an answer out. No socket; `serve` adds one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use gosumcheck::sumdb::hash::Hash;

use super::answer::{Answer, Ending, State};
use super::fault::{Fault, Kind};
use super::records::{Given, Records};
use super::requests::{self, Request, Requests};
use super::route;
use super::signing::Keys;

/// The name of a database that was given none.
pub const DEFAULT_NAME: &str = "fakelog.example";

/// A checksum database. Clones are the same database.
#[derive(Clone)]
pub struct FakeSumdb {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Keys,
    logging: AtomicBool,
    requests: Requests,
    state: RwLock<State>,
}

impl FakeSumdb {
    /// A log of `records` synthetic records; everything, the key too, follows from `seed`.
    pub fn synthetic(records: u64, seed: u64) -> FakeSumdb {
        FakeSumdb::named(DEFAULT_NAME, records, seed)
    }

    /// The same under another name.
    pub fn named(name: &str, records: u64, seed: u64) -> FakeSumdb {
        FakeSumdb::new(name, Records::Synthetic { seed }, records, seed)
    }

    /// A log of the caller's records; the key follows from the fixed seed 1.
    pub fn of_records(records: &[Given]) -> FakeSumdb {
        FakeSumdb::with_records(DEFAULT_NAME, records, 1)
    }

    /// A log of the caller's records under another name and with another key.
    pub fn with_records(name: &str, records: &[Given], seed: u64) -> FakeSumdb {
        FakeSumdb::new(name, Records::given(records), records.len() as u64, seed)
    }

    fn new(name: &str, records: Records, count: u64, seed: u64) -> FakeSumdb {
        let keys = Keys::new(name, seed);
        let state = State::new(records, count, &keys);
        let inner = Inner { keys, logging: true.into(), requests: Requests::default(), state: state.into() };
        FakeSumdb { inner: Arc::new(inner) }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        self.inner.keys.log.name()
    }

    /// The verifier key.
    pub fn vkey(&self) -> String {
        self.inner.keys.log.vkey()
    }

    /// The signer key.
    pub fn skey(&self) -> String {
        self.inner.keys.log.skey()
    }

    /// Size of the tree that the newest head signs.
    pub fn size(&self) -> u64 {
        self.state(State::size)
    }

    /// Chooses how data tiles end.
    pub fn set_ending(&self, ending: Ending) {
        self.change(|s| s.ending = ending);
    }

    /// Serves `bytes` at `path` too, in part where a part is asked for: a file such as those of a full copy.
    pub fn publish(&self, path: &str, bytes: Vec<u8>) {
        self.change(|s| s.files.insert(path.to_owned(), bytes.into()));
    }

    /// Signs the tree of the first `size` records from now on; may also go back.
    ///
    /// # Panics
    /// Beyond the records that there are.
    pub fn grow(&self, size: u64) {
        self.change(|s| s.grow(size, &self.inner.keys));
    }

    /// Whether there are that many records.
    pub fn can_grow(&self, size: u64) -> bool {
        self.state(|s| s.can_grow(size))
    }

    /// Whether a second history was made.
    pub fn has_fork(&self) -> bool {
        self.state(State::has_fork)
    }

    /// Appends a record to a log of the caller's records and signs the larger tree; returns the record's number.
    pub fn append(&self, record: Given) -> u64 {
        self.change(|s| s.append(record, &self.inner.keys))
    }

    /// Makes a second history that leaves the first at record `at`, and shows it from now on.
    pub fn fork(&self, at: u64) {
        self.prepare_fork(at);
        self.show_fork(true);
    }

    /// Makes the second history without showing it.
    pub fn prepare_fork(&self, at: u64) {
        self.change(|s| s.prepare_fork(at, &self.inner.keys));
    }

    /// Shows the second history, or the first again. Without a fork nothing changes.
    pub fn show_fork(&self, shown: bool) {
        self.state(|s| s.show_fork(shown));
    }

    /// Adds a fault, written as `fault.rs` says. A fork is made now and shown as soon as the fault strikes.
    ///
    /// # Panics
    /// On a fault that cannot be read, or a fork beyond the log's end.
    pub fn fault(&self, text: &str) {
        text.parse().and_then(|fault| self.add_fault(fault)).unwrap_or_else(|why: String| panic!("{why}"));
    }

    /// Adds a fault that was read already.
    ///
    /// # Errors
    /// A fork beyond the log's end.
    pub fn add_fault(&self, fault: Fault) -> Result<(), String> {
        if let Kind::Fork { at } = fault.kind {
            if !self.can_grow(at + 1) {
                return Err(format!("fork:{at}: the log has {} records", self.size()));
            }
            self.prepare_fork(at);
        }
        self.change(|s| s.faults.push(fault));
        Ok(())
    }

    /// Whether some fault resets connections.
    pub fn resets(&self) -> bool {
        self.state(|s| s.faults.iter().any(|fault| fault.kind == Kind::Reset))
    }

    /// Heals all faults; a fork stays shown until `show_fork(false)`.
    pub fn clear_faults(&self) {
        self.change(|s| s.faults.clear());
    }

    /// The module version of record `id`.
    pub fn module(&self, id: u64) -> (String, String) {
        self.state(|s| s.records.module(id))
    }

    /// The record number of a module version, also beyond the signed size.
    pub fn find(&self, module: &str, version: &str) -> Option<u64> {
        self.state(|s| s.records.find(module, version))
    }

    /// The text of record `id` in the first history.
    pub fn record_text(&self, id: u64) -> String {
        self.state(|s| s.records.text(id))
    }

    /// `lookup/M@V`, escaped, for record `id`.
    pub fn lookup_path(&self, id: u64) -> String {
        let (module, version) = self.module(id);
        format!("lookup/{}@{}", route::escape(&module), route::escape(&version))
    }

    /// The honestly signed head of any size of the history that is shown.
    pub fn head(&self, size: u64) -> String {
        self.state(|s| self.inner.keys.head((size, s.view().root(size))))
    }

    /// The root of the first `size` records of the history that is shown.
    pub fn root(&self, size: u64) -> Hash {
        self.state(|s| s.view().root(size))
    }

    /// The inclusion proof of record `id` in the tree of `size` records, leaf side first.
    pub fn inclusion(&self, id: u64, size: u64) -> Vec<Hash> {
        self.state(|s| s.view().inclusion(id, 0, size))
    }

    /// The proof that the tree of `older` records is part of that of `size`; empty for 0.
    pub fn consistency(&self, older: u64, size: u64) -> Vec<Hash> {
        self.state(|s| if older == 0 { Vec::new() } else { s.view().consistency(older, 0, size) })
    }

    /// Signs any text with the log's key: a note.
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.inner.keys.log.line(text))
    }

    /// Starts or stops noting requests; it is on at first.
    pub fn log_requests(&self, on: bool) {
        self.inner.logging.store(on, Ordering::Relaxed);
    }

    /// All requests since the start or the last `clear_requests`.
    pub fn requests(&self) -> Vec<Request> {
        self.inner.requests.all()
    }

    /// The requests whose path begins so.
    pub fn requests_for(&self, prefix: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|r| r.path.starts_with(prefix)).collect()
    }

    /// How often each path that begins so was asked for.
    pub fn counts(&self, prefix: &str) -> BTreeMap<String, usize> {
        requests::counts(&self.requests_for(prefix))
    }

    /// How many rounds of requests whose path begins so came in sequence; see `requests::rounds`.
    pub fn rounds(&self, prefix: &str) -> usize {
        requests::rounds(&self.requests_for(prefix))
    }

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        self.inner.requests.clear();
    }

    /// The answer to a path (`latest`, `lookup/...`, `tile/...`), with faults; noted as a request that is done at once.
    pub fn get(&self, path: &str) -> Answer {
        let place = self.begin(path);
        let answer = self.answer(path);
        self.end(place, answer.status);
        answer
    }

    /// The true answer to a path: no fault, no note. `None` unless it is a 200.
    pub fn honest(&self, path: &str) -> Option<Vec<u8>> {
        let answer = self.state(|s| s.honest(path, &s.head()));
        (answer.status == 200).then(|| answer.body.to_vec())
    }

    /// Notes the beginning of a request.
    pub fn begin(&self, path: &str) -> Option<usize> {
        self.inner.logging.load(Ordering::Relaxed).then(|| self.inner.requests.begin(path))
    }

    /// Notes the end of a request.
    pub fn end(&self, place: Option<usize>, status: u16) {
        if let Some(place) = place {
            self.inner.requests.end(place, status);
        }
    }

    /// The answer to a path, with faults, not noted.
    pub fn answer(&self, path: &str) -> Answer {
        self.state(|s| s.answer(path, &self.inner.keys))
    }

    fn state<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.inner.state.read().unwrap())
    }

    fn change<T>(&self, write: impl FnOnce(&mut State) -> T) -> T {
        write(&mut self.inner.state.write().unwrap())
    }
}
