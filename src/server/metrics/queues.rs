//! The gauges of what waits, what runs without a client, what is remembered, and which source a database is asked at.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::super::App;
use super::ByDatabase;
use crate::upstream::{Breaker, Load};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByWork {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    database: String,
    source: String,
}

type PerSource = Family<BySource, Gauge>;
type PerWork = Family<ByWork, Gauge<u64, AtomicU64>>;
type PerDatabase = Family<ByDatabase, Gauge<u64, AtomicU64>>;

/// The gauges, looked up when they are asked for.
#[derive(Debug, Default)]
pub(super) struct Queues {
    proxy_length: PerWork,
    proxy_running: PerWork,
    proxy_rejected: PerWork,
    proxy_tasks: PerWork,
    detached: Gauge<u64, AtomicU64>,
    upstream_length: PerDatabase,
    upstream_running: PerDatabase,
    upstream_rejected: PerDatabase,
    database_bytes: PerDatabase,
    refusal_bytes: Gauge<u64, AtomicU64>,
    source_used: PerSource,
    source_out: PerSource,
}

impl Queues {
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut each = |name: &str, help: &str, family: &PerWork| registry.register(name, help, family.clone());
        each("proxy_queue_length", "Requests about modules that wait for their turn", &self.proxy_length);
        each("proxy_queue_running", "Requests about modules that have a slot", &self.proxy_running);
        each("proxy_queue_rejected", "Requests about modules answered with 503 so far: busy", &self.proxy_rejected);
        each("proxy_tasks", "Tasks about modules, those that wait for their turn among them", &self.proxy_tasks);
        let mut each = |name: &str, help: &str, family: &PerDatabase| registry.register(name, help, family.clone());
        each("upstream_queue_length", "Questions to a database that wait for their turn", &self.upstream_length);
        each("upstream_queue_running", "Questions that a database is asked now", &self.upstream_running);
        each("upstream_queue_rejected", "Questions to a database turned away so far: busy", &self.upstream_rejected);
        each("database_memory_bytes", "Records, tiles and denials held in memory", &self.database_bytes);
        let help = "Whether the last answer of a database came from this source";
        registry.register("database_source_used", help, self.source_used.clone());
        let help = "Whether this source of a database is not asked, since it failed";
        registry.register("database_source_out", help, self.source_out.clone());
        let help = "Downloads that go on though their clients have left";
        registry.register("proxy_detached_downloads", help, self.detached.clone());
        registry.register("refusal_bytes", "Refusals of modules held in memory", self.refusal_bytes.clone());
    }

    pub(super) fn look(&self, app: &App) {
        for served in &app.served {
            let label = ByDatabase { database: served.relay.name().to_owned() };
            let Load { waiting, running, rejected } = served.relay.queue();
            self.upstream_length.get_or_create(&label).set(waiting);
            self.upstream_running.get_or_create(&label).set(running);
            self.upstream_rejected.get_or_create(&label).set(rejected);
            for at in served.relay.standings() {
                let label = BySource { database: label.database.clone(), source: at.name };
                self.source_used.get_or_create(&label).set(i64::from(at.is_used));
                self.source_out.get_or_create(&label).set(i64::from(at.breaker == Breaker::Open));
            }
            self.database_bytes.get_or_create(&label).set(served.relay.remembered_bytes());
        }
        let Some(proxy) = &app.proxy else { return };
        let mut detached = 0;
        for work in proxy.work() {
            let label = ByWork { kind: work.kind };
            let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
            self.proxy_length.get_or_create(&label).set(work.queue.waiting);
            self.proxy_running.get_or_create(&label).set(work.queue.running);
            self.proxy_rejected.get_or_create(&label).set(work.queue.rejected);
            self.proxy_tasks.get_or_create(&label).set(count(work.tasks));
            detached += count(work.detached);
        }
        self.detached.set(detached);
        self.refusal_bytes.set(proxy.remembered_bytes());
    }
}
