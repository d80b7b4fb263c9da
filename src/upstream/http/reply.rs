//! What one response means: 200 has the answer; 404 and 410 are an absence; 429 and 5xx may pass; everything else is a failure.
//! Bodies are read up to a bound. Of an error's text, a few printable lines are shown to people.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::address_scope::PrivateAddress;
use super::coding;
use super::failure::FailureKind;
use super::get_request::GetRequest;
use super::retry::{Failed, retry_after};
use super::settings::HttpSettings;

/// Lines of an error's text that are shown.
const SHOWN_LINES: usize = 8;
/// Bytes of each line that are shown.
const SHOWN_BYTES: usize = 80;
/// Bytes of an error's body that are read: enough to show, and to keep the connection where the body is short.
const ERROR_BYTES: usize = 4096;
/// Bytes allocated for a body before any of it has arrived, whatever length it claims.
const FIRST_BYTES: usize = 64 << 10;

/// What a base answered.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::upstream) enum Reply {
    /// the bytes
    Body(Vec<u8>),
    /// it does not have them, in its words
    Missing(String),
}

/// Reads a response that is not a redirect.
pub(in crate::upstream) async fn read(
    mut response: Response,
    request: &GetRequest<'_>,
    settings: &HttpSettings,
) -> Result<Reply, Failed> {
    let status = response.status();
    let is_part = status == StatusCode::PARTIAL_CONTENT && request.is_part(response.headers());
    if is_part || (status == StatusCode::OK && request.range.is_none()) {
        if !coding::is_gzip(response.headers()) {
            return body(&mut response, request.limit, settings).await.map(Reply::Body);
        }
        if is_part {
            // Of what it is a part cannot be unpacked.
            let why = "sends a part of \"gzip\" bytes, which was not requested";
            return Err(Failed::lasting(FailureKind::Answer(status.as_u16()), why));
        }
        let packed = body(&mut response, coding::packed_limit(request.limit), settings).await?;
        return coding::unpack(&packed, request.limit).map(Reply::Body);
    }
    no(response).await.map(Reply::Missing)
}

/// What a response means that is neither a redirect nor an answer: an absence, in the server's words, or a failure.
pub(in crate::upstream) async fn no(mut response: Response) -> Result<String, Failed> {
    let status = response.status();
    let code = status.as_u16();
    let pause = response.headers().get(RETRY_AFTER).and_then(|header| retry_after(header, SystemTime::now()));
    let words = words(&mut response).await;
    let why = match words {
        Some(words) => format!("{status} (server says: {words})"),
        None => status.to_string(),
    };
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(why),
        StatusCode::TOO_MANY_REQUESTS => {
            Err(Failed { kind: FailureKind::Denied(code), overloaded: true, ..Failed::busy(why, pause) })
        }
        StatusCode::SERVICE_UNAVAILABLE => Err(Failed { overloaded: true, ..Failed::busy(why, pause) }),
        _ if status.is_server_error() => Err(Failed::busy(why, pause)),
        // No Range header was sent.
        StatusCode::RANGE_NOT_SATISFIABLE => Err(Failed::lasting(FailureKind::Answer(code), why)),
        _ if status.is_client_error() => Err(Failed::lasting(FailureKind::Denied(code), why)),
        _ if status.is_success() => {
            let why = format!("{why}, but only 200 OK is accepted");
            Err(Failed::lasting(FailureKind::Answer(code), why))
        }
        _ => Err(Failed::lasting(FailureKind::Answer(code), why)),
    }
}

async fn body(response: &mut Response, limit: usize, settings: &HttpSettings) -> Result<Vec<u8>, Failed> {
    let too_long = || Failed::lasting(FailureKind::TooLong, format!("the answer is longer than {limit} bytes"));
    let claimed = response.content_length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if claimed.is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(claimed.unwrap_or(0).min(FIRST_BYTES));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if chunk.len() > limit - bytes.len() => return Err(too_long()),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(broke_off(&error, bytes.len(), settings)),
        }
    }
}

