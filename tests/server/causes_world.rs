//! A real server, whose upstreams, disk or data folder fail.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gosumcheck::database::Database;
use gosumcheck::proxy::{OnMismatch, Proxy, ProxyOptions};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::server::{AccessLog, Config, ServedDatabase};
use gosumcheck::store::Folder;
use gosumcheck::store::disk::{Disk, RealDisk};
use gosumcheck::store::space::Space;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{SyncOptions, sync};
use gosumcheck::upstream::{Base, Http, Proxies, ProxyEntry, ProxyPlace, Settings, Upstreams};
use tempfile::TempDir;

use crate::client::Reply;
use crate::fake::FakeSumdb;
use crate::kit::{Corpus, FakeMirror, Fault};
use crate::world::{Running, runtime};

const MODULE: &str = "example.com/a";
const LONG: Duration = Duration::from_secs(3600);
/// SHA-256 of `go.sum database tree`.
const ORIGIN: &str = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";
/// Nothing listens there.
const DEAD: &str = "http://127.0.0.1:1";
/// The kinds of routes, in the order of the statuses of a row.
pub(crate) const ROUTES: [&str; 10] =
    ["latest", "lookup", "tile", "tlog", "export", "hints", "mod", "zip", "cached-only hints", "cached-only files"];

/// The upstream for records.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    Honest,
    /// bodies without an end
    Endless,
    Other(Place),
}

/// The upstream for modules.
#[derive(Clone, Copy)]
pub(crate) enum Mirror {
    Honest,
    /// answers longer than any client accepts
    Oversized,
    /// errors whose text suggests another cause
    Wordy,
    /// `off`
    Off,
    Other(Place),
}

/// Upstreams without answers.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Dead,
    /// it accepts connections and never answers
    Silent,
    /// an empty folder
    Empty,
    /// there is no upstream
    None,
}

/// What is wrong with the data folder.
#[derive(Clone, Copy)]
pub(crate) enum Data {
    Sound,
    /// sound, with the full log
    FullLog,
    /// the disk refuses the bytes of downloads
    Refuses(ErrorKind),
    /// the remembered head is a folder: it cannot be read
    UnreadableHead,
    /// the remembered head is damaged
    DamagedHead,
    /// the heads of the full log cannot be read
    UnreadableLog,
}

/// The server of one row, with everything that it needs.
pub(crate) struct World {
    data: TempDir,
    log: FakeSumdb,
    mirror: FakeMirror,
    pub(crate) running: Running,
    _silent: TcpListener,
    _empty: TempDir,
    _log: crate::fake::Served,
}

impl World {
    pub(crate) fn new(corpus: &Corpus, log_side: Log, mirror_side: Mirror, wrong: Data) -> World {
        let (log, mirror) = (corpus.log(), FakeMirror::serve(corpus));
        let (data, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let served_log = log.serve();
        let other = |place| match place {
            Place::Dead => Some(DEAD.to_owned()),
            Place::Silent => Some(format!("http://{}", silent.local_addr().unwrap())),
            Place::Empty => Some(format!("file://{}", empty.path().display())),
            Place::None => None,
        };
        if matches!(log_side, Log::Endless) {
            log.fault("endless");
        }
        match mirror_side {
            Mirror::Oversized => mirror.fault("*", Fault::Oversized { declared: true }),
            Mirror::Wordy => {
                mirror.fault("*", Fault::Status(500, "timed out: /var/lib/x cannot be written".to_owned()))
            }
            Mirror::Honest | Mirror::Off | Mirror::Other(_) => {}
        }
        let log_url = match log_side {
            Log::Honest | Log::Endless => Some(served_log.url()),
            Log::Other(place) => other(place),
        };
        let place = match mirror_side {
            Mirror::Honest | Mirror::Oversized | Mirror::Wordy => Some(base(&mirror.url())),
            Mirror::Off => Some(ProxyPlace::Off),
            Mirror::Other(place) => other(place).map(|url| base(&url)),
        };
        let folder = Folder::open(data.path()).unwrap();
        wrong.prepare(&folder, &log, log_url.as_deref());
        let held = folder.log(log.name()).unwrap();
        let options = RelayOptions { offline: false, private: Patterns::default() };
        let relay = Relay::new(database(&folder, &log, log_url.as_deref()), held.clone(), options).unwrap();
        let public = Proxies::new(place.map(|place| ProxyEntry { place, falls_back: false }).into_iter().collect());
        let upstreams = gosumcheck::proxy::Upstreams { public, private: None };
        let on_disk = Folder::open_on(data.path(), wrong.disk()).unwrap();
        let proxy = Proxy::open(&on_disk, relay.clone(), upstreams, options_of_proxy()).unwrap();
        let config = Config { access: AccessLog::Off, ..Config::default() };
        let running = Running::start(config, ServedDatabase::new(relay, held), Some(proxy));
        World { data, log, mirror, running, _silent: silent, _empty: empty, _log: served_log }
    }

    /// The paths of each kind of route.
    pub(crate) fn paths(&self) -> [Vec<String>; 10] {
        let name = self.log.name();
        let at = |prefix: &str, ends: &[&str]| ends.iter().map(|end| format!("{prefix}{end}")).collect::<Vec<_>>();
        let hints = ["/@v/list", "/@latest", "/@v/v1.0.0.info"];
        [
            vec!["/latest".to_owned(), format!("/sumdb/{name}/latest")],
            vec![format!("/lookup/{MODULE}@v1.0.0")],
            at("/tile/8/", &["0/000", "1/000.p/5", "data/000"]),
            at(&format!("/tlog/{ORIGIN}/"), &["checkpoint", "tile/0/000", "tile/entries/000"]),
            at(&format!("/log/{name}/"), &["heads"]),
            at(&format!("/{MODULE}"), &hints),
            at(&format!("/{MODULE}"), &["/@v/v1.0.0.mod"]),
            at(&format!("/{MODULE}"), &["/@v/v1.0.0.zip"]),
            at("/cached-only/example.com/other", &hints),
            at("/cached-only/example.com/other", &["/@v/v1.0.0.mod", "/@v/v1.0.0.zip"]),
        ]
    }

    /// Checks what holds for every failure: no cache stores it, when to try again, and whose fault it names.
    #[track_caller]
    pub(crate) fn check(&self, path: &str, reply: &Reply, wrong: Data) {
        if reply.status < 500 {
            return;
        }
        let words = reply.text();
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}: {words}");
        assert_eq!(reply.header("retry-after"), (reply.status == 503).then_some("10"), "{path}: {words}");
        let is_file = path.ends_with(".mod") || path.ends_with(".zip");
        // A long path is wrapped.
        let text = words.replace('\n', "");
        if let (Data::Refuses(_), true) = (wrong, is_file) {
            assert!(text.contains(&self.data.path().display().to_string().replace(' ', "")), "{path}: {words}");
            assert!(!text.contains(&self.mirror.url()), "{path}: {words}");
            assert_eq!(self.mirror.count(&path[1..]), 1, "{path}: the mirror sent it");
        }
    }
}

