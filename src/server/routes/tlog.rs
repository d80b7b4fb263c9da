//! The first database as a C2SP tlog-tiles log: the same bytes under other paths, and records framed as entry bundles.

use hyper::StatusCode;

use super::sumdb::{latest, tile_bytes};
use crate::fault::Fault;
use crate::relay::Relay;
use crate::server::app::{App, request::Question};
use crate::server::http::answer::{Answer, BINARY, FOR_EVER};
use crate::server::http::refusal::{fault, refusal};
use crate::server::http::response_cache::Holds;
use crate::server::http::route::Tlog;
use crate::sumdb::record::{entry_bundle, split_records};
use crate::sumdb::tile::{DataTile, TilePath};

/// Answers one question of a tlog-tiles client.
pub(crate) async fn answer(app: &App, relay: &Relay, asked: Tlog<'_>, question: &Question<'_>) -> Answer {
    let path = match asked {
        Tlog::Checkpoint => return latest(app, relay, question).await,
        Tlog::Tile(path) => path,
    };
    let Ok(tile) = TilePath::parse_tlog(path) else {
        return refusal(StatusCode::BAD_REQUEST, "invalid tile syntax");
    };
    let bytes = match tile_bytes(app, relay, &tile, question).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let answer = match &tile {
        TilePath::Hashes(_) => Answer::new(BINARY, FOR_EVER, bytes).named(path),
        TilePath::Data(data) => match bundle(&bytes, data) {
            Ok(bundle) => Answer::new(BINARY, FOR_EVER, bundle.into()).named(path).packed(question.packs),
            Err(refused) => return fault(&refused),
        },
    };
    app.keep(question, &answer, Holds::ForEver);
    answer
}

fn bundle(bytes: &[u8], tile: &DataTile) -> Result<Vec<u8>, Fault> {
    let damaged = |error| Fault::refused(format!("the store's {tile}"), error);
    let width = u16::try_from(tile.hashes().width()).unwrap_or(u16::MAX);
    entry_bundle(&split_records(bytes, width).map_err(damaged)?).map_err(damaged)
}
