//! Writing to the cache while requests are in flight: threads that are handed proven bytes, and tell at the end whether all of
//! them were written.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::fault::Fault;
use crate::store::Cache;

/// Writers; more gain nothing on any disk.
const WRITERS: usize = 2;
/// Batches that may wait for each writer; whoever brings more waits, so that memory stays bounded.
const WAITING: usize = 32;
/// Files in a batch.
pub(super) const HANDFUL: usize = 16;

/// Paths with their proven bytes.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// A thread, and the way to hand it something.
type Writer = (SyncSender<Files>, JoinHandle<Result<(), Fault>>);

/// The writers, as long as they have not been told to finish.
pub(super) struct Keeper {
    writers: Vec<Writer>,
    next: AtomicUsize,
}

impl Keeper {
    /// A keeper of `cache`.
    ///
    /// # Errors
    /// `Unavailable`: the system has no thread left.
    pub(super) fn start(cache: &Cache) -> Result<Keeper, Fault> {
        let writers = (0..WRITERS).map(|_| start_writer(cache.clone())).collect::<io::Result<_>>();
        let no_thread = |error| Fault::unavailable("the system", format!("no thread to write with: {error}"));
        Ok(Keeper { writers: writers.map_err(no_thread)?, next: AtomicUsize::new(0) })
    }

    /// Hands over proven bytes, to the writers in turn.
    pub(super) fn keep(&self, mut files: Files) {
        while !files.is_empty() {
            let rest = files.split_off(files.len().min(HANDFUL));
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % WRITERS;
            if let Some((writer, _)) = self.writers.get(turn) {
                // It only stops listening when it panicked, which `finish` tells.
                let _ = writer.send(files);
            }
            files = rest;
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// `Unavailable`: the cache cannot be written.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        self.join()
    }

    fn join(&mut self) -> Result<(), Fault> {
        let (senders, threads): (Vec<_>, Vec<_>) = self.writers.drain(..).unzip();
        drop(senders);
        let panicked = || Err(Fault::unavailable("the cache", "its writer failed"));
        let outcomes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect();
        outcomes.into_iter().collect()
    }
}

impl Drop for Keeper {
    /// Who goes away early leaves no writer behind.
    fn drop(&mut self) {
        let _ = self.join();
    }
}

fn start_writer(cache: Cache) -> io::Result<Writer> {
    let (files, handed) = sync_channel::<Files>(WAITING);
    let write = move || {
        let mut outcome = Ok(());
        // After a failure the rest is only taken, so that nobody waits for a full disk.
        for (path, bytes) in handed.into_iter().flatten() {
            outcome = outcome.and_then(|()| cache.write(&path, &bytes));
        }
        outcome
    };
    Ok((files, thread::Builder::new().name("keeper".to_owned()).spawn(write)?))
}
