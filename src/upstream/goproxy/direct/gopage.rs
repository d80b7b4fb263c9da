//! The page that says where a module's repository is (go.dev/ref/mod, "Finding a repository for a module path"): read as Go
//! reads it (cmd/go/internal/vcs, parseMetaGoImports), checked, and written anew. The go command sees only our page, which names
//! only repositories that public modules may come from.

use reqwest::Url;

use super::host_error::HostError;
use super::network::{PORT, public_name};

/// Tags that are read of one page.
const MAX_TAGS: usize = 64;
/// Version control systems whose connections go through the guard.
const VCS: [&str; 2] = ["git", "hg"];

/// A `go-import` tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import<'a> {
    /// the prefix of the module paths that it is for
    pub(super) prefix: &'a str,
    vcs: &'a str,
    repository: &'a str,
    /// a folder in the repository, since Go 1.25
    folder: Option<&'a str>,
}

/// The contents of the `go-import` tags in the head of a page.
pub(super) fn contents(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, tag)) = rest.split_once('<') {
        if found.len() == MAX_TAGS {
            break;
        }
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let (name, behind) = word(tag.strip_prefix('/').unwrap_or(tag));
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if (tag.starts_with('/') && is("head")) || (!tag.starts_with('/') && is("body")) {
            break;
        }
        let (attributes, behind) = attributes(behind);
        rest = behind;
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| unescape(value)).unwrap_or_default()
        };
        if is("meta") && !tag.starts_with('/') && value("name") == "go-import" {
            found.push(value("content"));
        }
    }
    found
}

/// A name, and what stands behind it.
fn word(text: &str) -> (&str, &str) {
    let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '<');
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// The attributes of a tag, and what stands behind the tag.
fn attributes(mut text: &str) -> (Vec<(&str, &str)>, &str) {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '='));
        if let Some(rest) = text.strip_prefix('>') {
            return (found, rest);
        }
        let (name, behind) = word(text);
        if name.is_empty() {
            // The end of the text, or another tag begins in this one.
            return (found, text);
        }
        let Some(value) = behind.trim_ascii_start().strip_prefix('=') else {
            text = behind;
            continue;
        };
        let value = value.trim_ascii_start();
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.split_once(quote));
        let (value, behind) = match quoted {
            Some(parts) => parts,
            None => value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len())),
        };
        found.push((name, value));
        text = behind;
    }
}

fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&#34;", "\"")];
    let plain = named.into_iter().fold(text.to_owned(), |text, (name, character)| text.replace(name, character));
    plain.replace("&amp;", "&")
}

