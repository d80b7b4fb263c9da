//! JSON with the meaning that Go's `encoding/json` gives it, for texts that the go command will read after us.
//!
//! A parser that reads such a text differently from Go could accept what breaks Go, or Go what was never checked here. What
//! differs from most parsers (Go `encoding/json`, scanner.go, decode.go, fold.go): bytes of a string that are not UTF-8 and halves
//! of a surrogate pair become U+FFFD, one for each; a key names a field in any case, and `ſ` (U+017F) and the Kelvin sign
//! (U+212A) are cases of `s` and `k`; values may be nested 10,000 deep.

use crate::sumdb::error::{Error, Result};

/// Arrays and objects within each other at most, as in Go (`maxNestingDepth`).
const MAX_DEPTH: usize = 10_000;

/// A value of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    /// what stands between the quotes, escapes and all
    String(&'a [u8]),
    Object(Object<'a>),
    /// a number, a truth value or an array
    Other,
}

/// An object, from brace to brace; its syntax has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Object<'a>(&'a [u8]);

/// The value that a text is.
///
/// # Errors
/// `Malformed`: a syntax error anywhere in the text, or something after the value.
pub(super) fn parse(text: &[u8]) -> Result<Value<'_>> {
    let mut cursor = Cursor { text, at: 0 };
    let value = cursor.value()?;
    cursor.skip_space();
    if cursor.at < text.len() { Err(cursor.malformed("something follows the value")) } else { Ok(value) }
}

impl<'a> Object<'a> {
    /// Calls `member` with each key and its value, in the order of the text; keys may repeat.
    pub(super) fn each(self, mut member: impl FnMut(&str, Value<'a>) -> Result<()>) -> Result<()> {
        let mut cursor = Cursor { text: self.0, at: 1 };
        cursor.skip_space();
        while cursor.peek().is_some_and(|byte| byte != b'}') {
            let key = cursor.key()?;
            member(&unquote(key), cursor.value()?)?;
            cursor.skip_space();
            if cursor.peek() == Some(b',') {
                cursor.at += 1;
            }
        }
        Ok(())
    }
}

/// Whether Go takes `key` for the field `name`, which is of ASCII letters.
pub(super) fn names(key: &str, name: &str) -> bool {
    let folded = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(folded).eq(name.chars().map(folded))
}

/// The text of a string, given what stands between its quotes; the syntax has been checked.
pub(super) fn unquote(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        unescape(chunk.valid(), &mut text);
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

fn unescape(mut rest: &str, text: &mut String) {
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut letters = escape.chars();
        let letter = match letters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (letter, len) = unicode(escape);
                text.push(letter);
                rest = escape.get(len..).unwrap_or_default();
                continue;
            }
            other => other.unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        text.push(letter);
        rest = letters.as_str();
    }
    text.push_str(rest);
}

/// The letter of `uXXXX`, or of `uXXXX\uXXXX` where those are the halves of one, and how long that is.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| u16::from_str_radix(escape.get(at..at + 4)?, 16).ok();
    let first = unit(1);
    let second = escape.get(5..7).filter(|between| *between == "\\u").and_then(|_| unit(7));
    let both = char::decode_utf16(first.into_iter().chain(second)).next();
    match both {
        Some(Ok(letter)) if letter.len_utf16() == 2 => (letter, 11),
        Some(Ok(letter)) => (letter, 5),
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}

