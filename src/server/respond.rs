//! From a request to its response: first refusals and whether it is admitted, then the answers that need no waiting, then the route
//! and its handler, then the memory for the body.

mod memory;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::app::App;
use super::app::request::{Admitted, AdmittedClient, RequestContext};
use super::conn::in_flight::RequestInFlight;
use super::conn::pool::ClientQuota;
use super::gate;
use super::http::access_log::{AccessLogEntry, REQUEST_ID};
use super::http::answer::{Answer, CacheScope};
use super::http::body::Body;
use super::http::host::KnownHost;
use super::http::path::{self, BadPath};
use super::http::query::Query;
use super::http::response_cache::{CacheKey, Found};
use super::http::route::{Route, RouteName};
use super::http::{gzip, host, refusal};
use super::routes::{
    badge, explain, export, gossip, health, home, listing, metrics, modules, sumdb, tlog, views, vulndb,
};
use super::traced::traced;
use crate::access::{Admission, Asker, KnownLogin};
use crate::proxy::Peer;
use crate::upstream::{Asked, AskedCell};

/// What the requests of one connection have shown, and mostly show again.
#[derive(Debug, Default)]
pub(super) struct Known {
    host: KnownHost,
    login: KnownLogin,
}

/// The two addresses of a connection, and how it is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnAddrs {
    /// the client's
    pub(super) peer: SocketAddr,
    /// the server's
    pub(super) local: IpAddr,
    /// `http` or `https`
    pub(super) scheme: &'static str,
    /// whether it is an admin listener's
    pub(super) is_admin: bool,
}

impl ConnAddrs {
    /// The same for a request whose client, as a trusted proxy says, has this address.
    pub(super) fn of(self, client: IpAddr) -> ConnAddrs {
        // The port is that of a connection to the proxy, which nobody names.
        ConnAddrs { peer: SocketAddr::new(client, 0), ..self }
    }
}

