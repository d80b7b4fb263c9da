//! What the go command asks of a module proxy (go.dev/ref/mod, "GOPROXY protocol"): how the proxy's answers look on the wire.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, WARNING};

use super::answer::{Answer, BINARY, Cache, FOR_EVER, NEVER, PLAIN, Payload};
use super::file::Source;
use super::hot::Holds;
use super::limits::{MAX_SMALL_BYTES, MODULE_TIMEOUT, POOL_TIMEOUT};
use super::pool::{Resource, Share};
use super::refusal::{fault, in_lines, later, not_found, refusal};
use super::{App, Question};
use crate::fault::Fault;
use crate::proxy::{Denied, Found, Manner, Text, TextKind};
use crate::store::modules::{Admitted, Refused};
use crate::sumdb::goproxy::Asked;
use crate::sumdb::gosum::Kind;

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

/// What is said where the settings serve no modules.
const SWITCHED_OFF: &str = "this server serves no modules: its setting proxy is off";

/// What is said of bytes that nothing proves (RFC 7234 section 5.5.7).
const UNPROVEN: &str = "299 gosumcheck \"UNPROVEN: not what the checksum database says\"";

/// Whether the client wants nobody to be asked.
pub(super) fn wants_cached_only(headers: &HeaderMap) -> bool {
    headers.get(DISABLE_MODULE_FETCH).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Answers one question.
pub(super) async fn answer(app: &App, asked: &Asked, question: &Question<'_>) -> Answer {
    // Not 404, which sends the go command to its next proxy: that somebody switched it off says nothing of the module.
    let Some(proxy) = &app.proxy else { return refusal(StatusCode::FORBIDDEN, SWITCHED_OFF) };
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
        Denied::NotCached(words) => refusal(StatusCode::NOT_FOUND, words),
        Denied::Refused(lines) => in_lines(StatusCode::FORBIDDEN, lines.iter().map(String::as_str)),
        Denied::Fault(failed) => fault(failed),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The words of a refusal, which must be fit for the go command to show.
    fn shown(lines: &[&str]) -> String {
        let denied = Denied::Refused(lines.iter().map(|line| (*line).to_owned()).collect());
        let answer = refused(&denied);
        assert_eq!((answer.status, answer.kind), (StatusCode::FORBIDDEN, PLAIN));
        let Payload::Bytes(bytes) = answer.payload else { panic!("a refusal is no file") };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.lines().count() <= 8 && text.lines().all(|line| (1..=80).contains(&line.len())), "{text}");
        assert!(text.len() <= 648 && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        text
    }

    #[test]
    fn a_refusal_is_what_the_go_command_shows() {
        let told = ["SECURITY: example.com/m@v1.0.0 is not what the log says", "expected h1:a", "got      h1:b"];
        let expected = "SECURITY: example.com/m@v1.0.0 is not what the log says\nexpected h1:a\ngot      h1:b\n";
        assert_eq!(shown(&told), expected);
        let hostile = shown(&["\u{1b}[31mred\u{1b}[0m", "", "  ", "two\r\n\r\nlines", "\u{202e}txt\0"]);
        assert!(!hostile.contains(['\u{1b}', '\u{202e}', '\0', '\r']), "{hostile:?}");
        assert_eq!(shown(&["line"; 20]).lines().count(), 8);
        shown(&["long ".repeat(300).as_str(), &"x".repeat(1000)]);
        shown(&[]);
    }
}
