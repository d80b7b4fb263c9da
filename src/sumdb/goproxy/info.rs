//! What `.info` and `@latest` say: which version is meant, when it was made, and where it came from.
//!
//! The log has no hash of these texts, so nothing proves them, and any mirror may send anything. A mirror's own bytes are never
//! kept or passed on: they are read with Go's meaning (cmd/go/internal/modfetch, `RevInfo` and proxyRepo.Stat), what Go refuses is
//! refused, and what was understood is serialised again.

use std::fmt::Write as _;

use super::json::{self, Object, Value};
use super::{ModuleRequest, Time};
use crate::sumdb::error::{Error, Result};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};
use crate::sumdb::printable::{is_invisible, quoted};

/// The longest text that is read, in bytes: those of proxy.golang.org have some 300.
pub const MAX_INFO_BYTES: usize = 64 << 10;
/// The longest field of an origin that is passed on, in bytes.
const MAX_FIELD_BYTES: usize = 512;
/// Protocols by which the go command reaches a repository (cmd/go/internal/vcs/vcs.go).
const SCHEMES: [&str; 8] = ["https", "http", "ssh", "git", "git+ssh", "svn", "svn+ssh", "bzr"];
/// The fields of an origin, as Go names and orders them (codehost.Origin).
const ORIGIN_FIELDS: [&str; 8] = ["VCS", "URL", "Subdir", "Hash", "TagPrefix", "TagSum", "Ref", "RepoSum"];
/// The place of `URL` among them.
const URL: usize = 1;

/// One version and what is said of it; its text is [`VersionInfo::to_json`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    version: Version,
    time: Option<Time>,
    origin: Option<Origin>,
}

/// Where a version came from; the values of [`ORIGIN_FIELDS`], empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Origin([String; 8]);

/// The fields as Go would have them after each member of the text.
#[derive(Default)]
struct Fields {
    version: String,
    time: Option<Time>,
    origin: Option<Origin>,
}

impl VersionInfo {
    /// The answer to a question: `.info` of a version, `@latest`, or which version a branch stands for.
    ///
    /// An origin that cannot be passed on safely is left out whole: one with a URL that has a password or a token, or no
    /// protocol that the go command knows; with control or invisible characters; or longer than 512 bytes a field.
    ///
    /// # Errors
    /// `Malformed`: Go would refuse it, it is longer than [`MAX_INFO_BYTES`], it is about another version than the one in the
    /// question, or about one that the module cannot have.
    pub fn parse(asked: &ModuleRequest, bytes: &[u8]) -> Result<VersionInfo> {
        let malformed = |why: String| Error::malformed(asked.to_string(), why);
        let info = read(asked.module(), bytes).map_err(|error| malformed(error.to_string()))?;
        match asked {
            ModuleRequest::Info(module) if *module.version() != info.version => {
                Err(malformed(format!("is about {} instead of the version that was asked for", info.version)))
            }
            ModuleRequest::Info(_) | ModuleRequest::Latest(_) | ModuleRequest::Query(..) => Ok(info),
            ModuleRequest::List(_) | ModuleRequest::File(..) => {
                Err(malformed("is not answered with a version's info".to_owned()))
            }
        }
    }

    /// As [`VersionInfo::parse`], of the `.info` of `module`.
    ///
    /// # Errors
    /// As there.
    pub fn of_module(module: &ModuleVersion, bytes: &[u8]) -> Result<VersionInfo> {
        VersionInfo::parse(&ModuleRequest::Info(module.clone()), bytes)
    }

