//! The metrics of upstreams by name, of refusals by cause, and of the modules that are asked for most.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::upstream::{BreakerState, Latency, ProxyState};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByUpstream {
    pub(crate) upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByState {
    upstream: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCause {
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByModule {
    module: String,
}

/// What is set when the page is requested.
#[derive(Debug, Default)]
pub(crate) struct UpstreamMetrics {
    requests: Family<ByUpstream, Counter>,
    failures: Family<ByUpstream, Counter>,
    bytes: Family<ByUpstream, Counter>,
    breaker: Family<ByState, Gauge>,
    refusals: Family<ByCause, Counter>,
    top: Family<ByModule, Gauge>,
    latencies: Latencies,
}

/// The latencies by upstream, as they were when the page was requested.
#[derive(Debug, Clone, Default)]
struct Latencies(Arc<Mutex<Vec<(ByUpstream, Latency)>>>);

impl UpstreamMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let mut each = |name: &str, help: &str, family: &Family<ByUpstream, Counter>| {
            registry.register(name, help, family.clone())
        };
        each("module_upstream_requests", "Requests about modules to an upstream, retries included", &self.requests);
        each("module_upstream_failures", "Of these, requests that failed after all tries", &self.failures);
        each("module_upstream_received_bytes", "Bytes that arrived from an upstream of modules", &self.bytes);
        let help =
            "Whether the circuit breaker of an upstream of modules is in this state; open: it is not asked for a while";
        registry.register("module_upstream_breaker", help, self.breaker.clone());
        registry.register("refusals", "Requests about modules answered with 403, by cause", self.refusals.clone());
        let help =
            "Requests about the public modules that are asked for most, but for those that were answered from memory";
        registry.register("top_module_requests", help, self.top.clone());
        registry.register_collector(Box::new(self.latencies.clone()));
    }

    /// Sets what is known of the upstreams of modules; `databases` has the latencies of the sources of databases.
    pub(crate) fn set(&self, modules: Vec<ProxyState>, databases: Vec<(String, Latency)>) {
        let set = |family: &Family<ByUpstream, Counter>, label: &ByUpstream, value: u64| {
            family.get_or_create(label).inner().store(value, Ordering::Relaxed);
        };
        let mut latencies: Vec<(ByUpstream, Latency)> = Vec::new();
        let mut add =
            |label: ByUpstream, latency: Latency| match latencies.iter_mut().find(|(known, _)| *known == label) {
                Some((_, known)) => known.add(&latency),
                None => latencies.push((label, latency)),
            };
        for state in modules {
            let label = ByUpstream { upstream: state.name };
            set(&self.requests, &label, state.requests);
            set(&self.failures, &label, state.failures);
            set(&self.bytes, &label, state.bytes);
            for (word, breaker) in
                [("closed", BreakerState::Closed), ("half_open", BreakerState::HalfOpen), ("open", BreakerState::Open)]
            {
                let label = ByState { upstream: label.upstream.clone(), state: word };
                self.breaker.get_or_create(&label).set(i64::from(state.breaker == breaker));
            }
            add(label, state.latency);
        }
        databases.into_iter().for_each(|(upstream, latency)| add(ByUpstream { upstream }, latency));
        *self.latencies.0.lock() = latencies;
    }

    /// Sets the refusals, and the modules that are asked for most.
    pub(crate) fn set_modules(&self, refusals: impl Iterator<Item = (&'static str, u64)>, top: Vec<(String, u64)>) {
        for (cause, count) in refusals {
            self.refusals.get_or_create(&ByCause { cause }).inner().store(count, Ordering::Relaxed);
        }
        self.top.clear();
        for (module, count) in top {
            self.top.get_or_create(&ByModule { module }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

impl Collector for Latencies {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Seconds that requests to an upstream took, each with all its tries and the whole body";
        let mut metric = encoder.encode_descriptor("upstream_request_seconds", help, None, MetricType::Histogram)?;
        for (label, latency) in self.0.lock().iter() {
            let buckets: Vec<(f64, u64)> = latency.buckets().collect();
            metric.encode_family(label)?.encode_histogram::<ByUpstream>(
                latency.sum(),
                latency.count(),
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}
