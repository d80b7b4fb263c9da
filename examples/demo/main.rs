//! `demo`: a checksum database, a mirror that lies, one that does not, and a gosumcheck server in front of them, in one go on loopback.
//! Prints four lines to paste; the server's page shows how the lie is refused. Everything is gone when it ends.

#[path = "../fakelog/fake/mod.rs"]
mod fake;
mod modules;

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fake::{FakeSumdb, Given, Served};
use gosumcheck::database::Database;
use gosumcheck::proxy::{OnMismatch, Proxy, ProxyOptions, Upstreams};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::server::{AccessLog, Config, ServedDatabase, run};
use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::module::Patterns;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::sync::{SyncOptions, sync};
use gosumcheck::upstream::{self, Base, Http, Proxies, ProxyEntry, ProxyPlace, Settings};
use modules::Module;
use tokio::signal::unix::{SignalKind, signal};

/// The database's name.
const DATABASE: &str = "sumdb.example";
/// Records of the log besides those of the modules of the demo.
const RECORDS: u64 = 40_000;
/// What its records are made of.
const SEED: u64 = 7;

/// Shows on this machine, without any network, how gosumcheck serves Go modules and refuses altered ones.
#[derive(Parser)]
struct Arguments {
    /// Where to serve
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: String,
}

/// The database and the two mirrors. They end when this is dropped.
struct Outside {
    database: FakeSumdb,
    source: Served,
    honest: Served,
    lying: Served,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ran = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(demo(&arguments)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "demo: {why}");
            ExitCode::from(2)
        }
    }
}

async fn demo(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    // Before anything is made: a signal must not leave it behind.
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hung_up = signal(SignalKind::hangup())?;
    let stop = async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    };
    let all = modules::all()?;
    let outside = outside(&all);
    let folder = tempfile::Builder::new().prefix("gosumcheck-demo-").tempdir();
    let folder = folder.map_err(|error| format!("no folder can be made for it: {error}; TMPDIR says where"))?;
    let scratch = scratch(folder.path())?;
    let (served, proxy) = inside(&folder.path().join("data"), &outside).await?;
    for module in all.iter().filter(|module| module.is_warm) {
        for path in module.paths() {
            proxy
                .answer(&ModuleRequest::parse(&path)?, Default::default())
                .await
                .map_err(|denied| format!("{denied:?}"))?;
        }
    }
    let listener = tokio::net::TcpListener::bind(&arguments.listen).await;
    let listener = listener.map_err(|error| format!("--listen {}: {error}", arguments.listen))?;
    let lines = lines(&format!("http://{}", listener.local_addr()?), &outside.database.vkey(), &scratch);
    let mut out = io::stdout();
    lines.iter().try_for_each(|(what, line)| writeln!(out, "{what:6} {line}"))?;
    out.flush()?;
    let config = Config { access: AccessLog::Off, ..Config::default() };
    run(config, vec![served], Some(proxy), vec![listener], stop).await?;
    folder.close()?;
    Ok(())
}

/// What to paste: the page, the settings, a build that a lying mirror cannot spoil, and one that it can only stop.
fn lines(url: &str, vkey: &str, scratch: &str) -> [(&'static str, String); 4] {
    // What go fetches, builds and remembers of the database is in the folder too: nothing of the demo stays in the user's.
    let caches = format!("GOPATH={scratch}/go GOMODCACHE={scratch}/go/pkg/mod GOCACHE={scratch}/cache");
    let go = format!("GOENV=off GOWORK=off GOTOOLCHAIN=local GOFLAGS=-modcacherw GOPROXY={url} {caches}");
    let get = |module: &str| format!("go get {module}");
    [
        ("page:", format!("{url}/")),
        ("setup:", format!("cd {scratch} && export {go} GOSUMDB='{vkey} {url}'")),
        ("build:", format!("{} && go run .", get(modules::SPOILT))),
        ("lie:", get(modules::ONLY_A_LIE)),
    ]
}

/// A folder with a program to build, below that of the demo.
fn scratch(folder: &Path) -> Result<String, Box<dyn Error>> {
    let scratch = folder.join("scratch");
    fs::create_dir(&scratch)?;
    fs::write(scratch.join("go.mod"), "module scratch.example/hello\n\ngo 1.21\n")?;
    fs::write(scratch.join("main.go"), modules::PROGRAM)?;
    Ok(scratch.to_str().ok_or("the folder for temporary files has a name that is not UTF-8")?.to_owned())
}

/// Starts what is outside: the log has the true hashes; the lying mirror serves other bytes for two of the modules.
fn outside(all: &[Module]) -> Outside {
    let filler = FakeSumdb::named(DATABASE, RECORDS, SEED);
    let record = |id| {
        let (module, version) = filler.module(id);
        Given::raw(&module, &version, &filler.record_text(id))
    };
    let own = |module: &Module| Given::new(&module.path, &module.version, &module.zip_hash, &module.go_mod_hash);
    let (before, after) = (0..RECORDS / 2, RECORDS / 2..RECORDS);
    let records: Vec<Given> = before.map(record).chain(all.iter().map(own)).chain(after.map(record)).collect();
    let database = FakeSumdb::with_records(DATABASE, &records, SEED);
    let (honest, lying) = (FakeSumdb::named("honest.example", 1, SEED), FakeSumdb::named("lying.example", 1, SEED));
    for module in all {
        if !module.only_lied_about {
            module.files(&module.zip).for_each(|(path, bytes)| honest.publish(&path, bytes));
        }
        let lie = module.lie.as_ref().unwrap_or(&module.zip);
        module.files(lie).for_each(|(path, bytes)| lying.publish(&path, bytes));
    }
    Outside { source: database.serve(), honest: honest.serve(), lying: lying.serve(), database }
}

/// A full copy of the log, and the server over it, which asks the lying mirror first.
async fn inside(data: &Path, outside: &Outside) -> Result<(ServedDatabase, Proxy), Box<dyn Error>> {
    let folder = Folder::open(data)?;
    let policy = Policy::log(VerifierKey::parse(&outside.database.vkey())?);
    let sources = upstream::Upstreams::new(Http::new(Settings::default()), vec![Base::parse(&outside.source.url())?]);
    let log = folder.log(DATABASE)?;
    let database = Database::open(&folder, DATABASE, policy, sources, 8)?;
    sync(&database, &log, &SyncOptions { to: None, jobs: 8, limit_rate: None }, &|_| {}).await?;
    let relay = Relay::new(database, log.clone(), RelayOptions::default())?;
    let mirror = |served: &Served| -> Result<ProxyEntry, Box<dyn Error>> {
        let place = ProxyPlace::Base(Base::parse(&served.url())?, Settings::default());
        Ok(ProxyEntry { place, falls_back: true })
    };
    let mirrors = Proxies::new(vec![mirror(&outside.lying)?, mirror(&outside.honest)?]);
    let options = ProxyOptions {
        private: Patterns::default(),
        on_mismatch: OnMismatch::Refuse,
        freshness: Duration::from_secs(60),
        stale: Duration::from_secs(3600),
        negative: Duration::from_secs(10),
        threads: 2,
    };
    let proxy = Proxy::open(&folder, relay.clone(), Upstreams { public: mirrors, private: None }, options)?;
    Ok((ServedDatabase::new(relay, log), proxy))
}
