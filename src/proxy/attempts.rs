//! What the upstreams said of one question that none of them answered, and what follows for the client.
//!
//! An outage outweighs all else: the one that is out may have it. Then a policy's "no" counts, which is passed on as a refusal with
//! its words; an absence would send the go command on to its next proxy, around that policy. What is left is an absence.

use std::path::Path;

use super::{Denied, RefusalCause};
use crate::fault::{Cause, Fault};
use crate::upstream::{Failure, FailureKind};

/// The answers so far, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// who has no such thing
    absent: Vec<String>,
    /// who does not give it to us
    refused: Vec<String>,
    /// who could not say
    failed: Vec<(String, Cause)>,
    /// where a repository was looked for in vain
    unfound: Vec<String>,
    /// the list ends with `off`
    off: Vec<String>,
}

impl Attempts {
    /// `name` says that there is no such thing, in these words.
    pub(super) fn absent(&mut self, name: &str, words: &str) {
        self.absent.push(format!("{name}: {words}"));
    }

    /// `name` sent something that does not answer the request.
    pub(super) fn malformed(&mut self, name: &str, why: &str) {
        self.failed.push((format!("{name}: {why}"), Cause::Upstream));
    }

    /// One failed so.
    pub(super) fn failed(&mut self, failure: &Failure) {
        let words = failure.to_string();
        match failure.kind {
            FailureKind::NoRepository => self.unfound.push(words),
            FailureKind::Off => self.off.push(words),
            kind if kind.is_policy() => self.refused.push(words),
            kind => self.failed.push((words, kind.cause())),
        }
    }

    /// Whether somebody refuses it by policy, so that nothing older may be given in place of an answer.
    pub(super) fn is_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether the next question may fare otherwise: somebody was out, or could not be reached.
    pub(super) fn may_change(&self) -> bool {
        !self.failed.is_empty() || !self.unfound.is_empty()
    }

    /// What to say to the client about `what`; `root` is the data folder, which is named where its disk failed.
    pub(super) fn conclude(self, what: &str, root: &Path) -> Denied {
        let Attempts { absent, refused, failed, unfound, off } = self;
        if !failed.is_empty() {
            let (mut all, causes): (Vec<String>, Vec<Cause>) = failed.into_iter().unzip();
            all.extend([refused, unfound, off, absent].concat());
            let why = all.join("; ");
            return Denied::Fault(match Cause::of_several(causes) {
                Cause::Disk => Fault::disk(root.display().to_string(), format!("{what}: {why}")),
                cause => Fault::unavailable(cause, what, why),
            });
        }
        if !refused.is_empty() {
            let first = format!("{what} is refused by policy upstream:");
            return Denied::Refused(RefusalCause::Upstream, std::iter::once(first).chain(refused).collect());
        }
        let is_absent = !absent.is_empty() || !unfound.is_empty();
        let all = [absent, unfound, off].concat().join("; ");
        match (is_absent, all.is_empty()) {
            (true, _) => Denied::NotFound(format!("not found: {what}: {all}")),
            (false, false) => Fault::nobody(what, all).into(),
            (false, true) => Fault::nobody(what, "there is no upstream to ask").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the client is answered where upstreams fail so; 404 stands for an absence.
    fn concluded(kinds: &[u16]) -> String {
        let mut attempts = Attempts::default();
        for (at, code) in kinds.iter().enumerate() {
            let kind = match code {
                0 => FailureKind::Off,
                1 => FailureKind::NoRepository,
                404 => {
                    attempts.absent(&format!("u{at}"), "404 Not Found");
                    continue;
                }
                500 => FailureKind::Busy,
                504 => FailureKind::Timeout,
                code => FailureKind::Denied(*code),
            };
            attempts.failed(&Failure { source: format!("u{at}"), why: format!("words of {code}"), kind });
        }
        match attempts.conclude("m", Path::new("/data")) {
            Denied::Refused(_, lines) => format!("403 {}", lines.join(" ")),
            Denied::NotFound(words) => format!("404 {words}"),
            Denied::NotCached(words) => words,
            Denied::Fault(fault) => format!("{:?} {fault}", fault.cause()),
        }
    }

    #[test]
    fn an_outage_outweighs_a_refusal_and_a_refusal_an_absence() {
        for (kinds, expected) in [
            (&[][..], "Some(Nobody) m: there is no upstream to ask"),
            (&[0], "Some(Nobody) m: u0: words of 0"),
            (&[404], "404 not found: m: u0: 404 Not Found"),
            (&[404, 0], "404 not found: m: u0: 404 Not Found; u1: words of 0"),
            (&[1], "404 not found: m: u0: words of 1"),
            (&[404, 1], "404 not found: m: u0: 404 Not Found; u1: words of 1"),
            (&[401], "403 m is refused by policy upstream: u0: words of 401"),
            (&[403], "403 m is refused by policy upstream: u0: words of 403"),
            (&[451, 404], "403 m is refused by policy upstream: u0: words of 451"),
            (&[404, 403, 1], "403 m is refused by policy upstream: u1: words of 403"),
            (&[403, 0], "403 m is refused by policy upstream: u0: words of 403"),
            (&[403, 500], "Some(Upstream) m: u1: words of 500; u0: words of 403"),
            (&[504, 404], "Some(TimedOut) m: u0: words of 504; u1: 404 Not Found"),
            (&[504, 1], "Some(TimedOut) m: u0: words of 504; u1: words of 1"),
            // Another 4xx says nothing of the module: too many requests, a method or a request that it does not take.
            (&[400], "Some(Upstream) m: u0: words of 400"),
            (&[405], "Some(Upstream) m: u0: words of 405"),
            (&[407], "Some(Upstream) m: u0: words of 407"),
            (&[429], "Some(Upstream) m: u0: words of 429"),
        ] {
            assert_eq!(concluded(kinds), expected, "{kinds:?}");
        }
    }
}
