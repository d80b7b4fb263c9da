//! What the store has of a file, and whether it may be served now: on this route, and proven by this database.
//!
//! On a public route a stored file is given where its proof names the database that is asked now, without asking anybody; else only
//! once that database has a record of the same hash. What differs is put aside, with a report and an incident, as an upstream's
//! wrong bytes are. On a private route only what first use pinned is given.
//!
//! A file that looks otherwise than when it was last proven (`Changed`) is hashed again first; what rotted is put aside and fetched
//! again.

use std::path::PathBuf;

use super::blocking::blocking;
use super::check::{WrongBytes, what};
use super::counts::Event;
use super::expected::{Expected, Route};
use super::incident::Mismatch;
use super::{Denied, Inner};
use crate::fault::Fault;
use crate::store::modules::{Admitted, Changed, Proof, Provenance, STORE_NAME, Stored, Unproven};
use crate::sumdb;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// How often a file is hashed for one request that changes meanwhile, as one that is moved does.
const MAX_HASHED: usize = 2;

/// How a file is stored, under the policy of this route.
pub(super) fn stored_file(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Stored, Fault> {
    match route {
        Route::Public(_) => inner.modules.open(module, kind, inner.relay.vkey()),
        Route::Private(_) => inner.modules.open_first_use(module, kind),
    }
}

/// How a file is stored, once one that changed since it was proven is hashed again.
pub(super) async fn look_again(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Stored, Denied> {
    let mut stored = stored_file(inner, route, module, kind)?;
    for _ in 0..MAX_HASHED {
        match stored {
            Stored::Changed(changed) => stored = hash_again(inner, route, module, kind, changed).await?,
            stored => return Ok(stored),
        }
    }
    // It changes all the while: nothing of it is given.
    Ok(match stored {
        Stored::Changed(_) => Stored::Missing,
        stored => stored,
    })
}

/// Whether a file is here and would be given without asking anybody, if it has not rotted.
pub(super) fn is_held(inner: &Inner, route: Route<'_>, module: &ModuleVersion, kind: Kind) -> bool {
    match stored_file(inner, route, module, kind) {
        Ok(Stored::Proven(_)) => true,
        Ok(Stored::Changed(changed)) => changed.is_proven(),
        Ok(Stored::Unproven(_) | Stored::Missing) | Err(_) => false,
    }
}

/// The versions of a module that would be given without asking anybody, ascending: those of which the zip is here; where there is
/// none, those of which the go.mod is. Looks at each: not on a thread that must not wait.
pub(super) fn versions(inner: &Inner, route: Route<'_>, module: &ModulePath) -> Vec<Version> {
    let stored = inner.modules.versions(route.tree(), module).inspect_err(|fault| tracing::warn!("{fault}"));
    let stored = stored.unwrap_or_default();
    let held = |kind| {
        let is_held = |version: &&Version| {
            let module = ModuleVersion::pair(module.clone(), (*version).clone());
            module.is_ok_and(|module| is_held(inner, route, &module, kind))
        };
        stored.iter().filter(is_held).cloned().collect::<Vec<Version>>()
    };
    let zips = held(Kind::Zip);
    if zips.is_empty() { held(Kind::GoMod) } else { zips }
}

/// Hashes a file again that changed since it was last proven. One that is as it was is stored as before; any other is put aside,
/// and is not here any more.
async fn hash_again(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
    changed: Changed,
) -> Result<Stored, Denied> {
    let _room = match kind {
        Kind::Zip => Some(inner.hashing.room_for_stored(changed.file()).await),
        Kind::GoMod => None,
    };
    let (modules, threads) = (inner.modules.clone(), inner.options.threads);
    let hashed = tokio::task::spawn_blocking(move || {
        let got = changed.hash_now(threads)?;
        if got.as_ref() == Some(changed.hash()) {
            modules.confirm(&changed);
        }
        Ok::<_, Fault>((changed, got))
    });
    let (changed, got) = hashed.await.map_err(|error| Fault::machine("hashing", error.to_string()))??;
    if got.as_ref() == Some(changed.hash()) {
        return Ok(stored_file(inner, route, module, kind)?);
    }
    put_rotten_aside(inner, route, module, kind, changed, got).await;
    Ok(Stored::Missing)
}

pub(super) async fn put_rotten_aside(
    inner: &Inner,
    route: Route<'_>,
    module: &ModuleVersion,
    kind: Kind,
    changed: Changed,
    got: Option<SumHash>,
) {
    let hash = changed.hash().clone();
    let is =
        got.as_ref().map_or("it is not a zip any more".to_owned(), |got| format!("it hashes to {got}, not to {hash}"));
    let why = format!("{is}: it changed on the disk since it was proven");
    let wrong = WrongBytes { error: sumdb::Error::unproven(what(module, kind), why), got };
    let mismatch = Mismatch::new(module, kind, &Expected::Pinned(hash), &wrong, STORE_NAME);
    let (modules, len) = (inner.modules.clone(), changed.file().len());
    quarantine(inner, mismatch, len, move |report| modules.refuse_changed(&changed, report)).await;
    if kind == Kind::Zip {
        inner.list_stored(module, route);
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
        Stored::Missing | Stored::Changed(_) => return Ok(None),
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
    let got = stored.hash().clone();
    let why = match expected.hash() {
        Some(hash) => format!("it hashes to {got}, not to {hash}"),
        None => format!("it hashes to {got}"),
    };
    let wrong = WrongBytes { error: sumdb::Error::unproven(what(module, kind), why), got: Some(got) };
    let mismatch = Mismatch::new(module, kind, expected, &wrong, &origin(&stored));
    let (modules, len) = (inner.modules.clone(), stored.len());
    quarantine(inner, mismatch, len, move |report| modules.refuse_stored(&stored, report)).await;
}

/// Counts, reports and notes a stored file of `len` bytes that is wrong; `refuse` moves it to the quarantine, after its report.
async fn quarantine(
    inner: &Inner,
    mut mismatch: Mismatch,
    len: u64,
    refuse: impl FnOnce(&[u8]) -> Result<Option<PathBuf>, Fault> + Send + 'static,
) {
    inner.counters.count(Event::Mismatch);
    mismatch.stored(len);
    let report = mismatch.report(inner.relay.name());
    // All of its bytes are read: not on a thread that must not wait.
    let moved = blocking(move || refuse(&report)).await;
    mismatch.note(inner, moved);
}
