//! Strangers' text made harmless for a terminal, a log and XML: what could move the cursor, reorder, hide or imitate text is
//! written as an escape that can be read, and nothing is longer than `MAX_SHOWN`.

use std::fmt::Write as _;

use crate::sumdb::printable::is_invisible;

/// Characters shown of one text; go.sum lines are about 100 long, module paths at most a few hundred.
const MAX_SHOWN: usize = 500;

/// `text` on one line, with every character that is not plainly visible as `\u{...}`, cut after `MAX_SHOWN` characters.
///
/// Line ends and tabs are written `\n`, `\r` and `\t`. Applied twice it changes nothing more, as long as nothing was cut.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_SHOWN));
    let mut characters = text.chars();
    for character in characters.by_ref().take(MAX_SHOWN) {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            visible if !is_invisible(visible) => shown.push(visible),
            // Writing to a String cannot fail.
            hidden => _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden)),
        }
    }
    let rest = characters.count();
    if rest > 0 {
        _ = write!(shown, " ... ({rest} more characters)");
    }
    shown
}

/// A text of several lines, each made `printable`, with tabs as the indentation that they are.
pub fn printable_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| printable(&line.replace('\t', "    "))).collect()
}

/// The text without the numbers of the system's errors, which do not help: `No such file or directory (os error 2)`.
pub fn plain(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        words.push_str(part.split_once(')').map_or(part, |(_, rest)| rest));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "github.com/a/b v1.0.0 h1:abc+/=", "C:\\wörk\\go.sum", "日本語 a\\b"] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn what_a_terminal_would_act_on_is_spelt_out() {
        assert_eq!(printable("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("a\u{9b}31mb\x07"), "a\\u{9b}31mb\\u{7}");
        assert_eq!(printable("a\r\nb\tc\0"), "a\\r\\nb\\tc\\u{0}");
        assert_eq!(printable("evil\u{202e}mus.og"), "evil\\u{202e}mus.og");
        assert_eq!(printable("a\u{2066}b\u{200b}c\u{feff}\u{e0041}"), "a\\u{2066}b\\u{200b}c\\u{feff}\\u{e0041}");
        assert_eq!(printable("\u{2028}\u{a0}\u{ffff}\u{7f}"), "\\u{2028}\\u{a0}\\u{ffff}\\u{7f}");
    }

    #[test]
    fn no_character_survives_that_moves_or_hides_text() {
        for character in ('\0'..=char::MAX).filter(|c| is_invisible(*c)) {
            assert!(printable(&character.to_string()).bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }

    #[test]
    fn is_bounded_and_says_what_was_cut() {
        let shown = printable(&"x".repeat(70_000));
        assert!(shown.ends_with("x ... (69500 more characters)"));
        assert!(printable(&"\u{202e}".repeat(70_000)).len() < 10 * MAX_SHOWN);
    }

    #[test]
    fn twice_is_once() {
        let once = printable("a\x1b\u{202e}\n\\n");
        assert_eq!(printable(&once), once);
    }
}
