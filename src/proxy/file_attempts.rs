//! The answers of upstreams to the request for one file, none of them with the right bytes, and what follows for the client.

use super::attempts::Attempts;
use super::check::what;
use super::counts::Event;
use super::incident::Mismatch;
use super::{Denied, Inner, RefusalCause};
use crate::config::settings::OnMismatch;
use crate::store::modules::{Admitted, Arrival, Refused};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// A file as it is served.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Proven(Admitted),
    /// not what its record says
    Unproven(Refused),
}

/// The upstreams' answers so far, none with the right bytes.
#[derive(Default)]
pub(super) struct FileAttempts {
    pub(super) all: Attempts,
    pub(super) mismatches: Vec<Mismatch>,
    /// what the last download brought before it failed; the next one goes on behind it
    pub(super) left: Option<Arrival>,
}

/// The path by which the go command requests a file.
pub(super) fn path_of(module: &ModuleVersion, kind: Kind) -> String {
    ModuleRequest::File(module.clone(), kind).to_string()
}

/// What a span about a file says.
pub(super) fn about(module: &ModuleVersion, kind: Kind) -> Vec<(&'static str, String)> {
    vec![("gosumcheck.file", path_of(module, kind))]
}

impl FileAttempts {
    /// The next download goes on behind what has arrived.
    pub(super) fn leave(&mut self, mut arrival: Arrival) {
        arrival.resume();
        self.left = Some(arrival);
    }

    /// The answer when no upstream had the right bytes.
    pub(super) fn conclude(self, inner: &Inner, module: &ModuleVersion, kind: Kind) -> Result<Given, Denied> {
        let what = what(module, kind);
        if let Some(mismatch) = self.mismatches.first() {
            if inner.options.on_mismatch == OnMismatch::Warn
                && let Some(loose) = mismatch.loose()
            {
                inner.counters.count(Event::Unproven);
                tracing::error!("on_mismatch is warn: UNPROVEN bytes are served: {}", mismatch.line());
                return Ok(Given::Unproven(loose));
            }
            return Err(Denied::Refused(RefusalCause::Mismatch, mismatch.lines(inner.relay.name())));
        }
        Err(self.all.conclude(&what, inner.folder.root()))
    }
}
