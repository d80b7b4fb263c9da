//! Where bytes came from, and the headers that came with them, for the report on bytes that turn out wrong.

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::redirect::place;
use crate::sumdb::printable::printable;

/// The headers that are reported, in this order: who sent the bytes, and how old they are. None of them is a secret.
const REPORTED: [&str; 12] = [
    "age",
    "cache-control",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "server",
    "via",
    "x-cache",
    "x-goog-hash",
];
/// The longest value that is kept, in bytes.
const VALUE_LIMIT: usize = 200;

/// The origin of one response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// the URL that sent it, after redirects, without credentials and query; or the path of the file
    pub place: String,
    /// names and values of the reported headers
    pub headers: Vec<(String, String)>,
    /// of a resumed download, how many bytes were there before it: those came from elsewhere
    pub kept: u64,
}

impl Origin {
    pub(in crate::upstream) fn of(url: &Url, headers: &HeaderMap) -> Origin {
        let reported = REPORTED.iter().filter_map(|name| Some((*name, headers.get(*name)?)));
        let shown = reported.map(|(name, value)| (name.to_owned(), printable(value.as_bytes(), VALUE_LIMIT)));
        Origin { place: place(url), headers: shown.collect(), kept: 0 }
    }
}
