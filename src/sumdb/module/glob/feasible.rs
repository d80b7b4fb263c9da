//! Whether a pattern can match the first elements of any module path at all. The pattern is run over all such beginnings at once:
//! as a set of states of their grammar (`path.rs`, `check`), in one pass.
//!
//! The few rules that need more than a state (names that Windows reserves, major version suffixes) are left out, so the answer errs
//! on one side only: a pattern that is said to match nothing matches nothing.

use super::{Glob, Step};

/// What a character of a module path is to the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CharClass {
    /// a lower-case letter or a digit
    Plain,
    /// `-`, which cannot begin a path
    Dash,
    /// an upper-case letter, `_` or `~`, which stand in no host
    Other,
    Dot,
    Slash,
}

const CLASSES: [CharClass; 5] = [CharClass::Plain, CharClass::Dash, CharClass::Other, CharClass::Dot, CharClass::Slash];

impl CharClass {
    /// None for a character that stands in no module path.
    fn of(symbol: char) -> Option<CharClass> {
        match symbol {
            'a'..='z' | '0'..='9' => Some(CharClass::Plain),
            '-' => Some(CharClass::Dash),
            'A'..='Z' | '_' | '~' => Some(CharClass::Other),
            '.' => Some(CharClass::Dot),
            '/' => Some(CharClass::Slash),
            _ => None,
        }
    }
}

/// Where in a path a prefix of it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// in the host, no dot so far
    Host,
    /// in the host, after a character that is not a dot; there was one
    DottedHost,
    /// in the host, after a dot
    HostDot,
    /// after a slash
    Element,
    /// in a later element, after a character that is not a dot
    Named,
    /// in a later element, after a dot
    NamedDot,
}

impl State {
    fn after(self, kind: CharClass) -> Option<State> {
        match (self, kind) {
            (State::Start | State::Host, CharClass::Plain) | (State::Host, CharClass::Dash) => Some(State::Host),
            (State::DottedHost | State::HostDot, CharClass::Plain | CharClass::Dash) => Some(State::DottedHost),
            (State::Host | State::DottedHost | State::HostDot, CharClass::Dot) => Some(State::HostDot),
            (State::DottedHost | State::Named, CharClass::Slash) => Some(State::Element),
            (
                State::Element | State::Named | State::NamedDot,
                CharClass::Plain | CharClass::Dash | CharClass::Other,
            ) => Some(State::Named),
            (State::Named | State::NamedDot, CharClass::Dot) => Some(State::NamedDot),
            _ => None,
        }
    }

    /// Whether the elements so far are whole.
    fn is_whole(self) -> bool {
        matches!(self, State::DottedHost | State::Named)
    }
}

impl Glob {
    /// Whether there is a module path whose first elements the pattern matches.
    pub(in super::super) fn can_match(&self) -> bool {
        let mut states = vec![State::Start];
        for chunk in &self.0 {
            if chunk.after_star {
                states = after_star(states);
            }
            for step in &chunk.steps {
                states = after(&states, &kinds(step));
            }
        }
        states.into_iter().any(State::is_whole)
    }
}

/// The states that one character of one of these kinds leads to.
fn after(states: &[State], kinds: &[CharClass]) -> Vec<State> {
    let mut next = Vec::new();
    for state in states.iter().flat_map(|state| kinds.iter().filter_map(|kind| state.after(*kind))) {
        if !next.contains(&state) {
            next.push(state);
        }
    }
    next
}

/// The states that any number of characters but slashes leads to.
fn after_star(mut states: Vec<State>) -> Vec<State> {
    let kinds = kinds(&Step::Any);
    loop {
        let more: Vec<State> = after(&states, &kinds).into_iter().filter(|state| !states.contains(state)).collect();
        if more.is_empty() {
            return states;
        }
        states.extend(more);
    }
}

/// The kinds of characters that a step matches.
fn kinds(step: &Step) -> Vec<CharClass> {
    match step {
        Step::Byte(byte) => CharClass::of(char::from(*byte)).into_iter().collect(),
        Step::Any => CLASSES.into_iter().filter(|kind| *kind != CharClass::Slash).collect(),
        Step::Class { negated, ranges } => {
            let mut kinds = Vec::new();
            for (symbol, kind) in ('-'..='~').filter_map(|symbol| Some((symbol, CharClass::of(symbol)?))) {
                let is_listed = || ranges.iter().any(|(low, high)| (*low..=*high).contains(&symbol));
                if !kinds.contains(&kind) && is_listed() != *negated {
                    kinds.push(kind);
                }
            }
            kinds
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::path::ModulePath;
    use super::*;

    fn can_match(pattern: &str) -> bool {
        Glob::parse(pattern).unwrap().can_match()
    }

    #[test]
    fn patterns_that_people_write_can_match() {
        for pattern in [
            "*",
            "*/*",
            "*.corp.example",
            "corp.example",
            "corp.example/Team",
            "corp.example/team/*/v2",
            "rsc*",
            "?*?.?",
            "[a-c].example",
            "[^.].b",
            "*[.]*",
            "a.b/[^x]*",
            "a.b/\\A",
            "co\\.rp.example",
            "git-*.corp.example/x_y~z",
            "a..b",
            "*/-",
            "a.b/-",
            "a[/.]b",
        ] {
            assert!(can_match(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_outside_of_the_grammar_cannot() {
        for pattern in [
            "",
            "corp",
            "none",
            "corp*/x\\*",
            " corp.example",
            "corp.example ",
            "a. b",
            "https://corp.example",
            "/abs",
            "//",
            "/",
            "a.b//c",
            "a.b/",
            "a.b/...",
            "a.b/.x",
            "a.b/x.",
            "a.b.",
            ".a.b",
            "-a.b",
            "Corp.example",
            "corp.Example/x",
            "[A-Z]*.b",
            "corp_x.example",
            "corp.example:443",
            "me@corp.example",
            "a.b/x@v1",
            "a.b/[ ]",
            "a.b/\u{e9}",
            "a.b/[\u{e9}]",
            "a.b\t",
            "\"a.b\"",
            "a.b/\\*",
            "a.b/c d",
            "corp/*",
            "cor?/x",
            "[^a-z0-9]*",
            "-*.b",
        ] {
            assert!(!can_match(pattern), "{pattern}");
        }
    }

    proptest! {
        /// What matches the beginning of a module path is never said to match none.
        #[test]
        fn what_matches_a_path_can_match(pattern in "[ab.*?/A-]{1,9}|a[.]b/[\\[\\]^a-b]{0,5}", path in "[ab]{1,3}\\.[ab]{1,2}(/[abA]{1,3}){0,2}") {
            let glob = Glob::parse(&pattern);
            let path = ModulePath::parse(&path).unwrap();
            let beginnings = path.as_str().match_indices('/').map(|(at, _)| at).chain([path.as_str().len()]);
            for end in beginnings {
                let beginning = path.as_str().get(..end).unwrap();
                if let Some(glob) = &glob && glob.matches(beginning) {
                    prop_assert!(glob.can_match(), "{pattern} {beginning}");
                }
            }
        }
    }
}
