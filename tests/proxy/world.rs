//! A module proxy of this process over a folder of its own: a log, and mirrors that are honest until a test says otherwise.

use std::path::PathBuf;
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault as ServerFault;
use gosumcheck::proxy::{Denied, Mode, OnMismatch, Proxy, ProxyAnswer, ProxyLimits, ProxyOptions, Text, Upstreams};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::store::Folder;
use gosumcheck::store::disk::{Disk, RealDisk};
use gosumcheck::store::journal::Incident;
use gosumcheck::store::modules;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{SyncOptions, sync};
use gosumcheck::upstream::{self, Base, Http, Proxies, ProxyEntry, ProxyPlace, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::fake::{FakeSumdb, Served};
use crate::kit::{Corpus, FakeMirror};

/// Longer than any test: what is kept that long is kept.
pub const LONG: Duration = Duration::from_secs(3600);

/// What is said of modules, and who says it. The proxy is opened with `proxy`, as often as the test wants.
pub struct World {
    pub corpus: Corpus,
    pub log: FakeSumdb,
    pub served: Option<Served>,
    pub mirrors: Vec<FakeMirror>,
    /// who is asked for private modules
    pub private: Vec<FakeMirror>,
    pub data: TempDir,
    pub runtime: Runtime,
    /// what stands between the mirrors
    pub separator: char,
    pub settings: Settings,
    pub options: ProxyOptions,
    pub offline: bool,
}

impl World {
    /// So many honest mirrors of a corpus, and its log.
    pub fn new(corpus: Corpus, mirrors: usize) -> World {
        let log = corpus.log();
        World {
            served: Some(log.serve()),
            log,
            mirrors: (0..mirrors).map(|_| FakeMirror::serve(&corpus)).collect(),
            private: Vec::new(),
            corpus,
            data: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
            runtime: Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
            separator: '|',
            settings: Settings { tries: 2, first_delay: Duration::from_millis(1), ..Settings::default() },
            options: ProxyOptions {
                private: Patterns::default(),
                on_mismatch: OnMismatch::Refuse,
                freshness: LONG,
                stale: LONG * 2,
                negative: LONG,
                threads: 2,
            },
            offline: false,
        }
    }

    /// The proxy as a process opens it that has just begun.
    pub fn proxy(&self) -> Proxy {
        self.open(Box::new(RealDisk)).unwrap()
    }

    /// The same over another disk, or why not.
    pub fn open(&self, disk: Box<dyn Disk>) -> Result<Proxy, ServerFault> {
        self.open_in(&Folder::open_on(self.data.path(), disk)?)
    }

    /// The same in a folder that the test goes on with.
    pub fn open_in(&self, folder: &Folder) -> Result<Proxy, ServerFault> {
        let options = RelayOptions { offline: self.offline, private: self.options.private.clone() };
        let relay = Relay::new(self.database(), self.folder().log(self.log.name())?, options)?;
        let private = (!self.private.is_empty()).then(|| self.proxies(&self.private));
        Proxy::open(folder, relay, Upstreams { public: self.proxies(&self.mirrors), private }, self.options.clone())
    }

    /// The proxy as a process opens it that has just begun, with other bounds.
    pub fn limited(&self, limits: ProxyLimits) -> Proxy {
        let options = RelayOptions { offline: self.offline, private: self.options.private.clone() };
        let relay = Relay::new(self.database(), self.folder().log(self.log.name()).unwrap(), options).unwrap();
        let private = (!self.private.is_empty()).then(|| self.proxies(&self.private));
        let upstreams = Upstreams { public: self.proxies(&self.mirrors), private };
        Proxy::within(&self.folder(), relay, upstreams, self.options.clone(), limits).unwrap()
    }

    /// The proxy with other bounds, over a relay that a server may have besides.
    pub fn within(&self, relay: Relay, limits: ProxyLimits) -> Proxy {
        let upstreams = Upstreams { public: self.proxies(&self.mirrors), private: None };
        Proxy::within(&self.folder(), relay, upstreams, self.options.clone(), limits).unwrap()
    }

    pub fn database(&self) -> Database {
        let policy = Policy::log(VerifierKey::parse(&self.log.vkey()).unwrap());
        let url = self.served.as_ref().map(Served::url);
        let bases = url.iter().map(|url| Base::parse(url).unwrap()).collect();
        let http = Http::new(Settings { tries: 1, ..self.settings.clone() });
        Database::open(&self.folder(), self.log.name(), policy, upstream::Upstreams::new(http, bases), 8).unwrap()
    }

    fn proxies(&self, mirrors: &[FakeMirror]) -> Proxies {
        let entry = |mirror: &FakeMirror| ProxyEntry {
            place: ProxyPlace::Base(Base::parse(&mirror.url()).unwrap(), self.settings.clone()),
            falls_back: self.separator == '|',
        };
        Proxies::new(mirrors.iter().map(entry).collect())
    }

    pub fn folder(&self) -> Folder {
        Folder::open(self.data.path()).unwrap()
    }

    /// Brings the whole log into the folder.
    pub fn sync(&self) {
        let options = SyncOptions { to: None, jobs: 8, limit_rate: None };
        let log = self.folder().log(self.log.name()).unwrap();
        self.runtime.block_on(sync(&self.database(), &log, &options, &|_| {})).unwrap();
    }

    /// What the proxy says to a question, `example.com/a/@v/v1.0.0.zip`.
    pub fn ask(&self, proxy: &Proxy, path: &str) -> Result<ProxyAnswer, Denied> {
        self.runtime.block_on(ask(proxy, path))
    }

    /// The same where nobody is to be asked.
    pub fn cached(&self, proxy: &Proxy, path: &str) -> Result<ProxyAnswer, Denied> {
        self.runtime
            .block_on(proxy.answer(&ModuleRequest::parse(path).unwrap(), Mode { cached_only: true, peer: None }))
    }

    /// The file that is answered must be the corpus's, byte for byte.
    #[track_caller]
    pub fn expect_true(&self, proxy: &Proxy, path: &str) {
        let truth = self.corpus.file(path).unwrap();
        assert!(bytes(self.ask(proxy, path)) == truth, "{path}: not the right bytes");
    }

    /// The files below `modules/` and `private/` that have a name there, sorted; each must hash to what stands beside it. Lists, and
    /// an `.info` that only names its version, are left out.
    #[track_caller]
    pub fn stored(&self) -> Vec<String> {
        let found = self.folder().modules().walk().map(Result::unwrap);
        let names = found.filter(|found| !is_made_here(found)).map(|found| match found {
            modules::StoredItem::File { tree, module, kind, path, hash, .. } => {
                let bytes = std::fs::read(&path).unwrap();
                let got = h1(kind, &bytes);
                assert_eq!(hash.map(|hash| hash.to_string()), Some(got), "{}", path.display());
                // In the tree of its own kind: a private file is not a proven one.
                let is_private = self.options.private.exemption(module.path()).is_some();
                assert_eq!(tree == modules::Tree::FirstUse, is_private, "{}", path.display());
                ModuleRequest::File(module, kind).to_string()
            }
            modules::StoredItem::Info { module, .. } => ModuleRequest::Info(module).to_string(),
            modules::StoredItem::HashOnly { module, kind, .. } => {
                format!("{} (hash)", ModuleRequest::File(module, kind))
            }
            modules::StoredItem::List { module, .. } => ModuleRequest::List(module).to_string(),
            modules::StoredItem::Stray(path) => format!("stray {}", path.display()),
        });
        names.collect()
    }

    /// What was noted of wrong bytes, oldest first.
    pub fn incidents(&self) -> Vec<Incident> {
        let mut incidents = self.folder().journal().unwrap().incidents(100).unwrap();
        incidents.reverse();
        incidents
    }

    /// The reports of quarantined files, each with the file's bytes.
    pub fn reports(&self) -> Vec<(Value, Vec<u8>)> {
        let refused = files(self.data.path().join("refused"));
        let reports = refused.iter().filter(|path| path.extension().is_some_and(|end| end == "json"));
        let read = |path: &PathBuf| std::fs::read(path).unwrap();
        reports.map(|path| (serde_json::from_slice(&read(path)).unwrap(), read(&path.with_extension("")))).collect()
    }

    /// What is on its way in `tmp/`.
    pub fn arrivals(&self) -> Vec<PathBuf> {
        files(self.data.path().join("tmp"))
    }
}

/// Whether it stands beside a stored zip for readers of the folder, and says nothing that its name does not.
fn is_made_here(found: &modules::StoredItem) -> bool {
    match found {
        modules::StoredItem::List { .. } => true,
        modules::StoredItem::Info { module, path, .. } => {
            std::fs::read_to_string(path).unwrap() == format!("{{\"Version\":\"{}\"}}", module.version())
        }
        _ => false,
    }
}

/// What the proxy says to a question, for tests that are tasks.
pub async fn ask(proxy: &Proxy, path: &str) -> Result<ProxyAnswer, Denied> {
    proxy.answer(&ModuleRequest::parse(path).unwrap(), Mode::default()).await
}

/// The bytes of an answer.
#[track_caller]
pub fn bytes(answer: Result<ProxyAnswer, Denied>) -> Vec<u8> {
    match answer {
        Ok(ProxyAnswer::File(admitted)) => admitted.read().unwrap(),
        Ok(ProxyAnswer::Text(text)) => text.bytes.to_vec(),
        Ok(ProxyAnswer::Unproven(refused)) => panic!("{} unproven bytes", refused.len()),
        Err(denied) => panic!("{denied:?}"),
    }
}

/// An answer that is a hint.
#[track_caller]
pub fn text(answer: Result<ProxyAnswer, Denied>) -> Text {
    match answer {
        Ok(ProxyAnswer::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// The words of a 404.
#[track_caller]
pub fn absent(answer: Result<ProxyAnswer, Denied>) -> String {
    match answer {
        Err(Denied::NotFound(words)) => words,
        other => panic!("{other:?}"),
    }
}

/// The words of an outage.
#[track_caller]
pub fn outage(answer: Result<ProxyAnswer, Denied>) -> String {
    match answer {
        Err(Denied::Fault(fault @ ServerFault::Unavailable { .. })) => fault.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The lines of a refusal: as many as the go command shows, once the edge has cut them to 80 bytes.
#[track_caller]
pub fn refusal(answer: Result<ProxyAnswer, Denied>) -> Vec<String> {
    let Err(Denied::Refused(_, lines)) = answer else { panic!("{answer:?}") };
    let shown: usize = lines.iter().map(|line| line.len().div_ceil(80)).sum();
    assert!((1..=8).contains(&shown), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.is_empty() && !line.contains(char::is_control)), "{lines:#?}");
    lines
}

fn h1(kind: gosumcheck::sumdb::gosum::Kind, bytes: &[u8]) -> String {
    use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
    use gosumcheck::sumdb::gosum::Kind;
    match kind {
        Kind::Zip => format!("h1:{}", h1_zip(bytes, 1).unwrap()),
        Kind::GoMod => format!("h1:{}", h1_go_mod(bytes)),
    }
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    if folder.is_dir() { crate::common::files_below(&folder) } else { Vec::new() }
}
