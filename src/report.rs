//! What an audit found, as one value: `Report`. Text, JSON, SARIF and JUnit are four renderings of it, and the exit code is
//! read off it, so they cannot disagree.
//!
//! A report says, for each line of each file, one verdict, and under which signed tree head all of it was proven. A line that
//! repeats an earlier one is checked like any other, by its own hash, and is marked as a repeat besides. The report knows no
//! clock, no terminal and no file: the same report always renders to the same bytes, and its time is handed in.
//!
//! Every text in a report may come from a stranger. Each rendering makes it harmless in its own format: escaped on a
//! terminal, pure ASCII in JSON and SARIF, printable characters in JUnit.

use std::io;

use serde::Serialize;

mod advice;
mod artifact;
mod ascii;
mod conclusion;
mod format;
pub mod history;
pub mod integrity;
pub mod json;
pub mod junit;
pub mod outcome;
mod printable;
pub mod sarif;
pub mod text;
mod verdict;

pub use advice::{Advice, Input};
pub use artifact::Artifact;
pub use ascii::write as write_json;
pub use conclusion::Conclusion;
pub use format::{Format, UnknownFormat};
pub use history::LineHistory;
pub use integrity::Integrity;
pub use outcome::{Class, Outcome};
pub use printable::{plain, printable, printable_lines};
pub use text::{counted, grouped};
pub use verdict::Verdict;

use crate::sumdb::checkpoint::Checkpoint;
pub use crate::sumdb::gosum::Kind;

/// Everything that one audit has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// the version of gosumcheck that wrote the report
    pub tool_version: String,
    /// when the audit ran, RFC 3339 in UTC; absent where the caller gave no time
    pub time: Option<String>,
    /// the name of the checksum database: `sum.golang.org`
    pub database: String,
    /// the one signed tree head that everything was proven under; absent where nothing was proven
    pub head: Option<Head>,
    /// what was audited, and against what
    pub input: Input,
    /// whether the user's settings, and no argument of this run, say which modules are exempt
    pub inherits_exemptions: bool,
    /// the files in the order in which they were audited
    pub files: Vec<FileReport>,
    /// what concerns the run and no line of it
    pub notices: Vec<Notice>,
    /// the log was caught with two histories; overrules every other conclusion
    pub misbehaviour: Option<Misbehaviour>,
}

/// The signed tree head that all records of a report were proven under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// the number of records in the tree
    pub size: u64,
    /// the root hash, in base64
    pub root: String,
    /// the signed note as it was received
    pub note: String,
}

impl Head {
    /// That of a signed checkpoint.
    pub fn of(checkpoint: &Checkpoint) -> Head {
        let tree = checkpoint.tree();
        let note = String::from_utf8_lossy(checkpoint.bytes()).into_owned();
        Head { size: tree.size, root: tree.root.to_string(), note }
    }
}

/// One file or folder that was audited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileReport {
    /// the path as the user named it; `-` is standard input
    pub path: String,
    /// of a git history, the folder that holds the files of its commits, as a path from the working folder; empty for that itself, and
    /// where no folder holds them
    pub tree: String,
    /// what it was taken for
    pub artifact: Artifact,
    /// which one of these it is, where it says so: the package of a program and the version of Go that built it
    pub about: Option<String>,
    /// why the file could not be read at all; then it has no lines
    pub unread: Option<String>,
    /// oddities of the file as a whole that the go command accepts: CRLF, no newline at the end
    pub remarks: Vec<String>,
    /// one entry per line that is not blank, per file of a module cache or a vendor folder, or per module that a program or an
    /// SBOM names, in order; of very many repeats only the first
    pub lines: Vec<LineReport>,
}

/// One line of a go.sum, one file of a folder, or one module that a program or an SBOM names, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineReport {
    /// where it stands
    pub place: Location,
    /// what it is about; absent where it could not be read
    pub subject: Option<Subject>,
    /// the line as it stands, bounded; for a file of a module cache the go.sum line that it would give
    pub text: String,
    /// what became of it, by its own hash, whether it repeats another or not
    pub verdict: Verdict,
    /// the number, counted from 1, of the first line of the same file that says the same: module, version, kind and hash, or
    /// where it could not be read its text; absent where no earlier line does, and for a file of a module cache
    pub duplicate_of: Option<u64>,
    /// how many later lines say the same and have no entry of their own, because the file has so many repeats
    pub unlisted_repeats: u64,
    /// which commits and branches carried it; for findings in a git history
    pub history: Option<Box<LineHistory>>,
}

