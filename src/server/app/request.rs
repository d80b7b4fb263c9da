//! A request, as handlers need it.

use std::sync::Arc;

use crate::proxy::Peer;
use crate::relay::Relay;
use crate::server::conn::pool::Client;
use crate::server::http::answer::Audience;
use crate::server::http::response_cache::{Holds, Under};
use crate::server::http::route::Class;

/// A request, as handlers need it.
pub(crate) struct Question<'a> {
    /// the path as it came, without the prefix that it may have had
    pub(crate) raw: &'a str,
    /// that prefix
    pub(crate) prefix: &'a str,
    /// whether nobody is to be asked for it
    pub(crate) cached_only: bool,
    /// which database is asked
    pub(crate) database: usize,
    /// who asks
    pub(crate) peer: Peer,
    /// whether the client takes gzip, and all of it
    pub(crate) packs: bool,
    pub(crate) class: Class,
    /// whom caches may give the answer to
    pub(crate) audience: Audience,
    /// the connection that it came over
    pub(crate) client: &'a Arc<Client>,
}

impl Question<'_> {
    /// The head under which `relay` would answer now.
    pub(crate) fn under(&self, relay: &Relay) -> Holds {
        Holds::Under(Under { database: self.database, size: relay.head().map_or(0, |tree| tree.size) })
    }
}
