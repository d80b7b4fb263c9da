//! Work that reads stored modules for somebody who looks around: on a thread that may wait for the disk, a few at once, so that their
//! memory is bounded and the disk is there for builds.

use hyper::StatusCode;

use crate::fault::Fault;
use crate::proxy::blocking::blocking;
use crate::proxy::{Denied, Proxy};
use crate::server::app::App;
use crate::server::http::answer::Answer;
use crate::server::http::refusal::{self, refusal_lines, unavailable};
use crate::server::limits::POOL_TIMEOUT;

/// Why something is not shown.
#[derive(Debug)]
pub(super) enum NotRead {
    /// it is refused, is not here, or the disk fails
    Denied(Denied),
    /// it is here, and too much to be shown; why, in lines
    TooMuch(Vec<String>),
}

impl From<Denied> for NotRead {
    fn from(denied: Denied) -> NotRead {
        NotRead::Denied(denied)
    }
}

impl From<Fault> for NotRead {
    fn from(fault: Fault) -> NotRead {
        NotRead::Denied(fault.into())
    }
}

/// What `read` finds.
///
/// # Errors
/// The answer to the client: it is refused or failed, or too many others are reading.
pub(super) async fn reading<T: Send + 'static>(
    app: &App,
    read: impl FnOnce() -> Result<T, NotRead> + Send + 'static,
) -> Result<T, Answer> {
    let permit = tokio::time::timeout(POOL_TIMEOUT, app.readings.acquire()).await;
    let Ok(Ok(_permit)) = permit else {
        return Err(unavailable("too many others are looking at stored modules now"));
    };
    blocking(read).await.map_err(|not_read| match not_read {
        NotRead::Denied(denied) => refusal::denied(&denied),
        NotRead::TooMuch(lines) => refusal_lines(StatusCode::FORBIDDEN, lines.iter().map(String::as_str)),
    })
}

/// The module proxy.
///
/// # Errors
/// The answer where this server serves no modules.
pub(super) fn proxy(app: &App) -> Result<Proxy, Box<Answer>> {
    app.proxy.clone().ok_or_else(|| Box::new(refusal::no_modules()))
}
