//! What all connections share and is scarce: streams, open files, exports, bytes of bodies in flight.
//!
//! Each of these is a pool of two halves. One is for connections that hold nothing of it yet, so that a connection always gets
//! its first file while there are no more connections than slots. All that a connection takes besides comes out of the other
//! half, of which a peer may hold as much as it leaves free: a peer alone gets half of that half, the next one half of the
//! rest. So no peer, however many connections it has, takes everything, and clients behind one reverse proxy, which are one
//! peer, still have a file each.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::proxy::Peer;
use crate::server::limits::{Limits, MAX_EXPORTS};

/// Peers after which those that left are forgotten.
const SWEEP_PEERS: usize = 1024;

/// What a pool consists of.
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

/// A number for each resource.
#[derive(Debug, Default)]
struct Counts {
    streams: AtomicUsize,
    files: AtomicUsize,
    exports: AtomicUsize,
    bytes: AtomicUsize,
}

impl Counts {
    fn of(&self, resource: Resource) -> &AtomicUsize {
        match resource {
            Resource::Streams => &self.streams,
            Resource::Files => &self.files,
            Resource::Exports => &self.exports,
            Resource::Bytes => &self.bytes,
        }
    }
}

/// Which half of a pool.
#[derive(Debug, Clone, Copy)]
enum Half {
    First,
    Shared,
}

#[derive(Debug)]
struct Pool {
    half: usize,
    first: AtomicUsize,
    shared: AtomicUsize,
    peak: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
}

impl Pool {
    fn of(total: usize) -> Pool {
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

    /// Takes of the shared half for a peer that holds `held` of it.
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
    streams: Pool,
    files: Pool,
    exports: Pool,
    bytes: Pool,
    /// for a body to get memory: as long as one that stands still may keep its own
    patience: Duration,
    /// the peers that have a connection
    peers: Mutex<HashMap<Peer, Weak<Counts>>>,
}

impl Pools {
    pub(crate) fn new(limits: &Limits) -> Arc<Pools> {
        // A half for the first of each connection.
        let each = limits.connections + limits.reserve();
        Arc::new(Pools {
            streams: Pool::of(2 * each),
            files: Pool::of(2 * each),
            exports: Pool::of(MAX_EXPORTS),
            bytes: Pool::of(limits.body_bytes),
            patience: limits.write * 2,
            peers: Mutex::default(),
        })
    }

    fn of(&self, resource: Resource) -> &Pool {
        match resource {
            Resource::Streams => &self.streams,
            Resource::Files => &self.files,
            Resource::Exports => &self.exports,
            Resource::Bytes => &self.bytes,
        }
    }

    /// Units that are held now.
    pub(crate) fn used(&self, resource: Resource) -> usize {
        self.of(resource).used()
    }

    /// The most that were ever held.
    pub(crate) fn peak(&self, resource: Resource) -> usize {
        self.of(resource).peak.load(Ordering::Relaxed)
    }

    /// The most that can be held.
    pub(crate) fn bound(&self, resource: Resource) -> usize {
        2 * self.of(resource).half
    }

    /// A connection of `peer`.
    pub(crate) fn client(self: &Arc<Pools>, peer: Peer) -> Arc<Client> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= SWEEP_PEERS && peers.len() == peers.capacity() {
            peers.retain(|_, counts| counts.strong_count() > 0);
        }
        let known = peers.get(&peer).and_then(Weak::upgrade);
        let shared = known.unwrap_or_else(|| {
            let new = Arc::new(Counts::default());
            peers.insert(peer, Arc::downgrade(&new));
            new
        });
        Arc::new(Client { pools: Arc::clone(self), shared, own: Counts::default() })
    }
}

/// One connection: what it holds of each pool, and what its peer holds.
#[derive(Debug)]
pub(crate) struct Client {
    pools: Arc<Pools>,
    /// of the shared halves, by all connections of the peer
    shared: Arc<Counts>,
    /// of both halves
    own: Counts,
}

