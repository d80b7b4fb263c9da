//! What all requests share: the databases, the module proxy, the settings, the response cache, and the pools of scarce
//! resources.

pub(super) mod catalogue;
pub(super) mod database;
pub(super) mod history;
pub(super) mod request;
pub(super) mod runs;
pub(super) mod status;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;

use super::conn::pool::Pools;
use super::conn::slots::Slots;
use super::forwarded::TrustedProxies;
use super::http::access_log::{AccessLog, RequestIds};
use super::http::answer::{Answer, CacheScope};
use super::http::host::Hosts;
use super::http::refusal;
use super::http::response_cache::{CacheKey, HeadRef, ResponseCache, Validity};
use super::http::route::{DatabaseNames, Route};
use super::http::view_route::{self, Subject};
use super::limits::{self, Limits};
use super::metrics::Metrics;
use super::tls::Tls;
use super::vulndb::VulnDatabase;
use crate::access::Gate;
use crate::config::HostName;
use crate::fault::Fault;
use crate::proxy::{Denied, Peer, Proxy, RefusalCause};
use crate::sumdb::module::ModuleVersion;
use crate::upstream::{Asker, TraceExporter};
use catalogue::Catalogue;
use database::ServedDatabase;
use history::History;
use request::RequestContext;
use runs::RunsCache;
use status::StatusCache;

/// The configuration of a server.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// a path below which every resource is served too, as in `/go`; empty for none
    pub prefix: String,
    /// the host names of this server; if there are any, requests for other hosts are refused on every address
    pub hosts: Vec<HostName>,
    /// the limits for clients
    pub limits: Limits,
    /// which requests are logged
    pub access: AccessLog,
    /// the identity of the listeners with TLS
    pub tls: Option<Arc<Tls>>,
    /// who is believed about the address of a client
    pub trusted: TrustedProxies,
    /// who may ask for what; a reload replaces what is in it
    pub gate: Arc<Gate>,
    /// where traces are sent
    pub traces: Option<TraceExporter>,
    /// the vulnerability database that is served
    pub vulndb: Option<Arc<VulnDatabase>>,
    /// when what is stored is verified every day, in minutes of the day in UTC; the caller of [`super::run`] does so
    pub nightly_at: Option<u32>,
}

/// The state of a server.
pub(crate) struct App {
    pub(super) databases: Vec<ServedDatabase>,
    pub(super) proxy: Option<Proxy>,
    /// as in [`Config`]
    pub(super) prefix: String,
    pub(super) hosts: Hosts,
    pub(super) names: DatabaseNames,
    pub(super) limits: Limits,
    pub(super) access: AccessLog,
    /// as in [`Config`]
    pub(super) tls: Option<Arc<Tls>>,
    /// as in [`Config`]
    pub(super) trusted: TrustedProxies,
    pub(super) gate: Arc<Gate>,
    pub(super) traces: Option<TraceExporter>,
    pub(super) request_ids: RequestIds,
    pub(super) response_cache: ResponseCache,
    pub(super) metrics: Metrics,
    pub(super) status: StatusCache,
    pub(super) catalogue: Catalogue,
    pub(super) history: History,
    /// a permit for each answer that is read from stored modules for people and programs that look around
    pub(super) readings: Semaphore,
    /// as in [`Config`]
    pub(super) vulndb: Option<Arc<VulnDatabase>>,
    /// as in [`Config`]
    pub(super) nightly_at: Option<u32>,
    pub(super) runs: Arc<RunsCache>,
    pub(super) started: Instant,
    pub(super) pools: Arc<Pools>,
    /// for the public listeners
    pub(super) slots: Arc<Slots>,
    /// for the admin listeners
    pub(super) admin_slots: Arc<Slots>,
    /// whether the server was asked to stop; set once
    pub(super) stopping: AtomicBool,
}

