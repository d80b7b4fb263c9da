//! The requests of the GOPROXY protocol (go.dev/ref/mod): the answers of the module proxy as HTTP.

use std::sync::Arc;
use std::time::Instant;

use hyper::header::{HeaderMap, HeaderName, HeaderValue, WARNING};

use crate::fault::Fault;
use crate::proxy::{Denied, Mode, ProxyAnswer, Text, TextKind};
use crate::server::app::App;
use crate::server::app::request::{OPEN_HEADERS, RequestContext};
use crate::server::conn::file_source::FileSource;
use crate::server::conn::pool::{PoolPermit, Resource};
use crate::server::http::answer::{Answer, BINARY, CachePolicy, CacheScope, PLAIN_TEXT, PROVEN, Payload};
use crate::server::http::refusal::{self, from_fault, unavailable};
use crate::server::http::response_cache::Validity;
use crate::server::limits::{MAX_SMALL_BYTES, MODULE_TIMEOUT, POOL_TIMEOUT};
use crate::store::modules::{Admitted, Refused};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;

/// Below this path no upstream is asked for a module, as at proxy.golang.org.
pub(crate) const CACHED_ONLY: &str = "/cached-only";
/// The older header for the same purpose.
const DISABLE_MODULE_FETCH: HeaderName = HeaderName::from_static("disable-module-fetch");

/// The content type of module zips.
const ZIP: &str = "application/zip";
/// The content type of `.info` and `@latest`.
pub(super) const JSON: &str = "application/json";
/// The warning with a stale answer while no upstream answers. RFC 9111 section 5.5 has made the field obsolete: no cache acts on it.
/// It is for people who look at a response, and for logs of a server in front: no other field says these two things.
const STALE: &str = "110 gosumcheck \"Response is Stale\"";

/// The warning with bytes that are not proven, for the same readers.
const UNPROVEN: &str = "299 gosumcheck \"UNPROVEN: not what the checksum database says\"";

