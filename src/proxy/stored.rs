//! What the store has of a file, and whether it answers the question asked now: under this route, and proven by this database.
//!
//! On a public route a stored file is given where its proof names the database that is asked now, without asking anybody; else only
//! once that database has a record of the same hash. What differs is put aside, with a report and an incident, as an upstream's
//! wrong bytes are. On a private route only what first use pinned is given.

use super::counts::Event;
use super::expected::{Expected, Road};
use super::incident::Mismatch;
use super::judge::{Wrong, what};
use super::{Denied, Inner};
use crate::fault::Fault;
use crate::store::modules::{Admitted, Proof, Provenance, Stored, Unproven};
use crate::sumdb;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// How a file is stored, under the policy of this route.
pub(super) fn look(inner: &Inner, road: Road<'_>, module: &ModuleVersion, kind: Kind) -> Result<Stored, Fault> {
    match road {
        Road::Public(_) => inner.modules.open(module, kind, inner.relay.vkey()),
        Road::Private(_) => Ok(inner.modules.open_first_use(module, kind)?.map_or(Stored::Missing, Stored::Proven)),
    }
}

/// The stored file, if it may be given without asking anybody.
pub(super) fn ready(
    inner: &Inner,
    road: Road<'_>,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Option<Admitted>, Fault> {
    match look(inner, road, module, kind)? {
        Stored::Proven(admitted) => Ok(Some(admitted)),
        Stored::Unproven(_) | Stored::Missing => Ok(None),
    }
}

/// A stored file of a public module, if a record that is held here proves it: nobody is asked.
pub(super) async fn prove_held(
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

/// The stored file, if it is what is expected. One that is not is put aside.
pub(super) async fn settle(
    inner: &Inner,
    road: Road<'_>,
    module: &ModuleVersion,
    kind: Kind,
    expected: &Expected,
) -> Result<Option<Admitted>, Denied> {
    let stored = match look(inner, road, module, kind)? {
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

/// On whose word a file that is what is expected is admitted.
pub(super) fn provenance(inner: &Inner, expected: &Expected) -> Provenance {
    match expected {
        Expected::Recorded { id, .. } => {
            Provenance::Recorded(Proof { database: inner.relay.vkey().to_owned(), record: *id })
        }
        Expected::Pinned(_) | Expected::First => Provenance::FirstUse,
    }
}

/// Adds to an outage that the file is stored, and what has to be done so that it can be given.
pub(super) fn explain(inner: &Inner, road: Road<'_>, module: &ModuleVersion, kind: Kind, mut denied: Denied) -> Denied {
    let Ok(Stored::Unproven(stored)) = look(inner, road, module, kind) else { return denied };
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
    let wrong = Wrong { error: sumdb::Error::unproven(what(module, kind), why), got: Some(got) };
    let mut mismatch = Mismatch::new(module, kind, expected, &wrong, &origin(&stored));
    mismatch.stored(stored.len());
    let (modules, report) = (inner.modules.clone(), mismatch.report(inner.relay.name()));
    // All of its bytes are read: not on a thread that must not wait.
    let moved = tokio::task::spawn_blocking(move || modules.refuse_stored(&stored, &report)).await;
    let moved = moved.unwrap_or_else(|error| Err(Fault::machine("the module store", error.to_string())));
    mismatch.note(inner, moved);
}
