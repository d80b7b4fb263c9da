//! Which files of which modules lie in a folder or a bundle, by their names alone; and what lies there besides, which is named where
//! it looks like a file of a module, and counted otherwise. Links are not followed.

use std::collections::BTreeMap;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use crate::files::{Unfit, explain};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::upstream::Holding;

/// Files and folders that are looked at; about a minute on a slow disk.
const MAX_ENTRIES: usize = 10_000_000;
/// Module versions that are taken over at once.
const MAX_MODULES: usize = 1_000_000;
/// What was passed over is named up to this number, then counted.
const MAX_PASSED: usize = 1_000;
/// Deeper folders are not looked into: a module path has at most some hundred elements.
const MAX_DEPTH: usize = 256;

/// Which files of a module version there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilesHeld {
    /// its go.mod
    pub go_mod: bool,
    /// when it was made
    pub info: bool,
    /// its zip
    pub zip: bool,
}

/// Something that was not taken for a file of a module, though it may be meant as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// its path
    pub path: String,
    /// why it was passed over
    pub why: String,
}

/// What there is.
#[derive(Debug, Default)]
pub struct TransferInventory {
    /// the module versions
    pub modules: BTreeMap<ModuleVersion, FilesHeld>,
    /// the first that were passed over
    pub passed: Vec<Passed>,
    /// how many more were
    pub passed_more: usize,
    /// files that have nothing to do with modules, or that are made anew: lists, locks, hashes
    pub others: usize,
}

/// What a name is in the layout at hand.
enum Named {
    Of(ModuleVersion, Part),
    /// a file that belongs there and is not taken over
    Beside,
    /// meant as a file of a module, and none
    Wrong(String),
}

#[derive(Clone, Copy)]
enum Part {
    GoMod,
    Info,
    Zip,
}

/// What lies in `holding`.
pub fn inventory(holding: &Holding) -> TransferInventory {
    let mut found = TransferInventory::default();
    match holding {
        Holding::Tree(root) => found.walk(root, &in_tree),
        Holding::Athens(root) => found.walk(root, &in_athens),
        Holding::Archive(archive) => {
            for name in archive.members.keys() {
                found.add(format!("{}#{name}", archive.path.display()), in_tree(name));
            }
        }
    }
    found
}

impl TransferInventory {
    fn walk(&mut self, root: &Path, named: &dyn Fn(&str) -> Named) {
        let walk = WalkDir::new(root).max_depth(MAX_DEPTH).sort_by_file_name().into_iter();
        // The database's own files and the repositories of `direct` have folders of their own.
        let is_of_modules = |entry: &DirEntry| {
            entry.depth() != 1
                || !matches!(entry.file_name().to_str(), Some("sumdb" | "vcs"))
                || entry.file_type().is_file()
        };
        for (count, entry) in walk.filter_entry(is_of_modules).enumerate() {
            if count == MAX_ENTRIES || self.modules.len() == MAX_MODULES {
                let why = format!(
                    "has more than {MAX_ENTRIES} files or {MAX_MODULES} module versions: the rest was not read"
                );
                return self.pass(root.display().to_string(), why);
            }
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => self.look_at(root, &entry, named),
                Err(error) => {
                    let path = error.path().unwrap_or(root).display().to_string();
                    let why = error.io_error().map_or_else(|| error.to_string(), explain);
                    self.pass(path, format!("cannot be read: {why}"));
                }
            }
        }
    }

    fn look_at(&mut self, root: &Path, entry: &DirEntry, named: &dyn Fn(&str) -> Named) {
        let path = entry.path().display().to_string();
        let below = entry.path().strip_prefix(root).ok().and_then(Path::to_str);
        let named = below.map_or_else(|| Named::Wrong("its name is not UTF-8".to_owned()), named);
        match (Unfit::of_type(entry.file_type()), named) {
            (None, named) => self.add(path, named),
            // A link beside the files of a version hides nothing.
            (Some(_), Named::Beside) if entry.path().parent().is_some_and(|parent| parent.ends_with("@v")) => {
                self.others += 1;
            }
            (Some(unfit), _) => self.pass(path, format!("{unfit}, so it was not read")),
        }
    }

    fn add(&mut self, path: String, named: Named) {
        match named {
            Named::Of(module, part) => {
                let files = self.modules.entry(module).or_default();
                match part {
                    Part::GoMod => files.go_mod = true,
                    Part::Info => files.info = true,
                    Part::Zip => files.zip = true,
                }
            }
            Named::Beside => self.others += 1,
            Named::Wrong(why) => self.pass(path, why),
        }
    }

    fn pass(&mut self, path: String, why: String) {
        if self.passed.len() < MAX_PASSED {
            self.passed.push(Passed { path, why });
        } else {
            self.passed_more += 1;
        }
    }
}

/// What a path is below a folder laid out as a module proxy's paths.
fn in_tree(below: &str) -> Named {
    let Some((_, file)) = below.rsplit_once("/@v/") else { return Named::Beside };
    if !matches!(file.rsplit_once('.'), Some((_, "mod" | "info" | "zip"))) {
        return Named::Beside;
    }
    match ModuleRequest::parse(below) {
        Ok(ModuleRequest::File(module, Kind::GoMod)) => Named::Of(module, Part::GoMod),
        Ok(ModuleRequest::File(module, Kind::Zip)) => Named::Of(module, Part::Zip),
        Ok(ModuleRequest::Info(module)) => Named::Of(module, Part::Info),
        // What a branch stood for once.
        Ok(_) => Named::Beside,
        Err(error) => Named::Wrong(format!("is not the name of a module's file: {error}")),
    }
}

/// What a path is below the disk store of an Athens.
fn in_athens(below: &str) -> Named {
    let Some((folder, file)) = below.rsplit_once('/') else { return Named::Beside };
    let Some((module, version)) = folder.rsplit_once('/') else { return Named::Beside };
    let part = match file {
        "go.mod" => Part::GoMod,
        "source.zip" => Part::Zip,
        file if file.strip_suffix(".info") == Some(version) => Part::Info,
        _ => return Named::Beside,
    };
    match ModuleVersion::new(module, version) {
        Ok(module) => Named::Of(module, part),
        Err(error) => Named::Wrong(format!("its folders are not a module and a version: {error}")),
    }
}
