//! `sync`: updates the full copy of a log to the newest head, and proves it record by record.
//!
//! A straight line: the newest head (`database`: it contains every head accepted before, or the log is caught) → what is stored
//! already is its beginning → the hashes of its data tiles, from the top down, a stretch ahead (`plan`) → the data tiles, many
//! at once and in any order (`flow`), from any upstream, each checked against its one hash (`fetch`, `tile`) → appended in
//! order by one thread that marks how far it is (`append`) → the head is committed → the index follows (`indexing`), of what was
//! gathered for it on the way. Hashes of leaves are computed and never fetched.
//!
//! A sync that is stopped at any moment, also by a power cut, can be continued later; dropping the future is a way to stop it.

mod append;
mod bulk;
mod fetch;
mod flow;
mod indexing;
mod open_requests;
mod plan;
mod rate;
mod straggler;
mod tile;
mod window;

use std::pin::pin;

use futures_util::stream::{self, StreamExt as _};

use append::{Appended, Appender};
use bulk::Bulk;
use fetch::Fetch;
use straggler::AnswerTimes;

use crate::database::{CommittedLog, Database, Newest, Progress};
use crate::fault::Fault;
use crate::store::Log;
use crate::store::index::Anomaly;
use crate::store::log::Writer;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::tile::{FULL, Want};
use crate::upstream::Complaint;

/// The comparison of heads is too short to report its progress.
const QUIET: Progress<'static> = &|_, _, _| {};

/// How to sync.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// stop at the last whole data tile before this many records, where the log has more
    pub to: Option<u64>,
    /// data tiles requested at once, at most
    pub jobs: usize,
    /// bytes of data tiles a second, at most
    pub limit_rate: Option<u64>,
}

/// What a sync is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// records are fetched
    Records,
    /// the index is updated to what was committed
    Index,
}

/// How far a sync is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// of what
    pub stage: Stage,
    /// records held so far
    pub records: u64,
    /// records to hold
    pub total: u64,
    /// records that this sync fetched
    pub new: u64,
    /// their bytes
    pub bytes: u64,
}

/// What a sync did.
#[derive(Debug, Clone)]
pub struct Synced {
    /// records that were committed before
    pub before: u64,
    /// the tree that is held now
    pub tree: Tree,
    /// whether a signed head of that tree is committed, so that it can be served
    pub committed: bool,
    /// the size of the newest head
    pub newest: u64,
    /// records that were fetched
    pub records: u64,
    /// their bytes
    pub bytes: u64,
    /// anomalies of the records that were committed since the last time
    pub anomalies: Vec<Anomaly>,
    /// what there is to say against the upstreams
    pub complaints: Vec<Complaint>,
}

