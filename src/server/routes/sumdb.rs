//! The requests of checksum database clients: `supported`, `latest`, `lookup`, `tile` (go.dev/ref/mod, "Checksum database").

use bytes::Bytes;
use hyper::StatusCode;

use crate::relay::{LookupAnswer, Relay};
use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, BINARY, CachePolicy, PROVEN, SUMDB_TEXT};
use crate::server::http::refusal::{from_fault, not_found, refusal, refusal_lines, unavailable};
use crate::server::http::response_cache::Validity;
use crate::server::http::route::SumdbRequest;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::tile::TilePath;

/// Answers one request about the database behind `relay`.
pub(crate) async fn handle(
    app: &App,
    relay: &Relay,
    request: SumdbRequest<'_>,
    context: &RequestContext<'_>,
) -> Answer {
    match request {
        // This server answers for the database, whatever an upstream says.
        SumdbRequest::Supported => Answer::new(SUMDB_TEXT, CachePolicy::OneMinute, Bytes::new()),
        SumdbRequest::Latest => latest(app, relay, context).await,
        SumdbRequest::Lookup(path) => lookup(app, relay, path, context).await,
        SumdbRequest::Tile(path) => match TilePath::parse(path) {
            Ok(tile) => tile_answer(app, relay, &tile, context).await,
            Err(_) => refusal(StatusCode::BAD_REQUEST, "invalid tile syntax"),
        },
    }
}

/// The newest signed head.
pub(crate) async fn latest(app: &App, relay: &Relay, context: &RequestContext<'_>) -> Answer {
    match app.with_timeout(context.peer, relay.latest()).await {
        Ok(note) => Answer::new(SUMDB_TEXT, CachePolicy::Revalidate, note).with_hash_etag().judged(PROVEN),
        Err(refused) => from_fault(&refused),
    }
}

async fn lookup(app: &App, relay: &Relay, path: &str, context: &RequestContext<'_>) -> Answer {
    let Ok(module) = ModuleVersion::parse_lookup_path(path) else {
        return refusal(StatusCode::BAD_REQUEST, "invalid module@version syntax");
    };
    // What is refused as a module is not looked up either: its name would go to the sources of the database.
    if let Some(lines) = app.proxy.as_ref().and_then(|proxy| proxy.rule_against(&module)) {
        return refusal_lines(StatusCode::FORBIDDEN, lines.iter().map(String::as_str)).judged("refused_by_rule");
    }
    // Read before the lookup: an answer that is cached under an older head is not used again.
    let validity = context.while_current_head(relay);
    match app.with_timeout(context.peer, relay.lookup(&module)).await {
        Ok(LookupAnswer::Found(bytes)) => {
            let answer = Answer::new(SUMDB_TEXT, CachePolicy::OneMinute, bytes).with_hash_etag().judged(PROVEN);
            let answer = answer.compressed(context.accepts_gzip);
            app.cache(context, &answer, validity);
            answer
        }
        Ok(LookupAnswer::NotInLog { by }) => not_found(&format!("not found: {module}: {}", by.join("; "))),
        Ok(LookupAnswer::Private { pattern }) => refusal(
            StatusCode::FORBIDDEN,
            &format!(
                "{module} matches the private pattern {pattern}: no checksum database is asked about it. \
                 Set GONOSUMDB or GOPRIVATE so that go does not ask."
            ),
        ),
        // Not 404: the log may have a record that is not held here.
        Ok(LookupAnswer::NotHeld(why)) => unavailable(&format!("{module}: not held here: {why}")),
        Err(refused) => from_fault(&refused),
    }
}

async fn tile_answer(app: &App, relay: &Relay, tile: &TilePath, context: &RequestContext<'_>) -> Answer {
    let bytes = match tile_bytes(app, relay, tile, context).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let answer = match tile {
        TilePath::Hashes(_) => Answer::new(BINARY, CachePolicy::Immutable, bytes).with_etag(&tile.to_string()),
        TilePath::Data(_) => Answer::new(SUMDB_TEXT, CachePolicy::Immutable, bytes)
            .with_etag(&tile.to_string())
            .compressed(context.accepts_gzip),
    };
    let answer = answer.judged(PROVEN);
    app.cache(context, &answer, Validity::Forever);
    answer
}

/// The bytes of a tile, or the refusal.
pub(crate) async fn tile_bytes(
    app: &App,
    relay: &Relay,
    tile: &TilePath,
    context: &RequestContext<'_>,
) -> Result<Bytes, Answer> {
    match app.with_timeout(context.peer, relay.tile(tile)).await {
        Ok(Some(bytes)) => Ok(bytes),
        // A later tree may have it.
        Ok(None) => Err(refusal(
            StatusCode::NOT_FOUND,
            &format!("not found: no tree of {} that is known here has {tile}", relay.name()),
        )),
        Err(refused) => Err(from_fault(&refused)),
    }
}
