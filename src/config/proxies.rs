//! `GOPROXY`: module proxies in order, any of which may relay the checksum database (cmd/go/internal/modfetch,
//! proxyList). `A,B` asks B where A has nothing (404, 410); `A|B` asks B after any error of A; `direct` and `off` end it.

use super::sumdb::redact;
use crate::fault::Fault;

/// The entries of a GOPROXY list, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyList {
    entries: Vec<(String, bool)>,
}

impl ProxyList {
    /// The list that a value of `GOPROXY` stands for. The empty value is the empty list: no proxy is known, so the
    /// database itself is asked.
    ///
    /// # Errors
    /// `Usage` where the go command would refuse it: an entry that is not a URL, or separators alone.
    pub fn parse(value: &str) -> Result<ProxyList, Fault> {
        let mut entries = Vec::new();
        for part in value.split_inclusive([',', '|']) {
            let falls_back = part.ends_with('|');
            match part.trim_end_matches([',', '|']).trim() {
                "" => {}
                last @ ("off" | "direct") => {
                    entries.push((last.to_owned(), false));
                    break;
                }
                entry => entries.push((url(entry)?, falls_back)),
            }
        }
        if entries.is_empty() && !value.is_empty() {
            return Err(Fault::Usage(format!("GOPROXY {value:?} is not empty, but contains no entries")));
        }
        Ok(ProxyList { entries })
    }

    /// Whether there is nowhere to ask: no entry, or `off` alone.
    pub fn is_off(&self) -> bool {
        self.entries.first().is_none_or(|(first, _)| first == "off")
    }

    /// The entries: each a URL, `direct` or `off`, and whether the next one is to be asked after any error.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, bool)> {
        self.entries.iter().map(|(entry, falls_back)| (entry.as_str(), *falls_back))
    }
}

/// The URL of an entry: single words are reserved, and `host/path` means https.
fn url(entry: &str) -> Result<String, Fault> {
    let text = if entry.contains(['.', ':', '/']) && !entry.contains(":/") && !entry.starts_with('/') {
        format!("https://{entry}")
    } else {
        entry.to_owned()
    };
    let usage = |why: &str| Fault::Usage(format!("GOPROXY entry {:?}: {why}", redact(&text)));
    match text.split_once("://") {
        _ if text.contains(['?', '#', ' ']) => Err(usage("a proxy's URL has no query, no fragment and no space")),
        Some(("https" | "http", rest)) if !rest.is_empty() => Ok(text),
        Some(("file", rest)) if rest.starts_with('/') || rest.starts_with("localhost/") => Ok(text),
        Some(("file", _)) => Err(usage("should be file:///absolute/path")),
        Some(_) => Err(usage("invalid proxy URL scheme (must be https, http, file)")),
        None => Err(usage("invalid proxy URL missing scheme")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_go_splits_them() {
        for (value, expected) in [
            ("", &[][..]),
            ("direct", &[("direct", false)]),
            ("off", &[("off", false)]),
            ("https://a.example,direct", &[("https://a.example", false), ("direct", false)]),
            ("https://a|http://b,file:///c", &[("https://a", true), ("http://b", false), ("file:///c", false)]),
            (" a.example/x | , direct,https://never", &[("https://a.example/x", true), ("direct", false)]),
            ("off,https://never", &[("off", false)]),
            ("localhost:8080", &[("https://localhost:8080", false)]),
        ] {
            assert!(ProxyList::parse(value).unwrap().entries().eq(expected.iter().copied()), "{value}");
        }
    }

    #[test]
    fn off_is_nowhere() {
        for (value, is_off) in [("", true), ("off", true), ("direct", false), ("https://a,off", false)] {
            assert_eq!(ProxyList::parse(value).unwrap().is_off(), is_off, "{value}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for value in [
            ",",
            " ",
            "noproxy",
            "word,direct",
            "/abs/path",
            "ftp://me:s3cret@x",
            "file://x",
            "https://",
            "https://a/?q",
        ] {
            let fault = ProxyList::parse(value).unwrap_err();
            assert!(matches!(fault, Fault::Usage(_)) && !fault.to_string().contains("s3cret"), "{value:?}: {fault}");
        }
    }
}
