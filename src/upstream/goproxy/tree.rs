//! Files of modules on this machine's disk as a proxy, such as `GOMODCACHE/cache/download`: what is where says `holding`. The go
//! command's cache has no `@latest`, and no `list` of modules that were only requested by version: the list is made from the files
//! that are there.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::holding::{HeldFile, Holding};
use super::wire::{Fetched, Sent, Sink, Touched, announce, disk};
use crate::files::{self, Unfit};
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
pub(super) async fn fetch(holding: &Holding, request: &ModuleRequest, limit: usize) -> Result<Fetched, Failed> {
    let (holding, request) = (holding.clone(), request.clone());
    blocking(move || match (open(&holding, &request)?, &request, &holding) {
        (Some(opened), ..) => {
            let HeldFile { mut file, at, len, place } = opened;
            file.seek(SeekFrom::Start(at)).map_err(unread)?;
            Ok(Fetched::Body(read_file(file.take(len), limit, unread)?, origin(place, 0)))
        }
        (None, ModuleRequest::List(module), Holding::Tree(root)) => Ok(list(root, module)),
        (None, ..) => Ok(not_held()),
    })
    .await
}

/// A file, from the offset where the sink ends.
pub(super) async fn download(
    holding: &Holding,
    request: &ModuleRequest,
    limit: u64,
    sink: &mut dyn Sink,
    counters: &Counters,
) -> Result<Sent, Failed> {
    let (holding, request) = (holding.clone(), request.clone());
    let opened = blocking(move || open(&holding, &request)).await?;
    let Some(HeldFile { file, at, len, place }) = opened else { return Ok(Sent::Missing(words())) };
    let kept = copy(file, (at, len), limit, sink, counters, unread).await?;
    Ok(Sent::Whole(origin(place, kept)))
}

/// Whether the file that answers a request is there.
pub(super) async fn has(holding: &Holding, request: &ModuleRequest) -> Result<Touched, Failed> {
    let (holding, request) = (holding.clone(), request.clone());
    let opened = blocking(move || open(&holding, &request)).await?;
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
    let opened = blocking(move || {
        let file = files::open(&path).map_err(lost)?;
        let length = file.metadata().map_err(lost)?.len();
        Ok((file, length))
    });
    let (file, length) = opened.await?;
    copy(file, (0, length), limit, sink, counters, lost).await
}

/// Appends the `length` bytes of a file from `start` on to the sink, from the offset where the sink ends; gives how many bytes the
/// sink had.
async fn copy(
    mut file: File,
    (start, length): (u64, u64),
    limit: u64,
    sink: &mut dyn Sink,
    counters: &Counters,
    unread: Unread,
) -> Result<u64, Failed> {
    if length > limit {
        return Err(Failed::lasting(FailureKind::TooLong, format!("the file is longer than {limit} bytes")));
    }
    announce(sink, Some(length))?;
    if sink.len() > length {
        sink.restart().map_err(|error| disk(&error))?;
    }
    let kept = sink.len();
    file.seek(SeekFrom::Start(start.saturating_add(kept))).map_err(unread)?;
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

fn read_file(file: impl Read, limit: usize, unread: Unread) -> Result<Vec<u8>, Failed> {
    let bytes = files::read_bounded(file, wide(limit)).map_err(unread)?;
    if bytes.len() > limit {
        return Err(Failed::lasting(FailureKind::TooLong, format!("the file is longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// The file that answers; none where it is not held. A folder that does not exist is a failure.
fn open(holding: &Holding, request: &ModuleRequest) -> Result<Option<HeldFile>, Failed> {
    holding.open(request).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failed::broken("there is no such folder"),
        _ => unread(error),
    })
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
    Fetched::Body(lines.into_bytes(), origin(folder.display().to_string(), 0))
}

fn origin(place: String, kept: u64) -> Origin {
    Origin { place, headers: Vec::new(), kept }
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
