//! Vendor folders: is every file in one what `go mod vendor` copies out of the proven zips of the modules that its modules.txt names?
//!
//! The go command builds from such a folder as it is (golang/go#27348). Which files it copies is told by `rules` and `embed`, after
//! its own cmd/go/internal/modcmd/vendor.go. The folder is a stranger's: no link in it is followed.

pub mod embed;
mod files_below;
pub mod list;
pub mod rules;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Claim, Claims, Says};
use crate::files::{self, Links, Tree};
use crate::report::{Artifact, Kind, Location, Subject, Verdict};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{FileContent, ModuleZip, ZipError};
use crate::sumdb::gosum::{SumHash, SumLine};
use crate::sumdb::hash::Hash;
use crate::sumdb::module::{ModuleVersion, Patterns};
use crate::sumdb::number::wide;
use list::{Source, VendoredModule};
use rules::GoVersion;
use walk::Walk;

/// The list of modules and packages in a vendor folder.
pub const MODULES_TXT: &str = "modules.txt";
/// Bytes of it, and of the go.mod beside the folder.
const MAX_LIST: u64 = 16 << 20;

/// A vendor folder whose list was read.
pub struct Vendor {
    path: PathBuf,
    modules: Vec<VendoredModule>,
    malformed: Vec<list::Malformed>,
    /// where in `modules` each is that has packages, by its path
    owners: BTreeMap<String, usize>,
    go: Option<GoVersion>,
    /// what files there may be, by their paths below the folder
    expected: BTreeMap<String, CopiedFile>,
    /// what became of the zip of each module, by its place in `modules`
    zips: BTreeMap<usize, Result<Hash, Verdict>>,
}

/// A file of a proven zip.
struct CopiedFile {
    hash: Hash,
    module: usize,
    /// it must be there; what may be is copied by some versions of Go
    is_required: bool,
}

