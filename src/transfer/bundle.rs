//! One file with modules and all of the checksum database that it takes to prove them: a tar archive, whose members are
//!
//! ```text
//! gosumcheck-bundle.json                       the manifest: what this is, and of which database
//! sumdb/NAME/latest                            the signed head that everything else is proven under
//! sumdb/NAME/lookup/ESCAPED-PATH@VERSION       each record, as the database answers a lookup, with that head
//! sumdb/NAME/tile/8/LEVEL/INDEX[.p/WIDTH]      the tiles from these records up to that head
//! modules/ESCAPED-PATH/@v/VERSION.{info,mod,zip}
//! ```
//!
//! in this order and sorted within, without times and owners: the same modules under the same head are the same bytes. The two
//! folders are those of the GOSUMDB and GOPROXY protocols, so that any tar program makes a module proxy's tree of it. Nothing in
//! it is trusted: the person who carries a bundle can change it, so it is proven from the log's key on as every upstream is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::files;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;
use crate::sumdb::record::MAX_RESPONSE_BYTES;
use crate::sumdb::tile::TilePath;
use crate::upstream::Archive;

/// The first member.
const MANIFEST: &str = "gosumcheck-bundle.json";
/// What the manifest calls the format.
const FORMAT: &str = "gosumcheck bundle";
/// The version of the format that this program writes, and the only one that it reads.
const VERSION: u32 = 1;
/// Bytes of a manifest that are read.
const MAX_MANIFEST: u64 = 64 << 10;
/// Bytes of zeros at the end.
const END: usize = 1024;
/// Bytes of a name.
const MAX_NAME: u64 = 8 << 10;
/// Members that are read.
const MAX_MEMBERS: usize = 4_000_000;
/// Bytes of the database's part that are read.
const MAX_SUMDB_BYTES: u64 = 4 << 30;
/// Bytes of a signed head, and of a tile of hashes.
const MAX_SMALL: u64 = 64 << 10;

/// What the first member says. Nothing depends on it but what is asked for: the database is the one of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    /// the database's name
    pub database: String,
    /// records of the tree that the head signs
    pub tree_size: u64,
    /// module versions
    pub modules: usize,
}

/// A bundle whose members are known.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// what it says of itself
    pub manifest: Manifest,
    /// the files of modules
    pub modules: Arc<Archive>,
    /// the files of the database, by their path in the GOSUMDB protocol
    pub sumdb: BTreeMap<String, (u64, u64)>,
}

impl Manifest {
    /// That of a bundle which is written now.
    pub fn new(database: &str, tree_size: u64, modules: usize) -> Manifest {
        let (format, database) = (FORMAT.to_owned(), database.to_owned());
        Manifest { format, version: VERSION, database, tree_size, modules }
    }
}

/// Reads the names in a bundle, not the files behind them.
///
/// # Errors
/// `Usage`: it is not a bundle, is one of another version, is cut off, or cannot be read.
pub fn read(path: &Path) -> Result<Bundle, Fault> {
    let place = path.display().to_string();
    let usage = |why: &str| Fault::Usage(format!("{place}: {why}"));
    let file = files::open(path).map_err(|error| usage(&format!("cannot be read: {}", files::explain(&error))))?;
    let len = file.metadata().map_err(|error| usage(&error.to_string()))?.len();
    let broken = |error: &io::Error| usage(&format!("is not a bundle that can be read to its end: {error}"));
    let (mut manifest, mut modules, mut sumdb) = (None::<Manifest>, BTreeMap::new(), BTreeMap::new());
    if !ends(&file, len).map_err(|error| broken(&error))? {
        return Err(usage("is cut off, or not a bundle that gosumcheck export wrote"));
    }
    let mut archive = tar::Archive::new(file);
    let mut long_name = None;
    let entries = archive.entries_with_seek().map_err(|error| broken(&error))?.raw(true);
    for (count, entry) in entries.enumerate() {
        let mut entry = entry.map_err(|error| broken(&error))?;
        if count == MAX_MEMBERS {
            return Err(usage(&format!("has more than {MAX_MEMBERS} members")));
        }
        let range = (entry.raw_file_position(), entry.size());
        if range.0.checked_add(range.1).is_none_or(|end| end > len) {
            return Err(usage("is cut off"));
        }
        if entry.header().entry_type() == tar::EntryType::GNULongName && range.1 <= MAX_NAME {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            long_name = Some(bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
            continue;
        }
        let name = long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let name = String::from_utf8(name).map_err(|_| usage("a name in it is not UTF-8"))?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(usage(&format!("{name:?} in it is not a file")));
        }
        let Some(manifest) = &manifest else {
            manifest = Some(read_manifest(&name, &mut entry).map_err(|why| usage(&why))?);
            continue;
        };
        let is_new = if let Some(name) = name.strip_prefix("modules/") {
            modules.insert(name.to_owned(), range).is_none()
        } else if let Some(name) = name.strip_prefix(&format!("sumdb/{}/", manifest.database)) {
            sumdb.insert(name.to_owned(), range).is_none()
        } else {
            return Err(usage(&format!("{name:?} in it belongs to no bundle")));
        };
        if !is_new {
            return Err(usage(&format!("{name:?} is twice in it")));
        }
    }
    let manifest = manifest.ok_or_else(|| usage("is empty, so not a bundle"))?;
    let modules = Arc::new(Archive { path: path.to_path_buf(), members: modules });
    Ok(Bundle { manifest, modules, sumdb })
}

