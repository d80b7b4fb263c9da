//! The name of a host, as requests and settings write it.

use std::fmt;
use std::net::Ipv6Addr;

/// Bytes of a name at most (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;

/// A host by its name, or an address written as text. Compared without regard to case and to one dot at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The host of a name such as `goproxy.corp.example`, an address, or an address in brackets; none for anything else.
    pub fn parse(text: &str) -> Option<HostName> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_bracketed = || name.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_name_byte);
        let is_name = !name.is_empty() && name.len() <= MAX_NAME && name.split('.').all(is_label);
        (is_name || is_bracketed().is_some()).then_some(HostName(name))
    }

    /// The host of `HOST` or `HOST:PORT`, as in a `Host` header, and the port as it is written there.
    pub fn parse_with_port(text: &str) -> Option<(HostName, Option<&str>)> {
        let colon = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon));
        let Some((host, port)) = colon.and_then(|colon| Some((text.get(..colon)?, text.get(colon + 1..)?))) else {
            return HostName::parse(text).map(|host| (host, None));
        };
        let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        HostName::parse(host).filter(|_| is_port).map(|host| (host, Some(port).filter(|port| !port.is_empty())))
    }

    /// Whether every resolver takes it for this machine: `localhost`, a name below it (RFC 6761 section 6.3), or an address, which
    /// nobody resolves.
    pub fn needs_no_resolver(&self) -> bool {
        self.0 == "localhost"
            || self.0.ends_with(".localhost")
            || self.0.starts_with('[')
            || self.0.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_requests_write_them() {
        for (text, host, port) in [
            ("localhost", "localhost", None),
            ("LocalHost.:3000", "localhost", Some("3000")),
            ("app.localhost:80", "app.localhost", Some("80")),
            ("127.0.0.1", "127.0.0.1", None),
            ("[::1]", "[::1]", None),
            ("[FE80::1]:3000", "[fe80::1]", Some("3000")),
            ("goproxy.corp.example:", "goproxy.corp.example", None),
            ("my_host-1", "my_host-1", None),
        ] {
            let (name, found) = HostName::parse_with_port(text).unwrap();
            assert_eq!((name.to_string().as_str(), found), (host, port), "{text}");
        }
        let long = "a.".repeat(200);
        for text in [
            "",
            ".",
            "..",
            ":80",
            "a..b",
            ".a",
            "a b",
            "a/b",
            "me@a",
            "a:b",
            "a:123456",
            "::1",
            "[::1",
            "::1]",
            "[a]",
            "[127.0.0.1]",
            "[::1%25eth0]",
            "[::1]x",
            "a\"",
            "\u{e9}",
            "a:80:80",
            "*.a",
            long.as_str(),
        ] {
            assert_eq!(HostName::parse_with_port(text), None, "{text}");
        }
    }

    #[test]
    fn only_names_that_nobody_resolves_are_this_machine() {
        for (text, is) in [
            ("localhost", true),
            ("x.LOCALHOST.", true),
            ("10.0.0.1", true),
            ("[::1]", true),
            ("notlocalhost", false),
            ("localhost.attacker.example", false),
            ("127.0.0.1.attacker.example", false),
            ("127.1", false),
            ("0x7f.0.0.1", false),
            ("2130706433", false),
        ] {
            assert_eq!(HostName::parse(text).unwrap().needs_no_resolver(), is, "{text}");
        }
    }
}
