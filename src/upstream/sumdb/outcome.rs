//! The outcome of a request to several bases: an answer, an absence, or a fault that names every base and its reason.

use crate::fault::{Cause, Fault};
use crate::sumdb;
use crate::upstream::http::retry::Failed;

/// The outcome of a fetch that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Got<T = Vec<u8>> {
    /// the answer, and the number of the base that gave it, counted from 0
    Body(T, usize),
    /// no base has it, and none failed
    Absent(Absence),
}

/// Every base answered, and none has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// each base with its words: `https://sum.example: 404 Not Found (server says: ...)`
    pub by: Vec<String>,
    /// whether a server said so (404, 410 over http). False: only trees answered, whose absences prove nothing.
    pub authoritative: bool,
    /// the number of the base that is the database itself, asked over TLS under its own name, where that one said so; what any other
    /// server says does not speak for the log
    pub own: Option<usize>,
}

impl Absence {
    /// The cause of a fault about something that must exist: a database that lacks it has failed, a tree that lacks it was
    /// merely of no use.
    pub fn cause(&self) -> Cause {
        if self.authoritative { Cause::Upstream } else { Cause::Nobody }
    }
}

/// The bases that were tried so far, and why none of them had the answer.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    lines: Vec<String>,
    /// proxies that do not relay the database, with their words
    passed_over: Vec<String>,
    own: Option<usize>,
    refused: Vec<(String, sumdb::Error)>,
    failed: Vec<Cause>,
    authoritative: bool,
}

impl Attempts {
    pub(super) fn refused(&mut self, name: &str, error: sumdb::Error) {
        self.refused.push((name.to_owned(), error));
    }

    pub(super) fn absent(&mut self, name: &str, why: &str, authoritative: bool) {
        self.lines.push(format!("{name}: {why}"));
        self.authoritative |= authoritative;
    }

    /// The database itself, base number `index`, does not have it.
    pub(super) fn denied(&mut self, index: usize) {
        self.own = Some(index);
    }

    /// Whether it said so.
    pub(super) fn is_denied(&self) -> bool {
        self.own.is_some()
    }

    /// A proxy says that it does not relay the database.
    pub(super) fn passed_over(&mut self, name: &str) {
        self.passed_over.push(format!("{name}: does not relay the database"));
    }

    /// As `absent`, for something that must exist, so that a base without it has failed.
    pub(super) fn lacked(&mut self, name: &str, why: &str, is_site: bool) {
        self.lines.push(format!("{name}: {why}"));
        self.failed.push(if is_site { Cause::Upstream } else { Cause::Nobody });
    }

    pub(super) fn failed(&mut self, name: &str, failed: &Failed) {
        self.lines.push(format!("{name}: {}", failed.why));
        self.failed.push(failed.kind.cause());
    }

    /// The outcome: the database's own "no" weighs most, bytes that were refused more than a failure, and a failure more than an
    /// absence.
    pub(super) fn conclude(mut self, path: &str) -> Result<Absence, Fault> {
        if self.own.is_some() && path.starts_with("lookup/") {
            return Ok(Absence { by: self.lines, authoritative: true, own: self.own });
        }
        if self.lines.is_empty() && !self.passed_over.is_empty() && self.refused.is_empty() {
            return Err(Fault::nobody(path, self.passed_over.join("; ")));
        }
        let mut refused = std::mem::take(&mut self.refused).into_iter();
        if let Some(first) = refused.next() {
            return Err(self.refusal(path, first, refused));
        }
        if self.lines.is_empty() {
            return Err(Fault::nobody(path, "there is no upstream to ask"));
        }
        if !self.failed.is_empty() {
            self.lines.append(&mut self.passed_over);
            return Err(Fault::unavailable(Cause::of_several(self.failed), path, self.lines.join("; ")));
        }
        Ok(Absence { by: std::mem::take(&mut self.lines), authoritative: self.authoritative, own: None })
    }

    /// One fault of the class of the first refusal, with the other bases' reasons added to it.
    fn refusal(
        self,
        path: &str,
        (name, first): (String, sumdb::Error),
        refused: impl Iterator<Item = (String, sumdb::Error)>,
    ) -> Fault {
        let mut others: Vec<String> = refused.map(|(name, error)| format!("{name}: {error}")).collect();
        others.extend(self.lines);
        let source = format!("{name}/{path}");
        let error = if others.is_empty() { first } else { first.with(&others.join("; ")) };
        Fault::refused(source, error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_authoritative_only_if_a_database_said_so() {
        let mut attempts = Attempts::default();
        attempts.absent("file:///a", "not held", false);
        assert!(!attempts.conclude("latest").unwrap().authoritative);
        let mut attempts = Attempts::default();
        attempts.absent("file:///a", "not held", false);
        attempts.absent("https://b", "404 Not Found", true);
        let absence = attempts.conclude("latest").unwrap();
        assert!(absence.authoritative);
        assert_eq!(absence.by, ["file:///a: not held", "https://b: 404 Not Found"]);
    }

    #[test]
    fn a_failure_outweighs_an_absence_and_a_refusal_outweighs_both() {
        let mut attempts = Attempts::default();
        attempts.absent("https://a", "404 Not Found", true);
        attempts.failed("https://b", &Failed::broken("reset"));
        let text = attempts.conclude("latest").unwrap_err().to_string();
        assert_eq!(text, "latest: https://a: 404 Not Found; https://b: reset");

        let mut attempts = Attempts::default();
        attempts.failed("https://a", &Failed::broken("reset"));
        attempts.refused("https://b", sumdb::Error::unproven("note", "bad signature"));
        attempts.refused("https://c", sumdb::Error::malformed("note", "no text"));
        let text = attempts.conclude("latest").unwrap_err().to_string();
        assert_eq!(
            text,
            "https://b/latest sent bytes that were refused: unproven note: bad signature; \
             https://c: malformed note: no text; https://a: reset"
        );
    }

    #[test]
    fn the_own_word_of_the_database_outweighs_what_others_failed_to_say() {
        let mut attempts = Attempts::default();
        attempts.failed("https://relay", &Failed::broken("reset"));
        attempts.refused("https://liar", sumdb::Error::unproven("note", "bad signature"));
        attempts.absent("https://sum.example", "404 Not Found", true);
        attempts.denied(2);
        assert_eq!(attempts.conclude("lookup/x").unwrap().own, Some(2));
    }

    #[test]
    fn a_proxy_that_relays_nothing_is_named_where_nobody_answers() {
        let mut attempts = Attempts::default();
        attempts.passed_over("https://proxy");
        assert!(attempts.conclude("latest").unwrap_err().to_string().contains("https://proxy: does not relay"));
        let mut attempts = Attempts::default();
        attempts.passed_over("https://proxy");
        attempts.failed("https://b", &Failed::broken("reset"));
        let text = attempts.conclude("latest").unwrap_err().to_string();
        assert_eq!(text, "latest: https://b: reset; https://proxy: does not relay the database");
        let mut attempts = Attempts::default();
        attempts.passed_over("https://proxy");
        attempts.absent("https://b", "404 Not Found", true);
        assert_eq!(attempts.conclude("latest").unwrap().by, ["https://b: 404 Not Found"]);
    }

    #[test]
    fn no_base_is_a_fault_and_not_an_absence() {
        assert_eq!(Attempts::default().conclude("latest").unwrap_err().cause(), Some(Cause::Nobody));
    }
}
