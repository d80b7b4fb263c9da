//! Writing to the cache while requests are in flight: a thread that is handed proven bytes, and tells at the end whether all of
//! them were written.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::fault::Fault;
use crate::store::Cache;
use crate::store::cache::GROUP;

/// Handfuls that may wait for the writer; whoever brings more waits, so that memory stays bounded.
const WAITING: usize = 4;

/// Paths with their proven bytes.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// The thread, and the way to hand it something.
type Writer = (SyncSender<Files>, JoinHandle<Result<(), Fault>>);

/// The writer, as long as it has not been told to finish.
pub(super) struct Keeper {
    writer: Option<Writer>,
}

impl Keeper {
    /// A keeper of `cache`.
    ///
    /// # Errors
    /// `Unavailable`: the system has no thread left.
    pub(super) fn start(cache: &Cache) -> Result<Keeper, Fault> {
        let (files, handed) = sync_channel::<Files>(WAITING);
        let cache = cache.clone();
        let write = move || {
            let (mut outcome, mut files) = (Ok(()), Files::new());
            for more in handed {
                files.extend(more);
                let few = files.split_off(files.len() - files.len() % GROUP);
                // After a failure the rest is only taken, so that nobody waits for a full disk.
                outcome = outcome.and_then(|()| cache.write_all(&files));
                files = few;
            }
            outcome.and_then(|()| cache.write_all(&files))
        };
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(write);
        let no_thread = |error| Fault::unavailable("the system", format!("no thread to write with: {error}"));
        Ok(Keeper { writer: Some((files, thread.map_err(no_thread)?)) })
    }

    /// Hands over proven bytes.
    pub(super) fn keep(&self, files: Files) {
        if let Some((writer, _)) = &self.writer {
            // It only stops listening when it panicked, which `finish` tells.
            let _ = writer.send(files);
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
        let Some((files, thread)) = self.writer.take() else { return Ok(()) };
        drop(files);
        thread.join().unwrap_or_else(|_| Err(Fault::unavailable("the cache", "its writer failed")))
    }
}

impl Drop for Keeper {
    /// Who goes away early leaves no writer behind.
    fn drop(&mut self) {
        let _ = self.join();
    }
}
