//! Releases of Go, and which of them have a go command that can be led past the checksum database: the vulnerabilities of 2026 in
//! how it reads the database's answers.

use std::fmt;

use crate::sumdb::module::ModuleVersion;

/// The module that go downloads other versions of itself as; its versions are `v0.0.1-go1.26.8.linux-amd64`.
const TOOLCHAIN: &str = "golang.org/toolchain";
/// A system that every release is made for.
const SYSTEM: &str = "linux-amd64";
/// The first release line that is published as a module.
const FIRST_MODULE: u32 = 21;

/// A version of Go, as `runtime.Version` gives it: `go1.26.8`, `go1.27rc3`, `go1.21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoRelease {
    minor: u32,
    /// of a pre-release below all others
    patch: Patch,
}

/// What follows `go1.N`, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Patch {
    Beta(u32),
    Candidate(u32),
    Release(u32),
}

/// A vulnerability of the go command, and the releases from which on each branch is without it.
#[derive(Debug, PartialEq, Eq)]
pub struct Vulnerability {
    /// its CVE number
    pub cve: &'static str,
    /// what a proxy or mirror could do
    pub what: &'static str,
    /// of the branches that were released then, the oldest first
    fixed: [&'static str; 2],
    /// of the next branch, the first pre-release
    fixed_next: &'static str,
}

/// The vulnerabilities by which a proxy gets past the checksum database, the oldest first.
pub const VULNERABILITIES: [Vulnerability; 3] = [
    Vulnerability {
        cve: "CVE-2026-42501",
        what: "an answer of the checksum database without the module's line was taken for a proof",
        fixed: ["go1.25.10", "go1.26.3"],
        fixed_next: "go1.27beta1",
    },
    Vulnerability {
        cve: "CVE-2026-56864",
        what: "hashes were read from the part of an answer that nobody signed",
        fixed: ["go1.25.13", "go1.26.6"],
        fixed_next: "go1.27rc3",
    },
    Vulnerability {
        cve: "CVE-2026-56865",
        what: "forged tiles of the checksum database were accepted",
        fixed: ["go1.25.13", "go1.26.6"],
        fixed_next: "go1.27rc3",
    },
];

impl GoRelease {
    /// The release that `text` begins with, up to a space or a dash; none for a development version.
    pub fn parse(text: &str) -> Option<GoRelease> {
        let name = text.split([' ', '-']).next()?.strip_prefix("go1.")?;
        let digits = name.find(|character: char| !character.is_ascii_digit()).unwrap_or(name.len());
        let (minor, rest) = name.split_at_checked(digits)?;
        let number = |text: &str| text.parse::<u32>().ok();
        let patch = if rest.is_empty() {
            Patch::Release(0)
        } else if let Some(patch) = rest.strip_prefix('.') {
            Patch::Release(number(patch)?)
        } else if let Some(candidate) = rest.strip_prefix("rc") {
            Patch::Candidate(number(candidate)?)
        } else {
            Patch::Beta(number(rest.strip_prefix("beta")?)?)
        };
        Some(GoRelease { minor: number(minor)?, patch })
    }

    /// The module version that it is published as, which the checksum database has a record of; none before Go 1.21.
    pub fn toolchain(self) -> Option<ModuleVersion> {
        let is_module = self.minor >= FIRST_MODULE;
        is_module.then(|| ModuleVersion::new(TOOLCHAIN, &format!("v0.0.1-{self}.{SYSTEM}")).ok()).flatten()
    }

    /// The vulnerabilities that its go command has.
    pub fn vulnerabilities(self) -> impl Iterator<Item = &'static Vulnerability> {
        VULNERABILITIES.iter().filter(move |vulnerability| vulnerability.affects(self))
    }
}

impl fmt::Display for GoRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "go1.{}", self.minor)?;
        match self.patch {
            Patch::Beta(number) => write!(f, "beta{number}"),
            Patch::Candidate(number) => write!(f, "rc{number}"),
            Patch::Release(0) if self.minor < FIRST_MODULE => Ok(()),
            Patch::Release(number) => write!(f, ".{number}"),
        }
    }
}

impl Vulnerability {
    fn affects(&self, release: GoRelease) -> bool {
        let mut fixes = self.fixed.into_iter().chain([self.fixed_next]).filter_map(GoRelease::parse);
        // A branch below all of these was never mended, and one above them never had it.
        fixes.find(|fix| release.minor <= fix.minor).is_some_and(|fix| release < fix)
    }
}

impl fmt::Display for Vulnerability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (fixed in {})", self.cve, self.fixed.join(" and "))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_the_order_in_which_they_came() {
        let names = ["go1.17", "go1.25.9", "go1.25.13", "go1.26beta1", "go1.26rc1", "go1.26rc10", "go1.26", "go1.26.8"];
        let releases: Vec<_> = names.iter().map(|name| GoRelease::parse(name).unwrap()).collect();
        assert!(releases.is_sorted_by(|one, other| one < other), "{releases:?}");
        assert_eq!(GoRelease::parse("go1.26.0"), GoRelease::parse("go1.26"));
        assert_eq!(GoRelease::parse("go1.25.3 X:nocoverageredesign"), GoRelease::parse("go1.25.3"));
        assert_eq!(GoRelease::parse("go1.25.3-custom"), GoRelease::parse("go1.25.3"));
        for text in ["devel go1.27-abc", "devel +abc", "go2.1", "go1", "go1.x", "go1.2.3.4", "gccgo 14", ""] {
            assert_eq!(GoRelease::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_release_is_published_as_a_module() {
        let toolchain = |name: &str| GoRelease::parse(name).unwrap().toolchain().map(|module| module.to_string());
        for (name, version) in [
            ("go1.21", "go1.21.0"),
            ("go1.26.8", "go1.26.8"),
            ("go1.27rc3", "go1.27rc3"),
            ("go1.26.8 X:nocoverageredesign", "go1.26.8"),
        ] {
            let expected = format!("golang.org/toolchain@v0.0.1-{version}.linux-amd64");
            assert_eq!(toolchain(name), Some(expected), "{name}");
        }
        assert_eq!(toolchain("go1.20.14"), None);
        assert_eq!(GoRelease::parse("go1.20").unwrap().to_string(), "go1.20");
    }

    #[test]
    fn each_vulnerability_ends_where_it_was_mended() {
        let count = |name: &str| GoRelease::parse(name).unwrap().vulnerabilities().count();
        for (name, expected) in [
            ("go1.13", 3),
            ("go1.24.9", 3),
            ("go1.25.9", 3),
            ("go1.25.10", 2),
            ("go1.25.12", 2),
            ("go1.25.13", 0),
            ("go1.26", 3),
            ("go1.26.2", 3),
            ("go1.26.3", 2),
            ("go1.26.5", 2),
            ("go1.26.6", 0),
            ("go1.27rc2", 2),
            ("go1.27rc3", 0),
            ("go1.27", 0),
            ("go1.28", 0),
        ] {
            assert_eq!(count(name), expected, "{name}");
        }
    }
}