/// Whether a file of `len` bytes ends as an archive does, with two blocks of zeros: one that was cut off between two members would
/// look whole otherwise.
fn ends(file: &File, len: u64) -> io::Result<bool> {
    let mut end = [1; END];
    let Some(at) = len.checked_sub(wide(END)) else { return Ok(false) };
    file.read_exact_at(&mut end, at)?;
    Ok(end.iter().all(|byte| *byte == 0))
}

fn read_manifest(name: &str, entry: &mut impl io::Read) -> Result<Manifest, String> {
    if name != MANIFEST {
        return Err(format!("is not a bundle that gosumcheck export wrote: it begins with {name:?}"));
    }
    let mut bytes = Vec::new();
    entry.take(MAX_MANIFEST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| format!("{MANIFEST} in it: {error}"))?;
    if manifest.format != FORMAT || manifest.version != VERSION {
        let Manifest { format, version, .. } = manifest;
        return Err(format!("is a {format:?} of version {version}, and this program reads version {VERSION}"));
    }
    Ok(manifest)
}

impl Bundle {
    /// Writes the database's part into `folder`, as a tree that can be a source: heads, records and tiles alone, each bounded.
    ///
    /// # Errors
    /// `Usage`: something in it is another kind of file, or it cannot be read. `Unavailable`: the disk of `folder`.
    pub fn unpack_sumdb(&self, folder: &Path) -> Result<(), Fault> {
        let path = &self.modules.path;
        let usage = |why: String| Fault::Usage(format!("{}: {why}", path.display()));
        let disk = |error: io::Error| Fault::disk(folder.display().to_string(), error.to_string());
        let mut file = files::open(path).map_err(|error| usage(files::explain(&error)))?;
        let mut all = 0_u64;
        for (name, (at, len)) in &self.sumdb {
            let limit = limit_of(name).ok_or_else(|| usage(format!("{name:?} in it does not belong to a database")))?;
            all = all.saturating_add(*len);
            if *len > limit || all > MAX_SUMDB_BYTES {
                return Err(usage(format!("{name:?} in it is too long")));
            }
            let to = folder.join(name);
            std::fs::create_dir_all(to.parent().unwrap_or(folder)).map_err(disk)?;
            file.seek(SeekFrom::Start(*at)).map_err(|error| usage(error.to_string()))?;
            let mut to = File::create_new(to).map_err(disk)?;
            io::copy(&mut (&file).take(*len), &mut to).map_err(disk)?;
        }
        Ok(())
    }
}

/// How long a file of the database's part may be, in bytes; none for any other name. The names that pass lead nowhere else.
fn limit_of(name: &str) -> Option<u64> {
    if name == "latest" {
        return Some(MAX_SMALL);
    }
    if let Ok(TilePath::Hashes(_)) = TilePath::parse(name) {
        return Some(MAX_SMALL);
    }
    ModuleVersion::parse_lookup_path(name).ok().map(|_| wide(MAX_RESPONSE_BYTES))
}

/// Writes a bundle, member after member.
pub(super) struct BundleWriter<W: Write> {
    tar: tar::Builder<W>,
}

impl<W: Write> BundleWriter<W> {
    /// Begins with the manifest.
    ///
    /// # Errors
    /// Those of `to`.
    pub(super) fn new(to: W, manifest: &Manifest) -> io::Result<BundleWriter<W>> {
        let mut writer = BundleWriter { tar: tar::Builder::new(to) };
        let mut text = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
        text.push(b'\n');
        writer.add(MANIFEST, wide(text.len()), text.as_slice())?;
        Ok(writer)
    }

    /// Adds a file of `len` bytes.
    ///
    /// # Errors
    /// Those of both; `UnexpectedEof` where it is shorter.
    pub(super) fn add(&mut self, name: &str, len: u64, from: impl io::Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(len);
        let mut counted = Counted { from: from.take(len), count: 0 };
        self.tar.append_data(&mut header, name, &mut counted)?;
        if counted.count == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Ends it.
    ///
    /// # Errors
    /// Those of `to`.
    pub(super) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }
}

/// Counts what is read.
struct Counted<R> {
    from: R,
    count: u64,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buf)?;
        self.count = self.count.saturating_add(wide(read));
        Ok(read)
    }
}
