//! What a search for go.sum files leaves out: patterns as in .gitignore, from `--exclude` and from the file `.gosumcheckignore` of
//! the folder that is searched. The later pattern decides, and those of `--exclude` are the last.
//!
//! The folder may be a stranger's, and so its `.gosumcheckignore`: whatever it leaves out is named in the report.

use std::io;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use crate::fault::Fault;
use crate::files::{self, Links, Tree};

/// The file with patterns, in the folder that an argument names.
pub const IGNORE_FILE: &str = ".gosumcheckignore";
/// Bytes of such a file.
const MAX_FILE: u64 = 64 << 10;

/// The patterns of `--exclude`; each is valid by itself.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    patterns: Vec<String>,
}

impl Exclusions {
    /// Patterns as in .gitignore, relative to each folder that is searched.
    ///
    /// # Errors
    /// `Usage`: one is empty, a comment, or no pattern.
    pub fn parse(patterns: &[String]) -> Result<Exclusions, Fault> {
        for pattern in patterns {
            let wrong = |why: &str| Fault::Usage(format!("--exclude {pattern:?}: {why}; write it as in .gitignore"));
            match globs(&mut builder(), pattern) {
                Ok(0) => return Err(wrong("names nothing")),
                Ok(_) => {}
                Err(why) => return Err(wrong(&why)),
            }
        }
        Ok(Exclusions { patterns: patterns.iter().map(|pattern| below(pattern).trim_end().to_owned()).collect() })
    }

    /// The patterns, in their order.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// What applies where no folder has a file of its own.
    pub(super) fn alone(&self) -> Excluded {
        Excluded { matcher: self.with("").unwrap_or_else(|_| Gitignore::empty()) }
    }

    /// What applies in the folder `tree`, and why its [`IGNORE_FILE`] does not, if so.
    pub(super) fn of_folder(&self, tree: &Tree) -> (Excluded, Option<String>) {
        match read(tree).and_then(|text| self.with(&text)) {
            Ok(matcher) => (Excluded { matcher }, None),
            Err(why) => (self.alone(), Some(why)),
        }
    }

    /// These patterns behind those of the file that holds `text`.
    fn with(&self, text: &str) -> Result<Gitignore, String> {
        let mut builder = builder();
        for (number, line) in (1..).zip(text.lines()) {
            add(&mut builder, Some(IGNORE_FILE), line).map_err(|why| format!("line {number}: {why}"))?;
        }
        for pattern in &self.patterns {
            add(&mut builder, None, pattern)?;
        }
        builder.build().map_err(|error| error.to_string())
    }
}

/// What is not searched in one folder.
pub(super) struct Excluded {
    matcher: Gitignore,
}

/// A pattern that excluded something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    pub text: String,
    pub is_from_file: bool,
}

impl Excluded {
    /// The pattern that excludes `path`, a folder or a file below the one that is searched. Not asked about what lies in an
    /// excluded folder.
    pub(super) fn by(&self, path: &Path, is_folder: bool) -> Option<Pattern> {
        let Match::Ignore(glob) = self.matcher.matched(path, is_folder) else { return None };
        Some(Pattern { text: Glob::original(glob).to_owned(), is_from_file: glob.from().is_some() })
    }
}

impl Excluded {
    /// The pattern that excludes a path, or a folder around it; its parts are separated by `/`.
    pub(super) fn with_folders(&self, path: &str) -> Option<Pattern> {
        let mut folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        folders.find_map(|folder| self.by(Path::new(folder), true)).or_else(|| self.by(Path::new(path), false))
    }
}

/// The text of the folder's own file; empty where it has none.
fn read(tree: &Tree) -> Result<String, String> {
    let opened = tree.file(Path::new(IGNORE_FILE), Links::Refused);
    match opened.and_then(|file| files::read_bounded(file, MAX_FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error.to_string()),
        Ok(bytes) if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) => {
            Err(format!("has more than {} KiB", MAX_FILE >> 10))
        }
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
    }
}

