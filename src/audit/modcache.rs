//! The go command's module cache: every zip and go.mod in it is hashed again and becomes a claim, as if it were a go.sum line.
//!
//! The cache is laid out as a module proxy: `cache/download/ESCAPED-PATH/@v/ESCAPED-VERSION.{zip,mod}`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use walkdir::WalkDir;

use super::{Claim, Claims, Says};
use crate::database::Progress;
use crate::report::{Place, Verdict};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{ZipError, h1_go_mod, h1_zip};
use crate::sumdb::gosum::{Kind, SumHash, SumLine};
use crate::sumdb::hash::Hash;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::sumdb::modzip::MAX_GO_MOD;

/// A file of the cache and what it is of.
struct Cached {
    path: PathBuf,
    module: ModuleVersion,
    kind: Kind,
}

/// The claims of the module cache at `root` (the value of GOMODCACHE), with `threads` files hashed at a time.
pub fn read(root: &Path, threads: usize, progress: Progress<'_>) -> Claims {
    let path = root.display().to_string();
    let download = root.join("cache").join("download");
    let found = match find(&download) {
        Ok(found) if !found.is_empty() => found,
        Ok(_) => return unread(path, "no module in it".to_owned()),
        Err(error) => return unread(path, format!("{}: {error}", download.display())),
    };
    Claims { path, unread: None, remarks: Vec::new(), claims: hash_all(&found, threads, progress) }
}

fn unread(path: String, why: String) -> Claims {
    Claims { path, unread: Some(why), remarks: Vec::new(), claims: Vec::new() }
}

/// Every zip and go.mod below `download`, in the order of their paths.
fn find(download: &Path) -> io::Result<Vec<Cached>> {
    std::fs::metadata(download)?;
    let mut found = Vec::new();
    for entry in WalkDir::new(download).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            found.extend(cached(download, entry.path()));
        }
    }
    Ok(found)
}

/// What a path of the cache is a file of; none for `.info`, `list`, `sumdb/` and whatever else lies there.
fn cached(download: &Path, path: &Path) -> Option<Cached> {
    let relative = path.strip_prefix(download).ok()?.to_str()?;
    let (module, file) = relative.rsplit_once("/@v/")?;
    let (version, kind) = match file.rsplit_once('.')? {
        (version, "zip") => (version, Kind::Zip),
        (version, "mod") => (version, Kind::GoMod),
        _ => return None,
    };
    let module = ModuleVersion::pair(ModulePath::unescape(module).ok()?, Version::unescape(version).ok()?).ok()?;
    Some(Cached { path: path.to_owned(), module, kind })
}

/// The claims of `found`, in its order.
fn hash_all(found: &[Cached], threads: usize, progress: Progress<'_>) -> Vec<Claim> {
    let next = AtomicUsize::new(0);
    let claims: Mutex<Vec<(usize, Claim)>> = Mutex::new(Vec::with_capacity(found.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((at, file)) = take(found, &next) {
                    let claim = claim(file);
                    let mut claims = claims.lock().unwrap_or_else(PoisonError::into_inner);
                    claims.push((at, claim));
                    progress("files hashed", claims.len(), found.len());
                }
            });
        }
    });
    let mut claims = claims.into_inner().unwrap_or_else(PoisonError::into_inner);
    claims.sort_by_key(|(at, _)| *at);
    claims.into_iter().map(|(_, claim)| claim).collect()
}

fn take<'a>(found: &'a [Cached], next: &AtomicUsize) -> Option<(usize, &'a Cached)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    found.get(at).map(|file| (at, file))
}

fn claim(file: &Cached) -> Claim {
    let (text, says) = match hash(file) {
        Ok(hash) => {
            let sum = SumLine { module: file.module.clone(), kind: file.kind, hash: SumHash::H1(hash) };
            (sum.to_string(), Says::Sum(sum))
        }
        Err(verdict) => {
            let suffix = file.kind.suffix();
            (format!("{} {}{suffix}", file.module.path(), file.module.version()), Says::Nothing(verdict))
        }
    };
    Claim { place: Place::File(file.path.display().to_string()), text, duplicate_of: None, says }
}

/// A file that cannot be read tells nothing; a zip that is none is a finding.
fn hash(file: &Cached) -> Result<Hash, Verdict> {
    let unavailable = |error: io::Error| Verdict::Unavailable { why: error.to_string() };
    match file.kind {
        Kind::GoMod => {
            let mut bytes = Vec::new();
            let opened = File::open(&file.path).map_err(unavailable)?;
            opened.take(MAX_GO_MOD + 1).read_to_end(&mut bytes).map_err(unavailable)?;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_GO_MOD {
                return Err(Verdict::Malformed { why: "a go.mod of more than 16 MiB".to_owned() });
            }
            Ok(h1_go_mod(&bytes))
        }
        Kind::Zip => {
            let zip = ZipFile::open(&file.path).map_err(unavailable)?;
            h1_zip(&zip, 1).map_err(|error| match error {
                ZipError::Read(error) => unavailable(error),
                ZipError::Refused(error) => Verdict::Malformed { why: error.to_string() },
            })
        }
    }
}