/// A place in a text.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn malformed(&self, why: &str) -> Error {
        Error::malformed("JSON", format!("{why} at byte {}", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Takes the next value, whatever is nested in it. No recursion: the text decides how deep it goes.
    fn value(&mut self) -> Result<Value<'a>> {
        self.skip_space();
        let start = self.at;
        let first = self.peek();
        let mut ends: Vec<u8> = Vec::new();
        'value: loop {
            self.skip_space();
            match self.next() {
                Some(open @ (b'{' | b'[')) => {
                    // ASCII: `}` and `]` are two after `{` and `[`.
                    let end = open + 2;
                    ends.push(end);
                    if ends.len() > MAX_DEPTH {
                        return Err(self.malformed("values are nested too deep"));
                    }
                    self.skip_space();
                    if self.peek() != Some(end) {
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b't') => self.word(b"rue")?,
                Some(b'f') => self.word(b"alse")?,
                Some(b'n') => self.word(b"ull")?,
                Some(digit @ (b'-' | b'0'..=b'9')) => self.number(digit)?,
                _ => return Err(self.malformed("a value is missing")),
            }
            while let Some(end) = ends.last().copied() {
                self.skip_space();
                match self.next() {
                    Some(b',') => {
                        if end == b'}' {
                            self.key()?;
                        }
                        continue 'value;
                    }
                    Some(byte) if byte == end => drop(ends.pop()),
                    _ => return Err(self.malformed("an array or object does not go on and does not end")),
                }
            }
            let all = self.since(start);
            return Ok(match first {
                Some(b'{') => Value::Object(Object(all)),
                Some(b'"') => Value::String(all.get(1..all.len() - 1).unwrap_or_default()),
                Some(b'n') => Value::Null,
                _ => Value::Other,
            });
        }
    }

    /// Takes a key and the colon after it; gives what stands between its quotes.
    fn key(&mut self) -> Result<&'a [u8]> {
        self.skip_space();
        if self.next() != Some(b'"') {
            return Err(self.malformed("a key is missing"));
        }
        let start = self.at;
        self.string()?;
        let key = self.since(start);
        self.skip_space();
        if self.next() != Some(b':') {
            return Err(self.malformed("a colon is missing"));
        }
        Ok(key.strip_suffix(b"\"").unwrap_or(key))
    }

    /// Takes the rest of a string after its first quote.
    fn string(&mut self) -> Result<()> {
        loop {
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.next() {
                    Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {}
                    Some(b'u') => {
                        for _ in 0..4 {
                            if !self.next().is_some_and(|digit| digit.is_ascii_hexdigit()) {
                                return Err(self.malformed("a \\u without four hexadecimal digits"));
                            }
                        }
                    }
                    _ => return Err(self.malformed("an unknown escape")),
                },
                Some(0x20..) => {}
                _ => return Err(self.malformed("a string has a control character or no end")),
            }
        }
    }

    fn word(&mut self, rest: &[u8]) -> Result<()> {
        for byte in rest {
            if self.next() != Some(*byte) {
                return Err(self.malformed("neither true, false nor null"));
            }
        }
        Ok(())
    }

    /// Takes the rest of a number.
    fn number(&mut self, first: u8) -> Result<()> {
        let whole = if first == b'-' { self.next() } else { Some(first) };
        match whole {
            Some(b'0') => {}
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.malformed("a sign without a number")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        self.skip_digits();
        if self.at == start { Err(self.malformed("a number lacks digits")) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn syntax_is_that_of_go() {
        for good in [
            "{}",
            " { } ",
            "[]",
            "[ ]",
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.5e+10",
            "1E5",
            "\"\"",
            "[1,\t2\n,\r3 ]",
            r#"{"a":{"b":[{}]},"a":[]}"#,
            r#""\"\\\/\b\f\n\r\t\u00e9\ud800""#,
            "\"\u{7f}\"",
            "[1e999999]",
        ] {
            assert!(parse(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "{",
            "}",
            "[",
            "{]",
            "[}",
            "[1,]",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{"a":}"#,
            "{a:1}",
            "01",
            "-",
            "+1",
            "1.",
            ".5",
            "1e",
            "1e+",
            "nul",
            "nulll",
            "True",
            "\"",
            "\"\\\"",
            r#""\x""#,
            r#""\u12g4""#,
            "\"\n\"",
            "1 2",
            "{}{}",
            "[] x",
            "\u{feff}{}",
            "\u{a0}1",
            "\"a\"\0",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    }

    #[test]
    fn strings_are_mended_as_go_does() {
        for (raw, text) in [
            (&b"plain \xc3\xa9"[..], "plain é"),
            (br#"\"\\\/\b\f\n\r\tx"#, "\"\\/\u{8}\u{c}\n\r\tx"),
            (br"\u0041\u00e9\u212a", "Aé\u{212a}"),
            (br"\ud83d\ude00!", "😀!"),
            (br"\ud83d", "\u{fffd}"),
            (br"\ud83dx", "\u{fffd}x"),
            (br"\ud83d\u0041", "\u{fffd}A"),
            (br"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (br"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (b"\xff\xe2\x82A\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}A\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(unquote(raw), text, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn keys_name_fields_in_any_case() {
        for key in ["Version", "version", "VERSION", "vERSION", "Ver\u{17f}ion"] {
            assert!(names(key, "Version"), "{key}");
        }
        for key in ["Versions", "Versio", "", "Vérsion", "Version "] {
            assert!(!names(key, "Version"), "{key}");
        }
        assert!(names("\u{212a}ey", "Key") && names("ſubdir", "Subdir"));
    }

    #[test]
    fn members_come_in_the_order_of_the_text() {
        let text = br#" { "a" : 1 , "b":{"c":[]}, "a":null,"\u0064":"x\"y" } "#;
        let Value::Object(object) = parse(text).unwrap() else { panic!("an object") };
        let mut found = Vec::new();
        object
            .each(|key, value| {
                found.push((key.to_owned(), value));
                Ok(())
            })
            .unwrap();
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "a", "d"]);
        assert!(matches!(found[0].1, Value::Other) && matches!(found[2].1, Value::Null));
        assert_eq!(found[3].1, Value::String(br#"x\"y"#));
        let Value::Object(inner) = found[1].1 else { panic!("an object") };
        inner
            .each(|key, value| {
                assert_eq!((key, value), ("c", Value::Other));
                Ok(())
            })
            .unwrap();
        let Value::Object(empty) = parse(b"{ }").unwrap() else { panic!("an object") };
        empty.each(|_, _| panic!("no member")).unwrap();
    }
}
