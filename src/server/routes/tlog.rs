//! The first database as a C2SP tlog-tiles log: the same bytes under other paths, and records framed as entry bundles.

use hyper::StatusCode;

use super::sumdb::{latest, tile_bytes};
use crate::fault::Fault;
use crate::relay::Relay;
use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, BINARY, CachePolicy, PROVEN, SUMDB_TEXT};
use crate::server::http::refusal::{from_fault, refusal};
use crate::server::http::response_cache::Validity;
use crate::server::http::route::TlogRequest;
use crate::sumdb::record::{entry_bundle, split_records};
use crate::sumdb::tile::{DataTile, TilePath};

/// Answers one request of a tlog-tiles client.
pub(crate) async fn handle(app: &App, relay: &Relay, request: TlogRequest<'_>, context: &RequestContext<'_>) -> Answer {
    let path = match request {
        TlogRequest::Checkpoint => return checkpoint(app, relay, context).await,
        TlogRequest::Tile(path) => path,
    };
    let Ok(tile) = TilePath::parse_tlog(path) else {
        return refusal(StatusCode::BAD_REQUEST, "invalid tile syntax");
    };
    let bytes = match tile_bytes(app, relay, &tile, context).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let answer = match &tile {
        TilePath::Hashes(_) => Answer::new(BINARY, CachePolicy::Immutable, bytes).with_etag(path),
        TilePath::Data(data) => match bundle(&bytes, data) {
            Ok(bundle) => Answer::new(BINARY, CachePolicy::Immutable, bundle.into())
                .with_etag(path)
                .compressed(context.accepts_gzip),
            Err(refused) => return from_fault(&refused),
        },
    };
    app.cache(context, &answer, Validity::Forever);
    answer
}

/// The newest signed head; where heads are cosigned here, the newest that is (C2SP tlog-mirror).
async fn checkpoint(app: &App, relay: &Relay, context: &RequestContext<'_>) -> Answer {
    match relay.cosigned().await {
        None => latest(app, relay, context).await,
        Some(Ok(note)) => Answer::new(SUMDB_TEXT, CachePolicy::Revalidate, note).with_hash_etag().judged(PROVEN),
        Some(Err(refused)) => from_fault(&refused),
    }
}

fn bundle(bytes: &[u8], tile: &DataTile) -> Result<Vec<u8>, Fault> {
    let damaged = |error| Fault::refused(format!("the store's {tile}"), error);
    let width = u16::try_from(tile.hashes().width()).unwrap_or(u16::MAX);
    entry_bundle(&split_records(bytes, width).map_err(damaged)?).map_err(damaged)
}
