//! Cached hints: earlier answers of upstreams, and what the store knows of a version whose zip it has.
//!
//! The journal has them all, each under the policy by which it was got ([`Scope`]), so that none answers under another. Beside a
//! stored zip its `.info` is kept too, and of a public module the list of the versions that are here, for clients that read the
//! folder as `GOPROXY=file://DATA/modules`, and for the time when no upstream can be had and the journal has forgotten. All are
//! read by the parser that upstreams' answers go through: neither what an earlier version stored nor what a power cut left is
//! given as it is.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::expected::Route;
use super::{Denied, Inner, Proxy, stored};
use crate::fault::Fault;
use crate::store::failures::WriteKind;
use crate::store::journal::{Hint, Scope};
use crate::sumdb;
use crate::sumdb::goproxy::{ModuleRequest, VersionInfo, list};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Absences that one process keeps: a tenth of the hints for which there is room.
const MAX_ABSENCES: usize = 10_000;

/// An answer that an upstream gave earlier.
pub(super) struct CachedHint {
    /// in normal form
    pub(super) bytes: Bytes,
    pub(super) age: Duration,
    from: String,
}

impl CachedHint {
    /// Whether the upstream that gave it is still asked. One that was removed from the settings may have sent false answers.
    pub(super) fn is_from(&self, route: Route<'_>) -> bool {
        let proxies = route.proxies();
        (0..proxies.len()).any(|at| proxies.name(at) == self.from)
    }
}

/// An answer in normal form: parsed, and serialised again.
pub(super) fn normalise(request: &ModuleRequest, bytes: &[u8]) -> sumdb::Result<Bytes> {
    match request {
        ModuleRequest::List(module) => Ok(list::write(&list::read(module, bytes)?).into()),
        _ => Ok(VersionInfo::parse(request, bytes)?.to_json().into()),
    }
}

impl Proxy {
    /// Keeps what `from`, which is called so in messages, says of a module version, as an upstream's answer is kept; without `from`,
    /// only looks at it. Gives whether that is known already.
    ///
    /// # Errors
    /// A rule refuses the module version; or what is wrong with the bytes.
    pub fn keep_answer(
        &self,
        module: &ModuleVersion,
        bytes: &[u8],
        from: Option<&str>,
    ) -> Result<sumdb::Result<bool>, Denied> {
        let request = ModuleRequest::Info(module.clone());
        let policy = self.inner.policy.now();
        let route = policy.route_of(&request)?;
        Ok(normalise(&request, bytes).map(|bytes| {
            let is_known = self.inner.knows_info(module, route, &bytes);
            if let (Some(from), false) = (from, is_known) {
                self.inner.cache_hint(&request, route, &bytes, from);
            }
            is_known
        }))
    }
}

impl Inner {
    /// The name of a hint in the journal.
    fn key(&self, request: &ModuleRequest, route: Route<'_>) -> String {
        let path = request.to_string();
        match route {
            Route::Public(_) => Scope::Public(&self.vkey).key(&path),
            Route::Private(_) => Scope::Private.key(&path),
        }
    }

    /// An earlier answer of an upstream. A journal that cannot be read counts as empty, and an entry that does not answer the
    /// request as missing.
    pub(super) fn cached_hint(&self, request: &ModuleRequest, route: Route<'_>) -> Option<CachedHint> {
        let warn = |error: &dyn std::fmt::Display| tracing::warn!("{error}");
        let unread = |fault: &Fault| self.folder.note_failure(WriteKind::Hint, fault);
        let hint = self.journal.hint(&self.key(request, route)).inspect_err(unread).ok()??;
        let bytes = normalise(request, &hint.bytes).inspect_err(|error| warn(error)).ok()?;
        // An answer from the future counts as too old: the clock was set back.
        let age = SystemTime::now().duration_since(hint.fetched).unwrap_or(Duration::MAX);
        Some(CachedHint { bytes, age, from: hint.from })
    }

    /// Whether just this is known of a module version: beside its zip, where that is here.
    fn knows_info(&self, module: &ModuleVersion, route: Route<'_>, bytes: &Bytes) -> bool {
        if self.has_zip(module, route) {
            return matches!(self.modules.read_info(route.tree(), module), Ok(Some(kept)) if kept == *bytes);
        }
        self.cached_hint(&ModuleRequest::Info(module.clone()), route).is_some_and(|hint| hint.bytes == *bytes)
    }