/// Brings `log` to the newest head of `database`.
///
/// # Errors
/// `Forked`: the log is caught; what is committed stays as it was. `Refused`, `Unavailable`: no upstream had a head or a tile that
/// proves, each source is named; or the disk failed. What was proven by then is kept, and the next sync goes on from there.
pub async fn sync(
    database: &Database,
    log: &Log,
    options: &SyncOptions,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Synced, Fault> {
    let (committed, mut writer) = open(database, log).await?;
    let mut local = committed.map(|head| CommittedLog::open(log, head)).transpose()?;
    if let Some(local) = &mut local {
        local.remember(database)?;
    }
    let mut newest = database.newest(QUIET).await?;
    if let Some(local) = &mut local {
        let older = newest.given().iter().filter(|given| given.tree().size <= local.head().tree().size);
        older.cloned().collect::<Vec<_>>().iter().try_for_each(|given| local.require_contains(database, given))?;
        database.require_contains(&mut newest, local.head(), QUIET).await?;
    }
    let committed = local.as_ref().map(CommittedLog::head);
    let before = committed.map_or(0, |head| head.tree().size);
    resume(database, &mut newest, &mut writer, committed).await?;
    let head = newest.head().clone();
    let end = match options.to {
        Some(to) if to < head.tree().size => (to / FULL * FULL).max(writer.tree().size),
        _ => head.tree().size,
    };
    let gathered = if end == head.tree().size { indexing::begin(log, writer.tree().size, end).await? } else { None };
    let ((mut writer, gathered), done) =
        fetch_records(database, &mut newest, (writer, gathered), end, options, progress).await?;
    let reached = writer.tree() == head.tree();
    let news = committed.is_none_or(|committed| committed.tree() != head.tree());
    let tree = writer.tree();
    if reached && news && tree.size > 0 {
        let commit = move || writer.commit(&head);
        tokio::task::spawn_blocking(commit).await.unwrap_or_else(|error| Err(panicked(&error)))?;
    }
    let indexed = if reached { tree } else { committed.map_or(Tree::EMPTY, Checkpoint::tree) };
    let anomalies = indexing::update(log, indexed, gathered.filter(|_| reached), progress).await?;
    Ok(Synced {
        before,
        tree,
        committed: reached,
        newest: newest.head().tree().size,
        records: done.records,
        bytes: done.bytes,
        anomalies,
        complaints: database.upstreams().complaints(),
    })
}

/// The committed head and the one writer that goes on after it.
async fn open(database: &Database, log: &Log) -> Result<(Option<Checkpoint>, Writer), Fault> {
    loop {
        let note = log.head()?;
        let head = note.clone().map(|note| database.open_stored_head(log.dir().join("head"), note)).transpose()?;
        let (log, tree) = (log.clone(), head.as_ref().map_or(Tree::EMPTY, Checkpoint::tree));
        let opened = tokio::task::spawn_blocking(move || (log.writer(tree), log.head()));
        let (writer, now) = opened.await.map_err(|error| panicked(&error))?;
        // Another process may have committed while this one waited for the lock: then look again.
        if now? == note {
            return Ok((head, writer?));
        }
    }
}

/// What the writer resumes from must be the beginning of the newest tree; else it is given up, down to what is committed.
async fn resume(
    database: &Database,
    newest: &mut Newest,
    writer: &mut Writer,
    committed: Option<&Checkpoint>,
) -> Result<(), Fault> {
    let (held, committed) = (writer.tree(), committed.map_or(Tree::EMPTY, Checkpoint::tree));
    if held == committed {
        return Ok(());
    }
    if held.size <= newest.head().tree().size {
        database.fetch_tiles(newest, &[Want::RootAt(held.size)], QUIET).await?;
        if newest.tree().root_at(held.size) == Some(held.root) {
            return Ok(());
        }
    }
    writer.rewind(committed)
}

/// What was fetched.
#[derive(Debug, Default)]
struct Done {
    records: u64,
    bytes: u64,
}

/// Brings the data tiles up to `end` and appends them; gives what appended them back.
async fn fetch_records(
    database: &Database,
    newest: &mut Newest,
    (writer, gathered): Appended,
    end: u64,
    options: &SyncOptions,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<(Appended, Done), Fault> {
    let start = writer.tree().size;
    let times = AnswerTimes::default();
    let mut plan = pin!(plan::stretches(database, newest, start, end, &times));
    // Whether there are files of another copy is found out while the first stretch is planned.
    let (bulk, first) = tokio::join!(Bulk::find(database, end.saturating_sub(start)), plan.next());
    let plan = stream::iter(first).chain(plan);
    let fetch = Fetch::new(database.upstreams(), &times, bulk, gathered.is_some(), options);
    let appender = Appender::start(writer, gathered);
    let mut done = Done::default();
    let failed = flow::run(plan, &fetch, &appender, |tile| {
        done.count(tile, start);
        progress(done.step(start, end));
    });
    let failed = failed.await;
    let appended = appender.finish().await?;
    failed.map_or(Ok((appended, done)), Err)
}

impl Done {
    fn step(&self, start: u64, end: u64) -> Step {
        let (records, new, bytes) = (start + self.records, self.records, self.bytes);
        Step { stage: Stage::Records, records, total: end, new, bytes }
    }

    fn count(&mut self, tile: &tile::Proven, start: u64) {
        let skipped = start.saturating_sub(tile.first());
        self.records += tile.len() - skipped;
        self.bytes += tile.bytes_from(skipped);
    }
}

/// A thread of ours ended badly.
fn panicked(error: &tokio::task::JoinError) -> Fault {
    Fault::machine("this process", format!("a part of it failed: {error}"))
}
