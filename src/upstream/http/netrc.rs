//! Passwords of hosts in `~/.netrc`, read as the go command reads them: one `machine HOST login NAME password WORD`
//! after another, white space and line ends between them; `macdef` bodies are skipped; `default` is ignored, with all after it.

use std::path::Path;

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::files;
use crate::sumdb::number::wide;
use crate::upstream::base::basic;

/// The longest file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// The entries, in the file's order.
#[derive(Default)]
pub(super) struct Netrc {
    entries: Vec<Machine>,
    has_default: bool,
}

/// Whether the text of a netrc file has a `default` entry, which the go command ignores and git uses for every host.
pub fn netrc_has_default(text: &str) -> bool {
    Netrc::parse(text).has_default
}

#[derive(Default)]
struct Machine {
    machine: String,
    login: String,
    password: String,
}

// Nothing prints a password.
impl std::fmt::Debug for Netrc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Netrc of {} machines", self.entries.len())
    }
}

impl Netrc {
    /// The entries of a file; a file that is missing or unreadable has none, as for the go command.
    pub(in crate::upstream) fn load(path: &Path) -> Netrc {
        let bytes = files::open(path).and_then(|file| files::read_bounded(file, FILE_LIMIT)).unwrap_or_default();
        if wide(bytes.len()) > FILE_LIMIT {
            return Netrc::default();
        }
        String::from_utf8(bytes).map(|text| Netrc::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Netrc {
        let mut entries = Vec::new();
        let mut entry = Machine::default();
        let mut in_macro = false;
        for line in text.lines() {
            if in_macro {
                in_macro = !line.is_empty();
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in words.chunks(2) {
                match pair {
                    ["machine", name] => entry = Machine { machine: (*name).to_owned(), ..Machine::default() },
                    ["login", name] => entry.login = (*name).to_owned(),
                    ["password", word] => entry.password = (*word).to_owned(),
                    ["macdef", _] => in_macro = true,
                    ["default", ..] => return Netrc { entries, has_default: true },
                    _ => {}
                }
                if ![&entry.machine, &entry.login, &entry.password].iter().any(|field| field.is_empty()) {
                    entries.push(std::mem::take(&mut entry));
                }
            }
        }
        Netrc { entries, has_default: false }
    }

    /// The header for a URL, from the entry for its host, or for the longest `host/path` that it begins with; of two entries
    /// for one machine, from the first.
    pub(in crate::upstream) fn login(&self, url: &Url) -> Option<HeaderValue> {
        let host = url.host_str()?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let full = format!("{host}{port}{}", url.path());
        let mut prefix = full.trim_end_matches('/');
        loop {
            if let Some(entry) = self.entries.iter().find(|entry| entry.machine.trim_end_matches('/') == prefix) {
                return basic(&entry.login, &entry.password);
            }
            (prefix, _) = prefix.rsplit_once('/')?;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // Go's own table (cmd/go/internal/auth, netrc_test.go) in essence.
    const FILE: &str = "
machine incomplete
password none

machine api.example.org
  login user
  password pwd

machine incomlete.host
  login justlogin

machine test.host
login user2
password pwd2

machine oneline login user3 password pwd3

machine ignore.host macdef ignore
  login nobody
  password nothing

machine hasmacro.too macdef ignore-next-lines login user4 password pwd4
  login nobody
  password nothing

machine path.host/a login user5 password pwd5
machine path.host login user6 password pwd6
machine path.host login late password late
machine port.host:8443 login user7 password pwd7
default
login anonymous
password gopher@example.org

machine after.default
login oops
password too-late
";

    #[test]
    fn entries_are_found_as_go_finds_them() {
        let netrc = Netrc::parse(FILE);
        let found = |text: &str| netrc.login(&Url::parse(text).unwrap());
        for (url, login, password) in [
            ("https://api.example.org/x/y", "user", "pwd"),
            ("https://test.host", "user2", "pwd2"),
            ("https://oneline/", "user3", "pwd3"),
            ("https://hasmacro.too/x", "user4", "pwd4"),
            ("https://path.host/a/b", "user5", "pwd5"),
            ("https://path.host/ab", "user6", "pwd6"),
            ("https://port.host:8443/x", "user7", "pwd7"),
        ] {
            let header = found(url).unwrap();
            assert_eq!(header, basic(login, password).unwrap(), "{url}");
            assert!(header.is_sensitive());
        }
        for url in ["https://incomplete", "https://incomlete.host", "https://ignore.host", "https://port.host"] {
            assert_eq!(found(url), None, "{url}");
        }
        for url in ["https://after.default", "https://example.org", "https://api.example.org.evil"] {
            assert_eq!(found(url), None, "{url}");
        }
        assert_eq!(format!("{netrc:?}"), "Netrc of 8 machines");
    }

    #[test]
    fn a_default_entry_is_not_a_word_of_that_name() {
        assert!(netrc_has_default(FILE));
        assert!(netrc_has_default("machine a.example login me password s3cret default login me password s3cret\n"));
        assert!(!netrc_has_default("machine a.example login default password default\n"));
        assert!(!netrc_has_default("machine a.example macdef init\ndefault\n\nlogin me password s3cret\n"));
    }

    #[test]
    fn a_missing_file_has_no_entries() {
        assert!(Netrc::load(Path::new("/nonexistent/.netrc")).entries.is_empty());
    }
}
