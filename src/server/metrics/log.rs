//! The full logs: how far they have been proven anew, and what was found and healed.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::ByDatabase;
use crate::relay::LogScrubCounts;

type Numbers = Family<ByDatabase, Gauge<u64, AtomicU64>>;
type Counters = Family<ByDatabase, Counter>;

/// The metrics of full logs; `routes::metrics` sets them.
#[derive(Debug, Default)]
pub(crate) struct LogMetrics {
    done: Numbers,
    total: Numbers,
    passed: Numbers,
    scrubbed: Counters,
    rotten: Counters,
    healed: Counters,
}

impl LogMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, gauge: &Numbers| registry.register(name, help, gauge.clone());
        gauge("log_scrub_done_bytes", "Bytes of the present pass over the full log that are behind it", &self.done);
        gauge("log_scrub_pass_bytes", "All bytes of the present pass over the full log", &self.total);
        gauge(
            "log_scrub_last_pass_timestamp_seconds",
            "When the last whole pass over the full log began; 0 if there was none",
            &self.passed,
        );
        let mut counter = |name: &str, help: &str, counter: &Counters| registry.register(name, help, counter.clone());
        counter("log_scrubbed_bytes", "Bytes of the full log that scrubs proved anew", &self.scrubbed);
        counter("log_rotten_tiles", "Tiles of the full log that were found not to be what was committed", &self.rotten);
        counter("log_healed_tiles", "Those of them that were derived or fetched again", &self.healed);
    }

    /// Sets those of one database.
    pub(crate) fn set(&self, label: &ByDatabase, counts: &LogScrubCounts) {
        let LogScrubCounts { bytes, done, total, passed, rotten, healed } = counts;
        for (family, value) in [(&self.done, done), (&self.total, total), (&self.passed, passed)] {
            family.get_or_create(label).set(*value);
        }
        for (family, value) in [(&self.scrubbed, bytes), (&self.rotten, rotten), (&self.healed, healed)] {
            family.get_or_create(label).inner().store(*value, Ordering::Relaxed);
        }
    }
}
