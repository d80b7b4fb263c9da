//! go.sum and go.work.sum files: every line is `MODULE VERSION[/go.mod] HASH`. Reading never fails and never stops early:
//! each line is either a sum or a fault with its line number, so that one run reports all faults of a file.
//!
//! Lines are split as the go command splits them (cmd/go/internal/modfetch/fetch.go, readGoSum): split at newlines, fields
//! parted by white space, blank lines skipped. It stops at a line that has not three fields; what stands in the fields it
//! finds out when it uses them, so a path, version or hash that could never match anything is a fault here.

mod fault;
mod line;
mod sum_hash;

use std::collections::HashMap;
use std::fmt;

pub use fault::{HashFault, LineFault, Remark};
pub use sum_hash::SumHash;

use super::hash::Hash;
use super::module::ModuleVersion;
use super::printable::printable;

/// The largest file that is read. The largest go.sum known has less than 1 MiB.
pub const MAX_FILE_BYTES: usize = 64 << 20;
/// The most lines with something on them that are read.
pub const MAX_LINES: usize = 1_000_000;
/// The most faults that are listed: a file with more is not a go.sum.
pub const MAX_FAULTS: usize = 10_000;
/// The longest line. A lookup carries the module path in its URL, and servers take URLs of 8 to 16 KiB.
pub const MAX_LINE_BYTES: usize = 64 << 10;
/// How many characters of a well-formed line are kept to be shown.
pub const SHOWN_LINE_CHARS: usize = 200;
/// How many of a line that is not a sum: it may be anything, also a part of another file.
pub const SHOWN_FAULT_CHARS: usize = 80;

/// What some editors put before a text in UTF-8 (U+FEFF).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The h1 of a tree whose only file is an empty go.mod: `h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=`. A bug once made
/// the go command write it for what is not a module; it drops such lines in silence (fetch.go, emptyGoModHash).
pub const EMPTY_GO_MOD: Hash = Hash([
    0x1b, 0xb9, 0x80, 0x61, 0x8c, 0x60, 0x99, 0x2d, 0x25, 0x56, 0x41, 0xf2, 0xcb, 0x68, 0x44, 0x38, 0xb4, 0x02, 0x14,
    0x1d, 0x03, 0x95, 0x01, 0x53, 0x30, 0xb5, 0xa0, 0x83, 0x29, 0x2b, 0xc9, 0xd6,
]);

/// A go.sum file as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoSum {
    /// every line that is not blank, in order
    pub lines: Vec<Line>,
    /// what is odd about the file, though the go command takes it
    pub remarks: Vec<Remark>,
}

/// One line that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// which line of the file, from 1
    pub number: u64,
    /// the line's own text, fit to be shown: at most [`SHOWN_LINE_CHARS`] characters, or [`SHOWN_FAULT_CHARS`] of a line that
    /// is not a sum; control characters escaped
    pub text: String,
    /// what it says
    pub content: Content,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// a hash of a module version
    Sum(SumLine),
    /// nothing that can be used
    Fault(LineFault),
}

/// A well-formed line: this file of this module version has this hash. Ordered as the go command orders go.sum: by module
/// version, then the zip before the go.mod, then the hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SumLine {
    /// the module version
    pub module: ModuleVersion,
    /// which file of it
    pub kind: Kind,
    /// the hash that the file should have
    pub hash: SumHash,
}

/// Which file of a module version a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// the module's zip: no mark on the version
    Zip,
    /// its go.mod: `/go.mod` after the version
    GoMod,
}

/// A line that says the same as an earlier one; the go command takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// the later line
    pub number: u64,
    /// the line that said it first
    pub first: u64,
}

impl GoSum {
    /// Reads a whole file. What is wrong with it stands in the lines; beyond [`MAX_FILE_BYTES`], [`MAX_LINES`] or
    /// [`MAX_FAULTS`] the last line is a fault that says so, and the rest is not read.
    pub fn parse(bytes: &[u8]) -> GoSum {
        GoSum { lines: lines(bytes).collect(), remarks: remarks(bytes) }
    }

