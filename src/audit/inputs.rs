//! Which files to audit, and what they claim: go.sum and go.work.sum files, named, below a folder, or on standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::{Claim, Claims, Says};
use crate::report::{Place, Verdict};
use crate::sumdb::gosum::{Content, GoSum, Line, MAX_FILE_BYTES};

/// The names of the files that are looked for below a folder.
const NAMES: [&str; 2] = ["go.sum", "go.work.sum"];
/// Folders that are not looked into: other people's go.sum files are not what a build of this tree goes by.
const SKIPPED_FOLDERS: [&str; 2] = ["vendor", ".git"];
/// Deeper folders are a loop or an attack.
const MAX_DEPTH: usize = 64;
/// Stands for standard input.
pub const STDIN: &str = "-";

/// The claims in what `argument` names: a file, every go.sum and go.work.sum below a folder, or `-`.
///
/// A file that cannot be read, or a folder without any, is told in place of its claims.
pub fn read(argument: &str, stdin: &mut dyn Read) -> Vec<Claims> {
    if argument == STDIN {
        return vec![claims(STDIN, bounded(stdin))];
    }
    let path = Path::new(argument);
    if !path.is_dir() {
        return vec![claims(argument, open(path))];
    }
    let is_wanted = |entry: &DirEntry| {
        let skipped = entry.depth() > 0 && SKIPPED_FOLDERS.iter().any(|name| entry.file_name() == *name);
        !(skipped && entry.file_type().is_dir())
    };
    let walk = WalkDir::new(path).max_depth(MAX_DEPTH).sort_by_file_name().into_iter().filter_entry(is_wanted);
    let found: Vec<Claims> = walk
        .filter_map(|entry| match entry {
            Ok(entry) if NAMES.iter().any(|name| entry.file_name() == *name) && !entry.file_type().is_dir() => {
                Some(claims(&entry.path().display().to_string(), open(entry.path())))
            }
            Ok(_) => None,
            Err(error) => {
                let path = error.path().unwrap_or(path).display().to_string();
                Some(unread(&path, error.io_error().map_or_else(|| error.to_string(), io::Error::to_string)))
            }
        })
        .collect();
    if found.is_empty() {
        vec![unread(argument, "no go.sum or go.work.sum in it or below it".to_owned())]
    } else {
        found
    }
}

fn open(path: &Path) -> io::Result<Vec<u8>> {
    bounded(&mut File::open(path)?)
}

/// One byte more than may be, so that the parser sees that it is too much and says so.
fn bounded(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut bytes).map(|_| bytes)
}

fn unread(path: &str, why: String) -> Claims {
    Claims { path: path.to_owned(), unread: Some(why), remarks: Vec::new(), claims: Vec::new() }
}

fn claims(path: &str, bytes: io::Result<Vec<u8>>) -> Claims {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => return unread(path, error.to_string()),
    };
    let sums = GoSum::parse(&bytes);
    let mut repeats = sums.duplicates().into_iter().peekable();
    let claim = |line: Line| Claim {
        duplicate_of: repeats.next_if(|repeat| repeat.number == line.number).map(|repeat| repeat.first),
        place: Place::Line(line.number),
        text: line.text,
        says: match line.content {
            Content::Sum(sum) => Says::Sum(sum),
            Content::Fault(fault) => Says::Nothing(Verdict::Malformed { why: fault.to_string() }),
        },
    };
    Claims {
        path: path.to_owned(),
        unread: None,
        remarks: sums.remarks.iter().map(ToString::to_string).collect(),
        claims: sums.lines.into_iter().map(claim).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    const LINE: &str = "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n";

    #[test]
    fn a_folder_is_searched_but_not_its_vendor_and_git_folders() {
        let root = tempfile::tempdir().unwrap();
        for path in ["go.sum", "a/go.work.sum", "a/vendor/go.sum", ".git/go.sum", "vendor.go/go.sum", "b/go.sum.bak"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, LINE).unwrap();
        }
        std::fs::create_dir_all(root.path().join("c/go.sum")).unwrap();
        let found = read(root.path().to_str().unwrap(), &mut io::empty());
        let names: Vec<_> = found
            .iter()
            .map(|file| Path::new(&file.path).strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a/go.work.sum", "go.sum", "vendor.go/go.sum"]);
        assert!(found.iter().all(|file| file.claims.len() == 1 && file.unread.is_none()));
        // A folder that is named itself is searched, whatever its name.
        let named = read(root.path().join("a/vendor").to_str().unwrap(), &mut io::empty());
        assert_eq!(named.len(), 1);
    }

    #[test]
    fn standard_input_repeats_and_faults() {
        let text = format!("{LINE}<<<<<<< HEAD\n{LINE}");
        let [file] = read("-", &mut text.as_bytes()).try_into().ok().unwrap();
        let marks: Vec<_> =
            file.claims.iter().map(|claim| (claim.duplicate_of, matches!(claim.says, Says::Sum(_)))).collect();
        assert_eq!((file.path.as_str(), marks), ("-", vec![(None, true), (None, false), (Some(1), true)]));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let root = tempfile::tempdir().unwrap();
        let empty = read(root.path().to_str().unwrap(), &mut io::empty());
        assert!(empty[0].unread.as_ref().unwrap().contains("no go.sum"));
        let missing = read(root.path().join("go.sum").to_str().unwrap(), &mut io::empty());
        assert!(missing[0].unread.as_ref().unwrap().contains("No such file"));
    }
}
