//! One entry of a GOPROXY list: whom it asks, and how it fares.

use super::direct::Direct;
use crate::upstream::base::Base;
use crate::upstream::http::breaker::BreakerState;
use crate::upstream::http::settings::Settings;

/// One entry of a list.
#[derive(Debug, Clone)]
pub struct ProxyEntry {
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

/// How one entry fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyState {
    /// the entry, as `Proxies::name` has it
    pub name: String,
    /// whether it is asked
    pub breaker: BreakerState,
    /// requests so far, tries included
    pub requests: u64,
    /// requests that failed after all their tries
    pub failures: u64,
    /// bytes of bodies that came
    pub bytes: u64,
}
