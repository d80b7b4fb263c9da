//! What a go.mod file requires: its `require` and `go` directives, as the go command reads those of a dependency (x/mod
//! `modfile/read.go` and `rule.go`, ParseLax; go.dev/ref/mod, "go.mod files"). All else in it is passed over.
//!
//! It only tells what may be worth asking for: the go command decides by itself. So a requirement that names no module version
//! of a log is left out, and a file that the go command refuses for its other directives is read all the same.

use super::error::{Error, Result};
use super::module::semver::canonical;
use super::module::{ModulePath, ModuleVersion, Version};

/// The most requirements that are read; the largest go.mod files known have some 500.
pub const MAX_REQUIREMENTS: usize = 4096;

/// From this version of Go on a go.mod file names all that its packages need (go.dev/ref/mod, "Module graph pruning").
const PRUNED: (u32, u32) = (1, 17);

/// The requirements of a go.mod file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoMod {
    /// what is required, in order, each as often as it stands there
    pub requirements: Vec<Requirement>,
    /// it says `go 1.17` or later: what its requirements require is in it where it is needed
    pub is_pruned: bool,
    /// the major and minor version in its go directive
    pub go: Option<(u32, u32)>,
}

/// One line of a `require` directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// what is required
    pub module: ModuleVersion,
    /// it is marked `// indirect`: no package of the file's own module imports it
    pub is_indirect: bool,
}

impl GoMod {
    /// Reads a go.mod file.
    ///
    /// # Errors
    /// `Malformed` for what is not text, for a block that does not end, a string that does not, or a `require` or `go` that the go
    /// command refuses.
    pub fn read(bytes: &[u8]) -> Result<GoMod> {
        let text = str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let (mut go_mod, mut block) = (GoMod::default(), None);
        for line in text.split('\n') {
            let line = Words::read(line)?;
            let words: &[&str] = &line.words;
            match (block, words) {
                (_, []) => {}
                (Some(_), [")"]) => block = None,
                (Some(_), [")", ..]) => return Err(malformed("more follows a closing parenthesis on its line")),
                (Some(verb), words) => go_mod.add(verb, words, &line)?,
                (None, [verb, "("]) => block = Some(*verb),
                // A block of an unknown kind, or one without lines.
                (None, [_, .., "("]) => block = Some(""),
                (None, [_, "(", ")"]) => {}
                (None, ["go", ..]) if go_mod.go.is_some() => return Err(malformed("it has two go directives")),
                (None, ["go", version]) => {
                    let (go, is_pruned) = language(version)?;
                    (go_mod.go, go_mod.is_pruned) = (Some(go), is_pruned);
                }
                (None, ["go", ..]) => return Err(malformed("a go directive names one version")),
                (None, [verb, words @ ..]) => go_mod.add(verb, words, &line)?,
            }
        }
        match block {
            Some(_) => Err(malformed("a block does not end")),
            None => Ok(go_mod),
        }
    }

    /// Adds what one line says: `words`, of a directive of the kind `verb`.
    fn add(&mut self, verb: &str, words: &[&str], line: &Words<'_>) -> Result<()> {
        if verb != "require" {
            return Ok(());
        }
        let [path, version] = words else {
            return Err(malformed("a requirement has a path and a version"));
        };
        let module = module_version(unquoted(path)?, unquoted(version)?);
        if let Some(module) = module.filter(|_| self.requirements.len() < MAX_REQUIREMENTS) {
            self.requirements.push(Requirement { module, is_indirect: line.is_indirect });
        }
        Ok(())
    }
}

/// The words of one line, without its comment.
struct Words<'a> {
    words: Vec<&'a str>,
    is_indirect: bool,
}

