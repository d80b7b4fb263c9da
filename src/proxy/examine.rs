//! What would become of a file if it was fetched now: it is proven exactly as a download is, and nothing of it is stored.

use std::io;

use super::attempts::Attempts;
use super::check::{Rejection, check, max_bytes, what};
use super::{Denied, Proxy, RefusalCause, stored};
use crate::fault::Fault;
use crate::store::modules::{Arrival, Stored};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::upstream::{Sent, Sink};

/// What a fetch of a file would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Examined {
    /// it is here
    Held,
    /// the first upstream has the right bytes, this many
    Right(u64),
}

/// An arrival that is thrown away.
struct Passing(Arrival);

impl Sink for Passing {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

impl Proxy {
    /// What a fetch of a file from the first upstream would come to. Its bytes pass through `tmp`.
    ///
    /// # Errors
    /// As [`Proxy::answer`].
    pub async fn examine(&self, module: &ModuleVersion, kind: Kind) -> Result<Examined, Denied> {
        let inner = &self.inner;
        let policy = inner.policy.now();
        let route = policy.route(module.path(), Some(module.version()))?;
        if let Stored::Proven(_) = stored::stored_file(inner, route, module, kind)? {
            return Ok(Examined::Held);
        }
        let expected = route.expected(inner, module, kind).await?;
        let mut arrival = inner.modules.arrival(module, kind)?;
        arrival.set_passing(true);
        arrival.restart().map_err(|error| Fault::disk("the data folder", error.to_string()))?;
        let (request, limit) = (ModuleRequest::File(module.clone(), kind), max_bytes(kind));
        let (mut attempts, mut sink) = (Attempts::default(), Passing(arrival));
        match route.proxies().download(0, &request, limit, &mut sink).await {
            Ok(Sent::Whole(_)) => {}
            Ok(Sent::Missing(why)) => {
                attempts.absent(route.proxies().name(0), &why);
                return Err(attempts.conclude(&what(module, kind), inner.folder.root()));
            }
            Err(failure) => {
                attempts.failed(&failure);
                return Err(attempts.conclude(&what(module, kind), inner.folder.root()));
            }
        }
        let Passing(arrival) = sink;
        let _room = match kind {
            Kind::Zip => Some(inner.hashing.room_for(&arrival).await),
            Kind::GoMod => None,
        };
        let (len, module, threads) = (arrival.len(), module.clone(), inner.options.threads);
        let checked = tokio::task::spawn_blocking(move || check(&arrival, &module, kind, &expected, threads));
        match checked.await.map_err(|error| Fault::machine("hashing", error.to_string()))? {
            Ok(_) => Ok(Examined::Right(len)),
            Err(Rejection::Wrong(wrong)) => Err(Denied::Refused(RefusalCause::Mismatch, vec![wrong.error.to_string()])),
            Err(Rejection::Fault(fault)) => Err(fault.into()),
        }
    }
}
