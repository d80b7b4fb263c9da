//! The files of the full log, for a second mirror that copies them by range and proves them for itself: only what is committed.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;

use crate::server::app::served::Served;
use crate::server::conn::file_source::{LogFile, Source};
use crate::server::conn::pool::{Client, Resource};
use crate::server::http::answer::{ASK_AGAIN, Answer, BINARY, Payload, TEXT};
use crate::server::http::refusal::{fault, later, not_found, refusal};

/// What follows each note in `heads`.
const AFTER_NOTE: &[u8] = b"\n";

/// The file `name` of the full log of `served`.
pub(crate) async fn answer(served: &Served, name: &str, client: &Arc<Client>) -> Answer {
    if !is_name(name) {
        return not_found("not found: the files are head, heads, records, offsets and hashes.0 and on");
    }
    let Some(mirror) = served.relay.mirror() else {
        return later("the full log is not held here, or not yet: run gosumcheck sync, or serve with --mirror");
    };
    let no_share = || later("as many files of the log as this client can have at once are being sent");
    match name {
        "head" => return Answer::new(TEXT, ASK_AGAIN, mirror.head).hashed(),
        "heads" => {
            // All of them are read at once: as few are in memory as are being sent.
            let Some(_export) = client.try_take(Resource::Exports, 1) else { return no_share() };
            return heads(served).await;
        }
        _ => {}
    }
    let Some((_, len)) = mirror.snapshot.file(name) else {
        return refusal(StatusCode::NOT_FOUND, "not found: the tree is not that high yet");
    };
    let Some(export) = client.try_take(Resource::Exports, 1) else { return no_share() };
    let tag = format!("{name}-{}", mirror.snapshot.tree().size);
    let file = LogFile { snapshot: mirror.snapshot, name: name.into(), len, _export: Arc::new(export) };
    Answer { payload: Payload::File(Source::Log(file)), ..Answer::new(BINARY, ASK_AGAIN, Bytes::new()) }.named(&tag)
}

/// Every note that was ever committed, each followed by a blank line.
async fn heads(served: &Served) -> Answer {
    let log = served.log.clone();
    match tokio::task::spawn_blocking(move || log.heads()).await {
        Ok(Ok(notes)) => {
            let all: Vec<u8> = notes.iter().flat_map(|note| [note.as_slice(), AFTER_NOTE]).flatten().copied().collect();
            Answer::new(TEXT, ASK_AGAIN, all.into()).hashed()
        }
        Ok(Err(refused)) => fault(&refused),
        Err(_) => later("the notes could not be read"),
    }
}

fn is_name(name: &str) -> bool {
    let is_level = |level: &str| matches!(level.as_bytes(), [b'0'..=b'7']);
    matches!(name, "head" | "heads" | "records" | "offsets") || name.strip_prefix("hashes.").is_some_and(is_level)
}
