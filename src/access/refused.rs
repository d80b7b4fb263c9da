//! Why a request is not admitted.

use std::time::Duration;

/// Why a request is not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// with other credentials, or any, it may be
    SignIn(String),
    /// its credentials do not suffice; lines for people
    Forbidden(Vec<String>),
    /// it comes too soon
    TooMany {
        /// what there is too much of
        why: String,
        /// when to try again
        after: Duration,
    },
    /// nobody can tell now
    Unavailable {
        /// what is missing
        why: String,
        /// when to try again
        after: Duration,
    },
}

impl Refused {
    pub(super) fn sign_in(why: &str) -> Refused {
        Refused::SignIn(why.to_owned())
    }

    pub(super) fn busy(why: &str, after: Duration) -> Refused {
        Refused::Unavailable { why: why.to_owned(), after }
    }
}
