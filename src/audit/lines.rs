//! The lines of one go.sum file as claims, bounded in number. A file without a single valid line is not shown: it may be another
//! file than its name says, put there to be printed.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::{Claim, Claims, Says, other_file};
use crate::report::{Location, Verdict};
use crate::sumdb::gosum::{self, Content, LineFault, MAX_FAULTS, MAX_LINES, SumLine};
use crate::sumdb::number::wide;

/// Repeats of one file that are claims of their own; further ones are only counted at the line that they repeat.
const LISTED_REPEATS: usize = 1_000;
/// Bytes of all files of one audit.
const MAX_BYTES: u64 = 1 << 30;
/// Stands for the text of a file that is not shown.
const NOT_SHOWN: &str = "(not shown)";

/// What one audit may still read, all its files together. One file of the most lines fits.
pub(super) struct Budget {
    bytes: u64,
    claims: usize,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { bytes: MAX_BYTES, claims: MAX_LINES + 1 }
    }
}

impl Budget {
    /// The claims, or that they are too many.
    pub(super) fn admit(&mut self, claims: Claims) -> Claims {
        match self.claims.checked_sub(claims.claims.len()) {
            Some(left) => {
                self.claims = left;
                claims
            }
            None => Claims::unread(claims.path, format!("the files of this audit have more than {MAX_LINES} lines")),
        }
    }
}

/// The claims of a file that holds `bytes`. A file that exceeds the budget is not read at all.
pub(super) fn claims(path: &str, bytes: &[u8], budget: &mut Budget) -> Claims {
    let Some(left) = budget.bytes.checked_sub(wide(bytes.len())) else {
        return Claims::unread(path, format!("the files of this audit have more than {MAX_BYTES} bytes"));
    };
    budget.bytes = left;
    let Some(claims) = collect(bytes, budget.claims) else {
        return Claims::unread(path, format!("the files of this audit have more than {MAX_LINES} lines"));
    };
    budget.claims = budget.claims.saturating_sub(claims.len());
    if let [Claim { text, .. }] = claims.as_slice()
        && text == NOT_SHOWN
        && let Some(what) = other_file::explain(path, bytes)
    {
        return Claims { is_explained: true, ..Claims::unread(path, what) };
    }
    let remarks = gosum::remarks(bytes).iter().map(ToString::to_string).collect();
    Claims { remarks, claims, ..Claims::empty(path) }
}

/// The claims in `bytes`; none where these are more than `most`.
fn collect(bytes: &[u8], most: usize) -> Option<Vec<Claim>> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut firsts = Firsts::default();
    let mut repeats = 0;
    let mut faults: Vec<LineFault> = Vec::new();
    for line in gosum::lines(bytes) {
        let mut duplicate_of = None;
        if let Content::Sum(sum) = &line.content
            && let Some(first) = firsts.find_or_add(sum, claims.len(), &claims).and_then(|at| claims.get_mut(at))
        {
            if repeats == LISTED_REPEATS {
                first.unlisted_repeats += 1;
                continue;
            }
            repeats += 1;
            duplicate_of = first.place.line();
        }
        if claims.len() == most {
            return None;
        }
        let says = match line.content {
            Content::Sum(sum) => Says::Sum(sum),
            Content::Fault(fault) => {
                let why = fault.to_string();
                faults.push(fault);
                Says::Nothing(Verdict::Malformed { why })
            }
        };
        claims.push(Claim {
            place: Location::Line(line.number),
            text: line.text,
            duplicate_of,
            unlisted_repeats: 0,
            says,
        });
    }
    match (claims.first(), faults.first()) {
        (Some(first), Some(fault)) if faults.len() == claims.len() => Some(vec![not_shown(first, fault, faults.len())]),
        _ => Some(claims),
    }
}

/// One claim in place of all those of a file in which every line is invalid.
fn not_shown(first: &Claim, fault: &LineFault, count: usize) -> Claim {
    let lines = match count {
        1 => "its only line is invalid".to_owned(),
        2..=MAX_FAULTS => format!("all its {count} lines are invalid, the first"),
        _ => format!("its first {MAX_FAULTS} lines are invalid, the first"),
    };
    let why = format!(
        "this is not a go.sum file: {lines} ({}). Its text is not shown, because it may be that of another file",
        fault.name()
    );
    Claim {
        place: first.place.clone(),
        text: NOT_SHOWN.to_owned(),
        duplicate_of: None,
        unlisted_repeats: 0,
        says: Says::Nothing(Verdict::Malformed { why }),
    }
}

/// Where each line stands first, by a keyed hash of it, so that no line is stored twice. Of two lines with the same hash, which
/// nobody can choose, the second counts as a new one.
#[derive(Default)]
struct Firsts {
    at: HashMap<u64, usize>,
    keys: RandomState,
}

impl Firsts {
    /// The index of the claim that says `sum` already; else remembers that the one at `next` will.
    fn find_or_add(&mut self, sum: &SumLine, next: usize, claims: &[Claim]) -> Option<usize> {
        let first = *self.at.entry(self.keys.hash_one(sum)).or_insert(next);
        claims.get(first).filter(|claim| matches!(&claim.says, Says::Sum(said) if said == sum)).map(|_| first)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const LINE: &str = "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n";

    #[test]
    fn repeats_are_claims_up_to_a_number_and_counted_beyond_it() {
        let other = LINE.replace("quote", "other");
        let text = format!("{LINE}{other}{}{other}", LINE.repeat(1_500));
        let file = claims("x", text.as_bytes(), &mut Budget::new());
        assert_eq!(file.claims.len(), 1_002);
        assert_eq!(file.claims.iter().filter(|claim| claim.duplicate_of == Some(1)).count(), 1_000);
        assert_eq!((file.claims[0].unlisted_repeats, file.claims[1].unlisted_repeats), (500, 1));
        assert_eq!(file.claims.iter().map(|claim| 1 + claim.unlisted_repeats).sum::<u64>(), 1_503);
    }

    #[test]
    fn what_exceeds_the_budget_is_not_read() {
        let mut budget = Budget { bytes: 1_000, claims: 3 };
        assert!(claims("a", LINE.repeat(2).as_bytes(), &mut budget).unread.is_none());
        assert!(claims("b", LINE.repeat(2).as_bytes(), &mut budget).unread.unwrap().contains("lines"));
        assert!(claims("c", LINE.as_bytes(), &mut budget).unread.is_none());
        assert!(claims("d", &[b'\n'; 900], &mut budget).unread.unwrap().contains("bytes"));
    }

    #[test]
    fn a_file_of_nothing_but_faults_is_one_finding_without_its_text() {
        for (text, words) in [
            ("secret=1\n", "its only line is invalid (wrong number of fields)"),
            ("\n\nsecret h1 secret\nsecret\n", "all its 2 lines are invalid, the first (invalid module path)"),
            (&"secret\n".repeat(10_002), "its first 10000 lines are invalid"),
        ] {
            let file = claims("x", text.as_bytes(), &mut Budget::new());
            let [Claim { says: Says::Nothing(Verdict::Malformed { why }), text, .. }] = file.claims.as_slice() else {
                panic!("not one finding");
            };
            assert!(why.contains(words) && !why.contains("secret") && !text.contains("secret"), "{why}");
        }
        assert!(claims("x", b"\n\n", &mut Budget::new()).claims.is_empty());
    }
}