impl Client {
    /// Takes `units`, if the rules allow it now. More than half of a pool counts as half of it.
    pub(crate) fn try_take(self: &Arc<Client>, resource: Resource, units: usize) -> Option<Share> {
        let pool = self.pools.of(resource);
        let units = units.min(pool.half);
        let (own, shared) = (self.own.of(resource), self.shared.of(resource));
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
        Some(Share { client: Arc::clone(self), resource, units, half })
    }

    /// Takes `units` as soon as the rules allow it; none if they do not within `within`.
    pub(crate) async fn take(self: &Arc<Client>, resource: Resource, units: usize, within: Duration) -> Option<Share> {
        match self.try_take(resource, units) {
            Some(share) => Some(share),
            None => tokio::time::timeout(within, Arc::clone(self).wait(resource, units)).await.ok(),
        }
    }

    /// The same within the time in which those who stand still lose what they hold.
    pub(crate) async fn take_patiently(self: &Arc<Client>, resource: Resource, units: usize) -> Option<Share> {
        self.take(resource, units, self.pools.patience).await
    }

    async fn wait(self: Arc<Client>, resource: Resource, units: usize) -> Share {
        let pool = self.pools.of(resource);
        let _waiting = Waiting::new(&pool.waiting);
        loop {
            let mut freed = pin!(pool.freed.notified());
            freed.as_mut().enable(); // what is given back from here on wakes us
            if let Some(share) = self.try_take(resource, units) {
                return share;
            }
            freed.await;
        }
    }
}

/// One more that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn new(waiting: &AtomicUsize) -> Waiting<'_> {
        waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Units of a resource, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    client: Arc<Client>,
    resource: Resource,
    units: usize,
    half: Half,
}

impl Share {
    /// How much it is.
    pub(crate) fn units(&self) -> usize {
        self.units
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let (client, pool) = (&self.client, self.client.pools.of(self.resource));
        client.own.of(self.resource).fetch_sub(self.units, Ordering::Relaxed);
        match self.half {
            Half::First => pool.first.fetch_sub(self.units, Ordering::SeqCst),
            Half::Shared => {
                client.shared.of(self.resource).fetch_sub(self.units, Ordering::Relaxed);
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
    fn take_all(client: &Arc<Client>) -> Vec<Share> {
        std::iter::from_fn(|| client.try_take(Resource::Files, 1)).collect()
    }

    #[test]
    fn a_peer_leaves_as_much_as_it_holds_and_every_connection_has_its_first() {
        let pools = pools(92); // and 8 in reserve: 100 first ones, 100 to share
        let greedy = pools.client(peer("192.0.2.1"));
        let held = take_all(&greedy);
        assert_eq!(held.len(), 1 + 50);
        let second = pools.client(peer("192.0.2.1"));
        let first_of_second = take_all(&second);
        assert_eq!(first_of_second.len(), 1, "another connection of the same peer: its first, and no more");
        let other = take_all(&pools.client(peer("192.0.2.2")));
        assert_eq!(other.len(), 1 + 25);
        let rest: Vec<_> =
            (3..99).map(|n| pools.client(peer("192.0.2.1")).try_take(Resource::Files, 1).map(|s| (n, s))).collect();
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
        let client = pools.client(peer("192.0.2.1"));
        let large = client.try_take(Resource::Bytes, 5_000).unwrap();
        assert_eq!(pools.used(Resource::Bytes), 500);
        let more = client.try_take(Resource::Bytes, 300).unwrap();
        assert!(client.try_take(Resource::Bytes, 1).is_none(), "300 held, 200 free");
        drop((large, more));
        assert_eq!(pools.used(Resource::Bytes), 0);
    }

    #[tokio::test]
    async fn a_waiter_is_woken_or_times_out() {
        let pools = pools(92);
        let client = pools.client(peer("192.0.2.1"));
        let mut held = take_all(&client);
        let within = Duration::from_secs(60);
        assert!(client.take(Resource::Files, 1, Duration::from_millis(1)).await.is_none());
        let waiting = tokio::spawn({
            let client = Arc::clone(&client);
            async move { client.take(Resource::Files, 1, within).await }
        });
        tokio::task::yield_now().await;
        held.truncate(40);
        assert!(waiting.await.unwrap().is_some());
    }
}
