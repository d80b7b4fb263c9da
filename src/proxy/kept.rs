//! Hints that are kept: what an upstream said of a question, and what the store knows of a version whose zip it has.
//!
//! The journal has them all, each under the policy by which it was got ([`Scope`]), so that none answers under another. Beside a
//! stored zip its `.info` is kept too, and of a public module the list of the versions that are here, for clients that read the
//! folder as `GOPROXY=file://DATA/modules`, and for the time when no upstream can be had and the journal has forgotten. All are read by the parser that upstreams' answers go through: neither
//! what an earlier version stored nor what a power cut left is given as it is.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::expected::Road;
use super::{Inner, stored};
use crate::fault::Fault;
use crate::store::failures::WriteKind;
use crate::store::journal::{Hint, Scope};
use crate::sumdb;
use crate::sumdb::goproxy::{Asked, VersionInfo, list};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// An answer that an upstream gave earlier.
pub(super) struct Kept {
    /// as it was understood
    pub(super) bytes: Bytes,
    pub(super) age: Duration,
    from: String,
}

impl Kept {
    /// Whether the upstream that gave it is still asked. One that was taken out of the settings may be one that lied.
    pub(super) fn is_from(&self, road: Road<'_>) -> bool {
        let proxies = road.proxies();
        (0..proxies.len()).any(|at| proxies.name(at) == self.from)
    }
}

/// What an answer means, in the one form in which it is kept and given.
pub(super) fn understood(asked: &Asked, bytes: &[u8]) -> sumdb::Result<Bytes> {
    match asked {
        Asked::List(module) => Ok(list::write(&list::read(module, bytes)?).into()),
        _ => Ok(VersionInfo::parse(asked, bytes)?.to_json().into()),
    }
}

impl Inner {
    /// The name of a hint in the journal.
    fn key(&self, asked: &Asked, road: Road<'_>) -> String {
        let path = asked.to_string();
        match road {
            Road::Public(_) => Scope::Public(&self.vkey).key(&path),
            Road::Private(_) => Scope::Private.key(&path),
        }
    }

    /// What an upstream said earlier. A journal that cannot be read is as good as an empty one, and so is what it has that is no
    /// answer to the question.
    pub(super) fn kept(&self, asked: &Asked, road: Road<'_>) -> Option<Kept> {
        let warn = |error: &dyn std::fmt::Display| tracing::warn!("{error}");
        let unread = |fault: &Fault| self.folder.note_failure(WriteKind::Hint, fault);
        let hint = self.journal.hint(&self.key(asked, road)).inspect_err(unread).ok()??;
        let bytes = understood(asked, &hint.bytes).inspect_err(|error| warn(error)).ok()?;
        // What comes from the future is as old as can be: the clock was set back.
        let age = SystemTime::now().duration_since(hint.fetched).unwrap_or(Duration::MAX);
        Some(Kept { bytes, age, from: hint.from })
    }

    /// Keeps what was understood of an upstream's answer, in place of what was kept before.
    pub(super) fn keep(&self, asked: &Asked, road: Road<'_>, bytes: &Bytes, from: &str) {
        let hint = Hint { bytes: bytes.clone(), from: from.to_owned(), fetched: SystemTime::now() };
        if let Err(fault) = self.journal.keep_hint(&self.key(asked, road), &hint) {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
        if let Asked::Info(module) = asked
            && self.has_zip(module, road)
        {
            self.write_info(module, road, bytes);
        }
    }

    /// The zip of a module version has just been proven: what an upstream said of the version stands beside it from now on, or that
    /// there is such a version, and it is listed. What stood there before may have been got under another policy, and is replaced.
    pub(super) fn keep_info(&self, module: &ModuleVersion, road: Road<'_>) {
        match self.kept(&Asked::Info(module.clone()), road) {
            Some(kept) => self.write_info(module, road, &kept.bytes),
            None => self.write_info(module, road, named(module).to_json().as_bytes()),
        }
        self.list_held(module, road);
    }

    /// Writes down which versions of a public module are here.
    pub(super) fn list_held(&self, module: &ModuleVersion, road: Road<'_>) {
        if let Road::Public(_) = road
            && let Err(fault) = self.modules.write_list(module.path())
        {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
    }

    /// What is known of a version because its zip is here: what an upstream said of it, however long ago; what stands beside the
    /// zip; or that there is such a version.
    pub(super) fn of_stored_zip(&self, asked: &Asked, road: Road<'_>, kept: Option<&Kept>) -> Option<Bytes> {
        let Asked::Info(module) = asked else { return None };
        if !self.has_zip(module, road) {
            return None;
        }
        if let Some(kept) = kept {
            return Some(kept.bytes.clone());
        }
        let stored =
            self.modules.read_info(road.tree(), module).inspect_err(|fault| tracing::warn!("{fault}")).ok().flatten();
        let parsed = stored.map(|bytes| VersionInfo::of_module(module, &bytes));
        let info = match parsed {
            Some(Ok(info)) => info,
            Some(Err(error)) => {
                tracing::warn!("what is stored about {module} is replaced: {error}");
                named(module)
            }
            None => named(module),
        };
        self.write_info(module, road, info.to_json().as_bytes());
        // A file does not say by which policy it was got. A time gives nothing away; a repository's address might.
        Some(info.without_origin().to_json().into())
    }

    /// Best effort: it can be asked for again.
    fn write_info(&self, module: &ModuleVersion, road: Road<'_>, bytes: &[u8]) {
        if let Err(fault) = self.modules.write_info(road.tree(), module, bytes) {
            self.folder.note_failure(WriteKind::Hint, &fault);
        }
    }

    /// Whether the zip of a module version would be given now without asking anybody, if it has not rotted.
    fn has_zip(&self, module: &ModuleVersion, road: Road<'_>) -> bool {
        stored::is_held(self, road, module, Kind::Zip)
    }
}

/// What a name alone says of a version.
fn named(module: &ModuleVersion) -> VersionInfo {
    VersionInfo::named(module.version().clone())
}
