//! The rules for what a module zip may hold: x/mod/zip's CheckZip, which the go command applies before it unpacks one.
//!
//! Every entry is named `M@V/...`; what follows is a path of letters, digits and some punctuation that every file system
//! takes; no two of them differ only by case; `go.mod` is so spelled and at the top; all is bounded in size. Entries for
//! folders are allowed and ignored. Contents are not read: `dirhash` does that. (golang.org/x/mod/zip/zip.go, checkZip,
//! and module.go, CheckFilePath)

mod paths;
mod unicode;

use super::dirhash::{Entry, Limits, ModuleZip, ReadAt, ZipError, entry_named, shown};
use super::error::Error;
use paths::{Paths, check_file_path};

/// Bytes of a go.mod at most, inside a zip and beside it (x/mod/zip, MaxGoMod).
pub const MAX_GO_MOD: u64 = 16 << 20;
/// Bytes of LICENSE at most (x/mod/zip, MaxLICENSE).
const MAX_LICENSE: u64 = 16 << 20;
/// How many faults an error names one by one.
const MAX_SHOWN_FAULTS: usize = 16;

/// Checks the zip of module `path` at `version`, which the caller has found to be a valid pair (Go's module.Check).
///
/// # Errors
/// `Refused(Malformed)` with every fault found (the first sixteen, and how many more), `Read` if the source fails.
pub fn check_zip<R: ReadAt + ?Sized>(source: &R, path: &str, version: &str) -> Result<(), ZipError> {
    Ok(check_module_zip(&ModuleZip::read(source)?, path, version)?)
}

/// As `check_zip`, with other limits than the default.
///
/// # Errors
/// As `check_zip`.
pub fn check_zip_within<R: ReadAt + ?Sized>(
    source: &R,
    path: &str,
    version: &str,
    limits: &Limits,
) -> Result<(), ZipError> {
    Ok(check_module_zip(&ModuleZip::read_within(source, limits)?, path, version)?)
}

/// As `check_zip`, of a zip whose directory was read already.
///
/// # Errors
/// `Malformed` with every fault found (the first sixteen, and how many more).
pub fn check_module_zip<R: ReadAt + ?Sized>(zip: &ModuleZip<'_, R>, path: &str, version: &str) -> Result<(), Error> {
    let archive = zip.archive();
    let prefix = format!("{path}@{version}/");
    let mut paths = Paths::with_room(archive.names(), archive.entries().len());
    let mut faults = Faults::default();
    let mut unpacked = 0_u64;
    for entry in archive.entries() {
        let name = archive.name(entry);
        match check_entry(name, entry, &prefix, &mut paths) {
            Ok(counted) => unpacked = unpacked.saturating_add(counted),
            Err(why) => faults.add(|| format!("{}: {why}", entry_named(name))),
        }
    }
    let limit = zip.limits().unpacked;
    if unpacked > limit {
        faults.add(|| format!("its files declare {unpacked} bytes where {limit} are the limit"));
    }
    faults.into_result(&format!("zip of {}@{}", shown(path.as_bytes()), shown(version.as_bytes())))
}

/// Checks one entry; returns the bytes that count towards the limit, which those of folders do not.
fn check_entry(name: &[u8], entry: &Entry, prefix: &str, paths: &mut Paths<'_>) -> Result<u64, String> {
    let unpacked = entry.unpacked;
    let Some(path) = name.strip_prefix(prefix.as_bytes()) else {
        return Err(format!("it does not begin with \"{}\"", shown(prefix.as_bytes())));
    };
    if path.is_empty() {
        return Ok(0);
    }
    let (path, is_folder) = path.strip_suffix(b"/").map_or((path, false), |path| (path, true));
    // Go asks first whether path.Clean leaves the path as it is; every path that it would change breaks one of these too.
    let path = std::str::from_utf8(path).map_err(|_| "not UTF-8")?;
    check_file_path(path)?;
    // Where the path begins: after the prefix of its entry's name.
    let start = entry.name_start.saturating_add(u32::try_from(prefix.len()).unwrap_or(u32::MAX));
    paths.add(path, start, is_folder)?;
    if is_folder {
        return Ok(0);
    }
    let base = path.rsplit('/').next().unwrap_or(path);
    if base.eq_ignore_ascii_case("go.mod") && base != path {
        return Err("a go.mod below the module's root".to_owned());
    }
    match path {
        "go.mod" if unpacked > MAX_GO_MOD => Err(format!("{unpacked} bytes where {MAX_GO_MOD} are the limit")),
        "LICENSE" if unpacked > MAX_LICENSE => Err(format!("{unpacked} bytes where {MAX_LICENSE} are the limit")),
        "go.mod" => Ok(unpacked),
        _ if base.eq_ignore_ascii_case("go.mod") => Err("go.mod must be in lower case".to_owned()),
        _ => Ok(unpacked),
    }
}

/// What was found, up to a bound.
#[derive(Default)]
struct Faults {
    shown: Vec<String>,
    more: u64,
}

impl Faults {
    fn add(&mut self, fault: impl FnOnce() -> String) {
        if self.shown.len() < MAX_SHOWN_FAULTS {
            self.shown.push(fault());
        } else {
            self.more += 1;
        }
    }

    fn into_result(mut self, what: &str) -> Result<(), Error> {
        if self.more > 0 {
            self.shown.push(format!("and {} more", self.more));
        }
        if self.shown.is_empty() { Ok(()) } else { Err(Error::malformed(what, self.shown.join("; "))) }
    }
}
