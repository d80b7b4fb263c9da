//! Patterns that match no module path: the reason, and the pattern that was probably meant.
//!
//! Go passes over them in silence, and names the modules that they were to protect to everybody.

use std::fmt;

use super::super::printable::quoted;
use super::glob::Glob;

/// Elements of a pattern at most in which something that was meant is looked for.
const MAX_ELEMENTS: usize = 32;
/// Bytes of such a pattern at most.
const MAX_BYTES: usize = 4096;
/// What ends the scheme of a URL.
const SCHEME_END: &str = "://";

/// A pattern that matches no module path. Printed as the pattern and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatchable {
    pattern: String,
    reason: Reason,
    meant: Option<String>,
}

/// Why a pattern matches no module path. Where several reasons apply, the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// it breaks the syntax of path.Match
    Malformed,
    /// whitespace at its beginning or end
    Blank,
    /// `https://` or another scheme
    Scheme,
    /// a slash at its beginning, two in a row
    EmptyElement,
    /// a character that stands in no module path
    Character(char),
    /// an upper-case letter in its first element
    UpperCaseHost,
    /// an element that begins or ends with a dot
    Dot,
    /// a first element without a dot
    NoHost,
    /// anything else
    Grammar,
}

impl Unmatchable {
    /// `pattern`, which is malformed or can match no module path.
    pub(super) fn new(pattern: &str) -> Unmatchable {
        Unmatchable { pattern: pattern.to_owned(), reason: reason(pattern), meant: meant(pattern) }
    }

    /// As it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Why it matches nothing.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// A pattern that can match and that matches everything that this one was probably meant to match, if there is one.
    pub fn meant(&self) -> Option<&str> {
        self.meant.as_deref()
    }
}

impl fmt::Display for Unmatchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pattern {} matches no module: {}", quoted(&self.pattern), self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Malformed => "it is malformed (an unclosed [ or a \\ at its end)",
            Reason::Blank => "it begins or ends with a blank",
            Reason::Scheme => "a module path has no scheme such as https://",
            Reason::EmptyElement => "it begins with a slash, or has two in a row",
            Reason::Character(symbol) => return write!(f, "no module path has the character {symbol:?}"),
            Reason::UpperCaseHost => "the first element of a module path has no upper-case letters",
            Reason::Dot => "no element of a module path begins or ends with a dot",
            Reason::NoHost => "the first element of a module path has a dot in it",
            Reason::Grammar => "no module path has this form",
        })
    }
}

fn reason(pattern: &str) -> Reason {
    let bare = pattern.strip_suffix('/').unwrap_or(pattern);
    let host = bare.split('/').next().unwrap_or_default();
    let is_literal = |text: &str| !text.contains(['*', '?', '[', '\\']);
    let unknown = bare.chars().find(|symbol| !symbol.is_ascii_alphanumeric() && !"-._~/*?[]^\\".contains(*symbol));
    if pattern.trim() != pattern {
        Reason::Blank
    } else if pattern.contains(SCHEME_END) {
        Reason::Scheme
    } else if Glob::parse(bare).is_none() {
        Reason::Malformed
    } else if bare.split('/').any(str::is_empty) {
        Reason::EmptyElement
    } else if let Some(symbol) = unknown {
        Reason::Character(symbol)
    } else if is_literal(host) && host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Reason::UpperCaseHost
    } else if bare.split('/').any(|element| element.starts_with('.') || element.ends_with('.')) {
        Reason::Dot
    } else if is_literal(host) && !host.contains('.') {
        Reason::NoHost
    } else {
        Reason::Grammar
    }
}

/// Without blanks, quotes, a scheme, a user, a port; the host in lower case; and of the elements as many as can be matched: rather
/// too few than a name let out.
fn meant(pattern: &str) -> Option<String> {
    if pattern.len() > MAX_BYTES {
        return None;
    }
    let decoration = |symbol: char| symbol.is_whitespace() || symbol.is_control() || "\"'`\\".contains(symbol);
    let bare = pattern.trim_matches(decoration);
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest).trim_start_matches('/');
    let (host, rest) = bare.split_once('/').unwrap_or((bare, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let mut candidate = host.trim_end_matches('.').to_ascii_lowercase();
    if candidate.starts_with('.') {
        // Elsewhere, as in NO_PROXY, a dot at the beginning stands for every host below.
        candidate.insert(0, '*');
    }
    let mut found = None;
    let mut elements = rest.split('/').take(MAX_ELEMENTS);
    while Glob::parse(&candidate).is_some_and(|glob| glob.can_match()) {
        found = Some(candidate.clone());
        let Some(element) = elements.next() else { break };
        candidate = format!("{candidate}/{element}");
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found() {
        for (pattern, reason, meant) in [
            (" corp.example", Reason::Blank, Some("corp.example")),
            ("corp.example/x\t", Reason::Blank, Some("corp.example/x")),
            ("https://corp.example/x", Reason::Scheme, Some("corp.example/x")),
            ("ssh://git@corp.example:22/Team/x", Reason::Scheme, Some("corp.example/Team/x")),
            ("git@corp.example:team/x.git", Reason::Character('@'), Some("corp.example/x.git")),
            ("\"corp.example\"", Reason::Character('"'), Some("corp.example")),
            ("Corp.Example/Team", Reason::UpperCaseHost, Some("corp.example/Team")),
            ("corp.example:443", Reason::Character(':'), Some("corp.example")),
            ("/corp.example", Reason::EmptyElement, Some("corp.example")),
            ("corp.example//", Reason::EmptyElement, Some("corp.example")),
            ("corp.example/a//b", Reason::EmptyElement, Some("corp.example/a")),
            ("corp.example/...", Reason::Dot, Some("corp.example")),
            ("corp.example/x/[a-", Reason::Malformed, Some("corp.example/x")),
            ("*.example/[a-", Reason::Malformed, Some("*.example")),
            ("corp.example\\", Reason::Malformed, Some("corp.example")),
            ("corp.example/m@v1.0.0", Reason::Character('@'), Some("corp.example")),
            ("corp.example.", Reason::Dot, Some("corp.example")),
            (".corp.example", Reason::Dot, Some("*.corp.example")),
            ("corp[", Reason::Malformed, None),
            ("corp", Reason::NoHost, None),
            ("/abs", Reason::EmptyElement, None),
            ("/", Reason::EmptyElement, None),
            ("[A-Z].[A-Z]", Reason::Grammar, Some("[a-z].[a-z]")),
        ] {
            let found = Unmatchable::new(pattern);
            assert_eq!((found.reason(), found.meant()), (reason, meant), "{pattern}");
            assert!(found.to_string().starts_with("the pattern \""), "{found}");
        }
        let long = format!(" {}", "a.b/".repeat(MAX_BYTES));
        assert_eq!(Unmatchable::new(&long).meant(), None);
    }
}
