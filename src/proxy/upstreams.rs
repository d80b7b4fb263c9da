//! The upstreams of a proxy, without those of routes.

use crate::upstream::Proxies;

/// The upstreams of a proxy.
#[derive(Debug)]
pub struct Upstreams {
    /// for modules that the log has records of
    pub public: Proxies,
    /// for the others; `None` where those are refused
    pub private: Option<Proxies>,
}
