//! The bases of one checksum database, tried in order until one has an answer.

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

/// The bases of one database, in the order in which they are tried.
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

    /// The same without the servers, so that nothing is requested over the network.
    pub fn trees_only(mut self) -> Upstreams {
        self.sources.retain(|source| !source.is_site());
        self
    }

    /// The name of each base in messages, in order: its URL without credentials.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sources.iter().map(Source::name)
    }

    /// How many requests were made so far, retries included: 0 after a run that needed nothing.
    pub fn requests(&self) -> u64 {
        self.counts().requests()
    }

    /// The same by kind.
    pub fn counts(&self) -> Counts {
        self.counters.snapshot()
    }

    /// How many requests to all bases run now, and how many wait.
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

    /// As `fetch`, but bytes count only if they pass `check`; where they do not, the next base is tried, as after a
    /// failure.
    ///
    /// # Errors
    /// As `fetch`; `Refused` with every base's reason where bytes came but none passed.
    pub async fn fetch_where<T>(
        &self,
        path: &str,
        limit: usize,
        check: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        self.fetch_beyond(path, limit, &[], check).await
    }

    /// As `fetch_where`, but without the bases whose numbers are in `refuted` (counted from 0): what they sent for this
    /// path has turned out false. Their errors are reported with those of the others.
    ///
    /// # Errors
    /// As `fetch_where`.
    pub async fn fetch_beyond<T>(
        &self,
        path: &str,
        limit: usize,
        refuted: &[(usize, sumdb::Error)],
        check: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Got<T>, Fault> {
        self.fetch_from_turn(0, path, limit, refuted, check).await
    }

    /// As `fetch_beyond`, but beginning with base number `turn` (modulo the number of bases), then in order, around the end.
    /// A caller with many requests counts `turn` up to spread them over all bases.
    ///
    /// # Errors
    /// As `fetch_where`.
    pub async fn fetch_from_turn<T>(
        &self,
        turn: u64,
        path: &str,
        limit: usize,
        refuted: &[(usize, sumdb::Error)],
        check: impl Fn(Vec<u8>) -> sumdb::Result<T>,
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
                Ok(Reply::Body(bytes)) => match check(bytes) {
                    Ok(value) => return Ok(Got::Body(value, index)),
                    Err(error) => attempts.refused(source.name(), source.refuted(error)),
                },
                Ok(Reply::Missing(why)) => attempts.absent(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => attempts.failed(source.name(), &failed),
            }
        }
        attempts.conclude(path).map(Got::Absent)
    }

    /// As `fetch`, from base number `index` alone (counted from 0): for a caller that checks many answers together and
    /// then requests all of them from the next base.
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

    /// Requests `path` from every base, at the same time. Gives the answers that pass `check`, in the order of the bases.
    ///
    /// # Errors
    /// As `fetch_where` where none passes; an absence counts as a failure.
    pub async fn fetch_each<T>(
        &self,
        path: &str,
        limit: usize,
        check: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        let requests = self.sources.iter().map(|source| async move { (source, self.ask(source, path, limit).await) });
        let (mut attempts, mut passed) = (Attempts::default(), Vec::new());
        for (source, reply) in futures_util::future::join_all(requests).await {
            match reply? {
                Ok(Reply::Body(bytes)) => match check(bytes) {
                    Ok(value) => passed.push(value),
                    Err(error) => attempts.refused(source.name(), source.refuted(error)),
                },
                Ok(Reply::Missing(why)) => attempts.lacked(source.name(), &source.lacked(why), source.is_site()),
                Err(failed) => attempts.failed(source.name(), &failed),
            }
        }
        if passed.is_empty() { attempts.conclude(path).map(|_| passed) } else { Ok(passed) }
    }

    /// As `fetch`, but only the bytes `range` of a file, where that is given. For optional data: absences count as failures,
    /// and the error gives no reasons.
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
        Err(Fault::upstream(path, "no upstream has it"))
    }

    /// Where each base, if it is another gosumcheck, has the files of its copy of the database `name`: `/log/NAME` beside its
    /// `/sumdb/NAME`, or below a base that is the whole server.
    pub fn files_of(&self, name: &str) -> Vec<Upstreams> {
        let bases = self.sources.iter().filter_map(|source| source.base().files_of(name));
        bases.map(|base| Upstreams::new(self.http.clone(), vec![base])).collect()
    }

    /// What went wrong with each base so far, if anything did, including what `refute` reported.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.sources.iter().filter_map(Source::complaint).collect()
    }

    /// Counts bytes of base number `index` that the caller refused.
    pub fn refute(&self, index: usize, error: &sumdb::Error) {
        if let Some(source) = self.sources.get(index) {
            source.refuted(error.clone());
        }
    }

    /// What one base answers, or why it failed.
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
