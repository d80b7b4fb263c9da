//! A source of a database in its place in the order. A proxy is asked first whether it relays the database, and again after a while
//! where it does not or could not say.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::find::Candidate;
use super::source::Source;
use crate::upstream::base::Base;
use crate::upstream::http::agent::Http;
use crate::upstream::http::breaker::BreakerState;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::get_request::GetRequest;
use crate::upstream::http::reply::Reply;
use crate::upstream::http::retry::Failed;

/// What the paths of tiles of records begin with, and what those of partial tiles have in them.
const DATA_TILES: &str = "tile/8/data/";
const PARTIAL: &str = ".p/";
/// The longest body of `supported`, in bytes; it means nothing.
const SUPPORTED_LIMIT: usize = 1 << 20;
/// After this time a proxy that does not relay the database, or no tiles of records, is asked again whether it does.
const ASK_AGAIN: Duration = Duration::from_secs(60 * 60);
/// After this time one that could not say is asked again.
const TRY_AGAIN: Duration = Duration::from_secs(15);

/// How one source fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// its URL without credentials
    pub name: String,
    /// whether it is a module proxy that relays the database
    pub is_relay: bool,
    /// whether the last answer that was used came from it
    pub is_used: bool,
    /// whether it is asked
    pub breaker: BreakerState,
    /// why it is not asked, while it is not
    pub why: Option<String>,
}

/// What one source says.
#[derive(Debug)]
pub(super) enum Said {
    Body(Vec<u8>),
    Missing(String),
    Failed(Failed),
    /// it is a proxy that does not relay the database
    NoRelay,
    /// it relays no tiles of records, and is not asked for any
    NoData,
}

#[derive(Debug)]
pub(super) struct Seat {
    http: Http,
    source: Source,
    relay: Option<Relay>,
    is_own: bool,
    data: Data,
}

/// Whether a relay has tiles of records, as its first answer about a full one tells.
#[derive(Debug, Default)]
struct Data {
    says_yes: AtomicBool,
    /// when it said no; it is asked again after a while, for it may only have lacked the newest
    said_no: std::sync::Mutex<Option<Instant>>,
    /// one at a time asks until it is known
    asking: Mutex<()>,
}

/// Whether a proxy relays the database, if that is known.
#[derive(Debug, Default)]
struct Relay {
    says_yes: AtomicBool,
    /// what it last said otherwise: no, or why it failed
    said: Mutex<Option<(Instant, Option<Failed>)>>,
}

impl Data {
    fn lock_no(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.said_no.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// A base that is known to be a source.
    pub(super) fn of(http: &Http, base: Base) -> Seat {
        let source = Source::new(base, http.settings().concurrency, false);
        Seat { http: http.clone(), source, relay: None, is_own: false, data: Data::default() }
    }

    /// A candidate.
    pub(super) fn of_candidate(candidate: Candidate, http: Http) -> Seat {
        let Candidate { base, is_relay, is_own, .. } = candidate;
        let relay = is_relay.then(Relay::default);
        Seat {
            source: Source::new(base, http.settings().concurrency, true),
            http,
            relay,
            is_own,
            data: Data::default(),
        }
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// Whether it is the database itself, asked over TLS under its own name.
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// Whether it is known to be a source: not a proxy that has yet to say so.
    pub(super) fn is_known(&self) -> bool {
        self.relay.as_ref().is_none_or(|relay| relay.says_yes.load(Ordering::Relaxed))
    }

    pub(super) async fn ask(&self, asked: &GetRequest<'_>, counters: &Counters) -> Said {
        match self.relays(counters).await {
            Ok(true) => {}
            Ok(false) => return Said::NoRelay,
            Err(failed) => return Said::Failed(failed),
        }
        // Another source than a relay has all tiles; one that it lacks says nothing about the others.
        if self.relay.is_none() || !asked.path.starts_with(DATA_TILES) {
            return self.say(asked, counters).await;
        }
        let data = &self.data;
        // A partial tile may be missing where the full one is there.
        if data.says_yes.load(Ordering::Relaxed) || asked.path.contains(PARTIAL) {
            return if self.lacks_data() { Said::NoData } else { self.say(asked, counters).await };
        }
        let _one = data.asking.lock().await;
        if self.lacks_data() {
            return Said::NoData;
        }
        let said = self.say(asked, counters).await;
        match said {
            Said::Body(_) => data.says_yes.store(true, Ordering::Relaxed),
            // A folder may hold some of them.
            Said::Missing(_) if self.source.is_site() => *data.lock_no() = Some(Instant::now()),
            _ => {}
        }
        said
    }

    /// Whether it has no tiles of records.
    pub(super) fn lacks_data(&self) -> bool {
        self.data.lock_no().is_some_and(|said| said.elapsed() < ASK_AGAIN)
    }

    /// Whether it gave one.
    pub(super) fn has_data(&self) -> bool {
        self.data.says_yes.load(Ordering::Relaxed)
    }

    /// What it says, whatever it lacked before.
    pub(super) async fn say(&self, asked: &GetRequest<'_>, counters: &Counters) -> Said {
        match self.source.ask(&self.http, asked, counters).await {
            Ok((Reply::Body(bytes), _)) => Said::Body(bytes),
            Ok((Reply::Missing(why), _)) => Said::Missing(why),
            Err(failed) => Said::Failed(failed),
        }
    }

    async fn relays(&self, counters: &Counters) -> Result<bool, Failed> {
        let Some(relay) = self.relay.as_ref().filter(|_| !self.is_known()) else { return Ok(true) };
        // One at a time asks it.
        let mut said = relay.said.lock().await;
        if self.is_known() {
            return Ok(true);
        }
        match &*said {
            Some((when, None)) if when.elapsed() < ASK_AGAIN => return Ok(false),
            Some((when, Some(failed))) if when.elapsed() < TRY_AGAIN => return Err(failed.clone()),
            _ => {}
        }
        let asked = GetRequest { path: "supported", limit: SUPPORTED_LIMIT, range: None };
        match self.source.ask(&self.http, &asked, counters).await {
            Ok((Reply::Body(_), _)) => {
                relay.says_yes.store(true, Ordering::Relaxed);
                Ok(true)
            }
            Ok((Reply::Missing(_), _)) => {
                *said = Some((Instant::now(), None));
                Ok(false)
            }
            Err(failed) => {
                let why = format!("{}; it could not say whether it relays the database", failed.why);
                let failed = Failed { why, ..failed };
                *said = Some((Instant::now(), Some(failed.clone())));
                Err(failed)
            }
        }
    }

    pub(super) fn standing(&self, is_used: bool) -> SourceState {
        let (source, why) = (&self.source, self.source.breaker().why_open());
        let (name, breaker) = (source.name().to_owned(), source.breaker().state());
        SourceState { name, is_relay: self.relay.is_some(), is_used, breaker, why: why.map(|failed| failed.why) }
    }
}
