//! A source of a database in its place in the order. A proxy is asked first whether it relays the database, and again after a while
//! where it does not or could not say.

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
use crate::upstream::http::latency::Latency;
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
    /// how long its requests took, each with all its tries
    pub latency: Latency,
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
}

/// Whether a proxy relays the database, if that is known.
#[derive(Debug, Default)]
struct Relay {
    says_yes: AtomicBool,
    /// what it last said otherwise: no, or why it failed
    said: Mutex<Option<(Instant, Option<Failed>)>>,
    data: RelayedData,
}

/// Whether a relay has tiles of records, as its first answer about a full one tells. Any other source has all tiles; one that it
/// lacks says nothing about the others.
#[derive(Debug, Default)]
struct RelayedData {
    says_yes: AtomicBool,
    /// guards when it said no; it is asked again after a while, for it may only have lacked the newest
    said_no: parking_lot::Mutex<Option<Instant>>,
    /// one at a time asks until it is known
    asking: Mutex<()>,
}

impl RelayedData {
    fn is_lacking(&self) -> bool {
        let said_no = self.said_no.lock();
        said_no.is_some_and(|said| said.elapsed() < ASK_AGAIN)
    }

    fn set_lacking(&self) {
        *self.said_no.lock() = Some(Instant::now());
    }
}

impl Seat {
    /// A base that is known to be a source.
    pub(super) fn of(http: &Http, base: Base) -> Seat {
        let source = Source::new(base, http.settings(), false);
        Seat { http: http.clone(), source, relay: None, is_own: false }
    }

    /// A candidate.
    pub(super) fn of_candidate(candidate: Candidate, http: Http) -> Seat {
        let Candidate { base, is_relay, is_own, .. } = candidate;
        let relay = is_relay.then(Relay::default);
        Seat { source: Source::new(base, http.settings(), true), http, relay, is_own }
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

    pub(super) async fn ask(&self, asked: &GetRequest<'_>, counters: &Counters) -> Said {
        let Some(relay) = &self.relay else { return self.say(asked, counters).await };
        match self.relays(relay, counters).await {
            Ok(true) if asked.path.starts_with(DATA_TILES) => self.ask_for_data(&relay.data, asked, counters).await,
            Ok(true) => self.say(asked, counters).await,
            Ok(false) => Said::NoRelay,
            Err(failed) => Said::Failed(failed),
        }
    }

    async fn ask_for_data(&self, data: &RelayedData, asked: &GetRequest<'_>, counters: &Counters) -> Said {
        // A partial tile may be missing where the full one is there.
        let is_open = || !data.says_yes.load(Ordering::Relaxed) && !asked.path.contains(PARTIAL);
        let one = if is_open() { Some(data.asking.lock().await) } else { None };
        // Those that waited for a yes go on side by side.
        let one = one.filter(|_| is_open());
        let decides = one.is_some();
        if data.is_lacking() {
            return Said::NoData;
        }
        let said = self.say(asked, counters).await;
        match said {
            Said::Body(_) if decides => data.says_yes.store(true, Ordering::Relaxed),
            // A folder may hold some of them.
            Said::Missing(_) if decides && self.source.is_site() => data.set_lacking(),
            _ => {}
        }
        said
    }

    /// Whether it has no tiles of records.
    pub(super) fn lacks_data(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.data.is_lacking())
    }

    async fn say(&self, asked: &GetRequest<'_>, counters: &Counters) -> Said {
        match self.source.ask(&self.http, asked, counters).await {
            Ok(Reply::Body(bytes)) => Said::Body(bytes),
            Ok(Reply::Missing(why)) => Said::Missing(why),
            Err(failed) => Said::Failed(failed),
        }
    }

    async fn relays(&self, relay: &Relay, counters: &Counters) -> Result<bool, Failed> {
        if relay.says_yes.load(Ordering::Relaxed) {
            return Ok(true);
        }
        // One at a time asks it.
        let mut said = relay.said.lock().await;
        if relay.says_yes.load(Ordering::Relaxed) {
            return Ok(true);
        }
        match &*said {
            Some((when, None)) if when.elapsed() < ASK_AGAIN => return Ok(false),
            Some((when, Some(failed))) if when.elapsed() < TRY_AGAIN => return Err(failed.clone()),
            _ => {}
        }
        let asked = GetRequest { path: "supported", limit: SUPPORTED_LIMIT, range: None };
        match self.source.ask(&self.http, &asked, counters).await {
            Ok(Reply::Body(_)) => {
                relay.says_yes.store(true, Ordering::Relaxed);
                Ok(true)
            }
            Ok(Reply::Missing(_)) => {
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
        let (is_relay, latency) = (self.relay.is_some(), source.latency());
        SourceState { name, is_relay, is_used, breaker, why: why.map(|failed| failed.why), latency }
    }
}
