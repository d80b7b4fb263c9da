//! One thing that is wrong with a machine: its stable name, how bad it is, why, and the line that mends it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::config::{GoEnv, GoEnvOrigin};
use crate::sumdb::redact::redact;

/// How bad it is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// modules are built that nobody vouches for, or names leave that should not
    Error,
    /// it is weaker than it looks, or fails later
    Warning,
    /// worth knowing
    Note,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// its name, which stays the same from one version to the next
    pub id: &'static str,
    /// how bad it is
    pub severity: Severity,
    /// what is the case, with the value and where it comes from
    pub what: String,
    /// what follows from it
    pub why: String,
    /// what mends it, a line each
    pub fix: Vec<Fix>,
}

/// What is said behind a value whose passwords are not shown.
const WITHHELD: &str = " (with the names and passwords that stand there now)";

/// A line that mends something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// `go env -w NAME=VALUE`
    Set(&'static str, String),
    /// `go env -u NAME`
    Unset(&'static str),
    /// any other command, as a POSIX shell takes it
    Command(String),
    /// anything else that a person does, in words
    Advice(String),
}

impl Fix {
    /// Whether a shell can run it as it is shown.
    pub fn is_command(&self) -> bool {
        match self {
            Fix::Set(_, value) => redact(value) == *value,
            Fix::Unset(_) | Fix::Command(_) => true,
            Fix::Advice(_) => false,
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Set(name, value) => {
                write!(
                    f,
                    "go env -w {name}={}{}",
                    quoted(&redact(value)),
                    if self.is_command() { "" } else { WITHHELD }
                )
            }
            Fix::Unset(name) => write!(f, "go env -u {name}"),
            Fix::Command(line) | Fix::Advice(line) => f.write_str(line),
        }
    }
}

/// A value as a shell takes it.
pub(super) fn quoted(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/:,@+=".contains(&byte));
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

impl Serialize for Fix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Finding {
    /// Without a line that mends it.
    pub(super) fn new(
        id: &'static str,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Finding {
        Finding { id, severity, what: what.into(), why: why.into(), fix: Vec::new() }
    }

    /// With a command that mends it.
    #[must_use]
    pub(super) fn command(mut self, line: impl Into<String>) -> Finding {
        self.fix.push(Fix::Command(line.into()));
        self
    }

    /// With words for a person.
    #[must_use]
    pub(super) fn advice(mut self, words: impl Into<String>) -> Finding {
        self.fix.push(Fix::Advice(words.into()));
        self
    }

    /// Mended by another value of a setting of go's; none for its default.
    #[must_use]
    pub(super) fn set(mut self, go: &GoEnv, name: &'static str, value: Option<String>) -> Finding {
        let is_shadowed = go.origin(name) == GoEnvOrigin::Environment;
        if is_shadowed {
            // What `go env -w` writes is not read while the variable is set.
            self.fix.push(match &value {
                Some(value) if redact(value) == *value => Fix::Command(format!("export {name}={}", quoted(value))),
                Some(value) => Fix::Advice(format!("export {name}={}{WITHHELD}", quoted(&redact(value)))),
                None => Fix::Command(format!("unset {name}")),
            });
        } else {
            // `go env -u` takes lines out of the user's file alone. What is built in comes back where that file says it.
            let built_in = || if go.origin(name) == GoEnvOrigin::Installation { GoEnv::built_in(name) } else { None };
            self.fix.push(value.or_else(built_in).map_or(Fix::Unset(name), |value| Fix::Set(name, value)));
        }
        self
    }
}
