//! Which files of an unpacked module are not those of its zip. That the folder has another h1 than the record is found without it;
//! where the proven zip is at hand, each file that was changed, added or removed is named.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use super::unpacked::{self, Unpacked};
use crate::files::Tree;
use crate::report::{Artifact, FileReport, Kind, LineReport, Location, Subject, Verdict};
use crate::store::zipfile::ZipFile;
use crate::sumdb::dirhash::{ModuleZip, ZipError};
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;

/// Files of one unpacked module that are named; a module has up to some ten thousand.
const MAX_NAMED: usize = 1_000;

/// An unpacked module whose h1 is not that in its record.
pub struct DifferingFolder {
    /// which
    pub module: ModuleVersion,
    /// the h1 in the record, as go.sum writes it
    pub in_log: String,
    unpacked: Unpacked,
}

/// The unpacked modules of the module cache at `root` that `report` found to differ.
pub fn differing(root: &Path, report: &FileReport) -> Vec<DifferingFolder> {
    if report.artifact != Artifact::ModuleCache {
        return Vec::new();
    }
    let folder = |line: &LineReport| {
        let (Verdict::Differs { in_log, .. }, Some(subject)) = (&line.verdict, &line.subject) else { return None };
        let module = ModuleVersion::new(&subject.module, &subject.version).ok()?;
        let unpacked = Unpacked::of(root, &module);
        let is_folder = line.place == Location::File(unpacked.path.display().to_string());
        is_folder.then(|| DifferingFolder { module, in_log: in_log.clone(), unpacked })
    };
    report.lines.iter().filter_map(folder).collect()
}

impl DifferingFolder {
    /// Its path, as the report has it.
    pub fn shown(&self) -> String {
        self.unpacked.path.display().to_string()
    }

    /// Each file of it that is not what `zip` has, hashed by up to `threads` threads; and how many more there are.
    ///
    /// # Errors
    /// Why that cannot be said: a file that cannot be read, or a zip that is not the one of the record.
    pub fn files(&self, root: &Path, zip: &File, threads: usize) -> Result<(Vec<LineReport>, usize), String> {
        let in_zip = self.in_zip(zip, threads)?;
        let tree = Tree::open(root).map_err(|error| error.to_string())?;
        let found = unpacked::files(&tree, &self.unpacked).map_err(|verdict| verdict.sentence(""))?;
        let mut missing: BTreeMap<&[u8], Hash> = in_zip.iter().map(|(name, hash)| (name.as_slice(), *hash)).collect();
        let mut altered = BTreeMap::new();
        for (name, hash) in &found {
            let why = match missing.remove(name.as_slice()) {
                Some(proven) if proven == *hash => continue,
                Some(_) => "was changed: it is not the file in the proven zip",
                None => "was added: the proven zip has no such file",
            };
            altered.insert(name.as_slice(), why);
        }
        altered.extend(missing.into_keys().map(|name| (name, "is missing: the proven zip has it")));
        let more = altered.len().saturating_sub(MAX_NAMED);
        Ok((altered.into_iter().take(MAX_NAMED).map(|(name, why)| self.line(name, why)).collect(), more))
    }

    /// The names and hashes of the files of the zip, which has to be the one of the record.
    fn in_zip(&self, zip: &File, threads: usize) -> Result<Vec<(Vec<u8>, Hash)>, String> {
        let failed = |error: io::Error| format!("the zip of {}: {error}", self.module);
        let refused = |error: ZipError| match error {
            ZipError::Read(error) => failed(error),
            ZipError::Refused(error) => format!("the zip of {}: {error}", self.module),
        };
        let zip = ZipFile::new(zip.try_clone().map_err(failed)?).map_err(failed)?;
        let zip = ModuleZip::read(&zip).map_err(refused)?;
        let (h1, files) = zip.h1_and_files(threads).map_err(refused)?;
        if format!("h1:{h1}") != self.in_log {
            return Err(format!("the zip of {} is not the one of the record", self.module));
        }
        Ok(files
            .into_iter()
            .map(|(name, hash)| (name.to_vec(), hash))
            .filter(|(name, _)| !name.ends_with(b"/"))
            .collect())
    }

    fn line(&self, name: &[u8], why: &str) -> LineReport {
        let prefix = format!("{}/", self.module);
        let name = String::from_utf8_lossy(name.strip_prefix(prefix.as_bytes()).unwrap_or(name)).into_owned();
        let place = Path::new(&self.shown()).join(&name).display().to_string();
        let subject = Subject {
            module: self.module.path().to_string(),
            version: self.module.version().to_string(),
            kind: Kind::Zip,
        };
        LineReport {
            place: Location::File(place),
            subject: Some(subject),
            text: name,
            verdict: Verdict::Altered { why: why.to_owned() },
            duplicate_of: None,
            unlisted_repeats: 0,
            history: None,
        }
    }
}
