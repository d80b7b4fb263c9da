//! The file of rules about modules that the setting `rules` names: read whole, each rule understood, each route's upstreams too.

use std::path::Path;

use super::layers::read_text;
use super::point::complaint;
use crate::config::ProxyList;
use crate::fault::Fault;
use crate::rules::{RuleAction, Rules};
use crate::sumdb::module::Patterns;

/// A file of rules. Without one: no rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesFile {
    /// as messages call it
    pub name: String,
    /// in order
    pub rules: Rules,
    /// the upstreams of each route, by the number of its rule
    routes: Vec<(usize, ProxyList)>,
}

impl RulesFile {
    /// The upstreams of each route, with the number of its rule, from 0.
    pub fn routes(&self) -> impl Iterator<Item = (usize, &ProxyList)> {
        self.routes.iter().map(|(number, list)| (*number, list))
    }

    /// What is to be said of rules that decide nothing.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let name = &self.name;
        self.rules.unreachable().map(move |(rule, earlier)| {
            format!(
                "{name}:{}: this rule decides nothing: line {} matches all that it matches",
                rule.line, earlier.line
            )
        })
    }

    /// Whether private modules have a route.
    pub fn has_private_routes(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.action, RuleAction::Route { is_public: false, .. }))
    }
}

/// Reads a file; `private` are the patterns of private modules.
///
/// # Errors
/// `Usage`: the file cannot be read, or a line of it makes no sense, with its place.
pub(super) fn read(path: &Path, private: &Patterns) -> Result<RulesFile, Fault> {
    understood(path, &read_text(path)?, private)
}

fn understood(path: &Path, text: &str, private: &Patterns) -> Result<RulesFile, Fault> {
    let name = path.display().to_string();
    let fault = |place: &std::ops::Range<usize>, why: &str| Fault::Usage(complaint(&name, text, place, why));
    let rules = Rules::parse(text).map_err(|error| fault(&error.place, &error.why))?;
    let mut routes = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let RuleAction::Route { to, place, is_public } = &rule.action else { continue };
        let list = ProxyList::parse(to).map_err(|wrong| fault(place, &wrong.to_string()))?;
        if list.is_off() {
            return Err(fault(place, "off is nowhere: write a deny in place of the route, with a reason"));
        }
        if !is_public && !rule.is_within(private) {
            let pattern = rule.pattern();
            let why = format!(
                "are these modules private? If they are, add {pattern} to the setting private; if a checksum database has them, \
                 write: route public {pattern} = ..."
            );
            return Err(fault(place, &why));
        }
        routes.push((number, list));
    }
    Ok(RulesFile { name, rules, routes })
}
