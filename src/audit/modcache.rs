//! The go command's module cache: every zip, go.mod and unpacked module in it is hashed again and becomes a claim, as if it were a
//! go.sum line.
//!
//! What was downloaded is laid out as in a module proxy: `cache/download/ESCAPED-PATH/@v/ESCAPED-VERSION.{zip,mod}`. Beside each
//! zip is its h1 in a `.ziphash`, which go compares with the go.sum in place of the zip's own. The unpacked modules, which builds
//! read, are found and hashed by `unpacked`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use walkdir::{DirEntry, WalkDir};

use super::inputs::Inputs;
use super::unpacked::{self, Unpacked};
use super::{Claim, Claims, Says};
use crate::database::Progress;
use crate::files::{self, Links, Tree, Unfit};
use crate::report::{Artifact, Level, Location, Notice, Verdict};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{ZipError, h1_go_mod, h1_zip};
use crate::sumdb::gosum::{Kind, SumHash, SumLine};
use crate::sumdb::hash::Hash;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::sumdb::modzip::MAX_GO_MOD;
use crate::sumdb::number::wide;

/// The most zips and go.mods that are hashed. Real caches have fewer.
const MAX_FILES: usize = 2_000_000;
/// Bytes of a `.ziphash`, which has 47.
const MAX_ZIPHASH: u64 = 1 << 10;
/// What is not read is named up to this number, then counted.
const MAX_UNREAD: usize = 1_000;

/// A file of the cache and what it is of.
struct Cached {
    /// as it is shown
    path: PathBuf,
    /// below the root of the tree
    below: PathBuf,
    module: ModuleVersion,
    kind: Kind,
    /// it holds the h1 itself
    is_ziphash: bool,
    /// why it is not read, whatever it is
    unfit: Option<Unfit>,
}

/// What is hashed: a file that was downloaded, or an unpacked module.
enum Item {
    File(Cached),
    Folder(Unpacked),
}

/// The folders that links must not lead out of.
struct Trees {
    /// for what was downloaded: the module cache, or what the user made a link of
    download: Option<Tree>,
    root: Tree,
}

/// The claims of the module cache at `root` (the value of GOMODCACHE), with `threads` files hashed at a time; and what in it was
/// passed over, though a build might read it. A link is followed where it stays in the cache.
pub fn read(root: &Path, threads: usize, progress: Progress<'_>) -> Inputs {
    let path = root.display().to_string();
    let nothing = |why: String| Inputs { files: vec![Claims::unread(path.as_str(), why)], ..Inputs::default() };
    let download = root.join("cache").join("download");
    let base = base(root, &download);
    let opened = download.metadata().and_then(|_| Tree::open(base));
    let unpacked = unpacked::find(root);
    let (trees, (found, mut unread)) = match (opened, Tree::open(root)) {
        (Ok(tree), Ok(root)) => (Trees { download: Some(tree), root }, find(base, &download)),
        // A cache may be copied to where builds use it without what was downloaded.
        (Err(error), Ok(root)) if error.kind() == io::ErrorKind::NotFound && !unpacked.found.is_empty() => {
            (Trees { download: None, root }, (Vec::new(), Vec::new()))
        }
        (Err(error), _) | (_, Err(error)) => return nothing(format!("{}: {error}", download.display())),
    };
    unread.extend(unpacked.unread);
    let items: Vec<Item> =
        found.into_iter().map(Item::File).chain(unpacked.found.into_iter().map(Item::Folder)).collect();
    if items.is_empty() && unread.is_empty() {
        return nothing("no module in it".to_owned());
    }
    let more = unread.len().saturating_sub(MAX_UNREAD);
    unread.truncate(MAX_UNREAD);
    if more > 0 {
        unread
            .push(Claims::unread(path.as_str(), format!("{more} more folders in it could not be read, or are links")));
    }
    let claims = hash_all(&trees, &items, threads, progress);
    let notices = unread_notice(&claims).into_iter().chain(partial_notice(unpacked.partial)).collect();
    let judged = Claims { artifact: Artifact::ModuleCache, claims, ..Claims::empty(path) };
    Inputs {
        files: (!items.is_empty()).then_some(judged).into_iter().chain(unread).collect(),
        notices,
        ..Inputs::default()
    }
}

/// The folder that links must not lead out of. Where the user made a link of `cache` or `cache/download`, it is what that names.
fn base<'a>(root: &'a Path, download: &'a Path) -> &'a Path {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if is_link(&root.join("cache")) || is_link(download) { download } else { root }
}

/// A file that is not read is not the network's fault.
fn unread_notice(claims: &[Claim]) -> Option<Notice> {
    let is_unread = |claim: &&Claim| matches!(&claim.says, Says::Nothing(Verdict::Unavailable { .. }));
    let text = match claims.iter().filter(is_unread).count() {
        0 => return None,
        1 => "1 file of the module cache could not be read, but a build may read it".to_owned(),
        count => format!("{count} files of the module cache could not be read, but a build may read them"),
    };
    Some(Notice { level: Level::Warning, text: format!("{text}: nothing is known about what it gets") })
}

/// Folders that no build uses as they are.
fn partial_notice(count: usize) -> Option<Notice> {
    let text = format!(
        "{count} unpacked modules were not read: go was interrupted as it unpacked them, and does so again before it uses them"
    );
    (count > 0).then_some(Notice { level: Level::Note, text })
}