/// Paths are matched as they are below the folder; `.` keeps the crate from taking a part of them off.
fn builder() -> GitignoreBuilder {
    let mut builder = GitignoreBuilder::new(".");
    builder.allow_unclosed_class(false);
    builder
}

fn add(builder: &mut GitignoreBuilder, from: Option<&str>, line: &str) -> Result<(), String> {
    let added = builder.add_line(from.map(PathBuf::from), below(line));
    added.map(|_| ()).map_err(|error| error.to_string())
}

/// How many patterns a line has: one or none.
fn globs(builder: &mut GitignoreBuilder, line: &str) -> Result<usize, String> {
    add(builder, None, line)?;
    Ok(builder.build().map_err(|error| error.to_string())?.len())
}

/// The pattern in the spelling of .gitignore, in which nothing that begins with `./` matches: `/` stands for the folder itself.
fn below(pattern: &str) -> &str {
    if pattern.starts_with("./") { pattern.trim_start_matches('.') } else { pattern }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn excludes(patterns: &[&str], file: &str, path: &str, is_folder: bool) -> bool {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let matcher = Exclusions::parse(&patterns).unwrap().with(file).unwrap();
        Excluded { matcher }.by(Path::new(path), is_folder).is_some()
    }

    #[test]
    fn patterns_are_those_of_gitignore() {
        for (pattern, path, excluded) in [
            ("fixtures", "internal/fixtures", true),
            ("fixtures", "fixtures", true),
            ("fixtures", "fixtures2", false),
            ("fix*", "a/fixtures2", true),
            ("web/generated", "web/generated", true),
            ("./web/generated", "web/generated", true),
            ("web/generated", "a/web/generated", false),
            ("**/generated", "a/web/generated", true),
            ("/web", "web", true),
            ("./web", "web", true),
            ("./web/", "a/web", false),
            ("./web", "a/web", false),
            ("/web", "a/web", false),
            ("web/*", "web/x", true),
            ("web/*", "web", false),
            ("[ab]", "x/b", true),
            ("fixtures/", "fixtures", true),
            ("Fixtures", "fixtures", false),
        ] {
            assert_eq!(excludes(&[pattern], "", path, true), excluded, "{pattern} {path}");
        }
        assert!(!excludes(&["go.sum/"], "", "a/go.sum", false) && excludes(&["a/go.sum"], "", "a/go.sum", false));
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        assert!(!excludes(&["x*", "!xy"], "", "xy", true) && excludes(&["!xy", "x*"], "", "xy", true));
        assert!(excludes(&[], "# a comment\r\n\r\nxy\r\n", "xy", true));
        assert!(!excludes(&["!xy"], "xy\n", "xy", true) && excludes(&["xy"], "!xy\n", "xy", true));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", " ", "#x", "/", "!", "[", "a/[b", "{a"] {
            assert!(matches!(Exclusions::parse(&[pattern.to_owned()]), Err(Fault::Usage(_))), "{pattern:?}");
        }
        let why = Exclusions::default().with("ok\n\n[\n").unwrap_err();
        assert!(why.starts_with("line 3: "), "{why}");
    }

    #[test]
    fn the_file_of_a_folder_is_not_read_through_a_link() {
        let root = tempfile::tempdir().unwrap();
        let of_folder = || Exclusions::default().of_folder(&Tree::open(root.path()).unwrap());
        assert!(of_folder().1.is_none());
        std::os::unix::fs::symlink("/etc/passwd", root.path().join(IGNORE_FILE)).unwrap();
        assert!(of_folder().1.unwrap().contains("link"));
        std::fs::remove_file(root.path().join(IGNORE_FILE)).unwrap();
        std::fs::write(root.path().join(IGNORE_FILE), "x\n".repeat(40_000)).unwrap();
        assert!(of_folder().1.unwrap().contains("64 KiB"));
        std::fs::write(root.path().join(IGNORE_FILE), b"\xff\n").unwrap();
        assert!(of_folder().1.unwrap().contains("UTF-8"));
    }
}
