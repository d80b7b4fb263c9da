//! What nobody can prove: lists, newest versions, and what a version or a branch stands for. An upstream's answer is read, written
//! anew, kept for a while (`kept`), and given when it is old where no upstream can be had; what the log or the store can say,
//! they say.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::counts::Event;
use super::expected::Road;
use super::kept::{Kept, understood};
use super::{Denied, Inner, Manner, Text, TextKind};
use crate::fault::{Cause, Fault};
use crate::sumdb;
use crate::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest, VersionInfo, list};
use crate::sumdb::module::{ModulePath, Version};
use crate::upstream::{Asker, Busy, FailureKind, Fetched};

/// Bytes of a list at most.
const MAX_LIST_BYTES: usize = 16 << 20;

/// The answer to a question about what cannot be proven.
pub(super) async fn answer(inner: &Arc<Inner>, asked: &ModuleRequest, manner: Manner) -> Result<Text, Denied> {
    let road = Road::to(inner, asked.module())?;
    let path = asked.to_string();
    let kept = inner.kept(asked, road);
    if let Some(kept) = &kept
        && kept.age < inner.options.freshness
        && kept.is_from(road)
    {
        inner.counters.count(Event::Fresh);
        return Ok(text(asked, kept.bytes.clone(), inner.options.freshness - kept.age, false));
    }
    if manner.cached_only {
        let held = inner.held(asked, road, kept.as_ref());
        return held.ok_or_else(|| Denied::NotCached(format!("not cached here: {path}")));
    }
    if let Some(denied) = inner.absences.recent(&path) {
        inner.counters.count(Event::Repeated);
        return Err(denied);
    }
    let ask = |asker: Asker, _| {
        let (inner, asked) = (Arc::clone(inner), asked.clone());
        async move {
            let _slot = inner.questions.enter(&asker).await.map_err(|busy| busy.fault("answers of module proxies"))?;
            // Boxed: a request that waits for a slot takes no room for what comes after.
            Box::pin(asker.admitted().scope(ask(&inner, &asked, kept))).await
        }
    };
    inner.hints.join(&path, manner.peer, ask).await.unwrap_or_else(|ended| Err(ended.of(&path)))
}

fn text(asked: &ModuleRequest, bytes: Bytes, keep: Duration, stale: bool) -> Text {
    let kind = if matches!(asked, ModuleRequest::List(_)) { TextKind::List } else { TextKind::Info };
    Text { bytes, kind, keep, stale }
}

/// Asks the upstreams in order; `kept` is what one of them said some time ago.
async fn ask(inner: &Arc<Inner>, asked: &ModuleRequest, kept: Option<Kept>) -> Result<Text, Denied> {
    let road = Road::to(inner, asked.module())?;
    let (proxies, path) = (road.proxies(), asked.to_string());
    let limit = if matches!(asked, ModuleRequest::List(_)) { MAX_LIST_BYTES } else { MAX_INFO_BYTES };
    let (mut absent, mut failed, mut causes) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..proxies.len() {
        match proxies.fetch(at, asked, limit).await {
            Ok(Fetched::Missing(why)) => absent.push(format!("{}: {why}", proxies.name(at))),
            Ok(Fetched::Body(bytes, _)) => match inner.read(asked, &bytes, road).await {
                Ok(bytes) => {
                    inner.keep(asked, road, &bytes, proxies.name(at));
                    return Ok(text(asked, bytes, inner.options.freshness, false));
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
    if let Some(text) = inner.without_upstreams(asked, road, kept.as_ref(), !failed.is_empty()).await {
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
    /// What an upstream's answer means, written anew; a list of a public module with what the log has besides.
    async fn read(self: &Arc<Inner>, asked: &ModuleRequest, bytes: &[u8], road: Road<'_>) -> sumdb::Result<Bytes> {
        let (ModuleRequest::List(module), Road::Public(_)) = (asked, road) else { return understood(asked, bytes) };
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

    /// What is held without asking: an earlier answer that is not too old, or what the store knows.
    fn held(&self, asked: &ModuleRequest, road: Road<'_>, kept: Option<&Kept>) -> Option<Text> {
        let old = kept.filter(|kept| kept.age < self.options.stale).map(|kept| kept.bytes.clone());
        let bytes = old.or_else(|| self.of_stored_zip(asked, road, kept))?;
        Some(text(asked, bytes, Duration::ZERO, true))
    }

    /// The answer where no upstream gave one: what one said earlier, what the log says, what the store knows. Where none of them
    /// failed (`some_failed`), all say that there is no such thing, whatever one said earlier.
    async fn without_upstreams(
        self: &Arc<Inner>,
        asked: &ModuleRequest,
        road: Road<'_>,
        kept: Option<&Kept>,
        some_failed: bool,
    ) -> Option<Text> {
        if let Some(kept) = kept.filter(|kept| some_failed && kept.age < self.options.stale) {
            self.counters.count(Event::Stale);
            return Some(text(asked, kept.bytes.clone(), Duration::ZERO, true));
        }
        let bytes = match (asked, road) {
            (ModuleRequest::List(module), Road::Public(_)) => {
                let logged = self.logged(module).await;
                (!logged.is_empty()).then(|| list::write(&list::logged(module, logged)).into())?
            }
            (ModuleRequest::Latest(module), Road::Public(_)) => {
                let logged = self.logged(module).await;
                VersionInfo::named(list::newest(&logged)?.clone()).to_json().into()
            }
            _ => self.of_stored_zip(asked, road, kept)?,
        };
        Some(text(asked, bytes, self.options.freshness, true))
    }
}