/// Whether the folder at `path` is one.
pub fn is_vendor(path: &Path) -> bool {
    path.join(MODULES_TXT).symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Whether go takes what is at `path` for one, and it is none here, because it or its list is a link.
pub(super) fn is_linked(path: &Path) -> bool {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let list = path.join(MODULES_TXT);
    (is_link(path) || is_link(&list)) && list.is_file()
}

impl Vendor {
    /// Reads the list of the folder at `path`, and which version of Go the module around it has.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read(path: &Path) -> io::Result<Vendor> {
        let opened = Tree::open(path)?.file(Path::new(MODULES_TXT), Links::Refused)?;
        let text = files::read_bounded(opened, MAX_LIST)?;
        if wide(text.len()) > MAX_LIST {
            return Err(io::Error::other(format!("its {MODULES_TXT} has more than {} MiB", MAX_LIST >> 20)));
        }
        let (modules, malformed) = list::read(&String::from_utf8_lossy(&text));
        let around = if text.starts_with(b"## workspace") { "go.work" } else { "go.mod" };
        let go_mod = Tree::open(&path.join("..")).and_then(|tree| tree.file(Path::new(around), Links::Refused));
        let go = go_mod.and_then(|file| files::read_bounded(file, MAX_LIST)).ok();
        let go = go.and_then(|bytes| GoVersion::of_go_mod(&String::from_utf8_lossy(&bytes)));
        let with_packages = modules.iter().enumerate().filter(|(_, module)| !module.packages.is_empty());
        let owners = with_packages.map(|(place, module)| (module.path.clone(), place)).collect();
        let (expected, zips) = (BTreeMap::new(), BTreeMap::new());
        Ok(Vendor { path: path.to_path_buf(), modules, malformed, owners, go, expected, zips })
    }

    /// The modules whose zips say what is in it, but for those that `exempt` names.
    pub fn wanted(&self, exempt: &Patterns) -> Vec<ModuleVersion> {
        let sources = self
            .modules
            .iter()
            .filter(|module| !module.packages.is_empty())
            .filter_map(|module| if let Source::Module(version) = &module.source { Some(version) } else { None });
        let wanted: BTreeSet<_> = sources.filter(|module| exempt.exemption(module.path()).is_none()).collect();
        wanted.into_iter().cloned().collect()
    }

    /// Takes in the proven zip of a module, which up to `threads` threads hash, or why there is none.
    pub fn add(&mut self, of: &ModuleVersion, zip: Result<File, Verdict>, threads: usize) {
        let places: Vec<usize> = (0..self.modules.len())
            .filter(|place| self.modules.get(*place).is_some_and(|module| module.source.is(of)))
            .collect();
        for place in places {
            let outcome = match &zip {
                Ok(file) => self.expect(place, of, file, threads),
                Err(verdict) => Err(verdict.clone()),
            };
            self.zips.insert(place, outcome);
        }
    }

    /// Notes what the zip of a module has for the folder; gives its h1.
    fn expect(&mut self, place: usize, of: &ModuleVersion, file: &File, threads: usize) -> Result<Hash, Verdict> {
        let unavailable = |error: io::Error| Verdict::Unavailable { why: format!("the zip of {of}: {error}") };
        let failed = |error: ZipError| match error {
            ZipError::Read(error) => unavailable(error),
            ZipError::Refused(error) => Verdict::Malformed { why: error.to_string() },
        };
        let Some(module) = self.modules.get(place) else { return Err(unavailable(io::ErrorKind::NotFound.into())) };
        let zip = ZipFile::new(file.try_clone().map_err(unavailable)?).map_err(unavailable)?;
        let zip = ModuleZip::read(&zip).map_err(failed)?;
        let (h1, files) = zip.h1_and_files(threads).map_err(failed)?;
        let prefix = format!("{of}/");
        let (mut below, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for (number, (name, hash)) in files.iter().enumerate() {
            let name = name.strip_prefix(prefix.as_bytes()).and_then(|name| std::str::from_utf8(name).ok());
            let Some(name) = name.filter(|name| !name.is_empty() && !name.ends_with('/')) else { continue };
            below.insert(name, *hash);
            numbers.insert(name, number);
        }
        let content = |name: &str| {
            let number = numbers.get(name).copied().unwrap_or(usize::MAX);
            // What is longer than any source may be names no import.
            let found = zip.content_of(number, wide(rules::MAX_SOURCE))?;
            Ok(if let Some(FileContent::Whole(bytes)) = found { bytes } else { Vec::new() })
        };
        for (name, is_required) in rules::copied(module, &below, self.go, &content).map_err(failed)? {
            let Some(hash) = below.get(name.as_str()).copied() else { continue };
            let at = format!("{}/{name}", module.path);
            let known = self.expected.entry(at).or_insert(CopiedFile { hash, module: place, is_required });
            known.is_required |= is_required;
        }
        Ok(h1)
    }

    /// The claims: each module whose files are all as they should be, and each file that is not.
    pub fn claims(self, exempt: &Patterns) -> Claims {
        let shown = self.path.display().to_string();
        let Walk { altered, more, touched, unread, .. } = Walk::through(&self);
        let mut claims: Vec<Claim> = self.malformed.iter().map(|line| self.malformed_claim(line)).collect();
        claims.extend(altered);
        claims.extend((0..).zip(&self.modules).filter_map(|(place, module)| {
            // Of a folder that was not read to its end no module is as it should be.
            let is_touched = unread.is_some() || touched.contains(&place);
            self.module_claim(place, module, exempt).filter(|claim| !(is_touched && matches!(claim.says, Says::Sum(_))))
        }));
        let remarks = (more > 0).then(|| format!("{more} more files differ and are not listed")).into_iter().collect();
        let about = format!("{} modules", self.modules.iter().filter(|module| !module.packages.is_empty()).count());
        Claims { artifact: Artifact::Vendor, about: Some(about), remarks, claims, unread, ..Claims::empty(shown) }
    }

    fn malformed_claim(&self, line: &list::Malformed) -> Claim {
        let why = format!("line {}: {}", line.number, line.why);
        let place = Location::File(self.path.join(MODULES_TXT).display().to_string());
        let says = Says::Nothing(Verdict::Malformed { why });
        Claim::new(place, line.text.clone(), says)
    }

    /// What is said of a module as a whole; nothing of one that the folder has no package of.
    fn module_claim(&self, place: usize, module: &VendoredModule, exempt: &Patterns) -> Option<Claim> {
        if module.packages.is_empty() {
            return None;
        }
        let says = match (&module.source, self.zips.get(&place)) {
            (Source::Folder(folder), _) => {
                let why = format!("replaced by the folder {}", crate::sumdb::printable::quoted(folder));
                Says::About(module.subject(), Verdict::NoHash { why })
            }
            (Source::Module(version), Some(Ok(h1))) => {
                Says::Sum(SumLine { module: version.clone(), kind: Kind::Zip, hash: SumHash::H1(*h1) })
            }
            (Source::Module(_), Some(Err(verdict))) => Says::About(module.subject(), verdict.clone()),
            (Source::Module(version), None) => {
                let pattern = exempt.exemption(version.path()).unwrap_or_default().to_owned();
                Says::About(module.subject(), Verdict::Skipped { pattern })
            }
        };
        let text = if let Says::Sum(sum) = &says { sum.to_string() } else { module.line.clone() };
        let place = Location::File(self.path.join(&module.path).display().to_string());
        Some(Claim::new(place, text, says))
    }

    /// The module that a path below the folder belongs to: the one that it is copied from, else that of the longest path.
    fn owner(&self, path: &str) -> Option<usize> {
        if let Some(file) = self.expected.get(path) {
            return Some(file.module);
        }
        let mut folders = path.rmatch_indices('/').filter_map(|(end, _)| path.get(..end));
        folders.find_map(|folder| self.owners.get(folder)).copied()
    }

    /// Whether nothing can be said of a module's files, because its zip is not at hand or it has none.
    fn is_unknown(&self, place: usize) -> bool {
        !matches!(self.zips.get(&place), Some(Ok(_)))
    }
}

impl VendoredModule {
    fn subject(&self) -> Subject {
        let (module, version) = match &self.source {
            Source::Module(module) => (module.path().to_string(), module.version().to_string()),
            Source::Folder(_) => (self.path.clone(), self.version.clone()),
        };
        Subject { module, version, kind: Kind::Zip }
    }
}
