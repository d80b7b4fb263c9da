//! Hints, which have no proof: lists, newest versions, and the version that a branch stands for. An upstream's answer is parsed,
//! serialised again, cached for a limited time (`cached_hint`), and served when it is old if no upstream answers; the log and the
//! store answer what they can.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::cached_hint::{CachedHint, normalise};
use super::counts::Event;
use super::expected::Route;
use super::{Denied, Inner, Mode, Text, TextKind};
use crate::fault::{Cause, Fault};
use crate::sumdb;
use crate::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest, VersionInfo, list};
use crate::sumdb::module::{ModulePath, Version};
use crate::upstream::{Asker, Busy, FailureKind, Fetched};

/// Bytes of a list at most.
const MAX_LIST_BYTES: usize = 16 << 20;

/// The answer to a request for a hint.
pub(super) async fn answer(inner: &Arc<Inner>, request: &ModuleRequest, mode: Mode) -> Result<Text, Denied> {
    let route = Route::to(inner, request.module())?;
    let path = request.to_string();
    let hint = inner.cached_hint(request, route);
    if let Some(hint) = &hint
        && hint.age < inner.options.freshness
        && hint.is_from(route)
    {
        inner.counters.count(Event::Fresh);
        return Ok(text(request, hint.bytes.clone(), inner.options.freshness - hint.age, false));
    }
    if mode.cached_only {
        let local = inner.local_answer(request, route, hint.as_ref());
        return local.ok_or_else(|| Denied::NotCached(format!("not cached here: {path}")));
    }
    if let Some(denied) = inner.absences.recent(&path) {
        inner.counters.count(Event::Repeated);
        return Err(denied);
    }
    let ask = |asker: Asker, _| {
        let (inner, request) = (Arc::clone(inner), request.clone());
        async move {
            let _slot = inner.questions.enter(&asker).await.map_err(|busy| busy.fault("answers of module proxies"))?;
            // Boxed: a request that waits for a slot takes no room for what comes after.
            Box::pin(asker.admitted().scope(ask(&inner, &request, hint))).await
        }
    };
    inner.hints.join(&path, mode.peer, ask).await.unwrap_or_else(|ended| Err(ended.of(&path)))
}

fn text(request: &ModuleRequest, bytes: Bytes, keep: Duration, stale: bool) -> Text {
    let kind = if matches!(request, ModuleRequest::List(_)) { TextKind::List } else { TextKind::Info };
    Text { bytes, kind, keep, stale }
}

/// Asks the upstreams in order; `hint` is an earlier answer of one of them.
async fn ask(inner: &Arc<Inner>, request: &ModuleRequest, hint: Option<CachedHint>) -> Result<Text, Denied> {
    let route = Route::to(inner, request.module())?;
    let (proxies, path) = (route.proxies(), request.to_string());
    let limit = if matches!(request, ModuleRequest::List(_)) { MAX_LIST_BYTES } else { MAX_INFO_BYTES };
    let (mut absent, mut failed, mut causes) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..proxies.len() {
        match proxies.fetch(at, request, limit).await {
            Ok(Fetched::Missing(why)) => absent.push(format!("{}: {why}", proxies.name(at))),
            Ok(Fetched::Body(bytes, _)) => match inner.read(request, &bytes, route).await {
                Ok(bytes) => {
                    inner.cache_hint(request, route, &bytes, proxies.name(at));
                    return Ok(text(request, bytes, inner.options.freshness, false));
                }
                Err(error) => {
                    proxies.refute(at, &error.to_string());
                    failed.push(format!("{}: {error}", proxies.name(at)));
                    causes.push(Cause::Upstream);
                }
            },
            Err(failure) if failure.kind == FailureKind::QueueFull => return Err(Busy.fault(&failure.source).into()),
            Err(failure) => {
                inner.counters.count(Event::Failure);
                causes.push(failure.kind.cause());
                failed.push(failure.to_string());
                if !proxies.goes_on(at, &failure) {
                    break;
                }
            }
        }
    }
    if let Some(text) = inner.without_upstreams(request, route, hint.as_ref(), !failed.is_empty()).await {
        return Ok(text);
    }
    if failed.is_empty() && !absent.is_empty() {
        let denied = Denied::NotFound(format!("not found: {path}: {}", absent.join("; ")));
        inner.absences.note(&path, &denied);
        return Err(denied);
    }
    failed.extend(absent);
    let why = if failed.is_empty() { "there is no upstream to ask".to_owned() } else { failed.join("; ") };
    Err(match Cause::of_several(causes) {
        Cause::Disk => Fault::disk(inner.folder.root().display().to_string(), format!("{path}: {why}")),
        cause => Fault::unavailable(cause, path, why),
    }
    .into())
}

impl Inner {
    /// An upstream's answer, parsed and serialised again; a list of a public module with the versions of the log added.
    async fn read(self: &Arc<Inner>, request: &ModuleRequest, bytes: &[u8], route: Route<'_>) -> sumdb::Result<Bytes> {
        let (ModuleRequest::List(module), Route::Public(_)) = (request, route) else {
            return normalise(request, bytes);
        };
        let mut versions = list::read(module, bytes)?;
        versions.extend(list::logged(module, self.logged(module).await));
        Ok(list::write(&versions).into())
    }

    /// The versions of a module that the full log has; none where it is not held, or cannot be read.
    async fn logged(self: &Arc<Inner>, module: &ModulePath) -> Vec<Version> {
        let (inner, module) = (Arc::clone(self), module.clone());
        let versions = tokio::task::spawn_blocking(move || inner.relay.versions(&module)).await;
        match versions {
            Ok(Ok(versions)) => versions,
            Ok(Err(fault)) => {
                tracing::warn!("{fault}");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// A local answer: an earlier one that is not too old, or what the store knows.
    fn local_answer(&self, request: &ModuleRequest, route: Route<'_>, hint: Option<&CachedHint>) -> Option<Text> {
        let old = hint.filter(|hint| hint.age < self.options.stale).map(|hint| hint.bytes.clone());
        let bytes = old.or_else(|| self.of_stored_zip(request, route, hint))?;
        Some(text(request, bytes, Duration::ZERO, true))
    }

    /// The answer when no upstream gave one: an earlier answer, the log's, the store's. If no upstream failed (`some_failed`), all
    /// of them say that it does not exist, and an earlier answer does not count.
    async fn without_upstreams(
        self: &Arc<Inner>,
        request: &ModuleRequest,
        route: Route<'_>,
        hint: Option<&CachedHint>,
        some_failed: bool,
    ) -> Option<Text> {
        if let Some(hint) = hint.filter(|hint| some_failed && hint.age < self.options.stale) {
            self.counters.count(Event::Stale);
            return Some(text(request, hint.bytes.clone(), Duration::ZERO, true));
        }
        let bytes = match (request, route) {
            (ModuleRequest::List(module), Route::Public(_)) => {
                let logged = self.logged(module).await;
                (!logged.is_empty()).then(|| list::write(&list::logged(module, logged)).into())?
            }
            (ModuleRequest::Latest(module), Route::Public(_)) => {
                let logged = self.logged(module).await;
                VersionInfo::named(list::newest(&logged)?.clone()).to_json().into()
            }
            _ => self.of_stored_zip(request, route, hint)?,
        };
        Some(text(request, bytes, self.options.freshness, true))
    }
}
