//! The metrics, as Prometheus reads them. Counters change as requests end; `routes::metrics` sets the gauges.

pub(super) mod exposition;
mod log;
pub(super) mod queues;
pub(super) mod runs;
pub(super) mod store;
pub(super) mod tls;
pub(super) mod upstreams;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::conn::close_reason::CloseReason;
use super::http::route::RouteName;
use crate::sumdb::number::wide;
use log::LogMetrics;
use queues::Queues;
use runs::RunMetrics;
use store::StoreMetrics;
use tls::Certificates;
use upstreams::UpstreamMetrics;

/// Seconds: from an answer in the response cache to one that an upstream had to be asked for.
const BUCKETS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Status codes whose counters are looked up once.
const COMMON_CODES: [u16; 4] = [200, 206, 304, 404];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRouteAndCode {
    route: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByDatabase {
    pub(super) database: String,
}

pub(super) type PerDatabase = Family<ByDatabase, Gauge<i64, AtomicI64>>;

type PerKind = Family<ByKind, Counter>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByProtocol {
    pub(super) protocol: &'static str,
}

/// The counters and gauges, and the registry of both.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<ByRouteAndCode, Counter>,
    classes: Vec<RouteMetrics>,
    hot_hits: Counter,
    hot_misses: Counter,
    connections_ended: Family<ByReason, Counter>,
    streams_stalled: Counter,
    pub(super) gauges: Gauges,
}

/// The metrics of one route, looked up once.
#[derive(Debug)]
struct RouteMetrics {
    route: RouteName,
    seconds: Histogram,
    bytes: Counter,
    common: Vec<(u16, Counter)>,
}