/// Every zip and go.mod below `download`, in the order of their paths; and what hides others.
fn find(base: &Path, download: &Path) -> (Vec<Cached>, Vec<Claims>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(download).sort_by_file_name() {
        if found.len() == MAX_FILES {
            let why = format!("has more than {MAX_FILES} zips and go.mods: the rest was not read");
            unread.push(Claims::unread(download.display().to_string(), why));
            break;
        }
        match entry {
            Ok(entry) => match cached(base, download, &entry) {
                Some(file) => found.push(file),
                None if hides_modules(download, &entry) => {
                    let why = "is a link, so the modules behind it were not read";
                    unread.push(Claims::unread(entry.path().display().to_string(), why));
                }
                None => {}
            },
            Err(error) => {
                let path = error.path().unwrap_or(download).display().to_string();
                let why = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                unread.push(Claims::unread(path, why));
            }
        }
    }
    (found, unread)
}

/// Whether an entry is a link in place of a folder that can have modules in it. Links beside the files of a version (`.info`,
/// `list`, `.lock`) and in the checksum database's own folder hide none.
fn hides_modules(download: &Path, entry: &DirEntry) -> bool {
    let below = entry.path().strip_prefix(download).unwrap_or(entry.path());
    let is_beside = entry.path().parent().is_some_and(|folder| folder.ends_with("@v"));
    entry.path_is_symlink() && entry.depth() > 0 && !is_beside && !below.starts_with("sumdb")
}

/// What an entry of the cache is of, be it a file or not; none for `.info`, `list`, `sumdb/` and whatever else lies there.
fn cached(base: &Path, download: &Path, entry: &DirEntry) -> Option<Cached> {
    let below = entry.path().strip_prefix(base).ok()?;
    let (module, file) = entry.path().strip_prefix(download).ok()?.to_str()?.rsplit_once("/@v/")?;
    let (version, kind, is_ziphash) = match file.rsplit_once('.')? {
        (version, "zip") => (version, Kind::Zip, false),
        (version, "ziphash") => (version, Kind::Zip, true),
        (version, "mod") => (version, Kind::GoMod, false),
        _ => return None,
    };
    let module = ModuleVersion::pair(ModulePath::unescape(module).ok()?, Version::unescape(version).ok()?).ok()?;
    let unfit = Unfit::of_type(entry.file_type()).filter(|unfit| *unfit != Unfit::Link);
    Some(Cached { path: entry.path().to_owned(), below: below.to_owned(), module, kind, is_ziphash, unfit })
}

/// The claims of `items`, in their order.
fn hash_all(trees: &Trees, items: &[Item], threads: usize, progress: Progress<'_>) -> Vec<Claim> {
    let next = AtomicUsize::new(0);
    // What the threads have hashed, with the index of each item.
    let claims: Mutex<Vec<(usize, Claim)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((at, item)) = take(items, &next) {
                    let claim = claim(trees, item);
                    let mut claims = claims.lock();
                    claims.push((at, claim));
                    progress("files hashed", claims.len(), items.len());
                }
            });
        }
    });
    let mut claims = claims.into_inner();
    claims.sort_by_key(|(at, _)| *at);
    claims.into_iter().map(|(_, claim)| claim).collect()
}

fn take<'a>(items: &'a [Item], next: &AtomicUsize) -> Option<(usize, &'a Item)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    items.get(at).map(|item| (at, item))
}

fn claim(trees: &Trees, item: &Item) -> Claim {
    let (path, module, kind) = match item {
        Item::File(file) => (&file.path, &file.module, file.kind),
        Item::Folder(folder) => (&folder.path, &folder.module, Kind::Zip),
    };
    let hashed = match item {
        Item::File(file) => hash(trees.download.as_ref().unwrap_or(&trees.root), file),
        Item::Folder(folder) => unpacked::hash(&trees.root, folder),
    };
    let (text, says) = match hashed {
        Ok(hash) => {
            let sum = SumLine { module: module.clone(), kind, hash: SumHash::H1(hash) };
            (sum.to_string(), Says::Sum(sum))
        }
        Err(verdict) => {
            let suffix = kind.suffix();
            (format!("{} {}{suffix}", module.path(), module.version()), Says::Nothing(verdict))
        }
    };
    Claim::new(Location::File(path.display().to_string()), text, says)
}

/// The h1 of a file. One that cannot be read proves nothing; a zip that is damaged is a finding.
fn hash(tree: &Tree, file: &Cached) -> Result<Hash, Verdict> {
    let unavailable = |error: io::Error| Verdict::Unavailable { why: error.to_string() };
    if let Some(unfit) = file.unfit {
        return Err(Verdict::Unavailable { why: unfit.to_string() });
    }
    let opened = tree.file(&file.below, Links::Within).map_err(unavailable)?;
    match file.kind {
        Kind::Zip if file.is_ziphash => written_hash(opened),
        Kind::GoMod => {
            let bytes = files::read_bounded(opened, MAX_GO_MOD).map_err(unavailable)?;
            if wide(bytes.len()) > MAX_GO_MOD {
                return Err(Verdict::Malformed { why: "a go.mod of more than 16 MiB".to_owned() });
            }
            Ok(h1_go_mod(&bytes))
        }
        Kind::Zip => {
            let zip = ZipFile::new(opened).map_err(unavailable)?;
            h1_zip(&zip, 1).map_err(|error| match error {
                ZipError::Read(error) => unavailable(error),
                ZipError::Refused(error) => Verdict::Malformed { why: error.to_string() },
            })
        }
    }
}

/// The h1 that a `.ziphash` holds.
fn written_hash(file: File) -> Result<Hash, Verdict> {
    let bytes =
        files::read_bounded(file, MAX_ZIPHASH).map_err(|error| Verdict::Unavailable { why: error.to_string() })?;
    match std::str::from_utf8(&bytes).ok().map(|text| SumHash::parse(text.trim_end())) {
        Some(Ok(SumHash::H1(hash))) => Ok(hash),
        _ => Err(Verdict::Malformed { why: "it holds no h1 hash".to_owned() }),
    }
}
