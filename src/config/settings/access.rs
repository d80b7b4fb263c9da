//! `[access]` of gosumcheck.toml beyond its single values: groups, rules and issuers of tokens, each fault at its line.

use std::collections::BTreeSet;
use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{GROUPS, ISSUER, RULE, SettingsFile};
use super::fields::{only, text, words};
use super::issuer::{self, IssuerSettings};
use super::source::{ByteRange, ValueSource};
use crate::fault::Fault;
use crate::sumdb::module::Patterns;

/// The tables of `[access]` that are not single values, by name.
pub const ACCESS_TABLES: [&str; 3] = [GROUPS, RULE, ISSUER];

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// modules and the checksum database
    Read,
    /// the page for people, `/`
    Page,
    /// `/metrics`
    Metrics,
    /// what changes the server
    Admin,
}

impl Action {
    /// All actions, with their words.
    pub const ALL: [(&'static str, Action); 4] =
        [("read", Action::Read), ("page", Action::Page), ("metrics", Action::Metrics), ("admin", Action::Admin)];

    /// The action of a word.
    ///
    /// # Errors
    /// The words that there are.
    pub fn parse(text: &str) -> Result<Action, String> {
        let found = Action::ALL.iter().find(|(word, _)| *word == text).map(|(_, action)| *action);
        found.ok_or_else(|| format!("{text:?} is not one of {}", Action::ALL.map(|(word, _)| word).join(", ")))
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Action::ALL.iter().find(|(_, action)| *action == self).map_or("", |(word, _)| word)
    }
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// every client, with credentials or without
    Anyone,
    /// every client with valid credentials
    SignedIn,
    /// the user with this name in the password file
    User(String),
    /// the token with this name
    Token(String),
    /// a client whose certificate has this name
    Certificate(String),
    /// the members of a group, and the bearers of tokens of an issuer that puts them in it
    Group(String),
}

impl Who {
    /// As rules and groups write it: `anyone`, `signed-in`, `user:NAME`, `token:NAME`, `cert:NAME`, `group:NAME`.
    ///
    /// # Errors
    /// How it is written, in words.
    pub fn parse(text: &str) -> Result<Who, String> {
        let how = || format!("{text:?}: write anyone, signed-in, user:NAME, token:NAME, cert:NAME or group:NAME");
        let (kind, name) = match text {
            "anyone" => return Ok(Who::Anyone),
            "signed-in" => return Ok(Who::SignedIn),
            _ => text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or_else(how)?,
        };
        let name = name.to_owned();
        match kind {
            "user" => Ok(Who::User(name)),
            "token" => Ok(Who::Token(name)),
            "cert" => Ok(Who::Certificate(name)),
            "group" => Ok(Who::Group(name)),
            _ => Err(how()),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Anyone => f.write_str("anyone"),
            Who::SignedIn => f.write_str("signed-in"),
            Who::User(name) => write!(f, "user:{name}"),
            Who::Token(name) => write!(f, "token:{name}"),
            Who::Certificate(name) => write!(f, "cert:{name}"),
            Who::Group(name) => write!(f, "group:{name}"),
        }
    }
}

/// One `[[access.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// whom it is about
    pub who: Vec<Who>,
    /// which actions
    pub may: Vec<Action>,
    /// which modules; none for all, and for what is about no module
    pub modules: Option<Patterns>,
    /// if it refuses: the reason that the client reads
    pub refuse: Option<String>,
}

/// The tables of `[access]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessTables {
    /// first match wins
    pub rules: Vec<AccessRule>,
    /// name, members
    pub groups: Vec<(String, Vec<Who>)>,
    /// whose tokens (JWT) are accepted
    pub issuers: Vec<IssuerSettings>,
    /// groups that rules name, and where
    named: Vec<(String, ByteRange)>,
    /// what `--check-config` shows: name, text, place
    pub(super) shown: Vec<(&'static str, String, ByteRange)>,
}

impl AccessTables {
    /// The names of tokens in rules and groups, each once.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        let in_rules = self.rules.iter().flat_map(|rule| &rule.who);
        let in_groups = self.groups.iter().flat_map(|(_, members)| members);
        let names = in_rules.chain(in_groups).filter_map(|who| match who {
            Who::Token(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect::<BTreeSet<&str>>().into_iter()
    }
}

/// The keys of a rule.
const RULE_KEYS: [&str; 4] = ["who", "may", "modules", "refuse"];

/// The tables of the file.
///
/// # Errors
/// `Usage`: what is wrong with one, at its place.
pub(super) fn read(file: &SettingsFile) -> Result<AccessTables, Fault> {
    let mut tables = AccessTables::default();
    let root = DeTable::parse(file.source_text()).map_err(|error| Fault::Usage(error.to_string()))?;
    let access = root.get_ref().get("access").map(Spanned::get_ref);
    let Some(DeValue::Table(access)) = access else { return Ok(tables) };
    for (key, value) in access {
        match format!("access.{}", key.get_ref()).as_str() {
            name @ RULE => each(file, name, value, |table, place| rule(file, &mut tables, table, place))?,
            name @ ISSUER => each(file, name, value, |table, place| issuer(file, &mut tables, table, place))?,
            GROUPS => groups(file, &mut tables, value)?,
            _ => {}
        }
    }
    agree(file, &tables)?;
    Ok(tables)
}

fn issuer(file: &SettingsFile, tables: &mut AccessTables, table: &DeTable<'_>, place: ByteRange) -> Result<(), Fault> {
    let issuer = issuer::read(file, table, &place)?;
    if tables.issuers.iter().any(|other| other.name == issuer.name || other.issuer == issuer.issuer) {
        return Err(file.fault(&place, "this issuer, or its name, has a table already"));
    }
    tables.shown.push((ISSUER, format!("{}: {}", issuer.name, issuer.issuer), place));
    tables.issuers.push(issuer);
    Ok(())
}

/// Whether all groups that rules name exist.
fn agree(file: &SettingsFile, tables: &AccessTables) -> Result<(), Fault> {
    let own = tables.groups.iter().map(|(name, _)| name.as_str());
    let of_issuers = tables.issuers.iter().flat_map(|issuer| issuer.groups.iter().map(|(name, _)| name.as_str()));
    let known: Vec<&str> = own.chain(of_issuers).collect();
    let is_open = tables.issuers.iter().any(|issuer| issuer.groups_claim.is_some());
    let unknown = tables.named.iter().find(|(name, _)| !is_open && !known.contains(&name.as_str()));
    let Some((name, place)) = unknown else { return Ok(()) };
    let known = if known.is_empty() { "there is none".to_owned() } else { format!("there is {}", known.join(", ")) };
    Err(file.fault(place, &format!("no group {name:?} in [access.groups]; {known}")))
}

/// Each table of `[[NAME]]`.
fn each(
    file: &SettingsFile,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    mut read: impl FnMut(&DeTable<'_>, ByteRange) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(file.fault(&value.span(), &format!("write it as [[{name}]]")));
    };
    items.iter().try_for_each(|item| match item.get_ref() {
        DeValue::Table(table) => read(table, item.span()),
        _ => Err(file.fault(&item.span(), &format!("write it as [[{name}]]"))),
    })
}

fn rule(file: &SettingsFile, tables: &mut AccessTables, table: &DeTable<'_>, place: ByteRange) -> Result<(), Fault> {
    only(file, table, &RULE_KEYS, "a rule")?;
    let who = words(file, table, "who", Who::parse)?.unwrap_or_default();
    if who.is_empty() {
        return Err(file.fault(&place, "who is missing: whom is this rule about? Such as who = [\"signed-in\"]"));
    }
    for (who, at) in &who {
        if let Who::Group(name) = who {
            tables.named.push((name.clone(), at.clone()));
        }
    }
    let may = words(file, table, "may", Action::parse)?;
    let may: Vec<Action> =
        may.map_or_else(|| vec![Action::Read], |all| all.into_iter().map(|(action, _)| action).collect());
    let modules = modules(file, table)?;
    if modules.is_some() && may != [Action::Read] {
        return Err(file.fault(&place, "modules is only for may = [\"read\"]: the other actions are about no module"));
    }
    let refuse = text(file, table, "refuse")?.map(|(reason, _)| reason);
    let verb = if refuse.is_some() { "may not" } else { "may" };
    let names: Vec<String> = who.iter().map(|(who, _)| who.to_string()).collect();
    let actions: Vec<&str> = may.iter().map(|action| action.as_str()).collect();
    let below = table.get("modules").map_or_else(String::new, |_| {
        let patterns = words(file, table, "modules", |text| Ok(text.to_owned())).ok().flatten().unwrap_or_default();
        format!(" {}", patterns.into_iter().map(|(pattern, _)| pattern).collect::<Vec<_>>().join(","))
    });
    tables.shown.push((RULE, format!("{} {verb} {}{below}", names.join(", "), actions.join(", ")), place));
    let who = who.into_iter().map(|(who, _)| who).collect();
    tables.rules.push(AccessRule { who, may, modules, refuse });
    Ok(())
}

fn modules(file: &SettingsFile, table: &DeTable<'_>) -> Result<Option<Patterns>, Fault> {
    let Some(patterns) = words(file, table, "modules", |text| patterns(text).map(|_| text.to_owned()))? else {
        return Ok(None);
    };
    let patterns: Vec<String> = patterns.into_iter().map(|(pattern, _)| pattern).collect();
    if patterns.iter().any(|pattern| pattern == "*") {
        return Ok(None);
    }
    Ok(Some(Patterns::parse(&patterns.join(","))))
}

/// Patterns of modules, each of which can match one.
///
/// # Errors
/// What is wrong with one, in words.
pub fn patterns(list: &str) -> Result<Patterns, String> {
    if list == crate::config::private::NONE {
        return Err("names no module; leave modules out for all".to_owned());
    }
    crate::config::private::check(list)?;
    Ok(Patterns::parse(list))
}

fn groups(file: &SettingsFile, tables: &mut AccessTables, value: &Spanned<DeValue<'_>>) -> Result<(), Fault> {
    let DeValue::Table(groups) = value.get_ref() else {
        return Err(file.fault(&value.span(), "write a table: [access.groups]"));
    };
    for name in groups.keys() {
        let member = |text: &str| match Who::parse(text)? {
            who @ (Who::User(_) | Who::Token(_) | Who::Certificate(_)) => Ok(who),
            _ => Err(format!("{text:?} cannot be in a group; write user:NAME, token:NAME or cert:NAME")),
        };
        let members = words(file, groups, name.get_ref(), member)?.unwrap_or_default();
        let shown: Vec<String> = members.iter().map(|(who, _)| who.to_string()).collect();
        tables.shown.push((GROUPS, format!("{}: {}", name.get_ref(), shown.join(", ")), name.span()));
        tables.groups.push((name.get_ref().clone().into_owned(), members.into_iter().map(|(who, _)| who).collect()));
    }
    Ok(())
}

impl AccessTables {
    /// What `--check-config` shows of them.
    pub(super) fn shown(&self, file: &SettingsFile) -> Vec<(&'static str, String, ValueSource)> {
        self.shown.iter().map(|(name, text, place)| (*name, text.clone(), file.source(place))).collect()
    }
}
