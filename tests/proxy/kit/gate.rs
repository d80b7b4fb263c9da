//! Holds answers back until the test says so: no clock, no sleeping.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::watch;

/// A test that waits for what never comes fails after this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that may pass. Clones are the same gate; it is closed at first. The bytes are counted for each answer apart: after
/// `release(10)` and `release(5)` each may send its first 15.
#[derive(Clone, Debug)]
pub struct Gate {
    released: Arc<watch::Sender<u64>>,
    arrived: Arc<watch::Sender<usize>>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate { released: Arc::new(watch::Sender::new(0)), arrived: Arc::new(watch::Sender::new(0)) }
    }

    /// Lets this many bytes more of each answer pass.
    pub fn release(&self, bytes: u64) {
        self.released.send_modify(|released| *released = released.saturating_add(bytes));
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.released.send_replace(u64::MAX);
    }

    /// How many answers have come to the gate so far, whether or not they have passed it.
    pub fn arrived(&self) -> usize {
        *self.arrived.borrow()
    }

    /// Comes back when so many answers have come to the gate. Blocks the thread.
    #[track_caller]
    pub fn wait(&self, answers: usize) {
        block(self.reached(answers)).unwrap_or_else(|| panic!("{} answers at the gate, not {answers}", self.arrived()));
    }

    /// The same for a test that is a task.
    pub async fn reached(&self, answers: usize) {
        let mut arrived = self.arrived.subscribe();
        let _ = arrived.wait_for(|arrived| *arrived >= answers).await;
    }

    pub(super) fn arrive(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
    }

    /// Waits until more than `sent` bytes may have passed; gives how many.
    pub(super) async fn passes(&self, sent: u64) -> u64 {
        let mut released = self.released.subscribe();
        released.wait_for(|released| *released > sent).await.map_or(u64::MAX, |released| *released)
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}

/// Runs a task in a thread that has no runtime; none where it takes too long.
pub(super) fn block<T>(task: impl Future<Output = T>) -> Option<T> {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, task).await.ok() })
}

/// Waits for a state that only another thread or process can bring about.
#[track_caller]
pub fn until(what: &str, is: impl Fn() -> bool) {
    let asked = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    block(asked).unwrap_or_else(|| panic!("not so after {PATIENCE:?}: {what}"));
}
