//! How requests to one upstream are made: a bounded number at once, retries until one is answered, a circuit breaker over all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use backon::BackoffBuilder as _;
use reqwest::Url;
use reqwest::header::HeaderMap;

use super::agent::Http;
use super::breaker::CircuitBreaker;
use super::counts::Counters;
use super::failure::FailureKind;
use super::get_request::GetRequest;
use super::lanes::{Lane, Protocol};
use super::limit::{Limit, Permit};
use super::reply::Reply;
use super::retry::{Failed, backoff};
use super::settings::HttpSettings;
use crate::upstream::base::{Base, BaseLocation, Site};
use crate::upstream::queue::Load;
use crate::upstream::spans;

/// Tries of one request that do not count, since the source refused it while it answered others.
const MAX_SPARED: u32 = 20;

/// What bounds the requests to one upstream.
#[derive(Debug)]
pub(in crate::upstream) struct Endpoint {
    limit: Limit,
    /// whether the first request has ended
    begun: AtomicBool,
    /// whether it is given up after a handful of tries, as long as it never answered
    is_spared: bool,
    breaker: CircuitBreaker,
}

impl Endpoint {
    /// For `base`, with the limits of `settings`.
    pub(in crate::upstream) fn new(base: &Base, settings: &HttpSettings) -> Endpoint {
        Endpoint::of_protocol(protocol_of(base), settings, false)
    }

    /// For a source of a database: one that cannot be used at all is given up after a handful of tries. If it `begins_alone`, its
    /// first request goes alone, so that not every job tries it meanwhile.
    pub(in crate::upstream) fn of_database(base: &Base, settings: &HttpSettings, begins_alone: bool) -> Endpoint {
        let protocol = match protocol_of(base) {
            Protocol::Http1 if begins_alone => Protocol::Http1Alone,
            protocol => protocol,
        };
        Endpoint::of_protocol(protocol, settings, true)
    }

    fn of_protocol(protocol: Protocol, settings: &HttpSettings, is_spared: bool) -> Endpoint {
        let begun = AtomicBool::new(matches!(protocol, Protocol::Files | Protocol::Http1));
        Endpoint { limit: Limit::new(protocol, settings), begun, is_spared, breaker: CircuitBreaker::default() }
    }

    /// How many requests run now, and how many wait.
    pub(in crate::upstream) fn load(&self) -> Load {
        self.limit.load()
    }

    /// How many requests may run at once now: none while the circuit breaker is open.
    pub(in crate::upstream) fn allowed(&self) -> usize {
        if self.breaker.why_open().is_some() { 0 } else { self.limit.allowed() }
    }

    /// How many requests may run at once at most.
    pub(in crate::upstream) fn most(&self) -> usize {
        self.limit.most()
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

    /// What a server answered, with what `notes` keeps of its URL and headers, or why the request failed after all its tries.
    pub(in crate::upstream) async fn get<T>(
        &self,
        http: &Http,
        site: &Site,
        request: &GetRequest<'_>,
        counters: &Counters,
        notes: fn(&Url, &HeaderMap) -> T,
    ) -> Result<(Reply, T), Failed> {
        self.unless_open()?;
        let settings = http.settings();
        let (mut tries, mut pauses) = (0, backoff(settings).build());
        let (mut spared, mut answers) = (0, self.limit.answers());
        loop {
            let failed = match self.turn(counters, request.path, |lane| http.get(site, request, lane, notes)).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            tries += 1;
            // Where others were answered meanwhile, the source refused only their number.
            let answers_now = self.limit.answers();
            if failed.overloaded && answers_now > answers && spared < MAX_SPARED {
                (tries, spared, answers) = (tries - 1, spared + 1, answers_now);
                pauses = backoff(settings).build();
            }
            let planned = if failed.transient { pauses.next() } else { None };
            let Some(pause) = failed.pause(planned, settings.longest_wait) else {
                return Err(self.gave_up(failed.after(tries, settings.longest_wait)));
            };
            counters.retried();
            tokio::time::sleep(pause).await;
        }
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

    /// Makes one try, with a permit, over the connection that comes with it.
    pub(in crate::upstream) async fn turn<T, F: Future<Output = Result<T, Failed>>>(
        &self,
        counters: &Counters,
        path: &str,
        attempt: impl FnOnce(Lane) -> F,
    ) -> Result<T, Failed> {
        // A pause between tries holds no permit.
        let permit = self.permit().await?;
        let is_new = self.is_spared && !self.begun.load(Ordering::Relaxed);
        if let Some(failed) = self.breaker.why_open().filter(|_| is_new) {
            return Err(Failed { transient: false, ..failed });
        }
        counters.requested(path);
        // A request takes kilobytes, and many wait for their permit: only those that run take them.
        let attempt = Box::pin(attempt(permit.lane()));
        let tried = spans::within("try", || vec![("url.path", format!("/{path}"))], attempt);
        let reply = tried.await;
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
        self.begun.store(true, Ordering::Relaxed);
        match &reply {
            Ok(_) => permit.answered(),
            Err(failed) => permit.failed(failed),
        }
        reply
    }
}

/// What a base speaks, if its URL shows it.
fn protocol_of(base: &Base) -> Protocol {
    match &base.location {
        BaseLocation::Tree(_) => Protocol::Files,
        BaseLocation::Site(site) if site.url.scheme() == "https" => Protocol::Unknown,
        BaseLocation::Site(_) => Protocol::Http1,
    }
}