    /// The well-formed lines, each with its number.
    pub fn sums(&self) -> impl Iterator<Item = (u64, &SumLine)> {
        self.lines.iter().filter_map(|line| match &line.content {
            Content::Sum(sum) => Some((line.number, sum)),
            Content::Fault(_) => None,
        })
    }

    /// The faults, each with its line number.
    pub fn faults(&self) -> impl Iterator<Item = (u64, &LineFault)> {
        self.lines.iter().filter_map(|line| match &line.content {
            Content::Sum(_) => None,
            Content::Fault(fault) => Some((line.number, fault)),
        })
    }

    /// The lines that say what an earlier line said, in order.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let mut firsts: HashMap<&SumLine, u64> = HashMap::new();
        let repeated = self.sums().filter_map(|(number, sum)| {
            let first = *firsts.entry(sum).or_insert(number);
            (first != number).then_some(Duplicate { number, first })
        });
        repeated.collect()
    }
}

impl SumLine {
    /// Whether the go command drops this line in silence, because its hash is [`EMPTY_GO_MOD`].
    pub fn is_dropped_by_go(&self) -> bool {
        self.hash == SumHash::H1(EMPTY_GO_MOD)
    }
}

impl fmt::Display for SumLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{} {}", self.module.path(), self.module.version(), self.kind.suffix(), self.hash)
    }
}

impl Kind {
    /// `zip` or `go.mod`, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Zip => "zip",
            Kind::GoMod => "go.mod",
        }
    }

    /// What a line of this kind has after its version.
    pub fn suffix(self) -> &'static str {
        match self {
            Kind::Zip => "",
            Kind::GoMod => "/go.mod",
        }
    }

    /// What its file's name ends with in a module proxy and in a module cache, after the dot (go.dev/ref/mod, "GOPROXY protocol").
    pub fn extension(self) -> &'static str {
        match self {
            Kind::Zip => "zip",
            Kind::GoMod => "mod",
        }
    }
}

/// Which limit is passed by a line that ends at byte `end`, after `lines` lines with `faults` faults among them.
fn limit_reached(end: usize, lines: usize, faults: usize) -> Option<LineFault> {
    if end > MAX_FILE_BYTES {
        Some(LineFault::FileTooLarge)
    } else if lines >= MAX_LINES {
        Some(LineFault::TooManyLines)
    } else if faults >= MAX_FAULTS {
        Some(LineFault::TooManyFaults)
    } else {
        None
    }
}

/// The lines of a file as [`GoSum::parse`] gives them, one by one, for callers that do not keep them all.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    let body = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut parts = (1..).zip(body.split(|byte| *byte == b'\n'));
    let (mut end, mut count, mut faults, mut is_over) = (0, 0, 0, false);
    std::iter::from_fn(move || {
        while !is_over {
            let (number, line) = parts.next()?;
            end += line.len();
            let read = line::read(line);
            let limit = read.is_some().then(|| limit_reached(end, count, faults)).flatten();
            end += 1;
            is_over = limit.is_some();
            let Some(content) = limit.map(Content::Fault).or(read) else { continue };
            let is_fault = matches!(content, Content::Fault(_));
            count += 1;
            faults += usize::from(is_fault);
            let shown = if is_fault { SHOWN_FAULT_CHARS } else { SHOWN_LINE_CHARS };
            return Some(Line { number, text: printable(line.trim_ascii(), shown), content });
        }
        None
    })
}

/// What is odd about a file as a whole.
pub fn remarks(bytes: &[u8]) -> Vec<Remark> {
    let body = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut remarks = Vec::new();
    if body.len() < bytes.len() {
        remarks.push(Remark::ByteOrderMark);
    }
    let returns = body.split(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\r")).count();
    if let Some(lines) = u64::try_from(returns).ok().filter(|lines| *lines > 0) {
        remarks.push(Remark::CarriageReturns { lines });
    }
    if body.last().is_some_and(|byte| *byte != b'\n') {
        remarks.push(Remark::NoFinalNewline);
    }
    remarks
}
