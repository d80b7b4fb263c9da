//! Which files to audit, and what they claim: go.sum files, programs and what else carries hashes of modules; named, below a
//! folder, or on standard input.
//!
//! A file that an argument names is read, links and devices too. A file that was only found, below a folder or as the go.sum of the
//! working folder, may be anything: it is read only if it is a regular file of that tree.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use super::Claims;
use super::exclude::{Exclusions, IGNORE_FILE};
use super::lines::{Budget, claims};
use super::look::{self, LINK, Look};
pub use super::search::NAMES as SUM_NAMES;
use super::search::{Found, LIMITS, Search, VENDOR, search};
use super::vendor::{self, Vendor};
use crate::files::{self, Links, Tree};
use crate::report::{Artifact, Level, Notice};
use crate::sumdb::number::wide;

/// Stands for standard input.
pub const STDIN: &str = "-";
/// What is audited where no argument names anything.
pub const HERE: &str = "./go.sum";
/// Links that a notice names.
const NAMED_LINKS: usize = 3;

/// What there is to audit.
#[derive(Default)]
pub struct Inputs {
    /// the files with their claims; what cannot be read, or a folder without any, is listed in place of its claims
    pub files: Vec<Claims>,
    /// vendor folders, whose claims need the zips of their modules
    pub vendors: Vec<Vendor>,
    /// what was left out without harm
    pub notices: Vec<Notice>,
}

/// The claims in what `arguments` name, each a file, a folder with such below it, or `-`; without any, in [`HERE`]. `look` says what
/// they are, and `exclusions` what in folders is left out.
pub fn read(arguments: &[String], look: Look, exclusions: &Exclusions, stdin: &mut dyn Read) -> Inputs {
    let mut inputs = Inputs::default();
    let mut used = BTreeSet::new();
    let mut budget = Budget::new();
    if arguments.is_empty() {
        let opened = Tree::open(Path::new(".")).and_then(|tree| tree.file(Path::new(HERE), Links::Within));
        inputs.files.push(look::file(HERE, opened, Look::For(Artifact::GoSum), &mut budget));
    }
    for argument in arguments {
        let path = Path::new(argument);
        if argument == STDIN {
            inputs.files.push(look::stream(STDIN, &mut *stdin, look, &mut budget));
        } else if is_vendor(path, look) {
            inputs.add_vendor(argument);
        } else if path.is_dir() {
            used.extend(folder(argument, look, exclusions, &mut budget, &mut inputs));
        } else {
            inputs.files.push(look::file(argument, files::open_named(path), look, &mut budget));
        }
    }
    for unused in exclusions.patterns().iter().filter(|pattern| !used.contains(*pattern)) {
        let text = format!(
            "--exclude {unused} excludes nothing: no folder or file that is searched for below the named folders matches it"
        );
        inputs.notices.push(Notice { level: Level::Warning, text });
    }
    inputs
}

/// Whether a named folder is a vendor folder.
fn is_vendor(path: &Path, look: Look) -> bool {
    let has_name = path.canonicalize().is_ok_and(|path| path.file_name().is_some_and(|name| name == VENDOR));
    path.is_dir()
        && (look == Look::For(Artifact::Vendor) || (look == Look::ForAll && has_name))
        && vendor::is_vendor(path)
}

impl Inputs {
    fn add_vendor(&mut self, path: &str) {
        match Vendor::read(Path::new(path)) {
            Ok(vendor) => self.vendors.push(vendor),
            Err(error) => self.files.push(Claims::unread(path, error.to_string())),
        }
    }
}

/// The claims of a go.sum file with these bytes, whatever its name; `path` is what the report calls it.
pub fn of_bytes(path: &str, bytes: &[u8]) -> Claims {
    claims(path, bytes, &mut Budget::new())
}

/// The files below the folder that `argument` names. Gives the patterns of `exclusions` that excluded something.
fn folder(
    argument: &str,
    look: Look,
    exclusions: &Exclusions,
    budget: &mut Budget,
    inputs: &mut Inputs,
) -> BTreeSet<String> {
    let path = Path::new(argument);
    let tree = match Tree::open(path) {
        Ok(tree) => tree,
        Err(error) => {
            inputs.files.push(Claims::unread(argument, error.to_string()));
            return BTreeSet::new();
        }
    };
    let (excluded, fault) = exclusions.of_folder(&tree);
    let search = search(path, look, &excluded, LIMITS);
    let within = search.links_within();
    let mut links = Vec::new();
    let mut others = 0;
    let before = inputs.files.len() + inputs.vendors.len();
    search.vendors.iter().for_each(|below| inputs.add_vendor(&path.join(below).display().to_string()));
    for found in &search.found {
        match found {
            Found::File(below, artifact) => {
                // What was a regular file may be a link by now.
                let opened = tree.file(below, Links::Refused);
                let shown = path.join(below).display().to_string();
                let claims = match artifact {
                    Artifact::Program => look::found_program(&shown, opened, budget),
                    artifact => Some(look::file(&shown, opened, Look::For(*artifact), budget)),
                };
                others += usize::from(claims.is_none());
                inputs.files.extend(claims);
            }
            Found::Link(below, _) if within.contains(below.as_path()) => links.push(path.join(below)),
            Found::Link(below, _) => inputs.files.push(Claims::unread(path.join(below).display().to_string(), LINK)),
            Found::Unread(below, why) => {
                inputs.files.push(Claims::unread(path.join(below).display().to_string(), why.as_str()));
            }
        }
    }
    if search.more > 0 {
        let count = crate::report::grouped(wide(search.more));
        let why = format!("{count} more files or folders in it could not be read, or are links");
        inputs.files.push(Claims::unread(argument, why));
    }
    if let Some(limit) = &search.ended_by {
        inputs.files.push(Claims::unread(argument, format!("has {limit}: the rest was not searched")));
    }
    if inputs.files.len() + inputs.vendors.len() == before {
        let left_out = if search.excluded_count > 0 { ", except where the patterns exclude it" } else { "" };
        inputs.files.push(Claims::unread(
            argument,
            format!(
                "no go.sum or go.work.sum in it or below it, and neither a Go program nor a vendor folder{left_out}"
            ),
        ));
    }
    if let Some(why) = fault {
        inputs.files.push(Claims::unread(path.join(IGNORE_FILE).display().to_string(), why));
    }
    inputs.notices.extend(programs_notices(path, &search, others));
    inputs.notices.extend(links_notice(&links));
    inputs.notices.extend(excluded_notice(path, &search));
    search.patterns.into_iter().filter(|pattern| !pattern.is_from_file).map(|pattern| pattern.text).collect()
}

