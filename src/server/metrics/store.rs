//! The module store: how much it holds, what was removed from it, and how far it has been hashed again.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::proxy::StoreStatus;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStay {
    /// `vanished` or `unanswered`
    reason: &'static str,
}

type Number = Gauge<u64, AtomicU64>;

/// The metrics of the store; `routes::metrics` sets them.
#[derive(Debug, Default)]
pub(crate) struct StoreMetrics {
    size: Number,
    limit: Number,
    disk_free: Number,
    disk_size: Number,
    evicted_files: Counter,
    evicted_bytes: Counter,
    not_evicted: Family<ByStay, Counter>,
    walks: Counter,
    waited: Counter,
    scrubbed_files: Counter,
    scrubbed_bytes: Counter,
    rotten: Counter,
    healed: Counter,
    scrub_done: Number,
    scrub_total: Number,
    scrub_passed: Number,
}

impl StoreMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, gauge: &Number| registry.register(name, help, gauge.clone());
        gauge("store_size_bytes", "Disk space that the stored modules take, as last measured", &self.size);
        gauge("store_limit_bytes", "The setting store.max_size; 0 for no limit", &self.limit);
        gauge("store_disk_free_bytes", "Free space of the disk that the data folder is on", &self.disk_free);
        gauge("store_disk_size_bytes", "Size of the disk that the data folder is on", &self.disk_size);
        gauge("store_scrub_done_bytes", "Bytes of the present pass of the scrub that are behind it", &self.scrub_done);
        gauge("store_scrub_pass_bytes", "All bytes of the present pass of the scrub", &self.scrub_total);
        gauge(
            "store_scrub_last_pass_timestamp_seconds",
            "When the last whole pass of the scrub began; 0 if there was none",
            &self.scrub_passed,
        );
        let mut counter = |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        counter("store_evicted_files", "Files that were removed to make room", &self.evicted_files);
        counter("store_evicted_bytes", "Disk space that was freed by that", &self.evicted_bytes);
        counter("store_walks", "How often all of the store was looked at", &self.walks);
        counter("store_waits", "Downloads that had to wait for room in the store", &self.waited);
        counter("store_scrubbed_files", "Stored files that the scrub hashed again", &self.scrubbed_files);
        counter("store_scrubbed_bytes", "Bytes of these files", &self.scrubbed_bytes);
        counter("store_rotten_files", "Stored files that the scrub found to have changed", &self.rotten);
        counter("store_healed_files", "Those of them that were fetched again", &self.healed);
        let help = "Files that were to be removed and stay, because no upstream has them, or none answered";
        registry.register("store_not_evicted_files", help, self.not_evicted.clone());
    }

    /// Sets all of them.
    pub(crate) fn set(&self, status: &StoreStatus) {
        let StoreStatus { stored, limit, space, evicted, walks, waited, scrubbed } = status;
        self.size.set(stored.unwrap_or(0));
        self.limit.set(limit.unwrap_or(0));
        if let Some(space) = space {
            self.disk_free.set(space.free);
            self.disk_size.set(space.size);
        }
        let set = |counter: &Counter, value: u64| counter.inner().store(value, Ordering::Relaxed);
        set(&self.evicted_files, evicted.files);
        set(&self.evicted_bytes, evicted.bytes);
        for (reason, count) in [("vanished", evicted.vanished), ("unanswered", evicted.unanswered)] {
            set(&self.not_evicted.get_or_create(&ByStay { reason }), count);
        }
        set(&self.walks, *walks);
        set(&self.waited, *waited);
        set(&self.scrubbed_files, scrubbed.files);
        set(&self.scrubbed_bytes, scrubbed.bytes);
        set(&self.rotten, scrubbed.rotten);
        set(&self.healed, scrubbed.healed);
        self.scrub_done.set(scrubbed.done);
        self.scrub_total.set(scrubbed.total);
        self.scrub_passed.set(scrubbed.passed);
    }
}
