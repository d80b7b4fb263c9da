//! What nobody can prove: lists, newest versions, and what a version or a branch stands for. An upstream's answer is read, written
//! anew, kept for a while (`kept`), and given when it is old where no upstream can be had; what the log or the store can say,
//! they say.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::attempts::Attempts;
use super::counts::Event;
use super::expected::Road;
use super::kept::{Kept, understood};
use super::{Denied, Inner, Manner, Text, TextKind, stored};
use crate::sumdb;
use crate::sumdb::goproxy::{Asked, MAX_INFO_BYTES, VersionInfo, list};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::upstream::{Asker, Busy, FailureKind, Fetched};

/// Bytes of a list at most.
const MAX_LIST_BYTES: usize = 16 << 20;

/// The answer to a question about what cannot be proven.
pub(super) async fn answer(inner: &Arc<Inner>, asked: &Asked, manner: Manner) -> Result<Text, Denied> {
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
        let held = inner.held(asked, road, kept.as_ref()).await;
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

fn text(asked: &Asked, bytes: Bytes, keep: Duration, stale: bool) -> Text {
    let kind = if matches!(asked, Asked::List(_)) { TextKind::List } else { TextKind::Info };
    Text { bytes, kind, keep, stale }
}

/// Asks the upstreams in order; `kept` is what one of them said some time ago.
async fn ask(inner: &Arc<Inner>, asked: &Asked, kept: Option<Kept>) -> Result<Text, Denied> {
    let road = Road::to(inner, asked.module())?;
    let (proxies, path) = (road.proxies(), asked.to_string());
    let limit = if matches!(asked, Asked::List(_)) { MAX_LIST_BYTES } else { MAX_INFO_BYTES };
    let mut attempts = Attempts::default();
    for at in 0..proxies.len() {
        match proxies.fetch(at, asked, limit).await {
            Ok(Fetched::Missing(why)) => attempts.absent(proxies.name(at), &why),
            Ok(Fetched::Body(bytes, _)) => match inner.read(asked, &bytes, road).await {
                Ok(bytes) => {
                    inner.keep(asked, road, &bytes, proxies.name(at));
                    return Ok(text(asked, bytes, inner.options.freshness, false));
                }
                Err(error) => {
                    proxies.refute(at, &error.to_string());
                    attempts.malformed(proxies.name(at), &error.to_string());
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
    if let Some(text) = inner.without_upstreams(asked, road, kept.as_ref(), &attempts).await {
        return Ok(text);
    }
    let is_final = !attempts.may_change();
    let denied = attempts.conclude(&path, inner.folder.root());
    if is_final && matches!(denied, Denied::NotFound(_) | Denied::Refused(_)) {
        inner.absences.note(&path, &denied);
    }
    Err(denied)
}

impl Inner {
    /// What an upstream's answer means, written anew; a list of a public module with what the log has besides, and one that only
    /// folders were asked for with what is held here.
    async fn read(self: &Arc<Inner>, asked: &Asked, bytes: &[u8], road: Road<'_>) -> sumdb::Result<Bytes> {
        let Asked::List(module) = asked else { return understood(asked, bytes) };
        let mut versions = list::read(module, bytes)?;
        if road.proxies().is_local() {
            versions.extend(list::tagged(module, self.held_versions(module).await));
        } else if let Road::Public(_) = road {
            versions.extend(list::tagged(module, self.logged(module).await));
        }
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
    async fn held(self: &Arc<Inner>, asked: &Asked, road: Road<'_>, kept: Option<&Kept>) -> Option<Text> {
        let old = kept.filter(|kept| kept.age < self.options.stale).map(|kept| kept.bytes.clone());
        let bytes = match old {
            Some(bytes) => bytes,
            None => self.stored(asked, road, kept).await?,
        };
        Some(text(asked, bytes, Duration::ZERO, true))
    }

    /// The answer where no upstream gave one.
    ///
    /// Where nobody could be asked, what is held here counts: a version that is not could not be had. Where some failed, what one
    /// of them said earlier does, else what the log says: of what is held the newest may be an old one. Where all say that there is no
    /// such thing, it is what they say; but the log knows better, and of a version whose zip is here the store.
    async fn without_upstreams(
        self: &Arc<Inner>,
        asked: &Asked,
        road: Road<'_>,
        kept: Option<&Kept>,
        attempts: &Attempts,
    ) -> Option<Text> {
        let stale = |bytes| Some(text(asked, bytes, Duration::ZERO, true));
        if attempts.is_refused() && !matches!(asked, Asked::Info(_)) {
            return None;
        }
        if road.proxies().is_local()
            && let Some(bytes) = self.stored(asked, road, kept).await
        {
            return stale(bytes);
        }
        // Of a module that is not held nothing is claimed where nobody is asked.
        let is_one = !matches!(asked, Asked::List(_) | Asked::Latest(_));
        let may_change = attempts.may_change() || is_one && road.proxies().is_local();
        if let Some(kept) = kept.filter(|kept| may_change && !attempts.is_refused() && kept.age < self.options.stale) {
            self.counters.count(Event::Stale);
            return stale(kept.bytes.clone());
        }
        if let Road::Public(_) = road
            && let Some(bytes) = self.of_log(asked).await
        {
            return Some(text(asked, bytes, self.options.freshness, true));
        }
        match asked {
            Asked::Info(_) => {
                let bytes = self.stored(asked, road, kept).await?;
                Some(text(asked, bytes, self.options.freshness, true))
            }
            _ => None,
        }
    }

    /// What the full log says; nothing where it is not held, or has no such module.
    async fn of_log(self: &Arc<Inner>, asked: &Asked) -> Option<Bytes> {
        match asked {
            Asked::List(module) => {
                let logged = self.logged(module).await;
                (!logged.is_empty()).then(|| list::write(&list::tagged(module, logged)).into())
            }
            Asked::Latest(module) => {
                let logged = self.logged(module).await;
                Some(VersionInfo::named(list::newest(&logged)?.clone()).to_json().into())
            }
            _ => None,
        }
    }

    /// What the store says: the versions that are here, the newest of them, and what is kept about one whose zip is here. Nothing of
    /// a module of which nothing is here.
    async fn stored(self: &Arc<Inner>, asked: &Asked, road: Road<'_>, kept: Option<&Kept>) -> Option<Bytes> {
        match asked {
            Asked::List(module) => {
                let held = self.held_versions(module).await;
                (!held.is_empty()).then(|| list::write(&list::tagged(module, held)).into())
            }
            Asked::Latest(module) => {
                let held = self.held_versions(module).await;
                let newest = ModuleVersion::pair(module.clone(), list::newest(&held)?.clone()).ok()?;
                let asked = Asked::Info(newest.clone());
                let known = self.of_stored_zip(&asked, road, self.kept(&asked, road).as_ref());
                Some(known.unwrap_or_else(|| VersionInfo::named(newest.version().clone()).to_json().into()))
            }
            _ => self.of_stored_zip(asked, road, kept),
        }
    }

    /// The versions of a module that can be given without asking anybody.
    async fn held_versions(self: &Arc<Inner>, module: &ModulePath) -> Vec<Version> {
        let (inner, module) = (Arc::clone(self), module.clone());
        let held = tokio::task::spawn_blocking(move || {
            Road::to(&inner, &module).map(|road| stored::versions(&inner, road, &module)).unwrap_or_default()
        });
        held.await.unwrap_or_default()
    }
}
