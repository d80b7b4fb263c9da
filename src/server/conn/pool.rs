//! The scarce resources that all connections share: streams, open files, exports, bytes of bodies in flight.
//!
//! Each resource is a pool of two halves. The first half is for connections that hold nothing of the resource yet, so a
//! connection always gets its first file while there are no more connections than slots. Whatever else a connection acquires
//! comes from the other half, of which a peer may hold as much as it leaves free: the first peer gets half of that half, the
//! next one half of the rest. So no peer takes everything, however many connections it opens; and clients behind one reverse
//! proxy, which are one peer, still get a file each.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::proxy::Peer;
use crate::server::limits::{Limits, MAX_EXPORTS};

/// At this many peers, those without a connection are removed.
const SWEEP_PEERS: usize = 1024;

/// What a pool is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// HTTP/2 requests being answered, until their body is sent
    Streams,
    /// files of modules open for a body
    Files,
    /// files of the full log being sent
    Exports,
    /// bytes of bodies in memory
    Bytes,
}

/// One of each resource.
#[derive(Debug, Default)]
struct PerResource<T> {
    streams: T,
    files: T,
    exports: T,
    bytes: T,
}

/// Units held of each resource.
type HeldUnits = PerResource<AtomicUsize>;

impl<T> PerResource<T> {
    fn get(&self, resource: Resource) -> &T {
        match resource {
            Resource::Streams => &self.streams,
            Resource::Files => &self.files,
            Resource::Exports => &self.exports,
            Resource::Bytes => &self.bytes,
        }
    }
}

/// The half of a pool that a permit is of.
#[derive(Debug, Clone, Copy)]
enum Half {
    /// for connections that hold nothing of the resource yet
    First,
    /// for everything else
    Shared,
}

#[derive(Debug)]
struct Pool {
    /// units in each half
    half: usize,
    /// units of the first half that are held
    first: AtomicUsize,
    /// units of the shared half that are held
    shared: AtomicUsize,
    /// the most units that have ever been held
    peak: AtomicUsize,
    /// tasks that wait for units
    waiting: AtomicUsize,
    /// notified when units are released while tasks wait
    freed: Notify,
}

