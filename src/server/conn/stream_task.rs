//! The tasks of HTTP/2 streams, each with a handle by which its stream can be ended.
//!
//! hyper asks a body for more only when it could send it. A body that is never asked can tell hyper nothing, so a stream whose
//! client takes nothing is ended from outside: when its task goes, h2 discards what it has of the body and sends RST_STREAM.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use hyper::rt::Executor;
use tokio::task::AbortHandle;

tokio::task_local! {
    /// The stream that is being answered.
    static STREAM: StreamTask;
}

/// The task of one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamTask(Arc<OnceLock<AbortHandle>>);

impl StreamTask {
    /// That of the stream in whose task this is called; none outside of HTTP/2.
    pub(crate) fn current() -> Option<StreamTask> {
        STREAM.try_with(StreamTask::clone).ok()
    }

    /// Ends the stream, if it has not ended.
    pub(crate) fn end(&self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

/// Runs the streams of all connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let task = StreamTask::default();
        let running = tokio::spawn(STREAM.scope(task.clone(), stream));
        let _ = task.0.set(running.abort_handle()); // it was empty
    }
}
