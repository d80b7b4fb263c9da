//! The module proxy: a request of the GOPROXY protocol in, a proven file or an unproven answer out.
//!
//! Files (`.mod`, `.zip`) are what the log has hashes of: one is served only if it has the hash in its record (`files`, `fetch`,
//! `check`), wherever it came from. All else (`list`, `@latest`, `.info`) has no proof: hints, cached for a limited time
//! (`hints`, `cached_hint`). Private modules have their own upstreams, and must stay what they were when they were first
//! fetched (`expected`). What will be asked for next is brought before (`read_ahead`).

mod absences;
mod account;
mod allowed;
mod answer;
mod attempts;
mod beside;
pub(crate) mod blocking;
mod cached_hint;
mod check;
mod counts;
mod evict;
mod examine;
mod expected;
mod explain;
mod fetch;
mod figures;
mod file_attempts;
mod files;
mod hashing;
pub mod held;
mod hints;
mod incident;
mod limits;
mod listing;
mod mend;
mod policy;
mod read_ahead;
mod room;
mod scrub;
mod shared_tasks;
mod store_lock;
mod stored;
mod tending;
mod together;
mod top;
mod upstreams;
mod watched;

use std::pin::pin;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, SystemTime};

pub use crate::upstream::Peer;
pub use account::{Account, Accounted};
pub use answer::{Denied, Mode, ProxyAnswer, RefusalCause, Text, TextKind};
pub use evict::{Evicted, Evictor};
pub use examine::Examined;
pub use explain::Explanation;
pub use figures::Work;
pub use limits::{MAX_TASK_TIME, ProxyLimits, ReadAheadLimits, StoreLimits};
pub use listing::{ListedPage, ListedVersion, Sight};
pub use policy::{ModulePolicy, PublicSources};
pub use read_ahead::ReadAheadCounts;
pub use scrub::ScrubCounts;
pub use tending::StoreStatus;
pub use upstreams::Upstreams;

use absences::Absences;
use counts::Counters;
use file_attempts::Given;
use futures_util::poll;
use hashing::Hashing;
use parking_lot::Mutex;
use policy::PolicySlot;
use room::SharedRoom;
use shared_tasks::SharedTasks;
use store_lock::StoreLock;
use top::TopModules;

pub use crate::config::settings::{OnMismatch, ReadAhead};
use crate::fault::Fault;
use crate::relay::Relay;
use crate::store::failures::WriteKind;
use crate::store::modules::Modules;
use crate::store::{Folder, Journal};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Patterns};
use crate::upstream::FairQueue;

/// The name of the entry that stands for the repositories.
const DIRECT: &str = "direct";

/// How a proxy behaves.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// modules whose names never leave for a public upstream or the checksum database, until [`Proxy::set_upstreams`] sets others
    pub private: Patterns,
    /// what becomes of bytes that are not what the record says when no upstream has better ones
    pub on_mismatch: OnMismatch,
    /// for how long a list, a newest version, or what a branch stands for is given without asking again
    pub freshness: Duration,
    /// for how long such an answer is given while no upstream answers
    pub stale: Duration,
    /// how long an upstream's "not found" is repeated
    pub negative: Duration,
    /// threads that hash one zip
    pub threads: usize,
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
    options: ProxyOptions,
    /// what came of each, and who was asked for it; with the number of the settings that it is under
    files: SharedTasks<(ModuleVersion, Kind, u64), Result<Given, Denied>>,
    hints: SharedTasks<(String, u64), Result<Text, Denied>>,
    absences: Absences,
    /// how many absences this process has written to the journal
    absences_kept: AtomicUsize,
    downloads: FairQueue,
    questions: FairQueue,
    hashing: Hashing,
    read_ahead: read_ahead::State,
    /// which modules may be served, and where each comes from
    policy: PolicySlot,
    counters: Counters,
    /// which public modules are asked for most, where the answer is not in a server's memory
    top: TopModules,
    /// keeps other servers from storing modules in this data folder
    store_lock: StoreLock,
    store_limits: StoreLimits,
    room: SharedRoom,
    evictor: Evictor,
    scrubbed: Mutex<ScrubCounts>,
    /// what clients were given, for a command that says so afterwards; none in a server
    account: OnceLock<Arc<Account>>,
}

