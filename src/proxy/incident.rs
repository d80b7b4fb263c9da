//! Wrong bytes: what was expected, what came and from where; as a report beside the bytes, a row of the journal, and lines that
//! the go command shows its user.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use super::Inner;
use super::check::{WrongBytes, what};
use super::expected::Expected;
use crate::fault::Fault;
use crate::report::printable;
use crate::store::failures::WriteKind;
use crate::store::journal::Incident;
use crate::store::modules::{Arrival, Refused, STORE_NAME};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::upstream::Origin;

/// Bytes of a reason that the go command shows its user: two of its eight lines.
const MAX_WHY: usize = 150;

/// One upstream's wrong bytes.
#[derive(Debug, Serialize)]
pub(super) struct Mismatch {
    module: String,
    version: String,
    /// `zip` or `mod`
    file: &'static str,
    /// the hash of the record, or of what came first
    expected: Option<String>,
    /// the hash of the received bytes; `None` where they cannot be hashed
    got: Option<String>,
    why: String,
    /// the record's number in the log, and the records of the tree that it was proven in
    record: Option<u64>,
    tree: Option<u64>,
    upstream: String,
    /// the URL that sent it, after redirects, and the headers of its answer
    came_from: String,
    headers: Vec<(String, String)>,
    bytes: u64,
    time: String,
    #[serde(skip)]
    at: SystemTime,
    #[serde(skip)]
    what: String,
    #[serde(skip)]
    report: Option<PathBuf>,
    /// the wrong bytes, also where they were not kept
    #[serde(skip)]
    loose: Option<Refused>,
}

impl Mismatch {
    pub(super) fn new(
        module: &ModuleVersion,
        kind: Kind,
        expected: &Expected,
        wrong: &WrongBytes,
        upstream: &str,
    ) -> Mismatch {
        let (record, tree) = match expected {
            Expected::Recorded { id, size, .. } => (Some(*id), Some(*size)),
            Expected::Pinned(_) | Expected::First => (None, None),
        };
        Mismatch {
            module: module.path().to_string(),
            version: module.version().to_string(),
            file: kind.extension(),
            expected: expected.hash().map(ToString::to_string),
            got: wrong.got.as_ref().map(ToString::to_string),
            why: wrong.error.to_string(),
            record,
            tree,
            upstream: upstream.to_owned(),
            came_from: String::new(),
            headers: Vec::new(),
            bytes: 0,
            time: jiff::Timestamp::now().to_string(),
            at: SystemTime::now(),
            what: what(module, kind),
            report: None,
            loose: None,
        }
    }

    /// Records how many bytes were received, and where from.
    pub(super) fn came(&mut self, origin: Origin, bytes: u64) {
        (self.came_from, self.headers, self.bytes) = (origin.place, origin.headers, bytes);
    }

    /// Records that this many bytes were stored here already.
    pub(super) fn stored(&mut self, bytes: u64) {
        (self.came_from, self.bytes) = (STORE_NAME.to_owned(), bytes);
    }

    /// Holds the wrong bytes open, so that they can be given whether or not they are kept.
    pub(super) fn hold(&mut self, arrival: &Arrival) {
        self.loose = arrival.loose().inspect_err(|error| tracing::warn!("the refused bytes: {error}")).ok();
    }

    /// The wrong bytes themselves, where they are held.
    pub(super) fn loose(&self) -> Option<Refused> {
        self.loose.clone()
    }

    /// The report that is kept beside the bytes.
    pub(super) fn report(&self, database: &str) -> Vec<u8> {
        tracing::warn!("refused: {}", self.line());
        let report = serde_json::json!({ "database": database, "refused": self });
        format!("{report:#}\n").into_bytes()
    }

