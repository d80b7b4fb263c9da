//! Writing to the cache while requests are in flight: a thread that is handed proven bytes. What it cannot write is noted with the
//! data folder, and no answer waits for it.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::store::Cache;
use crate::store::cache::GROUP;

/// Batches that may wait for the writer; a sender of more waits, so that memory stays bounded.
const WAITING: usize = 4;

/// Paths with their proven bytes.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// The thread, and the way to hand it something.
type Thread = (SyncSender<Files>, JoinHandle<()>);

/// The writer, until it is finished.
pub(super) struct CacheWriter {
    thread: Option<Thread>,
}

impl CacheWriter {
    /// A writer to `cache`. If the system cannot start a thread, nothing is cached.
    pub(super) fn start(cache: &Cache) -> CacheWriter {
        let (files, handed) = sync_channel::<Files>(WAITING);
        let cache = cache.clone();
        let work = move || {
            let mut files = Files::new();
            while let Ok(more) = handed.recv() {
                files.extend(more);
                // What came while the last was written is written together.
                files.extend(handed.try_iter().take(WAITING).flatten());
                let few = files.split_off(files.len() - files.len() % GROUP);
                cache.keep_all(&files);
                files = few;
            }
            cache.keep_all(&files);
        };
        let thread = thread::Builder::new().name("cache writer".to_owned()).spawn(work);
        CacheWriter { thread: thread.ok().map(|thread| (files, thread)) }
    }

    /// Hands over proven bytes.
    pub(super) fn write(&self, files: Files) {
        if let Some((sender, _)) = &self.thread {
            // It only stops listening when it panicked; then nothing is kept.
            let _ = sender.send(files);
        }
    }

    /// Waits until all is written.
    pub(super) fn finish(mut self) {
        self.join();
    }

    fn join(&mut self) {
        let Some((files, thread)) = self.thread.take() else { return };
        drop(files);
        let _ = thread.join();
    }
}

impl Drop for CacheWriter {
    /// A caller that returns early leaves no thread behind.
    fn drop(&mut self) {
        self.join();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::Folder;

    #[test]
    fn all_is_written_when_the_writer_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let cache = Folder::open(root.path()).unwrap().cache("sum.example").unwrap();
        let path = |number: usize| format!("tile/8/0/{number:03}");
        let writer = CacheWriter::start(&cache);
        for first in [0, 300] {
            writer.write((first..first + 300).map(|number| (path(number), vec![7; 8192])).collect());
        }
        drop(writer);
        for number in 0..600 {
            assert!(cache.read(&path(number)).unwrap().is_some(), "{number}");
        }
    }
}
