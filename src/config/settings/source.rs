//! Where the value of a setting comes from.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::setting::Setting;

/// Bytes of the file.
pub(super) type ByteRange = Range<usize>;

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
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

impl ValueSource {
    /// The place that sets `setting`, as a message about its value begins: `gosumcheck.toml:7: heads.pin`, the variable, or the flag.
    pub(super) fn place_of(&self, setting: &Setting) -> String {
        match self {
            ValueSource::File(..) | ValueSource::Go(_) => format!("{self}: {}", setting.name),
            ValueSource::Environment(name) | ValueSource::Flag(name) => (*name).to_owned(),
            ValueSource::Default => setting.name.to_owned(),
        }
    }

    /// Whether it overrides what the file says.
    pub(super) fn overrides_file(&self) -> bool {
        matches!(self, ValueSource::Environment(_) | ValueSource::Flag(_))
    }
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueSource::Default => f.write_str("default"),
            ValueSource::File(path, line) => write!(f, "{}:{line}", path.display()),
            ValueSource::Environment(name) | ValueSource::Flag(name) => f.write_str(name),
            ValueSource::Go(name) => write!(f, "go env {name}"),
        }
    }
}

/// The texts of one setting, and where they come from.
#[derive(Debug, Clone)]
pub(super) struct RawValue {
    pub(super) source: ValueSource,
    /// one text for most settings, any number for lists; the place of each in the file
    pub(super) texts: Vec<(String, Option<ByteRange>)>,
}
