//! The ways in which bytes can fail here: they are not what their format says (`Malformed`), or they do not prove what they
//! claim (`Unproven`); of a tree head under a policy also what is wrong with its cosignatures (`Uncosigned`, `FalseCosignature`,
//! `Unlogged`). The caller adds who sent them. Two histories signed by the log are not a failure of bytes
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
    /// The log signed the tree head, and fewer witnesses than the policy's quorum did: it does not count (yet).
    #[error("quorum missing: {why}")]
    Uncosigned {
        /// who signed, and how many must
        why: String,
    },
    /// A cosignature that bears a witness's name and is not the witness's over this tree head: forged, or of another head.
    #[error("false cosignature: {witness}'s is not over this tree head; it was forged, or taken from another head")]
    FalseCosignature {
        /// the witness's key, `name+id`
        witness: String,
    },
    /// A witness cosigned a tree head that the log did not sign: the witness misbehaved, or its key is in other hands.
    #[error(
        "wrong head cosigned: {witness} cosigned a tree head that the log did not sign; ask its operator, and distrust it"
    )]
    Unlogged {
        /// the witness's key, `name+id`
        witness: String,
    },
}

impl Error {
    /// Whether it is about the cosignatures of a tree head, and not about the head itself.
    pub fn is_of_witnesses(&self) -> bool {
        matches!(self, Error::Uncosigned { .. } | Error::FalseCosignature { .. } | Error::Unlogged { .. })
    }

    /// The same with `more` added to what it says; one about a single witness says all that there is.
    #[must_use]
    pub fn with(self, more: &str) -> Error {
        let add = |why: String| format!("{why}; {more}");
        match self {
            Error::Malformed { what, why } => Error::Malformed { what, why: add(why) },
            Error::Unproven { what, why } => Error::Unproven { what, why: add(why) },
            Error::Uncosigned { why } => Error::Uncosigned { why: add(why) },
            of_witness @ (Error::FalseCosignature { .. } | Error::Unlogged { .. }) => of_witness,
        }
    }

    /// A `Malformed` error.
    pub fn malformed(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Malformed { what: what.into(), why: why.into() }
    }

    /// An `Unproven` error.
    pub fn unproven(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Unproven { what: what.into(), why: why.into() }
    }
}
