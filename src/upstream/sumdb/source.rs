//! One base of a checksum database: a server over HTTP, or a tree of files; its requests, and what went wrong with them.

use std::time::Instant;

use tokio::task::JoinError;

use super::tree;
use crate::sumdb;
use crate::upstream::asked;
use crate::upstream::base::{Base, BaseLocation};
use crate::upstream::http::agent::Http;
use crate::upstream::http::breaker::CircuitBreaker;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::endpoint::Endpoint;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::get_request::GetRequest;
use crate::upstream::http::latency::{Latency, LatencyCounts};
use crate::upstream::http::reply::Reply;
use crate::upstream::http::retry::Failed;
use crate::upstream::http::settings::HttpSettings;
use crate::upstream::http::source_errors::{Complaint, SourceErrors};
use crate::upstream::queue::Load;
use crate::upstream::spans;

/// One base, with the limits of its requests.
#[derive(Debug)]
pub(super) struct Source {
    base: Base,
    name: String,
    endpoint: Endpoint,
    latency: LatencyCounts,
    errors: SourceErrors,
}

impl Source {
    /// If it `begins_alone`, its first request goes alone.
    pub(super) fn new(base: Base, settings: &HttpSettings, begins_alone: bool) -> Source {
        let endpoint = Endpoint::of_database(&base, settings, begins_alone);
        let (latency, errors) = Default::default();
        Source { name: base.to_string(), base, endpoint, latency, errors }
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many requests to it run now, and how many wait.
    pub(super) fn load(&self) -> Load {
        self.endpoint.load()
    }

    /// How many requests to it may run at once now.
    pub(super) fn allowed(&self) -> usize {
        self.endpoint.allowed()
    }

    /// How many requests to it may run at once at most.
    pub(super) fn most(&self) -> usize {
        self.endpoint.most()
    }

    /// Whether it is asked less than it could be, since it answered that it is overloaded.
    pub(super) fn is_held_back(&self) -> bool {
        self.endpoint.is_held_back()
    }

    /// Whether this is a server, whose absence is a statement, and not a tree, which may merely lack something.
    pub(super) fn is_site(&self) -> bool {
        matches!(self.base.location, BaseLocation::Site(_))
    }

    /// What it answers, or why it failed.
    pub(super) async fn ask(
        &self,
        http: &Http,
        request: &GetRequest<'_>,
        counters: &Counters,
    ) -> Result<Reply, Failed> {
        let attributes = || vec![("gosumcheck.upstream", self.name.clone())];
        spans::within("upstream", attributes, self.ask_now(http, request, counters)).await
    }

    async fn ask_now(&self, http: &Http, request: &GetRequest<'_>, counters: &Counters) -> Result<Reply, Failed> {
        let GetRequest { path, limit, range } = request;
        let (path, limit) = (*path, *limit);
        let began = Instant::now();
        let reply = match &self.base.location {
            BaseLocation::Site(site) => {
                // What is proven needs no report on where it came from.
                let answered = self.endpoint.get(http, site, request, counters, |_, _| ()).await;
                answered.map(|(reply, ())| reply)
            }
            BaseLocation::Tree(_) if range.is_some() => Err(Failed::broken("is not a file server")),
            BaseLocation::Tree(root) => {
                let _permit = self.endpoint.permit().await?;
                counters.requested(path);
                let (root, path) = (root.clone(), path.to_owned());
                let read = tokio::task::spawn_blocking(move || tree::read(&root, &path, limit)).await;
                let died = |error: JoinError| Err(Failed::lasting(FailureKind::Machine, error.to_string()));
                read.unwrap_or_else(died)
            }
        };
        let time = began.elapsed();
        self.latency.took(time);
        asked::note(&self.name, time);
        match &reply {
            Ok(Reply::Body(bytes)) => counters.received(bytes.len()),
            Ok(Reply::Missing(_)) => {}
            // Our own queue is full, which is not this base's failure.
            Err(failed) if failed.kind == FailureKind::QueueFull => {}
            Err(failed) => self.errors.failed(path, &failed.why),
        }
        reply
    }

    /// Counts bytes from it that were refused.
    pub(super) fn refuted(&self, error: sumdb::Error) -> sumdb::Error {
        self.errors.refused(&error);
        error
    }

    /// Counts an absence.
    pub(super) fn lacked(&self, why: String) -> String {
        self.errors.lacked();
        why
    }

    /// Its circuit breaker.
    pub(super) fn breaker(&self) -> &CircuitBreaker {
        self.endpoint.breaker()
    }

    /// How long its requests took.
    pub(super) fn latency(&self) -> Latency {
        self.latency.snapshot()
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.errors.complaint(&self.name)
    }
}
