//! One base as it is asked: a bounded number of requests at once, tries until one is answered, a breaker over all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use backon::Retryable as _;
use tokio::task::JoinError;

use super::asked::Asked;
use super::base::{Base, Place, Site};
use super::breaker::Fuse;
use super::complaint::{Complaint, Grievance};
use super::counts::Counters;
use super::failure::FailureKind;
use super::http::Http;
use super::limit::Limit;
use super::origin::Origin;
use super::queue::Load;
use super::reply::Reply;
use super::retry::{Failed, backoff};
use super::tree;
use crate::sumdb;

/// What is asked, and by what means.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) http: &'a Http,
    pub(super) asked: &'a Asked<'a>,
    pub(super) counters: &'a Counters,
}

#[derive(Debug)]
pub(super) struct Source {
    base: Base,
    name: String,
    limit: Limit,
    begun: AtomicBool,
    /// whether it is given up after a handful of tries, as long as it never answered
    is_spared: bool,
    fuse: Fuse,
    grievance: Grievance,
}

impl Source {
    pub(super) fn new(base: Base, concurrency: usize) -> Source {
        // Over TLS the first request goes alone. Until its connection stands, nobody knows whether it is HTTP/2 and
        // can carry all the others; without this, 64 requests would make 64 handshakes.
        let alone = matches!(&base.place, Place::Site(site) if site.url.scheme() == "https");
        Source::beginning(base, concurrency, alone, false)
    }

    /// A source of a database: one that cannot be used at all is given up after a handful of tries. Where it `begins_alone`, its
    /// first request goes alone, so that not every job asks it meanwhile.
    pub(super) fn of_database(base: Base, concurrency: usize, begins_alone: bool) -> Source {
        let alone = match &base.place {
            Place::Site(site) => begins_alone || site.url.scheme() == "https",
            Place::Tree(_) => false,
        };
        Source::beginning(base, concurrency, alone, true)
    }

    fn beginning(base: Base, concurrency: usize, alone: bool, is_spared: bool) -> Source {
        let limit = Limit::new(if alone { 1 } else { concurrency }, concurrency);
        Source {
            name: base.to_string(),
            base,
            limit,
            begun: AtomicBool::new(!alone),
            is_spared,
            fuse: Fuse::default(),
            grievance: Grievance::default(),
        }
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many requests it is asked now, and how many wait for that.
    pub(super) fn load(&self) -> Load {
        self.limit.load()
    }

    /// Whether this is a server, whose "no" is a statement, and not a tree, which merely does not hold something.
    pub(super) fn is_site(&self) -> bool {
        matches!(self.base.place, Place::Site(_))
    }

    /// What it says, or why it failed.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<(Reply, Origin), Failed> {
        let Question { asked: Asked { path, limit, range }, counters, .. } = question;
        let (path, limit) = (*path, *limit);
        let reply = match &self.base.place {
            Place::Site(site) => self.ask_site(site, question).await,
            Place::Tree(_) if range.is_some() => Err(Failed::broken("is no server of files")),
            Place::Tree(root) => {
                let _leave = self.limit.leave().await.map_err(Failed::turned_away)?;
                counters.asked(path);
                let (root, path) = (root.clone(), path.to_owned());
                let read = tokio::task::spawn_blocking(move || tree::read(&root, &path, limit)).await;
                let died = |error: JoinError| Err(Failed::lasting(FailureKind::Machine, error.to_string()));
                let read = read.unwrap_or_else(died);
                read.map(|reply| (reply, Origin::default()))
            }
        };
        match &reply {
            Ok((Reply::Body(bytes), _)) => counters.received(bytes.len()),
            Ok((Reply::Missing(_), _)) => {}
            // Ours to answer for.
            Err(failed) if failed.kind == FailureKind::QueueFull => {}
            Err(failed) => self.grievance.failed(path, &failed.why),
        }
        reply
    }

    /// Notes that what it sent is false.
    pub(super) fn refuted(&self, error: sumdb::Error) -> sumdb::Error {
        self.grievance.refused(&error);
        error
    }

    /// What its failures say about it.
    pub(super) fn fuse(&self) -> &Fuse {
        &self.fuse
    }

    /// Notes that it says that it has no such thing.
    pub(super) fn lacked(&self, why: String) -> String {
        self.grievance.lacked();
        why
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.grievance.complaint(&self.name)
    }

    /// The same of a server, over the network.
    pub(super) async fn ask_site(&self, site: &Site, question: Question<'_>) -> Result<(Reply, Origin), Failed> {
        let Question { http, asked, counters } = question;
        let settings = http.settings();
        let tries = AtomicU32::new(0);
        let attempt = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.turn(counters, asked.path, http.get(site, asked))
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

    /// Fails at once where nobody is to ask it for now.
    pub(super) fn unless_open(&self) -> Result<(), Failed> {
        match self.fuse.refuses(Instant::now()) {
            None => Ok(()),
            Some(failed) => {
                let why = format!("{} (a moment ago; not asked again)", failed.why);
                Err(Failed::lasting(failed.kind, why))
            }
        }
    }

    /// Notes that a request failed all its tries.
    pub(super) fn gave_up(&self, failed: Failed) -> Failed {
        // Where no connection ever stood, each try has been counted.
        let is_counted = failed.unconnected && self.is_spared && !self.begun.load(Ordering::Relaxed);
        if !is_counted && self.fuse.why_open().is_none() {
            self.fuse.failed(Instant::now(), &failed);
        }
        failed
    }

    /// One try, when it is its turn.
    pub(super) async fn turn<T>(
        &self,
        counters: &Counters,
        path: &str,
        attempt: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        // A pause between tries holds no leave.
        let leave = self.limit.leave().await.map_err(Failed::turned_away)?;
        let is_new = self.is_spared && !self.begun.load(Ordering::Relaxed);
        if let Some(failed) = self.fuse.why_open().filter(|_| is_new) {
            return Err(Failed { transient: false, ..failed });
        }
        counters.asked(path);
        let reply = attempt.await;
        if let Some(failed) = reply.as_ref().err().filter(|failed| is_new && failed.unconnected) {
            self.fuse.never_connected(Instant::now(), failed);
            return reply;
        }
        // The connection goes back to its pool in a task of its own. Without a turn for that task, the next request finds none
        // that is idle, and makes another.
        tokio::task::yield_now().await;
        if reply.as_ref().map_or_else(|failed| failed.reached() && failed.kind != FailureKind::Busy, |_| true) {
            self.fuse.answered();
        }
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.limit.open();
        }
        match &reply {
            Ok(_) => leave.welcome(),
            Err(failed) if failed.overloaded => leave.unwelcome(),
            Err(_) => drop(leave),
        }
        reply
    }
}