impl<'a> Words<'a> {
    fn read(text: &'a str) -> Result<Words<'a>> {
        let mut line = Words { words: Vec::new(), is_indirect: false };
        let mut rest = text.trim_start_matches(SPACE);
        while let Some(first) = rest.chars().next() {
            if let Some(comment) = rest.strip_prefix("//") {
                line.is_indirect = !line.words.is_empty() && is_indirect(comment);
                break;
            }
            let length = match first {
                '(' | ')' | '[' | ']' | '{' | '}' | ',' => 1,
                '"' | '`' => string_length(rest, first)?,
                first if !is_letter(first) => return Err(malformed("it has a character that no word has")),
                _ => word_length(rest)?,
            };
            let (word, after) = rest.split_at(length);
            line.words.push(word);
            rest = after.trim_start_matches(SPACE);
        }
        Ok(line)
    }
}

/// What parts words (modfile/read.go, readToken).
const SPACE: [char; 3] = [' ', '\t', '\r'];

/// Whether a word can have this character. Go has a table of what can be printed; what it refuses besides has no place in a path.
fn is_letter(letter: char) -> bool {
    !matches!(letter, '(' | ')' | '[' | ']' | '{' | '}' | ',') && !letter.is_whitespace() && !letter.is_control()
}

/// Bytes of the word that a text begins with; it ends before a comment.
fn word_length(text: &str) -> Result<usize> {
    let end = text.find(|letter| !is_letter(letter)).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default();
    match (word.find("//"), word.find("/*")) {
        (None, Some(_)) => Err(malformed("it has a comment in /* */")),
        (Some(line), Some(block)) if block < line => Err(malformed("it has a comment in /* */")),
        (line, _) => Ok(line.unwrap_or(end)),
    }
}

/// Bytes of the string that a text begins with, both quotes included.
fn string_length(text: &str, quote: char) -> Result<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if letter == quote && !escaped {
            return Ok(at + 1);
        }
        escaped = letter == '\\' && quote == '"' && !escaped;
    }
    Err(malformed("a string does not end on its line"))
}

/// A word of a directive, without quotes. Nothing that stands in a path or a version needs an escape.
fn unquoted(word: &str) -> Result<&str> {
    let inner = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word);
    if inner.contains(['"', '\'', '`', '\\']) {
        return Err(malformed("a word has a quote in it"));
    }
    Ok(inner)
}

/// What a requirement names; none where no log can have a record of it. A version in another than its canonical spelling counts
/// as the canonical one (x/mod module.CanonicalVersion).
fn module_version(path: &str, version: &str) -> Option<ModuleVersion> {
    let version = Version::parse(&canonical(version)?).ok()?;
    ModuleVersion::pair(ModulePath::parse(path).ok()?, version).ok()
}

/// Whether the rest of a `//` comment marks a requirement so (modfile/rule.go, isIndirect).
fn is_indirect(comment: &str) -> bool {
    let mut words = comment.split_whitespace();
    matches!((words.next(), words.next()), (Some("indirect"), None) | (Some("indirect;"), Some(_)))
}

/// The version of Go in a go directive, major and minor, and whether it is 1.17 or later. `1.17rc1` comes before it
/// (cmd/go/internal/gover).
fn language(version: &str) -> Result<((u32, u32), bool)> {
    let refused = || malformed("the version of its go directive is not like 1.23.0");
    let version = version.strip_prefix('v').unwrap_or(version);
    let (major, rest) = version.split_once('.').ok_or_else(refused)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (minor, rest) = rest.split_at(end);
    let number = |digits: &str| digits.parse::<u32>().map_err(|_| refused());
    let language = (number(major)?, number(minor)?);
    let is_pre_release = rest.starts_with(|first: char| first.is_ascii_lowercase());
    Ok((language, language > PRUNED || language == PRUNED && !is_pre_release))
}

