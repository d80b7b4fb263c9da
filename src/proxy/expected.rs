//! The hash that a file must have: that of its record in the log; of a private module, that of its first download.

use super::{DIRECT, Denied, Inner, RefusalCause, Upstreams};
use crate::fault::Fault;
use crate::relay::{LookupAnswer, Recorded};
use crate::store::modules::Tree;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::{ModulePath, ModuleVersion};
use crate::upstream::{Proxies, spans};

/// What a file must hash to, and on which authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// the record with this number, in a tree of that many records
    Recorded { hash: SumHash, id: u64, size: u64 },
    /// the hash of the first download
    Pinned(SumHash),
    /// any: this is the first download
    First,
}

/// Which upstreams a module may be requested from.
#[derive(Clone, Copy)]
pub(super) enum Route<'a> {
    /// public ones: the log proves it
    Public(&'a Proxies),
    /// private ones and no others
    Private(&'a Proxies),
}

impl Expected {
    /// The hash, where there is one.
    pub(super) fn hash(&self) -> Option<&SumHash> {
        match self {
            Expected::Recorded { hash, .. } | Expected::Pinned(hash) => Some(hash),
            Expected::First => None,
        }
    }
}

impl<'a> Route<'a> {
    /// The route to a module that no rule has another for; `private` is the pattern that makes it private.
    ///
    /// # Errors
    /// It is private, and no upstream is set for such modules.
    pub(super) fn without_rules(
        upstreams: &'a Upstreams,
        module: &ModulePath,
        private: Option<&str>,
    ) -> Result<Route<'a>, Denied> {
        let Some(pattern) = private else { return Ok(Route::Public(&upstreams.public)) };
        upstreams.private.as_ref().map(Route::Private).ok_or_else(|| {
            let lines = vec![
                format!("{module} is private here:"),
                format!("it matches the pattern {pattern}, and no upstream is set for such modules."),
                "Set GOPRIVATE so that go asks elsewhere, or --private-proxy on this server.".to_owned(),
            ];
            Denied::Refused(RefusalCause::Private, lines)
        })
    }

    /// Whether something may be brought that nobody asked for: a public module, from servers alone.
    pub(super) fn may_read_ahead(self) -> bool {
        matches!(self, Route::Public(proxies) if is_served(proxies))
    }

    /// The tree that its files are in.
    pub(super) fn tree(self) -> Tree {
        match self {
            Route::Public(_) => Tree::Proven,
            Route::Private(_) => Tree::FirstUse,
        }
    }

    /// Who is asked.
    pub(super) fn proxies(self) -> &'a Proxies {
        match self {
            Route::Public(proxies) | Route::Private(proxies) => proxies,
        }
    }

    /// What a file must be, of a module on this route.
    pub(super) async fn expected(self, inner: &Inner, module: &ModuleVersion, kind: Kind) -> Result<Expected, Denied> {
        match self {
            Route::Private(_) => {
                let pinned = inner.modules.pin(module, kind)?;
                Ok(pinned.map_or(Expected::First, Expected::Pinned))
            }
            Route::Public(_) => {
                let about = || vec![("gosumcheck.module", module.to_string())];
                spans::within("lookup", about, recorded(inner, module, kind)).await
            }
        }
    }
}

/// Whether only servers are asked, and folders besides.
fn is_served(proxies: &Proxies) -> bool {
    !proxies.is_local() && (0..proxies.len()).all(|at| proxies.name(at) != DIRECT)
}

async fn recorded(inner: &Inner, module: &ModuleVersion, kind: Kind) -> Result<Expected, Denied> {
    let name = inner.relay.name();
    match inner.relay.record(module).await? {
        LookupAnswer::Found(Recorded { record, size }) => match record.hash(kind) {
            hash @ SumHash::H1(_) => Ok(Expected::Recorded { hash: hash.clone(), id: record.id(), size }),
            SumHash::Unknown { algorithm, .. } => {
                let lines = vec![
                    format!("{module}: {name} has a hash of the kind {algorithm},"),
                    "which cannot be checked here; nothing unproven is given.".to_owned(),
                ];
                Err(Denied::Refused(RefusalCause::UnknownHash, lines))
            }
        },
        LookupAnswer::NotInLog { by } => {
            Err(Denied::NotFound(format!("not found: {module} is not in {name}: {}", by.join("; "))))
        }
        LookupAnswer::Private { pattern } => {
            let lines = vec![
                format!("{module} matches the private pattern {pattern}"),
                "and is looked up in no checksum database.".to_owned(),
            ];
            Err(Denied::Refused(RefusalCause::Private, lines))
        }
        // A record that is not held here may well be in the log.
        LookupAnswer::NotHeld(why) => Err(Fault::nobody(name, format!("{module} cannot be proven now: {why}")).into()),
    }
}
