//! The layers that set something: `gosumcheck.toml`, the environment, the flags. Each says only what it changes, and the last one
//! that says something about a setting decides.

use std::path::{Path, PathBuf};

use super::document::SettingsFile;
use super::renamed::Renamed;
use super::setting::Setting;
use super::source::{ByteRange, RawValue, ValueSource};
use super::values::{split, unread};
use crate::config::sumdb::redact;
use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// The file's name where no flag names one.
pub const FILE_NAME: &str = "gosumcheck.toml";
/// The variable that names the file.
pub const FILE_VARIABLE: &str = "GOSUMCHECK_CONFIG";
/// The longest file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// The layers above the defaults.
#[derive(Debug, Default)]
pub struct Layers {
    document: Option<SettingsFile>,
    /// setting, variable, text
    environment: Vec<(&'static str, &'static str, String)>,
    notes: Vec<String>,
    /// setting, flag, texts
    flags: Vec<(&'static str, &'static str, Vec<String>)>,
}

impl Layers {
    /// What the file `named` and an environment say about the settings of `table`. If no file is named it is the user's own, where
    /// there is one.
    ///
    /// # Errors
    /// `Usage`: the named file cannot be read, is not TOML, or has a key that is not in `table`.
    pub fn read(
        table: &[&'static Setting],
        named: Option<&Path>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Layers, Fault> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let document = match Layers::file(named, &env) {
            Some(path) => Some(SettingsFile::parse(table, &path, &read_text(&path)?)?),
            None => None,
        };
        let (mut environment, mut notes) = (Vec::new(), Vec::new());
        for setting in table {
            let renamed = Renamed::of(setting.name);
            if let Some(text) = set(setting.variable) {
                environment.push((setting.name, setting.variable, text));
            } else if let Some((renamed, text)) = renamed.and_then(|old| Some((old, set(old.variable)?))) {
                environment.push((setting.name, renamed.variable, text));
                notes.push(renamed.variable_note());
            }
        }
        Ok(Layers { document, environment, notes, flags: Vec::new() })
    }

    /// The file that is `named`, or that the environment names.
    pub fn named(named: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let of_environment = || env(FILE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        named.map(Path::to_path_buf).or_else(of_environment)
    }

    /// The file that is read: the one that is named, or the user's own, where there is one.
    pub fn file(named: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        Layers::named(named, env).or_else(|| own_file().filter(|path| path.is_file()))
    }

    /// What the text of a file says, and nothing else; `path` is its name in messages.
    ///
    /// # Errors
    /// `Usage`: it is not TOML, or has a key that is not in `table`.
    pub fn of_text(table: &[&'static Setting], path: &Path, text: &str) -> Result<Layers, Fault> {
        Ok(Layers { document: Some(SettingsFile::parse(table, path, text)?), ..Layers::default() })
    }

    /// With the values of a setting's own flag; nothing where it was not given.
    #[must_use]
    pub fn flag(self, setting: &Setting, values: impl IntoIterator<Item = String>) -> Layers {
        self.flag_named(setting.flag, setting, values)
    }

    /// The same of a flag that has another name where it was given.
    #[must_use]
    pub fn flag_named(
        mut self,
        flag: &'static str,
        setting: &Setting,
        values: impl IntoIterator<Item = String>,
    ) -> Layers {
        let values: Vec<String> = values.into_iter().collect();
        if !values.is_empty() {
            self.flags.push((setting.name, flag, values));
        }
        self
    }

    /// With something to say about the flags.
    #[must_use]
    pub fn note(mut self, note: String) -> Layers {
        self.notes.push(note);
        self
    }

    /// What is to be said of names that are not used any more.
    pub(super) fn notes(&self) -> impl Iterator<Item = &String> {
        self.document.iter().flat_map(SettingsFile::notes).chain(&self.notes)
    }

    /// The file, if there is one.
    pub(super) fn document(&self) -> Option<&SettingsFile> {
        self.document.as_ref()
    }

    /// The texts of a list, as the uppermost layer that says something about it has them.
    pub fn texts(&self, setting: &Setting) -> Vec<String> {
        let value = self.value(setting);
        value.map(|value| value.texts.into_iter().map(|(text, _)| text).collect()).unwrap_or_default()
    }

    /// The place that sets `setting`, for messages of those who read later what its value names.
    pub fn place_of(&self, setting: &Setting) -> String {
        let value = self.value(setting);
        value.map_or(ValueSource::Default, |value| value.source).place_of(setting)
    }

    /// What the uppermost layer that says something about a setting says.
    pub(super) fn value(&self, setting: &Setting) -> Option<RawValue> {
        let plain = |texts: Vec<String>| texts.into_iter().map(|text| (text, None)).collect();
        if let Some((_, flag, texts)) = self.flags.iter().find(|(name, ..)| *name == setting.name) {
            return Some(RawValue { source: ValueSource::Flag(flag), texts: plain(texts.clone()) });
        }
        if let Some((_, variable, text)) = self.environment.iter().find(|(name, ..)| *name == setting.name) {
            let texts = if setting.is_list() { split(text) } else { vec![text.clone()] };
            return Some(RawValue { source: ValueSource::Environment(variable), texts: plain(texts) });
        }
        self.document.as_ref()?.values(setting.name)
    }

    /// A `Usage` fault about one of the texts of a setting, at its place.
    pub(super) fn wrong(
        &self,
        setting: &Setting,
        source: &ValueSource,
        (text, place): &(String, Option<ByteRange>),
        why: &str,
    ) -> Fault {
        if let (Some(document), Some(place)) = (&self.document, place) {
            let why = format!("{}: {why}", setting.name);
            return if setting.is_secret() { document.blind_fault(place, &why) } else { document.fault(place, &why) };
        }
        if setting.is_secret() {
            return Fault::Usage(format!("{source}: {why}"));
        }
        Fault::Usage(format!("{source} is {:?}: {why}", redact(text)))
    }
}

/// `gosumcheck/gosumcheck.toml` in the user's configuration folder.
fn own_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("gosumcheck").join(FILE_NAME))
}

pub(super) fn read_text(path: &Path) -> Result<String, Fault> {
    let usage = |why: String| Fault::Usage(format!("{}: {why}", path.display()));
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, FILE_LIMIT));
    let bytes = read.map_err(|error| usage(unread(&error)))?;
    if wide(bytes.len()) > FILE_LIMIT {
        return Err(usage(format!("has more than {FILE_LIMIT} bytes; settings take a few thousand")));
    }
    String::from_utf8(bytes).map_err(|_| usage("is not text in UTF-8".to_owned()))
}
