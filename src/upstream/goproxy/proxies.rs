//! The module proxies of a GOPROXY list (go.dev/ref/mod, "GOPROXY protocol"), in order: requests to each, and when the next one
//! may be tried. None of them is trusted: their bytes are unproven.
//!
//! An absence (404, 410) differs from a failure, and a refusal by policy from an outage. After a comma the next one is asked on an
//! absence alone, after `|` on any failure. `direct` fetches from the repository with the go command; `off` ends the list with a
//! refusal.

use super::entry::{ProxyEntry, ProxyState};
use super::member::Member;
use super::wire::{Fetched, Sent, Sink, Touched};
use crate::sumdb::goproxy::ModuleRequest;
use crate::upstream::http::failure::{Failure, FailureKind};
use crate::upstream::http::source_errors::Complaint;

/// The entries of a list, in order.
#[derive(Debug)]
pub struct Proxies {
    members: Vec<Member>,
}

impl Proxies {
    /// Over these entries. Nothing is opened or connected before the first request.
    pub fn new(entries: Vec<ProxyEntry>) -> Proxies {
        Proxies { members: entries.into_iter().map(Member::new).collect() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether no entry is asked over a network: what folders do not hold may be elsewhere.
    pub fn is_local(&self) -> bool {
        self.members.iter().all(Member::is_local)
    }

    /// The name of entry number `index` (from 0): its URL without credentials, `direct` or `off`; empty beyond the last.
    pub fn name(&self, index: usize) -> &str {
        self.members.get(index).map_or("", Member::name)
    }

    /// Whether `|` follows entry number `index`: the next one is asked whatever this one answered.
    pub fn falls_back(&self, index: usize) -> bool {
        self.members.get(index).is_some_and(Member::falls_back)
    }

    /// Whether the entry after number `index` is asked when that one failed so. After a comma only an absence leads on, as go has it
    /// (cmd/go/internal/modfetch, TryProxies): a list with a comma says that the next one may only learn the names of modules that
    /// this one lacks, and an outage does not change that. More bytes than any file of a module has are wrong bytes, for which the
    /// next one is always asked. This machine's full disk is as full for the next entry.
    pub fn goes_on(&self, index: usize, failure: &Failure) -> bool {
        match failure.kind {
            FailureKind::Disk => false,
            FailureKind::NoRepository | FailureKind::TooLong => true,
            _ => self.falls_back(index),
        }
    }

    /// What entry number `index` answers to a small request: `list`, `@latest`, `.info`, `.mod`; at most `limit` bytes.
    ///
    /// # Errors
    /// Where it failed after all its tries.
    pub async fn fetch(&self, index: usize, request: &ModuleRequest, limit: usize) -> Result<Fetched, Failure> {
        match self.members.get(index) {
            Some(member) => member.fetch(request, limit).await,
            None => Err(nobody()),
        }
    }

    /// Downloads a file of entry number `index` into `sink`, at most `limit` bytes. Resumes behind what the sink already has where
    /// the server can send a part (RFC 9110 section 14.2), else starts again. After a failure the sink keeps what has arrived.
    ///
    /// # Errors
    /// Where it failed after all its tries.
    pub async fn download(
        &self,
        index: usize,
        request: &ModuleRequest,
        limit: u64,
        sink: &mut dyn Sink,
    ) -> Result<Sent, Failure> {
        match self.members.get(index) {
            Some(member) => member.download(request, limit, sink).await,
            None => Err(nobody()),
        }
    }

    /// Has entry number `index`, a server, bring a file: it is asked for the first byte alone, which it can send once it has all.
    ///
    /// # Errors
    /// Where it failed after all its tries, or is not a server.
    pub async fn touch(&self, index: usize, request: &ModuleRequest) -> Result<Touched, Failure> {
        match self.members.get(index) {
            Some(member) => member.touch(request).await,
            None => Err(nobody()),
        }
    }

    /// Whether entry number `index` has a file now: a server is asked for its first byte, a folder looked at, and a repository asked
    /// for the version.
    ///
    /// # Errors
    /// Where it failed after all its tries.
    pub async fn has(&self, index: usize, request: &ModuleRequest) -> Result<Touched, Failure> {
        match self.members.get(index) {
            Some(member) => member.has(request).await,
            None => Err(nobody()),
        }
    }

    /// Counts bytes of entry number `index` that the caller refused.
    pub fn refute(&self, index: usize, why: &str) {
        if let Some(member) = self.members.get(index) {
            member.refuted(why);
        }
    }

    /// What went wrong with each entry so far, if anything did.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.members.iter().filter_map(Member::complaint).collect()
    }

    /// The state of each entry, in order.
    pub fn states(&self) -> Vec<ProxyState> {
        self.members.iter().map(Member::state).collect()
    }

    /// Probes each server whose breaker is open every few seconds, for as long as the future is polled.
    pub async fn probe(&self) {
        futures_util::future::join_all(self.members.iter().map(Member::probe)).await;
    }
}

fn nobody() -> Failure {
    Failure { source: "GOPROXY".to_owned(), why: "there is no such entry".to_owned(), kind: FailureKind::Forbidden }
}