impl Pool {
    fn new(total: usize) -> Pool {
        Pool {
            half: total.div_ceil(2).max(1),
            first: AtomicUsize::new(0),
            shared: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    fn used(&self) -> usize {
        self.first.load(Ordering::Relaxed) + self.shared.load(Ordering::Relaxed)
    }

    fn take_first(&self, units: usize) -> bool {
        let take = |used: usize| Some(used + units).filter(|after| *after <= self.half);
        self.first.fetch_update(Ordering::SeqCst, Ordering::Relaxed, take).is_ok()
    }

    /// Takes `units` of the shared half for a peer that holds `held` of it.
    fn take_shared(&self, units: usize, held: usize) -> bool {
        let take = |used: usize| {
            let free = self.half.checked_sub(used)?.checked_sub(units)?;
            (held == 0 || held + units <= free).then_some(used + units)
        };
        self.shared.fetch_update(Ordering::SeqCst, Ordering::Relaxed, take).is_ok()
    }
}

/// All pools, and what each peer holds of their shared halves.
#[derive(Debug)]
pub(crate) struct Pools {
    pools: PerResource<Pool>,
    /// how long a body waits for memory: as long as a stalled body may keep its own
    patience: Duration,
    /// guards what each peer holds of the shared halves, for peers with a connection; locked for one lookup
    peers: Mutex<HashMap<Peer, Weak<HeldUnits>>>,
}

impl Pools {
    pub(crate) fn new(limits: &Limits) -> Arc<Pools> {
        // The first half has one unit for each connection.
        let each = limits.connections + limits.reserve();
        Arc::new(Pools {
            pools: PerResource {
                streams: Pool::new(2 * each),
                files: Pool::new(2 * each),
                exports: Pool::new(MAX_EXPORTS),
                bytes: Pool::new(limits.body_bytes),
            },
            patience: limits.write * 2,
            peers: Mutex::default(),
        })
    }

    fn get(&self, resource: Resource) -> &Pool {
        self.pools.get(resource)
    }

    /// The units that are held now.
    pub(crate) fn used(&self, resource: Resource) -> usize {
        self.get(resource).used()
    }

    /// The most units that have ever been held.
    pub(crate) fn peak(&self, resource: Resource) -> usize {
        self.get(resource).peak.load(Ordering::Relaxed)
    }

    /// The most units that can be held.
    pub(crate) fn bound(&self, resource: Resource) -> usize {
        2 * self.get(resource).half
    }

    /// The quota of a new connection of `peer`.
    pub(crate) fn quota(self: &Arc<Pools>, peer: Peer) -> Arc<ClientQuota> {
        let mut peers = self.peers.lock();
        if peers.len() >= SWEEP_PEERS && peers.len() == peers.capacity() {
            peers.retain(|_, counts| counts.strong_count() > 0);
        }
        let known = peers.get(&peer).and_then(Weak::upgrade);
        let shared = known.unwrap_or_else(|| {
            let new = Arc::new(HeldUnits::default());
            peers.insert(peer, Arc::downgrade(&new));
            new
        });
        Arc::new(ClientQuota { pools: Arc::clone(self), shared, own: HeldUnits::default() })
    }
}

/// What one connection may acquire: it knows what the connection and its peer hold of each pool.
#[derive(Debug)]
pub(crate) struct ClientQuota {
    pools: Arc<Pools>,
    /// what all connections of the peer hold of the shared halves
    shared: Arc<HeldUnits>,
    /// what this connection holds of both halves
    own: HeldUnits,
}

impl ClientQuota {
    /// Acquires `units`, if the rules of the pool allow it now. More than half of a pool counts as half of it.
    pub(crate) fn try_acquire(self: &Arc<ClientQuota>, resource: Resource, units: usize) -> Option<PoolPermit> {
        let pool = self.pools.get(resource);
        let units = units.min(pool.half);
        let (own, shared) = (self.own.get(resource), self.shared.get(resource));
        let held = own.fetch_add(units, Ordering::Relaxed);
        let half = if held == 0 && pool.take_first(units) {
            Half::First
        } else if pool.take_shared(units, shared.load(Ordering::Relaxed)) {
            shared.fetch_add(units, Ordering::Relaxed);
            Half::Shared
        } else {
            own.fetch_sub(units, Ordering::Relaxed);
            return None;
        };
        pool.peak.fetch_max(pool.used(), Ordering::Relaxed);
        Some(PoolPermit { quota: Arc::clone(self), resource, units, half })
    }

    /// Acquires `units` as soon as the rules of the pool allow it; none if they do not within `within`.
    pub(crate) async fn acquire(
        self: &Arc<ClientQuota>,
        resource: Resource,
        units: usize,
        within: Duration,
    ) -> Option<PoolPermit> {
        match self.try_acquire(resource, units) {
            Some(permit) => Some(permit),
            None => tokio::time::timeout(within, Arc::clone(self).wait(resource, units)).await.ok(),
        }
    }

    /// Like [`ClientQuota::acquire`], for as long as it takes until stalled bodies have lost their memory.
    pub(crate) async fn acquire_patiently(
        self: &Arc<ClientQuota>,
        resource: Resource,
        units: usize,
    ) -> Option<PoolPermit> {
        self.acquire(resource, units, self.pools.patience).await
    }

    async fn wait(self: Arc<ClientQuota>, resource: Resource, units: usize) -> PoolPermit {
        let pool = self.pools.get(resource);
        let _waiting = WaiterCount::new(&pool.waiting);
        loop {
            let mut freed = pin!(pool.freed.notified());
            freed.as_mut().enable(); // every release from here on wakes this task
            if let Some(permit) = self.try_acquire(resource, units) {
                return permit;
            }
            freed.await;
        }
    }
}

/// Counts one waiting task until this is dropped.
struct WaiterCount<'a>(&'a AtomicUsize);

impl WaiterCount<'_> {
    fn new(waiting: &AtomicUsize) -> WaiterCount<'_> {
        waiting.fetch_add(1, Ordering::SeqCst);
        WaiterCount(waiting)
    }
}

