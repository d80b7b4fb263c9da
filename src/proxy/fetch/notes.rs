//! What is noted while a file is fetched: that our disk failed, or that the file is here.

use super::FileFetch;
use crate::fault::Fault;
use crate::proxy::Denied;
use crate::proxy::counts::Event;
use crate::store::failures::WriteKind;
use crate::sumdb::gosum::Kind;

impl FileFetch<'_> {
    /// Records a failure of our disk; no other upstream is tried then.
    pub(super) fn noted(&self, denied: Denied) -> Denied {
        match denied {
            Denied::Fault(fault) if fault.is_disk() => self.unstored(fault),
            denied => denied,
        }
    }

    pub(super) fn unstored(&self, fault: Fault) -> Denied {
        self.inner.folder.note_failure(WriteKind::Module, &fault);
        Denied::Fault(fault)
    }

    pub(super) fn admitted(&self) {
        self.inner.counters.count(Event::Admitted);
        if self.kind == Kind::Zip {
            self.inner.keep_info(self.module, self.route);
        }
    }
}
