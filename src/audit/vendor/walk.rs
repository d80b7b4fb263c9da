//! A walk through a vendor folder: each file is compared with what the proven zips have for it, and what they have beside is missing.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::{MODULES_TXT, Vendor};
use crate::audit::{Claim, Says};
use crate::files::{Links, Tree};
use crate::report::{Location, Verdict};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{Limits, ReadAt as _, sha256_of};

/// Files in a vendor folder. The largest known have some 50,000.
const MAX_FILES: usize = 1 << 20;
/// Findings that are listed each.
const MAX_FINDINGS: usize = 10_000;

/// What a walk through the folder finds.
pub(super) struct Walk<'a> {
    vendor: &'a Vendor,
    pub altered: Vec<Claim>,
    /// how many more there are
    pub more: usize,
    seen: BTreeSet<String>,
    /// modules with files that are not as they should be
    pub touched: BTreeSet<usize>,
    /// why it was not finished, if so
    pub unread: Option<String>,
}

impl Walk<'_> {
    /// Looks at every file of the folder, and at what it lacks.
    pub(super) fn through(vendor: &Vendor) -> Walk<'_> {
        let (seen, touched) = (BTreeSet::new(), BTreeSet::new());
        let mut walk = Walk { vendor, altered: Vec::new(), more: 0, seen, touched, unread: None };
        walk.unread = walk.walk();
        // What was not looked at may be there.
        if walk.unread.is_none() {
            walk.note_missing();
        }
        walk
    }

    /// Looks at every file; gives why the walk could not be finished, if so.
    fn walk(&mut self) -> Option<String> {
        let root = &self.vendor.path;
        let tree = match Tree::open(root) {
            Ok(tree) => tree,
            Err(error) => return Some(error.to_string()),
        };
        // Where every file is executable, as on some file systems, that says nothing.
        let modes =
            root.join(MODULES_TXT).symlink_metadata().is_ok_and(|found| found.permissions().mode() & 0o111 == 0);
        for entry in WalkDir::new(root).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Some(error.to_string()),
            };
            if entry.file_type().is_dir() || (entry.depth() == 1 && entry.file_name() == MODULES_TXT) {
                continue;
            }
            if self.seen.len() == MAX_FILES {
                return Some(format!("has more than {MAX_FILES} files: the rest was not read"));
            }
            let below = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
            match self.judge(&tree, &entry, &below, modes) {
                Ok(Some(why)) => self.alter(&below, why),
                Ok(None) => {}
                Err(error) => return Some(format!("{below}: {error}")),
            }
            self.seen.insert(below);
        }
        None
    }

    /// In what way a file is not as it should be; none where it is, and where nobody can know.
    fn judge(&self, tree: &Tree, entry: &DirEntry, below: &str, modes: bool) -> io::Result<Option<String>> {
        if self.vendor.owner(below).is_some_and(|place| self.vendor.is_unknown(place)) {
            return Ok(None);
        }
        if !entry.file_type().is_file() {
            return Ok(Some("is not a regular file, and `go mod vendor` makes no other".to_owned()));
        }
        let Some(expected) = self.vendor.expected.get(below) else {
            return Ok(Some("was added: `go mod vendor` copies no such file out of any module".to_owned()));
        };
        let file = ZipFile::new(tree.file(Path::new(below), Links::Refused)?)?;
        // What is longer than all files of a module is none of them; a hole of a terabyte takes no room on the disk.
        if file.size() > Limits::default().unpacked || sha256_of(&file)? != expected.hash {
            return Ok(Some("was changed: it is not the file in the proven zip".to_owned()));
        }
        let is_executable = modes && entry.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 != 0);
        Ok(is_executable.then(|| "was made executable, as `go mod vendor` makes no file".to_owned()))
    }

    fn note_missing(&mut self) {
        let expected = self
            .vendor
            .expected
            .iter()
            .filter(|(path, expected)| expected.is_required && !self.seen.contains(path.as_str()));
        let missing: Vec<&String> = expected.map(|(path, _)| path).collect();
        for path in missing {
            self.alter(path, "is missing: `go mod vendor` copies it".to_owned());
        }
    }

    fn alter(&mut self, below: &str, why: String) {
        let owner = self.vendor.owner(below);
        self.touched.extend(owner);
        if self.altered.len() == MAX_FINDINGS {
            self.more += 1;
            return;
        }
        let verdict = Verdict::Altered { why };
        let says = match owner.and_then(|place| self.vendor.modules.get(place)) {
            Some(module) => Says::About(module.subject(), verdict),
            None => Says::Nothing(verdict),
        };
        let place = Location::File(self.vendor.path.join(below).display().to_string());
        self.altered.push(Claim::new(place, below.to_owned(), says));
    }
}
