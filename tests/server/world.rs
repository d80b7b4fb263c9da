//! A log, and a server of it in this process: over a full log or over an empty data folder.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::server::{Access, Config, Limits, ModuleProxy, Served, run};
use gosumcheck::store::{Folder, Log};
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{Options, sync};
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::client::get;
use crate::fake::{self, FakeSumdb};

/// Records of the log that most tests use: two full tiles and a bit.
pub(crate) const RECORDS: u64 = 600;

/// What a world is made of.
pub(crate) struct Plan {
    pub(crate) records: u64,
    /// whether the full log is held
    pub(crate) full: bool,
    pub(crate) offline: bool,
    pub(crate) private: String,
    pub(crate) limits: Limits,
    /// who knows about modules
    pub(crate) proxy: Option<Arc<dyn ModuleProxy>>,
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
            proxy: None,
            prefix: "",
        }
    }
}

pub(crate) struct World {
    pub(crate) db: FakeSumdb,
    pub(crate) upstream: Option<fake::Served>,
    pub(crate) data: TempDir,
    pub(crate) at: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// `db` as this data folder and this upstream know it, and its full log.
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
        let db = FakeSumdb::synthetic(2 * plan.records, 7);
        db.grow(plan.records);
        let upstream = db.serve();
        let data = tempfile::tempdir().unwrap();
        if plan.full {
            let (database, log) = open(&db, &data, &upstream.url());
            let options = Options { to: None, jobs: 8, limit_rate: None };
            runtime().block_on(sync(&database, &log, &options, &|_| {})).unwrap();
            db.clear_requests();
        }
        let (database, log) = open(&db, &data, &upstream.url());
        let options = RelayOptions { offline: plan.offline, private: Patterns::parse(&plan.private) };
        let served = Served::new(Relay::new(database, log.clone(), options).unwrap(), log);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let prefix = plan.prefix.to_owned();
        let config = Config { prefix, limits: plan.limits, access: Access::Off, ..Config::default() };
        let proxy = plan.proxy;
        let server = std::thread::spawn(move || {
            runtime().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async move { drop(stopped.await) };
                run(config, vec![served], proxy, vec![listener], stopped).await.unwrap();
            });
        });
        World { db, upstream: Some(upstream), data, at, stop: Some(stop), server: Some(server) }
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub(crate) fn stopped(&mut self) {
        self.stop();
        if let Some(server) = self.server.take() {
            server.join().unwrap();
        }
    }

    pub(crate) fn log(&self) -> Log {
        Folder::open(self.data.path()).unwrap().log(self.db.name()).unwrap()
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = get(self.at, "/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// Waits for a state that only another thread or process can bring about.
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
