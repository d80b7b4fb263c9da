//! `direct`: modules from their origin, fetched by the go command, which knows all version control systems and their rules. It
//! runs in a sandbox of its own and within limits; what it fetches is as unproven as any mirror's bytes.
//!
//! A client that requests a public module chooses which hosts are contacted, so such a run reaches only https at public addresses
//! (`guard`) and has none of this user's keys. A private module is the operator's own, and so are the hosts that it comes from.

mod environment;
mod gopage;
mod guard;
mod host_error;
mod network;
mod outward;
mod queue;
mod run;
mod sandbox;
mod settings;
mod space;
mod verdict;

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Mutex as Turn;

use super::tree;
use super::wire::{Fetched, Sent, Sink, disk};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::upstream::http::counts::Counters;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::origin::Origin;
use crate::upstream::http::retry::Failed;

use guard::Guard;
use network::public_name;
use queue::{RunBounds, RunPlace, RunQueue};
use run::CommandOutput;
use sandbox::Sandbox;
use verdict::Audience;

pub use network::{Network, SystemNetwork};
pub use outward::Outward;
pub use settings::{DirectAccess, DirectSettings, PublicAccess};

/// The name of the entry.
pub(super) const NAME: &str = "direct";

/// The go command as a source of modules. Cheap to clone; clones share their bounds.
#[derive(Debug, Clone)]
pub struct Direct {
    shared: Arc<DirectInner>,
}

#[derive(Debug)]
struct DirectInner {
    go: PathBuf,
    settings: DirectSettings,
    queue: Arc<RunQueue>,
    /// guards one lock for each module or version that is being fetched, so that each is fetched once at a time
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

/// The outcome of a run that did not fail.
enum RunOutcome {
    /// the command's output, and the sandbox with the files that it fetched
    Answered(CommandOutput, Sandbox),
    /// there is no such module or version, in the command's words
    Absent(String),
}

/// What the go command fetched.
enum DirectAnswer {
    Bytes(Vec<u8>),
    /// a file, and the sandbox that it is in
    File(PathBuf, Sandbox),
    Absent(String),
}

impl Direct {
    /// The go command at this path, run under these rules. It is not run before the first request.
    pub fn new(go: PathBuf, settings: DirectSettings) -> Direct {
        let queue = RunQueue::new(RunBounds {
            at_once: settings.at_once.max(1),
            long_at_once: settings.long_at_once,
            per_host: settings.per_host.max(1),
            patience: settings.patience,
        });
        Direct { shared: Arc::new(DirectInner { go, settings, queue, turns: Mutex::default() }) }
    }

