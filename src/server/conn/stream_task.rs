//! The tasks of HTTP/2 streams, each with a handle that resets its stream.
//!
//! hyper polls a body only when it could send more of it. A body that is never polled cannot report an error, so a stream whose
//! client reads nothing is reset from outside: when its task is aborted, h2 drops what it holds of the body and sends RST_STREAM.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use hyper::rt::Executor;
use tokio::task::AbortHandle;

tokio::task_local! {
    /// The task of the stream that is being answered.
    static STREAM: StreamTask;
}

/// The task of one stream; empty until the task has been spawned.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamTask(Arc<OnceLock<AbortHandle>>);

impl StreamTask {
    /// The task in which this is called; none outside of HTTP/2.
    pub(crate) fn current() -> Option<StreamTask> {
        STREAM.try_with(StreamTask::clone).ok()
    }

    /// Resets the stream, unless it has ended.
    pub(crate) fn reset(&self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

/// Spawns the streams of all connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamExecutor;

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let task = StreamTask::default();
        let running = tokio::spawn(STREAM.scope(task.clone(), stream));
        let _ = task.0.set(running.abort_handle()); // it was empty
    }
}
