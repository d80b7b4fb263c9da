//! A `.mod` or a `.zip`: from the store, or fetched by the one task for it (`fetch`).

use std::sync::Arc;

use super::check::what;
use super::counts::Event;
use super::fetch::fetch;
use super::file_attempts::{Given, path_of};
use super::shared_tasks::Progress;
use super::watched::Meter;
use super::{Denied, Inner, Mode, stored};
use crate::store::modules::{Admitted, Stored};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::upstream::{Asker, Peer};

/// The file `kind` of a module version.
pub(super) async fn answer(
    inner: &Arc<Inner>,
    module: &ModuleVersion,
    kind: Kind,
    mode: Mode,
) -> Result<Given, Denied> {
    // Before anything of the store is looked at: what may be given depends on who would be asked now.
    let policy = inner.policy.now();
    let route = policy.route(module.path(), Some(module.version()))?;
    let stored = stored::stored_file(inner, route, module, kind)?;
    let stored = match stored {
        Stored::Changed(_) if mode.cached_only => stored::look_again(inner, route, module, kind).await?,
        stored => stored,
    };
    let unproven = match stored {
        Stored::Proven(admitted) => {
            inner.counters.count(Event::Hit);
            return Ok(Given::Proven(admitted));
        }
        Stored::Unproven(stored) => Some(stored),
        // The one task for this file hashes it.
        Stored::Changed(_) | Stored::Missing => None,
    };
    if mode.cached_only {
        if let Some(stored) = unproven
            && let Some(admitted) = stored::prove_local(inner, module, kind, stored).await?
        {
            inner.counters.count(Event::Hit);
            return Ok(Given::Proven(admitted));
        }
        return Err(Denied::NotCached(format!("not cached here: {}", what(module, kind))));
    }
    if let Some(denied) = inner.absences.recent(&path_of(module, kind)) {
        inner.counters.count(Event::Repeated);
        return Err(denied);
    }
    join(inner, module, kind, mode.peer, Arc::new(Meter::new(u64::MAX))).await
}

/// The file for nobody yet, as a client's question would bring it, `meter` counting the bytes; none where nobody is to be asked
/// for it. A client that asks meanwhile waits for the same task.
pub(super) async fn read_ahead(
    inner: &Arc<Inner>,
    module: &ModuleVersion,
    kind: Kind,
    meter: &Arc<Meter>,
) -> Option<Admitted> {
    let policy = inner.policy.now();
    let route = policy.route(module.path(), Some(module.version())).ok();
    let route = route.filter(|route| route.may_read_ahead())?;
    match stored::stored_file(inner, route, module, kind) {
        Ok(Stored::Proven(admitted)) => return Some(admitted),
        Ok(Stored::Unproven(_) | Stored::Missing) => {}
        Ok(Stored::Changed(_)) | Err(_) => return None,
    }
    if inner.absences.recent(&path_of(module, kind)).is_some() {
        return None;
    }
    match join(inner, module, kind, Some(Peer::READ_AHEAD), Arc::clone(meter)).await {
        Ok(Given::Proven(admitted)) => Some(admitted),
        Ok(Given::Unproven(_)) | Err(_) => None,
    }
}

/// What the one task for this file gives.
async fn join(
    inner: &Arc<Inner>,
    module: &ModuleVersion,
    kind: Kind,
    peer: Option<Peer>,
    meter: Arc<Meter>,
) -> Result<Given, Denied> {
    let fetch = |asker: Asker, progress: Arc<Progress>| {
        let (inner, module) = (Arc::clone(inner), module.clone());
        async move {
            let _slot = inner.downloads.enter(&asker).await.map_err(|busy| busy.fault("downloads"))?;
            // Boxed: a request that waits for a slot takes no room for what comes after.
            Box::pin(asker.admitted().scope(fetch(&inner, &module, kind, &progress, &meter))).await
        }
    };
    let given = inner.files.join(&(module.clone(), kind, inner.policy.generation()), peer, fetch).await;
    given.unwrap_or_else(|ended| Err(ended.of(&what(module, kind))))
}