/// The text of an error, if it is plain text; reads a short body to its end in any case, so that its connection can be reused.
async fn words(response: &mut Response) -> Option<String> {
    let for_people = response.headers().get(CONTENT_TYPE).is_some_and(|value| is_plain_text(value.as_bytes()));
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ERROR_BYTES {
            break;
        }
    }
    if coding::is_gzip(response.headers()) {
        bytes = coding::unpack_beginning(&bytes, ERROR_BYTES);
    }
    if for_people { first_lines(&bytes) } else { None }
}

/// Reads a redirect's short body to its end, so that its connection can be reused.
pub(in crate::upstream) async fn discard(mut response: Response) {
    let _ = words(&mut response).await;
}

fn is_plain_text(content_type: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    parts.next() == Some("text/plain")
        && parts.filter_map(|part| part.strip_prefix("charset=")).all(|set| matches!(set, "utf-8" | "us-ascii"))
}

/// The first lines up to a blank one, cut in length, in ASCII.
fn first_lines(bytes: &[u8]) -> Option<String> {
    let clean = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' };
    let lines: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.trim_ascii())
        .take_while(|line| !line.is_empty())
        .take(SHOWN_LINES)
        .map(|line| line.iter().take(SHOWN_BYTES).map(clean).collect())
        .collect();
    Some(lines.join(" / ")).filter(|text| !text.is_empty())
}

/// The failure of a body that ended too early.
pub(in crate::upstream) fn broke_off(
    error: &reqwest::Error,
    after: impl fmt::Display,
    settings: &HttpSettings,
) -> Failed {
    let failed = broken(error, settings);
    Failed { why: format!("the answer broke off after {after} bytes: {}", failed.why), ..failed }
}

/// The failure of a connection.
pub(in crate::upstream) fn broken(error: &reqwest::Error, settings: &HttpSettings) -> Failed {
    if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<PrivateAddress>()) {
        return Failed::lasting(FailureKind::Redirect, refused.to_string());
    }
    let kind = if error.is_timeout() { FailureKind::Timeout } else { FailureKind::Unreachable };
    Failed { unconnected: error.is_connect(), ..Failed::passing(kind, explain(error, settings)) }
}

/// An error and its causes, the outermost first.
pub(super) fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let outermost: &(dyn Error + 'static) = error;
    std::iter::successors(Some(outermost), |&error| error.source())
}

/// Why a connection failed, without its URL: the timeout that passed, or the deepest cause, which says most.
fn explain(error: &reqwest::Error, settings: &HttpSettings) -> String {
    if error.is_timeout() && error.is_connect() {
        return format!("timed out: no connection within {:?}", settings.connect);
    }
    if error.is_timeout() {
        return format!("timed out: no data for {:?}", settings.silence);
    }
    let deepest = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let what = match (error.is_dns(), error.is_connect()) {
        (true, _) => "cannot find the host: ",
        (false, true) => "cannot connect: ",
        (false, false) => "",
    };
    format!("{what}{deepest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_text_is_for_people() {
        for (text, expected) in [
            ("text/plain", true),
            ("text/plain; charset=utf-8", true),
            ("Text/Plain;charset=US-ASCII", true),
            ("text/plain; charset=utf-16", false),
            ("text/html", false),
            ("", false),
        ] {
            assert_eq!(is_plain_text(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_a_server_says_is_cut_and_tamed() {
        let shown = |text: &str| first_lines(text.as_bytes());
        assert_eq!(shown("not found: m@v1: no\n\tsuch tag\n\nsecret"), Some("not found: m@v1: no / such tag".into()));
        assert_eq!(shown("\u{1b}[31mred\u{7}\u{202e}"), Some("?[31mred????".into()));
        assert_eq!(shown("a\r\nb\r\n"), Some("a / b".into()));
        assert_eq!(shown("\nlate"), None);
        assert_eq!(shown(""), None);
        let long = shown(&format!("{}\n", "x".repeat(1000)).repeat(1000)).unwrap_or_default();
        assert_eq!(long.len(), SHOWN_LINES * SHOWN_BYTES + (SHOWN_LINES - 1) * " / ".len());
    }
}
