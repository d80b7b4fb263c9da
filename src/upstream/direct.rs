//! `direct`: modules from where they are made, by way of the go command, which knows all version control systems and their
//! rules. It runs in a sandbox of its own and within bounds; what it brings is as unproven as any mirror's bytes.
//!
//! Whoever asks for a public module chooses which hosts are asked, so such a run reaches https at public addresses alone
//! (`guard`) and has none of this user's keys. A private module is the operator's own, and so are the hosts it comes from.

mod environment;
mod gopage;
mod guard;
mod network;
mod outward;
mod queue;
mod run;
mod sandbox;
mod settings;
mod space;
mod trouble;
mod verdict;

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use serde::Deserialize;
use tokio::sync::Mutex as Turn;

use super::counts::Counters;
use super::download::{Sink, disk};
use super::failure::FailureKind;
use super::origin::Origin;
use super::proxies::{Fetched, Sent, tree};
use super::retry::Failed;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

use guard::Guard;
use network::public_name;
use queue::{Bounds, Place, Queue};
use run::Output;
use sandbox::Sandbox;
use verdict::Reader;

pub use guard::PublicAccess;
pub use network::{Network, SystemNetwork};
pub use outward::Outward;
pub use settings::{Access, DirectSettings};

/// How the entry is called.
pub(super) const NAME: &str = "direct";

/// The go command as a source of modules. Cheap to clone; clones share their bounds.
#[derive(Debug, Clone)]
pub struct Direct {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    go: PathBuf,
    settings: DirectSettings,
    queue: Arc<Queue>,
    /// the modules and versions that are being asked for
    turns: Mutex<HashMap<String, Weak<Turn<()>>>>,
}

/// What `go list -m -json` says of a module (go.dev/ref/mod, "go list -m").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    version: String,
    #[serde(default)]
    versions: Vec<String>,
}

/// What `go mod download -json` says of a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    zip: Option<PathBuf>,
}

/// How a run ended that did not fail.
enum Ran {
    /// with an answer, and a sandbox that holds what it is about
    Well(Output, Sandbox),
    /// there is no such thing, in these words
    InVain(String),
}

/// What the go command brought.
enum Brought {
    Bytes(Vec<u8>),
    /// and the sandbox that holds it
    File(PathBuf, Sandbox),
    Nothing(String),
}

impl Direct {
    /// The go command at this path, run under these rules. Nothing is run before the first question.
    pub fn new(go: PathBuf, settings: DirectSettings) -> Direct {
        let queue = Queue::new(Bounds {
            at_once: settings.at_once.max(1),
            long_at_once: settings.long_at_once,
            per_host: settings.per_host.max(1),
            patience: settings.patience,
        });
        Direct { shared: Arc::new(Shared { go, settings, queue, turns: Mutex::default() }) }
    }

    /// Removes what a process left behind that was killed; blocking.
    pub fn sweep(&self) {
        sandbox::sweep(&self.shared.settings.folder, SystemTime::now());
    }

