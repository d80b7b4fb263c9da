//! The index follows the log: its entries are gathered while the records are fetched, and once these are committed
//! it is updated to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Stage, Step, panicked};
use crate::fault::Fault;
use crate::store::Log;
use crate::store::index::{Anomaly, Gathered, update_with};
use crate::sumdb::checkpoint::Tree;

/// How often it is looked how far the index is.
const GLANCE: Duration = Duration::from_millis(100);

/// Begins to gather what an index holds of the records from `from` to `to`, where the index of `log` will be rebuilt of them.
pub(super) async fn begin(log: &Log, from: u64, to: u64) -> Result<Option<Gathered>, Fault> {
    let log = log.clone();
    tokio::task::spawn_blocking(move || Gathered::begin(&log, from, to)).await.map_err(|error| panicked(&error))
}

/// Brings the index up to `tree`, the committed one; gives the anomalies that it found.
pub(super) async fn update(
    log: &Log,
    tree: Tree,
    gathered: Option<Gathered>,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Vec<Anomaly>, Fault> {
    if tree.size == 0 {
        return Ok(Vec::new());
    }
    let indexed = Arc::new(AtomicU64::new(0));
    let (log, done_so_far) = (log.clone(), Arc::clone(&indexed));
    let mut work = tokio::task::spawn_blocking(move || {
        let report = |done, _| done_so_far.store(done, Ordering::Relaxed);
        update_with(&log, &log.snapshot(tree)?, gathered, &report)
    });
    loop {
        tokio::select! {
            grown = &mut work => return Ok(grown.unwrap_or_else(|error| Err(panicked(&error)))?.findings),
            () = tokio::time::sleep(GLANCE) => {
                let records = indexed.load(Ordering::Relaxed);
                progress(Step { stage: Stage::Index, records, total: tree.size, new: 0, bytes: 0 });
            }
        }
    }
}
