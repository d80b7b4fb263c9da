//! What handlers need to know of a request, besides its route.

use std::sync::Arc;

use crate::access::{Access, Admission, Reader, Scope};
use crate::proxy::Peer;
use crate::relay::Relay;
use crate::server::conn::pool::ClientQuota;
use crate::server::http::answer::CacheScope;
use crate::server::http::query::Query;
use crate::server::http::response_cache::{HeadRef, Validity};
use crate::server::http::route::RouteName;

/// The headers of what is public: pages of other sites may read it, in parts too, and verify it.
pub(crate) const OPEN_HEADERS: [(&str, &str); 2] = [
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "accept-ranges, content-range, etag, x-request-id"),
];

/// What handlers need to know of a request.
pub(crate) struct RequestContext<'a> {
    /// the path, not decoded, without the configured prefix and without `/cached-only`
    pub(crate) raw: &'a str,
    /// the configured prefix, if the path had it; else empty
    pub(crate) prefix: &'a str,
    /// whether no upstream may be asked
    pub(crate) cached_only: bool,
    /// the number of the database that it is about
    pub(crate) database: usize,
    /// the client
    pub(crate) peer: Peer,
    /// whether the answer may be gzip-compressed
    pub(crate) accepts_gzip: bool,
    /// the number of the rules that held when it began
    pub(crate) rules: u64,
    pub(crate) route_name: RouteName,
    /// which caches may store the answer
    pub(crate) cache_scope: CacheScope,
    /// what stands behind the `?` of its URL
    pub(crate) query: Query<'a>,
    /// which modules it may be shown
    pub(crate) client: Option<AdmittedClient<'a>>,
    /// what its connection may acquire
    pub(crate) quota: &'a Arc<ClientQuota>,
}

/// What a request was admitted with, where there is access control.
pub(crate) struct Admitted {
    pub(crate) access: Arc<Access>,
    pub(crate) admission: Admission,
    /// what it asks for, as its path says
    pub(crate) scope: Arc<Scope>,
}

/// A client that was admitted, where there is access control.
#[derive(Clone, Copy)]
pub(crate) struct AdmittedClient<'a> {
    pub(crate) access: &'a Arc<Access>,
    pub(crate) admission: &'a Admission,
    /// what it asks for, as its path says
    pub(crate) scope: &'a Arc<Scope>,
    /// the names in its verified certificate
    pub(crate) certificate: &'a [String],
}

impl<'a> AdmittedClient<'a> {
    /// The client that was admitted so, where there is access control.
    pub(crate) fn of(admitted: Option<&'a Admitted>, certificate: &'a [String]) -> Option<Self> {
        admitted.map(|Admitted { access, admission, scope }| AdmittedClient { access, admission, scope, certificate })
    }
}

impl RequestContext<'_> {
    /// Which modules the client may be shown.
    pub(crate) fn reader(&self) -> Reader {
        self.client.map_or_else(Reader::default, |client| {
            Reader::new(Arc::clone(client.access), client.admission.identity.clone(), client.certificate)
        })
    }

    /// Whether every client may have the answer, so that pages of other sites may read it too.
    pub(crate) fn is_for_all(&self) -> bool {
        self.cache_scope == CacheScope::Public && self.client.is_none_or(|client| !client.admission.is_private)
    }

    /// The validity of an answer under the current head of `relay`.
    pub(crate) fn while_current_head(&self, relay: &Relay) -> Validity {
        Validity::WhileHead(HeadRef { database: self.database, size: relay.head().map_or(0, |tree| tree.size) })
    }
}
