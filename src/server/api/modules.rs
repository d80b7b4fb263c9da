//! `modules`: the modules that are here, all of them or those whose path begins with or contains a text, in pages.

use serde::Serialize;

use super::reading::{proxy, reading};
use crate::access::Reader;
use crate::proxy::held::HeldModule;
use crate::server::app::App;
use crate::server::http::answer::Answer;
use crate::server::http::query::Query;
use crate::server::http::refusal::from_fault;
use crate::sumdb::number::wide;

/// Modules on one page: by default, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;
/// The longest text that is searched for, in bytes.
const MAX_TEXT: usize = 256;

/// One page of modules.
#[derive(Debug, Serialize)]
pub(crate) struct ModulesView {
    /// sorted by path
    pub(crate) modules: Vec<ModuleView>,
    /// what to pass as `cursor` for the next page; none on the last one
    pub(crate) next: Option<String>,
}

/// A module that is here.
#[derive(Debug, Serialize)]
pub(crate) struct ModuleView {
    pub(crate) module: String,
    /// whether it is what was fetched first, since no log has it
    pub(crate) private: bool,
    /// how many versions are here
    pub(crate) versions: u64,
    /// the highest of them
    pub(crate) highest: String,
}

/// Which modules are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModuleSearch {
    prefix: Option<String>,
    contains: Option<String>,
    /// the path after which the page begins
    cursor: Option<String>,
    count: usize,
}

impl ModuleSearch {
    /// As the query of a URL says: `prefix`, `contains`, `cursor`, `limit`.
    pub(crate) fn of(query: &Query<'_>) -> ModuleSearch {
        let text = |name| query.filled(name).filter(|text| text.len() <= MAX_TEXT);
        ModuleSearch {
            prefix: text("prefix"),
            contains: text("contains"),
            cursor: query.filled("cursor"),
            count: query.count("limit", PAGE, MAX_PAGE),
        }
    }

    fn finds(&self, path: &str) -> bool {
        let contains = |text: &str| path.to_ascii_lowercase().contains(&text.to_ascii_lowercase());
        self.prefix.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
            && self.contains.as_ref().is_none_or(|text| contains(text))
    }

    /// The page of those of `all`, sorted by path, that the client may read, and whether there are more.
    fn page(&self, all: &[HeldModule], reader: &Reader) -> (Vec<HeldModule>, bool) {
        let start = self
            .cursor
            .as_ref()
            .map_or(0, |after| all.partition_point(|module| module.path.as_str() <= after.as_str()));
        let found = all.get(start..).unwrap_or_default().iter();
        let mut found =
            found.filter(|module| self.finds(module.path.as_str()) && reader.may_read(module.path.as_str()));
        let page: Vec<HeldModule> = found.by_ref().take(self.count).cloned().collect();
        (page, found.next().is_some())
    }
}

impl ModulesView {
    /// The modules that `search` finds and that the client may read.
    ///
    /// # Errors
    /// The answer to the client: this server serves no modules, or the disk fails.
    pub(crate) async fn find(app: &App, reader: Reader, search: ModuleSearch) -> Result<ModulesView, Answer> {
        let proxy = proxy(app)?;
        let all = app.catalogue.get(&proxy).await.map_err(|fault| from_fault(&fault))?;
        reading(app, move || {
            let (page, has_more) = search.page(&all, &reader);
            let next = page.last().filter(|_| has_more).map(|last| last.path.as_str().to_owned());
            let mut modules = Vec::with_capacity(page.len());
            for HeldModule { path, is_private } in page {
                // One that a rule refuses is not shown, and one whose files were all removed is not here any more.
                let Ok(versions) = proxy.held_versions(&path) else { continue };
                let Some(highest) = versions.last() else { continue };
                modules.push(ModuleView {
                    module: path.as_str().to_owned(),
                    private: is_private,
                    versions: wide(versions.len()),
                    highest: highest.to_string(),
                });
            }
            Ok(ModulesView { modules, next })
        })
        .await
    }
}
