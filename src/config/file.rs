//! What `gosumcheck serve` is told, in four layers: the defaults, `gosumcheck.toml`, the environment, the flags; each says
//! only what it changes, and the last one that says something about a setting decides. Every setting is a row of `KEYS`.
//!
//! A wrong value is told of with the place where it stands: the line of the file, the variable, or the flag.

mod document;
mod keys;
mod point;
mod secret;
mod settings;
mod upstreams;
mod values;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use keys::{KEYS, Key};
pub use secret::Secret;
pub use settings::{Access, DiskFloor, LogFormat, OnMismatch, Settings, private_patterns};
pub use upstreams::Upstream;

use document::{Document, Place};

use crate::fault::Fault;
use crate::files;

/// The file's name where no flag names one.
pub const FILE_NAME: &str = "gosumcheck.toml";
/// The variable that names the file.
pub const FILE_VARIABLE: &str = "GOSUMCHECK_CONFIG";
/// The longest file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// nobody said anything
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

/// What was said about one setting, and by whom.
#[derive(Debug, Clone)]
struct Said {
    source: Source,
    /// one text for most settings, any number for lists; the place of each in the file
    texts: Vec<(String, Option<Place>)>,
}

/// The layers above the defaults.
#[derive(Debug, Default)]
pub struct Layers {
    document: Option<Document>,
    environment: Vec<(&'static str, String)>,
    flags: Vec<(&'static str, Vec<String>)>,
}

impl Layers {
    /// Of the file `named`, or if none is named of the user's own file where there is one; and of an environment.
    ///
    /// # Errors
    /// `Usage`: the named file cannot be read, or is no TOML, or sets what is no setting.
    pub fn read(named: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Layers, Fault> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let named = named.map(Path::to_path_buf).or_else(|| set(FILE_VARIABLE).map(PathBuf::from));
        let path = named.clone().or_else(|| own_file().filter(|path| path.is_file()));
        let document = match path {
            Some(path) => Some(Document::parse(&path, &read_text(&path)?)?),
            None => None,
        };
        let environment = KEYS.iter().filter_map(|key| Some((key.name, set(key.variable)?))).collect();
        Ok(Layers { document, environment, flags: Vec::new() })
    }

    /// With what a flag says about a setting; nothing where it was not given.
    #[must_use]
    pub fn flag(mut self, name: &'static str, values: impl IntoIterator<Item = String>) -> Layers {
        let values: Vec<String> = values.into_iter().collect();
        if !values.is_empty() {
            self.flags.push((name, values));
        }
        self
    }

    /// What the uppermost layer that says something about a setting says.
    fn said(&self, key: &Key) -> Option<Said> {
        let plain = |texts: Vec<String>| texts.into_iter().map(|text| (text, None)).collect();
        if let Some((_, texts)) = self.flags.iter().find(|(name, _)| *name == key.name) {
            return Some(Said { source: Source::Flag(key.flag), texts: plain(texts.clone()) });
        }
        if let Some((_, text)) = self.environment.iter().find(|(name, _)| *name == key.name) {
            let texts = if key.is_list { values::split(text) } else { vec![text.clone()] };
            return Some(Said { source: Source::Environment(key.variable), texts: plain(texts) });
        }
        self.document.as_ref()?.said(key.name)
    }

    /// A `Usage` fault about what was said, at its place.
    fn wrong(&self, key: &Key, source: &Source, place: Option<&Place>, text: &str, why: &str) -> Fault {
        if let (Some(document), Some(place)) = (&self.document, place) {
            return document.fault(place, &format!("{}: {why}", key.name));
        }
        Fault::Usage(format!("{source} is {:?}: {why}", super::sumdb::redact(text)))
    }
}

/// `gosumcheck/gosumcheck.toml` in the user's configuration folder.
fn own_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("gosumcheck").join(FILE_NAME))
}

/// Why a file that the settings name cannot be read.
fn unread(error: &io::Error) -> String {
    format!("cannot be read: {}", files::explain(error))
}

fn read_text(path: &Path) -> Result<String, Fault> {
    let usage = |why: String| Fault::Usage(format!("{}: {why}", path.display()));
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, FILE_LIMIT));
    let bytes = read.map_err(|error| usage(unread(&error)))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_LIMIT {
        return Err(usage(format!("has more than {FILE_LIMIT} bytes; settings take a few thousand")));
    }
    String::from_utf8(bytes).map_err(|_| usage("is not text in UTF-8".to_owned()))
}
