//! `/api/v1/`, and the pages that show the same: what is asked for, and its answer in JSON or HTML.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue, VARY};
use maud::Markup;
use serde::Serialize;

use super::explain;
use super::home::Setup;
use super::modules::JSON;
use crate::server::api::OPEN_API;
use crate::server::api::files::{self, FilePage, FilesView};
use crate::server::api::incidents::{IncidentPage, IncidentsView};
use crate::server::api::integrity::IntegrityView;
use crate::server::api::modules::{ModuleSearch, ModulesView};
use crate::server::api::proofs::ProofView;
use crate::server::api::status::ServerView;
use crate::server::api::upstreams::UpstreamsView;
use crate::server::api::versions::{self, VersionPage, VersionsView};
use crate::server::app::App;
use crate::server::app::request::{OPEN_HEADERS, RequestContext};
use crate::server::http::answer::{Answer, CachePolicy, CacheScope, PLAIN_TEXT, PROVEN, Payload};
use crate::server::http::gzip;
use crate::server::http::refusal::refusal;
use crate::server::http::route::RouteName;
use crate::server::http::view_route::{ApiRequest, PageRequest};
use crate::server::pages::home::{HomePage, home as home_page};
use crate::server::pages::{
    HTML, HTML_HEADERS, Site, incidents, integrity, module, modules, refused as refused_page, version,
};
use crate::sumdb::module::{ModulePath, ModuleVersion};

/// Incidents on the first page.
const HOME_INCIDENTS: usize = 5;

/// What a browser must not do with an answer of the API: run it, whatever a stranger wrote into it.
const CLOSED: [(&str, &str); 2] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("referrer-policy", "no-referrer"),
];
/// Of an answer that names private modules, or that tells what this server does.
const API_HEADERS: &[(&str, &str)] = &CLOSED;
/// Of an answer about what is public: pages of other sites may read it too.
const OPEN_API_HEADERS: &[(&str, &str)] = &[CLOSED[0], CLOSED[1], OPEN_HEADERS[0], OPEN_HEADERS[1]];

/// Whether a client wants the page of `/` as HTML: browsers name it, others do not.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}

/// The answer to a request below `/api/v1/`.
pub(crate) async fn api(app: &App, request: ApiRequest<'_>, context: &RequestContext<'_>) -> Answer {
    let answer = resource(app, request, context).await.unwrap_or_else(|refused| refused);
    let headers = if is_open(request, context) { OPEN_API_HEADERS } else { API_HEADERS };
    Answer { fixed_headers: headers, cache_scope: context.cache_scope, ..answer }
}

/// Whether pages of other sites may read an answer: it is about a public module, and every client may have it.
fn is_open(request: ApiRequest<'_>, context: &RequestContext<'_>) -> bool {
    context.is_for_all()
        && match request {
            ApiRequest::OpenApi
            | ApiRequest::Versions(_)
            | ApiRequest::Files(_)
            | ApiRequest::File(_)
            | ApiRequest::GoMod(_)
            | ApiRequest::Proof(_) => true,
            ApiRequest::Status
            | ApiRequest::Upstreams
            | ApiRequest::Incidents
            | ApiRequest::Integrity
            | ApiRequest::Modules
            | ApiRequest::Explain(_) => false,
        }
}

async fn resource(app: &App, request: ApiRequest<'_>, context: &RequestContext<'_>) -> Result<Answer, Answer> {
    let query = &context.query;
    let json = |answer| json(context, answer);
    Ok(match request {
        ApiRequest::OpenApi => revalidated(context, JSON, Bytes::from_static(OPEN_API.as_bytes())),
        ApiRequest::Status => json(to_json(&ServerView::of(app).await)?),
        ApiRequest::Upstreams => json(to_json(&UpstreamsView::of(app))?),
        ApiRequest::Incidents => {
            json(to_json(&IncidentsView::find(app, context.reader(), IncidentPage::of(query)).await?)?)
        }
        ApiRequest::Integrity => json(to_json(&IntegrityView::of(app, context.reader()).await?)?),
        ApiRequest::Modules => {
            json(to_json(&ModulesView::find(app, context.reader(), ModuleSearch::of(query)).await?)?)
        }
        ApiRequest::Versions(module) => {
            json(to_json(&VersionsView::find(app, path_of(module)?, VersionPage::of(query)).await?)?)
        }
        ApiRequest::Files(module) => {
            json(to_json(&FilesView::find(app, version_of(module)?, FilePage::of(query)).await?)?)
        }
        ApiRequest::File(module) => proven(files::file(app, version_of(module)?, file_of(context)?).await?),
        ApiRequest::GoMod(module) => proven(files::go_mod(app, version_of(module)?).await?),
        ApiRequest::Proof(module) => {
            let proof = ProofView::find(app, context, &version_of(module)?).await?;
            match query.get("format").as_deref() {
                None | Some("json") => json(to_json(&proof)?),
                Some("tlog-proof") => revalidated(context, PLAIN_TEXT, proof.tlog_proof.into()),
                Some(_) => return Err(*bad_request("the formats are json and tlog-proof")),
            }
        }
        ApiRequest::Explain(module) => json(to_json(&explain::explained(app, module).await?)?),
    })
}

