//! The bases of one checksum database, asked in turn until one has an answer.

use std::ops::Range;

use super::outcome::{Attempts, Got};
use super::source::Source;
use crate::fault::Fault;
use crate::sumdb;
use crate::upstream::base::{self, Base};
use crate::upstream::http::agent::Http;
use crate::upstream::http::counts::{Counters, Counts};
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::get_request::GetRequest;
use crate::upstream::http::reply::Reply;
use crate::upstream::http::retry::Failed;
use crate::upstream::http::source_errors::Complaint;
use crate::upstream::queue::{Busy, Load};

/// The bases of one database, in the order in which they are request.
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
    /// failed, and the next is request.
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
    /// this path has turned out false, and is attempts with what the others say.
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
        let mut attempts = Attempts::default();
        let bases = u64::try_from(self.sources.len()).unwrap_or(1).max(1);
        let first = usize::try_from(turn % bases).unwrap_or(0);
        for (index, source) in self.sources.iter().enumerate().cycle().skip(first).take(self.sources.len()) {
            if let Some((_, error)) = refuted.iter().find(|(base, _)| *base == index) {
                attempts.refused(source.name(), error.clone());
                continue;
            }
            match self.ask(source, path, limit).await? {
                Ok(Reply::Body(bytes)) => match judge(bytes) {
                    Ok(value) => return Ok(Got::Body(value, index)),
                    Err(error) => attempts.refused(source.name(), source.refuted(error)),
                },
                Ok(Reply::Missing(why)) => attempts.absent(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => attempts.failed(source.name(), &failed),
            }
        }
        attempts.conclude(path).map(Got::Absent)
    }

    /// As `fetch`, of the base number `index` alone (counted from 0): for a caller that judges many answers together
    /// and asks the next base for all of them.
    ///
    /// # Errors
    /// As `fetch`.
    pub async fn fetch_from(&self, index: usize, path: &str, limit: usize) -> Result<Got, Fault> {
        let mut attempts = Attempts::default();
        if let Some(source) = self.sources.get(index) {
            match self.ask(source, path, limit).await? {
                Ok(Reply::Body(bytes)) => return Ok(Got::Body(bytes, index)),
                Ok(Reply::Missing(why)) => attempts.absent(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => attempts.failed(source.name(), &failed),
            }
        }
        attempts.conclude(path).map(Got::Absent)
    }

    /// What every base says at `path`, each request, in the order of the bases: those answers that pass `judge`.
    ///
    /// # Errors
    /// As `fetch_where` where none passes, an absence among them.
    pub async fn fetch_each<T>(
        &self,
        path: &str,
        limit: usize,
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        let requests = self.sources.iter().map(|source| async move { (source, self.ask(source, path, limit).await) });
        let (mut attempts, mut passed) = (Attempts::default(), Vec::new());
        for (source, reply) in futures_util::future::join_all(requests).await {
            match reply? {
                Ok(Reply::Body(bytes)) => match judge(bytes) {
                    Ok(value) => passed.push(value),
                    Err(error) => attempts.refused(source.name(), source.refuted(error)),
                },
                Ok(Reply::Missing(why)) => attempts.lacked(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => attempts.failed(source.name(), &failed),
            }
        }
        if passed.is_empty() { attempts.conclude(path).map(|_| passed) } else { Ok(passed) }
    }

    /// As `fetch`, but of a file only the bytes `range` where that is given; what fails is attempts without a word about whose
    /// fault it is, and nobody complains of it: for what others can do without.
    ///
    /// # Errors
    /// `Unavailable`: no base has it.
    pub async fn fetch_quietly(&self, path: &str, range: Option<Range<u64>>, limit: usize) -> Result<Vec<u8>, Fault> {
        base::check_path(path)?;
        let request = GetRequest { path, limit, range };
        for source in &self.sources {
            if let Ok((Reply::Body(bytes), _)) = source.ask(&self.http, &request, &self.counters).await {
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
        let request = GetRequest { path, limit, range: None };
        let reply = source.ask(&self.http, &request, &self.counters).await;
        if reply.as_ref().is_err_and(|failed| failed.kind == FailureKind::QueueFull) {
            return Err(Busy.fault(source.name()));
        }
        Ok(reply.map(|(reply, _)| reply))
    }
}
