//! The first look at a proxy: how a connection comes to be, whether it relays the checksum database and with which head, and what it
//! calls the newest version of each sample. Small questions, all of them in parallel with those to the other proxies.

use std::future::Future;

use tokio::time::Instant;

use super::measured::{Measured, Relayed, Wrong};
use super::plan::{BenchPlace, BenchPlan};
use crate::database::Database;
use crate::fault::Fault;
use crate::report::plain;
use crate::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest, VersionInfo};
use crate::sumdb::module::ModuleVersion;
use crate::upstream::{self, Base, Fetched, Http, Proxies, ProxyEntry, ProxyPlace, Settings};

/// The part of all the time in which a proxy must have answered the small questions.
const PART_FOR_LOOKS: u32 = 3;
/// Bytes of an answer whether the database is relayed; it is empty, or a page.
const MAX_SUPPORTED_BYTES: usize = 64 << 10;
/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: usize = 64 << 10;

/// Asks one proxy, until `until` at the latest.
pub(super) async fn look(
    place: &BenchPlace,
    plan: &BenchPlan,
    database: &str,
    settings: &Settings,
    until: Instant,
) -> Measured {
    let until = until.min(Instant::now() + plan.time / PART_FOR_LOOKS);
    let dead = |why: &str| Measured::dead(place.clone(), plain(why));
    let base = match Base::parse(&place.url) {
        Ok(base) => base,
        Err(fault) => return dead(&fault.to_string()),
    };
    // A client of its own: no other request has resumed a session before.
    let http = Http::new(settings.clone());
    let phases = match within(until, upstream::phases(&http, &base)).await {
        Some(Ok(phases)) => phases,
        Some(Err(Fault::Unavailable { why, .. })) => return dead(&why),
        Some(Err(fault)) => return dead(&fault.to_string()),
        None => return dead("no connection in time"),
    };
    let mut measured = Measured { phases, ..Measured::unknown(place.clone()) };
    measured.relayed = match place.may_learn(database) {
        true => within(until, relayed(&http, &place.url, database)).await.unwrap_or_default(),
        false => Relayed::No,
    };
    let proxies = Proxies::new(vec![entry(base, settings)]);
    for sample in &plan.samples {
        let request = ModuleRequest::Latest(sample.path().clone());
        let Some(Ok(Fetched::Body(bytes, _))) = within(until, proxies.fetch(0, &request, MAX_INFO_BYTES)).await else {
            continue;
        };
        let version = VersionInfo::parse(&request, &bytes).map(|info| info.version().clone());
        let latest = version.and_then(|version| ModuleVersion::pair(sample.path().clone(), version));
        measured.latest.extend(latest.ok());
    }
    measured
}

/// A list of this proxy alone.
pub(super) fn entry(base: Base, settings: &Settings) -> ProxyEntry {
    ProxyEntry { place: ProxyPlace::Base(base, settings.clone()), falls_back: false }
}

/// What comes of `work`, if it is there in time.
pub(super) async fn within<T>(until: Instant, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(until, work).await.ok()
}

/// Whether the proxy at `url` relays the database, and the head that it shows.
async fn relayed(http: &Http, url: &str, database: &str) -> Relayed {
    let at = format!("{url}/sumdb/{database}");
    match upstream::is_there(http, &format!("{at}/supported"), MAX_SUPPORTED_BYTES).await {
        Ok(true) => Relayed::Yes(upstream::document(http, &format!("{at}/latest"), MAX_NOTE_BYTES).await.ok()),
        Ok(false) => Relayed::No,
        Err(_) => Relayed::Unknown,
    }
}

/// Judges the head that a proxy showed: signed by the log, and of the one history that is remembered here.
///
/// # Errors
/// `Forked`: the log signed another history for it. `Unavailable`: the data folder.
pub(super) async fn judge_head(measured: &mut Measured, database: &Database, until: Instant) -> Result<(), Fault> {
    let Relayed::Yes(note) = &mut measured.relayed else { return Ok(()) };
    let Some(note) = note.take() else { return Ok(()) };
    let whose = measured.place.shown();
    let head = match database.open_sent(&note, &whose) {
        Ok(head) => head,
        Err(fault) => {
            let what = format!("the head of {}", database.name());
            measured.sampled.wrong.push(Wrong { what, why: plain(&fault.to_string()) });
            return Ok(());
        }
    };
    measured.head = Some(head.tree().size);
    match within(until, database.compare(&note, &whose, super::QUIETLY)).await {
        // The log signed it: where it cannot be compared in time it counts all the same.
        None | Some(Ok(_)) => Ok(()),
        Some(Err(fault)) => Err(fault),
    }
}
