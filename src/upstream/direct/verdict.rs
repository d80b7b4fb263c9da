//! What the go command means by an error: that there is no such module or version, or that it could not find out. It has no
//! codes for either, so its words decide; words that are not known are a failure, which is never taken for an absence.

use serde::Deserialize;

use super::run::Output;
use crate::sumdb::printable::printable;
use crate::upstream::failure::FailureKind;
use crate::upstream::retry::Failed;

/// Lines of its words that are shown, the last ones.
const SHOWN_LINES: usize = 8;
/// Characters of each line that are shown.
const SHOWN_CHARS: usize = 200;

/// Words of those that could not find out, in lower case. They go before `ABSENT`: "invalid version" also begins an error about a
/// network.
const OUT: [&str; 23] = [
    "could not resolve host",
    "no such host",
    "server misbehaving",
    "temporary failure",
    "connection refused",
    "connection reset",
    "connection timed out",
    "operation timed out",
    "i/o timeout",
    "deadline exceeded",
    "network is unreachable",
    "no route to host",
    "dial tcp",
    "tls: ",
    "x509: ",
    "certificate verif",
    "returned error: 5",
    "returned error: 429",
    "early eof",
    "hung up unexpectedly",
    "no space left",
    "executable file not found",
    "permission denied",
];
/// Words of a policy.
const FORBIDDEN: [&str; 3] = ["govcs disallows", "returned error: 403", "403 forbidden"];
/// Words of an absence. A host that asks for a password says that there is nothing for us: GitHub does so of what does not exist.
const ABSENT: [&str; 17] = [
    "unknown revision",
    "no matching versions",
    "repository not found",
    "404 not found",
    "410 gone",
    "' not found",
    "does not exist",
    "does not appear to be a git repository",
    "couldn't find remote ref",
    "could not read username",
    "terminal prompts disabled",
    "no go-import meta tags",
    "unrecognized import path",
    "malformed module path",
    "invalid github.com",
    "invalid version",
    "module declares its path as",
];

/// What `go mod download -json` says went wrong.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrong {
    error: Option<String>,
}

/// The go command's words where it says that there is no such thing; none where it succeeded.
pub(super) fn absence(output: &Output) -> Result<Option<String>, Failed> {
    if output.is_success {
        return Ok(None);
    }
    let wrong: Option<Wrong> = serde_json::from_slice(&output.stdout).ok();
    let text = match wrong.and_then(|wrong| wrong.error) {
        Some(text) => text,
        None => String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    judge(&text)
}

fn judge(text: &str) -> Result<Option<String>, Failed> {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let shown = shown(text);
    if says(&OUT) {
        Err(Failed::lasting(FailureKind::Unreachable, shown))
    } else if says(&FORBIDDEN) {
        Err(Failed::lasting(FailureKind::Denied(403), shown))
    } else if says(&ABSENT) {
        Ok(Some(shown))
    } else {
        Err(Failed::lasting(FailureKind::Unreachable, shown))
    }
}

/// Its last lines, made fit to be shown.
fn shown(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES));
    let shown: Vec<String> = last.map(|line| printable(line.as_bytes(), SHOWN_CHARS)).collect();
    if shown.is_empty() { "the go command failed without a word".to_owned() } else { shown.join(" / ") }
}
