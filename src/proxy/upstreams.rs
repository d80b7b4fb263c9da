//! The upstreams of a proxy, without those of routes.

use super::Proxy;
use crate::upstream::{Proxies, ProxyState};

/// The upstreams of a proxy.
#[derive(Debug)]
pub struct Upstreams {
    /// for modules that the log has records of
    pub public: Proxies,
    /// for the others; `None` where those are refused
    pub private: Option<Proxies>,
}

impl Proxy {
    /// The state of each upstream, each name once: one that several lists name is out where it is out for one of them.
    pub fn upstreams(&self) -> Vec<ProxyState> {
        let policy = self.inner.policy.now();
        let mut states: Vec<ProxyState> = Vec::new();
        for state in policy.proxies().flat_map(Proxies::states) {
            match states.iter_mut().find(|known| known.name == state.name) {
                Some(known) => known.add(&state),
                None => states.push(state),
            }
        }
        states
    }
}
