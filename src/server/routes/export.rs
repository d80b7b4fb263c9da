//! The committed bytes of the files of the full log, for another mirror, which copies them by range and proves them itself.

use std::sync::Arc;

use hyper::StatusCode;

use crate::server::app::database::ServedDatabase;
use crate::server::conn::file_source::{FileSource, LogFile};
use crate::server::conn::pool::{ClientQuota, Resource};
use crate::server::http::answer::{Answer, BINARY, CachePolicy, Payload, SUMDB_TEXT};
use crate::server::http::refusal::{from_fault, not_found, refusal, unavailable};

/// What follows each note in `heads`.
const AFTER_NOTE: &[u8] = b"\n";

/// The file `name` of the full log of `served`.
pub(crate) async fn handle(served: &ServedDatabase, name: &str, quota: &Arc<ClientQuota>) -> Answer {
    if !is_name(name) {
        return not_found("not found: the files are head, heads, records, offsets and hashes.0 and on");
    }
    let Some(mirror) = served.relay.mirror() else {
        return unavailable("the full log is not held here, or not yet: run gosumcheck sync, or serve with --mirror");
    };
    let busy = || unavailable("this client is already being sent as many files of the log as it may at once");
    match name {
        "head" => return Answer::new(SUMDB_TEXT, CachePolicy::Revalidate, mirror.head).with_hash_etag(),
        "heads" => {
            // They are read into memory; the permit bounds how many clients cause that at once.
            let Some(_export) = quota.try_acquire(Resource::Exports, 1) else { return busy() };
            return heads(served).await;
        }
        _ => {}
    }
    let Some((_, len)) = mirror.snapshot.file(name) else {
        return refusal(StatusCode::NOT_FOUND, "not found: the tree is not that high yet");
    };
    let Some(export) = quota.try_acquire(Resource::Exports, 1) else { return busy() };
    let tag = format!("{name}-{}", mirror.snapshot.tree().size);
    let (snapshot, relay) = (mirror.snapshot, served.relay.clone());
    let file = LogFile { snapshot, name: name.into(), len, relay, _export: Arc::new(export) };
    Answer::of(BINARY, CachePolicy::Revalidate, Payload::File(FileSource::Log(file))).with_etag(&tag)
}

/// All committed notes, each followed by a blank line.
async fn heads(served: &ServedDatabase) -> Answer {
    let log = served.log.clone();
    match tokio::task::spawn_blocking(move || log.heads()).await {
        Ok(Ok(notes)) => {
            let all: Vec<u8> = notes.iter().flat_map(|note| [note.as_slice(), AFTER_NOTE]).flatten().copied().collect();
            Answer::new(SUMDB_TEXT, CachePolicy::Revalidate, all.into()).with_hash_etag()
        }
        Ok(Err(refused)) => from_fault(&refused),
        Err(_) => unavailable("the notes could not be read"),
    }
}

fn is_name(name: &str) -> bool {
    let is_level = |level: &str| matches!(level.as_bytes(), [b'0'..=b'7']);
    matches!(name, "head" | "heads" | "records" | "offsets") || name.strip_prefix("hashes.").is_some_and(is_level)
}
