//! What a server answers about one checksum database: the newest head, lookups and tiles, all of them proven here.
//!
//! What the full log holds is answered from disk; the rest is fetched from the upstreams, proven, and kept in the
//! cache. Everything is under one head (`heads`), which is never older than one that was given before. Concurrent
//! requests for the same thing are one request to the upstreams (`single_flight`).

mod cosign;
pub(crate) mod denials;
mod gossip;
mod heads;
mod healing;
mod lookup;
mod proof;
mod recent;
mod routes;
pub(crate) mod scrub;
mod single_flight;
mod tile;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use cosign::Cosigner;
pub use gossip::Gossip;
use gossip::Sent;
use heads::Heads;
pub use proof::ProvenRecord;
use recent::Recent;
use routes::Routes;
pub use routes::{HeadRoute, Shown, Told};
pub use scrub::LogScrubCounts;
use single_flight::SingleFlight;

use crate::database::{Database, Mirror, Unavailable};
use crate::fault::Fault;
use crate::store::Log;
use crate::store::failures::FailedWrites;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::module::{ModuleVersion, Patterns};
use crate::sumdb::record::VerifiedRecord;
use crate::sumdb::tile::TilePath;
use crate::upstream::{Complaint, Counts, Load, SourceState};

/// Bytes that a relay remembers by default.
const COMMON_BYTES: u64 = 56 << 20;

/// What a relay may do.
#[derive(Debug, Clone, Default)]
pub struct RelayOptions {
    /// send no request over the network
    pub offline: bool,
    /// modules whose names never leave this machine, and about which the relay gives no answer
    pub private: Patterns,
}

/// What is answered about a module version. `T` is what was found: of a lookup the record's number, its text, and a signed head of
/// a tree that holds it; of others the record itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupAnswer<T = Bytes> {
    /// it is proven to be in the log
    Found(T),
    /// the database says that it has no such module version
    NotInLog {
        /// the sources that say so, with their words
        by: Vec<String>,
    },
    /// the module matches this pattern, and no source was asked about it
    Private {
        /// as it was written
        pattern: String,
    },
    /// it is not held here, and no source could be asked: that says nothing about the log
    NotHeld(String),
}

impl<T> LookupAnswer<T> {
    /// What was found, or the same answer about anything else.
    fn found<U>(self) -> Result<T, LookupAnswer<U>> {
        Err(match self {
            LookupAnswer::Found(what) => return Ok(what),
            LookupAnswer::NotInLog { by } => LookupAnswer::NotInLog { by },
            LookupAnswer::Private { pattern } => LookupAnswer::Private { pattern },
            LookupAnswer::NotHeld(why) => LookupAnswer::NotHeld(why),
        })
    }

    /// The same answer about what `made` makes of it.
    fn map<U>(self, made: impl FnOnce(T) -> U) -> LookupAnswer<U> {
        self.found().map_or_else(|other| other, |what| LookupAnswer::Found(made(what)))
    }
}

/// The record of a module version, for comparing files with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// proven to be in the log
    pub record: Arc<VerifiedRecord>,
    /// records of the tree that is known to hold it
    pub size: u64,
}

/// How far a relay is.
#[derive(Debug, Clone)]
pub struct RelayStatus {
    /// the newest tree that was proven; none before the first
    pub head: Option<Tree>,
    /// the tree of the full log, where one is held
    pub mirror: Option<Tree>,
    /// how many of its records the index knows
    pub indexed: u64,
    /// how many times the log was caught with two histories
    pub forks: usize,
    /// whether the data folder can be written. Answers do not depend on it
    pub writable: Result<(), Fault>,
    /// the size of the newest proven tree, where its head is only in memory: the disk did not take it
    pub unstored: Option<u64>,
}

/// One database as a server answers for it. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    log: Log,
    is_offline: bool,
    /// as in [`RelayOptions`]; read without a lock
    private: ArcSwap<Patterns>,
    heads: Heads,
    /// what cosigns heads; none where nothing does
    cosigner: ArcSwapOption<Cosigner>,
    sent: Sent,
    routes: Routes,
    /// notified when the full log is known to lag behind
    lags: Notify,
    recent: Recent,
    lookups: SingleFlight<String, Result<LookupAnswer<Arc<VerifiedRecord>>, Fault>>,
    bringing: SingleFlight<TilePath, Result<Bytes, Unavailable>>,
    /// how far the scrub of the full log is
    scrubbed: Mutex<LogScrubCounts>,
    /// rotten stretches of the full log that are being fetched again
    healed: SingleFlight<(u64, TilePath), Result<(), Fault>>,
}

impl Relay {
    /// Over `database` and its full log, which may be empty. Asks nobody.
    ///
    /// # Errors
    /// `Unavailable`: a full log is there and cannot be read, or is damaged.
    pub fn new(database: Database, log: Log, options: RelayOptions) -> Result<Relay, Fault> {
        Relay::within(database, log, options, COMMON_BYTES)
    }

