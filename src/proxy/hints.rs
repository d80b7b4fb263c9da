//! Hints, which have no proof: lists, newest versions, and the version that a branch stands for. An upstream's answer is parsed,
//! serialised again, cached for a limited time (`cached_hint`), and served when it is old if no upstream answers; the log and the
//! store answer what they can.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::attempts::Attempts;
use super::cached_hint::{CachedHint, normalise};
use super::counts::Event;
use super::expected::Route;
use super::{Denied, Inner, Mode, Text, TextKind, stored};
use crate::sumdb;
use crate::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest, VersionInfo, list};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::upstream::{Asker, Busy, FailureKind, Fetched, Peer};

/// Bytes of a list at most.
const MAX_LIST_BYTES: usize = 16 << 20;

/// The answer to a request for a hint, with the versions that rules refuse.
pub(super) async fn answer(inner: &Arc<Inner>, request: &ModuleRequest, mode: Mode) -> Result<Text, Denied> {
    let policy = inner.policy.now();
    let route = policy.route_of(request)?;
    let path = request.to_string();
    let hint = inner.cached_hint(request, route);
    if let Some(hint) = hint.as_ref().filter(|hint| is_fresh(inner, hint, route)) {
        inner.counters.count(Event::Fresh);
        return Ok(text(request, hint.bytes.clone(), inner.options.freshness - hint.age, false));
    }
    if mode.cached_only {
        let held = inner.local_answer(request, route, hint.as_ref()).await;
        return held.ok_or_else(|| Denied::NotCached(format!("not cached here: {path}")));
    }
    if let Some(denied) = inner.absences.recent(&path) {
        inner.counters.count(Event::Repeated);
        return Err(denied);
    }
    join(inner, request, &path, mode.peer, hint).await
}

/// The answer for nobody yet: what an upstream says of a module version; none where nobody is to be asked. A client that asks
/// meanwhile waits for the same task.
pub(super) async fn read_ahead(inner: &Arc<Inner>, request: &ModuleRequest) -> Option<Text> {
    let policy = inner.policy.now();
    let route = policy.route_of(request).ok().filter(|route| route.may_read_ahead())?;
    let hint = inner.cached_hint(request, route);
    let is_fresh = hint.as_ref().is_some_and(|hint| is_fresh(inner, hint, route));
    let path = request.to_string();
    if is_fresh || inner.absences.recent(&path).is_some() {
        return None;
    }
    join(inner, request, &path, Some(Peer::READ_AHEAD), hint).await.ok()
}

/// Whether a hint is given on this route without asking anybody.
fn is_fresh(inner: &Inner, hint: &CachedHint, route: Route<'_>) -> bool {
    hint.age < inner.options.freshness && hint.is_from(route)
}

/// What the one task for this request gives.
async fn join(
    inner: &Arc<Inner>,
    request: &ModuleRequest,
    path: &str,
    peer: Option<Peer>,
    hint: Option<CachedHint>,
) -> Result<Text, Denied> {
    let ask = |asker: Asker, _| {
        let (inner, request) = (Arc::clone(inner), request.clone());
        async move {
            let _slot = inner.questions.enter(&asker).await.map_err(|busy| busy.fault("answers of module proxies"))?;
            // Boxed: a request that waits for a slot takes no room for what comes after.
            Box::pin(asker.admitted().scope(ask(&inner, &request, hint))).await
        }
    };
    inner
        .hints
        .join(&(path.to_owned(), inner.policy.generation()), peer, ask)
        .await
        .unwrap_or_else(|ended| Err(ended.of(path)))
}

fn text(request: &ModuleRequest, bytes: Bytes, keep: Duration, stale: bool) -> Text {
    let kind = if matches!(request, ModuleRequest::List(_)) { TextKind::List } else { TextKind::Info };
    Text { bytes, kind, keep, stale }
}

