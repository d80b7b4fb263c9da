//! The spelling of paths and versions in URLs and file names: every upper-case letter becomes `!` and its lower-case
//! letter, so that file systems and servers that fold case cannot confuse two modules (x/mod module.go, "Escaped Paths").

/// `text` with every upper-case ASCII letter written as `!` and its lower-case letter. `text` holds no `!`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for symbol in text.chars() {
        if symbol.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(symbol.to_ascii_lowercase());
    }
    escaped
}

/// The text that `escaped` spells; `None` for what [`escape`] never writes: other than ASCII, a bare upper-case letter,
/// a `!` that no lower-case letter follows.
pub(super) fn unescape(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut symbols = escaped.chars();
    while let Some(symbol) = symbols.next() {
        match symbol {
            '!' => text.push(symbols.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            _ if symbol.is_ascii() => text.push(symbol),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spells_as_go_spells() {
        assert_eq!(escape("github.com/GoogleCloudPlatform/omega"), "github.com/!google!cloud!platform/omega");
        assert_eq!(escape("ascii.com/abcdefghijklmnopqrstuvwxyz.-/~_0123456789").len(), 51);
        assert_eq!(unescape("").as_deref(), Some(""));
    }

    #[test]
    fn refuses_what_is_never_written() {
        // x/mod module_test.go, badUnescape
        for bad in ["A", "a!", "!", "!0", "!_", "!!a", "!A", "!/", "\u{e9}", "!\u{e9}", "a/B"] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn both_ways(text in "[ -~&&[^!]]{0,60}") {
            prop_assert_eq!(unescape(&escape(&text)), Some(text));
        }

        #[test]
        fn one_spelling_only(escaped in "[ -~]{0,12}") {
            if let Some(text) = unescape(&escaped) {
                prop_assert_eq!(escape(&text), escaped);
            }
        }
    }
}
