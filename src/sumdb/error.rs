//! The two ways in which bytes can fail here: they are not what their format says (`Malformed`), or they do not prove what they
//! claim (`Unproven`). The caller adds who sent them. Two histories signed by the log are not a failure of bytes
//! but a fact, with its own type: [`Evidence`](super::evidence::Evidence).

/// What the pure core returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed parse or a failed proof; never a failed connection (that is `fault::Fault`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes do not follow their format: the fault of their sender.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// the kind of thing and, where known, which one: `note`, `tile/8/0/005`, `go.sum line 7`
        what: String,
        /// the rule that was broken
        why: String,
    },
    /// Well formed, but a signature or a hash does not prove it: the fault of their sender.
    #[error("unproven {what}: {why}")]
    Unproven {
        /// as in `Malformed`
        what: String,
        /// what was expected and what came
        why: String,
    },
}

impl Error {
    /// A `Malformed` error.
    pub fn malformed(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Malformed { what: what.into(), why: why.into() }
    }

    /// An `Unproven` error.
    pub fn unproven(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Unproven { what: what.into(), why: why.into() }
    }
}