#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) head_size: PerDatabase,
    pub(super) head_age: PerDatabase,
    pub(super) head_routes: PerDatabase,
    pub(super) head_routes_agreeing: PerDatabase,
    pub(super) head_routes_ahead: PerDatabase,
    pub(super) mirror_size: PerDatabase,
    pub(super) sync_lag: PerDatabase,
    pub(super) index_lag: PerDatabase,
    pub(super) disk_bytes: PerDatabase,
    pub(super) forks: PerDatabase,
    pub(super) writable: PerDatabase,
    pub(super) last_sync: PerDatabase,
    pub(super) upstream: PerKind,
    pub(super) upstream_errors: PerKind,
    pub(super) modules: Family<ByEvent, Counter>,
    pub(super) store_errors: Family<ByWrite, Counter>,
    pub(super) head_unstored: PerDatabase,
    pub(super) hot_bytes: Gauge<u64, AtomicU64>,
    pub(super) connections: Gauge,
    pub(super) by_protocol: Family<ByProtocol, Gauge>,
    pub(super) streams: Gauge<u64, AtomicU64>,
    pub(super) files: Gauge<u64, AtomicU64>,
    pub(super) body_bytes: Gauge<u64, AtomicU64>,
    pub(super) body_bytes_peak: Gauge<u64, AtomicU64>,
    pub(super) body_bytes_bound: Gauge<u64, AtomicU64>,
    pub(super) ready: Gauge,
    pub(super) queues: Queues,
    pub(super) certificates: Certificates,
    pub(super) runs: RunMetrics,
    pub(super) store: StoreMetrics,
    pub(super) logs: LogMetrics,
    pub(super) upstreams: UpstreamMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByKind {
    pub(super) database: String,
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByWrite {
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByEvent {
    pub(super) event: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("gosumcheck");
        let requests = Family::<ByRouteAndCode, Counter>::default();
        let seconds = Family::<ByRoute, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("http_requests", "Requests answered, by route and status code", requests.clone());
        registry.register(
            "http_request_seconds",
            "Seconds from the header section of a request to that of its response",
            seconds.clone(),
        );
        let bytes = Family::<ByRoute, Counter>::default();
        let help = "Bytes of the bodies of responses, as their headers announce them";
        registry.register("http_response_bytes", help, bytes.clone());
        let (hot_hits, hot_misses) = (Counter::default(), Counter::default());
        registry.register("hot_hits", "Requests answered from the response cache", hot_hits.clone());
        registry.register(
            "hot_misses",
            "Requests whose answer had to be made before it was cached",
            hot_misses.clone(),
        );
        let (connections_ended, streams_stalled) = (Family::<ByReason, Counter>::default(), Counter::default());
        let help = "Connections that the server closed, by reason";
        registry.register("connections_ended", help, connections_ended.clone());
        let help = "HTTP/2 streams that were reset because their client read too little of the body";
        registry.register("streams_stalled", help, streams_stalled.clone());
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of gosumcheck", version);
        let metrics = |route: RouteName| RouteMetrics {
            route,
            seconds: seconds.get_or_create_owned(&ByRoute { route: route.as_str() }),
            bytes: bytes.get_or_create_owned(&ByRoute { route: route.as_str() }),
            common: COMMON_CODES
                .map(|code| (code, requests.get_or_create_owned(&ByRouteAndCode { route: route.as_str(), code })))
                .into(),
        };
        let classes = RouteName::ALL.map(metrics).into();
        Metrics { registry, requests, classes, hot_hits, hot_misses, connections_ended, streams_stalled, gauges }
    }

    /// Counts a request that was answered.
    pub(super) fn request_answered(&self, route: RouteName, status: StatusCode, elapsed: Duration, bytes: u64) {
        let Some(metrics) = self.classes.iter().find(|metrics| metrics.route == route) else { return };
        metrics.seconds.observe(elapsed.as_secs_f64());
        metrics.bytes.inc_by(bytes);
        match metrics.common.iter().find(|(code, _)| *code == status.as_u16()) {
            Some((_, counter)) => counter.inc(),
            None => self.requests.get_or_create(&ByRouteAndCode { route: route.as_str(), code: status.as_u16() }).inc(),
        };
    }

    /// Counts an answer out of the response cache.
    pub(super) fn cache_hit(&self) {
        self.hot_hits.inc();
    }

    /// Counts an answer that was not in the response cache and is stored there now.
    pub(super) fn cache_miss(&self) {
        self.hot_misses.inc();
    }

    /// Counts a connection that the server closed or asked to close.
    pub(super) fn connection_closed(&self, reason: CloseReason) {
        self.connections_ended.get_or_create(&ByReason { reason: reason.as_str() }).inc();
    }

    /// Counts streams that were reset because their bodies had stalled.
    pub(super) fn streams_reset(&self, streams: usize) {
        self.streams_stalled.inc_by(wide(streams));
    }

    /// All metrics as OpenMetrics text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
            let _ = writeln!(text, "# EOF");
        }
        text
    }
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        let mut each = |name: &str, help: &str, family: &PerDatabase| registry.register(name, help, family.clone());
        each("head_size", "Records in the newest proven tree", &self.head_size);
        each("head_age_seconds", "Seconds since that tree became the newest here", &self.head_age);
        each("head_routes", "Other places that are asked for the newest head", &self.head_routes);
        let help = "Those of them that showed a head of the one history when they were last asked";
        each("head_routes_agreeing", help, &self.head_routes_agreeing);
        let help = "Records of the largest head that one of them showed beyond the newest proven tree";
        each("head_routes_ahead_records", help, &self.head_routes_ahead);
        each("mirror_size", "Records in the full log that is held here", &self.mirror_size);
        each("sync_lag_records", "Records of the newest proven tree that the full log lacks", &self.sync_lag);
        each("index_lag_records", "Records of the full log that the index lacks", &self.index_lag);
        each("disk_bytes", "Bytes that the full log takes on disk", &self.disk_bytes);
        each("forks", "How many times the log was caught with two histories", &self.forks);
        each("disk_writable", "Whether the data folder can be written", &self.writable);
        each(
            "head_unstored",
            "Whether the newest proven head is only in memory because it could not be written",
            &self.head_unstored,
        );
        each(
            "last_sync_timestamp_seconds",
            "When the last successful sync ended; 0 if none has since the start",
            &self.last_sync,
        );
        registry.register("upstream_requests", "Requests to the sources of a database, by kind", self.upstream.clone());
        let help = "Requests to the sources of a database without a good answer, by reason";
        registry.register("upstream_errors", help, self.upstream_errors.clone());
        registry.register("modules", "Events of the module proxy", self.modules.clone());
        let help = "Writes to the data folder that failed, by kind; requests were answered all the same";
        registry.register("store_errors", help, self.store_errors.clone());
        registry.register("hot_bytes", "Bytes of the response cache", self.hot_bytes.clone());
        registry.register("connections", "Connections open now", self.connections.clone());
        let help = "Connections open now, by protocol";
        registry.register("connections_by_protocol", help, self.by_protocol.clone());
        registry.register("streams", "HTTP/2 streams in flight now", self.streams.clone());
        registry.register("files_in_flight", "Files of modules open for an answer now", self.files.clone());
        registry.register("body_bytes", "Bytes of bodies in flight in memory now", self.body_bytes.clone());
        registry.register(
            "body_bytes_peak",
            "The most bytes of bodies in flight since the start",
            self.body_bytes_peak.clone(),
        );
        registry.register("body_bytes_bound", "The limit of bytes of bodies in flight", self.body_bytes_bound.clone());
        self.queues.register(registry);
        self.certificates.register(registry);
        self.runs.register(registry);
        self.store.register(registry);
        self.logs.register(registry);
        self.upstreams.register(registry);
        registry.register("ready", "Whether the server is ready, as /readyz", self.ready.clone());
    }
}