/// A page for people, besides the first one.
pub(crate) async fn page(app: &App, request: PageRequest<'_>, context: &RequestContext<'_>) -> Answer {
    let page = markup(app, request, context).await.unwrap_or_else(|refused| refused);
    Answer { cache_scope: context.cache_scope, ..page }
}

async fn markup(app: &App, request: PageRequest<'_>, context: &RequestContext<'_>) -> Result<Answer, Answer> {
    let (site, query) = (Site { prefix: context.prefix }, &context.query);
    Ok(match request {
        PageRequest::Modules => {
            let found = ModulesView::find(app, context.reader(), ModuleSearch::of(query)).await?;
            let asked = query.filled("contains").or_else(|| query.filled("prefix")).unwrap_or_default();
            html(context, modules::page(site, &asked, &found))
        }
        PageRequest::Incidents => {
            let found = IncidentsView::find(app, context.reader(), IncidentPage::of(query)).await?;
            html(context, incidents::page(site, &found))
        }
        PageRequest::Integrity => {
            let found = IntegrityView::of(app, context.reader()).await?;
            html(context, integrity::page(site, &found))
        }
        PageRequest::Module(module) => {
            let found = VersionsView::find(app, path_of(module)?, VersionPage::of(query)).await?;
            html(context, module::page(site, &found))
        }
        PageRequest::Version(module) => {
            let module = version_of(module)?;
            if let Some(path) = query.filled("file") {
                let content = files::file(app, module.clone(), path.clone()).await?;
                return Ok(html(context, version::file(site, &module, &path, &content)));
            }
            let held = versions::one(app, module.clone()).await?;
            let go_mod = files::go_mod(app, module.clone()).await.ok();
            let listed = FilesView::find(app, module.clone(), FilePage::of(query)).await;
            let shown = version::Shown {
                module: &module,
                held: held.as_ref(),
                go_mod: go_mod.as_deref(),
                files: listed.as_ref().ok(),
                is_private: context.cache_scope == CacheScope::Private,
            };
            html(context, version::page(site, &shown))
        }
    })
}

/// `/` for people.
pub(crate) async fn home(app: &App, context: &RequestContext<'_>, scheme: &str, host: Option<String>) -> Answer {
    let setup = Setup::of(app, context, scheme, host);
    let incidents = match &app.proxy {
        Some(_) => IncidentsView::find(app, context.reader(), IncidentPage::newest(HOME_INCIDENTS)).await.ok(),
        None => None,
    };
    let page = HomePage {
        server: &ServerView::of(app).await,
        upstreams: &UpstreamsView::of(app),
        incidents: incidents.as_ref(),
        settings: &setup.lines,
    };
    let varies = Some((VARY, HeaderValue::from_static("accept, accept-encoding, host")));
    Answer { extra_header: varies, ..html(context, home_page(Site { prefix: context.prefix }, &page)) }
}

/// A refusal as a page, where a person in a browser is refused one, or asks for what is not here.
pub(crate) fn refused(refusal: &Answer, route: RouteName, prefix: &str, headers: &HeaderMap) -> Option<Answer> {
    if !matches!(route, RouteName::Home | RouteName::Page | RouteName::Other) || !wants_html(headers) {
        return None;
    }
    let Payload::Bytes(text) = &refusal.payload else { return None };
    let page = refused_page::page(Site { prefix }, refusal.status, str::from_utf8(text).ok()?);
    let Answer { status, ref extra_header, cache_scope, verdict, .. } = *refusal;
    let page = written(page, gzip::accepts_gzip(headers));
    Some(Answer { status, extra_header: extra_header.clone(), cache_scope, verdict, ..page })
}

