//! `gosumcheck.toml` as a list of settings, each with its place: any other key is a fault, and the
//! message names those that exist.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::point::{complaint, line_of};
use super::renamed::{RENAMED, Renamed};
use super::setting::Setting;
use super::source::{ByteRange, RawValue, ValueSource};
use super::upstream::{UPSTREAM_SETTINGS, UpstreamSetting};
use crate::fault::Fault;

/// What the tables of single upstreams stand below.
const UPSTREAMS: &str = "upstreams";
/// The tables of `[access]` that are not single settings.
pub(super) const GROUPS: &str = "access.groups";
pub(super) const RULE: &str = "access.rule";
pub(super) const ISSUER: &str = "access.issuer";

/// A file that was read.
#[derive(Debug)]
pub(super) struct SettingsFile {
    path: PathBuf,
    text: String,
    values: Vec<(String, RawValue)>,
    tables: Vec<UpstreamTable>,
    /// what is to be said of names that are not used any more
    notes: Vec<String>,
}

/// The table of one upstream, as it stands in the file.
#[derive(Debug)]
pub(super) struct UpstreamTable {
    pub(super) url: String,
    pub(super) place: ByteRange,
    /// setting, text, place
    pub(super) rows: Vec<(&'static UpstreamSetting, String, ByteRange)>,
}

impl SettingsFile {
    /// Reads the settings of `table` out of `text`, which is the file at `path`.
    pub(super) fn parse(table: &[&Setting], path: &Path, text: &str) -> Result<SettingsFile, Fault> {
        let (path, kept) = (path.to_path_buf(), text.to_owned());
        let mut document = SettingsFile { path, text: kept, values: Vec::new(), tables: Vec::new(), notes: Vec::new() };
        let root = DeTable::parse(text).map_err(|error| {
            let (why, place) = (error.message().replace('\n', ": "), error.span().unwrap_or(0..0));
            match repeated(text, place.start) {
                Some(table) => document.fault(&place, &format!("this table may be repeated: write it as [[{table}]]")),
                None => document.fault(&place, &format!("not TOML: {why}")),
            }
        })?;
        document.take(table, "", root.get_ref())?;
        Ok(document)
    }

    fn take(&mut self, settings: &[&Setting], above: &str, keys: &DeTable<'_>) -> Result<(), Fault> {
        for (key, value) in keys {
            let name = format!("{above}{}", key.get_ref());
            let below = format!("{name}.");
            let renamed = RENAMED.iter().find(|renamed| renamed.name == name);
            let known =
                settings.iter().find(|setting| setting.name == renamed.map_or(name.as_str(), |now| now.name_now()));
            match (value.get_ref(), known) {
                _ if [GROUPS, RULE, ISSUER].contains(&name.as_str()) => {} // `access` reads them
                (DeValue::Table(inner), _) if name == UPSTREAMS => self.take_tables(inner)?,
                (DeValue::Table(inner), _) if settings.iter().any(|setting| setting.name.starts_with(&below)) => {
                    self.take(settings, &below, inner)?;
                }
                (_, Some(setting)) => {
                    let source = self.source(&value.span());
                    if self.values(setting.name).is_some() {
                        let why = format!("{} is set already, under its other name", setting.name);
                        return Err(self.fault(&key.span(), &why));
                    }
                    self.notes.extend(renamed.map(Renamed::name_note));
                    let texts = self.texts(setting, value.get_ref(), value.span())?;
                    self.values.push((setting.name.to_owned(), RawValue { source, texts }));
                }
                _ => return Err(self.fault(&key.span(), &unknown(settings, above, key.get_ref()))),
            }
        }
        Ok(())
    }

