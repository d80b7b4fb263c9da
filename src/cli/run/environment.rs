//! What the environment of a command says about its modules, and what is put in its place, so that nothing in it undoes the proof.
//!
//! What keeps names from public places (GOPRIVATE, GONOPROXY, GONOSUMDB) is followed, and said where it keeps public modules from
//! the proof. All else that weakens it is overridden.

use std::path::Path;

use crate::config::settings::Settings;
use crate::config::{GoEnv, GoEnvOrigin, Sumdb, private, sumdb};

/// Who is asked where GOPROXY asks nobody.
const DEFAULT_PROXY: &str = "https://proxy.golang.org";
/// A flag of the go command before Go 1.16 that switched the checksum database off.
const INSECURE: &str = "insecure";

/// What this process's environment asks for, before any setting of ours is read.
pub(super) struct Asked {
    /// go's settings, with those left out that would leave nothing to prove by
    pub(super) go: GoEnv,
    /// whether no network may be asked
    pub(super) offline: bool,
    /// whether what no proxy has may come from its repository
    ends_with_direct: bool,
    /// GOFLAGS for the command, where it is another
    flags: Option<String>,
    /// what is said before the command starts
    pub(super) warnings: Vec<String>,
}

impl Asked {
    /// Of `env`, in the folder `here`.
    pub(super) fn read(env: impl Fn(&str) -> Option<String>, here: &Path) -> Asked {
        let go = GoEnv::read(&env);
        let (mut instead, mut warnings) = (Vec::new(), go.warnings());
        let of = |name: &str| origin(go.origin(name));
        if matches!(go.sumdb(), Ok(Sumdb::Off)) {
            let of = of("GOSUMDB");
            warnings.push(format!(
                "GOSUMDB=off ({of}) is not followed: the command's modules are proven by sum.golang.org"
            ));
            instead.push(("GOSUMDB", sumdb::DEFAULT));
        }
        let list = go.proxies().unwrap_or_default();
        let offline = list.entries().next().is_some_and(|(first, _)| first == "off");
        if offline {
            instead.push(("GOPROXY", DEFAULT_PROXY));
            warnings.push(format!(
                "GOPROXY=off ({}): the command has what the data folder holds, and no more",
                of("GOPROXY")
            ));
        } else if list.entries().next().is_some_and(|(first, _)| first == "direct") {
            warnings.push(format!(
                "GOPROXY=direct ({}): modules come from {DEFAULT_PROXY}, proven; name another with --proxy",
                of("GOPROXY")
            ));
        }
        let flags = go.has_flag(INSECURE).then(|| go.flags_without(INSECURE));
        if flags.is_some() {
            warnings.push(format!(
                "-{INSECURE} in GOFLAGS ({}) is left out: it switches the checksum database off",
                of("GOFLAGS")
            ));
        }
        if go.has_flag("mod=vendor") || here.join("vendor/modules.txt").is_file() {
            warnings.push("a vendor folder is built from as it is: `gosumcheck audit vendor` proves it".to_owned());
        }
        if let Some(hosts) = go.value("GOINSECURE") {
            let of = of("GOINSECURE");
            warnings.push(format!(
                "GOINSECURE={hosts} ({of}) has no say in proofs: it lets go ask these hosts without TLS"
            ));
        }
        let ends_with_direct = list.entries().any(|(entry, _)| entry == "direct");
        let read = |name: &str| {
            let set = instead.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
            set.or_else(|| env(name))
        };
        Asked { go: GoEnv::read(read), offline, ends_with_direct, flags, warnings }
    }

    /// What is said of patterns that keep public modules from the proof, unless `--private` has others.
    pub(super) fn wide_patterns(&self) -> Vec<String> {
        let wide = self.go.private_from_anybody().into_iter().flat_map(|setting| {
            let of = origin(setting.origin);
            private::too_wide(setting.patterns).into_iter().map(move |(pattern, example)| {
                format!(
                    "{}={pattern} ({of}) keeps public modules such as {example} from the proof; --private PATTERNS names the ones \
                     that are private, --private none if none is",
                    setting.setting
                )
            })
        });
        wide.collect()
    }

    /// The variables of the command, over those of this process: it asks the server at `url`, whose database has the key `vkey`.
    pub(super) fn variables(&self, settings: &Settings, url: &str, vkey: &str) -> Vec<(&'static str, String)> {
        let or_none = |patterns: &str| if patterns.is_empty() { "none".to_owned() } else { patterns.to_owned() };
        let end = if self.ends_with_direct && !self.offline { ",direct" } else { "" };
        // What is private goes around this server, unless somebody said where it is to be had.
        let around = if settings.private_proxy.is_off() { or_none(&settings.private) } else { "none".to_owned() };
        let mut variables = vec![
            ("GOPROXY", format!("{url}{end}")),
            ("GOSUMDB", format!("{vkey} {url}")),
            ("GONOSUMDB", or_none(&settings.private)),
            ("GONOPROXY", around),
        ];
        // The go command takes an empty variable for none, and looks into its files.
        let flags = self.flags.clone().map(|flags| if flags.is_empty() { " ".to_owned() } else { flags });
        variables.extend(flags.map(|flags| ("GOFLAGS", flags)));
        variables
    }
}

fn origin(origin: GoEnvOrigin) -> String {
    format!("from {origin}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(set: &[(&str, &str)]) -> Asked {
        let env = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Asked::read(env, Path::new("/nowhere"))
    }

    #[test]
    fn what_undoes_the_proof_is_overridden_and_said() {
        let asked = asked(&[
            ("GOENV", "off"),
            ("GOSUMDB", "off"),
            ("GOFLAGS", "-insecure -mod=mod --insecure"),
            ("GOINSECURE", "*"),
        ]);
        assert!(matches!(asked.go.sumdb(), Ok(Sumdb::On { name, .. }) if name == "sum.golang.org"));
        assert_eq!(asked.flags.as_deref(), Some("-mod=mod"));
        for words in ["GOSUMDB=off (from the environment)", "-insecure in GOFLAGS", "GOINSECURE=*"] {
            assert!(asked.warnings.iter().any(|text| text.contains(words)), "{words}: {:?}", asked.warnings);
        }
    }

    #[test]
    fn patterns_are_followed_and_wide_ones_are_said() {
        let asked = asked(&[("GOENV", "off"), ("GOPRIVATE", "corp.example"), ("GONOSUMDB", "*")]);
        assert!(asked.warnings.is_empty(), "{:?}", asked.warnings);
        let wide = asked.wide_patterns();
        let is_named = |text: &String| text.starts_with("GONOSUMDB=* (from the environment)");
        assert!(wide.len() == 1 && wide.iter().all(is_named), "{wide:?}");
    }

    #[test]
    fn nothing_to_ask_is_offline() {
        let asked = asked(&[("GOENV", "off"), ("GOPROXY", "off")]);
        assert!(asked.offline && !asked.go.proxies().unwrap().is_off());
    }
}
