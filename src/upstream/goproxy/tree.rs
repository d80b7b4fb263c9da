//! A folder laid out as a proxy's paths, such as `GOMODCACHE/cache/download`, as a proxy. The go command's cache has no
//! `@latest`, and no `list` of modules that were only requested by version: the list is made from the files that are there.
//!
//! The operator names the folder, but others may have filled it: only links that stay inside the folder are followed.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::wire::{Fetched, Sent, Sink, Touched, announce, disk};
use crate::files::{self, Links, Tree, Unfit};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version, semver};
use crate::sumdb::number::wide;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::origin::Origin;
use crate::upstream::http::retry::Failed;

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;
/// The most versions that a `list` is made of.
const MAX_VERSIONS: usize = 100_000;

/// A small answer.
pub(super) async fn fetch(root: &Path, request: &ModuleRequest, limit: usize) -> Result<Fetched, Failed> {
    let (root, request) = (root.to_path_buf(), request.clone());
    blocking(move || match (open(&root, &request)?, &request) {
        (Some((file, path)), _) => Ok(Fetched::Body(read_file(file, limit, unread)?, origin(&path, 0))),
        (None, ModuleRequest::List(module)) => Ok(list(&root, module)),
        (None, _) => Ok(not_held()),
    })
    .await
}

/// A file, from the offset where the sink ends.
pub(super) async fn download(
    root: &Path,
    request: &ModuleRequest,
    limit: u64,
    sink: &mut dyn Sink,
    counters: &Counters,
) -> Result<Sent, Failed> {
    let (root, request) = (root.to_path_buf(), request.clone());
    let opened = blocking(move || open(&root, &request)).await?;
    let Some((file, path)) = opened else { return Ok(Sent::Missing(words())) };
    let kept = copy(file, limit, sink, counters, unread).await?;
    Ok(Sent::Whole(origin(&path, kept)))
}

/// Whether the tree has the file that answers a request.
pub(super) async fn has(root: &Path, request: &ModuleRequest) -> Result<Touched, Failed> {
    let (root, request) = (root.to_path_buf(), request.clone());
    let opened = blocking(move || open(&root, &request)).await?;
    Ok(opened.map_or_else(|| Touched::Missing(words()), |_| Touched::There))
}

/// All of a file on this machine's own disk, at most `limit` bytes.
pub(super) async fn read(path: PathBuf, limit: usize) -> Result<Vec<u8>, Failed> {
    blocking(move || read_file(files::open(&path).map_err(lost)?, limit, lost)).await
}

/// Appends a file on this machine's own disk to the sink.
pub(super) async fn copy_from(
    path: PathBuf,
    limit: u64,
    sink: &mut dyn Sink,
    counters: &Counters,
) -> Result<u64, Failed> {
    let file = blocking(move || files::open(&path).map_err(lost)).await?;
    copy(file, limit, sink, counters, lost).await
}

/// Appends a file to the sink, from the offset where the sink ends; gives how many bytes the sink had.
async fn copy(
    mut file: File,
    limit: u64,
    sink: &mut dyn Sink,
    counters: &Counters,
    unread: Unread,
) -> Result<u64, Failed> {
    let length = file.metadata().map_err(unread)?.len();
    if length > limit {
        return Err(Failed::lasting(FailureKind::TooLong, format!("the file is longer than {limit} bytes")));
    }
    announce(sink, Some(length))?;
    if sink.len() > length {
        sink.restart().map_err(|error| disk(&error))?;
    }
    let kept = sink.len();
    file.seek(SeekFrom::Start(kept)).map_err(unread)?;
    let mut rest = length - kept;
    while rest > 0 {
        let most = wide(PIECE).min(rest);
        let (read, piece) = blocking(move || {
            let mut piece = Vec::new();
            file.by_ref().take(most).read_to_end(&mut piece).map_err(unread)?;
            Ok((file, piece))
        })
        .await?;
        file = read;
        if piece.is_empty() {
            return Err(Failed::broken("the file became shorter while it was read"));
        }
        sink.append(&piece).map_err(|error| disk(&error))?;
        counters.received(piece.len());
        rest = rest.saturating_sub(wide(piece.len()));
    }
    Ok(kept)
}

fn read_file(file: File, limit: usize, unread: Unread) -> Result<Vec<u8>, Failed> {
    let bytes = files::read_bounded(file, wide(limit)).map_err(unread)?;
    if bytes.len() > limit {
        return Err(Failed::lasting(FailureKind::TooLong, format!("the file is longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// The file that answers; none where the tree does not have it. A tree that does not exist is a failure.
fn open(root: &Path, request: &ModuleRequest) -> Result<Option<(File, PathBuf)>, Failed> {
    let below = request.to_string();
    match Tree::open(root).and_then(|tree| tree.file(Path::new(&below), Links::Within)) {
        // An empty list has no versions; any other empty file has not been written yet.
        Ok(file) => {
            let is_written = file.metadata().map_err(unread)?.len() > 0 || matches!(request, ModuleRequest::List(_));
            Ok(is_written.then(|| (file, root.join(below))))
        }
        // A link out of the tree is an error; anything else that is not a regular file counts as missing.
        Err(error) if Unfit::of(&error).is_some_and(|unfit| unfit != Unfit::Leaves) => Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            if root.is_dir() { Ok(None) } else { Err(Failed::broken("there is no such folder")) }
        }
        Err(error) => Err(unread(error)),
    }
}

/// The versions of which the tree has a `.mod` or an `.info`, in order; pseudo-versions too, as in a list of the go command's cache:
/// there is no `@latest` to say which one is meant.
fn list(root: &Path, module: &ModulePath) -> Fetched {
    let folder = root.join(module.escaped()).join("@v");
    let Ok(entries) = folder.read_dir() else { return not_held() };
    let held = |name: &str| {
        let version = name.strip_suffix(".mod").or_else(|| name.strip_suffix(".info"))?;
        let version = Version::unescape(version).ok()?;
        ModuleVersion::pair(module.clone(), version.clone()).ok()?;
        Some(version)
    };
    let names = entries.flatten().take(MAX_VERSIONS).filter_map(|entry| entry.file_name().into_string().ok());
    let mut versions: Vec<Version> = names.filter_map(|name| held(&name)).collect();
    if versions.is_empty() {
        return not_held();
    }
    versions.sort_by(|one, other| semver::compare(one.as_str(), other.as_str()));
    versions.dedup();
    let lines: String = versions.iter().map(|version| format!("{version}\n")).collect();
    Fetched::Body(lines.into_bytes(), origin(&folder, 0))
}

fn origin(path: &Path, kept: u64) -> Origin {
    Origin { place: path.display().to_string(), headers: Vec::new(), kept }
}

fn not_held() -> Fetched {
    Fetched::Missing(words())
}

fn words() -> String {
    "not held".to_owned()
}

/// What it means that a file cannot be read.
type Unread = fn(io::Error) -> Failed;

/// The tree failed, as a server can.
#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn unread(error: io::Error) -> Failed {
    Failed::unread(&error, format!("cannot be read: {}", files::explain(&error)))
}

/// A command's file cannot be read: the command made none, or this machine's disk failed.
#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn lost(error: io::Error) -> Failed {
    let why = format!("cannot be read: {}", files::explain(&error));
    let is_ours = error.kind() != io::ErrorKind::NotFound && Unfit::of(&error).is_none();
    if is_ours { Failed::lasting(FailureKind::Disk, why) } else { Failed::broken(why) }
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failed> + Send + 'static) -> Result<T, Failed> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failed::lasting(FailureKind::Machine, error.to_string())))
}