impl Drop for WaiterCount<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Units of a resource, released when this is dropped.
#[derive(Debug)]
pub(crate) struct PoolPermit {
    quota: Arc<ClientQuota>,
    resource: Resource,
    units: usize,
    half: Half,
}

impl PoolPermit {
    /// How many units it is for.
    pub(crate) fn units(&self) -> usize {
        self.units
    }
}

impl Drop for PoolPermit {
    fn drop(&mut self) {
        let (quota, pool) = (&self.quota, self.quota.pools.get(self.resource));
        quota.own.get(self.resource).fetch_sub(self.units, Ordering::Relaxed);
        match self.half {
            Half::First => pool.first.fetch_sub(self.units, Ordering::SeqCst),
            Half::Shared => {
                quota.shared.get(self.resource).fetch_sub(self.units, Ordering::Relaxed);
                pool.shared.fetch_sub(self.units, Ordering::SeqCst)
            }
        };
        if pool.waiting.load(Ordering::SeqCst) > 0 {
            pool.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn pools(connections: usize) -> Arc<Pools> {
        Pools::new(&Limits { connections, body_bytes: 1000, ..Limits::default() })
    }

    fn peer(text: &str) -> Peer {
        Peer::of(text.parse().unwrap())
    }

    /// Takes single files until there are none for this connection.
    fn take_all(quota: &Arc<ClientQuota>) -> Vec<PoolPermit> {
        std::iter::from_fn(|| quota.try_acquire(Resource::Files, 1)).collect()
    }

    #[test]
    fn a_peer_leaves_as_much_as_it_holds_and_every_connection_has_its_first() {
        let pools = pools(92); // and 8 in reserve: 100 first ones, 100 to share
        let greedy = pools.quota(peer("192.0.2.1"));
        let held = take_all(&greedy);
        assert_eq!(held.len(), 1 + 50);
        let second = pools.quota(peer("192.0.2.1"));
        let first_of_second = take_all(&second);
        assert_eq!(first_of_second.len(), 1, "another connection of the same peer: its first, and no more");
        let other = take_all(&pools.quota(peer("192.0.2.2")));
        assert_eq!(other.len(), 1 + 25);
        let rest: Vec<_> =
            (3..99).map(|n| pools.quota(peer("192.0.2.1")).try_acquire(Resource::Files, 1).map(|s| (n, s))).collect();
        assert!(rest.iter().all(Option::is_some));
        assert_eq!(pools.used(Resource::Files), pools.peak(Resource::Files));
        assert!(pools.peak(Resource::Files) <= pools.bound(Resource::Files));
        drop((held, first_of_second, other, rest));
        assert_eq!(pools.used(Resource::Files), 0);
        assert_eq!(take_all(&greedy).len(), 51, "all is free again");
    }

    #[test]
    fn what_is_larger_than_a_half_counts_as_a_half() {
        let pools = pools(10);
        let quota = pools.quota(peer("192.0.2.1"));
        let large = quota.try_acquire(Resource::Bytes, 5_000).unwrap();
        assert_eq!(pools.used(Resource::Bytes), 500);
        let more = quota.try_acquire(Resource::Bytes, 300).unwrap();
        assert!(quota.try_acquire(Resource::Bytes, 1).is_none(), "300 held, 200 free");
        drop((large, more));
        assert_eq!(pools.used(Resource::Bytes), 0);
    }

    #[tokio::test]
    async fn a_waiter_is_woken_or_times_out() {
        let pools = pools(92);
        let quota = pools.quota(peer("192.0.2.1"));
        let mut held = take_all(&quota);
        let within = Duration::from_secs(60);
        assert!(quota.acquire(Resource::Files, 1, Duration::from_millis(1)).await.is_none());
        let waiting = tokio::spawn({
            let quota = Arc::clone(&quota);
            async move { quota.acquire(Resource::Files, 1, within).await }
        });
        tokio::task::yield_now().await;
        held.truncate(40);
        assert!(waiting.await.unwrap().is_some());
    }
}
