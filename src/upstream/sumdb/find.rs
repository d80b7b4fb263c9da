//! The order in which the sources of a checksum database are asked, for every command: the URLs that the user named for it; else
//! each module proxy of the lists that says that it relays the database (`/sumdb/NAME/supported`, as cmd/go/internal/modfetch,
//! initBase and TryProxies), then the database itself, then its other name. Unlike go, a relay that fails, lies or lacks an answer
//! is followed by the next source.

use crate::fault::Fault;
use crate::upstream::base::Base;

/// Databases that can be asked under another name too, which is reachable where the first is blocked.
const OTHER_NAMES: [(&str, &str); 1] = [("sum.golang.org", "https://sum.golang.google.cn")];

/// A source of a database, in its place in the order.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// where it is asked
    pub base: Base,
    /// the URL as the user wrote it, to which settings belong: for a relay that of the proxy
    pub url: String,
    /// whether it has to say first that it relays the database
    pub(super) is_relay: bool,
    /// whether it is the database itself, asked over TLS under its own name
    pub(super) is_own: bool,
}

/// The sources of the database `name` in order: those that are `named`, and no other; else the relays among `lists`, each the
/// entries of one GOPROXY list up to its `direct` or `off`, then the database itself. Asks nobody.
///
/// # Errors
/// `Usage` where an entry is not a URL.
pub fn candidates(name: &str, named: &[String], lists: &[Vec<&str>]) -> Result<Vec<Candidate>, Fault> {
    if !named.is_empty() {
        return named.iter().map(|url| Ok(as_named(name, url, Base::parse(url)?))).collect();
    }
    let mut found: Vec<Candidate> = Vec::new();
    for list in lists {
        // Both mean the database itself.
        let entries = list.iter().take_while(|entry| !matches!(**entry, "direct" | "off"));
        // Stands for GONOPROXY in Go's own list; says nothing about a database.
        for entry in entries.filter(|entry| **entry != "noproxy") {
            let base = Base::parse(entry)?.below(&format!("sumdb/{name}"))?;
            if !found.iter().any(|other| other.base.to_string() == base.to_string()) {
                found.push(Candidate { base, url: (*entry).to_owned(), is_relay: true, is_own: false });
            }
        }
    }
    for url in own_urls(name) {
        found.push(as_named(name, &url, Base::parse(&url)?));
    }
    Ok(found)
}

fn as_named(name: &str, url: &str, base: Base) -> Candidate {
    let is_own = own_urls(name).any(|own| own == base.to_string());
    Candidate { base, url: url.to_owned(), is_relay: false, is_own }
}

/// Where the database `name` itself is.
fn own_urls(name: &str) -> impl Iterator<Item = String> {
    let others = OTHER_NAMES.iter().filter(move |(known, _)| *known == name).map(|(_, url)| (*url).to_owned());
    std::iter::once(format!("https://{name}")).chain(others)
}
