//! What the go command asks of a module proxy (go.dev/ref/mod, "GOPROXY protocol"): how the proxy's answers look on the wire.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, WARNING};

use super::answer::{Answer, BINARY, Cache, FOR_EVER, NEVER, PLAIN, Payload};
use super::file::Source;
use super::hot::Holds;
use super::limits::{MAX_SMALL_BYTES, MODULE_TIMEOUT, POOL_TIMEOUT};
use super::path::BadPath;
use super::pool::{Resource, Share};
use super::refusal::{self, fault, in_lines, later, not_found, refusal};
use super::{App, Question};
use crate::fault::Fault;
use crate::proxy::{Denied, Found, Manner, Proxy, Text, TextKind, Work};
use crate::store::modules::{Admitted, Refused};
use crate::sumdb::goproxy::Asked;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModulePath;

/// Below this, nobody is asked for a module; as at Go's own public proxy.
pub(super) const CACHED_ONLY: &str = "/cached-only";
/// The older way to say so.
const DISABLE_MODULE_FETCH: HeaderName = HeaderName::from_static("disable-module-fetch");

/// For module zips.
const ZIP: &str = "application/zip";
/// For `.info` and `@latest`.
const JSON: &str = "application/json";
/// What is said of an old answer while no upstream can be had (RFC 7234 section 5.5.1).
const STALE: &str = "110 gosumcheck \"Response is Stale\"";

/// What is said of bytes that nothing proves (RFC 7234 section 5.5.7).
const UNPROVEN: &str = "299 gosumcheck \"UNPROVEN: not what the checksum database says\"";

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Found, Denied>> + Send + 'a>>;

/// Work beside the answers.
pub type Tending<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Who knows the answers to questions about modules.
pub trait ModuleProxy: Send + Sync {
    /// What there is to say to a question.
    fn answer<'a>(&'a self, asked: &'a Asked, manner: Manner) -> Answering<'a>;

    /// Whether a module is private: caches that several clients share must not keep answers about it.
    fn is_private(&self, _module: &ModulePath) -> bool {
        false
    }

    /// How often what happened, by name.
    fn counts(&self) -> Vec<(&'static str, u64)>;

    /// How much work there is now, by kind.
    fn work(&self) -> Vec<Work> {
        Vec::new()
    }

    /// Bytes of the refusals that are remembered.
    fn remembered_bytes(&self) -> u64 {
        0
    }

    /// What it has to do besides, for as long as the server runs; nothing, unless it says so.
    fn tend(&self) -> Tending<'_> {
        Box::pin(async {})
    }
}

impl ModuleProxy for Proxy {
    fn answer<'a>(&'a self, asked: &'a Asked, manner: Manner) -> Answering<'a> {
        Box::pin(Proxy::answer(self, asked, manner))
    }

    fn is_private(&self, module: &ModulePath) -> bool {
        Proxy::is_private(self, module)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        Proxy::counts(self)
    }

    fn work(&self) -> Vec<Work> {
        Proxy::work(self).into()
    }

    fn remembered_bytes(&self) -> u64 {
        Proxy::remembered_bytes(self)
    }

    fn tend(&self) -> Tending<'_> {
        Box::pin(Proxy::tend(self))
    }
}

