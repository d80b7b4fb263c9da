//! One entry of a list at work: requests over the network, in a folder, or none at all; with its counters and errors.

use std::time::Instant;

use super::direct::{self, Direct};
use super::download::Wanted;
use super::entry::{ProxyEntry, ProxyPlace, ProxyState};
use super::holding::Holding;
use super::wire::{Fetched, Sent, Sink, Touched};
use super::{path, probe, tree};
use crate::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest};
use crate::upstream::asked;
use crate::upstream::base::{Base, BaseLocation, Site};
use crate::upstream::http::agent::Http;
use crate::upstream::http::breaker::BreakerState;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::endpoint::Endpoint;
use crate::upstream::http::failure::{Failure, FailureKind};
use crate::upstream::http::get_request::GetRequest;
use crate::upstream::http::latency::LatencyCounts;
use crate::upstream::http::origin::Origin;
use crate::upstream::http::reply::Reply;
use crate::upstream::http::retry::Failed;
use crate::upstream::http::source_errors::{Complaint, SourceErrors};
use crate::upstream::spans;

/// One entry of the list.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    backend: Backend,
    falls_back: bool,
    counters: Counters,
    latency: LatencyCounts,
    errors: SourceErrors,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a list has a handful of entries")]
enum Backend {
    Site { http: Http, site: Site, endpoint: Endpoint },
    Held(Holding),
    Direct(Direct),
    Off,
}

