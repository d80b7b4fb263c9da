//! Which modules a person wants to stay in the store: `DATA/store/keep`, a text file with a module version or a pattern, as in
//! GOPRIVATE, a line. `gosumcheck store pin` and `unpin` write it; nothing else does.
//!
//! A line that is neither is a fault, and then nothing is removed from the store: it may have named anything.

use std::path::PathBuf;
use std::time::Duration;

use super::cache::read_bounded;
use super::lock::Lock;
use super::words::unavailable;
use super::{Folder, STORE_FOLDER};
use crate::fault::Fault;
use crate::sumdb::module::{ModuleVersion, Patterns};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The file.
#[derive(Debug, Clone)]
pub struct KeepList {
    folder: Folder,
    path: PathBuf,
}

/// What it says.
#[derive(Debug, Clone, Default)]
pub struct KeptModules {
    lines: Vec<(String, Covered)>,
}

#[derive(Debug, Clone)]
enum Covered {
    One(Box<ModuleVersion>),
    All(Patterns),
}

impl KeptModules {
    /// The line that keeps a module version, if one does.
    pub fn covers(&self, module: &ModuleVersion) -> Option<&str> {
        let covers = |covered: &Covered| match covered {
            Covered::One(one) => **one == *module,
            Covered::All(patterns) => patterns.exemption(module.path()).is_some(),
        };
        self.lines.iter().find(|(_, covered)| covers(covered)).map(|(line, _)| line.as_str())
    }

    /// The lines, sorted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(line, _)| line.as_str())
    }

    fn text(&self) -> String {
        self.lines().map(|line| format!("{line}\n")).collect()
    }
}

impl KeepList {
    pub(super) fn new(folder: Folder) -> KeepList {
        let path = folder.root().join(STORE_FOLDER).join("keep");
        KeepList { folder, path }
    }

    /// What is kept.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read, or has a line that names nothing.
    pub fn read(&self) -> Result<KeptModules, Fault> {
        let bytes = read_bounded(&self.path, MAX_BYTES).map_err(|error| unavailable(&self.path, "read", &error))?;
        let wrong = |why: String| Fault::machine(self.path.display().to_string(), why);
        let bytes = match (bytes, self.path.symlink_metadata()) {
            (Some(bytes), _) => bytes,
            (None, Ok(found)) if !found.is_file() || found.len() > 0 => {
                return Err(wrong(
                    "is too long or not a file: nothing is removed from the store until that is put right".to_owned(),
                ));
            }
            (None, _) => Vec::new(),
        };
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| wrong("is not text: nothing is removed from the store until it is".to_owned()))?;
        let mut lines = Vec::new();
        for line in text.lines() {
            let covered = covered(line).map_err(|why| {
                wrong(format!(
                    "has the line {line:?}: {why}; nothing is removed from the store until that is put right"
                ))
            })?;
            lines.push((line.to_owned(), covered));
        }
        Ok(KeptModules { lines })
    }

    /// Adds lines that are not there yet, durably.
    ///
    /// # Errors
    /// `Usage`: one names nothing. `Unavailable` where the disk fails.
    pub fn add(&self, lines: &[String]) -> Result<(), Fault> {
        for line in lines {
            covered(line).map_err(|why| Fault::Usage(format!("{line:?}: {why}")))?;
        }
        self.change(|kept| {
            for line in lines {
                if !kept.lines().any(|there| there == line)
                    && let Ok(covered) = covered(line)
                {
                    kept.lines.push((line.clone(), covered));
                }
            }
        })
    }

    /// Removes lines, durably; gives those that were not there.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails.
    pub fn remove(&self, lines: &[String]) -> Result<Vec<String>, Fault> {
        let mut missing = Vec::new();
        self.change(|kept| {
            missing = lines.iter().filter(|line| !kept.lines().any(|there| there == *line)).cloned().collect();
            kept.lines.retain(|(there, _)| !lines.contains(there));
        })?;
        Ok(missing)
    }

    fn change(&self, change: impl FnOnce(&mut KeptModules)) -> Result<(), Fault> {
        let _lock = self.folder.lock_store(PATIENCE)?;
        let mut kept = self.read()?;
        let before = kept.text();
        change(&mut kept);
        kept.lines.sort_by(|a, b| a.0.cmp(&b.0));
        if kept.text() == before { Ok(()) } else { self.folder.write(&self.path, kept.text().as_bytes(), true) }
    }
}

