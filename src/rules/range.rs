//! Ranges of versions: `>=v1.2.0 <v1.4.0 || =v1.5.0`, in the order of semantic versions, which is Go's.

use std::cmp::Ordering;

use crate::sumdb::module::{Version, semver};

/// Bounds of one range, and ranges of one rule, at most.
const MAX_BOUNDS: usize = 64;

/// Versions: those that are within all bounds of one of the alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionRange {
    alternatives: Vec<Vec<Bound>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    relation: Relation,
    version: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// The longer ones first.
const RELATIONS: [(&str, Relation); 5] = [
    ("<=", Relation::LessOrEqual),
    (">=", Relation::GreaterOrEqual),
    ("<", Relation::Less),
    (">", Relation::Greater),
    ("=", Relation::Equal),
];

/// Whether a word looks like a part of a range.
pub(super) fn is_part(word: &str) -> bool {
    word == "||" || word.starts_with(['<', '>', '=']) || is_version_like(word)
}

/// Whether somebody may have meant a version: a `v`, a digit.
fn is_version_like(word: &str) -> bool {
    let rest = word.strip_prefix('v').unwrap_or(word);
    rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.contains('/')
}

impl VersionRange {
    /// The range that these words write. The error names the number of the word.
    pub(super) fn parse(words: &[&str]) -> Result<VersionRange, (usize, String)> {
        let mut alternatives = vec![Vec::new()];
        if words.len() > MAX_BOUNDS {
            return Err((MAX_BOUNDS, format!("more than {MAX_BOUNDS} bounds; write several rules")));
        }
        for (number, word) in words.iter().enumerate() {
            if *word == "||" {
                alternatives.push(Vec::new());
                continue;
            }
            let bound = Bound::parse(word).map_err(|why| (number, why))?;
            if let Some(last) = alternatives.last_mut() {
                last.push(bound);
            }
        }
        if let Some(empty) = alternatives.iter().position(Vec::is_empty) {
            let bars = words.iter().enumerate().filter(|(_, word)| **word == "||").map(|(number, _)| number);
            let number = bars.clone().nth(empty).or(bars.max()).unwrap_or(0);
            return Err((number, "there is no version on one side of ||".to_owned()));
        }
        Ok(VersionRange { alternatives })
    }

    /// Whether `version` is in it.
    pub(super) fn has(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|bounds| bounds.iter().all(|bound| bound.has(version)))
    }
}

impl Bound {
    fn parse(word: &str) -> Result<Bound, String> {
        let found = RELATIONS.iter().find_map(|(sign, relation)| Some((*relation, word.strip_prefix(sign)?)));
        let (relation, text) = found.unwrap_or((Relation::Equal, word));
        if text.is_empty() {
            return Err(format!("a version follows {word} without a space, as in {word}v1.2.0"));
        }
        match Version::parse(text) {
            Ok(version) => Ok(Bound { relation, version: version.as_str().to_owned() }),
            Err(_) if !text.starts_with('v') => Err(format!("versions begin with v: write v{text}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn has(&self, version: &Version) -> bool {
        let order = semver::compare(version.as_str(), &self.version);
        match self.relation {
            Relation::Less => order == Ordering::Less,
            Relation::LessOrEqual => order != Ordering::Greater,
            Relation::Equal => order == Ordering::Equal,
            Relation::GreaterOrEqual => order != Ordering::Less,
            Relation::Greater => order == Ordering::Greater,
        }
    }
}
