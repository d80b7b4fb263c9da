//! What `lookup` was given in place of `MODULE@VERSION`, and the spelling that it takes. Only the spelling changes: whether the
//! module version exists is for the database to say.

use crate::sumdb::module::ModuleVersion;

/// Schemes that stand before addresses, and what `git clone` takes.
const SCHEMES: [&str; 6] = ["https://", "http://", "ssh://", "git://", "git+ssh://", "git@"];
/// Sites that show modules by their paths: what follows is a module path.
const SITES: [&str; 3] = ["pkg.go.dev/", "proxy.golang.org/", "sum.golang.org/lookup/"];
/// How the names of the files of a version end, in the go.sum and in the module proxy protocol.
const ENDINGS: [&str; 5] = ["/go.mod", ".zip", ".mod", ".info", ".ziphash"];

/// What to write in place of `text`, which is not a module version; a sentence.
pub(super) fn advice(text: &str) -> String {
    let general = "a module version is written as in golang.org/x/text@v0.26.0";
    let (path, version) = split(text);
    let path = plain_path(path);
    let Some(version) = version else {
        return match ModuleVersion::new(&path, "v1.0.0").is_ok() || major_of(&path).is_some() {
            true => format!("it has no version: `go list -m -versions {path}` prints those that {path} has; {general}"),
            false => general.to_owned(),
        };
    };
    let version = plain_version(version);
    if let Some(right) = [&version, &format!("v{version}")].into_iter().find_map(|version| spelled(&path, version)) {
        return format!("write {right}");
    }
    if is_query(&version) && ModuleVersion::new(&path, "v1.0.0").is_ok() {
        return format!(
            "{version:?} is a query, and no exact version, as the log has them: `go list -m {path}@{version}` prints the exact one"
        );
    }
    other_major(&path, &version).unwrap_or_else(|| general.to_owned())
}

/// The path and the version, by whatever stands between them.
fn split(text: &str) -> (&str, Option<&str>) {
    let text = text.trim().trim_matches(['"', '\'', '`']);
    let text = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let text = SITES.iter().find_map(|site| text.strip_prefix(site)).unwrap_or(text);
    // In the module proxy protocol, and in the module cache.
    if let Some((path, version)) = text.split_once("/@v/") {
        return (path, Some(version));
    }
    if let Some((path, version)) = text.split_once('@') {
        return (path, Some(version));
    }
    // As in go.mod and go.sum.
    let mut fields = text.split_whitespace();
    (fields.next().unwrap_or_default(), fields.next())
}

/// The path as it stands in a go.mod.
fn plain_path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    // As in `git@host:path`.
    let path = match path.split_once(':') {
        Some((host, rest)) if !rest.starts_with(|first: char| first.is_ascii_digit()) => format!("{host}/{rest}"),
        _ => path.to_owned(),
    };
    let path = unescaped(&path);
    // The host, whose letters are small in every module path.
    path.split_once('/').map_or_else(|| path.clone(), |(host, rest)| format!("{}/{rest}", host.to_ascii_lowercase()))
}

/// `BurntSushi` for `!burnt!sushi`, as in URLs and in the names of the module cache.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut symbols = text.chars();
    while let Some(symbol) = symbols.next() {
        match symbol {
            '!' => plain.extend(symbols.next().map(|escaped| escaped.to_ascii_uppercase())),
            _ => plain.push(symbol),
        }
    }
    plain
}

/// The version without what stands around it in go.sum lines, URLs and file names.
fn plain_version(version: &str) -> String {
    let version = version.split_whitespace().next().unwrap_or_default();
    let version = version.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let version = ENDINGS.iter().find_map(|ending| version.strip_suffix(ending)).unwrap_or(version);
    let version = unescaped(version);
    match version.strip_prefix('V') {
        Some(number) if number.starts_with(|first: char| first.is_ascii_digit()) => format!("v{number}"),
        _ => version,
    }
}

/// The module version, if there can be one.
fn spelled(path: &str, version: &str) -> Option<ModuleVersion> {
    let metadata = version.split_once('+').map(|(version, _)| version);
    [Some(version), metadata].into_iter().flatten().find_map(|version| ModuleVersion::new(path, version).ok())
}

/// Whether `go list -m` takes it for a question: a branch, a commit, `latest`, `v1.5`, `>=v1`.
fn is_query(version: &str) -> bool {
    let plain = |symbol: char| symbol.is_ascii_alphanumeric() || "._-/<>=+".contains(symbol);
    let is_exact = version.trim_start_matches('v').split(['-', '+']).next().is_some_and(|numbers| {
        numbers.split('.').count() == 3 && numbers.chars().all(|symbol| symbol.is_ascii_digit() || symbol == '.')
    });
    !version.is_empty() && version.chars().all(plain) && !is_exact
}

