//! The module proxy: a question of the GOPROXY protocol in, a proven file or an answer out.
//!
//! Files (`.mod`, `.zip`) are what the log has hashes of: one is given only if it is what its record says (`files`, `judge`),
//! wherever it came from. All else (`list`, `@latest`, `.info`) nobody can prove: hints, kept for a while (`hints`, `kept`).
//! Modules that the log is not to know of have their own upstreams, and are held to what they were at first (`expected`).

mod absences;
mod answer;
mod attempts;
mod claim;
mod counts;
mod expected;
mod files;
mod hashing;
mod hints;
mod incident;
mod judge;
mod kept;
mod limits;
mod shared_tasks;
mod stored;
mod watched;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use crate::upstream::Peer;
pub use answer::{Denied, Found, Manner, Text, TextKind};
pub use limits::{Limits, MAX_TASK_TIME};

use absences::Absences;
use claim::Claim;
use counts::Counters;
use files::Given;
use futures_util::future::{join, join_all};
use hashing::Hashing;
use shared_tasks::SharedTasks;

pub use crate::config::settings::OnMismatch;
use crate::fault::Fault;
use crate::relay::Relay;
use crate::store::failures::WriteKind;
use crate::store::modules::Modules;
use crate::store::{Folder, Journal};
use crate::sumdb::goproxy::Asked;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Patterns};
use crate::upstream::{FairQueue, Load, Proxies, State};

/// How often what unfinished downloads left is looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);

/// What a proxy may do.
#[derive(Debug, Clone)]
pub struct Options {
    /// modules whose names never leave for a public upstream or the checksum database
    pub private: Patterns,
    /// what becomes of bytes that are not what the record says when no upstream has better ones
    pub on_mismatch: OnMismatch,
    /// for how long a list, a newest version, or what a branch stands for is given without asking again
    pub freshness: Duration,
    /// for how long such an answer is given while no upstream answers
    pub stale: Duration,
    /// for how long an upstream's "there is no such thing" is repeated
    pub negative: Duration,
    /// threads that hash one zip
    pub threads: usize,
}

/// The upstreams of a proxy.
#[derive(Debug)]
pub struct Upstreams {
    /// for modules that the log has records of
    pub public: Proxies,
    /// for the others; none where those are refused
    pub private: Option<Proxies>,
}

/// How much work of one kind there is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// `files` or `hints`
    pub kind: &'static str,
    /// the queue for it
    pub queue: Load,
    /// tasks, those that wait in the queue among them
    pub tasks: usize,
    /// tasks that nobody waits for any more: downloads whose bytes flow
    pub detached: usize,
}

/// A module proxy over one data folder. Cheap to clone.
#[derive(Clone)]
pub struct Proxy {
    inner: Arc<Inner>,
}

struct Inner {
    relay: Relay,
    folder: Folder,
    modules: Modules,
    journal: Journal,
    /// the key of the database that public modules are proven by
    vkey: String,
    upstreams: Upstreams,
    options: Options,
    files: SharedTasks<(ModuleVersion, Kind), Result<Given, Denied>>,
    hints: SharedTasks<String, Result<Text, Denied>>,
    absences: Absences,
    downloads: FairQueue,
    questions: FairQueue,
    hashing: Hashing,
    counters: Counters,
    /// no other server stores modules in this data folder
    claim: Claim,
}

impl Proxy {
    /// Over the modules of `folder`, which `relay` tells the hashes of.
    ///
    /// # Errors
    /// `Unavailable`: another server has the modules of this folder. A disk that takes nothing is no reason not to start.
    pub fn open(folder: &Folder, relay: Relay, upstreams: Upstreams, options: Options) -> Result<Proxy, Fault> {
        Proxy::within(folder, relay, upstreams, options, Limits::default())
    }

    /// The same with other bounds than the common ones.
    ///
    /// # Errors
    /// As [`Proxy::open`].
    pub fn within(
        folder: &Folder,
        relay: Relay,
        upstreams: Upstreams,
        options: Options,
        limits: Limits,
    ) -> Result<Proxy, Fault> {
        let modules = folder.modules();
        let claim = Claim::open(&modules)?;
        let journal = folder.journal()?;
        if let Some(before) = SystemTime::now().checked_sub(options.stale) {
            journal.sweep(before).unwrap_or_else(|fault| folder.note_failure(WriteKind::Hint, &fault));
        }
        let inner = Inner {
            vkey: relay.vkey().to_owned(),
            relay,
            folder: folder.clone(),
            modules,
            journal,
            upstreams,
            files: SharedTasks::new(limits.deadline),
            hints: SharedTasks::new(limits.deadline),
            absences: Absences::new(options.negative, limits.refusal_bytes),
            options,
            downloads: FairQueue::new(limits.downloads),
            questions: FairQueue::new(limits.questions),
            hashing: Hashing::default(),
            counters: Counters::default(),
            claim,
        };
        Ok(Proxy { inner: Arc::new(inner) })
    }

    /// What there is to say to a question.
    ///
    /// # Errors
    /// Why it is not answered; each with its HTTP status.
    pub async fn answer(&self, asked: &Asked, manner: Manner) -> Result<Found, Denied> {
        let answer = match asked {
            Asked::File(module, kind) => match files::answer(&self.inner, module, *kind, manner).await {
                Ok(Given::Proven(admitted)) => Ok(Found::File(admitted)),
                Ok(Given::Unproven(refused)) => Ok(Found::Unproven(refused)),
                Err(denied) => Err(denied),
            },
            _ => hints::answer(&self.inner, asked, manner).await.map(Found::Text),
        };
        self.inner.counters.answered(&answer);
        answer
    }

    /// Whether a module is private: its name leaves for private upstreams only.
    pub fn is_private(&self, module: &ModulePath) -> bool {
        self.inner.options.private.exemption(module).is_some()
    }

    /// Looks after upstreams that do not answer, and after what unfinished downloads left, for as long as it is polled.
    pub async fn tend(&self) {
        let Upstreams { public, private } = &self.inner.upstreams;
        let probes = public_and_private(public, private.as_ref()).map(Proxies::probe);
        join(join_all(probes), self.sweep()).await;
    }

    /// Removes downloads that nobody went on with.
    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let folder = self.inner.folder.clone();
            // One that died has left its litter for the next.
            let _ = tokio::task::spawn_blocking(move || folder.sweep(SystemTime::now())).await;
        }
    }

    /// How often what happened, by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.inner.counters.snapshot()
    }

    /// How much work there is: downloads of files, and questions about what is no file.
    pub fn work(&self) -> [Work; 2] {
        let Inner { files, hints, downloads, questions, .. } = &*self.inner;
        let files = Work { kind: "files", queue: downloads.load(), tasks: files.len(), detached: files.detached() };
        let hints = Work { kind: "hints", queue: questions.load(), tasks: hints.len(), detached: hints.detached() };
        [files, hints]
    }

    /// Bytes of the refusals that are remembered.
    pub fn remembered_bytes(&self) -> u64 {
        self.inner.absences.bytes()
    }

    /// How the upstreams are.
    pub fn upstreams(&self) -> Vec<State> {
        let Upstreams { public, private } = &self.inner.upstreams;
        public_and_private(public, private.as_ref()).flat_map(Proxies::states).collect()
    }
}

fn public_and_private<'a>(public: &'a Proxies, private: Option<&'a Proxies>) -> impl Iterator<Item = &'a Proxies> {
    std::iter::once(public).chain(private)
}
