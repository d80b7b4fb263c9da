//! How many requests are open: made, and their bytes not here yet. The next one is made when the bytes of one are here, and not
//! only when they are proven.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The requests that are open.
#[derive(Debug, Default)]
pub(super) struct OpenRequests {
    count: AtomicUsize,
    closed: Notify,
}

/// One of them; it is closed when its bytes are here, or it is dropped.
#[derive(Debug)]
pub(super) struct OpenRequest<'a> {
    all: &'a OpenRequests,
    is_closed: AtomicBool,
}

impl OpenRequests {
    /// Opens one more.
    pub(super) fn open(&self) -> OpenRequest<'_> {
        self.count.fetch_add(1, Ordering::Relaxed);
        OpenRequest { all: self, is_closed: AtomicBool::new(false) }
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until one is closed, or was since this was last waited for.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }
}

impl OpenRequest<'_> {
    /// Its bytes are here.
    pub(super) fn close(&self) {
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            self.all.count.fetch_sub(1, Ordering::Relaxed);
            self.all.closed.notify_one();
        }
    }
}

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        self.close();
    }
}