impl App {
    pub(super) fn new(config: Config, served: Vec<ServedDatabase>, proxy: Option<Proxy>) -> App {
        App {
            names: DatabaseNames::new(served.iter().map(|served| served.relay.name())),
            runs: Arc::new(RunsCache::of(&served)),
            databases: served,
            proxy,
            prefix: config.prefix,
            hosts: Hosts::new(config.hosts),
            limits: config.limits,
            access: config.access,
            tls: config.tls,
            trusted: config.trusted,
            gate: config.gate,
            traces: config.traces,
            request_ids: RequestIds::new(),
            response_cache: ResponseCache::new(config.limits.cache_bytes),
            metrics: Metrics::new(),
            status: StatusCache::default(),
            catalogue: Catalogue::default(),
            history: History::default(),
            readings: Semaphore::new(limits::MAX_READINGS),
            vulndb: config.vulndb,
            nightly_at: config.nightly_at,
            started: Instant::now(),
            pools: Pools::new(&config.limits),
            slots: Slots::new(config.limits.connections, config.limits.reserve()),
            admin_slots: Slots::new(limits::ADMIN_SLOTS, limits::MIN_RESERVE),
            stopping: AtomicBool::new(false),
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Which caches may store the answer to a request for this route.
    pub(super) fn cache_scope(&self, route: &Route<'_>) -> CacheScope {
        let Some(proxy) = &self.proxy else { return CacheScope::Public };
        let is_private = match route {
            Route::Module(request) => proxy.is_private(request.module()),
            Route::Api(request) => is_private(proxy, request.subject()),
            Route::Page(request) => is_private(proxy, request.subject()),
            Route::Badge(module) => is_private(proxy, view_route::of_version(module)),
            _ => false,
        };
        if is_private { CacheScope::Private } else { CacheScope::Public }
    }

    /// The number of the rules about modules that hold now.
    pub(super) fn rules(&self) -> u64 {
        self.proxy.as_ref().map_or(0, Proxy::policy_generation)
    }

    /// Whether this head is still the newest of its database.
    pub(super) fn is_newest(&self, head: HeadRef) -> bool {
        let newest = self.databases.get(head.database).and_then(|served| served.relay.head());
        newest.is_some_and(|newest| newest.size == head.size)
    }

    /// The refusal of a module version by a rule. What is refused as a module is not looked up either: its name would go to the sources of
    /// the database.
    pub(super) fn refused_by_rule(&self, module: &ModuleVersion) -> Option<Answer> {
        let lines = self.proxy.as_ref()?.rule_against(module)?;
        Some(refusal::denied(&Denied::Refused(RefusalCause::Rule, lines)))
    }

    /// Runs a request to the relay within `ANSWER_TIMEOUT`. Requests to upstreams wait in the queue of `peer`.
    ///
    /// # Errors
    /// Those of the request; `Unavailable` with the cause `TimedOut`.
    pub(super) async fn with_timeout<T>(
        &self,
        peer: Peer,
        request: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let request = Asker::peer(peer).scope(request);
        match tokio::time::timeout(limits::ANSWER_TIMEOUT, request).await {
            Ok(answer) => answer,
            Err(_) => {
                let why = format!("timed out: no answer within {:?}", limits::ANSWER_TIMEOUT);
                Err(Fault::timed_out("the checksum database", why))
            }
        }
    }

    /// Stores the answer to a request in the response cache.
    pub(super) fn cache(&self, context: &RequestContext<'_>, answer: &Answer, validity: Validity) {
        let answer = Answer { cache_scope: context.cache_scope, ..answer.clone() };
        self.metrics.cache_miss();
        let key = CacheKey { raw: context.raw, accepts_gzip: context.accepts_gzip, rules: context.rules };
        let scope = context.client.map(|client| Arc::clone(client.scope));
        self.response_cache.insert(key, (context.route_name, scope), answer, validity);
    }
}

/// Whether a private module is named.
fn is_private(proxy: &Proxy, subject: Subject) -> bool {
    matches!(subject, Subject::Module(module) if proxy.is_private(&module))
}
