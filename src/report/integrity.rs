//! What became of a mirror that was derived again from its bytes, as one value: [`Integrity`]. Text and JSON are renderings of
//! it, and the exit code is read off it.
//!
//! A finding says where it is (file, bytes, records, tile), what it is, what to do next, and which data tiles would have to be
//! fetched again to mend it. Findings are counted without bound and told up to [`MAX_TOLD`] of each kind.

use std::ops::Range;

mod json;
mod text;

use super::{Head, Misbehaviour, Notice};

/// Findings of one kind that are told; the rest is counted.
pub const MAX_TOLD: usize = 100;

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
    /// what was looked at
    pub figures: Figures,
    /// what was found, in the order of the files
    pub findings: Vec<Finding>,
    /// how many findings of each kind there are, the untold ones too
    pub counts: Vec<(Flaw, u64)>,
    /// what is good to know and no finding
    pub notices: Vec<Notice>,
    /// the log was caught with two histories
    pub misbehaviour: Option<Misbehaviour>,
}

/// What a verification looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// what kind of thing
    pub flaw: Flaw,
    /// the file, by its name in the log's folder
    pub file: String,
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
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// bytes of `records` are not those that the log committed to
    RecordsDamaged,
    /// an entry of `offsets` is not where its data tile begins
    OffsetsDamaged,
    /// a stored hash is not that of what lies below it
    HashesDamaged,
    /// a file is missing, or ends before the tree does
    CutOff,
    /// a file could not be read: the disk reports an error
    Unreadable,
    /// records and hashes disagree, and nothing that is proven tells which of them is damaged
    Undecided,
    /// `head` is missing or no signed note
    HeadDamaged,
    /// the files are of one piece but have another root than a signed head
    RootDiffers,
    /// an entry of `heads` or the remembered head is no signed note
    HeadsDamaged,
    /// the index does not agree with the records
    IndexWrong,
    /// the log holds two records of one module version with different texts
    Duplicate,
    /// the log holds a record that is not two well-formed lines about one module version
    Malformed,
}

/// Who has to do something about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// our own disk
    Disk,
    /// what is derived from the log and can be made again
    Index,
    /// the log, which committed to it
    Log,
}

impl Flaw {
    /// All kinds, in the order of the report.
    pub const ALL: [Flaw; 12] = [
        Flaw::HeadDamaged,
        Flaw::RootDiffers,
        Flaw::CutOff,
        Flaw::Unreadable,
        Flaw::RecordsDamaged,
        Flaw::OffsetsDamaged,
        Flaw::HashesDamaged,
        Flaw::Undecided,
        Flaw::HeadsDamaged,
        Flaw::IndexWrong,
        Flaw::Duplicate,
        Flaw::Malformed,
    ];

    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Flaw::RecordsDamaged => "records-damaged",
            Flaw::OffsetsDamaged => "offsets-damaged",
            Flaw::HashesDamaged => "hashes-damaged",
            Flaw::CutOff => "cut-off",
            Flaw::Unreadable => "unreadable",
            Flaw::Undecided => "undecided",
            Flaw::HeadDamaged => "head-damaged",
            Flaw::RootDiffers => "root-differs",
            Flaw::HeadsDamaged => "heads-damaged",
            Flaw::IndexWrong => "index-wrong",
            Flaw::Duplicate => "duplicate",
            Flaw::Malformed => "malformed",
        }
    }

    /// Who has to do something.
    pub fn blame(self) -> Blame {
        match self {
            Flaw::IndexWrong => Blame::Index,
            Flaw::Duplicate | Flaw::Malformed => Blame::Log,
            _ => Blame::Disk,
        }
    }

    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Flaw::RecordsDamaged => {
                "These bytes of the records are not those that the log committed to; their hashes are intact."
            }
            Flaw::OffsetsDamaged => {
                "The table of where data tiles begin is wrong there; the records themselves say where they begin."
            }
            Flaw::HashesDamaged => "Stored hashes are not those of what lies below them, which is intact.",
            Flaw::CutOff => "A file is missing or ends before the tree does.",
            Flaw::Unreadable => "The disk could not read there: the device may be failing.",
            Flaw::Undecided => {
                "What is stored disagrees and nothing that is proven tells which side is damaged: both may be."
            }
            Flaw::HeadDamaged => {
                "The committed head is lost; everything was checked under the newest other signed head."
            }
            Flaw::RootDiffers => "The files are of one piece, and not those of this signed head.",
            Flaw::HeadsDamaged => "A remembered head is damaged, so nothing can be compared with it.",
            Flaw::IndexWrong => "The index does not agree with the records. It decides nothing, but lookups may miss.",
            Flaw::Duplicate => {
                "The log itself has two records of one module version that differ. No honest database writes that."
            }
            Flaw::Malformed => "The log itself has a record that is not two lines about one module version.",
        }
    }

    /// What to do next.
    pub fn next(self) -> &'static str {
        match self {
            Flaw::RecordsDamaged | Flaw::CutOff | Flaw::Undecided => {
                "Check the disk and its memory. Bring the data tiles that are named here again: restore the file from a copy, \
                 or delete the log's folder and run `gosumcheck sync`."
            }
            Flaw::OffsetsDamaged | Flaw::HashesDamaged => {
                "Check the disk and its memory. Nothing has to be fetched: the file can be derived from the records; until \
                 then restore it from a copy, or delete the log's folder and run `gosumcheck sync`."
            }
            Flaw::Unreadable => "Look at the system's log, replace the disk, and restore the file from a copy.",
            Flaw::HeadDamaged | Flaw::HeadsDamaged => {
                "Restore the file from a copy; `gosumcheck sync` writes a new head once the files are in order."
            }
            Flaw::RootDiffers => {
                "Find out where these files came from. Restore them from a copy, or delete the log's folder and run \
                 `gosumcheck sync`."
            }
            Flaw::IndexWrong => "Run `gosumcheck index --rebuild`.",
            Flaw::Duplicate | Flaw::Malformed => {
                "Tell whoever runs the database (sum.golang.org: security@golang.org), with the record numbers."
            }
        }
    }
}

impl Blame {
    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Blame::Disk => "our-disk",
            Blame::Index => "our-index",
            Blame::Log => "the-log",
        }
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
            figures: Figures::default(),
            findings: Vec::new(),
            counts: Vec::new(),
            notices: Vec::new(),
            misbehaviour: None,
        }
    }

    /// Adds a finding: it is counted, and told unless there are enough of its kind.
    pub fn add(&mut self, finding: Finding) {
        let flaw = finding.flaw;
        let told = self.findings.iter().filter(|found| found.flaw == flaw).count();
        self.count(flaw, 1);
        if told < MAX_TOLD {
            self.findings.push(finding);
        }
    }

    /// Counts findings that are not told.
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
}
