//! What became of a data folder that was verified, a log derived again and modules hashed again, as one value: [`Integrity`].
//! Text and JSON are renderings of it, and the exit code is read off it.
//!
//! A finding says where it is (file, bytes, records, tile, or module), what it is, what to do next, and which data tiles would
//! have to be fetched again to mend it. Findings are counted without bound, and up to [`MAX_LISTED`] of each kind are listed.

use std::ops::Range;

use serde::{Deserialize, Serialize};

mod advice;
mod blame;
mod coverage;
mod diagnosis;
mod flaw;
mod json;
mod junit;
mod text;

pub use blame::Blame;
pub use coverage::{Coverage, Sample, Since};
pub use diagnosis::Diagnosis;
pub use flaw::{Flaw, ReportPart};

use super::{Head, Misbehaviour, Notice};

/// Findings of one kind that are listed; the rest is counted.
pub const MAX_LISTED: usize = 100;

/// Everything that one verification has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    /// the version of gosumcheck that wrote the report
    pub tool_version: String,
    /// when it ran, RFC 3339 in UTC; absent where the caller gave no time
    pub time: Option<String>,
    /// the name of the checksum database: `sum.golang.org`
    pub database: String,
    /// the signed tree head that everything was derived under
    pub head: Option<Head>,
    /// what the pass was to cover
    pub coverage: Coverage,
    /// what was looked at
    pub figures: Figures,
    /// what was found, in the order of the files
    pub findings: Vec<Finding>,
    /// how many findings of each kind there are, the untold ones too
    pub counts: Vec<(Flaw, u64)>,
    /// what was put in order, in the order in which it was
    pub repairs: Vec<Repair>,
    /// what is good to know and no finding
    pub notices: Vec<Notice>,
    /// the log was caught with two histories
    pub misbehaviour: Option<Misbehaviour>,
}

/// What a verification looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// records whose hashes were computed
    pub records: u64,
    /// bytes of records that were read
    pub record_bytes: u64,
    /// hashes of all levels that were compared
    pub hashes: u64,
    /// signed heads whose roots were compared
    pub heads: u64,
    /// records that were compared with the index; absent where there is none
    pub indexed: Option<u64>,
    /// cached tiles and answers that are part of the remembered tree; absent where nothing is cached
    pub cached: Option<u64>,
    /// what was looked at of the module store; absent where it was left out
    pub modules: Option<ModuleFigures>,
    /// module files for which the upstreams were asked; absent where they were not
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstreams: Option<u64>,
}

/// What a verification looked at of the module store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFigures {
    /// module files, zips and go.mod files
    pub files: u64,
    /// their bytes
    pub bytes: u64,
    /// those whose hash was computed
    pub hashed: u64,
    /// those whose hash is that of their proven record
    pub proven: u64,
    /// private ones whose hash is the one that they were pinned to
    pub pinned: u64,
    /// those that are as they were when they were proven, while what would prove them again is damaged
    pub as_admitted: u64,
    /// hashes that are kept of files that are not there any more
    pub evicted: u64,
    /// quarantined files
    pub refused: u64,
    /// their bytes
    pub refused_bytes: u64,
}

/// The module version that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfModule {
    /// the module's path
    pub path: String,
    /// its version
    pub version: String,
    /// what the file should hash to; absent where nothing here says
    pub expected: Option<String>,
    /// what it hashes to; absent where it has no hash
    pub got: Option<String>,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// what kind of thing
    pub flaw: Flaw,
    /// the file: of the log by its name in the log's folder, of the module store by its whole path
    pub file: String,
    /// what is behind it
    pub diagnosis: Diagnosis,
    /// what was seen that shows that
    pub evidence: Vec<String>,
    /// which bytes of it; absent where it is about the file as a whole
    pub bytes: Option<Range<u64>>,
    /// which records it concerns
    pub records: Option<Range<u64>>,
    /// the path of the tile, or of the first and the last one
    pub tile: Option<String>,
    /// what was found and what should be there
    pub what: String,
    /// the data tiles that would mend it if they were fetched and proven again; absent where what is here is enough, or
    /// where fetching would not help
    pub fetch: Option<Range<u64>>,
    /// the module version that it is about; absent for the log's files
    pub module: Option<OfModule>,
    /// what to do about this one; absent where the advice for its kind is enough
    pub next: Option<String>,
}

/// One thing that was put in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// the file, as in a finding
    pub file: String,
    /// the bytes that were compared with proven ones; absent where it is about the file as a whole
    pub bytes: Option<Range<u64>>,
    /// how many of them were others; 0 where it is about the file as a whole
    pub changed: u64,
    /// what was done
    pub what: String,
}

impl Repair {
    /// One of a file as a whole.
    pub fn of_file(file: impl Into<String>, what: impl Into<String>) -> Repair {
        Repair { file: file.into(), bytes: None, changed: 0, what: what.into() }
    }
}

impl Finding {
    /// One about a file as a whole.
    pub fn of_file(flaw: Flaw, file: impl Into<String>, what: impl Into<String>) -> Finding {
        let (file, what) = (file.into(), what.into());
        let (diagnosis, evidence) = (Diagnosis::Open, Vec::new());
        let (bytes, records, tile, fetch, module, next) = Default::default();
        Finding { flaw, file, diagnosis, evidence, bytes, records, tile, what, fetch, module, next }
    }
}

impl Integrity {
    /// A report on nothing yet, by this version of gosumcheck, about the database `name`.
    pub fn new(database: impl Into<String>) -> Integrity {
        Integrity {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            time: None,
            database: database.into(),
            head: None,
            coverage: Coverage::Full,
            figures: Figures::default(),
            findings: Vec::new(),
            counts: Vec::new(),
            repairs: Vec::new(),
            notices: Vec::new(),
            misbehaviour: None,
        }
    }

    /// Adds a finding: it is counted, and listed unless there are enough of its kind.
    pub fn add(&mut self, finding: Finding) {
        let flaw = finding.flaw;
        let listed = self.findings.iter().filter(|found| found.flaw == flaw).count();
        self.count(flaw, 1);
        if listed < MAX_LISTED {
            self.findings.push(finding);
        }
    }

    /// Counts findings that are not listed.
    pub fn count(&mut self, flaw: Flaw, more: u64) {
        match self.counts.iter_mut().find(|(of, _)| *of == flaw) {
            Some((_, count)) => *count += more,
            None if more > 0 => self.counts.push((flaw, more)),
            None => {}
        }
    }

    /// Findings of all kinds.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// 0 nothing found, 1 findings, 3 the log misbehaved.
    pub fn exit_code(&self) -> u8 {
        match (&self.misbehaviour, self.total()) {
            (Some(_), _) => 3,
            (None, 0) => 0,
            (None, _) => 1,
        }
    }

    /// The data tiles that would have to be fetched again, in order, none twice.
    pub fn to_fetch(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = self.findings.iter().filter_map(|finding| finding.fetch.clone()).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Writes the report for people, in plain text.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn write_text(&self, colour: bool, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        text::write(self, colour, out)
    }

    /// Writes the report for programs: one JSON object, `"schema": "gosumcheck.integrity/1"`.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn write_json(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        json::write(self, out)
    }

    /// Writes the report for CI systems that show tests: JUnit XML.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn write_junit(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        junit::write(self, out)
    }

    /// The report in one line, as at the end of the text.
    pub fn summary(&self) -> String {
        text::summary(self)
    }
}
