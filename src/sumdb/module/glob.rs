//! Go's `path.Match` (path/match.go), on bytes as Go does it:
//!
//! ```text
//! *        any bytes but /
//! ?        one character but /
//! [a-c^]   one character of these (also / or a lone byte); [^...] one that is none of these
//! \c       c itself
//! ```
//!
//! Go reports a malformed pattern whatever it is matched with, so a pattern is read once, here, into a list
//! of chunks; matching cannot fail.

mod feasible;

/// A well-formed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Chunk>);

/// A run of the pattern without a `*` in it, and whether a `*` stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chunk {
    after_star: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// this byte
    Byte(u8),
    /// `?`
    Any,
    /// `[...]`: inclusive ranges of characters
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// The pattern that `text` writes; `None` for one that Go calls malformed.
    pub fn parse(text: &str) -> Option<Glob> {
        let mut chunks = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let unstarred = rest.trim_start_matches('*');
            let (chunk, tail) = unstarred.split_at_checked(chunk_len(unstarred))?;
            chunks.push(Chunk { after_star: unstarred.len() < rest.len(), steps: parse_steps(chunk)? });
            rest = tail;
        }
        Some(Glob(chunks))
    }

    /// Whether the pattern matches all of `name`.
    pub fn matches(&self, name: &str) -> bool {
        let mut name = name.as_bytes();
        let mut chunks = self.0.iter().peekable();
        while let Some(chunk) = chunks.next() {
            let is_last = chunks.peek().is_none();
            if chunk.after_star && chunk.steps.is_empty() {
                return !name.contains(&b'/');
            }
            // The first place that fits is taken for good: a later star can make up for it, an earlier one cannot.
            match starts(chunk, name)
                .find_map(|start| consume(&chunk.steps, start).filter(|rest| !is_last || rest.is_empty()))
            {
                Some(rest) => name = rest,
                None => return false,
            }
        }
        name.is_empty()
    }
}

/// Where in `name` a chunk may begin: here, and after a star at every later byte up to the next slash.
fn starts<'a>(chunk: &Chunk, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let skippable = if chunk.after_star { name.iter().take_while(|byte| **byte != b'/').count() } else { 0 };
    (0..=skippable).filter_map(|skipped| name.get(skipped..))
}

/// What is left of `name` after all of `steps`, if they match its beginning.
fn consume<'a>(steps: &[Step], name: &'a [u8]) -> Option<&'a [u8]> {
    steps.iter().try_fold(name, |name, step| match step {
        Step::Byte(byte) => name.strip_prefix(std::slice::from_ref(byte)),
        Step::Any => match first_char(name)? {
            ('/', _) => None,
            (_, rest) => Some(rest),
        },
        Step::Class { negated, ranges } => {
            let (symbol, rest) = first_char(name)?;
            let listed = ranges.iter().any(|(low, high)| (*low..=*high).contains(&symbol));
            (listed != *negated).then_some(rest)
        }
    })
}

/// The first character and the rest; as in Go, a byte that begins no character counts as one U+FFFD.
fn first_char(bytes: &[u8]) -> Option<(char, &[u8])> {
    for length in 1..=bytes.len().min(4) {
        let (head, rest) = bytes.split_at_checked(length)?;
        if let Some(symbol) = std::str::from_utf8(head).ok().and_then(|text| text.chars().next()) {
            return Some((symbol, rest));
        }
    }
    Some((char::REPLACEMENT_CHARACTER, bytes.get(1..)?))
}

/// How far the pattern goes before its next star outside of brackets (path/match.go, scanChunk).
fn chunk_len(pattern: &str) -> usize {
    let mut in_class = false;
    let mut bytes = pattern.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => return at,
            _ => {}
        }
    }
    pattern.len()
}

/// The steps of one chunk (path/match.go, matchChunk).
fn parse_steps(chunk: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = chunk;
    while let Some(symbol) = rest.chars().next() {
        let mut tail = rest.get(symbol.len_utf8()..)?;
        let literal = match symbol {
            '[' => {
                let (class, after) = parse_class(tail)?;
                steps.push(class);
                rest = after;
                continue;
            }
            '?' => {
                steps.push(Step::Any);
                rest = tail;
                continue;
            }
            '\\' => {
                let escaped = tail.chars().next()?;
                tail = tail.get(escaped.len_utf8()..)?;
                escaped
            }
            _ => symbol,
        };
        steps.extend(literal.encode_utf8(&mut [0; 4]).bytes().map(Step::Byte));
        rest = tail;
    }
    Some(steps)
}

/// A character class after its `[`, and what follows its `]`. It holds at least one range.
fn parse_class(text: &str) -> Option<(Step, &str)> {
    let (negated, mut rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let mut ranges = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(']').filter(|_| !ranges.is_empty()) {
            return Some((Step::Class { negated, ranges }, after));
        }
        let (low, after_low) = class_char(rest)?;
        let (high, after) = after_low.strip_prefix('-').map_or(Some((low, after_low)), class_char)?;
        ranges.push((low, high));
        rest = after;
    }
}

