//! What a file must be: what its record in the log says; of a private module, what it was when it first came.

use super::{Denied, Inner};
use crate::fault::Fault;
use crate::relay::{LookupAnswer, Recorded};
use crate::store::modules::Tree;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::{ModulePath, ModuleVersion};
use crate::upstream::Proxies;

/// What a file must hash to, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// the record with this number, in a tree of that many records
    Recorded { hash: SumHash, id: u64, size: u64 },
    /// what came the first time
    Pinned(SumHash),
    /// nothing: this is the first time
    First,
}

/// Where a module may be asked for.
#[derive(Clone, Copy)]
pub(super) enum Road<'a> {
    /// anywhere: the log proves it
    Public(&'a Proxies),
    /// here and nowhere else
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

impl<'a> Road<'a> {
    /// The road to a module.
    pub(super) fn to(inner: &'a Inner, module: &ModulePath) -> Result<Road<'a>, Denied> {
        let Some(pattern) = inner.options.private.exemption(module) else {
            return Ok(Road::Public(&inner.upstreams.public));
        };
        inner.upstreams.private.as_ref().map(Road::Private).ok_or_else(|| {
            Denied::Refused(vec![
                format!("{module} is private here:"),
                format!("it matches the pattern {pattern}, and no upstream is set for such modules."),
                "Set GOPRIVATE so that go asks elsewhere, or --private-proxy on this server.".to_owned(),
            ])
        })
    }

    /// The tree that its files are in.
    pub(super) fn tree(self) -> Tree {
        match self {
            Road::Public(_) => Tree::Proven,
            Road::Private(_) => Tree::FirstUse,
        }
    }

    /// Who is asked.
    pub(super) fn proxies(self) -> &'a Proxies {
        match self {
            Road::Public(proxies) | Road::Private(proxies) => proxies,
        }
    }

    /// What a file must be, of a module that this is the road to.
    pub(super) async fn expected(self, inner: &Inner, module: &ModuleVersion, kind: Kind) -> Result<Expected, Denied> {
        match self {
            Road::Private(_) => {
                let pinned = inner.modules.pin(module, kind)?;
                Ok(pinned.map_or(Expected::First, Expected::Pinned))
            }
            Road::Public(_) => recorded(inner, module, kind).await,
        }
    }
}

async fn recorded(inner: &Inner, module: &ModuleVersion, kind: Kind) -> Result<Expected, Denied> {
    let name = inner.relay.name();
    match inner.relay.record(module).await? {
        LookupAnswer::Found(Recorded { record, size }) => match record.hash(kind) {
            hash @ SumHash::H1(_) => Ok(Expected::Recorded { hash: hash.clone(), id: record.id(), size }),
            SumHash::Unknown { algorithm, .. } => Err(Denied::Refused(vec![
                format!("{module}: {name} has a hash of the kind {algorithm},"),
                "which cannot be checked here; nothing unproven is given.".to_owned(),
            ])),
        },
        LookupAnswer::NotInLog { by } => {
            Err(Denied::NotFound(format!("not found: {module} is not in {name}: {}", by.join("; "))))
        }
        LookupAnswer::Private { pattern } => Err(Denied::Refused(vec![
            format!("{module} matches the private pattern {pattern}"),
            "and is asked of no checksum database.".to_owned(),
        ])),
        // That we do not hold its record says nothing of the log.
        LookupAnswer::NotHeld(why) => Err(Fault::nobody(name, format!("{module} cannot be proven now: {why}")).into()),
    }
}
