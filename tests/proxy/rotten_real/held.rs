//! Real modules and a log with their records, and a server of a process of its own that holds all of it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use gosumcheck::sumdb::module::ModuleVersion;
use tempfile::TempDir;

use crate::client::get;
use crate::common::{Serving, cached_zips, random, skip};
use crate::fake::{FakeSumdb, Given};
use crate::kit::{Corpus, Site};

/// Modules of the store, the smallest of the module cache.
const MODULES: usize = 250;
/// Fewer are not worth the name of a store.
const FEWEST: usize = 100;
/// Records of the log.
pub const RECORDS: usize = 100_000;
/// The hash of both files of the other modules.
const SOME_HASH: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// Larger zips take long to be hashed again and again.
const LARGEST: u64 = 512 << 10;
/// Places of each file of the log that are damaged.
pub const PLACES: usize = 30;

/// The modules and the log, once a process; none (and a line that says so) where there are no real modules.
pub fn site() -> Option<&'static Site> {
    static SITE: OnceLock<Option<Site>> = OnceLock::new();
    SITE.get_or_init(|| {
        let mut zips = cached_zips(LARGEST)?;
        if zips.len() < FEWEST {
            skip(&format!("the module cache holds {} modules", zips.len()), "GOSUMCHECK_REQUIRE_MODCACHE");
            return None;
        }
        zips.truncate(MODULES);
        let (corpus, mut lists) = (Corpus::of(&[]), BTreeMap::<String, String>::new());
        let mut records = Vec::new();
        for (_, module, path) in zips {
            let (zip, go_mod) = (fs::read(&path).unwrap(), fs::read(path.with_extension("mod")).unwrap());
            let (of_zip, of_mod) =
                (format!("h1:{}", h1_zip(&zip[..], 2).unwrap()), format!("h1:{}", h1_go_mod(&go_mod)));
            let version = module.version().to_string();
            records.push(Given::new(module.path().as_str(), &version, &of_zip, &of_mod));
            let info = format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}");
            corpus.publish(&named(&module, "zip"), zip);
            corpus.publish(&named(&module, "mod"), go_mod);
            corpus.publish(&named(&module, "info"), info);
            let list = named(&module, "zip").rsplit_once('/').unwrap().0.to_owned() + "/list";
            *lists.entry(list).or_default() += &format!("{version}\n");
        }
        lists.into_iter().for_each(|(path, list)| corpus.publish(&path, list));
        let filler = |n| Given::new(&format!("example.com/filler{n}"), "v1.0.0", SOME_HASH, SOME_HASH);
        let fillers: Vec<Given> = (records.len()..RECORDS).map(filler).collect();
        let middle = fillers.len() / 2;
        records.splice(0..0, fillers[..middle].iter().cloned());
        records.extend_from_slice(&fillers[middle..]);
        Some(Site::with_log(corpus, FakeSumdb::of_records(&records)))
    })
    .as_ref()
}

fn named(module: &ModuleVersion, end: &str) -> String {
    format!("{}/@v/{}.{end}", module.path().escaped(), module.version().escaped())
}

/// A data folder with all of it, and a server over it.
pub struct Held {
    pub site: &'static Site,
    home: TempDir,
    server: Serving,
}

