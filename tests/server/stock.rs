//! A module proxy over the files that a test puts into its store and into the folder that is its upstream.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gosumcheck::proxy::{OnMismatch, Proxy, ProxyOptions, Upstreams};
use gosumcheck::relay::Relay;
use gosumcheck::store::Folder;
use gosumcheck::store::modules::{Modules, Proof, Provenance};
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::gosum::SumHash;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::upstream::{Base, Proxies, ProxyEntry, ProxyPlace, Settings};
use tempfile::TempDir;

use crate::world::{Plan, World, log};

/// The h1 that every stored file is recorded with.
pub(crate) const H1: &str = "h1:7twxBcFYDeu8Vzb6mCCxAMrbo2jBQRFPCCTZCEK2n4I=";

pub(crate) const A_MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct Stock {
    pub(crate) folder: TempDir,
    modules: Modules,
    upstream: TempDir,
    /// a second upstream, which never answers; the proxy gives up on it after this time
    silent: Mutex<Option<(TcpListener, Duration)>>,
    freshness: Mutex<Duration>,
}

impl Stock {
    pub(crate) fn new() -> Arc<Stock> {
        let folder = tempfile::tempdir().unwrap();
        let modules = Folder::open(folder.path()).unwrap().modules();
        let upstream = tempfile::tempdir().unwrap();
        let stock = Stock { folder, modules, upstream, silent: Mutex::default(), freshness: Mutex::new(A_MINUTE) };
        fs::create_dir(stock.tree()).unwrap();
        Arc::new(stock)
    }

    /// The folder that is its upstream.
    fn tree(&self) -> PathBuf {
        self.upstream.path().join("modules")
    }

    /// Puts a file into its store, proven by the log of the world.
    pub(crate) fn file(self: &Arc<Stock>, path: &str, bytes: &[u8]) -> Arc<Stock> {
        let Ok(ModuleRequest::File(module, kind)) = ModuleRequest::parse(path) else { panic!("{path}") };
        let mut arrival = self.modules.arrival(&module, kind).unwrap();
        arrival.append(bytes).unwrap();
        let by = Provenance::Recorded(Proof { database: log().vkey(), record: 1 });
        self.modules.admit(arrival, &SumHash::parse(H1).unwrap(), &by).unwrap();
        Arc::clone(self)
    }

    /// Puts a text into its upstream.
    pub(crate) fn text(self: &Arc<Stock>, path: &str, text: &str) -> Arc<Stock> {
        let path = self.tree().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        Arc::clone(self)
    }

    /// Sets for how long hints are fresh.
    pub(crate) fn fresh_for(self: &Arc<Stock>, freshness: Duration) -> Arc<Stock> {
        *self.freshness.lock().unwrap() = freshness;
        Arc::clone(self)
    }

    /// Adds a second upstream, which never answers; the proxy gives up on it after this time.
    pub(crate) fn silent(self: &Arc<Stock>, after: Duration) -> Arc<Stock> {
        *self.silent.lock().unwrap() = Some((TcpListener::bind("127.0.0.1:0").unwrap(), after));
        Arc::clone(self)
    }

    /// Removes its upstream, or brings it back.
    pub(crate) fn lose_upstream(&self, lost: bool) {
        let (here, gone) = (self.tree(), self.upstream.path().join("gone"));
        if lost { fs::rename(here, gone).unwrap() } else { fs::rename(gone, here).unwrap() }
    }

    /// The proxy over it.
    pub(crate) fn proxy(&self, relay: Relay) -> Proxy {
        let entry = |base: &str, settings| {
            let place = ProxyPlace::Base(Base::parse(base).unwrap(), settings);
            ProxyEntry { place, falls_back: false }
        };
        let mut entries = vec![entry(&format!("file://{}", self.tree().display()), Settings::default())];
        if let Some((listener, after)) = &*self.silent.lock().unwrap() {
            let settings = Settings { silence: *after, total: *after, tries: 1, ..Settings::default() };
            entries.push(entry(&format!("http://{}", listener.local_addr().unwrap()), settings));
        }
        let options = ProxyOptions {
            private: Patterns::default(),
            on_mismatch: OnMismatch::Refuse,
            freshness: *self.freshness.lock().unwrap(),
            stale: Duration::from_secs(3600),
            negative: A_MINUTE,
            threads: 2,
        };
        let upstreams = Upstreams { public: Proxies::new(entries), private: None };
        Proxy::open(&Folder::open(self.folder.path()).unwrap(), relay, upstreams, options).unwrap()
    }

    /// A server in front of it.
    pub(crate) fn serve(self: &Arc<Stock>) -> World {
        World::of(self.plan())
    }

    pub(crate) fn plan(self: &Arc<Stock>) -> Plan {
        Plan { full: false, stock: Some(Arc::clone(self)), ..Plan::default() }
    }
}
