//! `modules/MODULE`: the versions of a module that are here, the highest first, in pages.

use serde::Serialize;

use super::reading::{proxy, reading};
use super::time;
use crate::proxy::held::HeldVersion;
use crate::server::app::App;
use crate::server::http::answer::Answer;
use crate::server::http::query::Query;
use crate::store::modules::FileFacts;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::sumdb::number::wide;

/// Versions on one page: by default, and at most.
const PAGE: usize = 200;
const MAX_PAGE: usize = 2000;

/// One page of the versions of a module.
#[derive(Debug, Serialize)]
pub(crate) struct VersionsView {
    pub(crate) module: String,
    /// whether it is what was fetched first, since no log has it
    pub(crate) private: bool,
    /// the database that proves it; none of a private one
    pub(crate) database: Option<String>,
    /// how many versions are here
    pub(crate) total: u64,
    /// the highest first
    pub(crate) versions: Vec<VersionView>,
    /// what to pass as `cursor` for the next page; none on the last one
    pub(crate) next: Option<String>,
}

/// A version of a module that is here.
#[derive(Debug, Serialize)]
pub(crate) struct VersionView {
    pub(crate) version: String,
    /// the number of its record in the log; none of a private one
    pub(crate) record: Option<u64>,
    /// when its zip was proven here for the first time, as in `/index`; where it never was, since when its go.mod is here
    pub(crate) first_proven: String,
    pub(crate) zip: Option<FileView>,
    pub(crate) go_mod: Option<FileView>,
    /// how often the zip was given
    pub(crate) hits: u64,
    /// when that was last
    pub(crate) last_used: Option<String>,
}

/// A stored file.
#[derive(Debug, Serialize)]
pub(crate) struct FileView {
    /// its h1, as in go.sum
    pub(crate) hash: String,
    pub(crate) bytes: u64,
    /// since when these bytes are here: they were proven then
    pub(crate) first_proven: String,
}

impl FileView {
    fn of(facts: &FileFacts) -> FileView {
        FileView { hash: facts.hash.to_string(), bytes: facts.len, first_proven: time::shown(facts.since) }
    }
}

impl VersionView {
    fn of(held: &HeldVersion) -> VersionView {
        let files = || held.zip.iter().chain(&held.go_mod);
        let since = || files().map(|file| file.since).min().map(time::shown);
        VersionView {
            version: held.version.to_string(),
            record: files().find_map(|file| file.proof.as_ref()).map(|proof| proof.record),
            first_proven: time::of_micros(held.admitted).or_else(since).unwrap_or_default(),
            zip: held.zip.as_ref().map(FileView::of),
            go_mod: held.go_mod.as_ref().map(FileView::of),
            hits: held.hits,
            last_used: time::of_micros(held.last),
        }
    }
}

/// Which versions are wanted.
#[derive(Debug, Clone)]
pub(crate) struct VersionPage {
    /// the version after which the page begins
    cursor: Option<Version>,
    count: usize,
}

impl VersionPage {
    /// As the query of a URL says: `cursor`, `limit`.
    pub(crate) fn of(query: &Query<'_>) -> VersionPage {
        let cursor = query.filled("cursor").and_then(|version| Version::parse(&version).ok());
        VersionPage { cursor, count: query.count("limit", PAGE, MAX_PAGE) }
    }
}

impl VersionsView {
    /// A page of the versions of a module.
    ///
    /// # Errors
    /// The answer to the client: this server serves no modules, a rule refuses this one, or the disk fails.
    pub(crate) async fn find(app: &App, module: ModulePath, page: VersionPage) -> Result<VersionsView, Answer> {
        let proxy = proxy(app)?;
        let database = app.databases.first().map(|served| served.relay.name().to_owned());
        reading(app, move || {
            let mut versions = proxy.held_versions(&module)?;
            let total = wide(versions.len());
            if let Some(after) = &page.cursor {
                versions.truncate(versions.partition_point(|version| version < after));
            }
            let rest = versions.len().saturating_sub(page.count);
            let wanted: Vec<Version> = versions.drain(rest..).rev().collect();
            let next = wanted.last().filter(|_| rest > 0).map(ToString::to_string);
            let held = proxy.held_facts(&module, &wanted)?;
            let private = proxy.is_private(&module);
            Ok(VersionsView {
                module: module.as_str().to_owned(),
                private,
                database: database.filter(|_| !private),
                total,
                versions: held.iter().map(VersionView::of).collect(),
                next,
            })
        })
        .await
    }
}

/// What is here of one module version; none where nothing is.
///
/// # Errors
/// As [`VersionsView::find`].
pub(crate) async fn one(app: &App, module: ModuleVersion) -> Result<Option<VersionView>, Answer> {
    let proxy = proxy(app)?;
    reading(app, move || {
        let held = proxy.held_facts(module.path(), std::slice::from_ref(module.version()))?;
        Ok(held.first().map(VersionView::of))
    })
    .await
}