    /// The tables of single upstreams, by URL.
    fn take_tables(&mut self, tables: &DeTable<'_>) -> Result<(), Fault> {
        for (url, table) in tables {
            let DeValue::Table(rows) = table.get_ref() else {
                let why = format!("write a table: [{}.\"https://host/path\"]", UPSTREAMS);
                return Err(self.fault(&url.span(), &why));
            };
            let mut taken =
                UpstreamTable { url: url.get_ref().clone().into_owned(), place: url.span(), rows: Vec::new() };
            for (key, value) in rows {
                let Some(setting) = UPSTREAM_SETTINGS.iter().find(|setting| setting.name == key.get_ref().as_ref())
                else {
                    let known: Vec<&str> = UPSTREAM_SETTINGS.iter().map(|setting| setting.name).collect();
                    let known = known.join(", ");
                    let why = format!("{:?} is not a setting of an upstream; the settings are {known}", key.get_ref());
                    return Err(self.fault(&key.span(), &why));
                };
                let (text, _) = self.text(setting.name, value.get_ref(), value.span())?;
                taken.rows.push((setting, text, value.span()));
            }
            self.tables.push(taken);
        }
        Ok(())
    }

    /// What is to be said of names that are not used any more.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What stands in it.
    pub(super) fn source_text(&self) -> &str {
        &self.text
    }

    /// The tables of single upstreams.
    pub(super) fn tables(&self) -> &[UpstreamTable] {
        &self.tables
    }

    /// The place as `--check-config` names it.
    pub(super) fn source(&self, place: &ByteRange) -> ValueSource {
        ValueSource::File(self.path.clone(), line_of(&self.text, place.start))
    }

    /// What a value says, as text: one text, or those of a list.
    fn texts(
        &self,
        setting: &Setting,
        value: &DeValue<'_>,
        place: ByteRange,
    ) -> Result<Vec<(String, Option<ByteRange>)>, Fault> {
        let name = setting.name;
        if let DeValue::Array(items) = value {
            if !setting.is_list() {
                return Err(self.fault(&place, &format!("{name}: takes one value, not a list")));
            }
            let each = items.iter().map(|item| self.text(name, item.get_ref(), item.span()));
            return each.collect();
        }
        Ok(vec![self.text(name, value, place)?])
    }

    fn text(&self, name: &str, value: &DeValue<'_>, place: ByteRange) -> Result<(String, Option<ByteRange>), Fault> {
        let text = match value {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(is) => is.to_string(),
            other => {
                let why = format!(
                    "{name}: a TOML {} is not accepted here; write a string, an integer, true or false",
                    other.type_str()
                );
                return Err(self.fault(&place, &why));
            }
        };
        Ok((text, Some(place)))
    }

    /// What the file says about a setting.
    pub(super) fn values(&self, name: &str) -> Option<RawValue> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// A complaint that points at a place of the file.
    pub(super) fn fault(&self, place: &ByteRange, why: &str) -> Fault {
        Fault::Usage(complaint(&self.path.display().to_string(), &self.text, place, why))
    }

    /// The same without the line, in which there may be a secret.
    pub(super) fn blind_fault(&self, place: &ByteRange, why: &str) -> Fault {
        let complaint = complaint(&self.path.display().to_string(), &self.text, place, why);
        Fault::Usage(complaint.lines().next().unwrap_or(why).to_owned())
    }
}

/// The table that begins in the line of `at` as if there were one of it, though there may be several.
fn repeated(text: &str, at: usize) -> Option<&'static str> {
    let line = text.lines().nth(line_of(text, at) - 1)?.split('#').next()?.trim();
    ["access.rule", "access.issuer"].into_iter().find(|table| line == format!("[{table}]"))
}

/// What to say of a key that is not a setting.
fn unknown(settings: &[&Setting], above: &str, key: &str) -> String {
    let known = settings.iter().filter_map(|setting| setting.name.strip_prefix(above));
    let mut known: Vec<&str> = known.map(|rest| rest.split('.').next().unwrap_or(rest)).collect();
    if above.is_empty() {
        known.push(UPSTREAMS);
    }
    known.dedup();
    let table = above.strip_suffix('.').map_or_else(String::new, |table| format!(" of [{table}]"));
    format!("{:?} is not a setting{table}; the settings are {}", key, known.join(", "))
}
