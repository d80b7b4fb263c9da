//! `/metrics`, as Prometheus reads it (OpenMetrics text). Counters are moved as requests end; gauges are looked up when asked.

mod queues;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::answer::{Answer, NEVER};
use super::end::End;
use super::frames::Protocol;
use super::pool::Resource;
use super::route::Class;
use super::{App, health};
use queues::Queues;

/// The content type of OpenMetrics text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds: from an answer out of memory to one that upstream had to be asked for.
const BUCKETS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Status codes whose counters are at hand.
const COMMON_CODES: [u16; 4] = [200, 206, 304, 404];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByDatabase {
    database: String,
}

type PerDatabase = Family<ByDatabase, Gauge<i64, AtomicI64>>;

type PerKind = Family<ByKind, Gauge<u64, AtomicU64>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByProtocol {
    protocol: &'static str,
}

/// What was counted, and the registry that knows it.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    classes: Vec<Handles>,
    hot_hits: Counter,
    hot_misses: Counter,
    connections_ended: Family<ByReason, Counter>,
    streams_stalled: Counter,
    gauges: Gauges,
}

/// The metrics of one class, looked up once.
#[derive(Debug)]
struct Handles {
    class: Class,
    seconds: Histogram,
    common: Vec<(u16, Counter)>,
}

