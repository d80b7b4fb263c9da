//! `/metrics`. Counters change as requests end; the gauges are set here, when the page is requested.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use hyper::header::HeaderMap;
use prometheus_client::metrics::counter::Counter;

use super::health;
use crate::proxy::Proxy;
use crate::relay::Shown;
use crate::server::app::App;
use crate::server::app::database::ServedDatabase;
use crate::server::conn::frames::Protocol;
use crate::server::conn::pool::Resource;
use crate::server::http::answer::{Answer, CachePolicy};
use crate::server::metrics::exposition::{OPEN_METRICS, PROMETHEUS, accepts_open_metrics, as_prometheus};
use crate::server::metrics::queues::{BySource, ByUse, ByWork, Queues};
use crate::server::metrics::runs::LastRun;
use crate::server::metrics::upstreams::UpstreamMetrics;
use crate::server::metrics::{ByDatabase, ByEvent, ByKind, ByProtocol, ByWrite, Gauges, PerDatabase};
use crate::sumdb::number::wide;
use crate::upstream::{BreakerState, Load};
use crate::verify::{OpenRun, last_complete, open_counts};

/// The page, in the format that the client asks for.
pub(crate) async fn page(app: &App, headers: &HeaderMap) -> Answer {
    set_gauges(&app.metrics.gauges, app).await;
    let text = app.metrics.text();
    if accepts_open_metrics(headers) {
        return Answer::new(OPEN_METRICS, CachePolicy::NoStore, Bytes::from(text));
    }
    Answer::new(PROMETHEUS, CachePolicy::NoStore, Bytes::from(as_prometheus(&text)))
}

/// Sets the gauges.
async fn set_gauges(gauges: &Gauges, app: &App) {
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
        set_routes(gauges, served, &label, head);
        // Where no full copy is kept there is nothing to lag behind.
        if status.mirror.is_some() || served.sync.is_some() {
            set(&gauges.mirror_size, mirror);
            set(&gauges.sync_lag, head.saturating_sub(mirror));
            set(&gauges.index_lag, mirror.saturating_sub(status.indexed));
            gauges.logs.set(&label, &served.relay.log_scrubbed());
        }
        set(&gauges.disk_bytes, database.disk_bytes);
        set(&gauges.forks, wide(database.forks));
        set(&gauges.writable, u64::from(status.writable.is_ok()));
        set(&gauges.head_unstored, u64::from(status.unstored.is_some()));
        if served.sync.is_some() {
            set(&gauges.last_sync, served.progress.last_sync());
        }
        let (requests, errors) = served.upstream_counts();
        for (family, counts) in [(&gauges.upstream, requests), (&gauges.upstream_errors, errors)] {
            for (kind, count) in counts {
                store(&family.get_or_create(&ByKind { database: label.database.clone(), kind }), count);
            }
        }
    }
    for (event, count) in app.proxy.iter().flat_map(|proxy| proxy.counts()) {
        store(&gauges.modules.get_or_create(&ByEvent { event }), count);
    }
    set_queues(&gauges.queues, app);
    if let Some(tls) = &app.tls {
        gauges.certificates.set(tls);
    }
    if let Some(proxy) = &app.proxy {
        gauges.store.set(&proxy.store_status());
    }
    set_upstreams(&gauges.upstreams, app);
    set_runs(gauges, app).await;
    // All databases share one data folder.
    for failure in app.databases.first().into_iter().flat_map(|served| served.relay.store_failures()) {
        store(&gauges.store_errors.get_or_create(&ByWrite { kind: failure.write.name() }), failure.count);
    }
    gauges.hot_bytes.set(app.response_cache.bytes());
    set_connections(gauges, app);
    gauges.ready.set(i64::from(health::not_ready(app).await.is_empty()));
}

/// What the other places show that a database is compared with, whose head here has so many records.
fn set_routes(gauges: &Gauges, served: &ServedDatabase, label: &ByDatabase, head: u64) {
    let Some((routes, _)) = &served.routes else { return };
    let shown = served.relay.routes();
    let of = |(_, shown): &(String, Shown)| match shown {
        Shown::OneHistory(tree) | Shown::Unproven(tree) => Some(tree.size),
        Shown::Nothing(_) | Shown::Forked => None,
    };
    let agreeing = shown.iter().filter(|(_, shown)| matches!(shown, Shown::OneHistory(_))).count();
    let ahead = shown.iter().filter_map(of).max().unwrap_or(0).saturating_sub(head);
    for (family, value) in [
        (&gauges.head_routes, wide(routes.len())),
        (&gauges.head_routes_agreeing, wide(agreeing)),
        (&gauges.head_routes_ahead, ahead),
    ] {
        family.get_or_create(label).set(signed(value));
    }
}

/// What came of the last verification of each database.
async fn set_runs(gauges: &Gauges, app: &App) {
    let Ok(record) = app.runs.read().await else { return };
    let runs = record.open();
    let counts = open_counts(&runs);
    let mut seen = BTreeSet::new();
    for OpenRun { run: last, .. } in &runs {
        let database = last.text("database");
        if !seen.insert(database) {
            continue;
        }
        let of =
            |code: u64| runs.iter().any(|open| open.run.text("database") == database && open.run.exit_code() == code);
        // What is open of earlier runs outweighs a last one that did not look there.
        let exit_code = [3, 1, 2].into_iter().find(|code| of(*code)).unwrap_or(0);
        let by_kind = counts.iter().filter(|((of, _), _)| *of == database).map(|((_, kind), count)| (*kind, *count));
        let complete = last.scope().and_then(|scope| last_complete(&record.runs, &scope));
        let complete = complete.map(|run| (run.seconds("ended"), run.exit_code()));
        let ended = last.seconds("ended");
        gauges.runs.set(&LastRun { database, exit_code, ended, complete, by_kind: by_kind.collect() });
    }
}

/// As gauges hold it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A counter that is counted elsewhere.
fn store(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}

fn set_upstreams(metrics: &UpstreamMetrics, app: &App) {
    let sources = app.databases.iter().flat_map(|served| served.relay.standings());
    let databases = sources.map(|source| (source.name, source.latency)).collect();
    let modules = app.proxy.as_ref().map(Proxy::upstreams).unwrap_or_default();
    metrics.set(modules, databases);
    if let Some(proxy) = &app.proxy {
        metrics.set_modules(proxy.refusals(), proxy.top_modules());
    }
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
        store(&queues.upstream_rejected.get_or_create(&label), rejected);
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
        store(&queues.proxy_rejected.get_or_create(&label), work.queue.rejected);
        queues.proxy_tasks.get_or_create(&label).set(wide(work.tasks));
        detached += wide(work.detached);
    }
    queues.detached.set(detached);
    let read = proxy.read_ahead();
    for (family, all, used) in [
        (&queues.read_ahead_requests, read.requests, read.used_requests),
        (&queues.read_ahead_bytes, read.bytes, read.used_bytes),
    ] {
        for (answers, count) in [("all", all), ("used", used)] {
            store(&family.get_or_create(&ByUse { answers }), count);
        }
    }
    queues.read_ahead_clients.set(read.clients);
    queues.refusal_bytes.set(proxy.remembered_bytes());
}
