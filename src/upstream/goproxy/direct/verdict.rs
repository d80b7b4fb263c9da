//! What an error of the go command means: that there is no such module or version, or that it could not find out. It has no codes
//! for either, so its words decide; unknown words are a failure, which never counts as an absence.

use serde::Deserialize;

use super::run::CommandOutput;
use crate::sumdb::printable::printable;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;

/// Lines of its words that are shown, the last ones.
const SHOWN_LINES: usize = 8;
/// Characters of each line that are shown.
const SHOWN_CHARS: usize = 200;

/// Words of an outage, in lower case. They take precedence over `ABSENT`: one text may have words of both.
const OUT: [&str; 26] = [
    "unable to access",
    "failed to connect",
    "couldn't connect",
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
/// Words of a path for which no repository was found, as cmd/go/internal/vcs has them for whatever reason: a host that is not there,
/// a page without the tag, a path that a known site cannot have. They go before all but a policy's and a bound's.
const LOOKUP: [&str; 3] =
    ["unrecognized import path \"", " not allowed in import path", "invalid version control suffix in "];
/// The same around the name of a known site: `invalid SITE import path "PATH"`.
const LOOKUP_AT_SITE: (&str, &str) = ("invalid ", " import path \"");
/// Words of a bound on files (`space`).
const TOO_LARGE: [&str; 2] = ["file too large", "file size limit exceeded"];
/// Words of a policy, which take precedence over all others.
const FORBIDDEN: [&str; 3] = ["govcs disallows", "returned error: 403", "403 forbidden"];
/// The first of these is a policy also while the repository is looked for; a page with 403 is none then.
const GOVCS: &str = FORBIDDEN[0];
/// Words of an absence. A host that asks for a password says that there is nothing for us: GitHub does so of what does not exist.
const ABSENT: [&str; 19] = [
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
    "malformed module path",
    "invalid github.com",
    "invalid pseudo-version",
    "invalid version: module contains a go.mod file",
    "invalid version: should be",
    "go.mod has post-v",
    "module declares its path as",
];

/// Whether an element of a path says by its end that the repository ends there (cmd/go/internal/vcs, vcsPaths).
pub(super) fn names_vcs(element: &str) -> bool {
    element.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "git" | "hg" | "svn" | "bzr" | "fossil"))
}

/// What `go mod download -json` says went wrong.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrong {
    error: Option<String>,
}

/// The readers of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// any client: they read the line that decides, and nothing of an outage
    Public,
    /// clients that may read private modules: they read the last lines
    Owner,
}

