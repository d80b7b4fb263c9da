//! go.sum files.

use gosumcheck::sumdb::gosum::{Content, GoSum, SHOWN_LINE_CHARS};

/// The longest escape of one character, `\u{10ffff}`.
const ESCAPE_CHARS: usize = 10;

/// `GoSum::parse`: every line that is not blank is reported once, in order and bounded; what is a sum reads as itself again.
/// Whether there are any.
pub fn gosum(bytes: &[u8]) -> bool {
    let sums = GoSum::parse(bytes);
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_blank = |line: &[u8]| std::str::from_utf8(line).is_ok_and(|text| text.trim().is_empty());
    let full = (1..).zip(body.split(|byte| *byte == b'\n')).filter(|(_, line)| !is_blank(line));
    // A file of so many faults that the rest is not read has a last line that says so.
    assert!(
        sums.lines.iter().map(|line| line.number).eq(full.map(|(number, _)| number).take(sums.lines.len().max(10_000)))
    );
    for line in &sums.lines {
        assert!(line.text.chars().count() <= (SHOWN_LINE_CHARS + 1) * ESCAPE_CHARS);
        assert!(!line.text.chars().any(char::is_control));
        match &line.content {
            Content::Fault(fault) => {
                let fault = fault.to_string();
                assert!(fault.len() < 2000 && !fault.chars().any(char::is_control), "{fault}");
            }
            Content::Sum(sum) => {
                let again = GoSum::parse(format!("{sum}\n").as_bytes());
                assert!(again.remarks.is_empty() && again.sums().map(|(_, sum)| sum).eq([sum]));
            }
        }
    }
    for duplicate in sums.duplicates() {
        let sum = |wanted: u64| sums.sums().find(|(number, _)| *number == wanted).map(|(_, sum)| sum);
        assert!(duplicate.first < duplicate.number && sum(duplicate.first) == sum(duplicate.number));
    }
    sums.sums().next().is_some()
}
