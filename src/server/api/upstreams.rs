//! `upstreams`: whom this server asks, and how they fared.

use serde::Serialize;

use crate::server::app::App;
use crate::server::app::history::{Column, Columns, Sample, Standing};
use crate::upstream::BreakerState;

/// All of them.
#[derive(Debug, Serialize)]
pub(crate) struct UpstreamsView {
    pub(crate) upstreams: Vec<UpstreamView>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct UpstreamView {
    /// its URL without credentials, or `direct`
    pub(crate) name: String,
    /// `modules`, or the name of the database that it is a source of
    pub(crate) serves: String,
    /// the circuit breaker: `closed`, `half_open`, or `open` while it is left alone
    pub(crate) breaker: &'static str,
    /// requests that ended, since the start
    pub(crate) requests: u64,
    /// of these, requests that failed after all tries; not known of sources of databases
    pub(crate) failures: Option<u64>,
    /// bytes that arrived; not known of sources of databases
    pub(crate) bytes: Option<u64>,
    /// how long requests took on average; none without any
    pub(crate) mean_seconds: Option<f64>,
    /// the time that one column of `history` stands for
    pub(crate) column_seconds: u64,
    /// the last hours, the oldest column first
    pub(crate) history: Vec<ColumnView>,
}

/// What came of the requests in a part of the time.
#[derive(Debug, Serialize)]
pub(crate) struct ColumnView {
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) mean_seconds: Option<f64>,
    /// whether it was left alone
    pub(crate) out: bool,
}

impl UpstreamsView {
    /// How they fare now.
    pub(crate) fn of(app: &App) -> UpstreamsView {
        let standings = Standing::all(&app.databases, app.proxy.as_ref());
        let now = Sample::of(&standings);
        let upstreams = standings.into_iter().map(|standing| {
            let columns = app.history.columns_of(&standing, &now);
            UpstreamView::of(standing, columns)
        });
        UpstreamsView { upstreams: upstreams.collect() }
    }
}

impl UpstreamView {
    fn of(standing: Standing, columns: Columns) -> UpstreamView {
        let Standing { name, database, breaker, latency, failures, bytes } = standing;
        UpstreamView {
            name,
            serves: database.unwrap_or_else(|| "modules".to_owned()),
            breaker: match breaker {
                BreakerState::Closed => "closed",
                BreakerState::HalfOpen => "half_open",
                BreakerState::Open => "open",
            },
            requests: latency.count(),
            failures,
            bytes,
            mean_seconds: latency.mean(),
            column_seconds: columns.width.as_secs(),
            history: columns.columns.into_iter().map(ColumnView::of).collect(),
        }
    }
}

impl ColumnView {
    fn of(column: Column) -> ColumnView {
        let Column { requests, failures, mean_seconds, is_out } = column;
        ColumnView { requests, failures, mean_seconds, out: is_out }
    }
}