    /// Makes a note in the journal; `kept` is where the report is. A disk that fails here changes no verdict.
    pub(super) fn note(&mut self, inner: &Inner, kept: Result<Option<PathBuf>, Fault>) {
        match kept {
            Ok(report) => self.report = report,
            Err(fault) => inner.folder.note_failure(WriteKind::Refused, &fault),
        }
        if let Err(fault) = inner.journal.add(&self.incident()) {
            inner.folder.note_failure(WriteKind::Incident, &fault);
        }
    }

    fn incident(&self) -> Incident {
        Incident {
            at: self.at,
            module: self.module.clone(),
            version: self.version.clone(),
            file: self.file.to_owned(),
            expected: self.expected.clone().unwrap_or_default(),
            got: self.got.clone().unwrap_or_default(),
            upstream: self.upstream.clone(),
            record: self.record,
            tree: self.tree,
            report: self.report.clone(),
            why: self.why.clone(),
        }
    }

    /// Whether the bytes are those that the log or the first time committed to, and wrong all the same.
    pub(super) fn is_recorded(&self) -> bool {
        self.expected.is_some() && self.expected == self.got
    }

    /// In one line, for logs.
    pub(super) fn line(&self) -> String {
        format!("{} from {}: {}", self.what, self.upstream, printable(&self.why))
    }

    /// For the user of the go command.
    pub(super) fn lines(&self, database: &str) -> Vec<String> {
        let mut lines = vec![format!("SECURITY: {} is refused:", self.what)];
        match (&self.expected, &self.got) {
            (Some(expected), Some(got)) if expected != got => {
                lines.push(format!("expected {expected}"));
                lines.push(format!("got      {got}"));
            }
            (expected, _) => {
                let why = printable(&self.why);
                lines.push(why.get(..why.floor_char_boundary(MAX_WHY)).unwrap_or_default().to_owned());
                lines.extend(expected.iter().map(|expected| format!("expected {expected}")));
            }
        }
        lines.push(format!("from     {}", self.upstream));
        lines.push(match (self.record, self.tree) {
            (Some(record), Some(tree)) => format!("expected by record {record} of {database}, tree {tree}"),
            _ if self.expected.is_some() => "expected by what came here at first (a private module)".to_owned(),
            _ => "a private module: nothing of it was here before".to_owned(),
        });
        let name = self.report.as_ref().and_then(|path| path.file_name());
        lines.extend(name.map(|name| format!("report: refused/{}", name.to_string_lossy())));
        let end = if self.is_recorded() {
            "These are the bytes that were published: no go command unpacks them."
        } else {
            "No upstream has the right bytes. Do not work around it: ask who runs this."
        };
        lines.push(end.to_owned());
        lines
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::Error;
    use crate::sumdb::gosum::SumHash;

    const HASH: &str = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn mismatch(expected: &Expected, got: Option<SumHash>) -> Mismatch {
        let module = ModuleVersion::new("example.com/m", "v1.0.0").unwrap();
        let wrong = WrongBytes { error: Error::malformed("module zip", "\x1b[31mcut short"), got };
        Mismatch::new(&module, Kind::Zip, expected, &wrong, "https://proxy.example")
    }

    #[test]
    fn a_log_line_names_the_file_its_sender_and_the_reason() {
        let line = "example.com/m@v1.0.0 (zip) from https://proxy.example: malformed module zip: \\u{1b}[31mcut short";
        assert_eq!(mismatch(&Expected::First, None).line(), line);
    }

    #[test]
    fn users_read_where_the_expected_hash_comes_from() {
        let hash = || SumHash::parse(HASH).unwrap();
        let recorded = Expected::Recorded { hash: hash(), id: 7, size: 9 };
        for (expected, words) in [
            (recorded, "expected by record 7 of sum.example, tree 9"),
            (Expected::Pinned(hash()), "expected by what came here at first (a private module)"),
            (Expected::First, "a private module: nothing of it was here before"),
        ] {
            let lines = mismatch(&expected, None).lines("sum.example");
            assert!(lines.iter().any(|line| line == words), "{lines:?}");
        }
    }
}
