//! A request, as handlers need it.

use std::sync::Arc;

use super::answer::Audience;
use super::hot::{Holds, Under};
use super::pool::Client;
use super::route::Class;
use crate::proxy::Peer;
use crate::relay::Relay;

/// A request, as handlers need it.
pub(super) struct Question<'a> {
    /// the path as it came, without the prefix that it may have had
    pub(super) raw: &'a str,
    /// that prefix
    pub(super) prefix: &'a str,
    /// whether nobody is to be asked for it
    pub(super) cached_only: bool,
    /// which database is asked
    pub(super) database: usize,
    /// who asks
    pub(super) peer: Peer,
    /// whether the client takes gzip, and all of it
    pub(super) packs: bool,
    pub(super) class: Class,
    /// whom caches may give the answer to
    pub(super) audience: Audience,
    /// the connection that it came over
    pub(super) client: &'a Arc<Client>,
}

impl Question<'_> {
    /// The head under which `relay` would answer now.
    pub(super) fn under(&self, relay: &Relay) -> Holds {
        Holds::Under(Under { database: self.database, size: relay.head().map_or(0, |tree| tree.size) })
    }
}
