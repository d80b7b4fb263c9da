//! Values of settings: text in, meaning out, or what would have been right.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use crate::config::{HostName, units};

/// No timeout and no interval is longer.
const MAX_DURATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What paths of this server begin with, besides module paths, which begin with a host.
const TAKEN: [&str; 11] =
    ["cached-only", "healthz", "latest", "log", "lookup", "metrics", "readyz", "sumdb", "supported", "tile", "tlog"];

/// The texts of a list in one variable: parted by commas.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let why =
        "not an address to listen at; write it as in 127.0.0.1:3000, [::]:3000 or localhost:3000; port 0 takes any";
    let text = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    text.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(|| why.to_owned())
}

/// The name of a host, without a port.
pub(super) fn host(text: &str) -> Result<HostName, String> {
    HostName::parse(text)
        .ok_or_else(|| "not the name of a host; write it as in goproxy.corp.example, without a port".to_owned())
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

/// Nothing, or a path with its first slash and without its last.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    if path.is_empty() {
        return Ok(String::new());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_element = |element: &str| !matches!(element, "" | "." | "..") && element.bytes().all(plain);
    let below = path.strip_prefix('/').filter(|below| below.split('/').all(is_element));
    let below = below.ok_or("not a path; write it as in /go or /artifacts/go")?;
    let first = below.split('/').next().unwrap_or(below);
    if TAKEN.contains(&first) || first.contains('.') {
        return Err(format!("what begins with /{first} has a meaning here already"));
    }
    Ok(path.to_owned())
}

/// From a millisecond to a week.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = units::duration(text)?;
    if (Duration::from_millis(1)..=MAX_DURATION).contains(&duration) {
        Ok(duration)
    } else {
        Err("out of bounds: from 1ms to 168h".to_owned())
    }
}

pub(super) fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let why = || format!("not a number from {least} to {most}");
    text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(why)
}

/// One of a few words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("not one of {}", all.join(", "))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_as_people_write_them() {
        assert_eq!(duration("1m 30s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(address(":0").unwrap().to_string(), "0.0.0.0:0");
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert_eq!(split("a, b,,c "), ["a", "b", "c"]);
        assert_eq!(prefix("/").unwrap(), "");
        assert_eq!(prefix("/artifacts/go.v1/").unwrap(), "/artifacts/go.v1");
        for wrong in ["go", "//", "/a//b", "/a/../b", "/a b", "/%67o", "/go?x", "/sumdb", "/lookup/x", "/example.com"] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "soon", "0s", "-5s", "10", "9999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(host("GoProxy.Corp.example.").unwrap().to_string(), "goproxy.corp.example");
        for wrong in ["", "a.example:3000", "http://a.example", "*.a.example", "a b", "a/"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "3000", "localhost", "127.0.0.1:99999", "no such host:1"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
