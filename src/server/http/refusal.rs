//! Refusals and failures as answers: the status, and a text in the form in which the go command shows it to its user (text/plain,
//! at most 8 lines of 80 bytes, no blank line, no control character).
//!
//! To the go command 404 and 410 mean "try the next proxy": an outage or a refusal must have another status.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER};

use super::answer::{Answer, CachePolicy, PLAIN_TEXT, Payload};
use super::path::BadPath;
use crate::fault::{Cause, Fault};
use crate::proxy::{Denied, RefusalCause};
use crate::relay::LookupAnswer;
use crate::report::{plain, printable};
use crate::server::limits::MAX_PATH_BYTES;
use crate::sumdb::module::ModuleVersion;

/// The lines of a body, and the bytes of a line, that the go command shows.
const MAX_LINES: usize = 8;
const MAX_LINE_BYTES: usize = 80;
/// Seconds until the client should try again.
pub(crate) const RETRY_SECONDS: u64 = 10;

/// A refusal with this status and text.
pub(crate) fn refusal(status: StatusCode, text: &str) -> Answer {
    refusal_lines(status, [text])
}

/// A refusal with this status and these lines.
pub(crate) fn refusal_lines<'a>(status: StatusCode, text: impl IntoIterator<Item = &'a str>) -> Answer {
    Answer { status, ..Answer::new(PLAIN_TEXT, CachePolicy::NoStore, Bytes::from(lines(text))) }
}

/// 404: the resource does not exist, and will not for a while.
pub(crate) fn not_found(text: &str) -> Answer {
    Answer { cache: CachePolicy::OneMinute, ..refusal(StatusCode::NOT_FOUND, text) }
}

/// 405: the method is not GET or HEAD.
pub(crate) fn method_not_allowed() -> Answer {
    let allow = Some((ALLOW, HeaderValue::from_static("GET, HEAD")));
    Answer { extra_header: allow, ..refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are supported") }
}

/// 503: busy, or not available yet; the client should try again.
pub(crate) fn unavailable(text: &str) -> Answer {
    try_again_after(text, Duration::from_secs(RETRY_SECONDS))
}

/// 503; the client should try again after this time.
fn try_again_after(text: &str, after: Duration) -> Answer {
    let again = Some((RETRY_AFTER, HeaderValue::from(after.as_secs())));
    Answer { extra_header: again, ..refusal(StatusCode::SERVICE_UNAVAILABLE, text) }
}

/// The answer to a path that no resource has.
pub(crate) fn bad_path(bad: BadPath) -> Answer {
    match bad {
        BadPath::TooLong => {
            refusal(StatusCode::URI_TOO_LONG, &format!("the path is longer than {MAX_PATH_BYTES} bytes"))
        }
        BadPath::Malformed(why) => refusal(StatusCode::BAD_REQUEST, &format!("malformed path: {why}")),
        BadPath::NotFound => not_found(
            "not found: this server answers /MODULE/@v/, /MODULE/@latest, /sumdb/NAME/, /tlog/, /log/NAME/; see /",
        ),
    }
}

/// The answer for a failure. Its type and cause decide the status.
pub(crate) fn from_fault(fault: &Fault) -> Answer {
    let text = fault.to_string();
    match fault {
        Fault::Usage(_) => refusal(StatusCode::BAD_REQUEST, &text),
        Fault::Refused { .. } => refusal(StatusCode::BAD_GATEWAY, &text),
        Fault::Busy { retry_after, .. } => try_again_after(&text, *retry_after),
        // Without Retry-After: no waiting clears a fork, only a person does.
        Fault::Forked { .. } => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "SECURITY: the checksum database signed two histories that cannot both be true. \
             The evidence is kept here; nothing newer is answered until a person has looked at it.",
        ),
        Fault::Unavailable { cause, .. } => match cause {
            // Something here failed: no upstream is to blame, whatever was being downloaded.
            Cause::Disk | Cause::Machine | Cause::Nobody => unavailable(&text),
            Cause::TimedOut => refusal(StatusCode::GATEWAY_TIMEOUT, &text),
            Cause::Upstream | Cause::TooLong => refusal(StatusCode::BAD_GATEWAY, &text),
        },
    }
}

/// The words where the settings serve no modules.
const SWITCHED_OFF: &str = "this server serves no modules: its setting proxy is off";

/// 403: the settings serve no modules. Not 404, which sends the go command to its next proxy: that says nothing of a module.
pub(crate) fn no_modules() -> Answer {
    refusal(StatusCode::FORBIDDEN, SWITCHED_OFF)
}

/// A refusal in one word.
fn verdict(cause: RefusalCause) -> &'static str {
    match cause {
        RefusalCause::Rule => "refused_by_rule",
        RefusalCause::Private => "refused_private",
        RefusalCause::Mismatch => "refused_mismatch",
        RefusalCause::Upstream => "refused_upstream",
        RefusalCause::UnknownHash => "refused_unknown_hash",
    }
}