impl Data {
    /// Brings the folder into this state.
    fn prepare(self, folder: &Folder, log: &FakeSumdb, url: Option<&str>) {
        let latest = || -> PathBuf {
            let path = folder.head(log.name()).unwrap().path();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        };
        match self {
            Data::Sound | Data::Refuses(_) => {}
            Data::UnreadableHead => fs::create_dir(latest()).unwrap(),
            Data::DamagedHead => fs::write(latest(), "go.sum database tree\n").unwrap(),
            Data::FullLog | Data::UnreadableLog => {
                let held = folder.log(log.name()).unwrap();
                let options = SyncOptions { to: None, jobs: 8, limit_rate: None };
                runtime().block_on(sync(&database(folder, log, url), &held, &options, &|_| {})).unwrap();
                if matches!(self, Data::UnreadableLog) {
                    fs::remove_file(held.dir().join("heads")).unwrap();
                    fs::create_dir(held.dir().join("heads")).unwrap();
                }
            }
        }
    }

    fn disk(self) -> Box<dyn Disk> {
        match self {
            Data::Refuses(error) => Box::new(NoBytes(error)),
            _ => Box::new(RealDisk),
        }
    }
}

/// A disk that creates files and refuses their bytes with this error.
#[derive(Debug)]
struct NoBytes(ErrorKind);

impl Disk for NoBytes {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_folder(path)
    }

    fn write_new(&self, _: &Path, _: &[u8], _: bool) -> io::Result<()> {
        Err(self.0.into())
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        RealDisk.open(path)
    }

    fn write_at(&self, _: &File, _: &[u8], _: u64) -> io::Result<()> {
        Err(self.0.into())
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        RealDisk.truncate(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_folder(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_folder(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        RealDisk.space(path)
    }
}

fn base(url: &str) -> ProxyPlace {
    ProxyPlace::Base(Base::parse(url).unwrap(), settings())
}

/// Loopback is fast, so the time-outs are short.
fn settings() -> Settings {
    Settings { tries: 1, silence: Duration::from_millis(100), ..Settings::default() }
}

fn database(folder: &Folder, log: &FakeSumdb, url: Option<&str>) -> Database {
    let policy = Policy::log(VerifierKey::parse(&log.vkey()).unwrap());
    let bases = url.iter().map(|url| Base::parse(url).unwrap()).collect();
    Database::open(folder, log.name(), policy, Upstreams::new(Http::new(settings()), bases), 8).unwrap()
}

fn options_of_proxy() -> ProxyOptions {
    ProxyOptions {
        private: Patterns::default(),
        on_mismatch: OnMismatch::Refuse,
        freshness: LONG,
        stale: LONG * 2,
        negative: LONG,
        threads: 2,
    }
}