/// What can be meant by a version whose major version is not that of the path.
fn other_major(path: &str, version: &str) -> Option<String> {
    let version = if version.starts_with('v') { version.to_owned() } else { format!("v{version}") };
    let (version, _) = version.split_once('+').unwrap_or((&version, ""));
    let major = version.split('.').next()?;
    let stem = major_of(path).map_or(path, |(stem, _)| stem);
    let suffixed = match path.starts_with("gopkg.in/") {
        true => format!("{stem}.{major}"),
        false if matches!(major, "v0" | "v1") => stem.to_owned(),
        false => format!("{stem}/{major}"),
    };
    let suffixed = spelled(&suffixed, version).map(|module| module.to_string());
    let is_marked = !matches!(major, "v0" | "v1");
    let marked =
        spelled(stem, &format!("{version}+incompatible")).filter(|_| is_marked).map(|module| module.to_string());
    match (suffixed, marked) {
        (Some(suffixed), Some(marked)) if marked.ends_with("+incompatible") => {
            Some(format!("write {marked}, or {suffixed} if the go.mod of that version has the path with /{major}"))
        }
        (Some(right), _) | (None, Some(right)) => Some(format!("write {right}")),
        (None, None) => None,
    }
}

/// The path without the major version at its end, and that.
fn major_of(path: &str) -> Option<(&str, &str)> {
    let separator = if path.starts_with("gopkg.in/") { '.' } else { '/' };
    let (stem, major) = path.rsplit_once(separator)?;
    let number = major.strip_prefix('v')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((stem, major))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_spelling_is_named() {
        for (text, right) in [
            ("https://github.com/BurntSushi/toml@v0.3.1", "github.com/BurntSushi/toml@v0.3.1"),
            ("https://github.com/BurntSushi/toml.git@v0.3.1", "github.com/BurntSushi/toml@v0.3.1"),
            ("git@github.com:BurntSushi/toml.git@v0.3.1", "write "),
            ("github.com/!burnt!sushi/toml@v0.3.1", "github.com/BurntSushi/toml@v0.3.1"),
            (
                "https://proxy.golang.org/github.com/!burnt!sushi/toml/@v/v0.3.1.zip",
                "github.com/BurntSushi/toml@v0.3.1",
            ),
            ("https://sum.golang.org/lookup/github.com/!burnt!sushi/toml@v0.3.1", "github.com/BurntSushi/toml@v0.3.1"),
            ("https://pkg.go.dev/golang.org/x/text@v0.3.0#section", "golang.org/x/text@v0.3.0"),
            ("cache/download/x.y/z/@v/v1.0.0.mod", "golang.org"),
            ("x.y/z/@v/v1.0.0.info", "x.y/z@v1.0.0"),
            ("example.com/a@1.5.2", "example.com/a@v1.5.2"),
            ("example.com/a@V1.5.2", "example.com/a@v1.5.2"),
            ("example.com/a@v1.5.2/go.mod", "example.com/a@v1.5.2"),
            ("example.com/a v1.5.2", "example.com/a@v1.5.2"),
            ("example.com/a v1.5.2/go.mod h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=", "example.com/a@v1.5.2"),
            ("\"example.com/a@v1.5.2", "example.com/a@v1.5.2"),
            ("example.com/a/@v1.5.2", "example.com/a@v1.5.2"),
            ("example.com/a@v1.5.2+meta", "example.com/a@v1.5.2"),
            ("example.com/a@v2.0.0", "example.com/a@v2.0.0+incompatible, or example.com/a/v2@v2.0.0"),
            ("example.com/a@2.0.0", "example.com/a@v2.0.0+incompatible, or example.com/a/v2@v2.0.0"),
            ("example.com/a/v2@v1.0.0", "example.com/a@v1.0.0"),
            ("GitHub.com/BurntSushi/toml@v0.3.1", "github.com/BurntSushi/toml@v0.3.1"),
            ("example.com/a/v2@v3.1.0", "example.com/a/v3@v3.1.0"),
            ("example.com/a/v1@v1.1.0", "example.com/a@v1.1.0"),
            ("gopkg.in/yaml.v2@v3.0.1", "gopkg.in/yaml.v3@v3.0.1"),
            ("gopkg.in/yaml@v3.0.1", "gopkg.in/yaml.v3@v3.0.1"),
            ("example.com/a@latest", "`go list -m example.com/a@latest`"),
            ("example.com/a@master", "`go list -m example.com/a@master`"),
            ("example.com/a@v1.5", "`go list -m example.com/a@v1.5`"),
            ("example.com/a@>=v1.2.0", "`go list -m example.com/a@>=v1.2.0`"),
            ("example.com/a@e225da77a7e6", "`go list -m example.com/a@e225da77a7e6`"),
            ("example.com/a", "`go list -m -versions example.com/a`"),
            ("https://example.com/a/", "`go list -m -versions example.com/a`"),
        ] {
            assert!(ModuleVersion::parse_at(text).is_err(), "{text}");
            assert!(advice(text).contains(right), "{text}: {}", advice(text));
        }
    }

    #[test]
    fn only_major_versions_from_2_on_can_be_incompatible() {
        for text in ["example.com/a/v1@v1.1.0", "example.com/a/v2@v1.1.0", "example.com/a/v1@1.1.0"] {
            assert_eq!(advice(text), "write example.com/a@v1.1.0", "{text}");
        }
    }

    #[test]
    fn nothing_is_made_up() {
        let general = "a module version is written as in golang.org/x/text@v0.26.0";
        for text in [
            "",
            "@",
            "@v1.0.0",
            "toml",
            "x@y@z",
            "!",
            "a b c",
            "example.com/\u{e9}@v1.0.0",
            "/etc/passwd",
            "$(id)@latest",
        ] {
            assert_eq!(advice(text), general, "{text}");
        }
    }
}
