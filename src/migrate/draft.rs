//! The settings so far, and their text. Each says what it was made of.

use std::fmt::Write as _;
use std::path::Path;

use crate::config::GoEnv;
use crate::config::settings::{FILE_NAME, Layers, SETTINGS, Settings};
use crate::report::printable;
use crate::rules::Rules;

/// Settings, rules and what is left to a person.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Draft {
    settings: Vec<Line>,
    /// of one upstream each
    upstreams: Vec<(String, Vec<Line>)>,
    /// the lines of a file of rules, in order
    rules: Vec<String>,
    /// what a person has to do, with lines to uncomment then
    todo: Vec<(String, Vec<String>)>,
    /// what has no counterpart
    without: Vec<String>,
}

/// `key = value`, and what it was made of.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    key: &'static str,
    value: String,
    of: String,
}

impl Line {
    fn refused(&self, why: &str) -> String {
        format!("{}: as {} = {} it is not understood: {why}", self.of, self.key, self.value)
    }
}

/// Whether two settings need each other.
fn needs(one: &str, other: &str) -> bool {
    let group = |key: &str| match key {
        "listen" => "tls",
        key if key.starts_with("tls.") => "tls",
        key if key.starts_with("private") => "private",
        _ => "",
    };
    !group(one).is_empty() && group(one) == group(other)
}

/// Whether a server takes settings; why not, on one line.
fn understood(settings: &str) -> Result<(), String> {
    let nothing = GoEnv::resolve(|_| None, "", "");
    // A data folder is the user's own where nothing names one.
    let environment = |name: &str| (name == "HOME").then(|| "/".to_owned());
    let layers = Layers::of_text(SETTINGS, Path::new(FILE_NAME), settings);
    let read = layers.and_then(|layers| Settings::of(&layers, &nothing, environment));
    read.map(drop).map_err(|fault| fault.to_string().lines().next().unwrap_or_default().to_owned())
}

/// A string as TOML has it.
pub(super) fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// A list of strings as TOML has it.
pub(super) fn list(values: &[String]) -> String {
    toml::Value::Array(values.iter().cloned().map(toml::Value::String).collect()).to_string()
}

impl Draft {
    /// A setting, whose value is TOML; `of` is what says so there. A later one takes the place of an earlier one.
    pub(super) fn set(&mut self, key: &'static str, value: String, of: impl Into<String>) {
        self.settings.retain(|line| line.key != key);
        self.settings.push(Line { key, value, of: of.into() });
    }

    /// A setting of one upstream.
    pub(super) fn set_upstream(&mut self, url: &str, key: &'static str, value: String, of: impl Into<String>) {
        let line = Line { key, value, of: of.into() };
        match self.upstreams.iter_mut().find(|(known, _)| known == url) {
            Some((_, lines)) => lines.push(line),
            None => self.upstreams.push((url.to_owned(), vec![line])),
        }
    }

    /// A rule, behind those before. One that is none here stays where it stood: without it others would decide, so a server
    /// that does not start is what there has to be until somebody mended it.
    pub(super) fn rule(&mut self, rule: String) {
        if let Err(error) = Rules::parse(&rule) {
            self.todo(
                format!("mend this rule, with which no server starts: {}", error.why),
                std::slice::from_ref(&rule),
            );
        }
        self.rules.push(rule);
    }

    /// Something that a person has to do first, and the lines that say it then.
    pub(super) fn todo(&mut self, what: impl Into<String>, lines: &[String]) {
        self.todo.push((what.into(), lines.to_vec()));
    }

    /// Something that has no counterpart, and what comes of that.
    pub(super) fn without(&mut self, what: impl Into<String>) {
        self.without.push(what.into());
    }

    /// Takes out what a server would not understand, as a value beyond its bounds, and names it.
    pub(super) fn keep_what_is_understood(&mut self) {
        let lines = std::mem::take(&mut self.settings);
        let proxy = lines.iter().find(|line| line.key == "proxy").map(|line| format!("proxy = {}\n", line.value));
        let mut groups: Vec<Vec<Line>> = Vec::new();
        for line in lines {
            let is_same = |group: &&mut Vec<Line>| group.iter().any(|other| needs(other.key, line.key));
            match groups.iter_mut().find(is_same) {
                Some(group) => group.push(line),
                None => groups.push(vec![line]),
            }
        }
        for group in groups {
            match understood(&group.iter().map(|line| format!("{} = {}\n", line.key, line.value)).collect::<String>()) {
                Ok(()) => self.settings.extend(group),
                Err(why) => group.iter().for_each(|line| self.without.push(line.refused(&why))),
            }
        }
        for (url, lines) in std::mem::take(&mut self.upstreams) {
            let table = format!("{}[upstreams.{}]\n", proxy.clone().unwrap_or_default(), text(&url));
            let mut kept = Vec::new();
            for line in lines {
                match understood(&format!("{table}{} = {}\n", line.key, line.value)) {
                    Ok(()) => kept.push(line),
                    Err(why) => self.without.push(line.refused(&why)),
                }
            }
            self.upstreams.extend((!kept.is_empty()).then_some((url, kept)));
        }
    }

    /// The rules, as the text of a file; none where there is none.
    pub fn rules(&self) -> Option<String> {
        (!self.rules.is_empty()).then(|| self.rules.iter().map(|rule| format!("{rule}\n")).collect())
    }

    /// The text of a `gosumcheck.toml`, where the rules are in the file `rules`, or in none yet. `from` says whose settings they
    /// were.
    pub fn toml(&self, from: &str, rules: Option<&str>) -> String {
        let mut out = format!("# The settings of {from}, as `gosumcheck serve` has them.\n");
        out += "# `gosumcheck serve --check-config --config FILE` shows what they come to.\n";
        for Line { key, value, of } in &self.settings {
            let _ = write!(out, "\n# {}\n{key} = {value}\n", printable(of));
        }
        if let (Some(text), Some(rules)) = (self.rules(), rules) {
            let count = text.lines().count();
            let _ = write!(out, "\n# {count} rules, in a file of their own\nrules = {}\n", self::text(rules));
        }
        for (what, lines) in &self.todo {
            let _ = write!(out, "\n# TO DO: {}\n", printable(what));
            lines.iter().for_each(|line| out += &format!("# {}\n", printable(line)));
        }
        if let (Some(text), None) = (self.rules(), rules) {
            out += "\n# TO DO: put these rules into a file (`--rules FILE` writes it), and name it:\n# rules = \"gosumcheck.rules\"\n";
            text.lines().for_each(|rule| out += &format!("#   {}\n", printable(rule)));
        }
        if !self.without.is_empty() {
            out += "\n# Without a counterpart:\n";
            self.without.iter().for_each(|what| out += &format!("# - {}\n", printable(what)));
        }
        for (url, lines) in &self.upstreams {
            let _ = write!(out, "\n[upstreams.{}]\n", text(url));
            lines.iter().for_each(|Line { key, value, of }| out += &format!("{key} = {value} # {}\n", printable(of)));
        }
        out
    }
}
