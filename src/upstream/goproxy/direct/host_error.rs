//! Why the guard could not connect a run to a host. This decides what a failed run means, before any words of the go command: a
//! refusal by policy and an outage are types here, and a run that met one never proves that a module does not exist.

use std::sync::{Mutex, PoisonError};

use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;

/// The errors, the most telling last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HostError {
    /// this host does not resolve to an address
    Unresolved(String),
    /// this host cannot be reached, or answered with 429 or 5xx
    Unreachable(String),
    /// this host sent nothing for too long
    Silent(String),
    /// more than this many bytes were sent or received
    TooManyBytes(u64),
    /// the policy for public modules forbids it, for this reason
    Refused(String),
}

impl HostError {
    /// A host that public modules may not come from. The error does not reveal whether the host exists.
    pub(super) fn not_public(host: &str) -> HostError {
        HostError::Refused(no_public_address(host))
    }

    /// The run's failure. It names neither address nor cause: clients read it, and would learn about the internal network.
    pub(super) fn failed(self) -> Failed {
        match self {
            // With the words and the cause of a refusal, so that it has the same status: otherwise clients could find out which
            // names exist in the operator's own network.
            HostError::Unresolved(host) => Failed::passing(FailureKind::NoAddress, no_public_address(&host)),
            HostError::Unreachable(host) => Failed::broken(format!("{host} cannot be reached")),
            HostError::Silent(host) => {
                Failed::passing(FailureKind::Timeout, format!("timed out: {host} sends no data"))
            }
            HostError::TooManyBytes(limit) => {
                Failed::lasting(FailureKind::TooLong, format!("the repository takes more than {limit} bytes to fetch"))
            }
            HostError::Refused(why) => Failed::lasting(FailureKind::Forbidden, why),
        }
    }
}

fn no_public_address(host: &str) -> String {
    format!("{host} is not a public address: public modules are fetched only from public hosts")
}

/// The most telling error of one run, if there was any; the lock guards just that.
#[derive(Debug, Default)]
pub(super) struct HostErrors(Mutex<Option<HostError>>);

impl HostErrors {
    pub(super) fn note(&self, error: HostError) {
        let mut most = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if most.as_ref().is_none_or(|most| *most < error) {
            *most = Some(error);
        }
    }

    pub(super) fn take(&self) -> Option<HostError> {
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
        let (unknown, inner) = (HostError::Unresolved("a.example".to_owned()), HostError::not_public("a.example"));
        let seen = |error: HostError| {
            let failed = error.failed();
            (failed.kind.cause(), failed.why)
        };
        assert_eq!(seen(unknown), seen(inner));
    }
}