impl Proxy {
    /// Over the modules of `folder`, whose hashes `relay` proves.
    ///
    /// # Errors
    /// `Unavailable`: another server has the modules of this folder. A disk that cannot be written does not keep the proxy from starting.
    pub fn open(folder: &Folder, relay: Relay, upstreams: Upstreams, options: ProxyOptions) -> Result<Proxy, Fault> {
        Proxy::within(folder, relay, upstreams, options, ProxyLimits::default())
    }

    /// The same with limits of the caller's choice.
    ///
    /// # Errors
    /// As [`Proxy::open`].
    pub fn within(
        folder: &Folder,
        relay: Relay,
        upstreams: Upstreams,
        options: ProxyOptions,
        limits: ProxyLimits,
    ) -> Result<Proxy, Fault> {
        let lock = || StoreLock::open(&folder.modules());
        let store_lock = if folder.reads_only() { StoreLock::default() } else { lock()? };
        Proxy::with(folder, store_lock, relay, upstreams, options, limits)
    }

    fn with(
        folder: &Folder,
        store_lock: StoreLock,
        relay: Relay,
        upstreams: Upstreams,
        options: ProxyOptions,
        limits: ProxyLimits,
    ) -> Result<Proxy, Fault> {
        let modules = folder.modules();
        let journal = folder.journal()?;
        if !folder.reads_only()
            && let Some(before) = SystemTime::now().checked_sub(options.stale)
        {
            journal.sweep(before).unwrap_or_else(|fault| folder.note_failure(WriteKind::Hint, &fault));
        }
        let (store_limits, room) = (limits.store, SharedRoom::default());
        let checks = store_limits.checks_per_hour;
        let (private, shared, is_held) = (options.private.clone(), Arc::clone(&room), store_lock.is_held());
        let evictor = Evictor::within(folder.clone(), modules.clone(), private, checks, shared, is_held);
        let policy = PolicySlot::new(upstreams, options.private.clone());
        let inner = Inner {
            vkey: relay.vkey().to_owned(),
            relay,
            folder: folder.clone(),
            modules,
            journal,
            files: SharedTasks::new(limits.deadline),
            hints: SharedTasks::new(limits.deadline),
            absences: Absences::new(options.negative, limits.refusal_bytes),
            absences_kept: AtomicUsize::new(0),
            options,
            downloads: FairQueue::new(limits.downloads),
            questions: FairQueue::new(limits.questions),
            hashing: Hashing::default(),
            read_ahead: read_ahead::State::new(limits.read_ahead),
            policy,
            counters: Counters::default(),
            top: TopModules::default(),
            store_lock,
            store_limits,
            room,
            evictor,
            scrubbed: Mutex::default(),
            account: OnceLock::new(),
        };
        Ok(Proxy { inner: Arc::new(inner) })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// Why it is refused or failed; each cause has its HTTP status.
    pub async fn answer(&self, request: &ModuleRequest, mode: Mode) -> Result<ProxyAnswer, Denied> {
        self.note_dry_run(request.module(), policy::version_of(request));
        let mut answering = pin!(self.given(request, mode));
        let answer = match poll!(&mut answering) {
            // What is here is given at once.
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                read_ahead::waits(&self.inner, request, mode);
                answering.await
            }
        };
        self.inner.counters.answered(&answer);
        self.account_for(request, mode, &answer);
        if !self.is_private(request.module()) {
            self.inner.top.asked(request.module().as_str());
        }
        read_ahead::answered(&self.inner, request, mode, &answer);
        answer
    }

    async fn given(&self, request: &ModuleRequest, mode: Mode) -> Result<ProxyAnswer, Denied> {
        let ModuleRequest::File(module, kind) = request else {
            return allowed::answer(&self.inner, request, mode).await.map(ProxyAnswer::Text);
        };
        match files::answer(&self.inner, module, *kind, mode).await? {
            Given::Proven(admitted) => {
                admitted.used();
                Ok(ProxyAnswer::File(admitted))
            }
            Given::Unproven(refused) => Ok(ProxyAnswer::Unproven(refused)),
        }
    }

    /// Whether a module is private: its name leaves for private upstreams only.
    pub fn is_private(&self, module: &ModulePath) -> bool {
        self.inner.policy.is_private(module)
    }
}
