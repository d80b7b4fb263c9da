//! A server in this process over real sockets, opened under a policy over a data folder.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::proxy::{OnMismatch, Proxy, ProxyOptions};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::server::{AccessLog, Config, ServedDatabase, run};
use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::Policy as HeadPolicy;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{SyncOptions, sync};
use gosumcheck::upstream::{Base, Http, Proxies, ProxyEntry, ProxyPlace, Settings, Upstreams};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::fake::{self, FakeSumdb, Given};
use crate::kit::{Corpus, FakeMirror, Spec};

/// The module that everything is about, and its version.
pub const MODULE: &str = "example.com/m";
pub const VERSION: &str = "v1.0.0";
/// Records of other modules in each log: its tiles have two levels.
const OTHERS: usize = 600;
/// Longer than any test: a hint that one server stored is fresh for the next.
const LONG: Duration = Duration::from_secs(3600);

/// A checksum database that answers.
pub struct Log {
    pub db: FakeSumdb,
    pub served: fake::Served,
}

/// Two corpora in which every answer differs, a mirror and databases of each.
pub struct Stage {
    pub corpus: Corpus,
    /// has other bytes for every question about [`MODULE`]
    pub other: Corpus,
    pub mirror: FakeMirror,
    pub other_mirror: FakeMirror,
    /// proves `corpus`
    pub a: Log,
    /// proves `other`
    pub b: Log,
    /// proves `other`, has the name of `a` and a key of its own
    pub rotated: Log,
}

impl Stage {
    pub fn new() -> Stage {
        let spec = || Spec::new(MODULE, VERSION).noise(5_000);
        let corpus = Corpus::of(&[spec()]);
        let other_spec = spec()
            .go_mod(&format!("module {MODULE}\n\ngo 1.22\n"))
            .file("other.txt", b"other bytes\n")
            .time("2023-03-04T05:06:07Z");
        let other = Corpus::of(&[other_spec, Spec::new(MODULE, "v1.1.0")]);
        Stage {
            mirror: FakeMirror::serve(&corpus),
            other_mirror: FakeMirror::serve(&other),
            a: log(&corpus, "a.example", 1),
            b: log(&other, "b.example", 2),
            rotated: log(&other, "a.example", 3),
            corpus,
            other,
        }
    }

    /// Public modules of the honest mirror, proven by database A.
    pub fn policy(&self) -> Policy<'_> {
        Policy {
            databases: vec![&self.a],
            public: &self.mirror,
            private: None,
            patterns: "",
            on_mismatch: OnMismatch::Refuse,
            prefix: "",
            offline: false,
            full_log: false,
        }
    }
}

/// The settings of an operator that decide what is answered.
#[derive(Clone)]
pub struct Policy<'a> {
    /// the first one proves modules
    pub databases: Vec<&'a Log>,
    pub public: &'a FakeMirror,
    pub private: Option<&'a FakeMirror>,
    pub patterns: &'static str,
    pub on_mismatch: OnMismatch,
    pub prefix: &'static str,
    pub offline: bool,
    /// the full log is synced before the server is opened
    pub full_log: bool,
}

/// A running server; it stops when this is dropped, and leaves the data folder to the next one.
pub struct Server {
    pub at: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens the data folder as `gosumcheck serve` does, with these settings.
    pub fn open(policy: &Policy<'_>, data: &Path) -> Result<Server, Fault> {
        let folder = Folder::open(data)?;
        let mut served = Vec::new();
        for log in &policy.databases {
            let full = folder.log(log.db.name())?;
            if policy.full_log && !policy.offline {
                let options = SyncOptions { to: None, jobs: 8, limit_rate: None };
                // As in the background of a server: a sync that fails does not keep it from starting.
                let _ = runtime().block_on(sync(&database(policy, log, &folder)?, &full, &options, &|_| {}));
            }
            let options = RelayOptions { offline: policy.offline, private: Patterns::parse(policy.patterns) };
            served.push(ServedDatabase::new(Relay::new(database(policy, log, &folder)?, full.clone(), options)?, full));
        }
        let options = ProxyOptions {
            private: Patterns::parse(policy.patterns),
            on_mismatch: policy.on_mismatch,
            freshness: LONG,
            stale: LONG * 2,
            negative: LONG,
            threads: 2,
        };
        let private = policy.private.map(|mirror| proxies(policy, mirror));
        let upstreams = gosumcheck::proxy::Upstreams { public: proxies(policy, policy.public), private };
        let proxy = Proxy::open(&folder, served[0].relay().clone(), upstreams, options)?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let config = Config { prefix: policy.prefix.to_owned(), access: AccessLog::Off, ..Config::default() };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async move { drop(stopped.await) };
                run(config, served, Some(proxy), vec![listener], stopped).await.unwrap();
            });
        });
        Ok(Server { at, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A database that has the records of a corpus among others; its key follows from the name and the seed.
pub fn log(corpus: &Corpus, name: &str, seed: u64) -> Log {
    let db = FakeSumdb::with_records(name, &among_others(corpus.records()), seed);
    Log { served: db.serve(), db }
}

/// The records in the middle of others.
fn among_others(records: Vec<Given>) -> Vec<Given> {
    let mut all: Vec<Given> =
        (0..OTHERS).map(|n| Given::new(&format!("example.com/filler{n}"), VERSION, "h1:x=", "h1:y=")).collect();
    all.splice(OTHERS / 2..OTHERS / 2, records);
    all
}

pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn database(policy: &Policy<'_>, log: &Log, folder: &Folder) -> Result<Database, Fault> {
    let bases = if policy.offline { vec![] } else { vec![Base::parse(&log.served.url())?] };
    let upstreams = Upstreams::new(Http::new(Settings { tries: 1, ..Settings::default() }), bases);
    let key = VerifierKey::parse(&log.db.vkey()).unwrap();
    Database::open(folder, log.db.name(), HeadPolicy::log(key), upstreams, 8)
}

fn proxies(policy: &Policy<'_>, mirror: &FakeMirror) -> Proxies {
    if policy.offline {
        return Proxies::new(Vec::new());
    }
    let settings = Settings { tries: 1, ..Settings::default() };
    let place = ProxyPlace::Base(Base::parse(&mirror.url()).unwrap(), settings);
    Proxies::new(vec![ProxyEntry { place, falls_back: false }])
}
