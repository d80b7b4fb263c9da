//! The keys of a table that is not made of single settings, each fault at its place.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::SettingsFile;
use super::source::ByteRange;
use crate::fault::Fault;

/// Whether a table has no keys but these.
pub(super) fn only(file: &SettingsFile, table: &DeTable<'_>, keys: &[&str], of: &str) -> Result<(), Fault> {
    let unknown = table.keys().find(|key| !keys.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown else { return Ok(()) };
    let why = format!("{:?} is not a setting of {of}; the settings are {}", key.get_ref(), keys.join(", "));
    Err(file.fault(&key.span(), &why))
}

/// A text of a table.
pub(super) fn text(file: &SettingsFile, table: &DeTable<'_>, name: &str) -> Result<Option<(String, ByteRange)>, Fault> {
    match table.get(name) {
        None => Ok(None),
        Some(value) => match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Ok(Some((text.clone().into_owned(), value.span()))),
            _ => Err(file.fault(&value.span(), &format!("{name}: write a text in quotes"))),
        },
    }
}

/// A text of a table, or a list of them, each understood by `parse`.
pub(super) fn words<T>(
    file: &SettingsFile,
    table: &DeTable<'_>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<Vec<(T, ByteRange)>>, Fault> {
    let Some(value) = table.get(name) else { return Ok(None) };
    let read = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => match parse(text) {
            Ok(value) => Ok((value, item.span())),
            Err(why) => Err(file.fault(&item.span(), &format!("{name}: {why}"))),
        },
        _ => Err(file.fault(&item.span(), &format!("{name}: write texts in quotes"))),
    };
    let items = match value.get_ref() {
        DeValue::Array(items) => items.iter().map(read).collect::<Result<Vec<_>, Fault>>()?,
        _ => vec![read(value)?],
    };
    Ok(Some(items))
}