fn html(context: &RequestContext<'_>, page: Markup) -> Answer {
    written(page, context.accepts_gzip)
}

fn written(page: Markup, accepts_gzip: bool) -> Answer {
    let answer = Answer::new(HTML, CachePolicy::NoStore, Bytes::from(page.into_string())).compressed(accepts_gzip);
    Answer { fixed_headers: HTML_HEADERS, ..answer }
}

/// What may change, and is not stored anywhere without being asked for again.
fn json(context: &RequestContext<'_>, text: Vec<u8>) -> Answer {
    revalidated(context, JSON, text.into())
}

fn revalidated(context: &RequestContext<'_>, content_type: &'static str, bytes: Bytes) -> Answer {
    Answer::new(content_type, CachePolicy::Revalidate, bytes).with_hash_etag().compressed(context.accepts_gzip)
}

/// A file as it was proven: as text, whatever it is.
fn proven(content: Bytes) -> Answer {
    Answer::new(PLAIN_TEXT, CachePolicy::Immutable, content).with_hash_etag().judged(PROVEN)
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Box<Answer>> {
    let text = serde_json::to_vec(value);
    text.map_err(|error| {
        let why = format!("the answer cannot be written: {error}");
        Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, &why))
    })
}

fn path_of(module: &str) -> Result<ModulePath, Box<Answer>> {
    ModulePath::parse(module).map_err(|error| bad_request(&error.to_string()))
}

fn version_of(module: &str) -> Result<ModuleVersion, Box<Answer>> {
    ModuleVersion::parse_at(module).map_err(|error| bad_request(&error.to_string()))
}

fn file_of(context: &RequestContext<'_>) -> Result<String, Box<Answer>> {
    context.query.filled("path").ok_or_else(|| bad_request("which file? ask for .../file?path=PATH"))
}

fn bad_request(why: &str) -> Box<Answer> {
    Box::new(refusal(StatusCode::BAD_REQUEST, why))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The path of a request in the document. A request that is new has to be named here, and in `EXAMPLES`.
    fn documented(request: ApiRequest<'_>) -> &'static str {
        match request {
            ApiRequest::OpenApi => "/openapi.json",
            ApiRequest::Status => "/status",
            ApiRequest::Upstreams => "/upstreams",
            ApiRequest::Incidents => "/incidents",
            ApiRequest::Integrity => "/integrity",
            ApiRequest::Modules => "/modules",
            ApiRequest::Versions(_) => "/modules/{module}",
            ApiRequest::Files(_) => "/modules/{module_version}/files",
            ApiRequest::File(_) => "/modules/{module_version}/file",
            ApiRequest::GoMod(_) => "/modules/{module_version}/go.mod",
            ApiRequest::Proof(_) => "/proofs/{module_version}",
            ApiRequest::Explain(_) => "/explain/{module_version}",
        }
    }

    const EXAMPLES: [ApiRequest<'_>; 12] = [
        ApiRequest::OpenApi,
        ApiRequest::Status,
        ApiRequest::Upstreams,
        ApiRequest::Incidents,
        ApiRequest::Integrity,
        ApiRequest::Modules,
        ApiRequest::Versions("a.b/c"),
        ApiRequest::Files("a.b/c@v1.0.0"),
        ApiRequest::File("a.b/c@v1.0.0"),
        ApiRequest::GoMod("a.b/c@v1.0.0"),
        ApiRequest::Proof("a.b/c@v1.0.0"),
        ApiRequest::Explain("a.b/c@v1.0.0"),
    ];

    #[test]
    fn every_route_is_in_the_document_and_nothing_else_is() {
        let document: serde_json::Value = serde_json::from_str(OPEN_API).unwrap();
        let paths = document.get("paths").and_then(serde_json::Value::as_object).unwrap();
        assert_eq!(paths.len(), EXAMPLES.len());
        for request in EXAMPLES {
            let path = documented(request);
            assert!(paths.contains_key(path), "{path}");
            let filled = path.replace("{module}", "a.b/c").replace("{module_version}", "a.b/c@v1.0.0");
            assert_eq!(ApiRequest::parse(filled.trim_start_matches('/')), Some(request), "{path}");
        }
    }
}