fn malformed(why: &str) -> Error {
    Error::malformed("go.mod", why)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What a file requires, `!` before what is marked as indirect; and whether it is pruned.
    fn read(text: &str) -> (String, bool) {
        let go_mod = GoMod::read(text.as_bytes()).unwrap();
        let one = |requirement: &Requirement| {
            format!("{}{}", if requirement.is_indirect { "!" } else { "" }, requirement.module)
        };
        let all: Vec<String> = go_mod.requirements.iter().map(one).collect();
        (all.join(" "), go_mod.is_pruned)
    }

    #[test]
    fn requirements_are_read_as_the_go_command_reads_them() {
        for (text, expected) in [
            ("", ""),
            ("module example.com/m\n", ""),
            ("require a.b/c v1.0.0", "a.b/c@v1.0.0"),
            ("require a.b/c v1.0.0//indirect\r\n", "!a.b/c@v1.0.0"),
            ("require a.b/c v1.0.0 // indirect; as tests need it", "!a.b/c@v1.0.0"),
            ("require a.b/c v1.0.0 // indirect as tests need it", "a.b/c@v1.0.0"),
            ("require (\n\ta.b/c v1.0.0\n\n\t// more\n\ta.b/d v1.2.3 // indirect\n)\n", "a.b/c@v1.0.0 !a.b/d@v1.2.3"),
            ("require ( // all\na.b/c v1.0.0\n) // of them\nrequire x.y/z v0.1.0", "a.b/c@v1.0.0 x.y/z@v0.1.0"),
            ("require \"a.b/c\" \"v1.0.0\"\nrequire()\nrequire ()\n", "a.b/c@v1.0.0"),
            ("require a.b/c v1\nrequire a.b/c v1.0.0+meta\n", "a.b/c@v1.0.0 a.b/c@v1.0.0"),
            // What only counts in a main module, and what is not known, is passed over.
            ("replace a.b/c => ../c\nexclude (\na.b/c v1.0.0\n)\ntool a.b/c/cmd\nnew (\nrequire a.b/c\n)", ""),
            (
                "retract [v1.0.0, v1.1.0]\nrequire require v1.0.0\nrequire a.b/c v2.0.0\nrequire a.b/C v0.0.0",
                "a.b/C@v0.0.0",
            ),
            ("require a.b/c/v2 v2.0.0\nrequire a.b/c v2.0.0+incompatible", "a.b/c/v2@v2.0.0 a.b/c@v2.0.0+incompatible"),
        ] {
            assert_eq!(read(text), (expected.to_owned(), false), "{text:?}");
        }
    }

    #[test]
    fn graphs_are_pruned_from_go_1_17_on() {
        for version in ["1.17", "1.17.0", "1.18", "1.21rc1", "1.100.3", "2.0", "v1.17", "1.17-foo", "10.0"] {
            assert!(read(&format!("module a.b/c\ngo {version}\n")).1, "{version}");
        }
        for version in ["1.16", "1.1", "1.9.9", "1.17rc1", "1.17beta2", "1.0", "v1.16"] {
            assert!(!read(&format!("go {version} // words\n")).1, "{version}");
        }
    }

    #[test]
    fn what_the_go_command_refuses_is_refused() {
        for text in [
            "require (\na.b/c v1.0.0\n",
            "require a.b/c\n",
            "require a.b/c v1.0.0 v1.0.0\n",
            "require (\na.b/c v1.0.0\n) x\n",
            "require \"a.b/c v1.0.0\n",
            "require a.b'c v1.0.0\n",
            "require `a.b/c\n",
            "require a.b/c /* one */ v1.0.0\n",
            "go 1.17\ngo 1.17\n",
            "go\n",
            "go one\n",
            "require a.b/c\u{7}v1.0.0\n",
        ] {
            assert!(GoMod::read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(GoMod::read(b"require \xff v1.0.0").is_err());
    }

    #[test]
    fn no_more_is_kept_than_the_bound() {
        let text = "require a.b/c v1.0.0\n".repeat(MAX_REQUIREMENTS + 10);
        assert_eq!(GoMod::read(text.as_bytes()).unwrap().requirements.len(), MAX_REQUIREMENTS);
    }
}
