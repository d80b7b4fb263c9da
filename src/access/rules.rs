//! The rules: whether a client may do what it asks. Pure: an identity and a scope in, a verdict out.
//!
//! The first rule that is about the client, the action and the module decides. If none is: a token of ours may do what its scopes
//! say, and nobody else may do anything. If there is no rule at all, everybody who signed in may read, and see the page. Scopes are
//! also the most that a token may do, whatever the rules say.
//!
//! Some requests name no module. Heads and hash tiles tell nothing of modules, and every client that checks one module needs them:
//! [`Scope::AnyModule`] is for all who may read something. A list of modules is for them too, and names only what they may read
//! ([`Scope::Listing`]). Data tiles and files of the log hold the names of all modules:
//! [`Scope::AllModules`] is for those who may read all.

use super::identity::{Identity, Scopes};
use crate::config::settings::{AccessRule, Action, Who};
use crate::sumdb::module::Patterns;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// an answer for all: whether the server is alive
    Open,
    /// the page for people
    Page,
    /// metrics
    Metrics,
    /// what changes the server
    Admin,
    /// what tells nothing of modules
    AnyModule,
    /// a list of modules, of which each is judged by itself
    Listing,
    /// what names all modules
    AllModules,
    /// this module, by its path, not escaped
    Module(String),
}

/// The client: its verified credentials, and the names in its verified certificate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Client<'a> {
    pub(super) identity: Option<&'a Identity>,
    pub(super) certificate: &'a [String],
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// it may, as every client may
    Public,
    /// it may, and others may not
    Private,
    /// it may not; the reason that a rule gives
    Refused(Option<String>),
    /// the scopes of its token do not cover it
    OutOfScope,
}

#[derive(Debug, Clone)]
struct Rule {
    rule: AccessRule,
    /// the members of the groups that it names
    members: Vec<Who>,
}

/// All rules, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules(Vec<Rule>);

/// Whether patterns cover what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covers {
    Yes,
    No,
    /// some of it
    Partly,
}

impl Scope {
    pub(super) fn action(&self) -> Action {
        match self {
            Scope::Open | Scope::AnyModule | Scope::Listing | Scope::AllModules | Scope::Module(_) => Action::Read,
            Scope::Page => Action::Page,
            Scope::Metrics => Action::Metrics,
            Scope::Admin => Action::Admin,
        }
    }

    /// What it is, for people.
    pub(super) fn words(&self) -> String {
        match self {
            Scope::Open | Scope::Page => "see this page".to_owned(),
            Scope::Metrics => "read /metrics".to_owned(),
            Scope::Admin => "use the admin interface".to_owned(),
            Scope::AnyModule => "read any module here".to_owned(),
            Scope::Listing => "list modules".to_owned(),
            Scope::AllModules => "read what names all modules".to_owned(),
            Scope::Module(module) => format!("read {module}"),
        }
    }

    fn covered_by(&self, modules: Option<&Patterns>) -> Covers {
        match (modules, self) {
            (None, _) => Covers::Yes,
            (Some(patterns), Scope::Module(module)) if patterns.matching(module).is_some() => Covers::Yes,
            (Some(_), Scope::Module(_)) => Covers::No,
            (Some(_), _) => Covers::Partly,
        }
    }
}

impl Scopes {
    fn allow(&self, scope: &Scope) -> bool {
        let covers = scope.covered_by(self.modules.as_ref());
        self.may.contains(&scope.action())
            && (covers == Covers::Yes || covers == Covers::Partly && *scope != Scope::AllModules)
    }
}

impl Client<'_> {
    pub(super) fn is_signed_in(&self) -> bool {
        self.identity.is_some() || !self.certificate.is_empty()
    }

    fn is(&self, who: &Who) -> bool {
        match who {
            Who::Anyone => true,
            Who::SignedIn => self.is_signed_in(),
            Who::Certificate(name) => self.certificate.contains(name),
            Who::Group(name) => self.identity.is_some_and(|identity| identity.groups.contains(name)),
            Who::User(_) | Who::Token(_) => self.identity.is_some_and(|identity| identity.is(who)),
        }
    }
}

impl Rules {
    /// These rules, with the members of the groups that they name.
    pub(super) fn new(rules: &[AccessRule], groups: &[(String, Vec<Who>)]) -> Rules {
        let members = |who: &Who| match who {
            Who::Group(name) => groups.iter().find(|(group, _)| group == name).map(|(_, members)| members.clone()),
            _ => None,
        };
        let rules = rules.iter().map(|rule| {
            let members = rule.who.iter().filter_map(members).flatten().collect();
            Rule { rule: rule.clone(), members }
        });
        Rules(rules.collect())
    }

    /// Whether `client` may have what `scope` says.
    pub(super) fn judge(&self, client: Client<'_>, scope: &Scope) -> Verdict {
        if *scope == Scope::Open {
            return Verdict::Public;
        }
        let scopes = client.identity.and_then(|identity| identity.scopes.as_ref());
        if scopes.is_some_and(|scopes| !scopes.allow(scope)) {
            return Verdict::OutOfScope;
        }
        for Rule { rule, members } in &self.0 {
            let is_about =
                rule.may.contains(&scope.action()) && rule.who.iter().chain(members).any(|who| client.is(who));
            let covers = scope.covered_by(rule.modules.as_ref());
            if !is_about || covers == Covers::No {
                continue;
            }
            match (&rule.refuse, covers, scope) {
                // To read something is enough for the one, and nothing less than all for the other.
                (None, Covers::Partly, Scope::AllModules)
                | (Some(_), Covers::Partly, Scope::AnyModule | Scope::Listing) => {}
                (None, ..) if rule.who.contains(&Who::Anyone) => return Verdict::Public,
                (None, ..) => return Verdict::Private,
                (Some(reason), ..) => return Verdict::Refused(Some(reason.clone())),
            }
        }
        let by_default = self.0.is_empty() && matches!(scope.action(), Action::Read | Action::Page);
        match scopes {
            Some(_) => Verdict::Private,
            None if by_default && client.is_signed_in() => Verdict::Private,
            None => Verdict::Refused(None),
        }
    }
}

#[cfg(test)]
#[path = "rules/tests.rs"]
mod tests;
