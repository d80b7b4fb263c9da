//! `/version`, `/index` and `/catalog`: what this server is and what it has proven, in the forms of Athens and index.golang.org.
//!
//! Only what the client may read is listed. Where no rule says who may read a private module, none is: its name is all that keeps it
//! from strangers.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;

use super::modules::JSON;
use crate::proxy::{ListedPage, ListedVersion, Sight};
use crate::server::app::{App, request::RequestContext};
use crate::server::conn::pool::Resource;
use crate::server::http::answer::{Answer, CachePolicy, PLAIN_TEXT};
use crate::server::http::query::Query;
use crate::server::http::refusal::{from_fault, no_modules, refusal, unavailable};

/// Versions on a page of the index: no more, and so many where the client names no number.
const MAX_INDEX: usize = 2000;
/// The same for the catalog.
const MAX_CATALOG: usize = 10_000;
const CATALOG_PAGE: usize = 1000;

/// What is said while the times of stored modules are not known.
const NOT_YET: &str = "when the stored modules were proven is being looked up; try again in a few seconds";

/// `/version`.
pub(crate) fn version() -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version {
        name: &'static str,
        version: &'static str,
    }
    let version = Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
    json(&version)
}

/// `/index?since=TIME&limit=N`: a line of JSON for each version that was proven at that time or later, in order of time.
pub(crate) async fn index(app: &App, context: &RequestContext<'_>) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Line<'a> {
        path: &'a str,
        version: &'a str,
        timestamp: String,
    }
    let (Some(proxy), query) = (&app.proxy, &context.query) else { return no_modules() };
    let (since, limit) = match (since(query), count(query, "limit", MAX_INDEX, MAX_INDEX)) {
        (Ok(since), Ok(limit)) => (since, limit),
        (Err(why), _) | (_, Err(why)) => return refusal(StatusCode::BAD_REQUEST, &why),
    };
    let Some(_turn) = context.quota.try_acquire(Resource::Exports, 1) else { return busy() };
    let page = match proxy.admitted_since(since, limit, sight(context)).await {
        Ok(Some(page)) => page,
        Ok(None) => return unavailable(NOT_YET),
        Err(fault) => return from_fault(&fault),
    };
    let mut text = String::new();
    for ListedVersion { at, module, version } in &page.versions {
        let line = Line { path: module, version, timestamp: moment(*at) };
        let _ = writeln!(text, "{}", serde_json::to_string(&line).unwrap_or_default());
    }
    Answer::new(PLAIN_TEXT, CachePolicy::NoStore, Bytes::from(text))
}

/// `/catalog?token=TOKEN&pagesize=N`: the versions whose zips are here, by name.
pub(crate) async fn catalog(app: &App, context: &RequestContext<'_>) -> Answer {
    #[derive(Serialize)]
    struct Named<'a> {
        module: &'a str,
        version: &'a str,
    }
    #[derive(Serialize)]
    struct Catalog<'a> {
        modules: Vec<Named<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    let (Some(proxy), query) = (&app.proxy, &context.query) else { return no_modules() };
    let (after, limit) = match (token(query), count(query, "pagesize", CATALOG_PAGE, MAX_CATALOG)) {
        (Ok(after), Ok(limit)) => (after, limit),
        (Err(why), _) | (_, Err(why)) => return refusal(StatusCode::BAD_REQUEST, &why),
    };
    let Some(_turn) = context.quota.try_acquire(Resource::Exports, 1) else { return busy() };
    let ListedPage { versions, next } = match proxy.held_after(after, limit, sight(context)).await {
        Ok(Some(page)) => page,
        Ok(None) => return unavailable(NOT_YET),
        Err(fault) => return from_fault(&fault),
    };
    let next = next.map(|(module, version)| format!("{module}@{version}"));
    let modules = versions.iter().map(|ListedVersion { module, version, .. }| Named { module, version }).collect();
    json(&Catalog { modules, next })
}

/// What this client may see.
fn sight(context: &RequestContext<'_>) -> Sight {
    if !context.client.is_some_and(|client| client.access.asks_for_credentials()) {
        return Arc::new(|_, is_private| !is_private);
    }
    let reader = context.reader();
    Arc::new(move |module, _| reader.may_read(module))
}

fn busy() -> Answer {
    unavailable("this client already has as many lists made for it as it may at once")
}

fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).unwrap_or_default() + "\n";
    Answer::new(JSON, CachePolicy::NoStore, Bytes::from(text))
}

fn count(query: &Query<'_>, name: &str, default: usize, max: usize) -> Result<usize, String> {
    let Some(text) = query.filled(name) else { return Ok(default) };
    let count = text.parse().ok().filter(|count: &usize| *count > 0);
    count.map(|count| count.min(max)).ok_or_else(|| format!("{name} is to be a number from 1 to {max}"))
}

/// Microseconds since 1970.
fn since(query: &Query<'_>) -> Result<u64, String> {
    let Some(text) = query.filled("since") else { return Ok(0) };
    let since: jiff::Timestamp = text
        .parse()
        .map_err(|_| "since is to be a time as in RFC 3339, such as 2026-01-02T15:04:05.000001Z".to_owned())?;
    Ok(u64::try_from(since.as_microsecond()).unwrap_or(0))
}

/// The path and the version that the last page ended with.
fn token(query: &Query<'_>) -> Result<(String, String), String> {
    let Some(text) = query.filled("token") else { return Ok(Default::default()) };
    let parts = text.rsplit_once('@').map(|(module, version)| (module.to_owned(), version.to_owned()));
    parts.ok_or_else(|| "token is to be what the field next of the last page has".to_owned())
}

/// In UTC, to the microsecond.
fn moment(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    at.map_or_else(String::new, |at| format!("{at:.6}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_go_writes_them() {
        let since = |query| since(&Query::of(query));
        let count = |query, name, default, max| count(&Query::of(query), name, default, max);
        let token = |query| token(&Query::of(query));
        assert_eq!(since(None), Ok(0));
        assert_eq!(since(Some("since=")), Ok(0));
        assert_eq!(since(Some("since=1970-01-01T00:00:01Z")), Ok(1_000_000));
        assert_eq!(since(Some("limit=3&since=1970-01-01T02%3A00%3A01.000002%2B02%3A00")), Ok(1_000_002));
        assert_eq!(since(Some("since=1960-01-01T00:00:00Z")), Ok(0));
        for wrong in ["since=yesterday", "since=2026-13-01T00:00:00Z", "since=5"] {
            assert!(since(Some(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(count(Some("limit=3"), "limit", 5, 9), Ok(3));
        assert_eq!(count(Some("limit=30"), "limit", 5, 9), Ok(9));
        assert_eq!(count(Some("other=30"), "limit", 5, 9), Ok(5));
        for wrong in ["limit=0", "limit=-1", "limit=x", "limit=1.5"] {
            assert!(count(Some(wrong), "limit", 5, 9).is_err(), "{wrong}");
        }
        assert_eq!(token(Some("token=a.example/b%40v1.0.0%2Bincompatible")).unwrap().1, "v1.0.0+incompatible");
        assert!(token(Some("token=a.example")).is_err());
        assert_eq!(moment(1_000_002), "1970-01-01T00:00:01.000002Z");
    }
}