impl<'a> Import<'a> {
    /// Parses a tag's content; none where it does not have three or four words.
    pub(super) fn of(content: &'a str) -> Option<Import<'a>> {
        let mut words = content.split_whitespace();
        let (prefix, vcs, repository) = (words.next()?, words.next()?, words.next()?);
        let import = Import { prefix, vcs, repository, folder: words.next() };
        words.next().is_none().then_some(import)
    }

    /// Whether it is for this module path.
    pub(super) fn is_about(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether public modules may come from its repository. The addresses of its host are checked when it is resolved.
    pub(super) fn check(&self) -> Result<(), HostError> {
        let refused = |why: String| Err(HostError::Refused(format!("{}: {why}", self.prefix)));
        if !VCS.contains(&self.vcs) {
            // Also a module proxy ("mod"): the go command would contact it directly, past the guard.
            return refused("public modules are not fetched by its version control system".to_owned());
        }
        let url = match Url::parse(self.repository) {
            Ok(url) => url,
            Err(error) => return refused(format!("its repository is not a URL: {error}")),
        };
        if url.scheme() != "https" {
            return refused("its repository is not at an https URL".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("its repository's URL has a password in it".to_owned());
        }
        if url.port_or_known_default() != Some(PORT) {
            return refused(format!("its repository is not at port {PORT}"));
        }
        public_name(url.host_str().unwrap_or("")).map(|_| ())
    }

    /// The tag, written anew.
    pub(super) fn tag(&self) -> String {
        let words = [Some(self.prefix), Some(self.vcs), Some(self.repository), self.folder];
        let content = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let content = content.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        format!("<meta name=\"go-import\" content=\"{content}\">\n")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_as_the_go_command_finds_them() {
        for (page, expected) in [
            (r#"<meta name="go-import" content="a.example/m git https://a.example/m">"#, 1),
            (r#"<META content='a.example/m git https://a.example/m' NAME=go-import />"#, 1),
            (
                "<!doctype html><html><head><title>x</title>\n<meta charset=utf-8><meta\nname = \"go-import\"\ncontent=\"a.example/m git https://a.example/m\"></head>",
                1,
            ),
            (r#"<!-- <meta name="go-import" content="x git https://x"> -->"#, 0),
            (r#"<body><meta name="go-import" content="x git https://x">"#, 0),
            (r#"<head></head><meta name="go-import" content="x git https://x">"#, 0),
            (r#"<meta name="go-source" content="x git https://x">"#, 0),
            (
                r#"<meta name="go-import" content="x git https://x"><meta name="go-import" content="y git https://y">"#,
                2,
            ),
            ("<", 0),
            ("<meta name=", 0),
            ("<meta name=\"go-import\" content=\"unclosed", 0),
            ("<!-- unclosed", 0),
            ("", 0),
        ] {
            let found = contents(page);
            let imports = found.iter().filter_map(|content| Import::of(content)).count();
            assert_eq!(imports, expected, "{page}: {found:?}");
        }
        let many = "<meta name=go-import content='x git https://x.example'>".repeat(1000);
        assert_eq!(contents(&many).len(), MAX_TAGS);
    }

    #[test]
    fn a_tag_is_read_and_written_anew() {
        let content =
            contents(r#"<meta name=go-import content=" a.example/m  git https://a.example/&quot;x&amp;lt;  sub ">"#);
        let import = Import::of(content.first().unwrap()).unwrap();
        assert_eq!((import.prefix, import.folder), ("a.example/m", Some("sub")));
        assert_eq!(
            import.tag(),
            "<meta name=\"go-import\" content=\"a.example/m git https://a.example/&quot;x&amp;lt; sub\">\n"
        );
        assert_eq!(contents(&import.tag()), ["a.example/m git https://a.example/\"x&lt; sub"]);
        for (path, about) in
            [("a.example/m", true), ("a.example/m/sub", true), ("a.example/mm", false), ("a.example", false)]
        {
            assert_eq!(import.is_about(path), about, "{path}");
        }
        for content in ["", "a git", "a git https://a b c"] {
            assert_eq!(Import::of(content), None);
        }
    }

    #[test]
    fn repositories_of_public_modules() {
        let check = |vcs: &str, repository: &str| Import::of(&format!("a.example {vcs} {repository}")).unwrap().check();
        assert_eq!(check("git", "https://a.example/m.git"), Ok(()));
        assert_eq!(check("hg", "https://a.example:443/m"), Ok(()));
        for (vcs, repository) in [
            ("mod", "https://a.example"),
            ("svn", "https://a.example"),
            ("git", "ssh://git@a.example/m"),
            ("git", "git@a.example:m"),
            ("git", "http://a.example/m"),
            ("git", "git://a.example/m"),
            ("git", "file:///etc"),
            ("git", "ext::sh"),
            ("git", "https://a.example:8443/m"),
            ("git", "https://me:pw@a.example/m"),
            ("git", "-oProxyCommand=x"),
        ] {
            assert!(matches!(check(vcs, repository), Err(HostError::Refused(_))), "{vcs} {repository}");
        }
        for repository in [
            "https://127.0.0.1/m",
            "https://127.1/m",
            "https://[::1]/m",
            "https://8.8.8.8/m",
            "https://localhost/m",
            "https://intranet/m",
        ] {
            assert!(matches!(check("git", repository), Err(HostError::NotPublic(_))), "{repository}");
        }
    }
}