/// The response to a request over a connection between these addresses; `certificate` has the names that its client has proved to have, and
/// `quota` what that connection may acquire.
pub(super) async fn respond(
    app: &App,
    request: Request<Incoming>,
    addrs: ConnAddrs,
    certificate: &[String],
    quota: &Arc<ClientQuota>,
    known: &Known,
    in_flight: &mut RequestInFlight,
) -> Response<Body> {
    let (head, content) = request.into_parts();
    // The content of a GET has no meaning (RFC 9110 section 9.3.1).
    let content = (head.method == Method::POST).then_some(content);
    let mut made = None;
    let (prefix, raw) = path::split(head.uri.path(), &app.prefix);
    let found = cached_answer(app, &head, raw);
    let admitted = admit(app, &head, raw, addrs, certificate, known, found.as_ref()).await;
    let (route, mut answer, admission) = match admitted {
        Err((route, refused)) => (route, Arc::new(refused), None),
        // The rules may have changed while a password was verified. Only who is admitted causes a look at the disk.
        Ok(admitted) => match found.filter(|found| found.rules == app.rules() && found.answer.is_current()) {
            Some(found) => (found.route, counted(app, found.answer), admitted.map(|admitted| admitted.admission)),
            // Boxed: most requests do not get here, and this future is large.
            None => {
                let cell = made.insert(AskedCell::default());
                let client = AdmittedClient::of(admitted.as_ref(), certificate);
                let work = answer_to(app, &head, addrs, client, quota, content);
                let (route, answer) = Box::pin(cell.scope(traced(app, &head, work))).await;
                (route, Arc::new(answer), admitted.map(|admitted| admitted.admission))
            }
        },
    };
    let mut memory = memory::acquire(&mut answer, &head, quota).await;
    let id = refused_id(app, route, &answer, &head);
    if let Some(named) = id.as_ref().and_then(|id| refusal::with_id(&answer, id)) {
        let page = views::refused(&named, route, prefix, &head.headers);
        answer = Arc::new(named);
        if let Some(page) = page {
            memory = memory::exchange(&mut answer, page, &head, quota);
        }
    }
    let (bytes, verdict) = (answer.len(), answer.verdict);
    let cache_scope = cache_scope(admission.as_ref());
    let mut response = answer.response(&head.method, &head.headers, cache_scope, quota, memory);
    response.body_mut().admitted_by(admission);
    let (status, elapsed) = (response.status(), in_flight.answered());
    let sent = response.body().size_hint().exact().unwrap_or(bytes);
    app.metrics.request_answered(route, status, elapsed, sent);
    let is_logged = app.access.wants(status);
    let Some(id) = id.or_else(|| is_logged.then(|| app.request_ids.id_for(&head.headers))) else { return response };
    if is_logged {
        let asked = made.as_ref().map(AskedCell::get).unwrap_or_default();
        let entry = AccessLogEntry {
            peer: addrs.peer,
            method: &head.method,
            path: head.uri.path(),
            version: head.version,
            headers: &head.headers,
            route,
            status,
            bytes,
            elapsed,
            cache: cache_word(made.as_ref(), &asked, status),
            asked: &asked,
            verdict,
        };
        entry.write(&id);
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The ID that a refusal or a failure names. Health says why a server is not ready: that is an answer.
fn refused_id(app: &App, route: RouteName, answer: &Answer, head: &Parts) -> Option<HeaderValue> {
    let is_refusal = !answer.status.is_success() && route != RouteName::Health;
    is_refusal.then(|| app.request_ids.id_for(&head.headers))
}

/// Which caches may store the response to a request: a shared one would give it to clients that may not have it.
fn cache_scope(admission: Option<&Admission>) -> CacheScope {
    match admission {
        Some(admission) if admission.is_private => CacheScope::Private,
        _ => CacheScope::Public,
    }
}

/// Whether a request for the path `raw`, which is without the configured prefix, may have an answer: the rules and what counts it as
/// in flight, if there is access control, or the refusal.
async fn admit(
    app: &App,
    head: &Parts,
    raw: &str,
    addrs: ConnAddrs,
    certificate: &[String],
    known: &Known,
    found: Option<&Found>,
) -> Result<Option<Admitted>, (RouteName, Answer)> {
    if let Some(refused) = early_refusal(app, head, raw, addrs, &known.host) {
        return Err((RouteName::Other, refused));
    }
    let Some(access) = app.gate.access() else { return Ok(None) };
    let asker = Asker { address: addrs.peer.ip(), certificate, login: &known.login };
    // Boxed: without access control there is no such future.
    Box::pin(gate::admit(app, access, head, raw, asker, addrs.is_admin, found)).await.map(Some)
}

/// Where an answer came from, in a word.
fn cache_word(made: Option<&AskedCell>, asked: &Asked, status: StatusCode) -> &'static str {
    match (made, &asked.upstream) {
        (None, _) if status.is_success() || status == StatusCode::NOT_MODIFIED => "hot",
        (None, _) => "",
        (Some(_), None) => "hit",
        (Some(_), Some(_)) => "miss",
    }
}

/// The refusal of a request that no handler and no rule gets.
fn early_refusal(app: &App, head: &Parts, raw: &str, addrs: ConnAddrs, known_host: &KnownHost) -> Option<Answer> {
    let is_posted = head.method == Method::POST && raw.starts_with(gossip::BELOW);
    if head.method != Method::GET && head.method != Method::HEAD && !is_posted {
        return Some(refusal::method_not_allowed());
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    let (host, has_more) = (hosts.next(), hosts.next().is_some());
    // RFC 9112 section 3.2.
    if head.version == Version::HTTP_11 && (host.is_none() || has_more) {
        let why = "a request must have exactly one Host header";
        return Some(refusal::refusal(StatusCode::BAD_REQUEST, why));
    }
    // Anybody may know whether the process is alive, and health checks use any host name.
    if raw != "/healthz" && !known_host.is_named(head, host) {
        if let Some(answer) = app.hosts.refusal(addrs.local, head) {
            return Some(answer);
        }
        known_host.learn(host);
    }
    None
}

/// The answer of the response cache, if there is one.
fn cached_answer(app: &App, head: &Parts, raw: &str) -> Option<Found> {
    let (_, raw) = path::split(raw, modules::CACHED_ONLY);
    let key = CacheKey { raw, accepts_gzip: gzip::accepts_gzip(&head.headers), rules: app.rules() };
    app.response_cache.find(key, |head| app.is_newest(head))
}

/// The answer of the response cache, which is given.
fn counted(app: &App, answer: Arc<Answer>) -> Arc<Answer> {
    app.metrics.cache_hit();
    if let Some(uses) = &answer.uses {
        uses.used(answer.len());
    }
    answer
}

/// Routes a request, and has its handler answer it.
async fn answer_to(
    app: &App,
    head: &Parts,
    addrs: ConnAddrs,
    client: Option<AdmittedClient<'_>>,
    quota: &Arc<ClientQuota>,
    content: Option<Incoming>,
) -> (RouteName, Answer) {
    // Before the rules are looked at.
    let rules = app.rules();
    let (prefix, raw) = path::split(head.uri.path(), &app.prefix);
    let (cached_only, raw) = path::split(raw, modules::CACHED_ONLY);
    let path = match path::decode(raw) {
        Ok(path) => path,
        Err(bad) => return (RouteName::Other, refusal::bad_path(bad)),
    };
    match app.names.parse(&path) {
        Some(route) => {
            let cached_only = !cached_only.is_empty() || modules::wants_cached_only(&head.headers);
            let (route_name, accepts_gzip) = (route.name(), gzip::accepts_gzip(&head.headers));
            let (database, cache_scope) = (route.database(), app.cache_scope(&route));
            let peer = Peer::of(addrs.peer.ip());
            let context = RequestContext {
                raw,
                prefix,
                cached_only,
                database,
                peer,
                accepts_gzip,
                rules,
                route_name,
                cache_scope,
                query: Query::of(head.uri.query()),
                client,
                quota,
            };
            if let (Route::Gossip(_), Some(content)) = (&route, content) {
                return (route_name, gossip::posted(app, content, &context).await);
            }
            (route_name, handle(app, route, &context, head, addrs).await)
        }
        None => (RouteName::Other, refusal::bad_path(BadPath::NotFound)),
    }
}

async fn handle(app: &App, route: Route<'_>, context: &RequestContext<'_>, head: &Parts, addrs: ConnAddrs) -> Answer {
    let Some(served) = app.databases.get(context.database) else { return refusal::bad_path(BadPath::NotFound) };
    match route {
        Route::Home if views::wants_html(&head.headers) => {
            views::home(app, context, addrs.scheme, host::reached_by(head)).await
        }
        Route::Home => home::page(app, context, addrs.scheme, host::reached_by(head)),
        Route::Alive => health::alive(),
        Route::Ready => health::ready(app).await,
        Route::Metrics => metrics::page(app, &head.headers).await,
        Route::Version => listing::version(),
        Route::Index => listing::index(app, context).await,
        Route::Catalog => listing::catalog(app, context).await,
        Route::Explain(module) => explain::page(app, module, &head.headers).await,
        Route::Api(request) => views::api(app, request, context).await,
        Route::Page(request) => views::page(app, request, context).await,
        Route::Badge(module) => badge::badge(app, module, context).await,
        Route::Vulndb(path) => vulndb::file(app, path, context).await,
        Route::Sumdb(_, request) => sumdb::handle(app, &served.relay, request, context).await,
        Route::Tlog(request) => tlog::handle(app, &served.relay, request, context).await,
        Route::Gossip(_) => sumdb::latest(app, &served.relay, context).await,
        Route::Export(_, name) => export::handle(served, name, context.quota).await,
        Route::Module(request) => modules::handle(app, &request, context).await,
        Route::NoModule(why) => refusal::not_found(&format!("not found: {why}")),
    }
}