/// Programs in other languages, of which `others` were found, and files that may be programs.
fn programs_notices(path: &Path, search: &Search, others: usize) -> Vec<Notice> {
    let mut notices = Vec::new();
    if others > 0 {
        let text = format!(
            "{} in {} not of Go: they name no modules",
            crate::report::counted(wide(others), "program"),
            if others == 1 { format!("{} is", path.display()) } else { format!("{} are", path.display()) }
        );
        notices.push(Notice { level: Level::Note, text });
    }
    if search.closed_count > 0 {
        let named: Vec<String> = search.closed.iter().map(|below| path.join(below).display().to_string()).collect();
        let more = if search.closed_count > named.len() { ", ..." } else { "" };
        let files = crate::report::counted(wide(search.closed_count), "file");
        let text =
            format!("{files} could not be opened, so nobody knows whether Go built them: {}{more}", named.join(", "));
        notices.push(Notice { level: Level::Warning, text });
    }
    notices
}

/// How much patterns excluded, and which.
fn excluded_notice(path: &Path, search: &Search) -> Option<Notice> {
    let count = search.excluded_count;
    let named: Vec<String> = search.excluded.iter().map(|below| path.join(below).display().to_string()).collect();
    let more = if count > named.len() { ", ..." } else { "" };
    let what = match count {
        0 => return None,
        1 => "1 folder or file was excluded".to_owned(),
        count => format!("{count} folders or files were excluded"),
    };
    let by_file = search.patterns.iter().any(|pattern| pattern.is_from_file);
    let by_flag = search.patterns.iter().any(|pattern| !pattern.is_from_file);
    let ignore_file = path.join(IGNORE_FILE).display().to_string();
    let by = match (by_flag, by_file) {
        (true, true) => format!("--exclude and {ignore_file}"),
        (false, true) => ignore_file,
        _ => "--exclude".to_owned(),
    };
    Some(Notice { level: Level::Note, text: format!("{what} by {by}: {}{more}", named.join(", ")) })
}

/// Links are not read. Those whose target is audited need no attention.
fn links_notice(links: &[std::path::PathBuf]) -> Option<Notice> {
    let named: Vec<String> = links.iter().take(NAMED_LINKS).map(|path| path.display().to_string()).collect();
    let more = if links.len() > named.len() { ", ..." } else { "" };
    let what = match links.len() {
        0 => return None,
        1 => "1 link was not read, but leads to a go.sum file that is audited here".to_owned(),
        count => format!("{count} links were not read, but lead to go.sum files that are audited here"),
    };
    Some(Notice { level: Level::Note, text: format!("{what}: {}{more}", named.join(", ")) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::io;

    use super::super::Says;
    use super::*;

    const LINE: &str = "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n";

    fn read_one(path: &Path) -> Vec<Claims> {
        read(&[path.to_str().unwrap().to_owned()], Look::ForAll, &Exclusions::default(), &mut io::empty()).files
    }

    #[test]
    fn a_folder_is_searched_but_not_its_vendor_and_git_folders() {
        let root = tempfile::tempdir().unwrap();
        for path in ["go.sum", "a/go.work.sum", "a/vendor/go.sum", ".git/go.sum", "vendor.go/go.sum", "b/go.sum.bak"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, LINE).unwrap();
        }
        std::fs::create_dir_all(root.path().join("c/go.sum")).unwrap();
        let found = read_one(root.path());
        let names: Vec<_> = found
            .iter()
            .map(|file| Path::new(&file.path).strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a/go.work.sum", "go.sum", "vendor.go/go.sum"]);
        assert!(found.iter().all(|file| file.claims.len() == 1 && file.unread.is_none()));
        // A folder that is named itself is searched, whatever its name.
        assert_eq!(read_one(&root.path().join("a/vendor")).len(), 1);
    }

    #[test]
    fn standard_input_repeats_and_faults() {
        let text = format!("{LINE}<<<<<<< HEAD\n{LINE}");
        let [file] = read(&["-".to_owned()], Look::ForAll, &Exclusions::default(), &mut text.as_bytes())
            .files
            .try_into()
            .ok()
            .unwrap();
        let marks: Vec<_> =
            file.claims.iter().map(|claim| (claim.duplicate_of, matches!(claim.says, Says::Sum(_)))).collect();
        assert_eq!((file.path.as_str(), marks), ("-", vec![(None, true), (None, false), (Some(1), true)]));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let root = tempfile::tempdir().unwrap();
        let empty = read_one(root.path());
        assert!(empty[0].unread.as_ref().unwrap().contains("no go.sum"));
        let missing = read_one(&root.path().join("go.sum"));
        assert!(missing[0].unread.as_ref().unwrap().contains("No such file"));
    }
}
