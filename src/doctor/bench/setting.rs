//! What GOPROXY should be, from the ranking: the best proxy that may be recommended, and `direct` after it where it stands there now.
//!
//! Names of private modules go to who stands in GOPROXY. So nothing is put in the place of a server that is not open to everybody:
//! what only that one was to see would go elsewhere.

use super::plan::PlaceOrigin;
use super::rank::{ProxyStanding, Ranked};
use crate::config::{GoEnv, ProxyList, Sumdb};
use crate::doctor::finding::Severity::Note;
use crate::doctor::{Finding, Fix, public};
use crate::sumdb::redact::redact;

/// What follows for GOPROXY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// these lines make the best of it
    Better {
        /// the proxy that comes first then, without a password
        proxy: String,
        /// the lines
        fix: Vec<Fix>,
    },
    /// it is the best already
    Best(String),
    /// nothing is to be set, and why
    Left(String),
}

impl Setting {
    /// From a ranking, under these settings.
    pub fn of(go: &GoEnv, ranked: &[Ranked]) -> Setting {
        let Some(best) = ranked.first().filter(|best| best.standing.may_be_recommended()) else {
            return Setting::Left("no proxy was shown to send what the log has: none is recommended".to_owned());
        };
        let list = go.proxies().unwrap_or_default();
        if let Some(why) = own(&list, ranked) {
            return Setting::Left(why);
        }
        let proxy = best.measured.place.shown();
        let ends = if list.entries().any(|(entry, _)| entry == "direct") { ",direct" } else { "" };
        let value = format!("{}{ends}", best.measured.place.url);
        let mut finding = Finding::new("proxy-better", Note, "", "");
        if matches!(go.sumdb(), Ok(Sumdb::Off)) {
            finding = finding.set(go, "GOSUMDB", None);
        }
        if list.to_string().trim_end_matches('/') != value {
            finding = finding.set(go, "GOPROXY", Some(value));
        }
        if finding.fix.is_empty() { Setting::Best(proxy) } else { Setting::Better { proxy, fix: finding.fix } }
    }

    /// The lines.
    pub fn fix(&self) -> &[Fix] {
        match self {
            Setting::Better { fix, .. } => fix,
            Setting::Best(_) | Setting::Left(_) => &[],
        }
    }
}

/// Why nothing is put in the place of this list.
fn own(list: &ProxyList, ranked: &[Ranked]) -> Option<String> {
    let (first, _) = list.entries().next()?;
    if first == "off" {
        return Some("GOPROXY=off: nothing is downloaded here, and that is left so".to_owned());
    }
    let is_named = |url: &str| {
        ranked.iter().any(|one| one.measured.place.origin == PlaceOrigin::Named && one.measured.place.url == url)
    };
    let is_own = |url: &&str| *url != "direct" && !public::is_public(url) && !is_named(url.trim_end_matches('/'));
    let own = list.entries().map(|(url, _)| url).find(is_own)?;
    let stands = ranked.iter().find(|one| one.measured.place.url == own.trim_end_matches('/'));
    let own = redact(own);
    if stands.is_some_and(|one| one.standing == ProxyStanding::Dishonest) {
        return Some(format!(
            "GOPROXY has {own}, which sent wrong bytes: take it out by hand, and name what is private in GOPRIVATE first"
        ));
    }
    Some(format!(
        "GOPROXY has {own}, which is not open to everybody: names of private modules may be meant for it alone, so it is left"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::doctor::bench::{BenchPlace, Measured};

    fn ranked(url: &str, origin: PlaceOrigin, standing: ProxyStanding) -> Ranked {
        Ranked { measured: Measured::unknown(BenchPlace::new(url, origin).unwrap()), standing, concerns: Vec::new() }
    }

    fn go(set: &[(&str, &str)]) -> GoEnv {
        let file: String = set.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        GoEnv::resolve(|_| None, &file, "GOPROXY=https://proxy.golang.org,direct\nGOSUMDB=sum.golang.org\n")
    }

    fn lines(setting: &Setting) -> Vec<String> {
        setting.fix().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_that_may_be_is_set_and_direct_stays() {
        let best = ranked("https://goproxy.cn", PlaceOrigin::Public, ProxyStanding::Sound);
        let set = |list: &str| lines(&Setting::of(&go(&[("GOPROXY", list)]), std::slice::from_ref(&best)));
        assert_eq!(set("https://proxy.golang.org,direct"), ["go env -w GOPROXY=https://goproxy.cn,direct"]);
        assert_eq!(set("https://proxy.golang.org|https://goproxy.io"), ["go env -w GOPROXY=https://goproxy.cn"]);
        assert_eq!(set("direct"), ["go env -w GOPROXY=https://goproxy.cn,direct"]);
        let same = Setting::of(&go(&[("GOPROXY", "https://goproxy.cn,direct")]), std::slice::from_ref(&best));
        assert_eq!(same, Setting::Best("https://goproxy.cn".to_owned()));
        let off = Setting::of(&go(&[("GOSUMDB", "off"), ("GOPROXY", "https://goproxy.cn")]), &[best]);
        assert_eq!(lines(&off), ["go env -u GOSUMDB"]);
    }

    #[test]
    fn who_may_not_be_recommended_never_is() {
        for standing in [ProxyStanding::Unproven, ProxyStanding::Dead, ProxyStanding::Dishonest] {
            for origin in [PlaceOrigin::Listed, PlaceOrigin::Named, PlaceOrigin::Public] {
                let setting = Setting::of(&go(&[]), &[ranked("https://goproxy.cn", origin, standing)]);
                assert!(matches!(setting, Setting::Left(_)), "{setting:?}");
            }
        }
        assert!(matches!(Setting::of(&go(&[]), &[]), Setting::Left(_)));
    }

    #[test]
    fn a_server_of_ones_own_is_left_where_it_is() {
        let best = ranked("https://goproxy.cn", PlaceOrigin::Public, ProxyStanding::Sound);
        for list in ["https://corp.example,direct", "https://goproxy.cn,http://corp.example/x", "file:///srv", "off"] {
            let setting = Setting::of(&go(&[("GOPROXY", list)]), std::slice::from_ref(&best));
            assert!(matches!(setting, Setting::Left(_)), "{list}: {setting:?}");
        }
        // Unless it was itself named to be measured.
        let named = ranked("https://corp.example", PlaceOrigin::Named, ProxyStanding::Dishonest);
        let setting = Setting::of(&go(&[("GOPROXY", "https://corp.example/,direct")]), &[best.clone(), named]);
        assert_eq!(lines(&setting), ["go env -w GOPROXY=https://goproxy.cn,direct"]);
        let listed = ranked("https://corp.example", PlaceOrigin::Listed, ProxyStanding::Dishonest);
        let setting = Setting::of(&go(&[("GOPROXY", "https://corp.example,direct")]), &[best, listed]);
        assert!(matches!(&setting, Setting::Left(why) if why.contains("by hand")), "{setting:?}");
    }
}
