//! Who a client is, once its credentials are verified.

use std::fmt;
use std::sync::Arc;

use crate::config::settings::{Action, Who};
use crate::sumdb::module::Patterns;

/// The name of a client with valid credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// a user of the password file
    User(String),
    /// a token of ours
    Token(String),
    /// the subject of an issuer's token
    Subject {
        /// the issuer, as the settings name it
        issuer: String,
        /// its `sub` claim
        subject: String,
    },
}

/// A client with valid credentials.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(super) name: Name,
    /// its name as text
    pub(super) text: Arc<str>,
    /// groups that an issuer put it into
    pub(super) groups: Vec<String>,
    /// the most that it may do, whatever the rules say
    pub(super) scopes: Option<Scopes>,
}

/// The most that a token may do.
#[derive(Debug, Clone)]
pub struct Scopes {
    /// these actions
    pub may: Vec<Action>,
    /// with these modules; none for all
    pub modules: Option<Patterns>,
}

impl Identity {
    /// Without groups and scopes.
    pub(super) fn named(name: Name) -> Identity {
        Identity { text: name.to_string().into(), name, groups: Vec::new(), scopes: None }
    }

    /// Its name, for people and as the key of its limits.
    pub fn name(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether `who`, which is not a group, is this identity.
    pub(super) fn is(&self, who: &Who) -> bool {
        match (who, &self.name) {
            (Who::User(name), Name::User(own)) => name == own,
            (Who::Token(name), Name::Token(own)) => name == own,
            _ => false,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::User(name) => write!(f, "user:{name}"),
            Name::Token(name) => write!(f, "token:{name}"),
            Name::Subject { issuer, subject } => write!(f, "{issuer}:{subject}"),
        }
    }
}
