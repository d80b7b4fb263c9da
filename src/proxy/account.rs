//! What clients of a proxy were given and what was refused, by name: for a command that says afterwards what a build used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Denied, Mode, Proxy, ProxyAnswer};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// Entries of each list at most. No build is known that has a tenth of them.
const MAX_ENTRIES: usize = 100_000;

/// An account that is being kept.
#[derive(Debug, Default)]
pub struct Account {
    /// guards what was noted so far
    noted: Mutex<Accounted>,
}

/// What was noted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounted {
    /// the files that clients were given, each proven to have this hash by a record of the checksum database
    pub proven: BTreeMap<(ModuleVersion, Kind), SumHash>,
    /// files of private modules that clients were given: the database has no hash of them
    pub private: BTreeSet<(ModuleVersion, Kind)>,
    /// what was refused, to clients or ahead of them, by request, with the lines that the go command shows its user
    pub refused: BTreeMap<String, Vec<String>>,
    /// what clients could not be given, with the reason
    pub failed: BTreeMap<String, String>,
}

impl Proxy {
    /// From now on an account is kept of what clients are given and what is refused.
    pub fn keep_account(&self) -> Arc<Account> {
        Arc::clone(self.inner.account.get_or_init(Arc::default))
    }

    /// Notes the answer to a request, where an account is kept.
    pub(super) fn account_for(&self, request: &ModuleRequest, mode: Mode, answer: &Result<ProxyAnswer, Denied>) {
        if let Some(account) = self.inner.account.get() {
            account.note(request, mode, answer, self.is_private(request.module()));
        }
    }
}

impl Account {
    /// What was noted so far.
    pub fn so_far(&self) -> Accounted {
        self.noted.lock().clone()
    }

    /// Notes the answer to a request.
    fn note(&self, request: &ModuleRequest, mode: Mode, answer: &Result<ProxyAnswer, Denied>, is_private: bool) {
        let mut noted = self.noted.lock();
        let is_client = mode.peer.is_some();
        match (request, answer) {
            (ModuleRequest::File(module, kind), Ok(ProxyAnswer::File(file))) if is_client => {
                let file_of = (module.clone(), *kind);
                if is_private && noted.private.len() < MAX_ENTRIES {
                    noted.private.insert(file_of);
                } else if !is_private && noted.proven.len() < MAX_ENTRIES {
                    noted.proven.insert(file_of, file.hash().clone());
                }
            }
            (_, Ok(ProxyAnswer::Unproven(_))) if noted.refused.len() < MAX_ENTRIES => {
                noted.refused.insert(request.to_string(), vec!["it is not what its record says".to_owned()]);
            }
            (_, Err(Denied::Refused(_, lines))) if noted.refused.len() < MAX_ENTRIES => {
                noted.refused.insert(request.to_string(), lines.clone());
            }
            (_, Err(Denied::Fault(fault))) if is_client && noted.failed.len() < MAX_ENTRIES => {
                noted.failed.insert(request.to_string(), fault.to_string());
            }
            _ => {}
        }
    }
}
