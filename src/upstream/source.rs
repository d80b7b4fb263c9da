//! One base as it is asked: a bounded number of requests at once, tries until one is answered, a breaker over all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use backon::Retryable as _;
use tokio::sync::Semaphore;

use super::base::{Base, Place, Site};
use super::breaker::Breaker;
use super::complaint::{Complaint, Grievance};
use super::counts::Counters;
use super::http::Http;
use super::reply::Reply;
use super::retry::{Failure, backoff};
use super::tree;
use crate::sumdb;

/// What is asked, and by what means.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) http: &'a Http,
    pub(super) path: &'a str,
    /// bytes of the longest answer
    pub(super) limit: usize,
    pub(super) counters: &'a Counters,
}

#[derive(Debug)]
pub(super) struct Source {
    base: Base,
    name: String,
    permits: Semaphore,
    /// permits that are held back until the first answer
    reserve: usize,
    begun: AtomicBool,
    breaker: Breaker,
    grievance: Grievance,
}

impl Source {
    pub(super) fn new(base: Base, concurrency: usize) -> Source {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        // Over TLS the first request goes alone. Until its connection stands, nobody knows whether it is HTTP/2 and
        // can carry all the others; without this, 64 requests would make 64 handshakes.
        let alone = matches!(&base.place, Place::Site(site) if site.url.scheme() == "https");
        let open = if alone { 1 } else { concurrency };
        Source {
            name: base.to_string(),
            base,
            permits: Semaphore::new(open),
            reserve: concurrency - open,
            begun: AtomicBool::new(false),
            breaker: Breaker::default(),
            grievance: Grievance::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is a server, whose "no" is a statement, and not a tree, which merely does not hold something.
    pub(super) fn is_site(&self) -> bool {
        matches!(self.base.place, Place::Site(_))
    }

    /// What it says, or why it failed.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Reply, String> {
        let Question { path, limit, counters, .. } = question;
        let reply = match &self.base.place {
            Place::Site(site) => self.ask_site(site, question).await,
            Place::Tree(root) => {
                let _permit = self.permits.acquire().await;
                counters.asked(path);
                let (root, path) = (root.clone(), path.to_owned());
                let read = tokio::task::spawn_blocking(move || tree::read(&root, &path, limit));
                read.await.unwrap_or_else(|error| Err(error.to_string()))
            }
        };
        match &reply {
            Ok(Reply::Body(bytes)) => counters.received(bytes.len()),
            Ok(Reply::Missing(_)) => {}
            Err(why) => self.grievance.failed(path, why),
        }
        reply
    }

    /// Notes that what it sent is false.
    pub(super) fn refuted(&self, error: sumdb::Error) -> sumdb::Error {
        self.grievance.refused(&error);
        error
    }

    /// Notes that it says that it has no such thing.
    pub(super) fn lacked(&self, why: String) -> String {
        self.grievance.lacked();
        why
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.grievance.complaint(&self.name)
    }

    async fn ask_site(&self, site: &Site, question: Question<'_>) -> Result<Reply, String> {
        if let Some(why) = self.breaker.refuses(Instant::now()) {
            return Err(format!("{why} (a moment ago; not asked again)"));
        }
        let settings = question.http.settings();
        let tries = AtomicU32::new(0);
        let attempt = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.try_once(site, question)
        };
        let reply = attempt
            .retry(backoff(settings))
            .when(|failure: &Failure| failure.transient)
            .adjust(|failure, planned| failure.pause(planned, settings.longest_wait))
            .notify(|_, _| question.counters.retried())
            .await;
        reply.map_err(|failure| {
            let reached = failure.reached;
            let why = failure.explain(tries.load(Ordering::Relaxed), settings.longest_wait);
            if !reached {
                self.breaker.unanswered(Instant::now(), &why);
            }
            why
        })
    }

    async fn try_once(&self, site: &Site, question: Question<'_>) -> Result<Reply, Failure> {
        let Question { http, path, limit, counters } = question;
        // The semaphore is never closed. A pause between tries holds no permit.
        let _permit = self.permits.acquire().await;
        counters.asked(path);
        let reply = http.get(site, path, limit).await;
        // The connection goes back to its pool in a task of its own. Without a turn for that task, the next request finds none
        // that is idle, and makes another.
        tokio::task::yield_now().await;
        if reply.as_ref().map_or_else(|failure| failure.reached, |_| true) {
            self.breaker.answered();
        }
        if self.reserve > 0 && !self.begun.swap(true, Ordering::Relaxed) {
            self.permits.add_permits(self.reserve);
        }
        reply
    }
}
