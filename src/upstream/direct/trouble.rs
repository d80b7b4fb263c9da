//! What kept a run from a host, as the guard saw it. It decides how a failed run counts, before any words of the go command:
//! a refusal by policy and an outage are types here, and a run that met one never proves that a module does not exist.

use std::sync::{Mutex, PoisonError};

use crate::upstream::failure::FailureKind;
use crate::upstream::retry::Failed;

/// The kinds, the most telling last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// this host has no address that we can find out
    Unresolved(String),
    /// this host cannot be reached, or answered that it cannot answer now
    Unreachable(String),
    /// this host sent nothing for too long
    Silent(String),
    /// more than this many bytes were sent or received
    TooMuch(u64),
    /// this host is not public, or has no public address
    NotPublic(String),
    /// the policy for public modules forbids it, for this reason
    Refused(String),
}

impl Trouble {
    /// Not a host that public modules may come from. Says nothing of what is there, or whether anything is.
    pub(super) fn not_public(host: &str) -> Trouble {
        Trouble::NotPublic(host.to_owned())
    }

    /// The run's failure. Names no address and no cause: strangers read it, and would learn about the network from either.
    pub(super) fn failed(self) -> Failed {
        match self {
            // With the words and the cause of a refusal, so that it has the same status: else strangers could find out which names
            // exist in the operator's own network.
            Trouble::Unresolved(host) => Failed::passing(FailureKind::NoAddress, no_public_address(&host)),
            Trouble::Unreachable(host) => Failed::broken(format!("{host} cannot be reached")),
            Trouble::Silent(host) => Failed::passing(FailureKind::Timeout, format!("timed out: {host} sends nothing")),
            Trouble::TooMuch(limit) => {
                Failed::lasting(FailureKind::TooLong, format!("the repository takes more than {limit} bytes to fetch"))
            }
            Trouble::NotPublic(host) => Failed::lasting(FailureKind::Forbidden, no_public_address(&host)),
            Trouble::Refused(why) => Failed::lasting(FailureKind::Forbidden, why),
        }
    }
}

impl Trouble {
    /// The same while the go command looked for the repository of a path, which to it is an absence, whatever the reason. Not so
    /// where a bound or a rule of this server ended the run, and another go command would have found one.
    pub(super) fn in_vain(self) -> Failed {
        match self {
            Trouble::TooMuch(_) | Trouble::Refused(_) => self.failed(),
            trouble => Failed::lasting(FailureKind::NoRepository, trouble.failed().why),
        }
    }
}

fn no_public_address(host: &str) -> String {
    format!("{host} is not a public address: public modules are fetched from public hosts alone")
}

/// The most telling trouble of one run.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<Option<Trouble>>);

impl Troubles {
    pub(super) fn note(&self, trouble: Trouble) {
        let mut most = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if most.as_ref().is_none_or(|most| *most < trouble) {
            *most = Some(trouble);
        }
    }

    pub(super) fn take(&self) -> Option<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_address_looks_like_one_that_is_not_public() {
        let (unknown, inner) = (Trouble::Unresolved("a.example".to_owned()), Trouble::not_public("a.example"));
        let seen = |trouble: Trouble| {
            let failed = trouble.failed();
            (failed.kind.cause(), failed.why)
        };
        assert_eq!(seen(unknown), seen(inner));
        let (unknown, inner) = (Trouble::Unresolved("a.example".to_owned()), Trouble::not_public("a.example"));
        assert_eq!(unknown.in_vain(), inner.in_vain());
    }

    #[test]
    fn a_repository_that_is_looked_for_in_vain_is_an_absence_and_a_rule_is_none() {
        let host = || "a.example".to_owned();
        for (trouble, kind) in [
            (Trouble::Unresolved(host()), FailureKind::NoRepository),
            (Trouble::Unreachable(host()), FailureKind::NoRepository),
            (Trouble::Silent(host()), FailureKind::NoRepository),
            (Trouble::NotPublic(host()), FailureKind::NoRepository),
            (Trouble::TooMuch(9), FailureKind::TooLong),
            (Trouble::Refused(host()), FailureKind::Forbidden),
        ] {
            assert_eq!(trouble.in_vain().kind, kind);
        }
    }
}
