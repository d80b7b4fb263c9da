//! What is done beside requests for as long as a server runs: upstreams that are out are probed, unfinished downloads swept, uses
//! written down, and room made before anybody waits for it.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::future::{join, select};

use super::policy::PublicSources;
use super::{Evicted, Inner, Proxy, ScrubCounts};
use crate::fault::Fault;
use crate::store::space::Space;

/// How often the leftovers of unfinished downloads are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);
/// How often uses are written down.
const FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked whether room is to be made, where no download says so.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Room is made until the disk is so many hundredths less full than where that began.
const DISK_STEP: u8 = 10;

impl Proxy {
    /// Probes upstreams that do not answer, sweeps unfinished downloads, writes uses down, and makes room, for as long as it is
    /// polled.
    pub async fn tend(&self) {
        join(self.probe(), join(join(self.sweep(), self.count()), join(self.make_room(), self.scrub_on()))).await;
    }

    /// Removes unfinished downloads that no request continues.
    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            if let Err(fault) = self.inner.evictor.measure_again().await {
                tracing::debug!("{fault}");
            }
            let folder = self.inner.folder.clone();
            // Processes that died have left theirs too.
            let _ = tokio::task::spawn_blocking(move || folder.sweep(SystemTime::now())).await;
        }
    }

    async fn count(&self) {
        loop {
            if let Err(fault) = self.complete_admissions().await {
                tracing::warn!("when modules were admitted is not known yet: {fault}");
            }
            tokio::time::sleep(FLUSH_EVERY).await;
            if let Err(fault) = self.inner.evictor.measure().await {
                tracing::debug!("{fault}");
            }
            let usage = self.inner.modules.usage().clone();
            if let Ok(Err(fault)) = tokio::task::spawn_blocking(move || usage.flush()).await {
                tracing::debug!("{fault}");
            }
        }
    }

    /// Writes down how modules were used since the last time. A server does so every 30 s, and when it stops.
    ///
    /// # Errors
    /// `Unavailable`: the disk takes nothing.
    pub fn flush_uses(&self) -> Result<(), Fault> {
        self.inner.modules.usage().flush()
    }

    async fn scrub_on(&self) {
        if let Some((period, rate)) = self.inner.store_limits.scrub {
            self.keep_scrubbed(period, rate).await;
        }
    }

    async fn make_room(&self) {
        let limits = self.inner.store_limits;
        if limits.max_size.is_none() && limits.max_disk.is_none() {
            return;
        }
        let mut last = None;
        loop {
            let failed = self.inner.make_some_room().await.err().map(|fault| fault.to_string());
            if let Some(why) = failed.as_ref().filter(|_| failed != last) {
                tracing::warn!("no room is made in the store: {why}");
            }
            last = failed;
            select(pin!(tokio::time::sleep(LOOK_EVERY)), pin!(self.inner.room.wanted())).await;
        }
    }
}

/// How the store is.
#[derive(Debug, Clone, Copy)]
pub struct StoreStatus {
    /// bytes of the disk that the modules take, as last measured
    pub stored: Option<u64>,
    /// how many they may take
    pub limit: Option<u64>,
    /// the disk
    pub space: Option<Space>,
    /// what was removed since the start
    pub evicted: Evicted,
    /// how often all of the store was walked through since the start
    pub walks: u64,
    /// downloads since the start that have waited for room
    pub waited: u64,
    /// what was hashed again since the start
    pub scrubbed: ScrubCounts,
}

impl Proxy {
    /// How the store is now.
    pub fn store_status(&self) -> StoreStatus {
        let inner = &self.inner;
        let (stored, limit, space) = (inner.room.stored(), inner.store_limits.max_size, inner.folder.space());
        let (walks, waited) = (inner.evictor.walks(), inner.room.lacked());
        StoreStatus { stored, limit, space, evicted: self.evicted(), walks, waited, scrubbed: self.scrubbed() }
    }
}

impl Inner {
    /// Makes room where the store has nearly reached its limit, and where the disk is too full.
    async fn make_some_room(&self) -> Result<(), Fault> {
        let (limits, room, sources) = (self.store_limits, &self.room, PublicSources::of(self));
        if let Some(max) = limits.max_size {
            self.evictor.measure().await?;
            let needed = room.above_high(max);
            if needed > 0 {
                let low = max.saturating_sub(max / 10);
                self.evictor.make_room(&sources, || room.lacking(0, low)).await?;
            }
        }
        if let Some(high) = limits.max_disk
            && self.above(high) > 0
        {
            let low = high.saturating_sub(DISK_STEP);
            self.evictor.make_room(&sources, || self.above(low)).await?;
        }
        Ok(())
    }

    /// By how many bytes the disk is fuller than so many hundredths of it; 0 where it does not say.
    fn above(&self, percent: u8) -> u64 {
        let Some(space) = self.folder.space() else { return 0 };
        let used = space.size.saturating_sub(space.free);
        used.saturating_sub(space.size / 100 * u64::from(percent))
    }
}