/// The go command's words where it reports that there is no such module or version; none where it succeeded.
pub(super) fn absence(output: &CommandOutput, audience: Audience) -> Result<Option<String>, Failed> {
    if output.is_success {
        return Ok(None);
    }
    let wrong: Option<Wrong> = serde_json::from_slice(&output.stdout).ok();
    let text = match wrong.and_then(|wrong| wrong.error) {
        Some(text) => text,
        None => String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    classify(&text, audience)
}

fn classify(text: &str, audience: Audience) -> Result<Option<String>, Failed> {
    let lower = text.to_lowercase();
    let first_of = |words: &[&'static str]| words.iter().copied().find(|word| lower.contains(word));
    let deciding = |word: &str| match audience {
        Audience::Owner => shown(text),
        Audience::Public => deciding_line(text, word),
    };
    let outage = |text: &str| match audience {
        Audience::Owner => shown(text),
        Audience::Public => {
            tracing::debug!("direct: {}", shown(text));
            "the go command could not find out".to_owned()
        }
    };
    let lookup = first_of(&LOOKUP).or_else(|| {
        let at = lower.find(LOOKUP_AT_SITE.1)?;
        lower.get(..at)?.contains(LOOKUP_AT_SITE.0).then_some(LOOKUP_AT_SITE.1)
    });
    if let Some(word) = lookup.filter(|_| !lower.contains(GOVCS) && first_of(&TOO_LARGE).is_none()) {
        // A host that answered without the tag is sure; another may be there with the next question.
        match (first_of(&OUT).or(first_of(&FORBIDDEN)), first_of(&ABSENT)) {
            (None, Some(absent)) => Ok(Some(deciding(absent))),
            (None, None) => Err(Failed::lasting(FailureKind::NoRepository, deciding(word))),
            (Some(_), _) => Err(Failed::lasting(FailureKind::NoRepository, outage(text))),
        }
    } else if let Some(word) = first_of(&FORBIDDEN) {
        Err(Failed::lasting(FailureKind::Denied(403), deciding(word)))
    } else if first_of(&TOO_LARGE).is_some() {
        Err(Failed::lasting(FailureKind::TooLong, "the repository has a file that is too large to fetch"))
    } else if first_of(&OUT).is_some() {
        Err(Failed::lasting(FailureKind::Unreachable, outage(text)))
    } else if let Some(word) = first_of(&ABSENT) {
        Ok(Some(deciding(word)))
    } else {
        Err(Failed::lasting(FailureKind::Unreachable, outage(text)))
    }
}

/// The first line that has these words, made fit to be shown.
fn deciding_line(text: &str, word: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| line.to_lowercase().contains(word));
    printable(line.unwrap_or(word).as_bytes(), SHOWN_CHARS)
}

/// Its last lines, made fit to be shown.
fn shown(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES));
    let shown: Vec<String> = last.map(|line| printable(line.as_bytes(), SHOWN_CHARS)).collect();
    if shown.is_empty() { "the go command failed without a message".to_owned() } else { shown.join(" / ") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // What go 1.26 and git 2.39 say.
    #[test]
    fn words_of_absence_outage_and_policy_are_told_apart() {
        for text in [
            "go: example.com/m@v9.9.9: invalid version: unknown revision v9.9.9",
            "go: module github.com/a/b: no matching versions for query \"latest\"",
            "go: module x: reading https://github.com/x: 404 Not Found",
            "remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found",
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "go: github.com/a@latest: invalid github.com/ import path \"github.com/a\"",
            "go: x.example/go-tls@v1.0.0: invalid version: unknown revision v1.0.0",
        ] {
            for audience in [Audience::Public, Audience::Owner] {
                assert_eq!(classify(text, audience).unwrap().unwrap().lines().count(), 1, "{text}");
            }
        }
        for (text, kind) in [
            ("go: m@v1: invalid version: git ls-remote: fatal: Could not resolve host: x", FailureKind::Unreachable),
            (
                "go: x.example/m@v1: unrecognized import path \"x.example/m\": https fetch: dial tcp: no such host",
                FailureKind::NoRepository,
            ),
            (
                "unrecognized import path \"x.example/m\": reading https://x.example/m?go-get=1: 403 Forbidden",
                FailureKind::NoRepository,
            ),
            (
                "unrecognized import path \"x.example/m\": reading https://x.example/m?go-get=1: 502 Bad Gateway",
                FailureKind::NoRepository,
            ),
            (
                "go: bitbucket.org/a@latest: invalid bitbucket.org/ import path \"bitbucket.org/a\"",
                FailureKind::NoRepository,
            ),
            (
                "go: github.com/a/b.git@v1: invalid version control suffix in github.com/ path",
                FailureKind::NoRepository,
            ),
            (
                "unrecognized import path \"x.example/m\": GOVCS disallows using svn for public x",
                FailureKind::Denied(403),
            ),
            ("go: m@v1: invalid version: The requested URL returned error: 502", FailureKind::Unreachable),
            ("invalid version: fatal: unable to access 'https://x/': Failed to connect to x", FailureKind::Unreachable),
            ("go: m@v1: invalid version: git fetch: something new", FailureKind::Unreachable),
            ("exec: \"git\": executable file not found in $PATH", FailureKind::Unreachable),
            ("something new", FailureKind::Unreachable),
            ("go: m@v1: git fetch: signal: file size limit exceeded", FailureKind::TooLong),
            ("", FailureKind::Unreachable),
            ("go: GOVCS disallows using svn for public x.example/m", FailureKind::Denied(403)),
            ("fatal: unable to access 'https://x/': The requested URL returned error: 403", FailureKind::Denied(403)),
        ] {
            for audience in [Audience::Public, Audience::Owner] {
                assert_eq!(classify(text, audience).unwrap_err().kind, kind, "{text}");
            }
        }
    }

    #[test]
    fn strangers_read_the_line_that_decides_and_nothing_of_an_outage() {
        let text =
            "go: x.example/m@v1: reading http://x.example/m?go-get=1: 404 Not Found\n\tserver response: a secret\n";
        let words = classify(text, Audience::Public).unwrap().unwrap();
        assert_eq!(words, "go: x.example/m@v1: reading http://x.example/m?go-get=1: 404 Not Found");
        for text in
            ["dial tcp 10.0.0.5:443: connect: connection refused", "fatal: in /var/lib/gosumcheck: something new"]
        {
            let failed = classify(text, Audience::Public).unwrap_err();
            assert_eq!(failed.why, "the go command could not find out");
            assert_eq!(classify(text, Audience::Owner).unwrap_err().why, text);
        }
    }

    #[test]
    fn the_last_lines_are_shown() {
        let many: String = (0..20).map(|n| format!("line {n}\n\n")).collect();
        let shown = shown(&many);
        assert!(shown.starts_with("line 12 / ") && shown.ends_with(" / line 19"), "{shown}");
    }
}
