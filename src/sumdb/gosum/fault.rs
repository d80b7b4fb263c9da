//! What can be wrong with a line of a go.sum file, what is merely odd about a file, and what a person should do next.

use std::fmt;

use super::{MAX_FAULTS, MAX_FILE_BYTES, MAX_LINE_BYTES, MAX_LINES};

/// Restores a line that is gone from the module's own bytes, checked against the log.
const TIDY: &str = "delete the line, then run `go mod tidy`";

/// Why a line is not a sum. Printed as one sentence that says what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineFault {
    /// a conflict marker of git: `<<<<<<<`, `|||||||`, `=======` or `>>>>>>>`
    ConflictMarker,
    /// this many fields, where a sum has 3
    FieldCount(usize),
    /// a NUL byte
    Nul,
    /// bytes that are not UTF-8
    NotUtf8,
    /// this many bytes, more than [`MAX_LINE_BYTES`]
    TooLong(usize),
    /// no module can have this path; the rule that it breaks
    BadPath(String),
    /// no version is written so, or not of this module; the rule that it breaks
    BadVersion(String),
    /// the third field is not a hash
    BadHash(HashFault),
    /// the file goes on beyond [`MAX_FILE_BYTES`]
    FileTooLarge,
    /// the file has more than [`MAX_LINES`] lines
    TooManyLines,
    /// the file has more than [`MAX_FAULTS`] faults
    TooManyFaults,
}

/// Why the third field of a line is not a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashFault {
    /// no name of an algorithm and a colon before the hash
    NoAlgorithm,
    /// nothing after the colon
    Empty,
    /// a character that no hash has
    BadCharacter(char),
    /// an h1 hash of this many characters instead of 44
    WrongLength {
        /// how many there are
        chars: usize,
    },
    /// 44 characters that are not the base64 of 32 bytes
    NotBase64,
}

/// What is odd about a file, though the go command takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// the file begins with U+FEFF, which the go command takes for a part of the first module's path
    ByteOrderMark,
    /// lines that end in CR LF
    CarriageReturns {
        /// how many
        lines: u64,
    },
    /// the last line has no newline
    NoFinalNewline,
}

impl LineFault {
    /// Which fault it is, in words that hold nothing of the line itself.
    pub fn name(&self) -> &'static str {
        match self {
            LineFault::ConflictMarker => "git conflict marker",
            LineFault::FieldCount(_) => "wrong number of fields",
            LineFault::Nul => "NUL byte, as in UTF-16 or in a file that lost its content in a crash",
            LineFault::NotUtf8 => "not UTF-8",
            LineFault::TooLong(_) => "line too long",
            LineFault::BadPath(_) => "invalid module path",
            LineFault::BadVersion(_) => "invalid version",
            LineFault::BadHash(_) => "invalid hash",
            LineFault::FileTooLarge => "file too large",
            LineFault::TooManyLines => "too many lines",
            LineFault::TooManyFaults => "too many faults",
        }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineFault::ConflictMarker => {
                write!(f, "git conflict marker: resolve the merge, then run `go mod tidy`")
            }
            LineFault::FieldCount(fields) => {
                let plural = if *fields == 1 { "" } else { "s" };
                write!(f, "wrong number of fields: {fields} field{plural}, not 3 (module, version, hash): {TIDY}")
            }
            LineFault::Nul => write!(
                f,
                "NUL byte: the file is UTF-16, or lost its content in a crash: restore it from version control, or \
                 delete it and run `go mod tidy`"
            ),
            LineFault::NotUtf8 => write!(f, "not UTF-8: restore the file from version control, or {TIDY}"),
            LineFault::TooLong(bytes) => {
                write!(f, "line of {bytes} bytes, more than the {MAX_LINE_BYTES} allowed: {TIDY}")
            }
            LineFault::BadPath(why) => write!(f, "invalid module path: {why}: {TIDY}"),
            LineFault::BadVersion(why) => write!(f, "invalid version: {why}: {TIDY}"),
            LineFault::BadHash(fault) => write!(f, "{fault}: {TIDY}"),
            LineFault::FileTooLarge => {
                write!(
                    f,
                    "the file has more than {MAX_FILE_BYTES} bytes: it is not a go.sum, and the rest was not read"
                )
            }
            LineFault::TooManyLines => {
                write!(f, "the file has more than {MAX_LINES} lines: it is not a go.sum, and the rest was not read")
            }
            LineFault::TooManyFaults => {
                write!(f, "more than {MAX_FAULTS} lines are malformed: it is not a go.sum, and the rest was not read")
            }
        }
    }
}

impl fmt::Display for HashFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashFault::NoAlgorithm => write!(f, "no algorithm before the hash (such as h1:)"),
            HashFault::Empty => write!(f, "no hash after the colon"),
            HashFault::BadCharacter(symbol) => write!(f, "the character {symbol:?} in the hash"),
            HashFault::WrongLength { chars } if *chars < 44 => {
                write!(f, "truncated hash: {chars} characters after h1:, not 44")
            }
            HashFault::WrongLength { chars } => write!(f, "wrong hash: {chars} characters after h1:, not 44"),
            HashFault::NotBase64 => write!(f, "the hash is not the base64 of 32 bytes"),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::ByteOrderMark => write!(
                f,
                "the file begins with a byte order mark: the go command takes it for a part of the first module's path; \
                 save the file without it"
            ),
            Remark::CarriageReturns { lines } => {
                let plural = if *lines == 1 { "" } else { "s" };
                write!(f, "CR LF at the end of {lines} line{plural}: harmless, but the go command writes LF")
            }
            Remark::NoFinalNewline => write!(f, "the last line does not end in a newline: harmless"),
        }
    }
}