    /// Removes what killed processes left behind; blocking.
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
        request: &ModuleRequest,
        limit: usize,
        counters: &Counters,
    ) -> Result<Fetched, Failed> {
        let bytes = match self.obtain(request, counters).await? {
            DirectAnswer::Absent(words) => return Ok(Fetched::Missing(words)),
            DirectAnswer::Bytes(bytes) => bytes,
            DirectAnswer::File(path, sandbox) => {
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

    /// A file into `sink`, at most `limit` bytes. Never resumed: two runs need not make the same zip file.
    pub(super) async fn download(
        &self,
        request: &ModuleRequest,
        limit: u64,
        sink: &mut dyn Sink,
        counters: &Counters,
    ) -> Result<Sent, Failed> {
        let (path, sandbox) = match self.obtain(request, counters).await? {
            DirectAnswer::Absent(words) => return Ok(Sent::Missing(words)),
            DirectAnswer::Bytes(_) => return Err(Failed::broken("the go command produced no file")),
            DirectAnswer::File(path, sandbox) => (path, sandbox),
        };
        if !sink.is_empty() {
            sink.restart().map_err(|error| disk(&error))?;
        }
        let copied = tree::copy_from(path, limit, sink, counters).await;
        sandbox.remove().await;
        copied.map(|_| Sent::Whole(origin()))
    }

    /// Runs the go command for a request, when it is its turn: one run at a time for each version of a module.
    async fn obtain(&self, request: &ModuleRequest, counters: &Counters) -> Result<DirectAnswer, Failed> {
        let module = match request {
            ModuleRequest::List(module) | ModuleRequest::Latest(module) | ModuleRequest::Query(module, _) => module,
            ModuleRequest::Info(version) | ModuleRequest::File(version, _) => version.path(),
        };
        let host = module.as_str().split('/').next().unwrap_or("");
        if let DirectAccess::Public(_) = self.shared.settings.access {
            // The name of a version control system in a path says where the repository is: nothing is looked for then.
            let names_vcs = module.as_str().split('/').any(verdict::names_vcs);
            public_name(host)
                .map_err(|host_error| if names_vcs { host_error.failed() } else { host_error.in_vain() })?;
        }
        let turn = self.turn(request);
        let _mine = turn.lock().await;
        let place = self.shared.queue.enter(host).await?;
        counters.requested(NAME);
        place.hold(self.answer(request, &place)).await
    }

    async fn answer(&self, request: &ModuleRequest, place: &RunPlace) -> Result<DirectAnswer, Failed> {
        match request {
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

    fn turn(&self, request: &ModuleRequest) -> Arc<Turn<()>> {
        let key = match request {
            ModuleRequest::Info(version) | ModuleRequest::File(version, _) => version.to_string(),
            other => other.to_string(),
        };
        let mut turns = self.shared.turns.lock();
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = turns.get(&key).and_then(Weak::upgrade).unwrap_or_default();
        turns.insert(key, Arc::downgrade(&turn));
        turn
    }

    /// The tagged versions, one a line.
    async fn versions(&self, module: &ModulePath, place: &RunPlace) -> Result<DirectAnswer, Failed> {
        let module_query = format!("{module}@latest");
        let (output, sandbox) =
            match self.run(&["list", "-m", "-versions", "-retracted", "-json", "--", &module_query], place).await? {
                RunOutcome::Answered(output, sandbox) => (output, sandbox),
                RunOutcome::Absent(words) => return Ok(DirectAnswer::Absent(words)),
            };
        sandbox.remove().await;
        let listed: Listed = parse(&output)?;
        Ok(DirectAnswer::Bytes(
            listed.versions.iter().map(|version| format!("{version}\n")).collect::<String>().into_bytes(),
        ))
    }

    /// The `info` or `mod` file that the go command put into its cache for the version that a query resolves to.
    async fn about(
        &self,
        module: &ModulePath,
        query: &str,
        suffix: &str,
        place: &RunPlace,
    ) -> Result<DirectAnswer, Failed> {
        let module_query = format!("{module}@{query}");
        let (output, sandbox) = match self.run(&["list", "-m", "-json", "--", &module_query], place).await? {
            RunOutcome::Answered(output, sandbox) => (output, sandbox),
            RunOutcome::Absent(words) => return Ok(DirectAnswer::Absent(words)),
        };
        let listed: Listed = parse(&output)?;
        let version = Version::parse(&listed.version)
            .map_err(|error| Failed::broken(format!("the go command reported {error}")))?;
        let name = format!("{}/@v/{}.{suffix}", module.escaped(), version.escaped());
        Ok(DirectAnswer::File(sandbox.cache().join(name), sandbox))
    }

    /// The zip.
    async fn zip(&self, version: &ModuleVersion, place: &RunPlace) -> Result<DirectAnswer, Failed> {
        let module_query = version.to_string();
        let (output, sandbox) = match self.run(&["mod", "download", "-json", "--", &module_query], place).await? {
            RunOutcome::Answered(output, sandbox) => (output, sandbox),
            RunOutcome::Absent(words) => return Ok(DirectAnswer::Absent(words)),
        };
        let downloaded: Downloaded = parse(&output)?;
        let zip = downloaded.zip.ok_or_else(|| Failed::broken("the go command produced no zip"))?;
        Ok(DirectAnswer::File(zip, sandbox))
    }

    async fn run(&self, arguments: &[&str], place: &RunPlace) -> Result<RunOutcome, Failed> {
        let DirectInner { go, settings, .. } = &*self.shared;
        let sandbox = Sandbox::make(settings).await?;
        let (guard, audience) = match &settings.access {
            DirectAccess::Public(access) => (Some(Guard::open(access, place.meter()).await?), Audience::Public),
            DirectAccess::Private { .. } => (None, Audience::Owner),
        };
        let command = sandbox.command(go, settings, guard.as_ref(), arguments).map_err(|error| disk(&error))?;
        let (output, sandbox) = run::run(command, settings, sandbox).await?;
        let absence = match (verdict::absence(&output, audience), guard.and_then(|guard| guard.host_error())) {
            (Ok(None), _) => return Ok(RunOutcome::Answered(output, sandbox)),
            // Looking for the repository failed: what the guard saw says why, in words for strangers.
            (Err(failed), Some(host_error)) if failed.kind == FailureKind::NoRepository => Err(host_error.in_vain()),
            // What the guard saw is surer than words.
            (_, Some(host_error)) => Err(host_error.failed()),
            (Ok(Some(words)), None) => Ok(RunOutcome::Absent(words)),
            (Err(failed), None) => Err(failed),
        };
        sandbox.remove().await;
        absence
    }
}

fn parse<'a, T: Deserialize<'a>>(output: &'a CommandOutput) -> Result<T, Failed> {
    serde_json::from_slice(&output.stdout).map_err(|error| Failed::broken(format!("the go command's output: {error}")))
}

fn origin() -> Origin {
    Origin { place: NAME.to_owned(), ..Origin::default() }
}
