//! Whether the text of a record is two well-formed lines about one module version: a quick look that knows the usual form by
//! heart, and for all others the parser.

use crate::sumdb::record::subject;

/// Bytes of ` h1:`, 44 digits and a newline.
const HASH_LEN: usize = 49;
/// Bytes of `/go.mod`.
const SUFFIX: &[u8] = b"/go.mod";

/// Whether the log may hold such a record.
pub(super) fn is_well_formed(record: &[u8]) -> bool {
    is_usual(record) || subject(record).is_ok()
}

/// `M V h1:...=\nM V/go.mod h1:...=\n` of plain characters.
fn is_usual(record: &[u8]) -> bool {
    let name_len = record.len().wrapping_sub(2 * HASH_LEN + SUFFIX.len()) / 2;
    let Some((first, second)) = record.split_at_checked(name_len + HASH_LEN) else { return false };
    let (Some((name, zip)), Some((again, go_mod))) =
        (first.split_at_checked(name_len), second.split_at_checked(name_len))
    else {
        return false;
    };
    name == again && go_mod.strip_prefix(SUFFIX).is_some_and(is_hash) && is_hash(zip) && is_name(name)
}

fn is_hash(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b" h1:").and_then(|text| text.strip_suffix(b"=\n"));
    // 43 digits hold 258 bits, of which the last two are zero: only every fourth digit may be the last.
    digits.is_some_and(|digits| {
        digits.len() == 43
            && digits.iter().map(|digit| u8::from(!is_digit(*digit))).fold(0, |a, b| a | b) == 0
            && digits.last().is_some_and(|last| b"AEIMQUYcgkosw048".contains(last))
    })
}

fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10 || (byte | 0x20).wrapping_sub(b'a') < 26 || byte == b'+' || byte == b'/'
}

/// A module path of plain characters, whose elements neither begin nor end with a dot, and a version that begins as one.
/// (That no element is a name reserved by Windows is the go command's affair.)
fn is_name(name: &[u8]) -> bool {
    let Some(space) = memchr::memchr(b' ', name) else { return false };
    let Some((path, version)) = name.split_at_checked(space) else { return false };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    let ends_well = |byte: Option<&u8>| byte.is_some_and(|byte| !b"./".contains(byte));
    let torn = |pair: &[u8]| matches!(pair, b"//" | b"/." | b"./");
    matches!(version, [b' ', b'v', digit, ..] if digit.is_ascii_digit())
        && version.iter().skip(1).all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(byte))
        && path.iter().all(plain)
        && ends_well(path.first())
        && ends_well(path.last())
        && !path.windows(2).any(torn)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    const H: &str = "h1:MBdyrErf6+xTKXLSK0ihHvfQ+rX2+sZhrCCuyZAzj5A=";

    #[test]
    fn the_quick_look_takes_nothing_that_is_torn() {
        let record = format!("example.com/m v1.0.0 {H}\nexample.com/m v1.0.0/go.mod {H}\n").into_bytes();
        assert!(is_usual(&record) && is_well_formed(&record));
        for at in 0..record.len() {
            let mut cut = record.clone();
            cut.remove(at);
            assert!(!is_usual(&cut), "without byte {at}");
            let mut torn = record.clone();
            torn[at] = b'\n';
            assert_eq!(is_usual(&torn), record[at] == b'\n', "newline at {at}");
            torn[at] = b' ';
            assert_eq!(is_usual(&torn), record[at] == b' ', "space at {at}");
        }
        assert!(!is_well_formed(b"") && !is_well_formed(b"nonsense\n") && !is_well_formed(&record[..50]));
    }
}