/// Where a verdict belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// a line of the file, counted from 1
    Line(u64),
    /// a zip, .mod or unpacked module of a module cache, or what is in a vendor folder, by its path
    File(String),
    /// a part of the file that has no line of its own, by its name in that format: `dep` in a program, `/components/3` in an SBOM
    Part(String),
    /// a line of a file as it was in a commit
    Commit {
        /// the hash of the first commit with it, in hexadecimal
        commit: String,
        /// the path of the file in the repository
        path: String,
        /// the line, counted from 1
        line: u64,
    },
}

/// What a go.sum line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// the module path
    pub module: String,
    /// the version, without the `/go.mod` that a line may append
    pub version: String,
    /// which of the two hashes of a module version
    pub kind: Kind,
}

impl Location {
    /// The number of the line; none for what stands on no line.
    pub fn line(&self) -> Option<u64> {
        match self {
            Location::Line(number) | Location::Commit { line: number, .. } => Some(*number),
            Location::File(_) | Location::Part(_) => None,
        }
    }
}

/// Something about the run as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// whether somebody should act on it
    pub level: Level,
    /// one sentence
    pub text: String,
}

/// How much a notice matters. Neither level changes the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// good to know
    Note,
    /// a setting does not do what it seems to
    Warning,
}

/// The log signed two heads that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misbehaviour {
    /// the evidence in full: both signed heads and the proof
    pub evidence: String,
    /// where the evidence was saved
    pub saved: Option<String>,
}

impl Report {
    /// A report on nothing yet, by this version of gosumcheck, about the database `name`.
    pub fn new(database: impl Into<String>) -> Report {
        Report {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            time: None,
            database: database.into(),
            head: None,
            input: Input::default(),
            inherits_exemptions: false,
            files: Vec::new(),
            notices: Vec::new(),
            misbehaviour: None,
        }
    }

    /// Every line of every file, in order.
    pub fn lines(&self) -> impl Iterator<Item = &LineReport> {
        self.files.iter().flat_map(|file| &file.lines)
    }

    /// How many lines came to each outcome that occurred, repeats included, in the order of `Outcome::ALL`.
    pub fn tally(&self) -> Vec<(Outcome, u64)> {
        let mut tally = Outcome::ALL.map(|outcome| (outcome, 0u64));
        for line in self.lines() {
            let found = line.verdict.outcome();
            if let Some((_, count)) = tally.iter_mut().find(|(outcome, _)| *outcome == found) {
                *count += line.lines();
            }
        }
        tally.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// How many lines repeat an earlier line of their file; each is in the tally too, under its own verdict.
    pub fn duplicates(&self) -> u64 {
        self.lines().map(|line| line.unlisted_repeats + u64::from(line.duplicate_of.is_some())).sum()
    }

    /// Writes the report in `format`; `style` is read by the text rendering only.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn write(&self, format: Format, style: text::Style, out: &mut dyn io::Write) -> io::Result<()> {
        match format {
            Format::Text => text::write(self, style, out),
            Format::Json => json::write(self, out),
            Format::Sarif => sarif::write(self, out),
            Format::Junit => junit::write(self, out),
        }
    }
}

impl LineReport {
    /// How many lines of the file it stands for: itself, and the repeats that are not listed.
    pub fn lines(&self) -> u64 {
        self.unlisted_repeats.saturating_add(1)
    }

    /// `repeats line 12`, for a line that does; or `is repeated by 2 more lines`, where these are not listed.
    fn repetition(&self) -> Option<String> {
        if self.unlisted_repeats > 0 {
            return Some(format!("is repeated by {}", counted(self.unlisted_repeats, "more line")));
        }
        self.duplicate_of.map(|first| format!("repeats line {first}"))
    }
}

impl Subject {
    /// The first two fields of its go.sum line: `example.com/m v1.0.0/go.mod`.
    pub fn go_sum_key(&self) -> String {
        match self.kind {
            Kind::Zip => format!("{} {}", self.module, self.version),
            Kind::GoMod => format!("{} {}/go.mod", self.module, self.version),
        }
    }
}

impl Level {
    /// `note` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
        }
    }
}