/// Asks the upstreams in order; `hint` is what one of them said some time ago.
async fn ask(inner: &Arc<Inner>, request: &ModuleRequest, hint: Option<CachedHint>) -> Result<Text, Denied> {
    let (generation, policy) = (inner.policy.generation(), inner.policy.now());
    let route = policy.route_of(request)?;
    let (proxies, path) = (route.proxies(), request.to_string());
    let limit = if matches!(request, ModuleRequest::List(_)) { MAX_LIST_BYTES } else { MAX_INFO_BYTES };
    let mut attempts = Attempts::default();
    for at in 0..proxies.len() {
        match proxies.fetch(at, request, limit).await {
            Ok(Fetched::Missing(why)) => attempts.absent(proxies.name(at), &why),
            Ok(Fetched::Body(bytes, _)) => match inner.read(request, &bytes, route).await {
                Ok(bytes) => {
                    inner.cache_hint(request, route, &bytes, proxies.name(at));
                    return Ok(text(request, bytes, inner.options.freshness, false));
                }
                Err(error) => {
                    proxies.refute(at, &error.to_string());
                    attempts.malformed(proxies.name(at), &error.to_string());
                    if !proxies.falls_back(at) {
                        break;
                    }
                }
            },
            Err(failure) if failure.kind == FailureKind::QueueFull => return Err(Busy.fault(&failure.source).into()),
            Err(failure) => {
                inner.counters.count(Event::Failure);
                attempts.failed(&failure);
                if !proxies.goes_on(at, &failure) {
                    break;
                }
            }
        }
    }
    if let Some(text) = inner.without_upstreams(request, route, hint.as_ref(), &attempts).await {
        return Ok(text);
    }
    let (is_final, is_refused) = (!attempts.may_change(), attempts.is_refused());
    let denied = attempts.conclude(&path, inner.folder.root());
    match &denied {
        Denied::NotFound(words) if is_final => {
            inner.note_absence(&path, &denied, generation);
            inner.cache_absence(request, route, words);
        }
        Denied::Refused(..) if is_final => inner.note_absence(&path, &denied, generation),
        Denied::Fault(_) if !is_refused => {
            if let Some(words) = inner.old_absence(request, route, hint.as_ref()) {
                inner.counters.count(Event::Stale);
                return Err(Denied::NotFound(words));
            }
        }
        _ => {}
    }
    Err(denied)
}

impl Inner {
    /// What an upstream's answer means, written anew; a list of a public module with what the log has besides, and one that only
    /// folders were asked for with what is held here.
    async fn read(self: &Arc<Inner>, request: &ModuleRequest, bytes: &[u8], route: Route<'_>) -> sumdb::Result<Bytes> {
        let ModuleRequest::List(module) = request else { return normalise(request, bytes) };
        let mut versions = list::read(module, bytes)?;
        if route.proxies().is_local() {
            versions.extend(list::tagged(module, self.held_versions(module).await));
        } else if let Route::Public(_) = route {
            versions.extend(list::tagged(module, self.logged(module).await));
        }
        Ok(list::write(&versions).into())
    }

    /// The versions of a module that the full log has; none where it is not held, or cannot be read.
    async fn logged(self: &Arc<Inner>, module: &ModulePath) -> Vec<Version> {
        self.relay.versions(module).await.unwrap_or_else(|fault| {
            tracing::warn!("{fault}");
            Vec::new()
        })
    }

    /// What is held without asking: an earlier answer that is not too old, or what the store knows.
    async fn local_answer(
        self: &Arc<Inner>,
        request: &ModuleRequest,
        route: Route<'_>,
        hint: Option<&CachedHint>,
    ) -> Option<Text> {
        let old = hint.filter(|hint| hint.age < self.options.stale).map(|hint| hint.bytes.clone());
        let bytes = match old {
            Some(bytes) => bytes,
            None => self.stored(request, route, hint).await?,
        };
        Some(text(request, bytes, Duration::ZERO, true))
    }

