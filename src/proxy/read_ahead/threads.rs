//! The threads that read ahead: half as many as there are processors, and all others go before them. Else a client of what is here
//! would wait until much of what is brought is proven.

use std::future::Future;
use std::num::NonZero;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::store::priority::{Nice, lower_priority};

/// Threads that wait for the disk, besides: a few make as many files durable as many would, and many at once keep the file system
/// from answering others.
const WAITING_THREADS: usize = 8;

/// Begun where something is read ahead for the first time.
#[derive(Debug, Default)]
pub(super) struct Threads(OnceLock<Option<Runtime>>);

impl Threads {
    /// Does the work there; among all the other work where the system gives no threads.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.0.get_or_init(begin) {
            Some(runtime) => drop(runtime.spawn(work)),
            None => drop(tokio::spawn(work)),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take().flatten() {
            // It waits for nobody: what was being written has no name yet.
            runtime.shutdown_background();
        }
    }
}

fn begin() -> Option<Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2);
    let lower = || lower_priority(Nice::Later);
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(WAITING_THREADS)
        .thread_name("read-ahead")
        .on_thread_start(lower)
        .enable_all()
        .build();
    runtime.inspect_err(|error| tracing::warn!(%error, "reading ahead has no threads of its own")).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::channel;

    use rustix::process::getpriority_process;
    use rustix::thread::gettid;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn others_go_before_what_is_read_ahead_and_what_it_has_done_on_the_disk() {
        let (threads, (tell, told)) = (Threads::default(), channel());
        let nice = || getpriority_process(Some(gettid())).unwrap();
        let ours = nice();
        threads.spawn(async move {
            tell.send(nice()).unwrap();
            tell.send(tokio::task::spawn_blocking(nice).await.unwrap()).unwrap();
        });
        let (work, disk) = (told.recv().unwrap(), told.recv().unwrap());
        assert!(work > ours && disk == work && work == Nice::Later.value(), "{ours} {work} {disk}");
    }

    #[tokio::test]
    async fn its_end_waits_for_nobody() {
        let (threads, (here, is_here)) = (Threads::default(), channel());
        let held = here.clone();
        threads.spawn(async move {
            here.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        is_here.recv().unwrap();
        // Within a runtime, where nothing may wait; what was under way is dropped.
        drop(threads);
        assert!(is_here.recv().is_err());
    }
}
