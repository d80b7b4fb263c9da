//! A log, and a server of it in this process: over a full log or over an empty data folder.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::proxy::Proxy;
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::server::{AccessLog, Config, Limits, ServedDatabase, run};
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{SyncOptions, sync};
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::client::get;
use crate::fake::{self, FakeSumdb};
use crate::stock::Stock;

/// Records of the log that most tests use: two full tiles and a bit.
pub(crate) const RECORDS: u64 = 600;
/// The seed of all logs.
const SEED: u64 = 7;

/// The configuration of a world.
pub(crate) struct Plan {
    pub(crate) records: u64,
    /// whether the full log is held
    pub(crate) full: bool,
    pub(crate) offline: bool,
    pub(crate) private: String,
    pub(crate) limits: Limits,
    /// the modules of the module proxy; without any there is no proxy
    pub(crate) stock: Option<Arc<Stock>>,
    pub(crate) prefix: &'static str,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            records: RECORDS,
            full: true,
            offline: false,
            private: String::new(),
            limits: Limits::default(),
            stock: None,
            prefix: "",
        }
    }
}

pub(crate) struct World {
    pub(crate) db: FakeSumdb,
    pub(crate) upstream: Option<fake::Served>,
    pub(crate) data: TempDir,
    pub(crate) at: SocketAddr,
    pub(crate) proxy: Option<Proxy>,
    /// its folders
    _stock: Option<Arc<Stock>>,
    running: Running,
}

/// A running server; it stops when this is dropped.
pub(crate) struct Running {
    pub(crate) at: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// The log of a world of the usual size, whose key is that of every world.
pub(crate) fn log() -> FakeSumdb {
    FakeSumdb::synthetic(2 * RECORDS, SEED)
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The database `db` over this data folder and this upstream, and its full log.
pub(crate) fn open(db: &FakeSumdb, data: &TempDir, url: &str) -> (Database, Log) {
    let folder = Folder::open(data.path()).unwrap();
    let policy = Policy::log(VerifierKey::parse(&db.vkey()).unwrap());
    let upstreams = Upstreams::new(Http::new(Settings::default()), vec![Base::parse(url).unwrap()]);
    let log = folder.log(db.name()).unwrap();
    (Database::open(&folder, db.name(), policy, upstreams, 8).unwrap(), log)
}

impl World {
    pub(crate) fn full() -> World {
        World::of(Plan::default())
    }

    pub(crate) fn of(plan: Plan) -> World {
        let db = FakeSumdb::synthetic(2 * plan.records, SEED);
        db.grow(plan.records);
        let upstream = db.serve();
        let data = tempfile::tempdir().unwrap();
        if plan.full {
            let (database, log) = open(&db, &data, &upstream.url());
            let options = SyncOptions { to: None, jobs: 8, limit_rate: None };
            runtime().block_on(sync(&database, &log, &options, &|_| {})).unwrap();
            db.clear_requests();
        }
        let (database, log) = open(&db, &data, &upstream.url());
        let options = RelayOptions { offline: plan.offline, private: Patterns::parse(&plan.private) };
        let relay = Relay::new(database, log.clone(), options).unwrap();
        let proxy = plan.stock.as_ref().map(|stock| stock.proxy(relay.clone()));
        let prefix = plan.prefix.to_owned();
        let config = Config { prefix, limits: plan.limits, access: AccessLog::Off, ..Config::default() };
        let running = Running::start(config, ServedDatabase::new(relay, log), proxy.clone());
        World { db, upstream: Some(upstream), data, at: running.at, proxy, _stock: plan.stock, running }
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&mut self) {
        self.running.stop();
    }

    /// Waits until it has stopped.
    pub(crate) fn stopped(&mut self) {
        self.running.stop();
        if let Some(server) = self.running.server.take() {
            server.join().unwrap();
        }
    }

    pub(crate) fn log(&self) -> Log {
        Folder::open(self.data.path()).unwrap().log(self.db.name()).unwrap()
    }

    /// How many requests the upstreams of the module proxy have received.
    pub(crate) fn asked(&self) -> u64 {
        self.proxy.iter().flat_map(Proxy::upstreams).map(|upstream| upstream.requests).sum()
    }

    /// How often the module proxy has counted this event.
    pub(crate) fn event(&self, name: &str) -> u64 {
        let counts = self.proxy.as_ref().unwrap().counts();
        counts.into_iter().find(|(event, _)| *event == name).unwrap().1
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = get(self.at, "/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }
}

impl Running {
    /// Starts a server on a free port.
    pub(crate) fn start(config: Config, served: ServedDatabase, proxy: Option<Proxy>) -> Running {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = std::thread::spawn(move || {
            runtime().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async move { drop(stopped.await) };
                run(config, vec![served], proxy, vec![listener], stopped).await.unwrap();
            });
        });
        Running { at, stop: Some(stop), server: Some(server) }
    }

    fn stop(&mut self) {
        drop(self.stop.take());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// Polls for a state that only another thread or process can bring about.
#[track_caller]
pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not so after 30 s: {what}");
}