    /// The answer where no upstream gave one.
    ///
    /// Where nobody could be asked, what is held here counts: a version that is not could not be had. Where some failed, what one
    /// of them said earlier does, else what the log says: of what is held the newest may be an old one. Where all say that there is no
    /// such thing, it is what they say; but the log knows better, and of a version whose zip is here the store.
    async fn without_upstreams(
        self: &Arc<Inner>,
        request: &ModuleRequest,
        route: Route<'_>,
        hint: Option<&CachedHint>,
        attempts: &Attempts,
    ) -> Option<Text> {
        let stale = |bytes| Some(text(request, bytes, Duration::ZERO, true));
        if attempts.is_refused() && !matches!(request, ModuleRequest::Info(_)) {
            return None;
        }
        if route.proxies().is_local()
            && let Some(bytes) = self.stored(request, route, hint).await
        {
            return stale(bytes);
        }
        // Of a module that is not held nothing is claimed where nobody is asked.
        let is_one = !matches!(request, ModuleRequest::List(_) | ModuleRequest::Latest(_));
        let may_change = attempts.may_change() || is_one && route.proxies().is_local();
        if let Some(hint) = hint.filter(|hint| may_change && !attempts.is_refused() && hint.age < self.options.stale) {
            self.counters.count(Event::Stale);
            return stale(hint.bytes.clone());
        }
        if let Route::Public(_) = route
            && let Some(bytes) = self.of_log(request).await
        {
            return Some(text(request, bytes, self.options.freshness, true));
        }
        match request {
            ModuleRequest::Info(_) => {
                let bytes = self.stored(request, route, hint).await?;
                Some(text(request, bytes, self.options.freshness, true))
            }
            _ => None,
        }
    }

    /// What the full log says; nothing where it is not held, or has no such module.
    async fn of_log(self: &Arc<Inner>, request: &ModuleRequest) -> Option<Bytes> {
        match request {
            ModuleRequest::List(module) => {
                let logged = self.logged(module).await;
                (!logged.is_empty()).then(|| list::write(&list::tagged(module, logged)).into())
            }
            ModuleRequest::Latest(module) => {
                let logged = self.logged(module).await;
                Some(VersionInfo::named(list::newest(&logged)?.clone()).to_json().into())
            }
            _ => None,
        }
    }

    /// What the store says: the versions that are here, the newest of them, and what is known about one whose zip is here. Nothing of
    /// a module of which nothing is here.
    async fn stored(
        self: &Arc<Inner>,
        request: &ModuleRequest,
        route: Route<'_>,
        hint: Option<&CachedHint>,
    ) -> Option<Bytes> {
        match request {
            ModuleRequest::List(module) => {
                let held = self.held_versions(module).await;
                (!held.is_empty()).then(|| list::write(&list::tagged(module, held)).into())
            }
            ModuleRequest::Latest(module) => {
                let held = self.held_versions(module).await;
                let newest = ModuleVersion::pair(module.clone(), list::newest(&held)?.clone()).ok()?;
                let request = ModuleRequest::Info(newest.clone());
                let known = self.of_stored_zip(&request, route, self.cached_hint(&request, route).as_ref());
                Some(known.unwrap_or_else(|| VersionInfo::named(newest.version().clone()).to_json().into()))
            }
            _ => self.of_stored_zip(request, route, hint),
        }
    }

    /// The versions of a module that can be given without asking anybody.
    async fn held_versions(self: &Arc<Inner>, module: &ModulePath) -> Vec<Version> {
        let (inner, module) = (Arc::clone(self), module.clone());
        let held = tokio::task::spawn_blocking(move || {
            let policy = inner.policy.now();
            let route = policy.route(&module, None);
            route.map(|route| stored::versions(&inner, route, &module)).unwrap_or_default()
        });
        held.await.unwrap_or_default()
    }
}
