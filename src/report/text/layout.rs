//! How text is laid out: columns, paragraphs, and numbers that can be read.

use super::super::{FileReport, LineReport, Location, printable};

/// Columns of a paragraph.
const PARAGRAPH_WIDTH: usize = 88;

/// A place longer than this pushes its line to the right alone, not every other line with it.
const WIDEST_PLACE: usize = 44;

/// Characters of a commit's hash that people are shown.
const SHORT: usize = 12;

/// The widths of the first two columns, in characters.
pub(super) struct Columns {
    pub(super) place: usize,
    pub(super) label: usize,
}

/// The widths that the lines to be listed need.
pub(super) fn columns(lines: &[(&FileReport, &LineReport)]) -> Columns {
    let places = lines.iter().map(|(file, line)| place(file, line).chars().count());
    let labels = lines.iter().map(|(_, line)| line.verdict.outcome().label().chars().count());
    Columns {
        place: places.filter(|width| *width <= WIDEST_PLACE).max().unwrap_or_default(),
        label: labels.max().unwrap_or_default(),
    }
}

/// `go.sum:12:`, as compilers write it and editors read it.
pub(super) fn place(file: &FileReport, line: &LineReport) -> String {
    match &line.place {
        Location::Line(number) => format!("{}:{number}:", printable(&file.path)),
        Location::File(path) => format!("{}:", printable(path)),
        Location::Part(part) => format!("{}#{}:", printable(&file.path), printable(part)),
        // What `git show` takes, and the line.
        Location::Commit { commit, path, line } => format!("{}:{}:{line}:", short(commit), printable(path)),
    }
}

/// The first characters of a commit's hash.
pub(in crate::report) fn short(commit: &str) -> String {
    printable(commit.get(..SHORT).unwrap_or(commit))
}

/// A text broken between words into rows of at most `PARAGRAPH_WIDTH` characters; a longer word has a row of its own.
pub(in crate::report) fn wrapped(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match rows.last_mut() {
            Some(row) if row.chars().count() + 1 + word.chars().count() <= PARAGRAPH_WIDTH => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    rows
}

/// `58,776,408`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 line`, `2,000 lines`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases = [
            (1_234_567, "1,234,567"),
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (58_776_408, "58,776,408"),
            (123_456, "123,456"),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!((counted(1, "line"), counted(0, "line")), ("1 line".to_owned(), "0 lines".to_owned()));
    }

    #[test]
    fn paragraphs_break_between_words_and_lose_none() {
        let long = "w".repeat(200);
        let text = format!("{} {long} end", "word ".repeat(40));
        let rows = wrapped(&text);
        assert!(rows.iter().all(|row| row.len() <= PARAGRAPH_WIDTH || *row == long));
        assert_eq!(rows.join(" ").split_whitespace().count(), 42);
        assert!(wrapped("").is_empty());
    }
}
