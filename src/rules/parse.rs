//! A file of rules, line by line: words, a quoted reason, a comment.

use std::ops::Range;

use super::range::{self, VersionRange};
use super::{MAX_REASON, MAX_RULES, Rule, RuleAction, RuleError};
use crate::sumdb::module::Patterns;

/// What begins a rule.
const ACTIONS: &str = "allow, deny or route";

/// A word of a line, or a text in quotes, and where it stands in the whole text.
#[derive(Debug, Clone)]
struct Token<'a> {
    word: &'a str,
    /// a text in quotes, without them
    quoted: Option<String>,
    place: Range<usize>,
}

/// The rules of a text.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>, RuleError> {
    let mut rules = Vec::new();
    let mut at = 0;
    for (number, line) in text.split('\n').enumerate() {
        let bare = line.strip_suffix('\r').unwrap_or(line);
        let tokens = tokens(bare, at)?;
        if let Some(rule) = rule(&tokens, number + 1, text, at..at + bare.len())? {
            rules.push(rule);
        }
        if rules.len() > MAX_RULES {
            return Err(error(at..at + bare.len(), format!("more than {MAX_RULES} rules")));
        }
        at += line.len() + 1;
    }
    Ok(rules)
}

fn error(place: Range<usize>, why: impl Into<String>) -> RuleError {
    RuleError { place, why: why.into() }
}

/// The tokens of a line, which begins at `start`. A `#` at the beginning of a word begins a comment.
fn tokens(line: &str, start: usize) -> Result<Vec<Token<'_>>, RuleError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if blank > 0 {
            at += blank;
            continue;
        }
        if rest.starts_with('#') {
            break;
        }
        let (len, quoted) = if rest.starts_with('"') {
            let (len, text) = quoted(rest)
                .ok_or_else(|| error(start + at..start + line.len(), "the quotation mark is not closed"))?;
            (len, Some(text))
        } else {
            (rest.find([' ', '\t']).unwrap_or(rest.len()), None)
        };
        let word = rest.get(..len).unwrap_or(rest);
        tokens.push(Token { word, quoted, place: start + at..start + at + len });
        at += len;
    }
    Ok(tokens)
}

/// The length of a text in quotes at the beginning of `rest`, and the text. `\"` and `\\` are a quotation mark and a backslash.
fn quoted(rest: &str) -> Option<(usize, String)> {
    let (mut text, mut escaped) = (String::new(), false);
    for (at, symbol) in rest.char_indices().skip(1) {
        match symbol {
            '"' if !escaped => return Some((at + 1, text)),
            '\\' if !escaped => escaped = true,
            symbol => {
                if escaped && symbol != '"' && symbol != '\\' {
                    text.push('\\');
                }
                text.push(symbol);
                escaped = false;
            }
        }
    }
    None
}

