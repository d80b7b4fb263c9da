//! The questions of the GOPROXY protocol and the one spelling of each (go.dev/ref/mod, "GOPROXY protocol"; x/mod module.go,
//! EscapePath and EscapeVersion). What a client asks a proxy, a proxy asks the next one in the same words.
//!
//! Answers of which no log has a hash are parsed here too, and serialised again: `info` (`.info`, `@latest`), `list` (`@v/list`).

mod info;
mod json;
pub mod list;
mod time;

use std::fmt;

pub use info::{MAX_INFO_BYTES, VersionInfo};
pub use time::Time;

use super::error::{Error, Result};
use super::gosum::Kind;
use super::module::{ModulePath, ModuleVersion, Query, Version};
use super::printable::quoted;

/// A request. Printed as the path below a proxy's URL, without a leading slash: `rsc.io/quote/@v/v1.5.2.zip`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ModuleRequest {
    /// `M/@v/list`: the tagged versions of a module
    List(ModulePath),
    /// `M/@latest`: which version is the newest
    Latest(ModulePath),
    /// `M/@v/QUERY.info`: which version a branch, a commit or another spelling of a version stands for; `v2.0.0` of a module
    /// whose path ends in no `/v2` is one too, and stands for `v2.0.0+incompatible` (cmd/go modfetch proxy.go, Stat)
    Query(ModulePath, Query),
    /// `M/@v/V.info`: when a version was made
    Info(ModuleVersion),
    /// `M/@v/V.mod` and `M/@v/V.zip`: what the log has hashes of
    File(ModuleVersion, Kind),
}

impl ModuleRequest {
    /// The request for a path.
    ///
    /// # Errors
    /// `Malformed` for a path that is not a request, for any other spelling than that of `Display`, and for `.mod` and `.zip`
    /// of a version that is not canonical for that module: there are no such files.
    pub fn parse(path: &str) -> Result<ModuleRequest> {
        let malformed = |why: &str| Error::malformed(format!("path {}", quoted(path)), why);
        if let Some(module) = path.strip_suffix("/@latest") {
            return Ok(ModuleRequest::Latest(ModulePath::unescape(module)?));
        }
        let (module, file) = path.split_once("/@v/").ok_or_else(|| malformed("is not a request to a module proxy"))?;
        let module = ModulePath::unescape(module)?;
        if file == "list" {
            return Ok(ModuleRequest::List(module));
        }
        let (version, suffix) =
            file.rsplit_once('.').ok_or_else(|| malformed("does not name a file of a module proxy"))?;
        match suffix {
            "mod" => Ok(ModuleRequest::File(ModuleVersion::pair(module, Version::unescape(version)?)?, Kind::GoMod)),
            "zip" => Ok(ModuleRequest::File(ModuleVersion::pair(module, Version::unescape(version)?)?, Kind::Zip)),
            "info" => {
                let exact = Version::unescape(version).and_then(|version| ModuleVersion::pair(module.clone(), version));
                exact.map(ModuleRequest::Info).or_else(|_| Ok(ModuleRequest::Query(module, Query::unescape(version)?)))
            }
            _ => Err(malformed("does not name a file of a module proxy")),
        }
    }

    /// The module that it is about.
    pub fn module(&self) -> &ModulePath {
        match self {
            ModuleRequest::List(module) | ModuleRequest::Latest(module) | ModuleRequest::Query(module, _) => module,
            ModuleRequest::Info(version) | ModuleRequest::File(version, _) => version.path(),
        }
    }
}

impl fmt::Display for ModuleRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module = self.module().escaped();
        match self {
            ModuleRequest::List(_) => write!(f, "{module}/@v/list"),
            ModuleRequest::Latest(_) => write!(f, "{module}/@latest"),
            ModuleRequest::Query(_, query) => write!(f, "{module}/@v/{}.info", query.escaped()),
            ModuleRequest::Info(version) => write!(f, "{module}/@v/{}.info", version.version().escaped()),
            ModuleRequest::File(version, kind) => {
                write!(f, "{module}/@v/{}.{}", version.version().escaped(), kind.extension())
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_one_spelling() {
        for path in [
            "rsc.io/quote/@v/list",
            "rsc.io/quote/@latest",
            "rsc.io/quote/@v/v1.5.2.info",
            "rsc.io/quote/@v/v1.5.2.mod",
            "rsc.io/quote/@v/v1.5.2.zip",
            "github.com/!burnt!sushi/toml/@v/v0.3.1-!r!c1.zip",
            "example.com/m/@v/v2.0.0+incompatible.mod",
            "example.com/m/@v/master.info",
            "example.com/m/@v/v1.0.0+meta.info",
            "example.com/m/@v/v1.info",
            "example.com/m/@v/v2.0.0.info",
            "example.com/m/v2/@v/v1.5.2.info",
            "example.com/m/@v/release-1.2.info",
            "example.com/m/@v/!head~1.info",
            "golang.org/toolchain/@v/v0.0.1-go1.21.0.linux-amd64.zip",
            "golang.org/toolchain/@v/list",
        ] {
            assert_eq!(ModuleRequest::parse(path).unwrap().to_string(), path);
        }
        assert!(matches!(ModuleRequest::parse("example.com/m/@v/v1.2.0.info").unwrap(), ModuleRequest::Info(_)));
        for path in ["example.com/m/@v/v1.2.info", "example.com/m/@v/v2.0.0.info"] {
            assert!(matches!(ModuleRequest::parse(path).unwrap(), ModuleRequest::Query(..)), "{path}");
        }
    }

    #[test]
    fn what_no_proxy_has_is_not_a_request() {
        for path in [
            "",
            "rsc.io/quote",
            "rsc.io/quote/@v/",
            "rsc.io/quote/@v/list/",
            "rsc.io/quote/@v/v1.5.2",
            "rsc.io/quote/@v/v1.5.2.ziphash",
            "rsc.io/quote/@v/v1.5.2.lock",
            "rsc.io/quote/@v/v1.mod",
            "rsc.io/quote/@v/v1.5.2+meta.zip",
            "rsc.io/quote/@v/master.zip",
            "rsc.io/quote/@v/v2.0.0.zip",
            "rsc.io/quote/v2/@v/v1.5.2.mod",
            "github.com/BurntSushi/toml/@v/list",
            "rsc.io/quote/@v/V1.5.2.zip",
            "rsc.io/quote/@v/latest.info",
            "rsc.io/quote/@v/upgrade.info",
            "rsc.io/quote/@v/patch.info",
            "rsc.io/quote/@v/.info",
            "rsc.io/quote/@v/a/b.info",
            "rsc.io/quote/@v/con.info",
            "quote/@v/list",
            "rsc.io/quote/@v/list/@latest",
            "rsc.io//quote/@v/list",
            "/@latest",
        ] {
            assert!(matches!(ModuleRequest::parse(path), Err(Error::Malformed { .. })), "{path}");
        }
    }
}
