//! From a request to its response: first refusals and whether it is admitted, then the answers that need no waiting, then the route and its handler, then the memory for
//! the body.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::app::App;
use super::app::request::RequestContext;
use super::conn::in_flight::RequestInFlight;
use super::conn::pool::{ClientQuota, PoolPermit, Resource};
use super::gate;
use super::http::answer::{Answer, Payload, make_private};
use super::http::body::Body;
use super::http::host::KnownHost;
use super::http::path::{self, BadPath};
use super::http::route::{Route, RouteName};
use super::http::{access_log, gzip, host, refusal};
use super::limits::{MIN_CHUNK_BYTES, POOL_TIMEOUT, SMALL_BODY_BYTES};
use super::routes::{export, health, home, metrics, modules, sumdb, tlog};
use super::tls::ClientCertificate;
use crate::access::Asker;
use crate::proxy::Peer;

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

/// The response to a request over a connection between these addresses; `certificate` is who its client has proved to be, and
/// `quota` what that connection may acquire.
pub(super) async fn respond(
    app: &App,
    request: Request<Incoming>,
    addrs: ConnAddrs,
    certificate: Option<&ClientCertificate>,
    quota: &Arc<ClientQuota>,
    known_host: &KnownHost,
    in_flight: &mut RequestInFlight,
) -> Response<Body> {
    let (head, _) = request.into_parts(); // the content of a GET has no meaning (RFC 9110 section 9.3.1)
    let admitted = match (early_refusal(app, &head, addrs, known_host), app.gate.access()) {
        (Some(refused), _) => Err((RouteName::Other, refused)),
        (None, None) => Ok(None),
        // Boxed: without access control there is no such future.
        (None, Some(access)) => {
            let names: Vec<String> = certificate.iter().flat_map(|found| found.names()).map(str::to_owned).collect();
            let asker = Asker { address: addrs.peer.ip(), certificate: &names };
            Box::pin(gate::admit(app, &access, &head, asker, addrs.is_admin)).await.map(Some)
        }
    };
    let (route, mut answer, admission) = match admitted {
        Err((route, refused)) => (route, Arc::new(refused), None),
        Ok(admission) => match cached_answer(app, &head) {
            Some((route, answer)) => (route, answer, admission),
            // Boxed: most requests do not get here, and this future is large.
            None => {
                let (route, answer) = Box::pin(answer(app, &head, addrs, quota)).await;
                (route, Arc::new(answer), admission)
            }
        },
    };
    let memory = match memory_needed(&answer, &head) {
        None => None,
        Some(len) => {
            let permit = memory(len, quota).await;
            if permit.is_none() {
                answer = Arc::new(refusal::unavailable("too many answers are waiting for their clients to read them"));
            }
            permit
        }
    };
    let bytes = answer.len();
    let mut response = answer.response(&head.method, &head.headers, quota, memory);
    if let Some(admission) = admission {
        if admission.is_private {
            // A shared cache would give it to clients that may not have it.
            make_private(response.headers_mut());
        }
        response.body_mut().admitted_by(admission);
    }
    let (status, elapsed) = (response.status(), in_flight.answered());
    app.metrics.request_answered(route, status, elapsed);
    if app.access.wants(status) {
        let (method, path, version, headers) = (&head.method, head.uri.path(), head.version, &head.headers);
        let entry = access_log::AccessLogEntry {
            peer: addrs.peer,
            method,
            path,
            version,
            headers,
            route,
            status,
            bytes,
            elapsed,
        };
        response.headers_mut().insert(access_log::REQUEST_ID, entry.write(&app.request_ids));
    }
    response
}

/// The refusal of a request that no handler and no rule gets.
fn early_refusal(app: &App, head: &Parts, addrs: ConnAddrs, known_host: &KnownHost) -> Option<Answer> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return Some(refusal::method_not_allowed());
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    let (host, has_more) = (hosts.next(), hosts.next().is_some());
    // RFC 9112 section 3.2.
    if head.version == Version::HTTP_11 && (host.is_none() || has_more) {
        let why = "a request must have exactly one Host header";
        return Some(refusal::refusal(StatusCode::BAD_REQUEST, why));
    }
    let (_, raw) = path::split(head.uri.path(), &app.prefix);
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
fn cached_answer(app: &App, head: &Parts) -> Option<(RouteName, Arc<Answer>)> {
    let (_, raw) = path::split(head.uri.path(), &app.prefix);
    let (_, raw) = path::split(raw, modules::CACHED_ONLY);
    let found = app.response_cache.find(raw, gzip::accepts_gzip(&head.headers), |head| app.is_newest(head))?;
    app.metrics.cache_hit();
    if let Some(uses) = &found.1.uses {
        uses.used(found.1.len());
    }
    Some(found)
}

/// Routes a request, and has its handler answer it.
async fn answer(app: &App, head: &Parts, addrs: ConnAddrs, quota: &Arc<ClientQuota>) -> (RouteName, Answer) {
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
                route_name,
                cache_scope,
                quota,
            };
            (route_name, handle(app, route, &context, head, addrs).await)
        }
        None => (RouteName::Other, refusal::bad_path(BadPath::NotFound)),
    }
}

async fn handle(app: &App, route: Route<'_>, context: &RequestContext<'_>, head: &Parts, addrs: ConnAddrs) -> Answer {
    let Some(served) = app.databases.get(context.database) else { return refusal::bad_path(BadPath::NotFound) };
    match route {
        Route::Home => home::page(app, context, addrs.scheme, host::reached_by(head)),
        Route::Alive => health::alive(),
        Route::Ready => health::ready(app).await,
        Route::Metrics => metrics::page(app).await,
        Route::Sumdb(_, request) => sumdb::handle(app, &served.relay, request, context).await,
        Route::Tlog(request) => tlog::handle(app, &served.relay, request, context).await,
        Route::Export(_, name) => export::handle(served, name, context.quota).await,
        Route::Module(request) => modules::handle(app, &request, context).await,
        Route::NoModule(why) => refusal::not_found(&format!("not found: {why}")),
    }
}

/// How many bytes of an answer need memory of the pool, if they are many: over HTTP/2 a client can leave them in this process by
/// not opening its flow-control window.
fn memory_needed(answer: &Answer, request: &Parts) -> Option<usize> {
    let free = if request.version == Version::HTTP_2 { SMALL_BODY_BYTES } else { MIN_CHUNK_BYTES };
    match &answer.payload {
        Payload::Bytes(bytes) if request.method == Method::GET && bytes.len() > free => Some(bytes.len()),
        _ => None,
    }
}

/// Memory for this many bytes; none if the pool grants none in time.
async fn memory(len: usize, quota: &Arc<ClientQuota>) -> Option<PoolPermit> {
    match quota.try_acquire(Resource::Bytes, len) {
        Some(permit) => Some(permit),
        // Boxed: waiting is rare, and its future is large.
        None => Box::pin(quota.acquire(Resource::Bytes, len, POOL_TIMEOUT)).await,
    }
}
