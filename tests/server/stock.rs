//! A module proxy that says what it was told to say, over a real store, and remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gosumcheck::proxy::{Denied, Found, Manner, Text, TextKind};
use gosumcheck::server::{Answering, ModuleProxy};
use gosumcheck::store::Folder;
use gosumcheck::store::modules::{Modules, Proof, Provenance};
use gosumcheck::sumdb::goproxy::Asked;
use gosumcheck::sumdb::gosum::{Kind, SumHash};
use gosumcheck::sumdb::module::ModuleVersion;
use tempfile::TempDir;

use crate::world::{Plan, World};

/// The h1 that every scripted file is said to have.
pub(crate) const H1: &str = "h1:7twxBcFYDeu8Vzb6mCCxAMrbo2jBQRFPCCTZCEK2n4I=";

pub(crate) struct Script {
    pub(crate) folder: TempDir,
    modules: Modules,
    said: Mutex<HashMap<String, Result<Found, Denied>>>,
    asked: Mutex<Vec<(String, bool)>>,
    delays: Mutex<HashMap<String, Duration>>,
}

impl Script {
    pub(crate) fn new() -> Arc<Script> {
        let folder = tempfile::tempdir().unwrap();
        let modules = Folder::open(folder.path()).unwrap().modules();
        Arc::new(Script { folder, modules, said: Mutex::default(), asked: Mutex::default(), delays: Mutex::default() })
    }

    /// Says this to that.
    pub(crate) fn says(self: &Arc<Script>, path: &str, answer: Result<Found, Denied>) -> Arc<Script> {
        self.said.lock().unwrap().insert(path.to_owned(), answer);
        Arc::clone(self)
    }

    /// Takes so long for that.
    pub(crate) fn delayed(self: &Arc<Script>, path: &str, delay: Duration) -> Arc<Script> {
        self.delays.lock().unwrap().insert(path.to_owned(), delay);
        Arc::clone(self)
    }

    /// Has this file.
    pub(crate) fn file(self: &Arc<Script>, path: &str, bytes: &[u8]) -> Arc<Script> {
        let Ok(Asked::File(module, kind)) = Asked::parse(path) else { panic!("{path}") };
        let admitted = self.admit(&module, kind, bytes);
        self.says(path, Ok(Found::File(admitted)))
    }

    fn admit(&self, module: &ModuleVersion, kind: Kind, bytes: &[u8]) -> gosumcheck::store::modules::Admitted {
        let mut arrival = self.modules.arrival(module, kind).unwrap();
        arrival.append(bytes).unwrap();
        let by = Provenance::Recorded(Proof { database: "sum.example+033de0ae+AcKey".to_owned(), record: 1 });
        self.modules.admit(arrival, &SumHash::parse(H1).unwrap(), &by).unwrap()
    }

    /// Says this text, good for so long.
    pub(crate) fn text(self: &Arc<Script>, path: &str, text: &str, keep: Duration) -> Arc<Script> {
        self.says(path, Ok(Found::Text(self::text(path, text, keep))))
    }

    /// What was asked so far, and whether nobody else was to be.
    pub(crate) fn asked(&self) -> Vec<(String, bool)> {
        self.asked.lock().unwrap().clone()
    }

    /// A server in front of it.
    pub(crate) fn serve(self: &Arc<Script>) -> World {
        World::of(self.plan())
    }

    pub(crate) fn plan(self: &Arc<Script>) -> Plan {
        let proxy: Arc<dyn ModuleProxy> = Arc::<Script>::clone(self);
        Plan { full: false, proxy: Some(proxy), ..Plan::default() }
    }
}

/// A hint as that path has it.
pub(crate) fn text(path: &str, text: &str, keep: Duration) -> Text {
    let kind = if path.ends_with("/list") { TextKind::List } else { TextKind::Info };
    Text { bytes: Bytes::from(text.to_owned()), kind, keep, stale: false }
}

pub(crate) const A_MINUTE: Duration = Duration::from_secs(60);

impl ModuleProxy for Script {
    fn answer<'a>(&'a self, asked: &'a Asked, manner: Manner) -> Answering<'a> {
        Box::pin(async move {
            let path = asked.to_string();
            self.asked.lock().unwrap().push((path.clone(), manner.cached_only));
            let delay = self.delays.lock().unwrap().get(&path).copied();
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            let said = self.said.lock().unwrap().get(&path).cloned();
            said.unwrap_or_else(|| {
                Err(if manner.cached_only {
                    Denied::NotCached(path)
                } else {
                    Denied::NotFound(format!("not found: {path}"))
                })
            })
        })
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("asked", u64::try_from(self.asked().len()).unwrap())]
    }
}
