//! The build information that the go command embeds in a program: which modules it was built from, and how (Go's own
//! runtime/debug/mod.go, ParseBuildInfo). The text is what `go version -m` prints, without the version of Go.

use std::fmt;
use std::str::Chars;

/// The most modules that are read; the largest programs known have some 2,000.
pub const MAX_MODULES: usize = 100_000;

/// What a program says about its build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// the version of Go that built it: `go1.26.8`
    pub go_version: String,
    /// the path of its main package
    pub path: String,
    /// the module that its main package is in
    pub main: Option<BuildModule>,
    /// the modules of all other packages in it
    pub deps: Vec<BuildModule>,
    /// how it was built, in order: `GOOS` and `linux`
    pub settings: Vec<(String, String)>,
}

/// A module that packages of the program came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildModule {
    /// its path
    pub path: String,
    /// its version; `(devel)` for what was built from a folder
    pub version: String,
    /// its h1; empty where the go command knew none
    pub sum: String,
    /// what it was replaced by, which is what the packages came from
    pub replace: Option<Box<BuildModule>>,
}

/// Why a text is refused as build information: the line, counted from 1, and the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of its build information: {why}")]
pub struct BadBuildInfo {
    line: usize,
    why: Rule,
}

/// A rule that a line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Columns,
    ReplacementColumns,
    NothingToReplace,
    NoKey,
    NoEquals,
    Quoting,
    TooManyModules,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Columns => "a module has a path, a version and perhaps a hash",
            Rule::ReplacementColumns => "a replacement has a path, a version and a hash",
            Rule::NothingToReplace => "a replacement stands behind the module that it replaces",
            Rule::NoKey => "a build setting has no key",
            Rule::NoEquals => "a build setting has no `=`",
            Rule::Quoting => "a build setting is not quoted as Go quotes it",
            Rule::TooManyModules => "more modules than any program has",
        })
    }
}

impl BuildInfo {
    /// Reads the text; what follows its last newline is not a line of it, and lines of unknown kinds are passed over, as by Go.
    ///
    /// # Errors
    /// What Go refuses too, and more than [`MAX_MODULES`] modules.
    pub fn parse(text: &str) -> Result<BuildInfo, BadBuildInfo> {
        let mut info = BuildInfo::default();
        // Whether a replacement may follow: of the main module, of the last dependency, or of nothing.
        let mut last = Last::Nothing;
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        for (line, content) in (1..).zip(complete.split('\n')) {
            let at = |why: Rule| BadBuildInfo { line, why };
            if let Some(path) = content.strip_prefix("path\t") {
                path.clone_into(&mut info.path);
            } else if let Some(module) = content.strip_prefix("mod\t") {
                info.main = Some(BuildModule::parse(module).map_err(at)?);
                last = Last::Main;
            } else if let Some(module) = content.strip_prefix("dep\t") {
                if info.deps.len() == MAX_MODULES {
                    return Err(at(Rule::TooManyModules));
                }
                info.deps.push(BuildModule::parse(module).map_err(at)?);
                last = Last::Dependency;
            } else if let Some(module) = content.strip_prefix("=>\t") {
                let replace = BuildModule::parse(module).map_err(|_| at(Rule::ReplacementColumns))?;
                if module.split('\t').count() != 3 {
                    return Err(at(Rule::ReplacementColumns));
                }
                let replaced = match std::mem::replace(&mut last, Last::Nothing) {
                    Last::Main => info.main.as_mut(),
                    Last::Dependency => info.deps.last_mut(),
                    Last::Nothing => None,
                };
                replaced.ok_or_else(|| at(Rule::NothingToReplace))?.replace = Some(Box::new(replace));
            } else if let Some(setting) = content.strip_prefix("build\t") {
                info.settings.push(setting_of(setting).map_err(at)?);
            }
        }
        Ok(info)
    }
}

enum Last {
    Main,
    Dependency,
    Nothing,
}

impl BuildModule {
    fn parse(text: &str) -> Result<BuildModule, Rule> {
        let mut fields = text.split('\t');
        let (Some(path), Some(version), sum, None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Rule::Columns);
        };
        let sum = sum.unwrap_or_default().to_owned();
        Ok(BuildModule { path: path.to_owned(), version: version.to_owned(), sum, replace: None })
    }

    /// What the packages came from: the module itself, or what it was replaced by.
    pub fn source(&self) -> &BuildModule {
        self.replace.as_deref().unwrap_or(self)
    }
}