#[derive(Debug, Default)]
struct Gauges {
    head_size: PerDatabase,
    head_age: PerDatabase,
    mirror_size: PerDatabase,
    sync_lag: PerDatabase,
    index_lag: PerDatabase,
    disk_bytes: PerDatabase,
    forks: PerDatabase,
    writable: PerDatabase,
    last_sync: PerDatabase,
    upstream: PerKind,
    upstream_errors: PerKind,
    modules: Family<ByEvent, Gauge<u64, AtomicU64>>,
    store_errors: Family<ByWrite, Counter>,
    head_unstored: PerDatabase,
    hot_bytes: Gauge<u64, AtomicU64>,
    connections: Gauge,
    by_protocol: Family<ByProtocol, Gauge>,
    streams: Gauge<u64, AtomicU64>,
    files: Gauge<u64, AtomicU64>,
    body_bytes: Gauge<u64, AtomicU64>,
    body_bytes_peak: Gauge<u64, AtomicU64>,
    body_bytes_bound: Gauge<u64, AtomicU64>,
    ready: Gauge,
    queues: Queues,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    database: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByWrite {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByEvent {
    event: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("gosumcheck");
        let requests = Family::<Request, Counter>::default();
        let seconds = Family::<ByRoute, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("http_requests", "Requests answered, by route and status code", requests.clone());
        registry.register("http_request_seconds", "From a request's head to the answer's", seconds.clone());
        let (hot_hits, hot_misses) = (Counter::default(), Counter::default());
        registry.register("hot_hits", "Answers found in memory", hot_hits.clone());
        registry.register("hot_misses", "Answers not found in memory", hot_misses.clone());
        let (connections_ended, streams_stalled) = (Family::<ByReason, Counter>::default(), Counter::default());
        let help = "Connections that the server ended, by reason";
        registry.register("connections_ended", help, connections_ended.clone());
        let help = "HTTP/2 streams that were reset because their client took too little of the body";
        registry.register("streams_stalled", help, streams_stalled.clone());
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Which gosumcheck this is", version);
        let handles = |class: Class| Handles {
            class,
            seconds: seconds.get_or_create_owned(&ByRoute { route: class.name() }),
            common: COMMON_CODES
                .map(|code| (code, requests.get_or_create_owned(&Request { route: class.name(), code })))
                .into(),
        };
        let classes = Class::ALL.map(handles).into();
        Metrics { registry, requests, classes, hot_hits, hot_misses, connections_ended, streams_stalled, gauges }
    }

    /// A request of this class was answered.
    pub(super) fn answered(&self, class: Class, status: StatusCode, took: Duration) {
        let Some(handles) = self.classes.iter().find(|handles| handles.class == class) else { return };
        handles.seconds.observe(took.as_secs_f64());
        match handles.common.iter().find(|(code, _)| *code == status.as_u16()) {
            Some((_, counter)) => counter.inc(),
            None => self.requests.get_or_create(&Request { route: class.name(), code: status.as_u16() }).inc(),
        };
    }

    /// An answer was looked for in memory.
    pub(super) fn looked(&self, found: bool) {
        if found {
            self.hot_hits.inc()
        } else {
            self.hot_misses.inc()
        };
    }

    /// A connection was ended, or told to end.
    pub(super) fn connection_ended(&self, end: End) {
        self.connections_ended.get_or_create(&ByReason { reason: end.name() }).inc();
    }

    /// So many streams were ended whose bodies stood still.
    pub(super) fn streams_ended(&self, streams: usize) {
        self.streams_stalled.inc_by(u64::try_from(streams).unwrap_or(u64::MAX));
    }

    /// The page.
    pub(super) async fn page(&self, app: &App) -> Answer {
        self.gauges.look(app).await;
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
            let _ = writeln!(text, "# EOF");
        }
        Answer::new(OPEN_METRICS, NEVER, Bytes::from(text))
    }
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        let mut each = |name: &str, help: &str, family: &PerDatabase| registry.register(name, help, family.clone());
        each("head_size", "Records in the newest proven tree", &self.head_size);
        each("head_age_seconds", "Since when that tree is the newest here", &self.head_age);
        each("mirror_size", "Records in the full log that is held here", &self.mirror_size);
        each("sync_lag_records", "Records of the newest proven tree that the full log lacks", &self.sync_lag);
        each("index_lag_records", "Records of the full log that the index lacks", &self.index_lag);
        each("disk_bytes", "What the full log takes on disk", &self.disk_bytes);
        each("forks", "How many times the log was caught with two histories", &self.forks);
        each("disk_writable", "Whether the disk takes writes", &self.writable);
        each(
            "head_unstored",
            "Whether the newest proven head is only in memory: the disk did not take it",
            &self.head_unstored,
        );
        each("last_sync_timestamp_seconds", "When the last sync ended well; 0: not since the start", &self.last_sync);
        registry.register("upstream_requests", "What upstreams were asked so far, by kind", self.upstream.clone());
        let help = "Answers that were refused, requests that failed, things not held, so far";
        registry.register("upstream_errors", help, self.upstream_errors.clone());
        registry.register("modules", "What came of questions about modules so far", self.modules.clone());
        let help = "Writes to the data folder that failed, by kind; answers were given all the same";
        registry.register("store_errors", help, self.store_errors.clone());
        registry.register("hot_bytes", "Answers held in memory", self.hot_bytes.clone());
        registry.register("connections", "Connections open now", self.connections.clone());
        let help = "Connections open now, by what they speak";
        registry.register("connections_by_protocol", help, self.by_protocol.clone());
        registry.register("streams", "HTTP/2 requests being answered or sent now", self.streams.clone());
        registry.register("files_in_flight", "Files of modules open for an answer now", self.files.clone());
        registry.register("body_bytes", "Bytes of bodies in flight in memory now", self.body_bytes.clone());
        registry.register("body_bytes_peak", "The most of these since the start", self.body_bytes_peak.clone());
        registry.register("body_bytes_bound", "The most of these that there can be", self.body_bytes_bound.clone());
        self.queues.register(registry);
        registry.register("ready", "Whether /readyz says so", self.ready.clone());
    }

    async fn look(&self, app: &App) {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let seen = app.looked.at(&app.served).await;
        for (served, seen) in app.served.iter().zip(seen.iter()) {
            let label = ByDatabase { database: served.relay.name().to_owned() };
            let set = |family: &PerDatabase, value: u64| {
                family.get_or_create(&label).set(signed(value));
            };
            let status = &seen.status;
            let head = status.head.map_or(0, |tree| tree.size);
            let mirror = status.mirror.map_or(0, |tree| tree.size);
            set(&self.head_size, head);
            set(&self.head_age, served.watch.head_age().as_secs());
            set(&self.mirror_size, mirror);
            set(&self.sync_lag, head.saturating_sub(mirror));
            set(&self.index_lag, mirror.saturating_sub(status.indexed));
            set(&self.disk_bytes, seen.disk_bytes);
            set(&self.forks, u64::try_from(status.forks).unwrap_or(u64::MAX).max(u64::from(seen.is_caught)));
            set(&self.writable, u64::from(status.writable.is_ok()));
            set(&self.head_unstored, u64::from(status.unstored.is_some()));
            set(&self.last_sync, served.watch.last_sync());
            let (requests, errors) = served.upstream();
            for (family, counts) in [(&self.upstream, requests), (&self.upstream_errors, errors)] {
                for (kind, count) in counts {
                    family.get_or_create(&ByKind { database: label.database.clone(), kind }).set(count);
                }
            }
        }
        for (event, count) in app.proxy.iter().flat_map(|proxy| proxy.counts()) {
            self.modules.get_or_create(&ByEvent { event }).set(count);
        }
        self.queues.look(app);
        // One data folder is behind all databases.
        for failure in app.served.first().into_iter().flat_map(|served| served.relay.store_failures()) {
            let counter = self.store_errors.get_or_create(&ByWrite { kind: failure.write.name() });
            counter.inner().store(failure.count, Ordering::Relaxed);
        }
        self.hot_bytes.set(app.hot.bytes());
        self.look_at_connections(app);
        self.ready.set(i64::from(health::not_ready(app).await.is_empty()));
    }

    fn look_at_connections(&self, app: &App) {
        let mut all = 0;
        for (protocol, label) in
            [(Protocol::Http1, "http1"), (Protocol::Http2, "http2"), (Protocol::Unknown, "unknown")]
        {
            let count = app.slots.count(protocol) + app.admin_slots.count(protocol);
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            all += count;
            self.by_protocol.get_or_create(&ByProtocol { protocol: label }).set(count);
        }
        self.connections.set(all);
        let unsigned = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.streams.set(unsigned(app.pools.used(Resource::Streams)));
        self.files.set(unsigned(app.pools.used(Resource::Files)));
        self.body_bytes.set(unsigned(app.pools.used(Resource::Bytes)));
        self.body_bytes_peak.set(unsigned(app.pools.peak(Resource::Bytes)));
        self.body_bytes_bound.set(unsigned(app.pools.bound(Resource::Bytes)));
    }
}
