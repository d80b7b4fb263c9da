//! A proxy beside a server that has the modules of the same data folder. It stores what the log proves, which any number of
//! processes may do at once, and nothing else: what no log proves is what came first, and that one process alone decides.

use super::store_lock::StoreLock;
use super::{Proxy, ProxyLimits, ProxyOptions, Upstreams};
use crate::fault::Fault;
use crate::relay::Relay;
use crate::store::Folder;

impl Proxy {
    /// As [`Proxy::within`], also where another process has the modules of this folder.
    ///
    /// # Errors
    /// `Unavailable`: the disk.
    pub fn beside(
        folder: &Folder,
        relay: Relay,
        upstreams: Upstreams,
        options: ProxyOptions,
        limits: ProxyLimits,
    ) -> Result<Proxy, Fault> {
        let store_lock = StoreLock::open_or_beside(&folder.modules())?;
        Proxy::with(folder, store_lock, relay, upstreams, options, limits)
    }

    /// Whether another process has the modules of the data folder.
    pub fn is_beside(&self) -> bool {
        self.inner.store_lock.is_beside()
    }

    /// What tells the hashes.
    pub fn relay(&self) -> &Relay {
        &self.inner.relay
    }
}
