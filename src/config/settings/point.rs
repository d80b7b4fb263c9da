//! A complaint that points: file, line and column, the line itself, and carets below what is wrong with it.

use std::ops::Range;

use crate::sumdb::printable;

/// Characters of a line that are shown; of a fault further right only the column is named.
const SHOWN: usize = 100;
/// Keys whose values are secrets, whether they are settings or not.
const SECRET_KEYS: [&str; 6] = ["password", "passwd", "token", "bearer", "secret", "notify"];

/// The number of the line that `at` is in, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// `why`, at the bytes `span` of `text`, which is the file `name`.
pub(super) fn complaint(name: &str, text: &str, span: &Range<usize>, why: &str) -> String {
    let at = text.floor_char_boundary(span.start.min(text.len()));
    let (before, rest) = text.split_at(at);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|line| line.lines().next()).unwrap_or_default();
    let column = before.get(start..).unwrap_or_default().chars().count();
    let wrong = rest.get(..span.end.saturating_sub(at)).unwrap_or(rest).lines().next().unwrap_or_default();
    let number = line_of(text, at);
    let margin = " ".repeat(number.to_string().len());
    let mut message = format!("{name}:{number}:{}: {why}", column + 1);
    if column < SHOWN {
        let carets = "^".repeat(wrong.chars().count().clamp(1, SHOWN - column));
        let line = shown(&hidden(line));
        message.push_str(&format!("\n{margin} |\n{number} | {line}\n{margin} | {}{carets}", " ".repeat(column)));
    }
    message
}

/// The line with a star for each character of what may be a secret: a name and password in a URL, and the value of a key that is
/// called so.
fn hidden(line: &str) -> String {
    if let Some((key, value)) = line.split_once('=') {
        let name = key.rsplit('.').next().unwrap_or(key).trim().trim_matches(['"', '\'']);
        if SECRET_KEYS.contains(&name) {
            let starred = value.chars().map(|c| if c.is_whitespace() || "\"'[],".contains(c) { c } else { '*' });
            return format!("{key}={}", starred.collect::<String>());
        }
    }
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('@') {
        let (ahead, login) = before.split_at(before.rfind(['/', ' ', '"', '\'']).map_or(0, |at| at + 1));
        let is_path = ahead.ends_with('/') && !ahead.ends_with("//");
        shown.push_str(ahead);
        if is_path {
            shown.push_str(login)
        } else {
            shown.extend(login.chars().map(|_| '*'))
        }
        shown.push('@');
        rest = after;
    }
    shown + rest
}

/// The line, a character for a character, so that the carets stand where they should.
fn shown(line: &str) -> String {
    let harmless =
        |c: char| if c.is_control() || printable::printable(c.to_string().as_bytes(), 1).len() > 4 { '?' } else { c };
    line.chars().take(SHOWN).map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_below_what_is_wrong() {
        let text = "a = 1\nidle = \"soon\" # x\n";
        let message = complaint("f.toml", text, &(13..19), "not a duration");
        assert_eq!(message, "f.toml:2:8: not a duration\n  |\n2 | idle = \"soon\" # x\n  |        ^^^^^^");
        for span in [0..0, 5..9, 25..25, 100..200] {
            assert!(complaint("f.toml", text, &span, "why").starts_with("f.toml:"));
        }
        let message = complaint("f", "proxy = \"https://me:s3@host,ftp://x\"", &(8..10), "why");
        assert!(message.contains("proxy = \"https://*****@host,ftp://x\""), "{message}");
        for key in ["password", "verify.notify", "\"token\""] {
            let message = complaint("f", &format!("{key} = [\"https://a/s3\", 's3']"), &(0..5), "why");
            assert!(message.contains("= [\"************\", '**']"), "{message}");
        }
        assert!(complaint("f", "x = \"\u{1b}[31m\"", &(4..5), "why").contains("x = \"?[31m\""));
    }
}
