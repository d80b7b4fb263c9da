//! Work for one key is done once: requests for the same thing wait for the same task.
//!
//! A task lives as long as a request waits for it. When the last waiter leaves it is cancelled, so that a client that hangs up
//! leaves nothing behind; the next request for the key starts over. The exception is a task that says that bytes are flowing
//! (`Phase::Receiving`): it may finish alone, so that a large download is not begun again by the next client. What it holds (a
//! slot among the downloads) bounds how many such tasks there are. Every task has a deadline. What was only read ahead does not go
//! on alone.
//!
//! A task counts for the clients that wait for it, as `Asker` has it. Which upstreams it asks is noted for each of them, and its spans
//! are those of the request that began it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{Denied, MAX_TASK_TIME};
use crate::fault::Fault;
use crate::upstream::spans::SpanPosition;
use crate::upstream::{Asked, AskedCell, Asker, Clients, Peer};

/// How a task ended that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// it was not done in time
    DeadlinePassed,
    /// it panicked, or the program ends
    Died,
}

impl Ended {
    /// What to answer where the task about `what` ended so.
    pub(super) fn of(self, what: &str) -> Denied {
        Denied::Fault(match self {
            Ended::DeadlinePassed => {
                Fault::timed_out(what, format!("timed out: not finished within {MAX_TASK_TIME:?}"))
            }
            Ended::Died => Fault::machine(what, "the work on it ended without a result"),
        })
    }
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// it waits for its turn, or for an answer: without waiters it is cancelled
    Asking,
    /// bytes of a file are flowing: it may finish without waiters
    Receiving,
}

type TaskResult<V> = Result<V, Ended>;
/// What a task leaves: its result, and which upstreams it asked; none while it runs.
type Outcome<V> = Option<TaskResult<(V, Asked)>>;

/// The tasks that run, by key. Cheap to clone.
pub(super) struct SharedTasks<K, V> {
    tasks: Arc<Mutex<HashMap<K, Task<V>>>>,
    deadline: Duration,
    /// the number of the next task
    next: Arc<AtomicU64>,
}

impl<K, V> Clone for SharedTasks<K, V> {
    fn clone(&self) -> SharedTasks<K, V> {
        SharedTasks { tasks: Arc::clone(&self.tasks), deadline: self.deadline, next: Arc::clone(&self.next) }
    }
}

/// One task, as its waiters see it.
struct Task<V> {
    number: u64,
    phase: Phase,
    clients: Clients,
    /// a client has asked for it: it is not only read ahead
    is_wanted: bool,
    outcome: watch::Receiver<Outcome<V>>,
    /// none until it runs; its first waiter stays until then
    abort: Option<AbortHandle>,
}

/// The progress that a task reports.
pub(super) struct Progress {
    is_receiving: AtomicBool,
    set: Box<dyn Fn(Phase) + Send + Sync>,
}

/// One request that waits for a task. Dropped, it waits no more.
struct Waiter<K: Eq + Hash, V> {
    tasks: SharedTasks<K, V>,
    key: K,
    task: u64,
    number: u64,
}

/// Takes a task off the list at its end, however it ends.
struct Listed<K: Eq + Hash, V> {
    tasks: SharedTasks<K, V>,
    key: K,
    task: u64,
}

impl Progress {
    /// The task is in this phase from now on. One that stops receiving while nobody waits is cancelled.
    pub(super) fn set(&self, phase: Phase) {
        let is_receiving = phase == Phase::Receiving;
        // Set for each piece that comes.
        if self.is_receiving.swap(is_receiving, Ordering::Relaxed) != is_receiving {
            (self.set)(phase);
        }
    }
}

impl<K, V> SharedTasks<K, V> {
    /// No tasks. Each is given up after `deadline`.
    pub(super) fn new(deadline: Duration) -> SharedTasks<K, V> {
        SharedTasks { tasks: Arc::default(), deadline, next: Arc::default() }
    }

    /// How many tasks go on without a waiter.
    pub(super) fn detached(&self) -> usize {
        self.lock().values().filter(|task| task.clients.is_empty()).count()
    }