/// Whether the client asks for modules only if they are cached here.
pub(crate) fn wants_cached_only(headers: &HeaderMap) -> bool {
    headers.get(DISABLE_MODULE_FETCH).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Answers one request.
pub(crate) async fn handle(app: &App, request: &ModuleRequest, context: &RequestContext<'_>) -> Answer {
    let Some(proxy) = &app.proxy else { return refusal::no_modules() };
    let options = Mode { cached_only: context.cached_only, peer: Some(context.peer) };
    let ask_proxy = || async {
        let answered = tokio::time::timeout(MODULE_TIMEOUT, proxy.answer(request, options)).await;
        answered.unwrap_or_else(|_| {
            let why = format!("timed out: no answer within {MODULE_TIMEOUT:?}");
            Err(Denied::Fault(Fault::timed_out(request.to_string(), why)))
        })
    };
    let mut answered = ask_proxy().await;
    let mut permit = None;
    if matches!(answered, Ok(ProxyAnswer::File(_) | ProxyAnswer::Unproven(_))) {
        // The permit is not held while the proxy waits for an upstream, so that other clients can use it.
        permit = context.quota.try_acquire(Resource::Files, 1);
        if permit.is_none() {
            drop(answered); // closes the file
            permit = context.quota.acquire(Resource::Files, 1, POOL_TIMEOUT).await;
            answered = if permit.is_some() { ask_proxy().await } else { return too_many_files() };
        }
    }
    let answer = match (answered, permit) {
        (Ok(ProxyAnswer::File(file)), Some(permit)) if matches!(request, ModuleRequest::File(_, Kind::GoMod)) => {
            go_mod(app, file, permit, context).await
        }
        (Ok(ProxyAnswer::File(file)), Some(permit)) => file_answer(ZIP, file, permit, context),
        (Ok(ProxyAnswer::Unproven(file)), Some(permit)) => unproven(file, permit),
        (Ok(ProxyAnswer::File(_) | ProxyAnswer::Unproven(_)), None) => too_many_files(),
        (Ok(ProxyAnswer::Text(text)), _) => text_answer(app, text, context),
        (Err(denied), _) => refusal::denied(&denied),
    };
    let is_pinned = context.cache_scope == CacheScope::Private && answer.verdict == PROVEN;
    let verdict = if is_pinned { "pinned" } else { answer.verdict };
    Answer { cache_scope: context.cache_scope, verdict, ..answer }
}

fn too_many_files() -> Answer {
    unavailable("this client is already being sent as many files as it may at once")
}

/// A proven file.
fn file_answer(content_type: &'static str, file: Admitted, permit: PoolPermit, context: &RequestContext<'_>) -> Answer {
    let (tag, last_modified) = (file.hash().to_string(), Some(file.modified()));
    let payload = Payload::File(FileSource::Module { file, _permit: Arc::new(permit) });
    let fixed_headers: &[_] = if context.is_for_all() { &OPEN_HEADERS } else { &[] };
    Answer { last_modified, fixed_headers, ..Answer::of(content_type, CachePolicy::Immutable, payload) }
        .with_etag(&tag)
        .judged(PROVEN)
}

/// Bytes that do not match their record, served under `on_mismatch = "warn"`: no cache may store them.
fn unproven(file: Refused, permit: PoolPermit) -> Answer {
    let extra_header = Some((WARNING, HeaderValue::from_static(UNPROVEN)));
    let payload = Payload::File(FileSource::Refused { file, _permit: Arc::new(permit) });
    Answer { extra_header, ..Answer::of(BINARY, CachePolicy::NoStore, payload) }.judged("unproven")
}

/// A go.mod. It is stored in the response cache if it is not unusually large.
async fn go_mod(app: &App, file: Admitted, permit: PoolPermit, context: &RequestContext<'_>) -> Answer {
    let uses = file.uses().cloned();
    let answer = Answer { uses, ..file_answer(PLAIN_TEXT, file, permit, context) };
    let Payload::File(source) = &answer.payload else { return answer };
    if source.len() > MAX_SMALL_BYTES {
        return answer;
    }
    let bytes = match source.read_whole().await {
        Ok(bytes) => bytes,
        Err(error) => return from_fault(&Fault::disk("the store", format!("cannot read a go.mod: {error}"))),
    };
    let answer = Answer { payload: Payload::Bytes(bytes), ..answer }.compressed(context.accepts_gzip);
    app.cache(context, &answer, Validity::Forever);
    answer
}

/// A hint, which caches may store until it is no longer fresh.
fn text_answer(app: &App, text: Text, context: &RequestContext<'_>) -> Answer {
    let content_type = match text.kind {
        TextKind::List => PLAIN_TEXT,
        TextKind::Info => JSON,
    };
    let end = Instant::now() + text.keep;
    let extra_header = text.stale.then_some((WARNING, HeaderValue::from_static(STALE)));
    let answer = Answer {
        cache: CachePolicy::Until(end),
        extra_header,
        ..Answer::new(content_type, CachePolicy::NoStore, text.bytes)
    }
    .with_hash_etag()
    .compressed(context.accepts_gzip)
    .judged(if text.stale { "stale" } else { "hint" });
    // An upstream may answer the next request.
    if !text.stale {
        app.cache(context, &answer, Validity::Until(end));
    }
    answer
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hyper::StatusCode;

    use super::*;
    use crate::proxy::RefusalCause;

    /// The text of a refusal, which the go command must be able to show.
    fn shown(lines: &[&str]) -> String {
        let denied = Denied::Refused(RefusalCause::Mismatch, lines.iter().map(|line| (*line).to_owned()).collect());
        let answer = refusal::denied(&denied);
        assert_eq!((answer.status, answer.content_type), (StatusCode::FORBIDDEN, PLAIN_TEXT.parse().unwrap()));
        let Payload::Bytes(bytes) = answer.payload else { panic!("a refusal has bytes") };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.lines().count() <= 8 && text.lines().all(|line| (1..=80).contains(&line.len())), "{text}");
        assert!(text.len() <= 648 && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        text
    }

    #[test]
    fn a_refusal_is_what_the_go_command_shows() {
        let lines = ["SECURITY: example.com/m@v1.0.0 is not what the log says", "expected h1:a", "got      h1:b"];
        let expected = "SECURITY: example.com/m@v1.0.0 is not what the log says\nexpected h1:a\ngot      h1:b\n";
        assert_eq!(shown(&lines), expected);
        let hostile = shown(&["\u{1b}[31mred\u{1b}[0m", "", "  ", "two\r\n\r\nlines", "\u{202e}txt\0"]);
        assert!(!hostile.contains(['\u{1b}', '\u{202e}', '\0', '\r']), "{hostile:?}");
        assert_eq!(shown(&["line"; 20]).lines().count(), 8);
        shown(&["long ".repeat(300).as_str(), &"x".repeat(1000)]);
        shown(&[]);
    }
}
