//! Writing to the cache while requests are in flight: a thread that is handed proven bytes. What it cannot write is noted with the
//! data folder, and no answer waits for it.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::store::Cache;
use crate::store::cache::GROUP;

/// Handfuls that may wait for the writer; whoever brings more waits, so that memory stays bounded.
const WAITING: usize = 4;

/// Paths with their proven bytes.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// The thread, and the way to hand it something.
type Writer = (SyncSender<Files>, JoinHandle<()>);

/// The writer, as long as it has not been told to finish.
pub(super) struct Keeper {
    writer: Option<Writer>,
}

impl Keeper {
    /// A keeper of `cache`. Where the system has no thread left, nothing is kept.
    pub(super) fn start(cache: &Cache) -> Keeper {
        let (files, handed) = sync_channel::<Files>(WAITING);
        let cache = cache.clone();
        let write = move || {
            let mut files = Files::new();
            for more in handed {
                files.extend(more);
                let few = files.split_off(files.len() - files.len() % GROUP);
                cache.keep_all(&files);
                files = few;
            }
            cache.keep_all(&files);
        };
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(write);
        Keeper { writer: thread.ok().map(|thread| (files, thread)) }
    }

    /// Hands over proven bytes.
    pub(super) fn keep(&self, files: Files) {
        if let Some((writer, _)) = &self.writer {
            // It only stops listening when it panicked; then nothing is kept.
            let _ = writer.send(files);
        }
    }

    /// Waits until all is written.
    pub(super) fn finish(mut self) {
        self.join();
    }

    fn join(&mut self) {
        let Some((files, thread)) = self.writer.take() else { return };
        drop(files);
        let _ = thread.join();
    }
}

impl Drop for Keeper {
    /// Who goes away early leaves no writer behind.
    fn drop(&mut self) {
        self.join();
    }
}
