//! `status`: the databases and their heads, the full copies, and the module store.

use serde::Serialize;

use super::time;
use crate::proxy::Proxy;
use crate::server::app::App;
use crate::server::app::database::ServedDatabase;
use crate::server::app::status::DatabaseStatus;

/// The state of this server.
#[derive(Debug, Serialize)]
pub(crate) struct ServerView {
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: u64,
    /// whether it can answer
    pub(crate) ready: bool,
    /// why not
    pub(crate) problems: Vec<String>,
    /// what is degraded although it answers
    pub(crate) warnings: Vec<String>,
    pub(crate) databases: Vec<DatabaseView>,
    /// none where this server serves no modules
    pub(crate) modules: Option<StoreView>,
}

/// A checksum database.
#[derive(Debug, Serialize)]
pub(crate) struct DatabaseView {
    pub(crate) name: String,
    /// its verifier key, `NAME+HASH+KEY`
    pub(crate) key: String,
    /// the newest proven tree
    pub(crate) head: Option<HeadView>,
    /// the full copy, where one is held or kept
    pub(crate) mirror: Option<MirrorView>,
    /// how many times the log was caught with two histories
    pub(crate) forks: usize,
    /// whether what is proven can be stored
    pub(crate) writable: bool,
}

/// The newest proven tree.
#[derive(Debug, Serialize)]
pub(crate) struct HeadView {
    /// records
    pub(crate) size: u64,
    /// its root hash, in base64
    pub(crate) root: String,
    /// for how long it has been the newest, since this process started at most
    pub(crate) age_seconds: u64,
}

/// A full copy of the log.
#[derive(Debug, Serialize)]
pub(crate) struct MirrorView {
    /// records that are held
    pub(crate) size: u64,
    /// records that are still missing up to the head
    pub(crate) lag: u64,
    /// records that the index knows
    pub(crate) indexed: u64,
    /// on the disk
    pub(crate) bytes: u64,
    /// when the last sync of this process ended
    pub(crate) last_sync: Option<String>,
}

/// The module store, and what became of requests.
#[derive(Debug, Serialize)]
pub(crate) struct StoreView {
    /// on the disk, as last measured
    pub(crate) bytes: Option<u64>,
    /// what the settings allow
    pub(crate) limit: Option<u64>,
    pub(crate) disk_free: Option<u64>,
    pub(crate) disk_size: Option<u64>,
    /// requests for files that were here, since the start
    pub(crate) hits: u64,
    /// files that were fetched and proven
    pub(crate) fetched: u64,
    /// hits of all requests for files that were given; none before the first
    pub(crate) hit_ratio: Option<f64>,
    /// wrong bytes that upstreams sent
    pub(crate) mismatches: u64,
    /// requests that were answered with 403, by cause
    pub(crate) refusals: Vec<RefusalView>,
    pub(crate) scrub: ScrubView,
}

/// How many requests were refused for one cause.
#[derive(Debug, Serialize)]
pub(crate) struct RefusalView {
    pub(crate) cause: &'static str,
    pub(crate) count: u64,
}

/// How far the stored files have been hashed again.
#[derive(Debug, Serialize)]
pub(crate) struct ScrubView {
    pub(crate) done_bytes: u64,
    pub(crate) total_bytes: u64,
    /// when the last whole pass began
    pub(crate) last_pass: Option<String>,
    /// files that had changed on the disk
    pub(crate) rotten: u64,
}

impl ServerView {
    /// The state now; what the disk is asked for is at most a second old.
    pub(crate) async fn of(app: &App) -> ServerView {
        let statuses = app.status.get(&app.databases).await;
        let all = || app.databases.iter().zip(statuses.iter());
        let mut problems: Vec<String> =
            all().flat_map(|(served, status)| status.not_ready_reasons(served.relay.name())).collect();
        if app.is_stopping() {
            problems.push("stopping".to_owned());
        }
        ServerView {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: app.started.elapsed().as_secs(),
            ready: problems.is_empty(),
            problems,
            warnings: all().flat_map(|(served, status)| status.warnings(served.relay.name())).collect(),
            databases: all().map(|(served, status)| DatabaseView::of(served, status)).collect(),
            modules: app.proxy.as_ref().map(StoreView::of),
        }
    }
}

impl DatabaseView {
    fn of(served: &ServedDatabase, status: &DatabaseStatus) -> DatabaseView {
        let relay = &status.relay;
        let size = relay.head.map_or(0, |tree| tree.size);
        let mirror = |mirrored: u64| MirrorView {
            size: mirrored,
            lag: size.saturating_sub(mirrored),
            indexed: relay.indexed,
            bytes: status.disk_bytes,
            last_sync: time::of_seconds(served.progress.last_sync()),
        };
        let mirrored = relay.mirror.map(|tree| tree.size).or_else(|| served.sync.as_ref().map(|_| 0));
        DatabaseView {
            name: served.relay.name().to_owned(),
            key: served.relay.vkey().to_owned(),
            head: relay.head.map(|tree| HeadView {
                size: tree.size,
                root: tree.root.to_string(),
                age_seconds: served.progress.head_age().as_secs(),
            }),
            mirror: mirrored.map(mirror),
            forks: status.forks,
            writable: relay.writable.is_ok(),
        }
    }
}

impl StoreView {
    fn of(proxy: &Proxy) -> StoreView {
        let (status, counts) = (proxy.store_status(), proxy.counts());
        let count = |name| counts.iter().find(|(event, _)| *event == name).map_or(0, |(_, count)| *count);
        let (hits, fetched) = (count("file_hits"), count("files_admitted"));
        StoreView {
            bytes: status.stored,
            limit: status.limit,
            disk_free: status.space.map(|space| space.free),
            disk_size: status.space.map(|space| space.size),
            hits,
            fetched,
            hit_ratio: ratio(hits, hits.saturating_add(fetched)),
            mismatches: count("mismatches"),
            refusals: proxy.refusals().map(|(cause, count)| RefusalView { cause, count }).collect(),
            scrub: ScrubView {
                done_bytes: status.scrubbed.done,
                total_bytes: status.scrubbed.total,
                last_pass: time::of_seconds(status.scrubbed.passed),
                rotten: status.scrubbed.rotten,
            },
        }
    }
}

/// A part of a whole, to a thousandth; none of nothing.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    let thousandths = part.saturating_mul(1000).checked_div(whole)?;
    u32::try_from(thousandths).ok().map(|thousandths| f64::from(thousandths) / 1000.0)
}
