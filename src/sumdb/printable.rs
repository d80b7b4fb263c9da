//! A stranger's text made fit to be shown: bounded in length, with everything escaped that a terminal, a log or a report
//! would act upon instead of printing (control characters, bidirectional overrides, invisible characters, broken UTF-8).

/// How many characters of a stranger's path, version or hash an error message repeats.
pub const QUOTED_CHARS: usize = 100;

/// Stands for the part of a text that was left out.
const ELLIPSIS: char = '…';

/// Whether `character` could move, reorder, hide or imitate text: controls, line and paragraph separators, bidirectional
/// controls (Unicode TR9), zero-width and filler characters, spaces other than U+0020, variation selectors, tags, private
/// use and noncharacters. The one table of these.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || u32::from(character) & 0xFFFE == 0xFFFE
        || matches!(u32::from(character),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F
            | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFC | 0xE0000..=0x10FFFF)
}

/// `bytes` as text of at most `limit` characters (before escaping; a cut is marked by `…`). Whatever is not printable
/// becomes a Rust escape (`\u{1b}`, `\t`), broken UTF-8 becomes `\xNN`, and a backslash is doubled, so that no text can
/// pretend to be an escape.
pub fn printable(bytes: &[u8], limit: usize) -> String {
    // Almost all that is shown is plain, and every line of a go.sum comes through here.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
    if bytes.len() <= limit && bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut shown = String::new();
    let mut room = limit;
    for chunk in bytes.utf8_chunks() {
        for symbol in chunk.valid().chars() {
            if room == 0 {
                shown.push(ELLIPSIS);
                return shown;
            }
            room -= 1;
            match symbol {
                '"' | '\'' => shown.push(symbol),
                _ if is_invisible(symbol) && !symbol.is_control() => shown.extend(symbol.escape_unicode()),
                // Controls by their short names, and what else Rust does not print, such as combining marks.
                _ => shown.extend(symbol.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            if room == 0 {
                shown.push(ELLIPSIS);
                return shown;
            }
            room -= 1;
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// `text` in double quotes, as error messages repeat it: printable and bounded by [`QUOTED_CHARS`].
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text.as_bytes(), QUOTED_CHARS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        let line = "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=";
        assert_eq!(printable(line.as_bytes(), 200), line);
        assert_eq!(printable("päth \"quoted\" 'too'".as_bytes(), 99), "päth \"quoted\" 'too'");
        assert_eq!(printable(b"", 0), "");
    }

    #[test]
    fn what_a_terminal_would_act_upon_is_escaped() {
        assert_eq!(printable(b"\x1b[2J\x07\x00\r\n\t\x7f", 99), r"\u{1b}[2J\u{7}\0\r\n\t\u{7f}");
        assert_eq!(
            printable("\u{9b}31m \u{202e}\u{200b}\u{feff}".as_bytes(), 99),
            r"\u{9b}31m \u{202e}\u{200b}\u{feff}"
        );
        assert_eq!(printable("\u{2800}\u{3164}e\u{301}".as_bytes(), 99), r"\u{2800}\u{3164}e\u{301}");
        assert_eq!(printable(b"\\x1b \xff\xc3", 99), r"\\x1b \xff\xc3");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(printable(b"abcdef", 6), "abcdef");
        assert_eq!(printable(b"abcdefg", 6), "abcdef…");
        assert_eq!(printable(b"\xff\xff\xff", 2), r"\xff\xff…");
        assert_eq!(quoted(&"a".repeat(1000)).chars().count(), QUOTED_CHARS + 3);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_only_printable_text_comes_out(bytes: Vec<u8>, limit in 0usize..50) {
            let shown = printable(&bytes, limit);
            prop_assert!(!shown.chars().any(is_invisible));
            prop_assert!(shown.chars().count() <= limit * 10 + 1);
        }
    }
}