    /// All that is known of a version without asking: its name, and for a pseudo-version the time in it.
    pub fn named(version: Version) -> VersionInfo {
        let time = version.pseudo().and_then(|pseudo| {
            let [year, month, day, hour, minute, second] = [0..4, 4..6, 6..8, 8..10, 10..12, 12..14]
                .map(|range| pseudo.timestamp().get(range).unwrap_or_default());
            Time::parse(format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").as_bytes())
        });
        VersionInfo { version, time, origin: None }
    }

    /// Which version it is about.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// When the version was made, if that is said.
    pub fn time(&self) -> Option<Time> {
        self.time
    }

    /// The same without where it came from: a repository's address may be for some clients only.
    #[must_use]
    pub fn without_origin(self) -> VersionInfo {
        VersionInfo { origin: None, ..self }
    }

    /// The one text for it, in the form of the go command: `{"Version":"v1.0.0","Time":"...","Origin":{...}}`.
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\"Version\":{}", json_string(self.version.as_str()));
        if let Some(time) = self.time {
            let _ = write!(text, ",\"Time\":\"{time}\"");
        }
        if let Some(Origin(values)) = &self.origin {
            let fields = ORIGIN_FIELDS.iter().zip(values).filter(|(_, value)| !value.is_empty());
            let fields: Vec<String> =
                fields.map(|(name, value)| format!("\"{name}\":{}", json_string(value))).collect();
            let _ = write!(text, ",\"Origin\":{{{}}}", fields.join(","));
        }
        text.push('}');
        text
    }
}

fn read(module: &ModulePath, bytes: &[u8]) -> Result<VersionInfo> {
    if bytes.len() > MAX_INFO_BYTES {
        return Err(Error::malformed(".info", format!("longer than {MAX_INFO_BYTES} bytes")));
    }
    let fields = match json::parse(bytes)? {
        Value::Object(object) => Fields::read(object)?,
        _ => return Err(Error::malformed(".info", "not a JSON object")),
    };
    if fields.time.is_some_and(|time| !time.is_writable()) {
        return Err(Error::malformed(".info", "the Time is 24 hours from UTC, which Go cannot write"));
    }
    let version = Version::parse(&fields.version)?;
    let version = ModuleVersion::pair(module.clone(), version)?.version().clone();
    Ok(VersionInfo { version, time: fields.time, origin: fields.origin.filter(Origin::is_safe) })
}

impl Fields {
    /// Each member sets the field that its key names, in any case; later ones win. A null leaves the version and the time as they
    /// are and takes the origin away; a second origin adds to the first.
    fn read(object: Object<'_>) -> Result<Fields> {
        let mut fields = Fields::default();
        object.each(|key, value| {
            if json::names(key, "Version") {
                set(&mut fields.version, "Version", value)?;
            } else if json::names(key, "Time") {
                match value {
                    Value::Null => {}
                    // Go reads what stands between the quotes as it is, so that no escape is one.
                    Value::String(raw) => fields.time = Some(Time::parse(raw).ok_or_else(|| bad_time(raw))?),
                    _ => return Err(wrong_type("Time")),
                }
            } else if json::names(key, "Origin") {
                match value {
                    Value::Null => fields.origin = None,
                    Value::Object(object) => fields.origin.get_or_insert_default().read(object)?,
                    _ => return Err(wrong_type("Origin")),
                }
            }
            Ok(())
        })?;
        Ok(fields)
    }
}

impl Origin {
    fn read(&mut self, object: Object<'_>) -> Result<()> {
        object.each(|key, value| {
            let field = ORIGIN_FIELDS.iter().zip(&mut self.0).find(|(name, _)| json::names(key, name));
            field.map_or(Ok(()), |(name, field)| set(field, name, value))
        })
    }

    /// Whether it says anything, and nothing that must not be passed on.
    fn is_safe(&self) -> bool {
        let is_text = |text: &String| {
            let is_odd = |letter| is_invisible(letter) || letter == char::REPLACEMENT_CHARACTER;
            text.len() <= MAX_FIELD_BYTES && !text.contains(is_odd)
        };
        let url = self.0.get(URL).map_or("", String::as_str);
        self.0.iter().any(|text| !text.is_empty()) && self.0.iter().all(is_text) && (url.is_empty() || is_safe_url(url))
    }
}

/// Whether a URL names a repository and nothing by which one is let in. Over ssh a user has a name (`git@`), which opens nothing.
fn is_safe_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let may_have_user = |user: &str| scheme.ends_with("ssh") && !user.is_empty() && !user.contains(':');
    // Tokens come in queries too, and no repository's address has one.
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'));
    SCHEMES.contains(&scheme) && is_plain && !host.is_empty() && user.is_none_or(may_have_user)
}

