//! One entry of a list as it is asked: over the network, in a folder, or not at all; with its counters and complaints.

use std::path::PathBuf;

use super::{Entry, Fetched, ProxyPlace, Sent, State, path, probe, tree};
use crate::sumdb::goproxy::ModuleRequest;
use crate::upstream::asked::Asked as Request;
use crate::upstream::base::{Place, Site};
use crate::upstream::breaker::Breaker;
use crate::upstream::complaint::{Complaint, Grievance};
use crate::upstream::counts::Counters;
use crate::upstream::direct::{self, Direct};
use crate::upstream::download::{Sink, Wanted};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::http::Http;
use crate::upstream::reply::Reply;
use crate::upstream::retry::Failed;
use crate::upstream::source::{Question, Source};

/// An entry.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    seat: Seat,
    falls_back: bool,
    counters: Counters,
    grievance: Grievance,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a list has a handful of entries")]
enum Seat {
    Site { http: Http, site: Site, source: Source },
    Tree(PathBuf),
    Direct(Direct),
    Off,
}

impl Member {
    pub(super) fn new(entry: Entry) -> Member {
        let (name, seat) = match entry.place {
            ProxyPlace::Base(base, settings) => match &base.place {
                Place::Site(site) => {
                    let (site, source) = (site.clone(), Source::new(base.clone(), settings.concurrency));
                    (base.to_string(), Seat::Site { http: Http::new(settings), site, source })
                }
                Place::Tree(root) => (base.to_string(), Seat::Tree(root.clone())),
            },
            ProxyPlace::Direct(direct) => (direct::NAME.to_owned(), Seat::Direct(direct)),
            ProxyPlace::Off => ("off".to_owned(), Seat::Off),
        };
        let (counters, grievance) = (Counters::default(), Grievance::default());
        Member { name, seat, falls_back: entry.falls_back, counters, grievance }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self.seat, Seat::Tree(_) | Seat::Off)
    }

    pub(super) fn falls_back(&self) -> bool {
        self.falls_back
    }

    pub(super) async fn fetch(&self, asked: &ModuleRequest, limit: usize) -> Result<Fetched, Failure> {
        let fetched = match &self.seat {
            Seat::Site { http, site, source } => {
                let path = path::of(asked);
                let asked = Request { path: &path, limit, range: None };
                let question = Question { http, asked: &asked, counters: &self.counters };
                source.ask_site(site, question).await.map(|reply| match reply {
                    (Reply::Body(bytes), origin) => Fetched::Body(bytes, origin),
                    (Reply::Missing(words), _) => Fetched::Missing(words),
                })
            }
            Seat::Tree(root) => self.counted(asked, tree::fetch(root, asked, limit)).await,
            Seat::Direct(direct) => direct.fetch(asked, limit, &self.counters).await,
            Seat::Off => Err(off()),
        };
        match &fetched {
            Ok(Fetched::Body(bytes, _)) => self.counters.received(bytes.len()),
            Ok(Fetched::Missing(_)) => self.grievance.lacked(),
            Err(_) => {}
        }
        fetched.map_err(|failed| self.failure(asked, failed))
    }

    pub(super) async fn download(
        &self,
        asked: &ModuleRequest,
        limit: u64,
        sink: &mut dyn Sink,
    ) -> Result<Sent, Failure> {
        let sent = match &self.seat {
            Seat::Site { http, site, source } => {
                let path = path::of(asked);
                source.download(Wanted { http, site, path: &path, limit, counters: &self.counters }, sink).await
            }
            Seat::Tree(root) => self.counted(asked, tree::download(root, asked, limit, sink, &self.counters)).await,
            Seat::Direct(direct) => direct.download(asked, limit, sink, &self.counters).await,
            Seat::Off => Err(off()),
        };
        if let Ok(Sent::Missing(_)) = &sent {
            self.grievance.lacked();
        }
        sent.map_err(|failed| self.failure(asked, failed))
    }

    pub(super) fn refuted(&self, why: &str) {
        self.grievance.refused(&why);
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.grievance.complaint(&self.name)
    }

    pub(super) fn state(&self) -> State {
        let breaker = match &self.seat {
            Seat::Site { source, .. } => source.fuse().state(),
            _ => Breaker::Closed,
        };
        let counts = self.counters.snapshot();
        let failures = self.grievance.failures();
        State { name: self.name.clone(), breaker, requests: counts.requests(), failures, bytes: counts.bytes }
    }

    /// Looks after it while it is out. Only a server can be out; what asks nobody needs no looking after.
    pub(super) async fn probe(&self) {
        if let Seat::Site { http, site, source } = &self.seat {
            probe::watch(http, site, source, &self.counters).await;
        }
    }

    async fn counted<T>(&self, asked: &ModuleRequest, work: impl Future<Output = T>) -> T {
        self.counters.asked(&asked.to_string());
        work.await
    }

    fn failure(&self, asked: &ModuleRequest, failed: Failed) -> Failure {
        // That this machine's disk is full is nothing against it.
        if failed.kind != FailureKind::Disk {
            self.grievance.failed(&asked.to_string(), &failed.why);
        }
        Failure { source: self.name.clone(), why: failed.why, kind: failed.kind }
    }
}

fn off() -> Failed {
    Failed::lasting(FailureKind::Off, "module lookup disabled by GOPROXY=off")
}
