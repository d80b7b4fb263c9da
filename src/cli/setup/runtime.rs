//! The threads of a command.

use std::num::NonZero;

use tokio::runtime::Runtime;

use crate::fault::Fault;

/// Threads that wait for the disk while the others hash.
const WAITING_THREADS: usize = 2;
/// The most of them: a disk makes so many files durable in the time of a few. Each more may hold 1 or 2 MB, and saves little.
const MAX_WAITING_THREADS: usize = 32;
/// Tasks that run before the command itself does again: so many that each connection whose answer is there goes back to its pool
/// before the next request looks for one. Else that opens another.
const TASKS_BETWEEN: u32 = 1024;

/// One thread for requests, which wait, and a few more than processors for hashing and the disk.
pub(in crate::cli) fn runtime() -> Result<Runtime, Fault> {
    runtime_of(WAITING_THREADS)
}

/// The same, with that many threads that wait for the disk while the others hash, but a bounded number: a command that stores files has
/// each of them wait.
pub(in crate::cli) fn runtime_of(waiting: usize) -> Result<Runtime, Fault> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get) + waiting.min(MAX_WAITING_THREADS);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(threads).event_interval(TASKS_BETWEEN).enable_all().build();
    runtime.map_err(|error| Fault::machine("the system", format!("cannot start the runtime: {error}")))
}
