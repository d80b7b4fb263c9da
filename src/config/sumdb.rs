//! `GOSUMDB`: which checksum database, known by which key, and perhaps at which URL (cmd/go/internal/modfetch, dbDial).
//!
//! `off`, or `NAME`, `KEY`, `NAME URL`, `KEY URL`, where NAME is a database whose key everybody knows.

use crate::fault::Fault;
use crate::sumdb::note::{KeyKind, VerifierKey};
pub(super) use crate::sumdb::redact::redact;

/// The key of sum.golang.org (cmd/go/internal/modfetch/key.go).
pub const SUM_GOLANG_ORG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// What `GOSUMDB` is where nothing sets it ($GOROOT/go.env).
pub const DEFAULT: &str = "sum.golang.org";
/// Another way to the same database, reachable from mainland China: the one alias that the go command knows.
const ALIAS: &str = "sum.golang.google.cn";
const ALIAS_URL: &str = "https://sum.golang.google.cn";

/// A database, or `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sumdb {
    /// `GOSUMDB=off`
    Off,
    /// a database that is known by its key
    On {
        /// the key's name, `host[/path]`
        name: String,
        /// the verifier key
        key: Box<VerifierKey>,
        /// where to ask, instead of by GOPROXY or at `https://NAME`
        url: Option<String>,
    },
}

impl Sumdb {
    /// What `GOSUMDB=off` means here.
    pub const OFF_MEANS: &str = "GOSUMDB=off tells the go command to ask no checksum database, so there is nothing to \
                                 prove go.sum against; to prove it all the same, name one: --sumdb sum.golang.org";

    /// The meaning of a value of `GOSUMDB`.
    ///
    /// # Errors
    /// `Usage` where the go command would refuse it.
    pub fn parse(value: &str) -> Result<Sumdb, Fault> {
        let usage = |why: &str| Fault::Usage(format!("invalid GOSUMDB {:?}: {why}", redact(value)));
        if value == "off" {
            return Ok(Sumdb::Off);
        }
        if value == ALIAS {
            return Sumdb::parse(&format!("{DEFAULT} {ALIAS_URL}"));
        }
        let mut fields = value.split_whitespace();
        let key = fields.next().ok_or_else(|| usage("it is empty; set a database, or \"off\""))?;
        let url = fields.next().map(str::to_owned);
        if fields.next().is_some() {
            return Err(usage("too many fields; it is a name or a key, and perhaps a URL"));
        }
        let vkey = if key == DEFAULT { SUM_GOLANG_ORG } else { key };
        if !vkey.contains('+') {
            return Err(usage("not a database whose key everybody knows; give its key, NAME+HASH+KEY"));
        }
        let key = VerifierKey::parse(vkey).map_err(|error| usage(&error.to_string()))?;
        if key.kind() != KeyKind::Log {
            return Err(usage("not the key of a log"));
        }
        if !is_host_path(key.name()) {
            return Err(usage("the key's name must be host[/path]"));
        }
        Ok(Sumdb::On { name: key.name().to_owned(), key: Box::new(key), url })
    }
}

/// Whether `https://NAME` is a URL of nothing but a host and a path that needs no escaping.
fn is_host_path(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let (host, path) = name.split_once('/').map_or((name, None), |(host, path)| (host, Some(path)));
    // A port is part of the host.
    let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
    let element = |element: &str| !matches!(element, "" | "." | "..") && element.bytes().all(plain);
    !host.is_empty()
        && host.bytes().all(plain)
        && !matches!(host, "." | "..")
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        && path.is_none_or(|path| path.split('/').all(element))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    use crate::sumdb::note::SignerKey;

    fn on(vkey: &str, url: Option<&str>) -> Sumdb {
        let key = VerifierKey::parse(vkey).unwrap();
        Sumdb::On { name: key.name().to_owned(), key: Box::new(key), url: url.map(str::to_owned) }
    }

    fn key_of(name: &str) -> String {
        SignerKey::from_seed(name, [7; 32]).unwrap().verifier().to_string()
    }

    #[test]
    fn values_mean_what_they_mean_to_go() {
        let test = key_of("localhost.localdev/sumdb");
        let port = key_of("host:8080/a");
        for (value, expected) in [
            ("off", Sumdb::Off),
            ("sum.golang.org", on(SUM_GOLANG_ORG, None)),
            (SUM_GOLANG_ORG, on(SUM_GOLANG_ORG, None)),
            ("sum.golang.google.cn", on(SUM_GOLANG_ORG, Some(ALIAS_URL))),
            (" sum.golang.org  https://mirror.example/x ", on(SUM_GOLANG_ORG, Some("https://mirror.example/x"))),
            (&test, on(&test, None)),
            (&format!("{test} http://localhost:8080"), on(&test, Some("http://localhost:8080"))),
            (&port, on(&port, None)),
        ] {
            assert_eq!(Sumdb::parse(value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for value in ["", " ", "sum.example.org", "sum.golang.org https://x y", "Off", "+1+x", "host+1+x"] {
            assert!(matches!(Sumdb::parse(value), Err(Fault::Usage(_))), "{value:?}");
        }
        let damaged = SUM_GOLANG_ORG.replace("033de0ae", "033de0af");
        assert!(matches!(Sumdb::parse(&damaged), Err(Fault::Usage(_))));
        for name in [
            "host/",
            "/a",
            "host//a",
            "me@host",
            "host?q",
            "host#f",
            "host/%41",
            "host/..",
            "..",
            "host:port",
            "https://host",
        ] {
            let text = Sumdb::parse(&key_of(name)).unwrap_err().to_string();
            assert!(text.ends_with("the key's name must be host[/path]"), "{text}");
        }
        let witness = SignerKey::from_seed("host", [7; 32]).unwrap().verifier().as_witness().to_string();
        assert!(matches!(Sumdb::parse(&witness), Err(Fault::Usage(_))));
    }

    #[test]
    fn a_refusal_keeps_the_password() {
        let text = Sumdb::parse("unknown https://me:s3cret@host/x").unwrap_err().to_string();
        assert!(text.contains("https://host/x") && !text.contains("s3cret"), "{text}");
    }
}
