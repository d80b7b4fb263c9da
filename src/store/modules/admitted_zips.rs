//! Which versions were admitted, and when, as what stands in the two trees tells it: the hash beside a zip is written when the zip is
//! admitted, and stays when that leaves.

use std::io::ErrorKind::NotFound;
use std::path::Path;

use walkdir::WalkDir;

use super::admissions::{Admissions, AdmittedZip};
use super::{Modules, Tree, pin_extension, walk};
use crate::fault::Fault;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

impl Modules {
    /// When each version was admitted.
    pub fn admissions(&self) -> &Admissions {
        &self.admissions
    }

    /// Adds to [`Modules::admissions`] what is here and is not written down there. Looks at the names of all files.
    ///
    /// # Errors
    /// `Unavailable`: the disk fails. It is to be tried again.
    pub fn complete_admissions(&self) -> Result<(), Fault> {
        self.admissions.complete(|| self.all_admitted_zips())
    }

    /// What is wrong with the file of [`Modules::admissions`], each in a line of its own, and how many of the versions that are here are
    /// not written down there; nothing where there is no file. Changes nothing, and a server may go on writing meanwhile.
    ///
    /// # Errors
    /// `Unavailable`: the file, or the store, cannot be read.
    pub fn check_admissions(&self) -> Result<(Vec<String>, u64), Fault> {
        self.admissions.check(self.all_admitted_zips())
    }

    /// Writes a damaged file of [`Modules::admissions`] anew, by the times of the stored files; the damaged one is set aside. Says whether
    /// there was anything to do.
    ///
    /// # Errors
    /// `Unavailable`: a server holds the store, or the disk fails.
    pub fn mend_admissions(&self) -> Result<bool, Fault> {
        let _alone = self.claim()?;
        if self.check_admissions()?.0.is_empty() {
            return Ok(false);
        }
        self.admissions.set_aside()?;
        self.complete_admissions().map(|()| true)
    }

    fn all_admitted_zips(&self) -> impl Iterator<Item = Result<AdmittedZip, Fault>> + use<> {
        self.admitted_zips(Tree::Proven).chain(self.admitted_zips(Tree::FirstUse))
    }

    /// Whether the zip of a version is in one of the trees.
    ///
    /// # Errors
    /// `Usage`: no file has such a name.
    pub fn has_zip(&self, module: &ModuleVersion) -> Result<bool, Fault> {
        let is_in = |tree| Ok(super::is_file(&self.named(tree, module, Kind::Zip.extension())?));
        Ok(is_in(Tree::Proven)? || is_in(Tree::FirstUse)?)
    }

    /// In no order. Links are not followed; what leaves meanwhile is left out.
    fn admitted_zips(&self, tree: Tree) -> impl Iterator<Item = Result<AdmittedZip, Fault>> + use<> {
        let dir = self.dir_of(tree).to_path_buf();
        WalkDir::new(&dir).into_iter().filter_map(move |entry| match entry {
            Ok(entry) if entry.file_type().is_file() => found(&dir, tree, entry.path()).map(Ok),
            Ok(_) => None,
            Err(error) if error.io_error().is_some_and(|error| error.kind() == NotFound) => None,
            Err(error) => {
                let path = error.path().unwrap_or(&dir).display().to_string();
                Some(Err(Fault::machine(path, format!("cannot be read: {error}"))))
            }
        })
    }
}

fn found(dir: &Path, tree: Tree, path: &Path) -> Option<AdmittedZip> {
    let (module, ending) = walk::parse(path.strip_prefix(dir).ok()?.to_str()?)?;
    let since = |path: &Path| path.symlink_metadata().and_then(|found| found.modified()).ok();
    let hash = since(path).filter(|_| ending == pin_extension(Kind::Zip))?;
    let since = since(&path.with_extension(Kind::Zip.extension())).map_or(hash, |zip| zip.min(hash));
    Some(AdmittedZip { module, is_private: tree == Tree::FirstUse, since })
}
