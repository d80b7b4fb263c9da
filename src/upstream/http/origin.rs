//! Where bytes came from and what was said with them, for the report on bytes that turn out wrong.

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::redirect::place;
use crate::sumdb::printable::printable;

/// The headers that say whose bytes they are and how old, in this order. None of them is a secret.
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

/// The origin of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// the URL that gave it, redirects followed, without credentials and query; or the path of the file
    pub place: String,
    /// names and values of the headers that say whose bytes these are
    pub headers: Vec<(String, String)>,
    /// of a download, how many bytes were there before it and were gone on with: they came from elsewhere
    pub kept: u64,
}

impl Origin {
    pub(in crate::upstream) fn of(url: &Url, headers: &HeaderMap) -> Origin {
        let reported = REPORTED.iter().filter_map(|name| Some((*name, headers.get(*name)?)));
        let shown = reported.map(|(name, value)| (name.to_owned(), printable(value.as_bytes(), VALUE_LIMIT)));
        Origin { place: place(url), headers: shown.collect(), kept: 0 }
    }
}