/// One possibly escaped character of a class, which something must follow (path/match.go, getEsc).
fn class_char(text: &str) -> Option<(char, &str)> {
    if text.starts_with(['-', ']']) {
        return None;
    }
    let text = text.strip_prefix('\\').unwrap_or(text);
    let symbol = text.chars().next()?;
    text.get(symbol.len_utf8()..).filter(|rest| !rest.is_empty()).map(|rest| (symbol, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// path/match_test.go, matchTests: the pattern, the name, whether it matches; `None` for ErrBadPattern.
    const CASES: [(&str, &str, Option<bool>); 54] = [
        ("abc", "abc", Some(true)),
        ("*", "abc", Some(true)),
        ("*c", "abc", Some(true)),
        ("a*", "a", Some(true)),
        ("a*", "abc", Some(true)),
        ("a*", "ab/c", Some(false)),
        ("a*/b", "abc/b", Some(true)),
        ("a*/b", "a/c/b", Some(false)),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", Some(true)),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", Some(true)),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", Some(false)),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", Some(false)),
        ("a*b?c*x", "abxbbxdbxebxczzx", Some(true)),
        ("a*b?c*x", "abxbbxdbxebxczzy", Some(false)),
        ("ab[c]", "abc", Some(true)),
        ("ab[b-d]", "abc", Some(true)),
        ("ab[e-g]", "abc", Some(false)),
        ("ab[^c]", "abc", Some(false)),
        ("ab[^b-d]", "abc", Some(false)),
        ("ab[^e-g]", "abc", Some(true)),
        ("a\\*b", "a*b", Some(true)),
        ("a\\*b", "ab", Some(false)),
        ("a?b", "a☺b", Some(true)),
        ("a[^a]b", "a☺b", Some(true)),
        ("a???b", "a☺b", Some(false)),
        ("a[^a][^a][^a]b", "a☺b", Some(false)),
        ("[a-ζ]*", "α", Some(true)),
        ("*[a-ζ]", "A", Some(false)),
        ("a?b", "a/b", Some(false)),
        ("a*b", "a/b", Some(false)),
        ("[\\]a]", "]", Some(true)),
        ("[\\-]", "-", Some(true)),
        ("[x\\-]", "x", Some(true)),
        ("[x\\-]", "-", Some(true)),
        ("[x\\-]", "z", Some(false)),
        ("[\\-x]", "x", Some(true)),
        ("[\\-x]", "-", Some(true)),
        ("[\\-x]", "a", Some(false)),
        ("[]a]", "]", None),
        ("[-]", "-", None),
        ("[x-]", "x", None),
        ("[x-]", "-", None),
        ("[x-]", "z", None),
        ("[-x]", "x", None),
        ("[-x]", "-", None),
        ("[-x]", "a", None),
        ("\\", "a", None),
        ("[a-b-c]", "a", None),
        ("[", "a", None),
        ("[^", "a", None),
        ("[^bc", "a", None),
        ("a[", "ab", None),
        ("a/b[", "x", None),
        ("*x", "xxx", Some(true)),
    ];

    #[test]
    fn matches_as_go_matches() {
        for (pattern, name, expected) in CASES {
            assert_eq!(Glob::parse(pattern).map(|glob| glob.matches(name)), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn counts_in_bytes_where_go_does() {
        // A star may end inside a character; the bytes that are left then count as one character each.
        for (pattern, name, expected) in [
            ("*??", "☺", true),
            ("*???", "☺", false),
            ("*[^a][^a]", "☺", true),
            ("*\u{fffd}", "☺", false),
            ("*[\u{fffd}]", "☺", true),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("**a**", "bab", true),
            ("*a*", "b/a", false),
            ("[/]", "/", true),
        ] {
            assert_eq!(Glob::parse(pattern).map(|glob| glob.matches(name)), Some(expected), "{pattern} {name}");
        }
    }

    /// Matching as the definition of the syntax says it, without regard to cost.
    fn matches_slowly(chunks: &[Chunk], name: &[u8]) -> bool {
        let Some((chunk, later)) = chunks.split_first() else { return name.is_empty() };
        starts(chunk, name).any(|start| consume(&chunk.steps, start).is_some_and(|rest| matches_slowly(later, rest)))
    }

    proptest! {
        #[test]
        fn taking_the_first_fit_loses_nothing(pattern in "[ab*?/]{0,9}", name in "[ab/]{0,9}") {
            let glob = Glob::parse(&pattern).map(|glob| (glob.matches(&name), matches_slowly(&glob.0, name.as_bytes())));
            prop_assert!(glob.is_some_and(|(fast, slow)| fast == slow));
        }

        #[test]
        fn never_panics(pattern in ".{0,12}", name in ".{0,12}") {
            _ = Glob::parse(&pattern).map(|glob| glob.matches(&name));
        }
    }
}
