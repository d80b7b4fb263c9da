//! What this server has proven, listed: in order of time (`/index`), and what is held, by name (`/catalog`).
//!
//! A version that a rule refuses is not listed. Whether a private one is, and any that not every client may read, the caller says
//! ([`Sight`]): names of private modules are private. Rows are looked at one after another, whatever becomes of them, so a page takes
//! no more memory than it has lines.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blocking::blocking;
use super::{Inner, Proxy};
use crate::fault::Fault;
use crate::store::modules::admissions::{Admission, AdmissionsFrom};
use crate::sumdb::module::ModuleVersion;

/// How long rows are looked at for one page.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which modules a client may see: asked with the path, and whether the module is private.
pub type Sight = Arc<dyn Fn(&str, bool) -> bool + Send + Sync>;

/// A listed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// when it was admitted first, in microseconds since 1970
    pub at: u64,
    /// the module's path
    pub module: String,
    /// its version
    pub version: String,
}

/// A page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// the versions
    pub versions: Vec<ListedVersion>,
    /// path and version of the last one that was looked at and that the client may see, if there may be more after it
    pub next: Option<(String, String)>,
}

impl Proxy {
    /// The versions that were admitted from `since` on, in microseconds since 1970, in the order of these times, at most `limit`; none
    /// where they are not known yet.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails, or too many rows are hidden from this client.
    pub async fn admitted_since(&self, since: u64, limit: usize, sight: Sight) -> Result<Option<ListedPage>, Fault> {
        let inner = Arc::clone(&self.inner);
        blocking(move || page(&inner, AdmissionsFrom::Time(since), limit, &sight, |_| Ok(true))).await
    }

    /// The versions whose zips are here and whose path and version come after these, in this order, at most `limit`; none where they
    /// are not known yet.
    ///
    /// # Errors
    /// As [`Proxy::admitted_since`].
    pub async fn held_after(
        &self,
        after: (String, String),
        limit: usize,
        sight: Sight,
    ) -> Result<Option<ListedPage>, Fault> {
        let inner = Arc::clone(&self.inner);
        let is_held = move |inner: &Inner, module: &ModuleVersion| inner.modules.has_zip(module);
        let of = Arc::clone(&inner);
        let from = move || {
            page(&of, AdmissionsFrom::After(&after.0, &after.1), limit, &sight, |module| is_held(&inner, module))
        };
        blocking(from).await
    }

    /// Writes down when stored versions were admitted of which that is not known.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails.
    pub async fn complete_admissions(&self) -> Result<(), Fault> {
        let modules = self.inner.modules.clone();
        if self.inner.folder.reads_only() || !modules.admissions().lacks_some() {
            return Ok(());
        }
        blocking(move || modules.complete_admissions()).await
    }
}

fn page(
    inner: &Inner,
    from: AdmissionsFrom<'_>,
    limit: usize,
    sight: &Sight,
    is_listed: impl Fn(&ModuleVersion) -> Result<bool, Fault>,
) -> Result<Option<ListedPage>, Fault> {
    let (until, policy) = (Instant::now() + PATIENCE, inner.policy.now());
    let (mut page, mut has_more, mut seen, mut failed) = (ListedPage::default(), false, None, None);
    let seen_as = |row: &Admission| {
        // The file may be anybody's.
        let module = ModuleVersion::parse_at(&format!("{}@{}", row.module, row.version)).ok()?;
        let is_private = row.is_private || policy.exemption(module.path()).is_some();
        let is_enforced = policy.get().is_some_and(|policy| !policy.is_dry_run);
        let is_refused = is_enforced && policy.denied_by(module.path(), Some(module.version())).is_some();
        (!is_refused && sight(&row.module, is_private)).then_some(module)
    };
    let read = inner.modules.admissions().read(from, &mut |row| {
        if page.versions.len() >= limit || Instant::now() >= until {
            has_more = true;
            return ControlFlow::Break(());
        }
        let Some(known) = seen_as(&row) else { return ControlFlow::Continue(()) };
        let Admission { at, module, version, .. } = row;
        seen = Some((module.clone(), version.clone()));
        match is_listed(&known) {
            Ok(false) => {}
            Ok(true) => page.versions.push(ListedVersion { at, module, version }),
            Err(fault) => {
                failed = Some(fault);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some(fault) = failed {
        return Err(fault);
    }
    if has_more && seen.is_none() {
        return Err(Fault::timed_out("the list of modules", "timed out: too many of them are not for this client"));
    }
    page.next = seen.filter(|_| has_more);
    Ok(read.map(|()| page))
}
