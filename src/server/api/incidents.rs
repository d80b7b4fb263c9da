//! `incidents`: wrong bytes that came of module versions, each with what was expected, what came, and from whom; the newest first.

use serde::Serialize;

use super::reading::{proxy, reading};
use super::time;
use crate::access::Reader;
use crate::server::app::App;
use crate::server::http::answer::Answer;
use crate::server::http::query::Query;
use crate::store::journal::Incident;
use crate::sumdb::module::ModulePath;

/// Incidents on one page: by default, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;
/// Incidents that are read at once.
const BATCH: usize = 1000;

/// One page of incidents.
#[derive(Debug, Serialize)]
pub(crate) struct IncidentsView {
    /// the newest first
    pub(crate) incidents: Vec<IncidentView>,
    /// what to pass as `cursor` for the next page; none on the last one
    pub(crate) next: Option<String>,
}

/// Wrong bytes that came of a module version.
#[derive(Debug, Serialize)]
pub(crate) struct IncidentView {
    /// numbers only grow
    pub(crate) number: i64,
    pub(crate) time: String,
    pub(crate) module: String,
    pub(crate) version: String,
    /// `zip` or `mod`
    pub(crate) file: String,
    /// the hash that was proven or pinned
    pub(crate) expected: String,
    /// the hash of what came, or what came instead
    pub(crate) got: String,
    /// who sent it
    pub(crate) upstream: String,
    /// the number of the log's record that says what was expected
    pub(crate) record: Option<u64>,
    /// the size of the tree in which that record was proven
    pub(crate) tree: Option<u64>,
    pub(crate) why: String,
    /// the name of the report in the data folder's `refused`, beside the bytes
    pub(crate) report: Option<String>,
}

/// Which incidents are wanted.
#[derive(Debug, Clone)]
pub(crate) struct IncidentPage {
    /// the number before which the page begins
    cursor: Option<i64>,
    count: usize,
}

impl IncidentPage {
    /// As the query of a URL says: `cursor`, `limit`.
    pub(crate) fn of(query: &Query<'_>) -> IncidentPage {
        let cursor = query.filled("cursor").and_then(|number| number.parse().ok());
        IncidentPage { cursor, count: query.count("limit", PAGE, MAX_PAGE) }
    }

    /// The newest.
    pub(crate) fn newest(count: usize) -> IncidentPage {
        IncidentPage { cursor: None, count }
    }
}

impl IncidentView {
    fn of(number: i64, incident: Incident) -> IncidentView {
        let report = incident.report.as_deref().and_then(|path| path.file_name());
        IncidentView {
            number,
            time: time::shown(incident.at),
            module: incident.module,
            version: incident.version,
            file: incident.file,
            expected: incident.expected,
            got: incident.got,
            upstream: incident.upstream,
            record: incident.record,
            tree: incident.tree,
            why: incident.why,
            report: report.map(|name| name.to_string_lossy().into_owned()),
        }
    }
}

impl IncidentsView {
    /// The incidents of modules that the client may read.
    ///
    /// # Errors
    /// The answer to the client: this server serves no modules, or the disk fails.
    pub(crate) async fn find(app: &App, reader: Reader, page: IncidentPage) -> Result<IncidentsView, Answer> {
        let proxy = proxy(app)?;
        reading(app, move || {
            let (mut incidents, mut cursor) = (Vec::new(), page.cursor);
            loop {
                let batch = proxy.incidents(cursor, BATCH)?;
                let is_last = batch.len() < BATCH;
                for (number, incident) in batch {
                    cursor = Some(number);
                    // What was written down of no module cannot be judged.
                    let is_shown = ModulePath::parse(&incident.module).is_ok() && reader.may_read(&incident.module);
                    if !is_shown {
                        continue;
                    }
                    if incidents.len() == page.count {
                        let next = incidents.last().map(|last: &IncidentView| last.number.to_string());
                        return Ok(IncidentsView { incidents, next });
                    }
                    incidents.push(IncidentView::of(number, incident));
                }
                if is_last {
                    return Ok(IncidentsView { incidents, next: None });
                }
            }
        })
        .await
    }
}
