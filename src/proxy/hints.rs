//! What nobody can prove: lists, newest versions, and what a version or a branch stands for. An upstream's word is kept for a
//! while, and given when it is old where no upstream can be had; what the log or the store can say, they say.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Deserialize;

use super::counts::Event;
use super::expected::Road;
use super::{Denied, Inner, Keep, Manner, Text, TextKind, list};
use crate::fault::Fault;
use crate::store::failures::WriteKind;
use crate::store::journal::Hint;
use crate::sumdb;
use crate::sumdb::goproxy::Asked;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::upstream::{FailureKind, Fetched};

/// Bytes of a list at most.
const MAX_LIST_BYTES: usize = 16 << 20;
/// Bytes of an `.info` at most: they have some 300.
const MAX_INFO_BYTES: usize = 1 << 20;

/// What an `.info` says, as far as anybody here needs it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    version: String,
}

/// The answer to a question about what cannot be proven.
pub(super) async fn answer(inner: &Arc<Inner>, asked: &Asked, manner: Manner) -> Result<Text, Denied> {
    if let Asked::Info(module) = asked
        && let Some(bytes) = inner.modules.read_info(module)?
        // What a power cut left is asked for again.
        && let Ok(bytes) = read_info(asked, bytes)
    {
        inner.counters.count(Event::Hit);
        return Ok(text(asked, bytes, Keep::ForEver, false));
    }
    let path = asked.to_string();
    let kept = inner.hint(&path);
    if let Some((hint, age)) = &kept
        && *age < inner.options.freshness
    {
        inner.counters.count(Event::Fresh);
        return Ok(text(asked, hint.bytes.clone(), Keep::For(inner.options.freshness - *age), false));
    }
    if manner.cached_only {
        let old = kept.filter(|(_, age)| *age < inner.options.stale).map(|(hint, _)| hint.bytes);
        let old = old.map(|bytes| text(asked, bytes, Keep::For(Duration::ZERO), true));
        return old.or_else(|| inner.known(asked)).ok_or_else(|| Denied::NotCached(format!("not cached here: {path}")));
    }
    if let Some(denied) = inner.absences.recent(&path) {
        inner.counters.count(Event::Repeated);
        return Err(denied);
    }
    let ask = || {
        let (inner, asked) = (Arc::clone(inner), asked.clone());
        async move { ask(&inner, &asked, kept).await }
    };
    let died = || Denied::Fault(Fault::unavailable(path.as_str(), "asking ended without a result"));
    inner.hints.join(&path, ask).await.unwrap_or_else(|| Err(died()))
}

fn text(asked: &Asked, bytes: Bytes, keep: Keep, stale: bool) -> Text {
    let kind = if matches!(asked, Asked::List(_)) { TextKind::List } else { TextKind::Info };
    Text { bytes, kind, keep, stale }
}

/// Asks the upstreams in order; `kept` is what one of them said some time ago.
async fn ask(inner: &Arc<Inner>, asked: &Asked, kept: Option<(Hint, Duration)>) -> Result<Text, Denied> {
    let road = Road::to(inner, asked.module())?;
    let (proxies, path) = (road.proxies(), asked.to_string());
    let limit = if matches!(asked, Asked::List(_)) { MAX_LIST_BYTES } else { MAX_INFO_BYTES };
    let (mut absent, mut failed, mut is_our_disk) = (Vec::new(), Vec::new(), false);
    for at in 0..proxies.len() {
        match proxies.fetch(at, asked, limit).await {
            Ok(Fetched::Missing(why)) => absent.push(format!("{}: {why}", proxies.name(at))),
            Ok(Fetched::Body(bytes, _)) => match inner.read(asked, bytes, road).await {
                Ok(bytes) => {
                    let hint = Hint { bytes, from: proxies.name(at).to_owned(), fetched: SystemTime::now() };
                    return Ok(inner.keep(asked, &path, hint));
                }
                Err(error) => {
                    proxies.refute(at, &error.to_string());
                    failed.push(format!("{}: {error}", proxies.name(at)));
                }
            },
            Err(failure) => {
                inner.counters.count(Event::Failure);
                is_our_disk |= failure.kind == FailureKind::Disk;
                failed.push(failure.to_string());
                if !proxies.goes_on(at, &failure) {
                    break;
                }
            }
        }
    }
    if let Some(text) = inner.without_upstreams(asked, kept.filter(|_| !failed.is_empty()), road).await {
        return Ok(text);
    }
    if failed.is_empty() && !absent.is_empty() {
        let denied = Denied::NotFound(format!("not found: {path}: {}", absent.join("; ")));
        inner.absences.note(path, &denied);
        return Err(denied);
    }
    failed.extend(absent);
    let why = if failed.is_empty() { "there is no upstream to ask".to_owned() } else { failed.join("; ") };
    Err(if is_our_disk { Fault::disk(path, why) } else { Fault::unavailable(path, why) }.into())
}

