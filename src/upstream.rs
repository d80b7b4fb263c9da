//! The only module that speaks HTTP outwards, that reads `file://` trees, and that runs the go command: paths of a checksum
//! database ([`Upstreams`]) or questions of the GOPROXY protocol ([`Proxies`]) in, bytes out.
//!
//! Several bases are asked in turn until one has an answer. Nothing that comes from here is proven; `fetch_where` lets
//! the caller judge the bytes, and asks the next base where they do not pass. An answer that is absent is told apart
//! from a base that failed, and a log's "no" (404, 410) from a tree that merely does not hold it. Everything is
//! bounded: sizes by the caller, times, tries, redirects and requests at once by `Settings`.

use crate::fault::Fault;
use crate::sumdb;

mod access;
mod asked;
mod asker;
mod base;
mod breaker;
mod client;
mod coding;
mod complaint;
mod counts;
mod direct;
mod download;
mod failure;
mod find;
mod http;
mod limit;
mod netrc;
mod origin;
mod outcome;
mod peer;
mod proxies;
mod queue;
mod reach;
mod redirect;
mod reply;
mod retry;
mod settings;
mod source;
mod tree;

pub use access::Access;
pub use asker::{Asker, Clients};
pub use base::Base;
pub use breaker::Breaker;
pub use complaint::Complaint;
pub use counts::Counts;
pub use direct::{Access as DirectAccess, Direct, DirectSettings, Network, Outward, PublicAccess, SystemNetwork};
pub use download::Sink;
pub use failure::{Failure, FailureKind};
pub use find::find_base;
pub use http::Http;
pub use origin::Origin;
pub use outcome::{Absence, Got};
pub use peer::Peer;
pub use proxies::{Entry, Fetched, Proxies, ProxyPlace, Sent, State};
pub use queue::{Bounds, Busy, FairQueue, Load, Slot};
pub use settings::Settings;

use std::ops::Range;

use asked::Asked;
use counts::Counters;
use outcome::Told;
use reply::Reply;
use retry::Failed;
use source::{Question, Source};

/// The bases of one database, in the order in which they are asked.
#[derive(Debug)]
pub struct Upstreams {
    http: Http,
    sources: Vec<Source>,
    counters: Counters,
}

impl Upstreams {
    /// Over these bases. Nothing is opened or connected before the first fetch.
    pub fn new(http: Http, bases: Vec<Base>) -> Upstreams {
        let sources = bases.into_iter().map(|base| Source::new(base, http.settings().concurrency)).collect();
        Upstreams { http, sources, counters: Counters::default() }
    }

    /// The same without those that are asked over the network.
    pub fn trees_only(mut self) -> Upstreams {
        self.sources.retain(|source| !source.is_site());
        self
    }

