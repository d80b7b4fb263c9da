//! Work that waits for the disk, on a thread that may.

use crate::fault::Fault;

/// Does the work on a thread for it.
///
/// # Errors
/// Those of the work; `Unavailable` if it panicked.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Fault::machine("the disk", error.to_string()).into()))
}
