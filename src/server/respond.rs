//! From a request to its response: the answers that need no waiting, the route, the handler, and the memory for the bytes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::app::App;
use super::app::request::Question;
use super::conn::pool::{Client, Resource, Share};
use super::http::answer::{Answer, Payload};
use super::http::body::Body;
use super::http::path::{self, BadPath};
use super::http::route::{Class, Route};
use super::http::{access_log, gzip, host, refusal};
use super::limits::{MIN_PIECE_BYTES, POOL_TIMEOUT, SMALL_BODY_BYTES};
use super::routes::{export, health, home, metrics, modules, sumdb, tlog};
use crate::proxy::Peer;

/// The two addresses of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// the client's
    pub(super) peer: SocketAddr,
    /// the one of ours that it connected to
    pub(super) local: IpAddr,
}

/// The response to a request that came over `client`'s connection, between these addresses.
pub(super) async fn respond(app: &App, request: Request<Incoming>, ends: Ends, client: &Arc<Client>) -> Response<Body> {
    let began = Instant::now();
    let (head, _) = request.into_parts(); // what a GET carries as a body means nothing here
    let (class, answer) = match answer_at_once(app, &head, ends) {
        Some(answered) => answered,
        // Boxed: most requests do not come here, and this future is large.
        None => Box::pin(answer(app, &head, ends, client)).await,
    };
    let (answer, held) = with_memory(answer, &head, client).await;
    let bytes = answer.len();
    let mut response = answer.respond(&head.method, &head.headers, client, held);
    let (status, took) = (response.status(), began.elapsed());
    app.metrics.answered(class, status, took);
    if app.access.wants(status) {
        let (method, path, version, headers) = (&head.method, head.uri.path(), head.version, &head.headers);
        let line = access_log::Line { peer: ends.peer, method, path, version, headers, class, status, bytes, took };
        response.headers_mut().insert(access_log::REQUEST_ID, line.write(&app.ids));
    }
    response
}

/// The answer that needs no waiting: a refusal, or one that is kept in memory.
fn answer_at_once(app: &App, head: &Parts, ends: Ends) -> Option<(Class, Answer)> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return Some((Class::Other, refusal::method()));
    }
    // RFC 9112 section 3.2.
    if head.version == Version::HTTP_11 && head.headers.get_all(HOST).iter().count() != 1 {
        let why = "a request names its host, and only once";
        return Some((Class::Other, refusal::refusal(StatusCode::BAD_REQUEST, why)));
    }
    let (_, raw) = path::split(head.uri.path(), &app.prefix);
    // Whether the process is alive is no secret, and health checks name it in any way.
    if raw != "/healthz"
        && let Some(refused) = app.hosts.refusal(ends.local, head)
    {
        return Some((Class::Other, refused));
    }
    let (_, raw) = path::split(raw, modules::CACHED_ONLY);
    let found = app.hot.find(raw, gzip::is_wanted(&head.headers), |under| app.holds(under))?;
    app.metrics.looked(true);
    Some(found)
}

async fn answer(app: &App, head: &Parts, ends: Ends, client: &Arc<Client>) -> (Class, Answer) {
    let (prefix, raw) = path::split(head.uri.path(), &app.prefix);
    let (cached_only, raw) = path::split(raw, modules::CACHED_ONLY);
    let path = match path::decode(raw) {
        Ok(path) => path,
        Err(bad) => return (Class::Other, refusal::path(bad)),
    };
    match app.names.route(&path) {
        Some(route) => {
            let cached_only = !cached_only.is_empty() || modules::wants_cached_only(&head.headers);
            let (class, packs) = (route.class(), gzip::is_wanted(&head.headers));
            let (database, audience) = (route.database(), app.audience(&route));
            let peer = Peer::of(ends.peer.ip());
            let question = Question { raw, prefix, cached_only, database, peer, packs, class, audience, client };
            (class, handle(app, route, &question, head).await)
        }
        None => (Class::Other, refusal::path(BadPath::NoSuch)),
    }
}

async fn handle(app: &App, route: Route<'_>, question: &Question<'_>, head: &Parts) -> Answer {
    let Some(served) = app.served.get(question.database) else { return refusal::path(BadPath::NoSuch) };
    match route {
        Route::Home => home::page(app, question, host::reached_by(head)),
        Route::Alive => health::alive(),
        Route::Ready => health::ready(app).await,
        Route::Metrics => metrics::page(app).await,
        Route::Sumdb(_, asked) => sumdb::answer(app, &served.relay, asked, question).await,
        Route::Tlog(asked) => tlog::answer(app, &served.relay, asked, question).await,
        Route::Export(_, name) => export::answer(served, name, question.client).await,
        Route::Module(asked) => modules::answer(app, &asked, question).await,
        Route::NoModule(why) => refusal::not_found(&format!("not found: {why}")),
    }
}

/// Takes memory for the bytes of an answer, where these are many, or where the client can leave them in ours by giving no
/// window. Where there is none in time, that is the answer.
async fn with_memory(answer: Answer, request: &Parts, client: &Arc<Client>) -> (Answer, Option<Share>) {
    let free = if request.version == Version::HTTP_2 { SMALL_BODY_BYTES } else { MIN_PIECE_BYTES };
    let len = match &answer.payload {
        Payload::Bytes(bytes) if request.method == Method::GET && bytes.len() > free => bytes.len(),
        _ => return (answer, None),
    };
    // Boxed: waiting is rare, and its future is large.
    let share = match client.try_take(Resource::Bytes, len) {
        Some(share) => Some(share),
        None => Box::pin(client.take(Resource::Bytes, len, POOL_TIMEOUT)).await,
    };
    match share {
        Some(share) => (answer, Some(share)),
        None => (refusal::later("too many answers wait for their clients to take them"), None),
    }
}
