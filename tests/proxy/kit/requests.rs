//! What was asked of a mirror, also while it is still being answered.

use std::sync::Mutex;

use gosumcheck::sumdb::module::ModulePath;
use tokio::sync::watch;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` or whatever else
    pub method: String,
    /// as it was asked: `/github.com/%21burnt%21sushi/toml/@v/list`, behind a forwarding proxy with scheme and host
    pub target: String,
    /// what it asks for: percent signs undone, no leading slash
    pub path: String,
    /// the module that it is about, unescaped, where it is about one
    pub module: Option<String>,
    /// in their order, names in lower case
    pub headers: Vec<(String, String)>,
    /// of the answer; 0 while there is none
    pub status: u16,
    /// bytes of the answer's body that were given to the connection so far
    pub sent: u64,
    /// whether all of the body was
    pub done: bool,
    /// whether nothing more will be sent
    pub over: bool,
    /// whether who asked went away before that
    pub left: bool,
    /// which connection it came on, from 0
    pub connection: u64,
}

impl Request {
    /// A header's value; names are in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Reads the head of a request, without its last blank line.
    pub(super) fn parse(head: &str, connection: u64) -> Option<Request> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let origin = target.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        let below = origin.map_or(target.as_str(), |(_, path)| path);
        let path = decoded(below.trim_start_matches('/'));
        let module = path.split_once("/@").and_then(|(module, _)| ModulePath::unescape(module).ok());
        let headers = lines.filter(|line| !line.is_empty()).map(header).collect::<Option<_>>()?;
        let module = module.map(|module| module.to_string());
        Some(Request {
            method,
            target,
            path,
            module,
            headers,
            status: 0,
            sent: 0,
            done: false,
            over: false,
            left: false,
            connection,
        })
    }
}

/// The log of requests.
pub(super) struct Requests {
    state: Mutex<State>,
    /// how many there were, for those who wait for one
    pub(super) count: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    all: Vec<Request>,
    /// how many were forgotten: the first one's place
    forgotten: usize,
    /// the most that were being answered at once
    busiest: usize,
}

impl Requests {
    pub(super) fn new() -> Requests {
        Requests { state: Mutex::default(), count: watch::Sender::new(0) }
    }

    /// Notes a request; gives its place.
    pub(super) fn add(&self, request: Request) -> usize {
        let place = {
            let mut state = self.state.lock().unwrap();
            state.all.push(request);
            state.busiest = state.busiest.max(state.all.iter().filter(|request| !request.over).count());
            state.forgotten + state.all.len() - 1
        };
        self.count.send_modify(|count| *count += 1);
        place
    }

    /// Changes what is noted at a place, unless it was forgotten since.
    pub(super) fn change(&self, place: usize, change: impl FnOnce(&mut Request)) {
        let mut state = self.state.lock().unwrap();
        let place = place.checked_sub(state.forgotten);
        if let Some(request) = place.and_then(|place| state.all.get_mut(place)) {
            change(request);
        }
    }

    pub(super) fn all(&self) -> Vec<Request> {
        self.state.lock().unwrap().all.clone()
    }

    pub(super) fn busiest(&self) -> usize {
        self.state.lock().unwrap().busiest
    }

    /// Forgets all of them. What is still being answered is then noted nowhere.
    pub(super) fn clear(&self) {
        let mut state = self.state.lock().unwrap();
        let forgotten = state.forgotten + state.all.len();
        *state = State { forgotten, ..State::default() };
    }
}

/// `%21` and the like undone; what is malformed stays.
fn decoded(path: &str) -> String {
    let mut out = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|two| str::from_utf8(two).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
