//! The requests of checksum database clients: `supported`, `latest`, `lookup`, `tile` (go.dev/ref/mod, "Checksum database").

use bytes::Bytes;
use hyper::StatusCode;

use crate::relay::Relay;
use crate::server::app::{App, request::RequestContext};
use crate::server::conn::data_tile::DataTilePlace;
use crate::server::http::answer::{Answer, BINARY, CachePolicy, PROVEN, Payload, SUMDB_TEXT};
use crate::server::http::refusal::{found, from_fault, refusal};
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
    if let Some(refused) = app.refused_by_rule(&module) {
        return refused;
    }
    // Read before the lookup: an answer that is cached under an older head is not used again.
    let validity = context.while_current_head(relay);
    let looked_up = app.with_timeout(context.peer, relay.lookup(&module)).await;
    let bytes = match found(&module, looked_up) {
        Ok(bytes) => bytes,
        Err(refused) => return *refused,
    };
    let answer = Answer::new(SUMDB_TEXT, CachePolicy::OneMinute, bytes).with_hash_etag().judged(PROVEN);
    let answer = answer.compressed(context.accepts_gzip);
    app.cache(context, &answer, validity);
    answer
}

async fn tile_answer(app: &App, relay: &Relay, tile: &TilePath, context: &RequestContext<'_>) -> Answer {
    let in_file = || match tile {
        TilePath::Data(data) if !context.accepts_gzip => DataTilePlace::of(relay, data).map(Payload::DataTile),
        _ => None,
    };
    let payload = match in_file() {
        Some(payload) => payload,
        None => match tile_bytes(app, relay, tile, context).await {
            // Where that proved what is in the file, it is sent from there from the first time on.
            Ok(bytes) => in_file().unwrap_or(Payload::Bytes(bytes)),
            Err(refused) => return refused,
        },
    };
    let answer = match tile {
        TilePath::Hashes(_) => Answer::of(BINARY, CachePolicy::Immutable, payload).with_etag(&tile.to_string()),
        TilePath::Data(_) => Answer::of(SUMDB_TEXT, CachePolicy::Immutable, payload)
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