/// A key and a value, either of them quoted where it must be.
fn setting_of(text: &str) -> Result<(String, String), Rule> {
    let (key, value) = match text.chars().next() {
        None => return Err(Rule::NoEquals),
        Some('=') => return Err(Rule::NoKey),
        Some('"' | '`') => {
            let (key, rest) = quoted(text).ok_or(Rule::Quoting)?;
            (key, rest.strip_prefix('=').ok_or(Rule::NoEquals)?)
        }
        Some(_) => {
            let (key, value) = text.split_once('=').ok_or(Rule::NoEquals)?;
            if key.contains(['=', ' ', '\t', '\r', '\n', '"', '`']) {
                return Err(Rule::Quoting);
            }
            (key.to_owned(), value)
        }
    };
    let value = match value.chars().next() {
        Some('"' | '`') => match quoted(value) {
            Some((value, "")) => value,
            _ => return Err(Rule::Quoting),
        },
        _ if value.contains([' ', '\t', '\r', '\n', '"', '`']) => return Err(Rule::Quoting),
        _ => value.to_owned(),
    };
    Ok((key, value))
}

/// The string literal of Go that `text` begins with, and what follows it (strconv.QuotedPrefix and Unquote).
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (value, rest) = raw.split_once('`')?;
        return Some((value.replace('\r', ""), rest));
    }
    let mut bytes = Vec::new();
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\n' => return None,
            '\\' => escape(&mut characters, &mut bytes)?,
            character => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some((String::from_utf8_lossy(&bytes).into_owned(), characters.as_str()))
}

/// Adds what an escape sequence stands for, of which the backslash is read.
fn escape(characters: &mut Chars<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let kind = characters.next()?;
    let plain = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' => b'"',
        'x' => u8::try_from(number(characters, 2, 16, 0)?).ok()?,
        '0'..='7' => u8::try_from(number(characters, 2, 8, kind.to_digit(8)?)?).ok()?,
        'u' | 'U' => {
            let code = number(characters, if kind == 'u' { 4 } else { 8 }, 16, 0)?;
            bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(());
        }
        _ => return None,
    };
    bytes.push(plain);
    Some(())
}

/// The next so many digits, behind those that came to `first`.
fn number(characters: &mut Chars<'_>, digits: usize, radix: u32, first: u32) -> Option<u32> {
    let mut value = first;
    for _ in 0..digits {
        value = value.checked_mul(radix)?.checked_add(characters.next()?.to_digit(radix)?)?;
    }
    Some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_go_reads_it() {
        let text = "path\texample.com/m/cmd\nmod\texample.com/m\t(devel)\t\ndep\ta.b/c\tv1.0.0\th1:x\n\
                    dep\tx.y/z\tv1.2.0\n=>\t./z\t\t\nnew\tkind\nbuild\t-ldflags=\"-s \\\"w\\x41\\u00e9\\101\"\nbuild\tGOOS=linux\ncut";
        let info = BuildInfo::parse(text).unwrap();
        assert_eq!((info.path.as_str(), info.deps.len()), ("example.com/m/cmd", 2));
        assert_eq!(info.main.as_ref().map(|main| main.version.as_str()), Some("(devel)"));
        assert_eq!((info.deps[0].sum.as_str(), info.deps[1].source().path.as_str()), ("h1:x", "./z"));
        let setting = |key: &str| info.settings.iter().find(|(is, _)| is == key).map(|(_, value)| value.as_str());
        assert_eq!((setting("GOOS"), setting("-ldflags")), (Some("linux"), Some("-s \"wA\u{e9}A")));
    }

    #[test]
    fn what_go_refuses_is_refused_by_its_line() {
        for (text, why) in [
            ("path\tx\nmod\tx\n", "line 2 of its build information: a module has"),
            ("dep\ta\tb\tc\td\n", "line 1"),
            ("=>\ta\tb\tc\n", "stands behind"),
            ("dep\ta\tb\tc\n=>\ta\tb\n", "a replacement has"),
            ("dep\ta\tb\tc\n=>\ta\tb\tc\n=>\ta\tb\tc\n", "line 3"),
            ("build\t\n", "no `=`"),
            ("build\t=x\n", "no key"),
            ("build\tx\n", "no `=`"),
            ("build\tx=a b\n", "not quoted"),
            ("build\tx=\"a\n", "not quoted"),
            ("build\t\"x\"\n", "no `=`"),
            ("build\tx=\"\\q\"\n", "not quoted"),
        ] {
            let error = BuildInfo::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }
}
