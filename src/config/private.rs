//! Patterns of private modules, checked: one that matches no module is refused where it comes from a setting of ours, and reported
//! where it comes from one of go's.
//!
//! Go passes over such a pattern, and sends the names that it was to protect to the public proxy and the checksum database. Nothing
//! takes a name back that was sent, while a module that is private by mistake is refused or skipped, with the pattern named: so
//! what the pattern was probably meant to match is private here.

use super::goenv::Private;
use crate::sumdb::module::Patterns;

/// In place of patterns: no module is private.
pub const NONE: &str = "none";

/// The patterns of go's settings as they are used here, and what is wrong with the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// with commas between them; each can match a module
    pub patterns: String,
    /// one for each pattern that matches no module
    pub warnings: Vec<String>,
}

/// Checks patterns of a setting of ours.
///
/// # Errors
/// What is wrong with them, and what to write instead, in words.
pub fn check(list: &str) -> Result<(), String> {
    if list == NONE {
        return Ok(());
    }
    let mut patterns = list.split(',').filter(|pattern| !pattern.is_empty()).peekable();
    if patterns.peek().is_none() {
        return Err(format!("names no pattern; write {NONE:?} if no module is private"));
    }
    if patterns.any(|pattern| pattern.trim() == NONE) {
        return Err(format!("{NONE:?} means that no module is private, and stands alone"));
    }
    match Patterns::parse(list).unmatchable().first() {
        None => Ok(()),
        Some(wrong) => Err(match wrong.meant() {
            Some(meant) => format!("{wrong}; write {meant:?}"),
            None => format!("{wrong}; write it as in GOPRIVATE: corp.example or *.corp.example/team"),
        }),
    }
}

/// The patterns of go's settings. Each setting may be `none`, and so may a pattern: it matches nothing, which is what it is for.
pub fn of_go(settings: &[Private<'_>]) -> Checked {
    let mut checked = Checked::default();
    let mut patterns: Vec<&str> = Vec::new();
    let parsed: Vec<Patterns> = settings.iter().map(|private| Patterns::parse(private.patterns)).collect();
    for (private, parsed) in settings.iter().zip(&parsed) {
        let unmatchable = parsed.unmatchable();
        let is_listed = |pattern: &str| unmatchable.iter().any(|wrong| wrong.pattern() == pattern);
        patterns.extend(private.patterns.split(',').filter(|pattern| !pattern.is_empty() && !is_listed(pattern)));
        for wrong in unmatchable.iter().filter(|wrong| !matches!(wrong.pattern().trim(), "" | NONE)) {
            patterns.extend(wrong.meant());
            let (setting, origin) = (private.setting, private.origin);
            checked.warnings.push(match wrong.meant() {
                Some(meant) => format!(
                    "{setting} (from {origin}): {wrong}. gosumcheck keeps {meant:?} private; go does not, and names such \
                     modules to {}: write {meant:?} in {setting}",
                    audience(setting)
                ),
                None => format!("{setting} (from {origin}): {wrong}. It makes no module private: correct it, or remove it"),
            });
        }
    }
    let mut seen = std::collections::HashSet::new();
    patterns.retain(|pattern| seen.insert(*pattern));
    checked.patterns = patterns.join(",");
    checked
}

/// Module paths that anybody could have, one on each of the hosts that most public modules come from.
const ANYBODYS: [&str; 9] = [
    "github.com/anybody/anything",
    "golang.org/x/text",
    "google.golang.org/grpc",
    "gopkg.in/yaml.v3",
    "k8s.io/api",
    "go.uber.org/zap",
    "gitlab.com/anybody/anything",
    "bitbucket.org/anybody/anything",
    "go.opentelemetry.io/otel",
];

/// The patterns of a list, in go's own sense, that are so wide that they name public modules too, each with such a module.
pub fn too_wide(list: &str) -> Vec<(&str, &'static str)> {
    let wide = |pattern: &&str| {
        let parsed = Patterns::parse(pattern);
        ANYBODYS.into_iter().find(|path| parsed.matching(path).is_some())
    };
    list.split(',').filter_map(|pattern| Some((pattern, wide(&pattern)?))).collect()
}

/// Who gets the names that a setting of go's does not keep.
fn audience(setting: &str) -> &'static str {
    match setting {
        "GONOPROXY" => "module proxies",
        "GONOSUMDB" => "the checksum database",
        _ => "module proxies and the checksum database",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GoEnvOrigin;

    fn private<'a>(setting: &'static str, patterns: &'a str) -> Private<'a> {
        Private { patterns, setting, origin: GoEnvOrigin::Environment }
    }

    #[test]
    fn settings_of_ours_are_checked() {
        for list in ["none", "a.b", "a.b,", "*", "*.b/x,c.d/"] {
            assert_eq!(check(list), Ok(()), "{list}");
        }
        for (list, words) in [
            ("", "write \"none\""),
            (",,", "write \"none\""),
            ("none,a.b", "stands alone"),
            ("a.b, none", "stands alone"),
            ("a.b, c.d", "the pattern \" c.d\" matches no module: it begins or ends with a blank; write \"c.d\""),
            ("a.b,[", "write it as in GOPRIVATE"),
            (" none", "stands alone"),
        ] {
            assert!(check(list).is_err_and(|why| why.contains(words)), "{list}: {:?}", check(list));
        }
    }

    #[test]
    fn patterns_that_name_public_modules_are_wide() {
        let wide = |list| too_wide(list).into_iter().map(|(pattern, _)| pattern).collect::<Vec<_>>();
        assert_eq!(
            wide("*,github.com,github.com/corp,*.com,golang.org,corp.example,github.com/*"),
            ["*", "github.com", "*.com", "golang.org", "github.com/*"]
        );
        assert!(wide("none,,*.corp.example,github.com/corp/*").is_empty());
    }

    #[test]
    fn settings_of_go_keep_what_they_were_meant_to_keep() {
        let checked = of_go(&[private("GOPRIVATE", "a.b, c.d,none,,https://e.f/x,["), private("GONOSUMDB", "a.b,g.h")]);
        assert_eq!(checked.patterns, "a.b,c.d,e.f/x,g.h");
        assert_eq!(checked.warnings.len(), 3);
        assert!(checked.warnings.iter().all(|text| text.starts_with("GOPRIVATE (from the environment): the pattern ")));
        assert!(
            checked.warnings.iter().any(|text| text.ends_with("It makes no module private: correct it, or remove it"))
        );
        assert_eq!(
            of_go(&[private("GOPRIVATE", "a.b,")]),
            Checked { patterns: "a.b".to_owned(), warnings: Vec::new() }
        );
        assert_eq!(of_go(&[]), Checked::default());
    }
}