    /// Caches an upstream's answer in normal form, in place of an earlier one.
    pub(super) fn cache_hint(&self, request: &ModuleRequest, route: Route<'_>, bytes: &Bytes, from: &str) {
        let hint = Hint { bytes: bytes.clone(), from: from.to_owned(), fetched: SystemTime::now() };
        if let Err(fault) = self.journal.keep_hint(&self.key(request, route), &hint) {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
        if let ModuleRequest::Info(module) = request
            && self.has_zip(module, route)
        {
            self.write_info(module, route, bytes);
        }
    }

    /// Keeps that every upstream said that there is no such thing, in these words, for the time when none can be asked. Clients choose
    /// the paths, so only so many are kept, and other hints stay.
    pub(super) fn cache_absence(&self, request: &ModuleRequest, route: Route<'_>, words: &str) {
        if self.absences_kept.fetch_add(1, Ordering::Relaxed) >= MAX_ABSENCES {
            return;
        }
        let bytes = Bytes::copy_from_slice(words.as_bytes());
        let hint = Hint { bytes, from: String::new(), fetched: SystemTime::now() };
        if let Err(fault) = self.journal.keep_hint(&self.absence_key(request, route), &hint) {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
    }

    /// The words in which every upstream said earlier that there is no such thing; none if that is too old, nobody did, or `hint`
    /// says otherwise since then.
    pub(super) fn old_absence(
        &self,
        request: &ModuleRequest,
        route: Route<'_>,
        hint: Option<&CachedHint>,
    ) -> Option<String> {
        let unread = |fault: &Fault| self.folder.note_failure(WriteKind::Hint, fault);
        let kept = self.journal.hint(&self.absence_key(request, route)).inspect_err(unread).ok()??;
        let age = SystemTime::now().duration_since(kept.fetched).unwrap_or(Duration::MAX);
        let words = String::from_utf8(kept.bytes.to_vec()).ok()?;
        (age < self.options.stale && hint.is_none_or(|hint| hint.age > age)).then_some(words)
    }

    /// The name of an absence in the journal: no path has a space.
    fn absence_key(&self, request: &ModuleRequest, route: Route<'_>) -> String {
        format!("{} absent", self.key(request, route))
    }

    /// The zip of a module version has just been proven: the cached answer about the version is stored beside it from now on. Where none
    /// is cached, or one that knows no time, what was stored before and knows one stays: a file that is fetched again, by a repair too,
    /// must not cost what nobody may be able to say any more. The version is listed.
    pub(super) fn keep_info(&self, module: &ModuleVersion, route: Route<'_>) {
        let hint = self.cached_hint(&ModuleRequest::Info(module.clone()), route);
        let knows_time = |bytes: &[u8]| VersionInfo::of_module(module, bytes).is_ok_and(|info| info.time().is_some());
        let is_known =
            || self.modules.read_info(route.tree(), module).ok().flatten().is_some_and(|kept| knows_time(&kept));
        match hint {
            Some(hint) if knows_time(&hint.bytes) => self.write_info(module, route, &hint.bytes),
            _ if is_known() => {}
            Some(hint) => self.write_info(module, route, &hint.bytes),
            None => self.write_info(module, route, named(module).to_json().as_bytes()),
        }
        self.list_stored(module, route);
    }

    /// Writes down which versions of a public module are here.
    pub(super) fn list_stored(&self, module: &ModuleVersion, route: Route<'_>) {
        if let Route::Public(_) = route
            && let Err(fault) = self.modules.write_list(module.path())
        {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
    }

    /// What is known of a version because its zip is here: an upstream's answer of any age; the `.info` beside the zip; or the
    /// version alone.
    pub(super) fn of_stored_zip(
        &self,
        request: &ModuleRequest,
        route: Route<'_>,
        hint: Option<&CachedHint>,
    ) -> Option<Bytes> {
        let ModuleRequest::Info(module) = request else { return None };
        if !self.has_zip(module, route) {
            return None;
        }
        if let Some(hint) = hint {
            return Some(hint.bytes.clone());
        }
        let stored =
            self.modules.read_info(route.tree(), module).inspect_err(|fault| tracing::warn!("{fault}")).ok().flatten();
        let parsed = stored.map(|bytes| VersionInfo::of_module(module, &bytes));
        let info = match parsed {
            Some(Ok(info)) => info,
            Some(Err(error)) => {
                tracing::warn!("what is stored about {module} is replaced: {error}");
                named(module)
            }
            None => named(module),
        };
        self.write_info(module, route, info.to_json().as_bytes());
        // A file does not say by which policy it was got. A time gives nothing away; a repository's address might.
        Some(info.without_origin().to_json().into())
    }

    /// Best effort: it can be fetched again.
    fn write_info(&self, module: &ModuleVersion, route: Route<'_>, bytes: &[u8]) {
        if let Err(fault) = self.modules.write_info(route.tree(), module, bytes) {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
    }

    /// Whether the zip of a module version would be served now without a request to an upstream, if its bytes are what they were.
    fn has_zip(&self, module: &ModuleVersion, route: Route<'_>) -> bool {
        stored::is_held(self, route, module, Kind::Zip)
    }
}

/// What the name alone says of a version.
fn named(module: &ModuleVersion) -> VersionInfo {
    VersionInfo::named(module.version().clone())
}
