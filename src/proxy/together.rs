//! When the names of files become durable that a database proves: a command says only at the end what is here, and a server's clients
//! need not wait for the disk.

use super::Proxy;
use super::blocking::blocking;
use crate::fault::Fault;
use crate::store::modules::{Deferred, Tree};
use crate::sumdb::module::ModuleVersion;

impl Proxy {
    /// From now on a file of `whose` names is given once it is proven and its bytes are durable, whether or not its name is.
    pub fn defer_names(&self, whose: Deferred) {
        self.inner.modules.defer_names(whose);
    }

    /// The names of this module version's files, which were here before, are to be durable as well.
    ///
    /// # Errors
    /// `Usage` where they cannot be names of files.
    pub fn defer_name(&self, module: &ModuleVersion) -> Result<(), Fault> {
        let tree = if self.is_private(module.path()) { Tree::FirstUse } else { Tree::Proven };
        self.inner.modules.defer_name(tree, module)
    }

    /// Makes the names durable of all files that were given until now; syncs so many folders at a time.
    ///
    /// # Errors
    /// `Unavailable`: the disk; then none of these files is known to survive a power cut.
    pub async fn settle_names(&self, threads: usize) -> Result<(), Fault> {
        let modules = self.inner.modules.clone();
        blocking(move || modules.settle_names(threads)).await
    }
}
