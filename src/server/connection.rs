//! One connection, as its requests see it: whether there is room for an answer, and how its body is sent.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode, Version};

use super::app::App;
use super::conn::pool::{Client, Resource, Share};
use super::conn::sendfile::Outbox;
use super::conn::slots::Slot;
use super::conn::stream_task::StreamTask;
use super::conn::timer::Clock;
use super::conn::transfer::Transfer;
use super::http::answer::Answer;
use super::http::body::Body;
use super::http::route::Class;
use super::http::{path, refusal};
use super::respond::{Ends, respond};
use crate::proxy::Peer;

/// What an admin listener says of any other path.
const ADMIN_ONLY: &str = "not found: this address answers /healthz, /readyz and /metrics";

/// What a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Everything,
    /// `/healthz`, `/readyz` and `/metrics`
    Admin,
}

pub(super) struct Connection {
    app: Arc<App>,
    slot: Slot,
    ends: Ends,
    client: Arc<Client>,
    clock: Arc<Clock>,
    outbox: Arc<Outbox>,
    offer: Offer,
}

/// Why a request is not answered now.
#[derive(Debug, Clone, Copy)]
enum Busy {
    NoSlot,
    NoStream,
}

impl Connection {
    pub(super) fn new(
        app: Arc<App>,
        slot: Slot,
        ends: Ends,
        clock: Arc<Clock>,
        outbox: Arc<Outbox>,
        offer: Offer,
    ) -> Connection {
        let client = app.pools.client(Peer::of(ends.peer.ip()));
        Connection { app, slot, ends, client, clock, outbox, offer }
    }

    pub(super) async fn answer(
        self: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let busy = self.clock.begin();
        let is_http2 = request.version() == Version::HTTP_2;
        // With a slot of a public listener everything is answered alike.
        let has_all = self.slot.is_held() && self.offer == Offer::Everything;
        let is_admin = !has_all && self.is_admin(request.uri().path());
        let (response, stream) = match self.admit(is_http2, is_admin).await {
            Ok(stream) if is_admin || self.offer == Offer::Everything => {
                (respond(&self.app, request, self.ends, &self.client).await, stream)
            }
            Ok(stream) => (self.refuse(request.method(), refusal::not_found(ADMIN_ONLY)), stream),
            Err(Busy::NoSlot) => (self.refuse(request.method(), refusal::later("all connections are busy")), None),
            Err(Busy::NoStream) => (self.no_stream(), None),
        };
        let mut response = response.map(|body| match is_http2 {
            _ if body.is_end_stream() => body,
            true => {
                let transfer = Transfer::new(StreamTask::current(), busy.answered(), stream);
                self.clock.watch(&transfer);
                body.over_http2(transfer)
            }
            false => body.over_http1(busy.answered(), &self.outbox),
        });
        let leaves = !self.slot.is_held();
        if is_http2 && leaves {
            self.slot.leave();
        } else if !is_http2 && (leaves || self.app.slots.are_short()) {
            // Others wait for this connection's slot.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Makes sure of a stream for the request, and of a slot for the connection; health and metrics need no slot.
    async fn admit(&self, is_http2: bool, is_admin: bool) -> Result<Option<Share>, Busy> {
        let stream =
            if is_http2 { Some(self.client.try_take(Resource::Streams, 1).ok_or(Busy::NoStream)?) } else { None };
        if is_admin || self.slot.is_held() || self.slot.acquire(self.app.limits.slot).await {
            Ok(stream)
        } else {
            Err(Busy::NoSlot)
        }
    }

    /// Whether a raw path asks about health or metrics.
    fn is_admin(&self, raw: &str) -> bool {
        matches!(path::split(raw, &self.app.prefix).1, "/healthz" | "/readyz" | "/metrics")
    }

    /// The response to a request that is not looked at further.
    fn refuse(&self, method: &Method, answer: Answer) -> Response<Body> {
        self.app.metrics.answered(Class::Other, answer.status, Duration::ZERO);
        answer.respond(method, &HeaderMap::new(), &self.client, None)
    }

    /// The response to an HTTP/2 request beyond the bound: without a body, for which a client could make us wait.
    fn no_stream(&self) -> Response<Body> {
        self.app.metrics.answered(Class::Other, StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
        let mut response = Response::new(Body::of_bytes(Bytes::new(), None));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(refusal::RETRY_SECONDS));
        response
    }
}