    /// How many tasks there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Task<V>>> {
        self.tasks.lock()
    }
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static> SharedTasks<K, V> {
    /// What `work` gives, or what the task for the same key gives that runs already. `work` gets whom it counts for, and where
    /// to say how far it is.
    ///
    /// # Errors
    /// How the task ended without a result.
    pub(super) async fn join<F>(
        &self,
        key: &K,
        peer: Option<Peer>,
        work: impl FnOnce(Asker, Arc<Progress>) -> F,
    ) -> TaskResult<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (_waiter, mut outcome) = self.wait(key, peer, work);
        let ended = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        let (result, asked) = ended.unwrap_or(Err(Ended::Died))?;
        asked.share();
        Ok(result)
    }

    /// Adds a waiter to the task for `key`, which is started where there is none.
    fn wait<F>(
        &self,
        key: &K,
        peer: Option<Peer>,
        work: impl FnOnce(Asker, Arc<Progress>) -> F,
    ) -> (Waiter<K, V>, watch::Receiver<Outcome<V>>)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let new = self.next.fetch_add(1, Ordering::Relaxed);
        let mut tasks = self.lock();
        let mut done = None;
        let task = tasks.entry(key.clone()).or_insert_with(|| {
            let (sender, outcome) = watch::channel(None);
            done = Some(sender);
            let (phase, clients) = (Phase::Asking, Clients::default());
            Task { number: new, phase, clients, is_wanted: false, outcome, abort: None }
        });
        task.is_wanted |= peer != Some(Peer::READ_AHEAD);
        let number = task.clients.join(peer);
        let waiter = Waiter { tasks: self.clone(), key: key.clone(), task: task.number, number };
        let (outcome, asker) = (task.outcome.clone(), task.clients.asker());
        drop(tasks);
        if let Some(done) = done {
            // Not under the lock, which is taken at the end of the task: while a runtime shuts down, that is here and now.
            let work = work(asker, Arc::new(self.progress(key, new)));
            let abort = self.start(key, new, work, done);
            self.change(key, new, |task| task.abort = Some(abort));
        }
        (waiter, outcome)
    }

    fn start<F>(&self, key: &K, task: u64, work: F, done: watch::Sender<Outcome<V>>) -> AbortHandle
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (listed, deadline) = (Listed { tasks: self.clone(), key: key.clone(), task }, self.deadline);
        let asked = AskedCell::default();
        let work = SpanPosition::continued(SpanPosition::current(), asked.scope(work));
        let running = tokio::spawn(async move {
            let ended = tokio::time::timeout(deadline, work).await.map_err(|_| Ended::DeadlinePassed);
            let ended = ended.map(|result| (result, asked.get()));
            // Off the list first: a request that comes now starts over, and finds the result in the store.
            drop(listed);
            let _ = done.send(Some(ended)); // nobody waits any more: fine
        });
        running.abort_handle()
    }

    fn progress(&self, key: &K, task: u64) -> Progress {
        let (tasks, key) = (self.clone(), key.clone());
        let set = Box::new(move |phase| tasks.change(&key, task, |task| task.phase = phase));
        Progress { is_receiving: AtomicBool::new(false), set }
    }
}

impl<K: Eq + Hash, V> SharedTasks<K, V> {
    /// Changes the task with this number, if it is still on the list, and cancels it if nothing keeps it then.
    fn change(&self, key: &K, number: u64, change: impl FnOnce(&mut Task<V>)) {
        let mut tasks = self.lock();
        let Some(task) = tasks.get_mut(key).filter(|task| task.number == number) else { return };
        change(task);
        if !task.clients.is_empty() || task.phase == Phase::Receiving && task.is_wanted {
            return;
        }
        // Off the list now, not when it has ended: a request that comes meanwhile must not wait for a task that was cancelled.
        let cancelled = tasks.remove(key);
        drop(tasks);
        if let Some(abort) = cancelled.and_then(|task| task.abort) {
            abort.abort();
        }
    }
}

impl<K: Eq + Hash, V> Drop for Waiter<K, V> {
    fn drop(&mut self) {
        self.tasks.change(&self.key, self.task, |task| task.clients.leave(self.number));
    }
}

impl<K: Eq + Hash, V> Drop for Listed<K, V> {
    fn drop(&mut self) {
        let mut tasks = self.tasks.lock();
        if tasks.get(&self.key).is_some_and(|task| task.number == self.task) {
            tasks.remove(&self.key);
        }
    }
}

#[cfg(test)]
#[path = "shared_tasks/tests.rs"]
mod tests;
