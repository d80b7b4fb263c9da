//! Where the value of a setting comes from.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// Bytes of the file.
pub(super) type Place = Range<usize>;

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// nothing sets it
    Default,
    /// the file, this line
    File(PathBuf, usize),
    /// this variable
    Environment(&'static str),
    /// this flag
    Flag(&'static str),
    /// the go command's settings: this variable of `go env`
    Go(&'static str),
}

impl Source {
    /// Whether it overrides what the file says.
    pub(super) fn overrides_file(&self) -> bool {
        matches!(self, Source::Environment(_) | Source::Flag(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path, line) => write!(f, "{}:{line}", path.display()),
            Source::Environment(name) | Source::Flag(name) => f.write_str(name),
            Source::Go(name) => write!(f, "go env {name}"),
        }
    }
}

/// The texts of one setting, and where they come from.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) source: Source,
    /// one text for most settings, any number for lists; the place of each in the file
    pub(super) texts: Vec<(String, Option<Place>)>,
}