/// The answer where the proxy has none. 404 sends the go command to its next proxy, so it is only for what does not exist, or
/// what the client wanted only if it is cached here.
pub(crate) fn denied(denied: &Denied) -> Answer {
    match denied {
        Denied::NotFound(words) => not_found(words).judged("not_found"),
        // Not cached: another client may want it downloaded.
        Denied::NotCached(words) => refusal(StatusCode::NOT_FOUND, words).judged("not_cached"),
        Denied::Refused(cause, lines) => {
            refusal_lines(StatusCode::FORBIDDEN, lines.iter().map(String::as_str)).judged(verdict(*cause))
        }
        Denied::Fault(failed) => from_fault(failed).judged("failed"),
    }
}

/// What a lookup of a module version found.
///
/// # Errors
/// The answer where it found nothing.
pub(crate) fn found<T>(module: &ModuleVersion, looked_up: Result<LookupAnswer<T>, Fault>) -> Result<T, Box<Answer>> {
    Err(Box::new(match looked_up {
        Ok(LookupAnswer::Found(found)) => return Ok(found),
        Ok(LookupAnswer::NotInLog { by }) => not_found(&format!("not found: {module}: {}", by.join("; "))),
        Ok(LookupAnswer::Private { pattern }) => refusal(
            StatusCode::FORBIDDEN,
            &format!(
                "{module} matches the private pattern {pattern}: no checksum database is asked about it. \
                 Set GONOSUMDB or GOPRIVATE so that go does not ask."
            ),
        ),
        // Not 404: the log may have a record that is not held here.
        Ok(LookupAnswer::NotHeld(why)) => unavailable(&format!("{module}: not held here: {why}")),
        Err(fault) => from_fault(&fault),
    }))
}

/// A refusal with the request's ID in its last line, so that what a user reports can be found in the log; any other answer as it is.
pub(crate) fn with_id(answer: &Answer, id: &HeaderValue) -> Option<Answer> {
    let is_refusal = answer.status.is_client_error() || answer.status.is_server_error();
    let Payload::Bytes(bytes) = &answer.payload else { return None };
    let (text, id) = (str::from_utf8(bytes).ok()?, id.to_str().ok()?);
    if !is_refusal || answer.content_type != PLAIN_TEXT {
        return None;
    }
    let id = format!("request ID: {id}");
    let lines = text.lines().take(MAX_LINES - 1).chain(Some(id.as_str()));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    Some(Answer { payload: Payload::Bytes(text.into()), ..answer.clone() })
}

/// Wraps each line so that the go command shows it: at spaces, or within a word that is longer than a line. The numbers of the
/// system's errors are left out.
fn lines<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for words in words {
        let (first, words) = (lines.len(), printable(&plain(words)));
        // A line that fits stays as it is, so that hashes stand one below the other.
        if words.len() <= MAX_LINE_BYTES {
            lines.extend(Some(words.trim_end().to_owned()).filter(|line| !line.trim().is_empty()));
            continue;
        }
        for mut word in words.split(' ').filter(|word| !word.is_empty()) {
            let open = lines.get_mut(first..).and_then(|lines| lines.last_mut());
            if let Some(line) = open.filter(|line| line.len() + 1 + word.len() <= MAX_LINE_BYTES) {
                line.push(' ');
                line.push_str(word);
                continue;
            }
            while !word.is_empty() {
                let (line, rest) = word.split_at(word.floor_char_boundary(MAX_LINE_BYTES));
                lines.push(line.to_owned());
                word = rest;
            }
        }
    }
    lines.truncate(MAX_LINES);
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fit_what_go_shows() {
        let texts = ["short", "two\n\nlines\r\n", "\u{1b}[31mred", "é", "", " "].map(str::to_owned);
        let long = ["word ".repeat(500), "x".repeat(3000), "日本語".repeat(300), "a b\t".repeat(99)];
        for text in texts.into_iter().chain(long) {
            let shown = lines([text.as_str()]);
            assert!(shown.lines().count() <= MAX_LINES, "{shown}");
            assert!(shown.lines().all(|line| !line.is_empty() && line.len() <= MAX_LINE_BYTES), "{shown}");
            assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        }
        assert_eq!(lines(["one two"]), "one two\n");
        assert_eq!(lines(["https://a: Connection refused (os error 111); b"]), "https://a: Connection refused; b\n");
        assert_eq!(lines(["one", "", " ", "two\nthree"]), "one\ntwo\\nthree\n");
        assert_eq!(lines([&*"x".repeat(70), &"y ".repeat(50), "z"]).lines().count(), 4);
    }

    #[test]
    fn an_outage_is_no_404() {
        // The texts suggest another cause each, and decide nothing.
        let words =
            ["connection refused", "Connection timed out (os error 110)", "https://a: timed out", "/data: full"];
        for (cause, status) in [
            (Cause::Disk, 503),
            (Cause::Machine, 503),
            (Cause::Upstream, 502),
            (Cause::TimedOut, 504),
            (Cause::TooLong, 502),
            (Cause::Nobody, 503),
        ] {
            for words in words {
                for source in ["https://sum.example", "/var/lib/x/head", "latest"] {
                    let answer = from_fault(&Fault::unavailable(cause, source, words));
                    assert_eq!(answer.status.as_u16(), status, "{cause:?} {source} {words}");
                    assert_eq!(answer.extra_header.is_some(), status == 503, "{cause:?}: asked again later");
                }
            }
        }
        assert_eq!(from_fault(&Fault::Usage("no".to_owned())).status.as_u16(), 400);
    }
}