    /// How each base is called in messages, in order: its URL without credentials.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sources.iter().map(Source::name)
    }

    /// How many times anything was asked of a base so far, tries included: 0 after a run that needed nothing.
    pub fn requests(&self) -> u64 {
        self.counts().requests()
    }

    /// The same by kind.
    pub fn counts(&self) -> Counts {
        self.counters.snapshot()
    }

    /// How many requests all bases are asked now, and how many wait for that.
    pub fn load(&self) -> Load {
        self.sources.iter().map(Source::load).sum()
    }

    /// The bytes at `path` (`lookup/...`, `tile/8/...`, `latest`) from the first base that has them, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` where no base has them and at least one failed: it names every base and why. `Usage` for a path
    /// that no checksum database has.
    pub async fn fetch(&self, path: &str, limit: usize) -> Result<Got, Fault> {
        self.fetch_where(path, limit, Ok).await
    }

    /// As `fetch`, but bytes count only if they pass `judge`; a base whose bytes do not pass is as good as one that
    /// failed, and the next is asked.
    ///
    /// # Errors
    /// As `fetch`; `Refused` with every base's reason where bytes came but none passed.
    pub async fn fetch_where<T>(
        &self,
        path: &str,
        limit: usize,
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        self.fetch_beyond(path, limit, &[], judge).await
    }

    /// As `fetch_where`, but the bases with the numbers in `refuted` (counted from 0) are not asked: what they sent for
    /// this path has turned out false, and is told with what the others say.
    ///
    /// # Errors
    /// As `fetch_where`.
    pub async fn fetch_beyond<T>(
        &self,
        path: &str,
        limit: usize,
        refuted: &[(usize, sumdb::Error)],
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        self.fetch_from_turn(0, path, limit, refuted, judge).await
    }

    /// As `fetch_beyond`, but the base whose turn it is is asked first: base number `turn` modulo their number. Who asks for
    /// many things spreads them over all bases so.
    ///
    /// # Errors
    /// As `fetch_where`.
    pub async fn fetch_from_turn<T>(
        &self,
        turn: u64,
        path: &str,
        limit: usize,
        refuted: &[(usize, sumdb::Error)],
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        let mut told = Told::default();
        let bases = u64::try_from(self.sources.len()).unwrap_or(1).max(1);
        let first = usize::try_from(turn % bases).unwrap_or(0);
        for (index, source) in self.sources.iter().enumerate().cycle().skip(first).take(self.sources.len()) {
            if let Some((_, error)) = refuted.iter().find(|(base, _)| *base == index) {
                told.refused(source.name(), error.clone());
                continue;
            }
            match self.ask(source, path, limit).await? {
                Ok(Reply::Body(bytes)) => match judge(bytes) {
                    Ok(value) => return Ok(Got::Body(value, index)),
                    Err(error) => told.refused(source.name(), source.refuted(error)),
                },
                Ok(Reply::Missing(why)) => told.absent(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => told.failed(source.name(), &failed),
            }
        }
        told.conclude(path).map(Got::Absent)
    }

    /// As `fetch`, of the base number `index` alone (counted from 0): for a caller that judges many answers together
    /// and asks the next base for all of them.
    ///
    /// # Errors
    /// As `fetch`.
    pub async fn fetch_from(&self, index: usize, path: &str, limit: usize) -> Result<Got, Fault> {
        let mut told = Told::default();
        if let Some(source) = self.sources.get(index) {
            match self.ask(source, path, limit).await? {
                Ok(Reply::Body(bytes)) => return Ok(Got::Body(bytes, index)),
                Ok(Reply::Missing(why)) => told.absent(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => told.failed(source.name(), &failed),
            }
        }
        told.conclude(path).map(Got::Absent)
    }

    /// What every base says at `path`, each asked, in the order of the bases: those answers that pass `judge`.
    ///
    /// # Errors
    /// As `fetch_where` where none passes, an absence among them.
    pub async fn fetch_each<T>(
        &self,
        path: &str,
        limit: usize,
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        let asked = self.sources.iter().map(|source| async move { (source, self.ask(source, path, limit).await) });
        let (mut told, mut passed) = (Told::default(), Vec::new());
        for (source, reply) in futures_util::future::join_all(asked).await {
            match reply? {
                Ok(Reply::Body(bytes)) => match judge(bytes) {
                    Ok(value) => passed.push(value),
                    Err(error) => told.refused(source.name(), source.refuted(error)),
                },
                Ok(Reply::Missing(why)) => told.lacked(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => told.failed(source.name(), &failed),
            }
        }
        if passed.is_empty() { told.conclude(path).map(|_| passed) } else { Ok(passed) }
    }

    /// As `fetch`, but of a file only the bytes `range` where that is given; what fails is told without a word about whose
    /// fault it is, and nobody complains of it: for what others can do without.
    ///
    /// # Errors
    /// `Unavailable`: no base has it.
    pub async fn fetch_quietly(&self, path: &str, range: Option<Range<u64>>, limit: usize) -> Result<Vec<u8>, Fault> {
        base::check_path(path)?;
        let asked = Asked { path, limit, range };
        let question = Question { http: &self.http, asked: &asked, counters: &self.counters };
        for source in &self.sources {
            if let Ok((Reply::Body(bytes), _)) = source.ask(question).await {
                return Ok(bytes);
            }
        }
        Err(Fault::upstream(path, "nobody has it"))
    }

    /// Where each base would have the files of its copy of the database `name`, if it were another gosumcheck: `/log/NAME`
    /// beside its `/sumdb/NAME`, or below a base that is the whole server.
    pub fn files_of(&self, name: &str) -> Vec<Upstreams> {
        let bases = self.sources.iter().filter_map(|source| source.base().files_of(name));
        bases.map(|base| Upstreams::new(self.http.clone(), vec![base])).collect()
    }

    /// What there is to complain of each base about, as far as it is known here, and by `refute`.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.sources.iter().filter_map(Source::complaint).collect()
    }

    /// Notes that bytes of base number `index`, which were judged elsewhere, turned out false.
    pub fn refute(&self, index: usize, error: &sumdb::Error) {
        if let Some(source) = self.sources.get(index) {
            source.refuted(error.clone());
        }
    }

    /// What one base says: a reply, or why it failed.
    async fn ask(&self, source: &Source, path: &str, limit: usize) -> Result<Result<Reply, Failed>, Fault> {
        base::check_path(path)?;
        let asked = Asked { path, limit, range: None };
        let reply = source.ask(Question { http: &self.http, asked: &asked, counters: &self.counters }).await;
        if reply.as_ref().is_err_and(|failed| failed.kind == FailureKind::QueueFull) {
            return Err(Busy.fault(source.name()));
        }
        Ok(reply.map(|(reply, _)| reply))
    }
}