/// Whether the client wants nobody to be asked.
pub(super) fn wants_cached_only(headers: &HeaderMap) -> bool {
    headers.get(DISABLE_MODULE_FETCH).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Answers one question.
pub(super) async fn answer(app: &App, asked: &Asked, question: &Question<'_>) -> Answer {
    let Some(proxy) = &app.proxy else { return refusal::path(BadPath::NoSuch) };
    let manner = Manner { cached_only: question.cached_only, peer: Some(question.peer) };
    let answers = || async {
        let answered = tokio::time::timeout(MODULE_TIMEOUT, proxy.answer(asked, manner)).await;
        answered.unwrap_or_else(|_| {
            let why = format!("timed out: no answer within {MODULE_TIMEOUT:?}");
            Err(Denied::Fault(Fault::timed_out(asked.to_string(), why)))
        })
    };
    let mut answered = answers().await;
    let mut share = None;
    if matches!(answered, Ok(Found::File(_) | Found::Unproven(_))) {
        // Nothing is reserved while the proxy waits for an upstream, so that this takes no file away from others.
        share = question.client.try_take(Resource::Files, 1);
        if share.is_none() {
            drop(answered); // closes the file
            share = question.client.take(Resource::Files, 1, POOL_TIMEOUT).await;
            answered = if share.is_some() { answers().await } else { return no_file() };
        }
    }
    let answer = match (answered, share) {
        (Ok(Found::File(file)), Some(share)) if matches!(asked, Asked::File(_, Kind::GoMod)) => {
            go_mod(app, file, share, question).await
        }
        (Ok(Found::File(file)), Some(share)) => of_file(ZIP, file, share),
        (Ok(Found::Unproven(file)), Some(share)) => unproven(file, share),
        (Ok(Found::File(_) | Found::Unproven(_)), None) => no_file(),
        (Ok(Found::Text(text)), _) => of_text(app, text, question),
        (Err(denied), _) => refused(&denied),
    };
    Answer { audience: question.audience, ..answer }
}

fn no_file() -> Answer {
    later("as many files as this client can have at once are being sent")
}

/// A proven file, streamed.
fn of_file(kind: &'static str, file: Admitted, share: Share) -> Answer {
    let (tag, modified) = (file.hash().to_string(), Some(file.modified()));
    let payload = Payload::File(Source::Module { file, _share: Arc::new(share) });
    Answer { payload, modified, ..Answer::new(kind, FOR_EVER, Bytes::new()) }.named(&tag)
}

/// Bytes that are not what their record says, as `on_mismatch = "warn"` wants it: nobody is to keep them.
fn unproven(file: Refused, share: Share) -> Answer {
    let extra = Some((WARNING, HeaderValue::from_static(UNPROVEN)));
    let payload = Payload::File(Source::Refused { file, _share: Arc::new(share) });
    Answer { payload, extra, ..Answer::new(BINARY, NEVER, Bytes::new()) }
}

/// A go.mod: in memory from now on, if it is of a usual size.
async fn go_mod(app: &App, file: Admitted, share: Share, question: &Question<'_>) -> Answer {
    let answer = of_file(PLAIN, file, share);
    let Payload::File(source) = &answer.payload else { return answer };
    if source.len() > MAX_SMALL_BYTES {
        return answer;
    }
    let bytes = match source.read_whole().await {
        Ok(bytes) => bytes,
        Err(error) => return fault(&Fault::disk("the store", format!("cannot read a go.mod: {error}"))),
    };
    let answer = Answer { payload: Payload::Bytes(bytes), ..answer }.packed(question.packs);
    app.hot.keep(question, &answer, Holds::ForEver);
    answer
}

/// A hint, for as long as it is one.
fn of_text(app: &App, text: Text, question: &Question<'_>) -> Answer {
    let kind = match text.kind {
        TextKind::List => PLAIN,
        TextKind::Info => JSON,
    };
    let end = Instant::now() + text.keep;
    let extra = text.stale.then_some((WARNING, HeaderValue::from_static(STALE)));
    let answer = Answer { cache: Cache::Until(end), extra, ..Answer::new(kind, NEVER, text.bytes) }
        .hashed()
        .packed(question.packs);
    // An upstream may be back with the next question.
    if !text.stale {
        app.hot.keep(question, &answer, Holds::Until(end));
    }
    answer
}

/// 404 sends the go command to its next proxy: only where there is no such thing, or none was to be brought.
fn refused(denied: &Denied) -> Answer {
    match denied {
        Denied::NotFound(words) => not_found(words),
        // For this client only: another one has it brought.
        Denied::NotCached(words) => refusal(StatusCode::NOT_FOUND, &format!("not cached here: {words}")),
        Denied::Refused(lines) => in_lines(StatusCode::FORBIDDEN, lines.iter().map(String::as_str)),
        Denied::Fault(failed) => fault(failed),
    }
}
