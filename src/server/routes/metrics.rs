//! `/metrics`. Counters change as requests end; the gauges are set here, when the page is requested.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::health;
use crate::server::app::App;
use crate::server::conn::frames::Protocol;
use crate::server::conn::pool::Resource;
use crate::server::http::answer::{Answer, NO_STORE};
use crate::server::metrics::queues::{BySource, ByUse, ByWork, Queues};
use crate::server::metrics::{ByDatabase, ByEvent, ByKind, ByProtocol, ByWrite, Gauges, PerDatabase};
use crate::sumdb::number::wide;
use crate::upstream::{BreakerState, Load};

/// The content type of OpenMetrics text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page.
pub(crate) async fn page(app: &App) -> Answer {
    set_gauges(&app.metrics.gauges, app).await;
    Answer::new(OPEN_METRICS, NO_STORE, Bytes::from(app.metrics.text()))
}

/// Sets the gauges.
async fn set_gauges(gauges: &Gauges, app: &App) {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let statuses = app.status.get(&app.databases).await;
    for (served, database) in app.databases.iter().zip(statuses.iter()) {
        let label = ByDatabase { database: served.relay.name().to_owned() };
        let set = |family: &PerDatabase, value: u64| {
            family.get_or_create(&label).set(signed(value));
        };
        let status = &database.relay;
        let head = status.head.map_or(0, |tree| tree.size);
        let mirror = status.mirror.map_or(0, |tree| tree.size);
        set(&gauges.head_size, head);
        set(&gauges.head_age, served.progress.head_age().as_secs());
        set(&gauges.mirror_size, mirror);
        set(&gauges.sync_lag, head.saturating_sub(mirror));
        set(&gauges.index_lag, mirror.saturating_sub(status.indexed));
        set(&gauges.disk_bytes, database.disk_bytes);
        set(&gauges.forks, wide(database.forks));
        set(&gauges.writable, u64::from(status.writable.is_ok()));
        set(&gauges.head_unstored, u64::from(status.unstored.is_some()));
        set(&gauges.last_sync, served.progress.last_sync());
        let (requests, errors) = served.upstream_counts();
        for (family, counts) in [(&gauges.upstream, requests), (&gauges.upstream_errors, errors)] {
            for (kind, count) in counts {
                family.get_or_create(&ByKind { database: label.database.clone(), kind }).set(count);
            }
        }
    }
    for (event, count) in app.proxy.iter().flat_map(|proxy| proxy.counts()) {
        gauges.modules.get_or_create(&ByEvent { event }).set(count);
    }
    set_queues(&gauges.queues, app);
    if let Some(tls) = &app.tls {
        gauges.certificates.set(tls);
    }
    if let Some(proxy) = &app.proxy {
        gauges.store.set(&proxy.store_status());
    }
    // All databases share one data folder.
    for failure in app.databases.first().into_iter().flat_map(|served| served.relay.store_failures()) {
        let counter = gauges.store_errors.get_or_create(&ByWrite { kind: failure.write.name() });
        counter.inner().store(failure.count, Ordering::Relaxed);
    }
    gauges.hot_bytes.set(app.response_cache.bytes());
    set_connections(gauges, app);
    gauges.ready.set(i64::from(health::not_ready(app).await.is_empty()));
}

fn set_connections(gauges: &Gauges, app: &App) {
    let mut all = 0;
    for (protocol, label) in [(Protocol::Http1, "http1"), (Protocol::Http2, "http2"), (Protocol::Unknown, "unknown")] {
        let count = app.slots.count(protocol) + app.admin_slots.count(protocol);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        all += count;
        gauges.by_protocol.get_or_create(&ByProtocol { protocol: label }).set(count);
    }
    gauges.connections.set(all);
    gauges.streams.set(wide(app.pools.used(Resource::Streams)));
    gauges.files.set(wide(app.pools.used(Resource::Files)));
    gauges.body_bytes.set(wide(app.pools.used(Resource::Bytes)));
    gauges.body_bytes_peak.set(wide(app.pools.peak(Resource::Bytes)));
    gauges.body_bytes_bound.set(wide(app.pools.bound(Resource::Bytes)));
}

fn set_queues(queues: &Queues, app: &App) {
    for served in &app.databases {
        let label = ByDatabase { database: served.relay.name().to_owned() };
        let Load { waiting, running, rejected } = served.relay.queue();
        queues.upstream_length.get_or_create(&label).set(waiting);
        queues.upstream_running.get_or_create(&label).set(running);
        queues.upstream_rejected.get_or_create(&label).set(rejected);
        for standing in served.relay.standings() {
            let source = BySource { database: label.database.clone(), source: standing.name };
            queues.source_used.get_or_create(&source).set(i64::from(standing.is_used));
            queues.source_out.get_or_create(&source).set(i64::from(standing.breaker == BreakerState::Open));
        }
        queues.database_bytes.get_or_create(&label).set(served.relay.remembered_bytes());
    }
    let Some(proxy) = &app.proxy else { return };
    let mut detached = 0;
    for work in proxy.work() {
        let label = ByWork { kind: work.kind };
        queues.proxy_length.get_or_create(&label).set(work.queue.waiting);
        queues.proxy_running.get_or_create(&label).set(work.queue.running);
        queues.proxy_rejected.get_or_create(&label).set(work.queue.rejected);
        queues.proxy_tasks.get_or_create(&label).set(wide(work.tasks));
        detached += wide(work.detached);
    }
    queues.detached.set(detached);
    let read = proxy.read_ahead();
    for (family, all, used) in [
        (&queues.read_ahead_requests, read.requests, read.used_requests),
        (&queues.read_ahead_bytes, read.bytes, read.used_bytes),
    ] {
        for (answers, count) in [("all", all), ("used", used), ("unused", all - used)] {
            family.get_or_create(&ByUse { answers }).set(count);
        }
    }
    queues.read_ahead_clients.set(read.clients);
    queues.refusal_bytes.set(proxy.remembered_bytes());
}
