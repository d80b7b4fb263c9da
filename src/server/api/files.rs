//! `modules/MODULE@VERSION/files`, and the files themselves: what is in a zip, as it was proven.

use bytes::Bytes;
use serde::Serialize;

use super::reading::{NotRead, proxy, reading};
use crate::fault::Fault;
use crate::proxy::Denied;
use crate::server::app::App;
use crate::server::http::answer::Answer;
use crate::server::http::query::Query;
use crate::server::limits::{MAX_LISTED_FILES, MAX_LISTED_NAMES, MAX_SHOWN_BYTES};
use crate::store::modules::{Admitted, STORE_NAME};
use crate::sumdb::dirhash::{FileContent, Limits, ModuleZip, ZipError};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;

/// Files on one page: by default, and at most.
const PAGE: usize = 1000;
const MAX_PAGE: usize = 10_000;

/// One page of the files in a zip.
#[derive(Debug, Serialize)]
pub(crate) struct FilesView {
    pub(crate) module: String,
    pub(crate) version: String,
    /// the h1 of the zip
    pub(crate) hash: String,
    /// how many files it has
    pub(crate) total: u64,
    /// sorted by path
    pub(crate) files: Vec<ListedFile>,
    /// what to pass as `cursor` for the next page; none on the last one
    pub(crate) next: Option<String>,
}

/// A file in a zip.
#[derive(Debug, Serialize)]
pub(crate) struct ListedFile {
    /// below the module's root
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// Which files are wanted.
#[derive(Debug, Clone)]
pub(crate) struct FilePage {
    /// the path after which the page begins
    cursor: Option<String>,
    count: usize,
}

impl FilePage {
    /// As the query of a URL says: `cursor`, `limit`.
    pub(crate) fn of(query: &Query<'_>) -> FilePage {
        FilePage { cursor: query.filled("cursor"), count: query.count("limit", PAGE, MAX_PAGE) }
    }
}

impl FilesView {
    /// A page of the files in the zip of a module version.
    ///
    /// # Errors
    /// The answer to the client: the zip is not here, a rule refuses it, it has too many files to list, or the disk fails.
    pub(crate) async fn find(app: &App, module: ModuleVersion, page: FilePage) -> Result<FilesView, Answer> {
        let proxy = proxy(app)?;
        reading(app, move || {
            let admitted = held(proxy.open_held(&module, Kind::Zip)?, &module, "zip")?;
            let zip = open(&admitted).map_err(|error| unread(&module, error))?;
            let prefix = format!("{module}/");
            let mut names: Vec<(&str, u64)> = zip
                .files()
                .filter_map(|(name, bytes)| Some((str::from_utf8(name).ok()?.strip_prefix(prefix.as_str())?, bytes)))
                .collect();
            names.sort_unstable();
            let after = page.cursor.as_deref();
            let start = after.map_or(0, |after| names.partition_point(|(name, _)| *name <= after));
            let wanted = names.get(start..).unwrap_or_default();
            let shown = wanted.get(..page.count).unwrap_or(wanted);
            let next = shown.last().filter(|_| shown.len() < wanted.len()).map(|(name, _)| (*name).to_owned());
            let listed = |(path, bytes): &(&str, u64)| ListedFile { path: (*path).to_owned(), bytes: *bytes };
            Ok(FilesView {
                module: module.path().to_string(),
                version: module.version().to_string(),
                hash: admitted.hash().to_string(),
                total: wide(names.len()),
                files: shown.iter().map(listed).collect(),
                next,
            })
        })
        .await
    }
}

/// The file at `path` in the zip of a module version.
///
/// # Errors
/// As [`FilesView::find`]; also where there is no such file, or it is too long to be shown.
pub(crate) async fn file(app: &App, module: ModuleVersion, path: String) -> Result<Bytes, Answer> {
    let proxy = proxy(app)?;
    reading(app, move || {
        let admitted = held(proxy.open_held(&module, Kind::Zip)?, &module, "zip")?;
        let zip = open(&admitted).map_err(|error| unread(&module, error))?;
        let content = zip.content(format!("{module}/{path}").as_bytes(), MAX_SHOWN_BYTES);
        match content.map_err(|error| unread(&module, error))? {
            Some(FileContent::Whole(bytes)) => Ok(Bytes::from(bytes)),
            Some(FileContent::TooLong(len)) => Err(too_long(&path, len)),
            None => Err(Denied::NotFound(format!("not found: the zip of {module} has no file {path}")).into()),
        }
    })
    .await
}

/// The go.mod of a module version.
///
/// # Errors
/// As [`file`].
pub(crate) async fn go_mod(app: &App, module: ModuleVersion) -> Result<Bytes, Answer> {
    let proxy = proxy(app)?;
    reading(app, move || {
        let admitted = held(proxy.open_held(&module, Kind::GoMod)?, &module, "go.mod")?;
        if admitted.len() > MAX_SHOWN_BYTES {
            return Err(too_long("go.mod", admitted.len()));
        }
        let bytes = admitted.read().map_err(|error| Fault::disk(STORE_NAME, error.to_string()))?;
        Ok(Bytes::from(bytes))
    })
    .await
}

fn held(admitted: Option<Admitted>, module: &ModuleVersion, what: &str) -> Result<Admitted, Denied> {
    admitted.ok_or_else(|| Denied::NotCached(format!("not cached here: the {what} of {module}")))
}

fn open(admitted: &Admitted) -> Result<ModuleZip<'_, Admitted>, ZipError> {
    let limits = Limits { entries: MAX_LISTED_FILES, names: MAX_LISTED_NAMES, ..Limits::default() };
    ModuleZip::read_within(admitted, &limits)
}

fn too_long(path: &str, len: u64) -> NotRead {
    let lines = vec![
        format!("{path} has {len} bytes;"),
        format!("up to {MAX_SHOWN_BYTES} bytes of one file are shown. The zip has it whole."),
    ];
    NotRead::TooMuch(lines)
}

/// It was proven, so it is a module zip: what is wrong is that it has too much to be listed, or the disk.
fn unread(module: &ModuleVersion, error: ZipError) -> NotRead {
    match error {
        ZipError::Read(error) => Fault::disk(STORE_NAME, error.to_string()).into(),
        ZipError::Refused(why) => {
            let lines = vec![format!("the files of {module} are not shown:"), why.to_string()];
            NotRead::TooMuch(lines)
        }
    }
}
