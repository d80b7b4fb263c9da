//! `POST /gossip/NAME`: a client's signed head, compared with the timeline. The answer is one word: consistent, inconsistent or pending.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;

use crate::fault::Fault;
use crate::relay::Gossip;
use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, CachePolicy, SUMDB_TEXT};
use crate::server::http::path::BadPath;
use crate::server::http::refusal::{bad_path, from_fault, refusal, unavailable};

/// What the paths of this route begin with.
pub(crate) const BELOW: &str = "/gossip/";
/// The longest note that is read, in bytes: a hundred signatures are 20 KB.
const MAX_NOTE_BYTES: usize = 64 << 10;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers a client that has sent a head in `content`.
pub(crate) async fn posted(app: &App, content: Incoming, context: &RequestContext<'_>) -> Answer {
    let Some(served) = app.databases.get(context.database) else { return bad_path(BadPath::NotFound) };
    let note = match read(content).await {
        Ok(note) => note,
        Err(refused) => return refused,
    };
    match served.relay.gossip(&note).await {
        Ok(Gossip::Consistent) => word(StatusCode::OK, "consistent\n"),
        Ok(Gossip::Pending) => word(StatusCode::ACCEPTED, "pending\n"),
        Ok(Gossip::Full) => unavailable("too many heads wait to be compared: this one is not kept"),
        Err(fault @ Fault::Forked { .. }) => {
            served.log_fork(&fault);
            word(StatusCode::CONFLICT, &format!("inconsistent\n\n{fault}\n"))
        }
        Err(Fault::Refused { error, .. }) => {
            refusal(StatusCode::BAD_REQUEST, &format!("not a head of this log: {error}"))
        }
        Err(fault) => from_fault(&fault),
    }
}

fn word(status: StatusCode, text: &str) -> Answer {
    Answer { status, ..Answer::new(SUMDB_TEXT, CachePolicy::NoStore, Bytes::copy_from_slice(text.as_bytes())) }
}

async fn read(content: Incoming) -> Result<Bytes, Answer> {
    match tokio::time::timeout(PATIENCE, Limited::new(content, MAX_NOTE_BYTES).collect()).await {
        Ok(Ok(content)) => Ok(content.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "a signed head is not so long"))
        }
        Ok(Err(_)) => Err(refusal(StatusCode::BAD_REQUEST, "the content could not be read")),
        Err(_) => Err(refusal(StatusCode::REQUEST_TIMEOUT, "the content did not come in time")),
    }
}