    /// The same, which remembers records, tiles and denials of at most `bytes` together.
    ///
    /// # Errors
    /// As [`Relay::new`].
    pub fn within(database: Database, log: Log, options: RelayOptions, bytes: u64) -> Result<Relay, Fault> {
        let database = if options.offline { database.offline() } else { database };
        database.refresh()?;
        let inner = Inner {
            database,
            log,
            is_offline: options.offline,
            private: ArcSwap::from_pointee(options.private),
            heads: Heads::default(),
            cosigner: ArcSwapOption::empty(),
            sent: Sent::default(),
            routes: Routes::default(),
            lags: Notify::new(),
            recent: Recent::within(bytes),
            lookups: SingleFlight::default(),
            bringing: SingleFlight::default(),
            healed: SingleFlight::default(),
            scrubbed: Mutex::default(),
        };
        Ok(Relay { inner: Arc::new(inner) })
    }

    /// Replaces the patterns of the modules about which it gives no answer.
    pub fn set_private(&self, private: Patterns) {
        self.inner.private.store(Arc::new(private));
    }

    /// The database's name, that of its key.
    pub fn name(&self) -> &str {
        self.inner.database.name()
    }

    /// The database's verifier key, as [`Database::vkey`].
    pub fn vkey(&self) -> &str {
        self.inner.database.vkey()
    }

    /// What the log has of a module version.
    ///
    /// # Errors
    /// `Forked`: the log is caught. `Unavailable`, `Refused`: it could not be decided.
    pub async fn lookup(&self, module: &ModuleVersion) -> Result<LookupAnswer, Fault> {
        self.inner.lookup(module).await
    }

    /// As [`Relay::lookup`], the record itself.
    ///
    /// # Errors
    /// As [`Relay::lookup`].
    pub async fn record(&self, module: &ModuleVersion) -> Result<LookupAnswer<Recorded>, Fault> {
        self.inner.record(module).await
    }

    /// The record of a module version, if it can be proven from what is held here: nobody is asked about it.
    ///
    /// # Errors
    /// `Unavailable`: the data folder.
    pub async fn local_record(&self, module: &ModuleVersion) -> Result<Option<Arc<VerifiedRecord>>, Fault> {
        self.inner.local_record(module).await
    }

    /// A tile of hashes or of records, of whatever width; none where no proven tree has it.
    ///
    /// # Errors
    /// As [`Relay::lookup`].
    pub async fn tile(&self, tile: &TilePath) -> Result<Option<Bytes>, Fault> {
        self.inner.tile(tile).await
    }

    /// Looks whether another head of the full log was committed, here or by another process. Cheap where not.
    ///
    /// # Errors
    /// `Unavailable`: the full log cannot be read, or is damaged; what was held before is still answered from.
    pub fn refresh(&self) -> Result<(), Fault> {
        self.inner.database.refresh()
    }

    /// The full log, if it is held.
    pub fn mirror(&self) -> Option<Mirror> {
        self.inner.database.mirror().map(|mirror| Mirror::clone(&mirror))
    }

    /// Waits until the full log is known to lag behind what was answered: time to sync.
    pub async fn wants_sync(&self) {
        self.inner.lags.notified().await;
    }

    /// What the upstreams were asked so far.
    pub fn counts(&self) -> Counts {
        self.inner.database.upstreams().counts()
    }

    /// How many questions the upstreams are asked now, and how many wait for that.
    pub fn queue(&self) -> Load {
        self.inner.database.upstreams().load()
    }

    /// Bytes of what it remembers.
    pub fn remembered_bytes(&self) -> u64 {
        self.inner.recent.bytes()
    }

    /// What was proven, or came, and could not be stored in the data folder, by kind.
    pub fn store_failures(&self) -> Vec<FailedWrites> {
        self.inner.database.store_failures()
    }

    /// What there is to complain of the upstreams about.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.inner.database.upstreams().complaints()
    }

    /// How each of its sources fares, in the order in which they are asked.
    pub fn standings(&self) -> Vec<SourceState> {
        self.inner.database.upstreams().standings()
    }

    /// How far it is.
    pub fn status(&self) -> RelayStatus {
        let mirror = self.inner.database.mirror();
        let mirrored = mirror.as_ref().map(|mirror| mirror.snapshot.tree());
        let remembered = || self.inner.database.remembered().ok().flatten().map(|head| head.tree());
        // Before the first question: what it will be answered under, unless that can be had no more.
        let expected = || mirrored.into_iter().chain(remembered()).max_by_key(|tree| tree.size);
        RelayStatus {
            head: self.head().or_else(expected),
            indexed: mirror.as_ref().map_or(0, |mirror| mirror.indexed()),
            mirror: mirrored,
            forks: self.inner.log.forks().map_or(0, |forks| forks.len()),
            writable: self.inner.log.check_writable(),
            unstored: self.inner.database.unstored().map(|head| head.tree().size),
        }
    }
}
