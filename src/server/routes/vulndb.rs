//! `/vulndb/`: the files of a Go vulnerability database, for `govulncheck -db`.

use super::modules::JSON;
use crate::fault::Fault;
use crate::proxy::blocking::blocking;
use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, CachePolicy};
use crate::server::http::refusal::{from_fault, not_found, unavailable};
use crate::server::limits::POOL_TIMEOUT;
use crate::server::vulndb::VulnFile;

const GZIP: &str = "application/gzip";
const VULNDB_HEADERS: &[(&str, &str)] = &[("access-control-allow-origin", "*")];

/// The file at `path` below `/vulndb/`.
pub(crate) async fn file(app: &App, path: &str, context: &RequestContext<'_>) -> Answer {
    let Some(database) = app.vulndb.clone() else {
        return not_found("not found: no vulnerability database is served here; the setting vulndb.path names one");
    };
    let Ok(Ok(_permit)) = tokio::time::timeout(POOL_TIMEOUT, app.readings.acquire()).await else {
        return unavailable("too many others are looking at stored files now");
    };
    let (name, accepts_gzip) = (path.to_owned(), context.accepts_gzip);
    // Hashed and compressed there too: a file may have megabytes.
    match blocking(move || Ok::<_, Fault>(database.read(&name)?.map(|found| answer(found, accepts_gzip)))).await {
        Ok(Some(answer)) => answer,
        Ok(None) => not_found("not found: the vulnerability database has no such file"),
        Err(fault) => from_fault(&fault),
    }
}

fn answer(found: VulnFile, accepts_gzip: bool) -> Answer {
    let content_type = if found.is_gzip { GZIP } else { JSON };
    let answer = Answer::new(content_type, CachePolicy::Revalidate, found.bytes).with_hash_etag();
    let answer = if found.is_gzip { answer } else { answer.compressed(accepts_gzip) };
    Answer { last_modified: found.modified, fixed_headers: VULNDB_HEADERS, ..answer }
}