    /// The go command on the `PATH`, if there is one.
    pub fn find() -> Option<PathBuf> {
        let name = format!("go{}", env::consts::EXE_SUFFIX);
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(&name)).find(|go| go.is_absolute() && go.is_file())
    }

    /// A small answer, at most `limit` bytes.
    pub(super) async fn fetch(
        &self,
        asked: &ModuleRequest,
        limit: usize,
        counters: &Counters,
    ) -> Result<Fetched, Failed> {
        let bytes = match self.bring(asked, counters).await? {
            Brought::Nothing(words) => return Ok(Fetched::Missing(words)),
            Brought::Bytes(bytes) => bytes,
            Brought::File(path, sandbox) => {
                let read = tree::read(path, limit).await;
                sandbox.remove().await;
                read?
            }
        };
        if bytes.len() > limit {
            return Err(Failed::lasting(FailureKind::TooLong, format!("the answer is longer than {limit} bytes")));
        }
        Ok(Fetched::Body(bytes, origin()))
    }

    /// A file into `sink`, at most `limit` bytes. Always anew: two runs need not make the same zip file.
    pub(super) async fn download(
        &self,
        asked: &ModuleRequest,
        limit: u64,
        sink: &mut dyn Sink,
        counters: &Counters,
    ) -> Result<Sent, Failed> {
        let (path, sandbox) = match self.bring(asked, counters).await? {
            Brought::Nothing(words) => return Ok(Sent::Missing(words)),
            Brought::Bytes(_) => return Err(Failed::broken("the go command brought no file")),
            Brought::File(path, sandbox) => (path, sandbox),
        };
        if !sink.is_empty() {
            sink.restart().map_err(|error| disk(&error))?;
        }
        let copied = tree::copy_from(path, limit, sink, counters).await;
        sandbox.remove().await;
        copied.map(|_| Sent::Whole(origin()))
    }

    /// Runs the go command for a question, when it is its turn: one at a time for a version of a module.
    async fn bring(&self, asked: &ModuleRequest, counters: &Counters) -> Result<Brought, Failed> {
        let module = match asked {
            ModuleRequest::List(module) | ModuleRequest::Latest(module) | ModuleRequest::Query(module, _) => module,
            ModuleRequest::Info(version) | ModuleRequest::File(version, _) => version.path(),
        };
        let host = module.as_str().split('/').next().unwrap_or("");
        if let Access::Public(_) = self.shared.settings.access {
            // The name of a version control system in a path says where the repository is: nothing is looked for then.
            let names_vcs = module.as_str().split('/').any(verdict::names_vcs);
            public_name(host).map_err(|trouble| if names_vcs { trouble.failed() } else { trouble.in_vain() })?;
        }
        let turn = self.turn(asked);
        let _mine = turn.lock().await;
        let place = self.shared.queue.enter(host).await?;
        counters.asked(NAME);
        place.hold(self.answer(asked, &place)).await
    }

    async fn answer(&self, asked: &ModuleRequest, place: &Place) -> Result<Brought, Failed> {
        match asked {
            ModuleRequest::List(module) => self.versions(module, place).await,
            ModuleRequest::Latest(module) => self.about(module, "latest", "info", place).await,
            ModuleRequest::Query(module, query) => self.about(module, query.as_str(), "info", place).await,
            ModuleRequest::Info(version) => self.about(version.path(), version.version().as_str(), "info", place).await,
            ModuleRequest::File(version, Kind::GoMod) => {
                self.about(version.path(), version.version().as_str(), "mod", place).await
            }
            ModuleRequest::File(version, Kind::Zip) => self.zip(version, place).await,
        }
    }

    fn turn(&self, asked: &ModuleRequest) -> Arc<Turn<()>> {
        let key = match asked {
            ModuleRequest::Info(version) | ModuleRequest::File(version, _) => version.to_string(),
            other => other.to_string(),
        };
        let mut turns = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = turns.get(&key).and_then(Weak::upgrade).unwrap_or_default();
        turns.insert(key, Arc::downgrade(&turn));
        turn
    }

    /// The tagged versions, one a line.
    async fn versions(&self, module: &ModulePath, place: &Place) -> Result<Brought, Failed> {
        let asked = format!("{module}@latest");
        let (output, sandbox) =
            match self.run(&["list", "-m", "-versions", "-retracted", "-json", "--", &asked], place).await? {
                Ran::Well(output, sandbox) => (output, sandbox),
                Ran::InVain(words) => return Ok(Brought::Nothing(words)),
            };
        sandbox.remove().await;
        let listed: Listed = parse(&output)?;
        Ok(Brought::Bytes(
            listed.versions.iter().map(|version| format!("{version}\n")).collect::<String>().into_bytes(),
        ))
    }

    /// What the go command put into its cache about the version that a query means: its `info` or its `mod`.
    async fn about(&self, module: &ModulePath, query: &str, suffix: &str, place: &Place) -> Result<Brought, Failed> {
        let asked = format!("{module}@{query}");
        let (output, sandbox) = match self.run(&["list", "-m", "-json", "--", &asked], place).await? {
            Ran::Well(output, sandbox) => (output, sandbox),
            Ran::InVain(words) => return Ok(Brought::Nothing(words)),
        };
        let listed: Listed = parse(&output)?;
        let version =
            Version::parse(&listed.version).map_err(|error| Failed::broken(format!("the go command says {error}")))?;
        let name = format!("{}/@v/{}.{suffix}", module.escaped(), version.escaped());
        Ok(Brought::File(sandbox.cache().join(name), sandbox))
    }

    /// The zip.
    async fn zip(&self, version: &ModuleVersion, place: &Place) -> Result<Brought, Failed> {
        let asked = version.to_string();
        let (output, sandbox) = match self.run(&["mod", "download", "-json", "--", &asked], place).await? {
            Ran::Well(output, sandbox) => (output, sandbox),
            Ran::InVain(words) => return Ok(Brought::Nothing(words)),
        };
        let downloaded: Downloaded = parse(&output)?;
        let zip = downloaded.zip.ok_or_else(|| Failed::broken("the go command brought no zip"))?;
        Ok(Brought::File(zip, sandbox))
    }

    async fn run(&self, arguments: &[&str], place: &Place) -> Result<Ran, Failed> {
        let Shared { go, settings, .. } = &*self.shared;
        let sandbox = Sandbox::make(settings).await?;
        let (guard, reader) = match &settings.access {
            Access::Public(access) => (Some(Guard::open(access, place.meter()).await?), Reader::Anybody),
            Access::Private { .. } => (None, Reader::Owner),
        };
        let command = sandbox.command(go, settings, guard.as_ref(), arguments).map_err(|error| disk(&error))?;
        let (output, sandbox) = run::run(command, settings, sandbox).await?;
        let absence = match (verdict::absence(&output, reader), guard.and_then(|guard| guard.trouble())) {
            (Ok(None), _) => return Ok(Ran::Well(output, sandbox)),
            // Looking for the repository failed: what the guard saw says why, in words for strangers.
            (Err(failed), Some(trouble)) if failed.kind == FailureKind::NoRepository => Err(trouble.in_vain()),
            // What the guard saw is surer than words.
            (_, Some(trouble)) => Err(trouble.failed()),
            (Ok(Some(words)), None) => Ok(Ran::InVain(words)),
            (Err(failed), None) => Err(failed),
        };
        sandbox.remove().await;
        absence
    }
}

fn parse<'a, T: Deserialize<'a>>(output: &'a Output) -> Result<T, Failed> {
    serde_json::from_slice(&output.stdout).map_err(|error| Failed::broken(format!("the go command's answer: {error}")))
}

fn origin() -> Origin {
    Origin { place: NAME.to_owned(), ..Origin::default() }
}
