//! The head of sum.golang.org that this program carries: a signed note that its makers had compared with what others saw. Nothing
//! that the log recorded before it is trusted on first use.
//!
//! It is taken anew for each release, as docs/heads.md says: the note replaces `carried/sum.golang.org.note`, and the date stands here.
//! A test verifies its signature. The answers in `testdata/demo` are proven under the same head, so they are taken anew with it.

use crate::config::SUM_GOLANG_ORG;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::VerifierKey;

/// The signed note.
const NOTE: &str = include_str!("carried/sum.golang.org.note");
/// The day on which it was taken.
const TAKEN: &str = "2026-11-28";

/// A head that came with the program.
#[derive(Debug, Clone)]
pub struct Carried {
    /// the signed head
    pub head: Checkpoint,
    /// the day on which it was taken
    pub taken: &'static str,
}

/// The head that the program carries of the log with this key; none of any other than sum.golang.org.
pub fn carried(vkey: &str) -> Option<Carried> {
    if vkey != SUM_GOLANG_ORG {
        return None;
    }
    let policy = Policy::log(VerifierKey::parse(SUM_GOLANG_ORG).ok()?);
    let head = Checkpoint::open(NOTE.as_bytes(), &policy).ok()?;
    Some(Carried { head, taken: TAKEN })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_carried_head_is_signed_by_the_log_and_dated() {
        let carried = carried(SUM_GOLANG_ORG).unwrap();
        assert!(carried.head.tree().size >= 66_398_721);
        assert!(carried.taken.parse::<jiff::civil::Date>().is_ok());
    }

    #[test]
    fn no_other_log_has_one() {
        for key in ["", "sum.golang.org", "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"] {
            assert!(carried(key).is_none());
        }
    }
}
