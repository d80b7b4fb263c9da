//! The requests of one connection: whether the server has room to answer each, and how its body is sent.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode, Version};

use super::app::App;
use super::conn::pool::{ClientQuota, PoolPermit, Resource};
use super::conn::sendfile::SendfileQueue;
use super::conn::slots::Registration;
use super::conn::stream_task::StreamTask;
use super::conn::timer::ConnTimer;
use super::conn::transfer::Transfer;
use super::forwarded::TrustedProxies;
use super::http::access_log::REQUEST_ID;
use super::http::answer::{Answer, CacheScope};
use super::http::body::Body;
use super::http::route::RouteName;
use super::http::{path, refusal};
use super::respond::{ConnAddrs, Known, respond};
use crate::proxy::Peer;

/// The answer of an admin listener to any other path.
const ADMIN_ONLY: &str = "not found: this address answers /healthz, /readyz and /metrics";

/// Which requests a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListenerKind {
    /// all
    Public,
    /// `/healthz`, `/readyz` and `/metrics`
    Admin,
}

/// What is known of a connection before its first request.
pub(super) struct ConnFacts {
    pub(super) addrs: ConnAddrs,
    /// whether a trusted proxy sends the requests, which names the client of each
    pub(super) is_trusted: bool,
    /// the names in the certificate that the client has proved to hold over TLS
    pub(super) certificate: Vec<String>,
}

/// What the requests of one connection share.
pub(super) struct Connection {
    app: Arc<App>,
    registration: Registration,
    facts: ConnFacts,
    quota: Arc<ClientQuota>,
    known: Known,
    timer: Arc<ConnTimer>,
    /// none over TLS
    sendfile: Option<Arc<SendfileQueue>>,
    kind: ListenerKind,
}

/// Why a request is answered with 503.
#[derive(Debug, Clone, Copy)]
enum Overload {
    /// the connection got no slot in time
    NoSlot,
    /// the client has too many streams
    NoStream,
}

impl Connection {
    pub(super) fn new(
        app: Arc<App>,
        registration: Registration,
        facts: ConnFacts,
        timer: Arc<ConnTimer>,
        sendfile: Option<Arc<SendfileQueue>>,
        kind: ListenerKind,
    ) -> Connection {
        let quota = app.pools.quota(Peer::of(facts.addrs.peer.ip()));
        let known = Known::default();
        Connection { app, registration, facts, quota, known, timer, sendfile, kind }
    }

    /// Answers one request.
    pub(super) async fn answer(
        self: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let mut in_flight = self.timer.begin();
        let is_http2 = request.version() == Version::HTTP_2;
        // A public connection that has a slot answers health and metrics like everything else.
        let has_all = self.registration.has_slot() && self.kind == ListenerKind::Public;
        let is_admin = !has_all && self.is_admin(request.uri().path());
        let client = if self.facts.is_trusted { self.app.trusted.client(request.headers()) } else { None };
        let (addrs, quota) = match client {
            None => (self.facts.addrs, Cow::Borrowed(&self.quota)),
            Some(client) => (self.facts.addrs.of(client), Cow::Owned(self.app.pools.quota(Peer::of(client)))),
        };
        let scheme = self.facts.is_trusted.then(|| TrustedProxies::scheme(request.headers())).flatten();
        let addrs = ConnAddrs { scheme: scheme.unwrap_or(addrs.scheme), ..addrs };
        let (mut response, stream) = match self.admit(is_http2, is_admin, &quota).await {
            Ok(stream) if is_admin || self.kind == ListenerKind::Public => {
                let certificate = &self.facts.certificate;
                let response =
                    respond(&self.app, request, addrs, certificate, &quota, &self.known, &mut in_flight).await;
                (response, stream)
            }
            Ok(stream) => (self.refuse(request.method(), refusal::not_found(ADMIN_ONLY)), stream),
            Err(Overload::NoSlot) => {
                (self.refuse(request.method(), refusal::unavailable("all connections are busy")), None)
            }
            Err(Overload::NoStream) => (self.no_stream(), None),
        };
        match response.body_mut() {
            body if body.is_end_stream() => {}
            body if is_http2 => {
                let transfer = Transfer::new(StreamTask::current(), in_flight.start_body(), stream);
                self.timer.watch(&transfer);
                body.send_over_http2(transfer);
            }
            body => body.send_over_http1(in_flight.start_body(), self.sendfile.as_ref()),
        }
        let has_no_slot = !self.registration.has_slot();
        if is_http2 && has_no_slot {
            self.registration.close_when_quiet();
        } else if !is_http2 && (has_no_slot || self.app.slots.are_all_taken()) {
            // Other connections wait for a slot.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Acquires a stream for an HTTP/2 request, and a slot for the connection; health and metrics need no slot.
    async fn admit(
        &self,
        is_http2: bool,
        is_admin: bool,
        quota: &Arc<ClientQuota>,
    ) -> Result<Option<PoolPermit>, Overload> {
        let stream =
            if is_http2 { Some(quota.try_acquire(Resource::Streams, 1).ok_or(Overload::NoStream)?) } else { None };
        if is_admin || self.registration.has_slot() || self.registration.acquire_slot(self.app.limits.slot).await {
            Ok(stream)
        } else {
            Err(Overload::NoSlot)
        }
    }

    /// Whether a raw path is of health or metrics.
    fn is_admin(&self, raw: &str) -> bool {
        matches!(path::split(raw, &self.app.prefix).1, "/healthz" | "/readyz" | "/metrics")
    }

    /// The response to a request that no handler gets.
    fn refuse(&self, method: &Method, answer: Answer) -> Response<Body> {
        let id = self.app.request_ids.id_for(&HeaderMap::new());
        let answer = refusal::with_id(&answer, &id).unwrap_or(answer);
        self.app.metrics.request_answered(RouteName::Other, answer.status, Duration::ZERO, answer.len());
        let mut response = answer.response(method, &HeaderMap::new(), CacheScope::Public, &self.quota, None);
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }

    /// The response to an HTTP/2 request beyond the limit of streams. It has no body: a client could refuse to read it.
    fn no_stream(&self) -> Response<Body> {
        self.app.metrics.request_answered(RouteName::Other, StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO, 0);
        let mut response = Response::new(Body::from_bytes(Bytes::new(), None));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(refusal::RETRY_SECONDS));
        response
    }
}
