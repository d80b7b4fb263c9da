//! Version queries: what the go command may ask a proxy's `.info` about besides canonical versions (go.dev/ref/mod, "Version
//! queries"; x/mod module.go, EscapeVersion).

use std::fmt;

use super::super::error::{Error, Result};
use super::super::printable::quoted;
use super::escape::{escape, unescape};
use super::path::is_reserved_on_windows;

/// Bytes of a query at most: branches are shorter, and it must fit into a file's name.
const MAX_BYTES: usize = 200;
/// Besides letters and digits, what may stand in the name of a file of a module zip and so in a version; `!` is the escape's.
const PUNCTUATION: &[u8] = b"#$%&()+,-.=@[]^_{}~ ";
/// The go command answers these itself; a proxy is never asked.
const ANSWERED_BY_GO: [&str; 3] = ["latest", "upgrade", "patch"];

/// A branch, a tag, a commit, or a version in another spelling than the canonical one of its module. Printed plainly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query(String);

impl Query {
    /// The query that `escaped` spells, as found in URLs.
    ///
    /// # Errors
    /// `Malformed` for what can be no file's name on every system, and for the words that only the go command understands.
    pub fn unescape(escaped: &str) -> Result<Query> {
        let malformed = |why| Error::malformed(format!("version query {}", quoted(escaped)), why);
        let text =
            unescape(escaped).ok_or_else(|| malformed("an upper-case letter is written as ! and its lower-case"))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(&byte);
        if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(plain) {
            return Err(malformed("not one element of a path, of letters, digits and plain punctuation"));
        }
        if text.bytes().all(|byte| byte == b'.') || text.ends_with('.') || is_reserved_on_windows(text.as_bytes()) {
            return Err(malformed("not a file's name on every system"));
        }
        if ANSWERED_BY_GO.contains(&text.as_str()) {
            return Err(malformed("the go command asks that in other words"));
        }
        Ok(Query(text))
    }

    /// The spelling for URLs and file names.
    pub fn escaped(&self) -> String {
        escape(&self.0)
    }

    /// The plain spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_one_plain_element_of_bounded_length() {
        let longest = "a".repeat(MAX_BYTES);
        for query in ["main", "v1", "Feature_1", "1.2", longest.as_str()] {
            let read = Query::unescape(&escape(query)).unwrap();
            assert_eq!((read.as_str(), read.to_string().as_str()), (query, query));
        }
        let too_long = format!("{longest}a");
        for refused in
            ["", ".", "..", "v1.", "a/b", "a:b", "a b!", "con", "Main", "latest", "upgrade", "patch", &too_long]
        {
            assert!(Query::unescape(refused).is_err(), "{refused}");
        }
    }
}