fn set(field: &mut String, name: &str, value: Value<'_>) -> Result<()> {
    match value {
        Value::Null => {}
        Value::String(raw) => *field = json::unquote(raw),
        _ => return Err(wrong_type(name)),
    }
    Ok(())
}

fn wrong_type(name: &str) -> Error {
    Error::malformed(".info", format!("{name} has a value of another type"))
}

fn bad_time(raw: &[u8]) -> Error {
    Error::malformed(".info", format!("the Time {} is not RFC 3339", quoted(&String::from_utf8_lossy(raw))))
}

/// A string of JSON as Go writes one: also fit to stand in a page of HTML.
fn json_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(text: impl AsRef<[u8]>) -> Option<String> {
        let module = ModuleVersion::new("example.com/m", "v1.0.0").unwrap();
        VersionInfo::of_module(&module, text.as_ref()).ok().map(|info| info.to_json())
    }

    #[test]
    fn what_was_understood_is_written_anew() {
        let full = r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://example.com/m","Subdir":"s","Hash":"abc","TagPrefix":"s/","TagSum":"t1:x=","Ref":"refs/tags/v1.0.0","RepoSum":"r1:x="}}"#;
        assert_eq!(written(full).as_deref(), Some(full));
        let escaped = r#"{"Version":"v1.0.0","Origin":{"VCS":"git","Hash":"a\"b\\c"}}"#;
        assert_eq!(written(escaped).as_deref(), Some(escaped));
        let least = r#"{"Version":"v1.0.0"}"#;
        for (text, expected) in [
            (least.to_owned(), least),
            (" {\"version\" : \"v1.0.0\" }\n".to_owned(), least),
            (r#"{"Ver\u017fion":"v1.0.0"}"#.to_owned(), least),
            (r#"{"Version":"v9.9.9","VERSION":"v1.0.0"}"#.to_owned(), least),
            (r#"{"Version":"v1.0.0","version":null,"Name":5,"Short":[],"x":{"Version":7}}"#.to_owned(), least),
            (r#"{"Version":"v1.0.0","Time":null,"Origin":null}"#.to_owned(), least),
            (r#"{"Version":"v1.0.0","Origin":{"VCS":"git"},"origin":null}"#.to_owned(), least),
            (r#"{"Version":"v1.0.0","Origin":{}}"#.to_owned(), least),
            (
                r#"{"Version":"v1.0.0","time":"2026-01-02T03:04:05.50+02:00","Time":null}"#.to_owned(),
                r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05.5+02:00"}"#,
            ),
            (
                r#"{"Origin":{"VCS":"git","hash":"a"},"Version":"v1.0.0","origin":{"Hash":"b<"}}"#.to_owned(),
                r#"{"Version":"v1.0.0","Origin":{"VCS":"git","Hash":"b\u003c"}}"#,
            ),
        ] {
            assert_eq!(written(&text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "\"v1.0.0\"",
            "<html>",
            "{}",
            r#"{"Version":"v1.0.0","version":"v9.9.9"}"#,
            r#"{"Version":"v1.0.0","Ver\u017fion":"v9.9.9"}"#,
            r#"{"Version":"v1.0.0"} and more"#,
            r#"{"Version":"v1.0.0",}"#,
            r#"{"Version":1}"#,
            r#"{"Version":"v1.0.0","Time":"not a time"}"#,
            r#"{"Version":"v1.0.0","Time":""}"#,
            r#"{"Version":"v1.0.0","Time":1}"#,
            r#"{"Version":"v1.0.0","Time":"2026\u002d01-02T03:04:05Z"}"#,
            r#"{"Version":"v1.0.0","Time":"x","Time":"2026-01-02T03:04:05Z"}"#,
            r#"{"Version":"v1.0.0","Origin":"git"}"#,
            r#"{"Version":"v1.0.0","Origin":[]}"#,
            r#"{"Version":"v1.0.0","Origin":{"VCS":1}}"#,
            r#"{"Version":"v1.0.0","Origin":{"tagsum":{}}}"#,
            r#"{"Version":"v1"}"#,
            r#"{"Version":"v2.0.0"}"#,
            r#"{"Version":"V1.0.0"}"#,
        ] {
            assert_eq!(written(text), None, "{text}");
        }
        assert_eq!(written(b"{\"Version\":\"v1.0.0\xff\"}"), None);
        let long = |len: usize| format!("{{\"Version\":\"v1.0.0\"{}}}", " ".repeat(len - 20));
        assert!(written(long(MAX_INFO_BYTES)).is_some() && written(long(MAX_INFO_BYTES + 1)).is_none());
    }

    #[test]
    fn an_unsafe_origin_is_left_out_whole() {
        let with = |field: &str, value: &str| {
            let origin = serde_json::json!({ "VCS": "git", field: value });
            let text = serde_json::json!({ "Version": "v1.0.0", "Origin": origin }).to_string();
            written(text).unwrap().contains("Origin")
        };
        for url in [
            "https://example.com/m",
            "http://example.com",
            "ssh://git@example.com/m.git",
            "ssh://example.com/m",
            "git://h/m",
            "git+ssh://me@h:22/m",
            "https://example.com:8443/a@b",
            "svn://h/x",
            "https://[::1]/m",
        ] {
            assert!(with("URL", url), "{url}");
        }
        for url in [
            "https://token@example.com/m",
            "https://user:password@example.com/m",
            "http://x@y",
            "ssh://git:secret@h/m",
            "https://example.com/m?token=secret",
            "https://example.com/m#secret",
            "file:///srv/secret",
            "/srv/secret",
            "git@example.com:m",
            "https://",
            "https://@example.com",
            "javascript://x",
            "https://ex ample.com",
            "https://example.com/é",
            "HTTPS://example.com/m",
            "https://example.com\\@evil",
        ] {
            assert!(!with("URL", url), "{url}");
        }
        for field in ORIGIN_FIELDS.iter().filter(|field| **field != "URL") {
            assert!(with(field, "refs/tags/é v1 \"x\" <y>"), "{field}");
            for value in ["\u{1b}[31m", "a\nb", "\u{202e}", "\u{fffd}", &"x".repeat(MAX_FIELD_BYTES + 1)] {
                assert!(!with(field, value), "{field} {value:?}");
            }
            assert!(with(field, &"x".repeat(MAX_FIELD_BYTES)));
        }
    }

    #[test]
    fn requests_differ_in_which_version_may_answer_them() {
        let accepts = |path: &str, version: &str| {
            VersionInfo::parse(
                &ModuleRequest::parse(path).unwrap(),
                format!("{{\"Version\":\"{version}\"}}").as_bytes(),
            )
            .is_ok()
        };
        assert!(accepts("example.com/m/@latest", "v1.2.3") && accepts("example.com/m/@v/master.info", "v1.2.3"));
        assert!(accepts("example.com/m/@v/v2.0.0.info", "v2.0.0+incompatible"));
        assert!(!accepts("example.com/m/@latest", "v2.0.0") && !accepts("example.com/m/@v/master.info", "master"));
        assert!(!accepts("example.com/m/@v/v1.0.0.info", "v1.0.1") && !accepts("example.com/m/@v/list", "v1.0.0"));
    }

    #[test]
    fn a_name_alone_tells_the_time_of_a_pseudo_version() {
        let named = |version: &str| VersionInfo::named(Version::parse(version).unwrap()).to_json();
        assert_eq!(named("v1.0.0"), r#"{"Version":"v1.0.0"}"#);
        assert_eq!(
            named("v0.0.0-20240102030405-abcdefabcdef"),
            r#"{"Version":"v0.0.0-20240102030405-abcdefabcdef","Time":"2024-01-02T03:04:05Z"}"#
        );
        assert_eq!(named("v0.0.0-20249902030405-abcdefabcdef"), r#"{"Version":"v0.0.0-20249902030405-abcdefabcdef"}"#);
    }
}
