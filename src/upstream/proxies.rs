//! The module proxies of a GOPROXY list (go.dev/ref/mod, "GOPROXY protocol"), in order: what is asked of each, and when the
//! next one may be asked. None of them is trusted: what comes from here is a stranger's word until it is proven.
//!
//! An absence (404, 410) is told apart from a failure, and a "no" by policy from an outage. `direct` is the go command's own
//! way to a repository; `off` ends the list with a "no".

mod member;
mod path;
mod probe;
pub(super) mod tree;

use crate::sumdb::goproxy::ModuleRequest;

use super::base::Base;
use super::breaker::Breaker;
use super::complaint::Complaint;
use super::direct::Direct;
use super::download::Sink;
use super::failure::{Failure, FailureKind};
use super::origin::Origin;
use super::settings::Settings;

use member::Member;

/// One entry of a list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// who is asked
    pub place: ProxyPlace,
    /// whether the next entry is asked after a "no" of this one too (`|`), and not only where it has nothing or is out (`,`)
    pub falls_back: bool,
}

/// Who is asked for modules.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a list has a handful of entries")]
pub enum ProxyPlace {
    /// a proxy, or a tree such as `GOMODCACHE/cache/download`, under its own bounds and with its own passwords
    Base(Base, Settings),
    /// the modules' own homes, by way of the go command: `direct`
    Direct(Direct),
    /// nobody from here on: `off`
    Off,
}

/// What a proxy says to a small question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Fetched {
    /// here it is
    Body(Vec<u8>, Origin),
    /// I have no such thing, in these words
    Missing(String),
}

/// What became of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// the sink has all of it
    Whole(Origin),
    /// I have no such thing, in these words; the sink is as it was
    Missing(String),
}

/// How one entry fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// the entry, as `Proxies::name` has it
    pub name: String,
    /// whether it is asked
    pub breaker: Breaker,
    /// requests so far, tries included
    pub requests: u64,
    /// requests that failed after all their tries
    pub failures: u64,
    /// bytes of bodies that came
    pub bytes: u64,
}

/// The entries of a list, in order.
#[derive(Debug)]
pub struct Proxies {
    members: Vec<Member>,
}

impl Proxies {
    /// Over these entries. Nothing is opened or connected before the first request.
    pub fn new(entries: Vec<Entry>) -> Proxies {
        Proxies { members: entries.into_iter().map(Member::new).collect() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether no entry is asked over a network: what folders do not hold may be elsewhere.
    pub fn is_local(&self) -> bool {
        self.members.iter().all(Member::is_local)
    }

    /// How entry number `index` (from 0) is called: its URL without credentials, `direct` or `off`; empty beyond the last.
    pub fn name(&self, index: usize) -> &str {
        self.members.get(index).map_or("", Member::name)
    }

    /// Whether the entry after number `index` may be asked when that one failed so. An outage and bytes that nobody asked for
    /// say nothing about the module, and a mirror is but a mirror; a "no" by policy (a 4xx that is no absence) counts, unless
    /// `|` stands behind the entry. A disk that is full here is full for the next one.
    pub fn goes_on(&self, index: usize, failure: &Failure) -> bool {
        match failure.kind {
            FailureKind::Disk => false,
            FailureKind::Denied(_) | FailureKind::Forbidden | FailureKind::Off => {
                self.members.get(index).is_some_and(Member::falls_back)
            }
            _ => true,
        }
    }

    /// What entry number `index` says to a small question: `list`, `@latest`, `.info`, `.mod`; at most `limit` bytes.
    ///
    /// # Errors
    /// Where it failed after all its tries.
    pub async fn fetch(&self, index: usize, asked: &ModuleRequest, limit: usize) -> Result<Fetched, Failure> {
        match self.members.get(index) {
            Some(member) => member.fetch(asked, limit).await,
            None => Err(nobody()),
        }
    }

    /// A file of entry number `index` into `sink`, at most `limit` bytes: behind what is there already where the server can
    /// give a part (RFC 9110 section 14.2), else the whole anew. A failure leaves in the sink what came.
    ///
    /// # Errors
    /// Where it failed after all its tries.
    pub async fn download(
        &self,
        index: usize,
        asked: &ModuleRequest,
        limit: u64,
        sink: &mut dyn Sink,
    ) -> Result<Sent, Failure> {
        match self.members.get(index) {
            Some(member) => member.download(asked, limit, sink).await,
            None => Err(nobody()),
        }
    }

    /// Notes that what entry number `index` sent turned out false.
    pub fn refute(&self, index: usize, why: &str) {
        if let Some(member) = self.members.get(index) {
            member.refuted(why);
        }
    }

    /// What there is to complain of each entry about.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.members.iter().filter_map(Member::complaint).collect()
    }

    /// How each entry fares, in order.
    pub fn states(&self) -> Vec<State> {
        self.members.iter().map(Member::state).collect()
    }

    /// Looks after entries that are out, for as long as it is polled: asks each whose breaker is open every few seconds whether
    /// it is back.
    pub async fn probe(&self) {
        futures_util::future::join_all(self.members.iter().map(Member::probe)).await;
    }
}

fn nobody() -> Failure {
    Failure { source: "GOPROXY".to_owned(), why: "there is no such entry".to_owned(), kind: FailureKind::Forbidden }
}
