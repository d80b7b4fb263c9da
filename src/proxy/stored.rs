//! What the store has of a file, and whether it may be served now: on this route, and proven by this database.
//!
//! On a public route a stored file is served if its proof names the present database, without any request; else only
//! once that database has a record of the same hash. A file that differs is quarantined, with a report and an incident, like an
//! upstream's wrong bytes. On a private route only what first use pinned is served.

use super::check::{WrongBytes, what};
use super::counts::Event;
use super::expected::{Expected, Route};
use super::incident::Mismatch;
use super::{Denied, Inner};
use crate::fault::Fault;
use crate::store::modules::{Admitted, Proof, Provenance, Stored, Unproven};
use crate::sumdb;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// How a file is stored, under the policy of this route.
pub(super) fn stored_file(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Stored, Fault> {
    match route {
        Route::Public(_) => inner.modules.open(module, kind, inner.relay.vkey()),
        Route::Private(_) => Ok(inner.modules.open_first_use(module, kind)?.map_or(Stored::Missing, Stored::Proven)),
    }
}

/// The stored file, if it may be served without any request.
pub(super) fn ready(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Option<Admitted>, Fault> {
    match stored_file(inner, route, module, kind)? {
        Stored::Proven(admitted) => Ok(Some(admitted)),
        Stored::Unproven(_) | Stored::Missing => Ok(None),
    }
}

/// A stored file of a public module, if a record that is held here proves it, without any request.
pub(super) async fn prove_local(
    inner: &Inner,
    module: &ModuleVersion,
    kind: Kind,
    stored: Unproven,
) -> Result<Option<Admitted>, Denied> {
    let Some(record) = inner.relay.local_record(module).await? else { return Ok(None) };
    let proof = Proof { database: inner.relay.vkey().to_owned(), record: record.id() };
    // One that differs stays where it is until it can be fetched again.
    Ok(inner.modules.prove(stored, record.hash(kind), &proof).ok())
}

/// The stored file, if it has the expected hash. One that has not is quarantined.
pub(super) async fn admit_stored(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
    expected: &Expected,
) -> Result<Option<Admitted>, Denied> {
    let stored = match stored_file(inner, route, module, kind)? {
        Stored::Proven(admitted) => return Ok(Some(admitted)),
        Stored::Missing => return Ok(None),
        Stored::Unproven(stored) => stored,
    };
    let (Expected::Recorded { hash, .. }, Provenance::Recorded(proof)) = (expected, provenance(inner, expected)) else {
        return Ok(None);
    };
    match inner.modules.prove(stored, hash, &proof) {
        Ok(admitted) => Ok(Some(admitted)),
        Err(stored) => {
            put_aside(inner, module, kind, expected, *stored).await;
            Ok(None)
        }
    }
}

/// The authority on which a file with the expected hash is admitted.
pub(super) fn provenance(inner: &Inner, expected: &Expected) -> Provenance {
    match expected {
        Expected::Recorded { id, .. } => {
            Provenance::Recorded(Proof { database: inner.relay.vkey().to_owned(), record: *id })
        }
        Expected::Pinned(_) | Expected::First => Provenance::FirstUse,
    }
}

/// Adds to an outage that the file is stored, and what to do so that it can be served.
pub(super) fn explain(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
    mut denied: Denied,
) -> Denied {
    let Ok(Stored::Unproven(stored)) = stored_file(inner, route, module, kind) else { return denied };
    if let Denied::Fault(Fault::Unavailable { why, .. }) = &mut denied {
        let name = inner.relay.name();
        *why = format!(
            "{}: it is {}, and given once {name} proves it. Let this server reach {name}, or run `gosumcheck sync`. Now: {why}",
            what(module, kind),
            origin(&stored)
        );
    }
    denied
}

/// Where a stored file that the present database has not proven comes from.
fn origin(stored: &Unproven) -> String {
    match stored.by() {
        Some(proof) => format!("stored here as proven by record {} of {}", proof.record, proof.database),
        None => "stored here without a proof".to_owned(),
    }
}

async fn put_aside(inner: &Inner, module: &ModuleVersion, kind: Kind, expected: &Expected, stored: Unproven) {
    inner.counters.count(Event::Mismatch);
    let got = stored.hash().clone();
    let why = match expected.hash() {
        Some(hash) => format!("it hashes to {got}, not to {hash}"),
        None => format!("it hashes to {got}"),
    };
    let wrong = WrongBytes { error: sumdb::Error::unproven(what(module, kind), why), got: Some(got) };
    let mut mismatch = Mismatch::new(module, kind, expected, &wrong, &origin(&stored));
    mismatch.stored(stored.len());
    let (modules, report) = (inner.modules.clone(), mismatch.report(inner.relay.name()));
    // All of its bytes are read: not on a thread that must not wait.
    let moved = tokio::task::spawn_blocking(move || modules.refuse_stored(&stored, &report)).await;
    let moved = moved.unwrap_or_else(|error| Err(Fault::machine("the module store", error.to_string())));
    mismatch.note(inner, moved);
}
