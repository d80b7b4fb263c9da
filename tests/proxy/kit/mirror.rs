//! A module proxy on loopback, in this process: it serves a corpus, honestly or as its faults want it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use gosumcheck::sumdb::module::ModulePath;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::answer::Answer;
use super::corpus::Corpus;
use super::fault::{Fault, Strike, matches};
use super::gate::block;
use super::requests::{Request, Requests};
use super::wire;

/// Threads that answer.
const THREADS: usize = 2;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A running mirror. It stops when this is dropped.
pub struct FakeMirror {
    address: SocketAddr,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

enum State {
    Serving {
        stop: oneshot::Sender<()>,
        thread: JoinHandle<()>,
    },
    /// nobody listens, and nobody else can take the port
    Stopped(TcpSocket),
    Moving,
}

/// What the connections share.
pub(super) struct Shared {
    corpus: Corpus,
    strikes: Mutex<Vec<Strike>>,
    pub(super) requests: Requests,
}

impl Shared {
    /// Notes the request and makes its answer.
    pub(super) fn answer(&self, request: Request) -> (Answer, usize) {
        let faults: Vec<Fault> = {
            let mut strikes = self.strikes.lock().unwrap();
            let struck = strikes.iter_mut().filter_map(|strike| {
                let strikes = strike.strikes(&request.path);
                strikes.then(|| strike.fault.clone())
            });
            struck.collect()
        };
        let place = self.requests.add(request.clone());
        let mut answer = Answer::honest(&self.corpus, &request);
        faults.iter().for_each(|fault| answer.spoil(fault, &self.corpus, &request, place));
        answer.cut_to(&request);
        answer.cut_short(&faults);
        (answer, place)
    }
}

impl FakeMirror {
    /// Serves the corpus on a free port of 127.0.0.1.
    pub fn serve(corpus: &Corpus) -> FakeMirror {
        let socket = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Shared { corpus: corpus.clone(), strikes: Mutex::default(), requests: Requests::new() });
        let mirror = FakeMirror { address, shared, state: Mutex::new(State::Stopped(socket)) };
        mirror.start();
        mirror
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens, or did.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    pub fn corpus(&self) -> &Corpus {
        &self.shared.corpus
    }

    /// Spoils every answer to a path that the pattern fits (`*` is any run of characters), as `example.com/m/@v/*.zip`.
    pub fn fault(&self, pattern: &str, fault: Fault) {
        self.fault_at(pattern, 0, usize::MAX, fault);
    }

    /// The same for the next so many answers.
    pub fn fault_times(&self, pattern: &str, times: usize, fault: Fault) {
        self.fault_at(pattern, 0, times, fault);
    }

    /// Lets `skip` answers pass, and spoils the next `times`.
    pub fn fault_at(&self, pattern: &str, skip: usize, times: usize, fault: Fault) {
        let strike = Strike { pattern: pattern.to_owned(), fault, skip, left: times };
        self.shared.strikes.lock().unwrap().push(strike);
    }

    /// Is honest from now on. What hangs, hangs.
    pub fn heal(&self) {
        self.shared.strikes.lock().unwrap().clear();
    }

    /// All requests since the start or the last `clear_requests`, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.all()
    }

    /// Those whose path fits the pattern.
    pub fn requests_for(&self, pattern: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| matches(pattern, &request.path)).collect()
    }

    /// How many those are.
    pub fn count(&self, pattern: &str) -> usize {
        self.requests_for(pattern).len()
    }

    /// Bytes of bodies that were sent to those.
    pub fn sent(&self, pattern: &str) -> u64 {
        self.requests_for(pattern).iter().map(|request| request.sent).sum()
    }

    /// The most answers that were in the making at once since the last `clear_requests`.
    pub fn busiest(&self) -> usize {
        self.shared.requests.busiest()
    }

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        self.shared.requests.clear();
    }

    /// Whether a name (a module path or a part of one) came here in any spelling, in a path or in a header.
    pub fn heard_of(&self, name: &str) -> bool {
        let escaped = ModulePath::parse(name).map_or(name.to_owned(), |path| path.escaped());
        let has = |text: &str| [name, &escaped].iter().any(|name| text.to_lowercase().contains(&name.to_lowercase()));
        self.requests().iter().any(|request| {
            has(&request.path) || has(&request.target) || request.headers.iter().any(|(_, value)| has(value))
        })
    }

    /// Comes back when so many requests that fit the pattern have come since the last `clear_requests`. Blocks the thread.
    #[track_caller]
    pub fn wait(&self, pattern: &str, requests: usize) {
        let here = || format!("{} requests for {pattern}, not {requests}", self.count(pattern));
        block(self.reached(pattern, requests)).unwrap_or_else(|| panic!("{}", here()));
    }

    /// The same for a test that is a task.
    pub async fn reached(&self, pattern: &str, requests: usize) {
        let mut count = self.shared.requests.count.subscribe();
        while self.count(pattern) < requests {
            if count.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends: every connection is closed, and new ones are refused. The port stays its own.
    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap();
        let serving = match std::mem::replace(&mut *state, State::Moving) {
            State::Serving { stop, thread } => (stop, thread),
            other => return *state = other,
        };
        // Before the listener is gone: in between another process could get the port.
        let held = bound(self.address);
        drop(serving.0);
        serving.1.join().unwrap();
        *state = State::Stopped(held);
    }

    /// Serves again on the same port.
    pub fn start(&self) {
        let mut state = self.state.lock().unwrap();
        *state = match std::mem::replace(&mut *state, State::Moving) {
            State::Stopped(socket) => self.listen(socket),
            other => other,
        };
    }

    fn listen(&self, socket: TcpSocket) -> State {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, listens) = std::sync::mpsc::channel();
        let shared = self.shared.clone();
        // A thread of its own: a runtime cannot be dropped by a test that is a task itself.
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener: TcpListener = socket.listen(BACKLOG).unwrap();
                ready.send(()).unwrap();
                tokio::select! {
                    () = wire::accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        listens.recv().unwrap();
        State::Serving { stop, thread }
    }
}

impl Drop for FakeMirror {
    fn drop(&mut self) {
        if let State::Serving { stop, thread } = std::mem::replace(self.state.get_mut().unwrap(), State::Moving) {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// A socket that has the address and does not listen: every client that connects is refused.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    // The next holder of the address binds it while this one still has it.
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}
