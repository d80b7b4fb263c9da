//! Writing to the cache while requests are in flight: a thread that is handed proven bytes, and tells at the end whether all of
//! them were written.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::fault::Fault;
use crate::store::Cache;

/// Batches that may wait to be written; whoever brings more waits, so that memory stays bounded.
const WAITING: usize = 2;

/// Paths with their proven bytes.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// The thread, as long as it has not been told to finish.
pub(super) struct Keeper {
    files: Option<SyncSender<Files>>,
    thread: Option<JoinHandle<Result<(), Fault>>>,
}

impl Keeper {
    /// A keeper of `cache`.
    ///
    /// # Errors
    /// `Unavailable`: the system has no thread left.
    pub(super) fn start(cache: &Cache) -> Result<Keeper, Fault> {
        let cache = cache.clone();
        let (files, handed) = sync_channel::<Files>(WAITING);
        let write = move || {
            let mut outcome = Ok(());
            // After a failure the rest is only taken, so that nobody waits for a full disk.
            for (path, bytes) in handed.into_iter().flatten() {
                outcome = outcome.and_then(|()| cache.write(&path, &bytes));
            }
            outcome
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(write);
        let thread =
            thread.map_err(|error| Fault::unavailable("the system", format!("no thread to write with: {error}")))?;
        Ok(Keeper { files: Some(files), thread: Some(thread) })
    }

    /// Hands over proven bytes.
    pub(super) fn keep(&self, files: Files) {
        if let Some(keeper) = self.files.as_ref().filter(|_| !files.is_empty()) {
            // It only stops listening when it panicked, which `finish` tells.
            let _ = keeper.send(files);
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// `Unavailable`: the cache cannot be written.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        self.files = None;
        let panicked = || Err(Fault::unavailable("the cache", "its writer failed"));
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| panicked()))
    }
}

impl Drop for Keeper {
    /// Who goes away early leaves no writer behind.
    fn drop(&mut self) {
        self.files = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