/// The rule of a line; none where the line has no token.
fn rule(tokens: &[Token<'_>], line: usize, text: &str, whole: Range<usize>) -> Result<Option<Rule>, RuleError> {
    let Some((action, rest)) = tokens.split_first() else { return Ok(None) };
    let end = tokens.last().map_or(whole.end, |last| last.place.end);
    let lacks = |what: &str| error(action.place.start..end, format!("{what} is missing"));
    match (action.word, action.quoted.is_some()) {
        ("allow" | "deny", false) => {}
        ("route", false) => return route(rest, line, text, &lacks).map(Some),
        _ => return Err(error(action.place.clone(), format!("a rule begins with {ACTIONS}"))),
    }
    let (name, rest) = rest.split_first().ok_or_else(|| lacks("the pattern of the modules"))?;
    let patterns = pattern(name)?;
    let (versions, rest) = versions(rest)?;
    let (reason, rest) = match rest.split_first() {
        Some((Token { quoted: Some(reason), place, .. }, rest)) if action.word == "deny" => {
            (checked_reason(reason, place)?, rest)
        }
        _ => (String::new(), rest),
    };
    if let Some(more) = rest.first() {
        let why = match (&more.quoted, action.word) {
            (Some(_), "allow") => "only a deny has a reason".to_owned(),
            (Some(_), _) => "a rule has one reason".to_owned(),
            (None, _) => "neither a version such as >=v1.2.0 nor a reason in quotation marks".to_owned(),
        };
        return Err(error(more.place.clone(), why));
    }
    let action = if action.word == "deny" { RuleAction::Deny { reason } } else { RuleAction::Allow };
    let text = text.get(tokens.first().map_or(0, |first| first.place.start)..end).unwrap_or_default().to_owned();
    Ok(Some(Rule { line, action, text, pattern: name.word.to_owned(), patterns, versions }))
}

/// `route [public] PATTERN = LIST`, after the first word.
fn route(rest: &[Token<'_>], line: usize, text: &str, lacks: &dyn Fn(&str) -> RuleError) -> Result<Rule, RuleError> {
    let (is_public, rest) = match rest.split_first() {
        Some((first, rest)) if first.word == "public" => (true, rest),
        _ => (false, rest),
    };
    let (name, rest) = rest.split_first().ok_or_else(|| lacks("the pattern of the modules"))?;
    let patterns = pattern(name)?;
    let (sign, rest) = rest.split_first().ok_or_else(|| lacks("= and the upstreams, as in = https://host/path"))?;
    if sign.word != "=" {
        let why = if range::is_part(sign.word) {
            "a route is for all versions of a module"
        } else {
            "= and the upstreams follow the pattern, as in = https://host/path"
        };
        return Err(error(sign.place.clone(), why));
    }
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return Err(lacks("the list of upstreams")) };
    let place = first.place.start..last.place.end;
    let to = text.get(place.clone()).unwrap_or_default().to_owned();
    let public = if is_public { "public " } else { "" };
    let shown = format!("route {public}{}", name.word);
    let action = RuleAction::Route { to, place, is_public };
    Ok(Rule { line, action, text: shown, pattern: name.word.to_owned(), patterns, versions: None })
}

fn pattern(token: &Token<'_>) -> Result<Patterns, RuleError> {
    let fault = |why: String| Err(error(token.place.clone(), why));
    if token.quoted.is_some() {
        return fault("a pattern stands without quotation marks".to_owned());
    }
    if token.word.contains(',') {
        return fault("one pattern a rule: write a rule for each".to_owned());
    }
    let patterns = Patterns::parse(token.word);
    match patterns.unmatchable().first() {
        Some(wrong) => fault(match wrong.meant() {
            Some(meant) => format!("{wrong}; write {meant}"),
            None => format!("{wrong}; write it as in GOPRIVATE: corp.example or *.corp.example/team"),
        }),
        None if patterns.is_empty() => fault("names no module".to_owned()),
        None => Ok(patterns),
    }
}

/// The range of versions at the beginning of these tokens, and the tokens after it.
fn versions<'a, 'b>(rest: &'a [Token<'b>]) -> Result<(Option<VersionRange>, &'a [Token<'b>]), RuleError> {
    let is_part = |token: &Token<'_>| token.quoted.is_none() && range::is_part(token.word);
    let count = rest.iter().take_while(|token| is_part(token)).count();
    if count == 0 {
        return Ok((None, rest));
    }
    let (parts, rest) = rest.split_at(count);
    let words: Vec<&str> = parts.iter().map(|token| token.word).collect();
    let range = VersionRange::parse(&words).map_err(|(number, why)| {
        let place = parts.get(number).or(parts.first()).map_or(0..0, |token| token.place.clone());
        error(place, why)
    })?;
    Ok((Some(range), rest))
}

fn checked_reason(reason: &str, place: &Range<usize>) -> Result<String, RuleError> {
    if reason.len() > MAX_REASON {
        return Err(error(
            place.clone(),
            format!("a reason has at most {MAX_REASON} bytes, so that go shows all of it"),
        ));
    }
    if reason.chars().any(char::is_control) {
        return Err(error(place.clone(), "a reason has no control characters"));
    }
    Ok(reason.trim().to_owned())
}
