//! Whether a request may have an answer, where there is access control: what it asks for, as its parsed route says, and the answers
//! to those that may not. Every spelling of a path that the server understands is judged as what it means.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;

use super::app::App;
use super::app::request::Admitted;
use super::http::answer::Answer;
use super::http::path;
use super::http::refusal::{refusal, refusal_lines};
use super::http::response_cache::Found;
use super::http::route::{DatabaseNames, Route, RouteName, SumdbRequest, TlogRequest};
use super::http::view_route::{self, Subject};
use super::routes::modules::CACHED_ONLY;
use crate::access::{Access, Asker, Refused, Scope};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::tile::TilePath;

/// What go, and people, are asked for.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"gosumcheck\", charset=\"UTF-8\", Bearer realm=\"gosumcheck\"");

/// Admits a request of `asker` for the path `raw`, which is without the configured prefix, or gives the answer to it. The operator
/// chose who reaches an admin listener, and it answers health and metrics alone: nobody signs in there. What an answer that was
/// `found` for this path is about needs no parsing.
pub(super) async fn admit(
    app: &App,
    access: Arc<Access>,
    head: &Parts,
    raw: &str,
    asker: Asker<'_>,
    is_admin: bool,
    found: Option<&Found>,
) -> Result<Admitted, (RouteName, Answer)> {
    let known = found.and_then(|found| Some((found.route, Arc::clone(found.scope.as_ref()?))));
    let (route, scope) = known.unwrap_or_else(|| {
        let (route, scope) = scope_of(&app.names, path::split(raw, CACHED_ONLY).1);
        (route, Arc::new(scope))
    });
    let asked = if is_admin { &Scope::Open } else { &*scope };
    let headers = head.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    match access.admit(asker, headers, asked).await {
        Ok(admission) => Ok(Admitted { access, admission, scope }),
        Err(refused) => Err((route, answer(&refused))),
    }
}

/// What a raw path asks for. A path that no resource has is judged too: else its 404 would tell strangers what there is.
fn scope_of(names: &DatabaseNames, raw: &str) -> (RouteName, Scope) {
    let Ok(path) = path::decode(raw) else { return (RouteName::Other, Scope::AnyModule) };
    let Some(route) = names.parse(&path) else { return (RouteName::Other, Scope::AnyModule) };
    let scope = match &route {
        Route::Alive | Route::Ready => Scope::Open,
        Route::Home | Route::Version => Scope::Page,
        Route::Index | Route::Catalog => Scope::Listing,
        Route::Metrics => Scope::Metrics,
        Route::Module(request) => Scope::Module(request.module().as_str().to_owned()),
        Route::Api(request) => of_subject(request.subject()),
        Route::Page(request) => of_subject(request.subject()),
        Route::Badge(module) | Route::Explain(module) => of_subject(view_route::of_version(module)),
        // What the world knows of the vulnerabilities of public modules.
        Route::Vulndb(_) => Scope::AnyModule,
        // No module can have this path.
        Route::NoModule(_) => Scope::AnyModule,
        Route::Sumdb(_, SumdbRequest::Lookup(path)) => match ModuleVersion::parse_lookup_path(path) {
            Ok(module) => Scope::Module(module.path().as_str().to_owned()),
            Err(_) => Scope::AnyModule,
        },
        Route::Sumdb(_, SumdbRequest::Tile(path)) => of_tile(TilePath::parse(path).ok()),
        Route::Tlog(TlogRequest::Tile(path)) => of_tile(TilePath::parse_tlog(path).ok()),
        Route::Sumdb(_, SumdbRequest::Supported | SumdbRequest::Latest)
        | Route::Tlog(TlogRequest::Checkpoint)
        | Route::Gossip(_) => Scope::AnyModule,
        // A mirror takes all of it.
        Route::Export(..) => Scope::AllModules,
    };
    (route.name(), scope)
}

/// Of several modules each client is shown those that it may read.
fn of_subject(subject: Subject) -> Scope {
    match subject {
        Subject::Server => Scope::Page,
        Subject::Several | Subject::Nothing => Scope::AnyModule,
        Subject::Module(module) => Scope::Module(module.as_str().to_owned()),
    }
}

/// Records name modules, hashes do not.
fn of_tile(tile: Option<TilePath>) -> Scope {
    match tile {
        Some(TilePath::Data(_)) => Scope::AllModules,
        Some(TilePath::Hashes(_)) | None => Scope::AnyModule,
    }
}

/// Never 404: that would send the go command to its next proxy, and the name of a private module with it.
fn answer(refused: &Refused) -> Answer {
    match refused {
        Refused::SignIn(why) => {
            let words = ["this server asks for credentials: a user or a token.", why];
            let challenge = Some((WWW_AUTHENTICATE, CHALLENGE));
            Answer { extra_header: challenge, ..refusal_lines(StatusCode::UNAUTHORIZED, words) }
        }
        Refused::Forbidden(lines) => refusal_lines(StatusCode::FORBIDDEN, lines.iter().map(String::as_str)),
        Refused::TooMany { why, after } => later(StatusCode::TOO_MANY_REQUESTS, why, *after),
        Refused::Unavailable { why, after } => later(StatusCode::SERVICE_UNAVAILABLE, why, *after),
    }
}

fn later(status: StatusCode, why: &str, after: Duration) -> Answer {
    // Rounded up: a client that comes earlier is turned away again.
    let seconds = after.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    let words = format!("{why}; try again in {seconds} s");
    Answer { extra_header: Some((RETRY_AFTER, HeaderValue::from(seconds))), ..refusal(status, &words) }
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