impl Held {
    /// A scrub in each `period`.
    pub fn new(site: &'static Site, below: &Path, period: &str) -> Held {
        let home = tempfile::tempdir_in(below).unwrap();
        let command = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
            command.args(args).args(["--data", "data", "--sumdb", &site.sumdb()]).current_dir(home.path());
            command.env_clear().env("HOME", home.path()).env("GOENV", "off");
            command
        };
        let synced = command(&["sync"]).output().unwrap();
        assert!(synced.status.success(), "{synced:?}");
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0", "--mirror", "--sync-interval", "1h"]);
        serve.args(["--proxy", &site.mirror.url(), "--read-ahead", "off"]);
        serve.args(["--store-scrub", period, "--store-scrub-rate", "1GiB/s"]);
        let held = Held { site, server: Serving::start(&mut serve), home };
        held.expect_modules("sound");
        held
    }

    pub fn at(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub fn log_file(&self, name: &str) -> PathBuf {
        self.data().join("log").join(self.site.log.name()).join(name)
    }

    /// Asks for a file of a module, which must be right.
    pub fn expect(&self, path: &str, what: &str) {
        let reply = get(self.at(), &format!("/{path}"));
        assert!(reply.status == 200 && reply.body == self.site.corpus.file(path).unwrap(), "{what}: {path}: {reply:?}");
    }

    pub fn paths(&self) -> Vec<String> {
        let files = self.site.corpus.files().into_iter().map(|(path, _)| path);
        files.filter(|path| path.ends_with(".zip") || path.ends_with(".mod")).collect()
    }

    /// A place in a file of a module where a flipped bit changes what is hashed: nearest after its middle. In a zip there are times and
    /// modes too, which no h1 is about and the go command does not look at.
    pub fn harmful(&self, path: &str) -> u64 {
        let bytes = self.site.corpus.file(path).unwrap();
        let sound = h1_zip(&bytes[..], 1).ok();
        let is_harmful = |at: &usize| {
            let mut bytes = bytes.to_vec();
            bytes[*at] ^= 1;
            sound.is_none() || h1_zip(&bytes[..], 1).ok() != sound
        };
        (bytes.len() / 2..bytes.len()).find(is_harmful).unwrap() as u64
    }

    pub fn expect_modules(&self, what: &str) {
        self.paths().iter().for_each(|path| self.expect(path, what));
    }

    /// Asks for a tile, which must be right.
    pub fn expect_tile(&self, path: &str, what: &str) {
        let reply = get(self.at(), &format!("/{path}"));
        let honest = self.site.log.honest(path).unwrap_or_else(|| panic!("{path}"));
        assert!(reply.status == 200 && reply.body == honest, "{what}: {path}: {reply:?}");
    }

    /// Asks for a record, which must be right.
    pub fn expect_record(&self, id: u64, what: &str) {
        let path = self.site.log.lookup_path(id);
        let (reply, honest) = (get(self.at(), &format!("/{path}")), self.site.log.honest(&path).unwrap());
        // After the record comes the head.
        let end = memchr::memmem::find(&honest, b"\n\n").unwrap();
        assert!(reply.status == 200 && reply.body.starts_with(&honest[..end]), "{what}: record {id}: {reply:?}");
    }

    /// Places in each file of the log, each with the tile that the byte there is of.
    pub fn log_places(&self) -> Vec<(&'static str, u64, String)> {
        let (mut random, size) = (random(), RECORDS as u64);
        let offsets = fs::read(self.log_file("offsets")).unwrap();
        let begins: Vec<u64> = offsets.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let mut places = Vec::new();
        for (name, level) in [("hashes.0", 0), ("hashes.1", 1), ("hashes.2", 2)] {
            let (len, all) = (self.log_file(name).metadata().unwrap().len(), size >> (8 * level));
            let fixed = [0, len - 1];
            for at in fixed.into_iter().chain((0..PLACES).map(|_| random(len as usize) as u64)) {
                let index = at / 8192;
                let width = (all - index * 256).min(256);
                let part = if width < 256 { format!(".p/{width}") } else { String::new() };
                places.push((name, at, format!("tile/8/{level}/{}{part}", number(index))));
            }
        }
        for _ in 0..PLACES {
            let index = random(begins.len() - 1);
            let within = (begins[index] + 1) as usize..begins[index + 1] as usize;
            let at = within.start + random(within.len());
            places.push(("records", at as u64, format!("tile/8/data/{}", number(index as u64))));
            places.push((
                "offsets",
                8 * index as u64 + random(4) as u64,
                format!("tile/8/data/{}", number(index as u64)),
            ));
        }
        places
    }

    pub fn metric(&self, name: &str) -> u64 {
        let text = get(self.at(), "/metrics").text();
        let lines = text.lines().filter(|line| !line.starts_with('#') && line.split([' ', '{']).next() == Some(name));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap() as u64).sum()
    }

    /// Waits until a whole pass over the modules and one over the log began after now.
    pub fn await_scrub(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        for pass in
            ["gosumcheck_store_scrub_last_pass_timestamp_seconds", "gosumcheck_log_scrub_last_pass_timestamp_seconds"]
        {
            while self.metric(pass) <= now {}
        }
    }
}

/// A tile's number as it stands in paths.
fn number(index: u64) -> String {
    if index < 1000 { format!("{index:03}") } else { format!("x{:03}/{:03}", index / 1000, index % 1000) }
}
