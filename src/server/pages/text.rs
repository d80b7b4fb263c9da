//! Strangers' text and our figures as people read them: nothing reorders, hides or imitates text.

use maud::{Markup, PreEscaped, html};

pub(super) use crate::report::grouped as count;
use crate::report::printable;
use crate::sumdb::printable::is_invisible;

/// Bytes of a text that a page shows; all of it is behind a link.
const MAX_TEXT: usize = 256 << 10;

/// A name of a stranger's on one line.
pub(super) fn name(text: &str) -> String {
    printable(text)
}

/// A size in bytes, as in `12.3 MB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // In tenths of the unit.
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1000, unit + 1);
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if tenths >= 1000 { format!("{} {unit}", tenths / 10) } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

/// A duration, roughly, as in `3 h`.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Seconds in milliseconds, as in `12 ms`.
pub(super) fn millis(seconds: f64) -> String {
    let millis = seconds * 1000.0;
    if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}

/// A ratio from 0 to 1 in percent, as in `97.3 %`.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// A time as a machine and a person read it.
pub(super) fn time(at: &str) -> Markup {
    let shown = at.trim_end_matches('Z').replace('T', " ");
    html! { time datetime=(at) { (shown) " UTC" } }
}

/// The text of a file, and whether that is all of it. What cannot be seen is shown by its number; what is not UTF-8 is not text, and
/// none.
pub(super) fn file(bytes: &[u8]) -> Option<(Markup, bool)> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => return None,
    };
    let shown = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text);
    let mut markup = String::with_capacity(shown.len() + shown.len() / 8);
    for character in shown.chars() {
        match character {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            '\n' | '\t' => markup.push(character),
            '\r' => {}
            hidden if is_invisible(hidden) => {
                markup.push_str(&format!("<span class=\"ctl\">U+{:04X}</span>", u32::from(hidden)));
            }
            plain => markup.push(plain),
        }
    }
    Some((PreEscaped(markup), shown.len() == text.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(["0", "999", "1,000", "38,523,165"], [0, 999, 1000, 38_523_165].map(count).each_ref().map(|s| &**s));
        let sizes = [0, 999, 1000, 12_345, 123_456, 1_234_567, 999_950_000, 15_000_000_000];
        let shown = ["0 B", "999 B", "1.0 kB", "12.3 kB", "123 kB", "1.2 MB", "999 MB", "15.0 GB"];
        assert_eq!(sizes.map(size).each_ref().map(|s| &**s), shown);
        assert_eq!(size(u64::MAX), "18446 PB");
        assert_eq!([5, 65, 7_200, 200_000].map(age).each_ref().map(|s| &**s), ["5 s", "1 min", "2 h", "2 days"]);
        assert_eq!((millis(0.0021), millis(0.25), percent(0.973)), ("2.1 ms".into(), "250 ms".into(), "97.3 %".into()));
    }

    #[test]
    fn a_hostile_file_stays_text() {
        let hostile = "<script>alert(1)</script>\u{202e}gnp.exe\u{0}\u{1b}[31m & \"quoted\"\r\n</pre><b>";
        let (markup, is_all) = file(hostile.as_bytes()).unwrap();
        let markup = markup.into_string();
        assert!(is_all && !markup.contains("<script") && !markup.contains("</pre") && !markup.contains("<b>"));
        assert!(!markup.contains(['\u{202e}', '\0', '\u{1b}', '\r']), "{markup:?}");
        assert!(markup.contains("U+202E") && markup.contains("U+001B") && markup.contains("&amp; &quot;quoted&quot;"));
        assert!(file(b"\xff\xfe").is_none());
        let (long, is_all) = file("é".repeat(1 << 20).as_bytes()).unwrap();
        assert!(!is_all && long.into_string().len() <= MAX_TEXT);
    }
}
