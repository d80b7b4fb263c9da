//! What is held here of modules, for people and programs that look around. Nobody is asked for it, no use is counted, and what a rule
//! refuses is refused here too.

use super::expected::Route;
use super::{Denied, Inner, Proxy, stored};
use crate::fault::Fault;
use crate::store::journal::Incident;
use crate::store::modules::{Admitted, FileFacts, Stored, Tree};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// The path of a module that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldModule {
    /// its path
    pub path: ModulePath,
    /// whether it is private: what was fetched first, and proven by no log
    pub is_private: bool,
}

/// What is held of one module version.
#[derive(Debug, Clone)]
pub struct HeldVersion {
    /// the version
    pub version: Version,
    /// its zip
    pub zip: Option<FileFacts>,
    /// its go.mod
    pub go_mod: Option<FileFacts>,
    /// when its zip was proven here for the first time, in microseconds since 1970; 0 where it never was, or where that is not known
    pub admitted: u64,
    /// how often its zip was given
    pub hits: u64,
    /// when that was last, in microseconds since 1970; 0 where it never was
    pub last: u64,
}

impl Proxy {
    /// The modules that are here, sorted by path, at most `limit` in each of the two trees. Reads every folder of the store but those
    /// of versions: not for a thread that must not wait.
    ///
    /// # Errors
    /// `Unavailable`: a folder cannot be read.
    pub fn held_modules(&self, limit: usize) -> Result<Vec<HeldModule>, Fault> {
        let mut all = Vec::new();
        for (tree, is_private) in [(Tree::Proven, false), (Tree::FirstUse, true)] {
            let paths = self.inner.modules.paths(tree, limit)?;
            // What was public once may be private now, and is not given any more.
            let here = paths.into_iter().filter(|path| self.is_private(path) == is_private);
            all.extend(here.map(|path| HeldModule { path, is_private }));
        }
        all.sort_unstable_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
        Ok(all)
    }

    /// The versions of a module that are here, ascending. Reads the disk.
    ///
    /// # Errors
    /// A rule refuses the module, or the disk fails.
    pub fn held_versions(&self, module: &ModulePath) -> Result<Vec<Version>, Denied> {
        let policy = self.inner.policy.now();
        let route = policy.route(module, None)?;
        Ok(self.inner.modules.versions(route.tree(), module)?)
    }

    /// What is held of these versions of a module; those that a rule refuses or of which nothing is here are left out. Reads the disk.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails.
    pub fn held_facts(&self, module: &ModulePath, versions: &[Version]) -> Result<Vec<HeldVersion>, Fault> {
        let policy = self.inner.policy.now();
        let mut held = Vec::new();
        for version in versions {
            let Ok(module) = ModuleVersion::pair(module.clone(), version.clone()) else { continue };
            let Ok(route) = policy.route(module.path(), Some(version)) else { continue };
            let facts = |kind| self.inner.facts(route, &module, kind);
            let (zip, go_mod) = (facts(Kind::Zip)?, facts(Kind::GoMod)?);
            if zip.is_some() || go_mod.is_some() {
                held.push(HeldVersion { version: version.clone(), zip, go_mod, admitted: 0, hits: 0, last: 0 });
            }
        }
        let names: Vec<String> = held.iter().filter_map(|held| Some(held.zip.as_ref()?.name.clone())).collect();
        let shown: Vec<Version> = held.iter().map(|held| held.version.clone()).collect();
        // Where the counts or the times cannot be read, the rest is shown.
        let uses = self.inner.modules.usage().of(&names).unwrap_or_default();
        let times = self.inner.modules.admissions().times(module, &shown).unwrap_or_default();
        for (version, at) in held.iter_mut().zip(times) {
            version.admitted = at;
        }
        for version in &mut held {
            if let Some(used) = version.zip.as_ref().and_then(|zip| uses.get(&zip.name)) {
                (version.hits, version.last) = (used.hits, used.last);
            }
        }
        Ok(held)
    }

    /// A file that is here and would be given now without asking anybody; none where it is not. Opens it.
    ///
    /// # Errors
    /// A rule refuses the module version, or the disk fails.
    pub fn open_held(&self, module: &ModuleVersion, kind: Kind) -> Result<Option<Admitted>, Denied> {
        let policy = self.inner.policy.now();
        let route = policy.route(module.path(), Some(module.version()))?;
        Ok(match stored::stored_file(&self.inner, route, module, kind)? {
            Stored::Proven(file) => Some(file),
            // To be hashed first, by a request for the file itself.
            Stored::Changed(_) | Stored::Unproven(_) | Stored::Missing => None,
        })
    }

    /// The newest incidents before number `before`, or the newest of all, newest first, each with its number. Reads the disk.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails.
    pub fn incidents(&self, before: Option<i64>, newest: usize) -> Result<Vec<(i64, Incident)>, Fault> {
        self.inner.journal.incidents_before(before, newest)
    }
}

impl Inner {
    /// What is known of a file that counts on this route: a public one only where the database that is asked now has proven it.
    fn facts(&self, route: Route<'_>, module: &ModuleVersion, kind: Kind) -> Result<Option<FileFacts>, Fault> {
        let facts = self.modules.facts(route.tree(), module, kind)?;
        let counts = |facts: &FileFacts| match route {
            Route::Public(_) => facts.proof.as_ref().is_some_and(|proof| proof.database == self.vkey),
            Route::Private(_) => true,
        };
        Ok(facts.filter(counts))
    }
}
