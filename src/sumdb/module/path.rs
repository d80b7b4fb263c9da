//! Which module paths exist: Go's `module.CheckPath` (x/mod module.go). A path is ASCII, its first element is a lower-case
//! domain name, no element is one that Windows cannot hold, and a major version suffix is written in one way only.

use std::fmt;

use super::super::error::{Error, Result};
use super::super::printable::quoted;
use super::escape::{escape, unescape};
use super::major;

/// File names that Windows reserves, with or without an extension, in any case (x/mod module.go, badWindowsNames).
pub(in crate::sumdb) const WINDOWS_RESERVED: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// A valid module path such as `golang.org/x/text`, in plain spelling. Ordered by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(String);

impl ModulePath {
    /// The path written in plain spelling.
    ///
    /// # Errors
    /// `Malformed` with the rule that the path breaks.
    pub fn parse(text: &str) -> Result<ModulePath> {
        check(text).map_err(|why| Error::malformed(format!("module path {}", quoted(text)), why))?;
        Ok(ModulePath(text.to_owned()))
    }

    /// The path that `escaped` spells, as found in URLs and file names: `github.com/!azure/x` is `github.com/Azure/x`.
    ///
    /// # Errors
    /// `Malformed` for a wrong spelling and as [`ModulePath::parse`].
    pub fn unescape(escaped: &str) -> Result<ModulePath> {
        let text = unescape(escaped).ok_or_else(|| {
            Error::malformed(
                format!("escaped module path {}", quoted(escaped)),
                "an upper-case letter is written as ! and its lower-case letter, and all else is ASCII",
            )
        })?;
        ModulePath::parse(&text)
    }

    /// The spelling for URLs and file names.
    pub fn escaped(&self) -> String {
        escape(&self.0)
    }

    /// The plain spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the path says of the major version: `/v2`, in gopkg.in `.v2` or `.v2-unstable`, else nothing.
    pub fn major_suffix(&self) -> &str {
        major::split(&self.0).map_or("", |(_, suffix)| suffix)
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether Windows refuses a file of this name: one of its device names, in any case, before the first dot.
pub(in crate::sumdb) fn is_reserved_on_windows(element: &[u8]) -> bool {
    let stem = element.split(|byte| *byte == b'.').next().unwrap_or_default();
    // All have three or four letters; this is asked of every element of every record of a log.
    matches!(stem.len(), 3 | 4) && WINDOWS_RESERVED.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(stem))
}

/// x/mod module.go, CheckPath and checkPath with kind modulePath.
pub(super) fn check(path: &str) -> std::result::Result<(), String> {
    if path.is_empty() {
        return Err("empty".to_owned());
    }
    if path.starts_with('-') {
        return Err("leading dash".to_owned());
    }
    let mut rest = Some(path);
    while let Some(elements) = rest {
        let (element, others) = split_at_slash(elements);
        check_element(element)?;
        rest = others;
    }
    let (domain, _) = split_at_slash(path);
    if !domain.bytes().any(|byte| byte == b'.') {
        return Err("missing dot in first path element".to_owned());
    }
    if let Some(symbol) = domain.chars().find(|symbol| !matches!(symbol, '-' | '.' | '0'..='9' | 'a'..='z')) {
        return Err(format!("invalid character {symbol:?} in first path element"));
    }
    if major::split(path).is_none() {
        return Err("invalid major version at the end of the path".to_owned());
    }
    Ok(())
}

/// The first element of a path, and what follows its slash. For as few bytes as an element has it is faster to look at each than
/// to have a character searched for; this is asked of every element of every record of a log.
fn split_at_slash(path: &str) -> (&str, Option<&str>) {
    match path.bytes().position(|byte| byte == b'/') {
        None => (path, None),
        Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..)),
    }
}

/// x/mod module.go, checkElem with kind modulePath.
fn check_element(element: &str) -> std::result::Result<(), String> {
    if element.is_empty() {
        return Err("empty path element (a slash at an end, or two in a row)".to_owned());
    }
    if element.starts_with('.') {
        return Err("leading dot in path element".to_owned());
    }
    if element.ends_with('.') {
        return Err("trailing dot in path element".to_owned());
    }
    // Bytes are looked at faster than characters, and those of other characters are none that may stand in a path.
    if !element.bytes().fold(true, |all, byte| all & may_stand_in_path(byte)) {
        let symbol = element.chars().find(|symbol| !u8::try_from(*symbol).is_ok_and(may_stand_in_path));
        return Err(format!("invalid character {:?}", symbol.unwrap_or_default()));
    }
    if is_reserved_on_windows(element.as_bytes()) {
        return Err(format!("{} is a reserved name on Windows", quoted(before_first_dot(element))));
    }
    if looks_like_windows_short_name(element) {
        return Err("trailing tilde and digits in path element".to_owned());
    }
    Ok(())
}

/// x/mod module.go, modPathOK.
fn may_stand_in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `progra~1` and its like: before the first dot, a tilde and then nothing but digits.
fn looks_like_windows_short_name(element: &str) -> bool {
    element.bytes().any(|byte| byte == b'~')
        && before_first_dot(element)
            .rsplit_once('~')
            .is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}

fn before_first_dot(element: &str) -> &str {
    let end = element.bytes().position(|byte| byte == b'.').unwrap_or(element.len());
    element.get(..end).unwrap_or_default()
}