impl Member {
    pub(super) fn new(entry: ProxyEntry) -> Member {
        let (name, backend) = match entry.place {
            ProxyPlace::Base(base, settings) => match &base.location {
                BaseLocation::Site(site) => {
                    let (site, endpoint) = (site.clone(), Endpoint::new(&base, &settings));
                    (base.to_string(), Backend::Site { http: Http::new(settings), site, endpoint })
                }
                BaseLocation::Tree(root) => (base.to_string(), Backend::Held(Holding::Tree(root.clone()))),
            },
            ProxyPlace::Held(holding) => (Base::tree(holding.path()).to_string(), Backend::Held(holding)),
            ProxyPlace::Direct(direct) => (direct::NAME.to_owned(), Backend::Direct(direct)),
            ProxyPlace::Off => ("off".to_owned(), Backend::Off),
        };
        let (counters, errors) = (Counters::default(), SourceErrors::default());
        Member { name, backend, falls_back: entry.falls_back, counters, latency: LatencyCounts::default(), errors }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self.backend, Backend::Held(_) | Backend::Off)
    }

    pub(super) fn falls_back(&self) -> bool {
        self.falls_back
    }

    pub(super) async fn fetch(&self, request: &ModuleRequest, limit: usize) -> Result<Fetched, Failure> {
        spans::within("upstream", || self.attributes(), self.fetch_now(request, limit)).await
    }

    async fn fetch_now(&self, request: &ModuleRequest, limit: usize) -> Result<Fetched, Failure> {
        let began = Instant::now();
        let fetched = match &self.backend {
            Backend::Site { http, site, endpoint } => {
                let path = path::of(request);
                let request = GetRequest { path: &path, limit, range: None };
                endpoint.get(http, site, &request, &self.counters, Origin::of).await.map(|reply| match reply {
                    (Reply::Body(bytes), origin) => Fetched::Body(bytes, origin),
                    (Reply::Missing(words), _) => Fetched::Missing(words),
                })
            }
            Backend::Held(holding) => self.counted(request, tree::fetch(holding, request, limit)).await,
            Backend::Direct(direct) => direct.fetch(request, limit, &self.counters).await,
            Backend::Off => Err(off()),
        };
        self.took(began);
        match &fetched {
            Ok(Fetched::Body(bytes, _)) => self.counters.received(bytes.len()),
            Ok(Fetched::Missing(_)) => self.errors.lacked(),
            Err(_) => {}
        }
        fetched.map_err(|failed| self.failure(request, failed))
    }

    pub(super) async fn download(
        &self,
        request: &ModuleRequest,
        limit: u64,
        sink: &mut dyn Sink,
    ) -> Result<Sent, Failure> {
        spans::within("upstream", || self.attributes(), self.download_now(request, limit, sink)).await
    }

    async fn download_now(&self, request: &ModuleRequest, limit: u64, sink: &mut dyn Sink) -> Result<Sent, Failure> {
        let began = Instant::now();
        let sent = match &self.backend {
            Backend::Site { http, site, endpoint } => {
                let path = path::of(request);
                endpoint.download(Wanted { http, site, path: &path, limit, counters: &self.counters }, sink).await
            }
            Backend::Held(holding) => {
                self.counted(request, tree::download(holding, request, limit, sink, &self.counters)).await
            }
            Backend::Direct(direct) => direct.download(request, limit, sink, &self.counters).await,
            Backend::Off => Err(off()),
        };
        self.took(began);
        if let Ok(Sent::Missing(_)) = &sent {
            self.errors.lacked();
        }
        sent.map_err(|failed| self.failure(request, failed))
    }

    pub(super) async fn touch(&self, request: &ModuleRequest) -> Result<Touched, Failure> {
        let Backend::Site { http, site, endpoint } = &self.backend else {
            let why = "only a server can be asked to bring a file";
            return Err(self.failure(request, Failed::lasting(FailureKind::Forbidden, why)));
        };
        let path = path::of(request);
        let first = GetRequest { path: &path, limit: 1, range: Some(0..1) };
        match endpoint.get(http, site, &first, &self.counters, |_, _| ()).await {
            Ok((Reply::Body(_), ())) => Ok(Touched::There),
            Ok((Reply::Missing(words), ())) => Ok(Touched::Missing(words)),
            // All of it, since the server does not send parts; or none, since it is empty (RFC 9110 section 15.5.17).
            Err(Failed { kind: FailureKind::Answer(200 | 416), .. }) => Ok(Touched::There),
            Err(failed) => Err(self.failure(request, failed)),
        }
    }

    pub(super) async fn has(&self, request: &ModuleRequest) -> Result<Touched, Failure> {
        match &self.backend {
            Backend::Site { .. } => self.touch(request).await,
            Backend::Held(holding) => {
                let has = self.counted(request, tree::has(holding, request)).await;
                has.map_err(|failed| self.failure(request, failed))
            }
            Backend::Direct(_) | Backend::Off => {
                let about = match request {
                    ModuleRequest::File(module, _) => ModuleRequest::Info(module.clone()),
                    other => other.clone(),
                };
                Ok(match self.fetch(&about, MAX_INFO_BYTES).await? {
                    Fetched::Body(..) => Touched::There,
                    Fetched::Missing(words) => Touched::Missing(words),
                })
            }
        }
    }

    pub(super) fn refuted(&self, why: &str) {
        self.errors.refused(&why);
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.errors.complaint(&self.name)
    }

    pub(super) fn state(&self) -> ProxyState {
        let breaker = match &self.backend {
            Backend::Site { endpoint, .. } => endpoint.breaker().state(),
            _ => BreakerState::Closed,
        };
        let counts = self.counters.snapshot();
        let failures = self.errors.failures();
        let (requests, bytes, latency) = (counts.requests(), counts.bytes, self.latency.snapshot());
        ProxyState { name: self.name.clone(), breaker, requests, failures, bytes, latency }
    }

    /// Probes it while its breaker is open. Only servers have one.
    pub(super) async fn probe(&self) {
        if let Backend::Site { http, site, endpoint } = &self.backend {
            probe::watch(http, site, endpoint, &self.counters).await;
        }
    }

    /// What a span about it says.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("gosumcheck.upstream", self.name.clone())]
    }

    /// A request that began then is over.
    fn took(&self, began: Instant) {
        let time = began.elapsed();
        self.latency.took(time);
        asked::note(&self.name, time);
    }

    async fn counted<T>(&self, request: &ModuleRequest, work: impl Future<Output = T>) -> T {
        self.counters.requested(&request.to_string());
        work.await
    }

    fn failure(&self, request: &ModuleRequest, failed: Failed) -> Failure {
        // A full disk of this machine is not the proxy's error.
        if failed.kind != FailureKind::Disk {
            self.errors.failed(&request.to_string(), &failed.why);
        }
        Failure { source: self.name.clone(), why: failed.why, kind: failed.kind }
    }
}

fn off() -> Failed {
    Failed::lasting(FailureKind::Off, "module lookup disabled by GOPROXY=off")
}
