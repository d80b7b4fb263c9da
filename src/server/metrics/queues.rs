//! The gauges of queues, of work without a client, of what is read ahead, of what is held in memory, and of the sources of
//! databases.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::ByDatabase;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByWork {
    pub(crate) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct BySource {
    pub(crate) database: String,
    pub(crate) source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByUse {
    /// `all` or `used`
    pub(crate) answers: &'static str,
}

type PerUse = Family<ByUse, Counter>;
type PerSource = Family<BySource, Gauge>;
type PerWork = Family<ByWork, Gauge<u64, AtomicU64>>;
type CountPerDatabase = Family<ByDatabase, Gauge<u64, AtomicU64>>;

/// The gauges of queues and memory; `routes::metrics` sets them.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) proxy_length: PerWork,
    pub(crate) proxy_running: PerWork,
    pub(crate) proxy_rejected: Family<ByWork, Counter>,
    pub(crate) proxy_tasks: PerWork,
    pub(crate) detached: Gauge<u64, AtomicU64>,
    pub(crate) upstream_length: CountPerDatabase,
    pub(crate) upstream_running: CountPerDatabase,
    pub(crate) upstream_rejected: Family<ByDatabase, Counter>,
    pub(crate) database_bytes: CountPerDatabase,
    pub(crate) refusal_bytes: Gauge<u64, AtomicU64>,
    pub(crate) read_ahead_requests: PerUse,
    pub(crate) read_ahead_bytes: PerUse,
    pub(crate) read_ahead_clients: Gauge<u64, AtomicU64>,
    pub(crate) source_used: PerSource,
    pub(crate) source_out: PerSource,
}

impl Queues {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let mut each = |name: &str, help: &str, family: &PerWork| registry.register(name, help, family.clone());
        each("proxy_queue_length", "Requests about modules that wait in the queue", &self.proxy_length);
        each("proxy_queue_running", "Requests about modules that have a slot", &self.proxy_running);
        each("proxy_tasks", "Tasks about modules, including those in the queue", &self.proxy_tasks);
        let mut each =
            |name: &str, help: &str, family: &CountPerDatabase| registry.register(name, help, family.clone());
        each("upstream_queue_length", "Requests to a database that wait in the queue", &self.upstream_length);
        each("upstream_queue_running", "Requests to a database in progress", &self.upstream_running);
        each("database_memory_bytes", "Records, tiles and denials held in memory", &self.database_bytes);
        let help = "Requests about modules answered with 503 because the queue was full";
        registry.register("proxy_queue_rejected", help, self.proxy_rejected.clone());
        let help = "Requests to a database rejected because the queue was full";
        registry.register("upstream_queue_rejected", help, self.upstream_rejected.clone());
        let mut each = |name: &str, help: &str, family: &PerUse| registry.register(name, help, family.clone());
        let help = "Requests to upstreams before a client asked, by whether a client has asked for the answer since";
        each("read_ahead_requests", help, &self.read_ahead_requests);
        each("read_ahead_bytes", "Bytes of the answers to these requests", &self.read_ahead_bytes);
        let help = "Clients for which something is read ahead now";
        registry.register("read_ahead_clients", help, self.read_ahead_clients.clone());
        let help = "Whether the last answer of a database came from this source";
        registry.register("database_source_used", help, self.source_used.clone());
        let help = "Whether this source of a database is out, so that it gets no requests for a while";
        registry.register("database_source_out", help, self.source_out.clone());
        let help = "Downloads that continue although their clients have disconnected";
        registry.register("proxy_detached_downloads", help, self.detached.clone());
        registry.register("refusal_bytes", "Refusals of modules held in memory", self.refusal_bytes.clone());
    }
}
