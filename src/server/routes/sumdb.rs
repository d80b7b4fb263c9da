//! What the go command asks of a checksum database: `supported`, `latest`, `lookup`, `tile` (go.dev/ref/mod).

use bytes::Bytes;
use hyper::StatusCode;

use crate::relay::{LookupAnswer, Relay};
use crate::server::app::{App, request::Question};
use crate::server::http::answer::{A_MINUTE, ASK_AGAIN, Answer, BINARY, FOR_EVER, TEXT};
use crate::server::http::refusal::{fault, later, not_found, refusal};
use crate::server::http::response_cache::Holds;
use crate::server::http::route::Sumdb;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::tile::TilePath;

/// Answers one question about the database behind `relay`.
pub(crate) async fn answer(app: &App, relay: &Relay, asked: Sumdb<'_>, question: &Question<'_>) -> Answer {
    match asked {
        // Ours to say, whatever upstream would: yes, ask here.
        Sumdb::Supported => Answer::new(TEXT, A_MINUTE, Bytes::new()),
        Sumdb::Latest => latest(app, relay, question).await,
        Sumdb::Lookup(path) => lookup(app, relay, path, question).await,
        Sumdb::Tile(path) => match TilePath::parse(path) {
            Ok(tile) => of_tile(app, relay, &tile, question).await,
            Err(_) => refusal(StatusCode::BAD_REQUEST, "invalid tile syntax"),
        },
    }
}

/// The newest signed head.
pub(crate) async fn latest(app: &App, relay: &Relay, question: &Question<'_>) -> Answer {
    match app.in_time(question.peer, relay.latest()).await {
        Ok(note) => Answer::new(TEXT, ASK_AGAIN, note).hashed(),
        Err(refused) => fault(&refused),
    }
}

async fn lookup(app: &App, relay: &Relay, path: &str, question: &Question<'_>) -> Answer {
    let Ok(module) = ModuleVersion::parse_lookup_path(path) else {
        return refusal(StatusCode::BAD_REQUEST, "invalid module@version syntax");
    };
    // Read before the answer is made: what is kept under an older head is not given again.
    let under = question.under(relay);
    match app.in_time(question.peer, relay.lookup(&module)).await {
        Ok(LookupAnswer::Found(bytes)) => {
            let answer = Answer::new(TEXT, A_MINUTE, bytes).hashed().packed(question.packs);
            app.keep(question, &answer, under);
            answer
        }
        Ok(LookupAnswer::NotInLog { by }) => not_found(&format!("not found: {module}: {}", by.join("; "))),
        Ok(LookupAnswer::Private { pattern }) => refusal(
            StatusCode::FORBIDDEN,
            &format!(
                "{module} matches the private pattern {pattern}: it is asked of no checksum database. \
                 Set GONOSUMDB or GOPRIVATE so that go does not ask."
            ),
        ),
        // No 404: that we do not hold it says nothing about the log.
        Ok(LookupAnswer::NotHeld(why)) => later(&format!("{module}: not held here: {why}")),
        Err(refused) => fault(&refused),
    }
}

async fn of_tile(app: &App, relay: &Relay, tile: &TilePath, question: &Question<'_>) -> Answer {
    let bytes = match tile_bytes(app, relay, tile, question).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let answer = match tile {
        TilePath::Hashes(_) => Answer::new(BINARY, FOR_EVER, bytes).named(&tile.to_string()),
        TilePath::Data(_) => Answer::new(TEXT, FOR_EVER, bytes).named(&tile.to_string()).packed(question.packs),
    };
    app.keep(question, &answer, Holds::ForEver);
    answer
}

/// The bytes of a tile, or why there are none.
pub(crate) async fn tile_bytes(
    app: &App,
    relay: &Relay,
    tile: &TilePath,
    question: &Question<'_>,
) -> Result<Bytes, Answer> {
    match app.in_time(question.peer, relay.tile(tile)).await {
        Ok(Some(bytes)) => Ok(bytes),
        // It may come with the next record.
        Ok(None) => Err(refusal(
            StatusCode::NOT_FOUND,
            &format!("not found: no tree of {} that is known here has {tile}", relay.name()),
        )),
        Err(refused) => Err(fault(&refused)),
    }
}