/// The words of an `.info`, if they answer the question.
fn read_info(asked: &Asked, bytes: Vec<u8>) -> sumdb::Result<Bytes> {
    let malformed = |why: String| sumdb::Error::malformed(asked.to_string(), why);
    let told: Info = serde_json::from_slice(&bytes).map_err(|error| malformed(format!("no .info: {error}")))?;
    let version = Version::parse(&told.version)?;
    match asked {
        Asked::Info(module) if *module.version() != version => {
            Err(malformed(format!("it is about {version} instead of the version that was asked for")))
        }
        _ => ModuleVersion::pair(asked.module().clone(), version).map(|_| bytes.into()),
    }
}

impl Inner {
    /// What an upstream said, and how long ago. A journal that cannot be read is as good as an empty one.
    fn hint(&self, path: &str) -> Option<(Hint, Duration)> {
        let hint = self.journal.hint(path).unwrap_or_else(|fault| {
            self.folder.note_failure(WriteKind::Hint, &fault);
            None
        })?;
        // What comes from the future is as old as can be: the clock was set back.
        let age = SystemTime::now().duration_since(hint.fetched).unwrap_or(Duration::MAX);
        Some((hint, age))
    }

    /// An upstream's words, if they answer the question; a list of a public module with what the log has besides.
    async fn read(self: &Arc<Inner>, asked: &Asked, bytes: Vec<u8>, road: Road<'_>) -> sumdb::Result<Bytes> {
        let Asked::List(module) = asked else { return read_info(asked, bytes) };
        let mut versions = list::read(module, &bytes)?;
        if let Road::Public(_) = road {
            versions.extend(list::logged(module, self.logged(module).await));
        }
        Ok(list::write(&versions).into())
    }

    /// Keeps an upstream's words; gives what to answer.
    fn keep(&self, asked: &Asked, path: &str, hint: Hint) -> Text {
        if let Err(fault) = self.journal.keep_hint(path, &hint) {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
        let mut keep = Keep::For(self.options.freshness);
        if let Asked::Info(module) = asked
            && self.keep_proven_info(module, &hint.bytes)
        {
            keep = Keep::ForEver;
        }
        text(asked, hint.bytes, keep, false)
    }

    /// Where the zip is proven, there is such a version, and what is known of it is kept. Gives whether it was.
    fn keep_proven_info(&self, module: &ModuleVersion, bytes: &[u8]) -> bool {
        let is_proven = self.modules.open(module, Kind::Zip).is_ok_and(|zip| zip.is_some());
        is_proven && self.modules.write_info(module, bytes).is_ok()
    }

    /// The zip of a module version has just been proven: what was said of it lately is kept for ever.
    pub(super) fn keep_info(&self, module: &ModuleVersion) {
        let asked = Asked::Info(module.clone());
        if let Some((hint, _)) = self.hint(&asked.to_string())
            && let Err(fault) = self.modules.write_info(module, &hint.bytes)
        {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
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

    /// The answer where no upstream gave one: what one said earlier, what the log says, what the store knows.
    async fn without_upstreams(
        self: &Arc<Inner>,
        asked: &Asked,
        kept: Option<(Hint, Duration)>,
        road: Road<'_>,
    ) -> Option<Text> {
        if let Some((hint, _)) = kept.filter(|(_, age)| *age < self.options.stale) {
            self.counters.count(Event::Stale);
            return Some(text(asked, hint.bytes, Keep::For(Duration::ZERO), true));
        }
        let (Asked::List(module) | Asked::Latest(module)) = asked else { return self.known(asked) };
        let Road::Public(_) = road else { return self.known(asked) };
        let logged = self.logged(module).await;
        let bytes = match asked {
            Asked::List(_) => (!logged.is_empty()).then(|| list::write(&list::logged(module, logged)))?,
            _ => info(list::newest(&logged)?),
        };
        Some(text(asked, bytes.into(), Keep::For(self.options.freshness), true))
    }

    /// What the store alone can say: there is such a version, for its zip is here.
    fn known(&self, asked: &Asked) -> Option<Text> {
        let Asked::Info(module) = asked else { return None };
        self.modules.open(module, Kind::Zip).ok()??;
        Some(text(asked, info(module.version()).into(), Keep::For(self.options.freshness), true))
    }
}

/// The least that an `.info` can say; of a pseudo-version, with its time, which its name tells.
fn info(version: &Version) -> Vec<u8> {
    let time = version.pseudo().and_then(|pseudo| jiff::Timestamp::from_second(pseudo.unix_time()?).ok());
    let told = match time {
        Some(time) => serde_json::json!({ "Version": version.as_str(), "Time": time.to_string() }),
        None => serde_json::json!({ "Version": version.as_str() }),
    };
    told.to_string().into_bytes()
}
