//! How requests to one upstream are made: a bounded number at once, retries until one is answered, a circuit breaker over all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use backon::Retryable as _;

use super::agent::Http;
use super::breaker::CircuitBreaker;
use super::counts::Counters;
use super::failure::FailureKind;
use super::get_request::GetRequest;
use super::limit::{Limit, Permit};
use super::origin::Origin;
use super::reply::Reply;
use super::retry::{Failed, backoff};
use crate::upstream::base::{Base, BaseLocation, Site};
use crate::upstream::queue::Load;

/// What bounds the requests to one upstream.
#[derive(Debug)]
pub(in crate::upstream) struct Endpoint {
    limit: Limit,
    /// whether the first request has ended, and the others may run at once
    begun: AtomicBool,
    /// whether it is given up after a handful of tries, as long as it never answered
    is_spared: bool,
    breaker: CircuitBreaker,
}

impl Endpoint {
    /// For `base`, with at most `concurrency` requests at once.
    pub(in crate::upstream) fn new(base: &Base, concurrency: usize) -> Endpoint {
        // Over TLS the first request goes alone: only its connection shows whether the server speaks HTTP/2, so that one
        // connection carries all the others. Without this, 64 requests would make 64 handshakes.
        let alone = matches!(&base.location, BaseLocation::Site(site) if site.url.scheme() == "https");
        Endpoint::beginning(concurrency, alone, false)
    }

    /// For a source of a database: one that cannot be used at all is given up after a handful of tries. If it `begins_alone`, its
    /// first request goes alone, so that not every job tries it meanwhile.
    pub(in crate::upstream) fn of_database(base: &Base, concurrency: usize, begins_alone: bool) -> Endpoint {
        let alone = match &base.location {
            BaseLocation::Site(site) => begins_alone || site.url.scheme() == "https",
            BaseLocation::Tree(_) => false,
        };
        Endpoint::beginning(concurrency, alone, true)
    }

    fn beginning(concurrency: usize, alone: bool, is_spared: bool) -> Endpoint {
        let limit = Limit::new(if alone { 1 } else { concurrency }, concurrency);
        Endpoint { limit, begun: AtomicBool::new(!alone), is_spared, breaker: CircuitBreaker::default() }
    }

    /// How many requests run now, and how many wait.
    pub(in crate::upstream) fn load(&self) -> Load {
        self.limit.load()
    }

    /// How many requests may run at once now: none while the circuit breaker is open.
    pub(in crate::upstream) fn allowed(&self) -> usize {
        if self.breaker.why_open().is_some() { 0 } else { self.limit.allowed() }
    }

    /// Whether fewer requests run than could, since it answered that it is overloaded.
    pub(in crate::upstream) fn is_held_back(&self) -> bool {
        self.limit.is_held_back()
    }

    /// Its circuit breaker.
    pub(in crate::upstream) fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// Waits for a permit to make a request.
    pub(in crate::upstream) async fn permit(&self) -> Result<Permit<'_>, Failed> {
        self.limit.permit().await.map_err(Failed::turned_away)
    }

    /// What a server answered, or why the request failed after all its tries.
    pub(in crate::upstream) async fn get(
        &self,
        http: &Http,
        site: &Site,
        request: &GetRequest<'_>,
        counters: &Counters,
    ) -> Result<(Reply, Origin), Failed> {
        let settings = http.settings();
        let tries = AtomicU32::new(0);
        let attempt = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.turn(counters, request.path, http.get(site, request))
        };
        self.unless_open()?;
        let reply = attempt
            .retry(backoff(settings))
            .when(|failed: &Failed| failed.transient)
            .adjust(|failed, planned| failed.pause(planned, settings.longest_wait))
            .notify(|_, _| counters.retried())
            .await;
        reply.map_err(|failed| self.gave_up(failed.after(tries.load(Ordering::Relaxed), settings.longest_wait)))
    }

    /// Fails at once while the circuit breaker is open.
    pub(in crate::upstream) fn unless_open(&self) -> Result<(), Failed> {
        match self.breaker.refuses(Instant::now()) {
            None => Ok(()),
            Some(failed) => {
                let why = format!("{} (a moment ago; not asked again)", failed.why);
                Err(Failed::lasting(failed.kind, why))
            }
        }
    }

    /// Notes that a request failed all its tries.
    pub(in crate::upstream) fn gave_up(&self, failed: Failed) -> Failed {
        // Where there never was a connection, each try has been counted.
        let is_counted = failed.unconnected && self.is_spared && !self.begun.load(Ordering::Relaxed);
        if !is_counted && self.breaker.why_open().is_none() {
            self.breaker.failed(Instant::now(), &failed);
        }
        failed
    }

    /// Makes one try, with a permit.
    pub(in crate::upstream) async fn turn<T>(
        &self,
        counters: &Counters,
        path: &str,
        attempt: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        // A pause between tries holds no permit.
        let permit = self.permit().await?;
        let is_new = self.is_spared && !self.begun.load(Ordering::Relaxed);
        if let Some(failed) = self.breaker.why_open().filter(|_| is_new) {
            return Err(Failed { transient: false, ..failed });
        }
        counters.requested(path);
        let reply = attempt.await;
        if let Some(failed) = reply.as_ref().err().filter(|failed| is_new && failed.unconnected) {
            self.breaker.never_connected(Instant::now(), failed);
            return reply;
        }
        // The connection goes back to its pool in a task of its own. Unless that task runs first, the next request finds no idle
        // connection and opens another.
        tokio::task::yield_now().await;
        if reply.as_ref().map_or_else(|failed| failed.reached() && failed.kind != FailureKind::Busy, |_| true) {
            self.breaker.answered();
        }
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.limit.open();
        }
        match &reply {
            Ok(_) => permit.answered(),
            Err(failed) if failed.overloaded => permit.overloaded(),
            Err(_) => drop(permit),
        }
        reply
    }
}
