//! One document at one URL, which is about no module and no database, such as the keys of an issuer.

use super::base::{Base, BaseLocation, Site};
use super::http::agent::Http;
use super::http::get_request::GetRequest;
use super::http::lanes::Lane;
use super::http::reply::Reply;
use crate::fault::Fault;
use crate::sumdb::redact::redact;

/// The bytes at `url`, at most `limit` of them, asked for once.
///
/// # Errors
/// `Usage`: not an http or https URL. `Unavailable`: it is not there, is too long, or its server did not answer in time.
pub async fn document(http: &Http, url: &str, limit: usize) -> Result<Vec<u8>, Fault> {
    let found = ask(http, url, limit).await?;
    found.map_err(|words| Fault::upstream(redact(url), format!("is not there: {words}")))
}

/// Whether there is a document at `url` (200), or its server says that there is none (404, 410); of at most `limit` bytes.
///
/// # Errors
/// As [`document`], where neither is the case.
pub async fn is_there(http: &Http, url: &str, limit: usize) -> Result<bool, Fault> {
    Ok(ask(http, url, limit).await?.is_ok())
}

/// Sends `body` to `url`, once, with no login of any kind; gives the status of the answer, and its at most `limit` bytes.
///
/// # Errors
/// `Usage`: not an http or https URL. `Unavailable`: its server did not answer in time, or with more.
pub async fn told(http: &Http, url: &str, body: Vec<u8>, limit: usize) -> Result<(u16, Vec<u8>), Fault> {
    let (site, path) = place(url)?;
    let answered = http.post(&site, &path, body, limit).await;
    answered.map(|(status, body)| (status.as_u16(), body)).map_err(|failed| Fault::upstream(redact(url), failed.why))
}

/// The server and the path that a URL names.
fn place(url: &str) -> Result<(Site, String), Fault> {
    let host_ends = url.find("://").map_or(0, |at| at + 3);
    let path_at = url.get(host_ends..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host_ends + at);
    let (host, path) = url.split_at(path_at);
    let BaseLocation::Site(site) = Base::parse(host)?.location else {
        return Err(Fault::Usage(format!("{}: should begin with https:// or http://", redact(url))));
    };
    Ok((site, path.trim_start_matches('/').to_owned()))
}

/// The bytes, or the words with which the server says that it has none.
async fn ask(http: &Http, url: &str, limit: usize) -> Result<Result<Vec<u8>, String>, Fault> {
    let (site, path) = place(url)?;
    let request = GetRequest { path: &path, limit, range: None };
    match http.get(&site, &request, Lane::default(), |_, _| ()).await {
        Ok((Reply::Body(bytes), ())) => Ok(Ok(bytes)),
        Ok((Reply::Missing(words), ())) => Ok(Err(words)),
        Err(failed) => Err(Fault::upstream(redact(url), failed.why)),
    }
}
