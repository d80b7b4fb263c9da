//! One line of a go.sum file: three fields, or the first fault that it has.

use super::super::error::Error;
use super::super::module::{ModulePath, ModuleVersion, Version};
use super::fault::LineFault;
use super::{Content, Kind, MAX_LINE_BYTES, SumHash, SumLine};

/// How many of one sign a conflict marker of git has, at least.
const MARKER_LEN: usize = 7;
/// The signs that conflict markers of git are made of.
const MARKER_SIGNS: [char; 4] = ['<', '=', '>', '|'];

/// What `line` (without its newline) says; `None` for a blank one.
pub(super) fn read(line: &[u8]) -> Option<Content> {
    let fields = match decode(line) {
        Ok(text) if is_conflict_marker(text) => return Some(Content::Fault(LineFault::ConflictMarker)),
        Ok(text) => text.split_whitespace().collect::<Vec<_>>(),
        Err(fault) => return Some(Content::Fault(fault)),
    };
    match fields.as_slice() {
        [] => None,
        [path, version, hash] => Some(read_fields(path, version, hash).map_or_else(Content::Fault, Content::Sum)),
        _ => Some(Content::Fault(LineFault::FieldCount(fields.len()))),
    }
}

fn decode(line: &[u8]) -> Result<&str, LineFault> {
    if line.contains(&0) {
        return Err(LineFault::Nul);
    }
    if line.len() > MAX_LINE_BYTES {
        return Err(LineFault::TooLong(line.len()));
    }
    std::str::from_utf8(line).map_err(|_| LineFault::NotUtf8)
}

/// A run of one marker sign, alone or with a space and a name after it. Some have three fields, as sums have.
fn is_conflict_marker(text: &str) -> bool {
    MARKER_SIGNS.iter().any(|sign| {
        let rest = text.trim_start_matches(*sign);
        text.len() - rest.len() >= MARKER_LEN && (rest.is_empty() || rest.starts_with(char::is_whitespace))
    })
}

fn read_fields(path: &str, version: &str, hash: &str) -> Result<SumLine, LineFault> {
    let (version, kind) = match version.strip_suffix(Kind::GoMod.suffix()) {
        Some(version) => (version, Kind::GoMod),
        None => (version, Kind::Zip),
    };
    let path = ModulePath::parse(path).map_err(|error| LineFault::BadPath(why(error)))?;
    let version = Version::parse(version).map_err(|error| LineFault::BadVersion(why(error)))?;
    let module = ModuleVersion::pair(path, version).map_err(|error| LineFault::BadVersion(why(error)))?;
    let hash = SumHash::parse(hash).map_err(LineFault::BadHash)?;
    Ok(SumLine { module, kind, hash })
}

/// The broken rule alone: the line is shown beside it.
fn why(error: Error) -> String {
    match error {
        Error::Malformed { why, .. } | Error::Unproven { why, .. } => why,
        of_witnesses => of_witnesses.to_string(),
    }
}
