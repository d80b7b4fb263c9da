//! The text of one record: which bytes may be one, which module version it is about, and (for the proven only) its hashes.

use super::super::error::{Error, Result};
use super::super::gosum::{Kind, MAX_LINE_BYTES, SumHash};
use super::super::module::ModuleVersion;
use super::super::printable::{printable, quoted};

/// The largest record: two go.sum lines of the largest size. Those of sum.golang.org have about 200 bytes.
pub const MAX_RECORD_BYTES: usize = 2 * MAX_LINE_BYTES;
/// The longest name of a module version that an error shows whole, in characters.
const MAX_SHOWN: usize = 300;

/// Which module version the text of a record says it is about. Gives no hash: the text may be unproven.
///
/// # Errors
/// `Malformed` where the text is not exactly the two lines of a record.
pub fn subject(text: &[u8]) -> Result<ModuleVersion> {
    let text = check(text)?;
    let first = text.lines().next().unwrap_or_default();
    let mut fields = first.split(' ');
    let (path, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let module = ModuleVersion::new(path, version)?;
    hashes(text, &module)?;
    Ok(module)
}

/// A module version as errors name it, which is as long as a stranger wants.
pub(super) fn shown(module: &ModuleVersion) -> String {
    printable(module.to_string().as_bytes(), MAX_SHOWN)
}

/// The hashes of the zip and of the go.mod in a record about `module`.
pub(super) fn hashes(text: &str, module: &ModuleVersion) -> Result<[SumHash; 2]> {
    let malformed = |why: String| Error::malformed(format!("record of {}", shown(module)), why);
    let lines: Vec<&str> = text.lines().collect();
    let [zip, go_mod] = lines.as_slice() else {
        return Err(malformed(format!("{} lines, not 2", lines.len())));
    };
    let hash = |line: &str, kind: Kind| {
        let head = format!("{} {}{} ", module.path(), module.version(), kind.suffix());
        let field = line
            .strip_prefix(head.as_str())
            .ok_or_else(|| malformed(format!("the line {} does not begin with {}", quoted(line), quoted(&head))))?;
        SumHash::parse(field).map_err(|fault| malformed(format!("{fault} in the line {}", quoted(line))))
    };
    Ok([hash(zip, Kind::Zip)?, hash(go_mod, Kind::GoMod)?])
}

/// `bytes` as the text of some record: UTF-8, lines without control characters, none of them blank, each with its newline
/// (x/mod sumdb/tlog/note.go, isValidRecordText).
pub(super) fn check(bytes: &[u8]) -> Result<&str> {
    let malformed = |why: &str| Error::malformed("record", why);
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(malformed(&format!("{} bytes, more than the {MAX_RECORD_BYTES} allowed", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
    if bytes.iter().any(|byte| *byte < 0x20 && *byte != b'\n') {
        return Err(malformed("a control character"));
    }
    let lines = text.strip_suffix('\n').ok_or_else(|| malformed("no newline at the end"))?;
    if lines.split('\n').any(str::is_empty) {
        return Err(malformed("a blank line"));
    }
    Ok(text)
}