impl Folder {
    /// Which modules a person wants to stay: `DATA/store/keep`.
    pub fn keep(&self) -> KeepList {
        KeepList::new(self.clone())
    }

    /// The right to remove module files, and to say which stay: one process at a time. Servers that only add files do without.
    ///
    /// # Errors
    /// `Unavailable`: another process keeps it for longer than `patience`, or the disk fails.
    pub fn lock_store(&self, patience: Duration) -> Result<Lock, Fault> {
        let dir = self.root().join(STORE_FOLDER);
        if !dir.is_dir() {
            self.forget();
        }
        self.ensure(&dir, false).map_err(|error| unavailable(&dir, "create", &error))?;
        let path = dir.join("lock");
        Lock::acquire_within(&path, patience)?.ok_or_else(|| {
            let why = "another process is removing modules from this store; try again when it has ended";
            Fault::machine(path.display().to_string(), why)
        })
    }
}

fn covered(line: &str) -> Result<Covered, String> {
    if line.contains(',') || line.chars().any(|c| c.is_whitespace() || c.is_control()) || line.is_empty() {
        return Err(
            "write a module version (example.com/m@v1.2.3) or a pattern as in GOPRIVATE (example.com/*)".to_owned()
        );
    }
    if line.contains('@') {
        return ModuleVersion::parse_at(line).map(|one| Covered::One(Box::new(one))).map_err(|error| error.to_string());
    }
    Ok(Covered::All(Patterns::parse(line)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_a_version_or_a_pattern_and_survives() {
        let root = tempfile::tempdir().unwrap();
        let keep = || Folder::open(root.path()).unwrap().keep();
        let module = |text: &str| ModuleVersion::parse_at(text).unwrap();
        keep().add(&["example.com/b/*".to_owned(), "example.com/a@v1.0.0".to_owned()]).unwrap();
        keep().add(&["example.com/a@v1.0.0".to_owned()]).unwrap();
        let kept = keep().read().unwrap();
        assert_eq!(kept.lines().collect::<Vec<_>>(), ["example.com/a@v1.0.0", "example.com/b/*"]);
        assert_eq!(kept.covers(&module("example.com/a@v1.0.0")), Some("example.com/a@v1.0.0"));
        assert_eq!(kept.covers(&module("example.com/b/c/d@v1.0.0")), Some("example.com/b/*"));
        assert_eq!(kept.covers(&module("example.com/a@v1.0.1")), None);
        let missing = keep().remove(&["example.com/a@v1.0.0".to_owned(), "example.com/c".to_owned()]).unwrap();
        assert_eq!(missing, ["example.com/c"]);
        assert_eq!(keep().read().unwrap().lines().collect::<Vec<_>>(), ["example.com/b/*"]);
        for wrong in ["", "a b", "a,b", "example.com/a@", "example.com/a@1.0.0 ", "@v1.0.0"] {
            assert!(matches!(keep().add(&[wrong.to_owned()]), Err(Fault::Usage(_))), "{wrong:?}");
        }
    }

    #[test]
    fn a_line_that_names_nothing_is_a_fault() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        std::fs::create_dir(root.path().join("store")).unwrap();
        std::fs::write(root.path().join("store/keep"), "example.com/a@v1.0.0\nexample.com/b@\n").unwrap();
        let fault = folder.keep().read().unwrap_err().to_string();
        assert!(fault.contains("\"example.com/b@\"") && fault.contains("nothing is removed"), "{fault}");
    }
}
