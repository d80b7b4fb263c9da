//! One entry of a GOPROXY list: what it names, and its state.

use super::direct::Direct;
use super::holding::Holding;
use crate::upstream::base::Base;
use crate::upstream::http::breaker::BreakerState;
use crate::upstream::http::latency::Latency;
use crate::upstream::http::settings::HttpSettings;

/// One entry of a list.
#[derive(Debug, Clone)]
pub struct ProxyEntry {
    /// what the entry names
    pub place: ProxyPlace,
    /// whether the next entry is asked after any failure of this one (`|`), and not only after an absence (`,`)
    pub falls_back: bool,
}

/// Where modules come from.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a list has a handful of entries")]
pub enum ProxyPlace {
    /// a proxy, or a tree such as `GOMODCACHE/cache/download`, with its own limits and passwords
    Base(Base, HttpSettings),
    /// files on this machine that are not laid out as a proxy's paths, or are in one file
    Held(Holding),
    /// the modules' repositories, through the go command: `direct`
    Direct(Direct),
    /// nowhere, and no later entry is tried: `off`
    Off,
}

/// The state of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyState {
    /// the entry's name, as in `Proxies::name`
    pub name: String,
    /// whether requests to it are made
    pub breaker: BreakerState,
    /// requests so far, retries included
    pub requests: u64,
    /// requests that failed after all their tries
    pub failures: u64,
    /// bytes of the bodies that arrived
    pub bytes: u64,
    /// how long its requests took, each with all its tries
    pub latency: Latency,
}

impl ProxyState {
    /// Adds another entry of the same name.
    pub fn add(&mut self, other: &ProxyState) {
        if other.breaker != BreakerState::Closed && self.breaker != BreakerState::Open {
            self.breaker = other.breaker;
        }
        self.requests += other.requests;
        self.failures += other.failures;
        self.bytes += other.bytes;
        self.latency.add(&other.latency);
    }
}
