//! Why the guard could not connect a run to a host. This decides what a failed run means, before any words of the go command: a
//! refusal by policy and an outage are types here, and a run that met one never proves that a module does not exist.

use parking_lot::Mutex;

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
    /// this host is not public, or has no public address
    NotPublic(String),
    /// the policy for public modules forbids it, for this reason
    Refused(String),
}

impl HostError {
    /// A host that public modules may not come from. The error does not reveal whether the host exists.
    pub(super) fn not_public(host: &str) -> HostError {
        HostError::NotPublic(host.to_owned())
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
            HostError::NotPublic(host) => Failed::lasting(FailureKind::Forbidden, no_public_address(&host)),
            HostError::Refused(why) => Failed::lasting(FailureKind::Forbidden, why),
        }
    }
}

impl HostError {
    /// The same while the go command looked for the repository of a path, which to it is an absence, whatever the reason. Not so
    /// where a limit or a rule of this server ended the run, and another go command would have found one.
    pub(super) fn in_vain(self) -> Failed {
        match self {
            HostError::TooManyBytes(_) | HostError::Refused(_) => self.failed(),
            host_error => Failed::lasting(FailureKind::NoRepository, host_error.failed().why),
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
        let mut most = self.0.lock();
        if most.as_ref().is_none_or(|most| *most < error) {
            *most = Some(error);
        }
    }

    pub(super) fn take(&self) -> Option<HostError> {
        self.0.lock().take()
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.lock().is_none()
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

    #[test]
    fn a_repository_that_is_looked_for_in_vain_is_an_absence_and_a_rule_is_none() {
        let host = || "a.example".to_owned();
        for (host_error, kind) in [
            (HostError::Unresolved(host()), FailureKind::NoRepository),
            (HostError::Unreachable(host()), FailureKind::NoRepository),
            (HostError::Silent(host()), FailureKind::NoRepository),
            (HostError::NotPublic(host()), FailureKind::NoRepository),
            (HostError::TooManyBytes(9), FailureKind::TooLong),
            (HostError::Refused(host()), FailureKind::Forbidden),
        ] {
            assert_eq!(host_error.in_vain().kind, kind);
        }
        assert_eq!(HostError::Unresolved(host()).in_vain(), HostError::not_public("a.example").in_vain());
    }
}
