//! What was asked: each request with its path and the order of its beginning and its end among all others'.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// One request. `begin` and `end` count events: no two events of a database have the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// without first slash and without `sumdb/<name>/`
    pub path: String,
    /// HTTP status of the answer; 0 while there is none
    pub status: u16,
    /// event at which the request came
    pub begin: u64,
    /// event at which the answer was ready to be sent; `u64::MAX` while it is not
    pub end: u64,
}

/// The log of requests.
#[derive(Default)]
pub struct Requests {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: u64,
    requests: Vec<Request>,
}

impl Requests {
    /// Notes that a request came; returns its place.
    pub fn begin(&self, path: &str) -> usize {
        let mut state = self.state.lock().unwrap();
        state.events += 1;
        let begin = state.events;
        state.requests.push(Request { path: path.to_owned(), status: 0, begin, end: u64::MAX });
        state.requests.len() - 1
    }

    /// Notes that the answer to the request at `place` is ready.
    pub fn end(&self, place: usize, status: u16) {
        let mut state = self.state.lock().unwrap();
        state.events += 1;
        let end = state.events;
        if let Some(request) = state.requests.get_mut(place) {
            request.end = end;
            request.status = status;
        }
    }

    /// All requests in the order in which they came.
    pub fn all(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        self.state.lock().unwrap().requests.clear();
    }
}

/// How often each path was asked for.
pub fn counts(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        *counts.entry(request.path.clone()).or_insert(0) += 1;
    }
    counts
}

/// The longest chain of requests each of which came after the one before it was answered: an upper bound on how many round
/// trips the asker needed in sequence. With an asker whose concurrency is not the limit, and answers slow enough to be
/// waited for (`slow:20`), it is exactly that number.
pub fn rounds(requests: &[Request]) -> usize {
    // By begin: the longest chain that ends with a request is one more than the longest that had ended before it began.
    let mut ended: Vec<(u64, usize)> = Vec::new();
    let mut longest = 0;
    for request in requests {
        let before = ended.iter().filter(|(end, _)| *end < request.begin).map(|(_, chain)| *chain).max().unwrap_or(0);
        ended.push((request.end, before + 1));
        longest = longest.max(before + 1);
    }
    longest
}
