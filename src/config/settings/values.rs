//! Values of settings: text in, meaning out, or what would have been right.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::choices::{DiskFloor, ListenAddress, TrustedProxy};
use crate::config::private::NONE;
use crate::config::{HostName, ProxyList, Sumdb, units};
use crate::files;

/// No timeout and no interval is longer.
const MAX_DURATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// No period is longer.
const MAX_PERIOD: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// First elements of the paths that this server answers, besides module paths, which begin with a host.
const TAKEN: [&str; 22] = [
    "api",
    "badge",
    "cached-only",
    "catalog",
    "explain",
    "gossip",
    "healthz",
    "incidents",
    "index",
    "integrity",
    "latest",
    "log",
    "lookup",
    "metrics",
    "modules",
    "readyz",
    "sumdb",
    "supported",
    "tile",
    "tlog",
    "version",
    "vulndb",
];

/// The texts of a list in one variable: separated by commas.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let why =
        "not an address to listen at; write it as in 127.0.0.1:3000, [::]:3000 or localhost:3000; port 0 takes any";
    let text = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    text.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(|| why.to_owned())
}

/// Where to listen; nowhere for "none".
pub(super) fn listening(text: &str) -> Result<Option<ListenAddress>, String> {
    if text == NONE {
        return Ok(None);
    }
    if let Some(socket) = text.strip_prefix("unix:") {
        let path = path_of_file(socket).ok().filter(|path| path.is_absolute());
        let path = path.ok_or("not the path of a socket; write it as in unix:/run/gosumcheck/http.sock")?;
        return Ok(Some(ListenAddress::Unix(path)));
    }
    if let Some(name) = text.strip_prefix("systemd:") {
        // systemd.socket(5): FileDescriptorName= has no control characters and no colon.
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        let name = plain.then(|| name.to_owned()).ok_or("not the name of a socket of systemd (FileDescriptorName=)")?;
        return Ok(Some(ListenAddress::Systemd(name)));
    }
    address(text).map(|address| Some(ListenAddress::Tcp(address)))
}

/// A network, an address, or "unix".
pub(super) fn trusted(text: &str) -> Result<TrustedProxy, String> {
    let why = "not a network; write it as in 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32, or \"unix\" for Unix sockets";
    if text == "unix" {
        return Ok(TrustedProxy::Unix);
    }
    network(text).map(|network| TrustedProxy::Network(network.trunc())).ok_or_else(|| why.to_owned())
}

/// The mode of a file, in octal.
pub(super) fn mode(text: &str) -> Result<u32, String> {
    let why = "not the mode of a file; write it in octal, as in 0660";
    let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o777).ok_or_else(|| why.to_owned())
}

/// A file that can be read.
pub(super) fn readable(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    files::open_named(&path).map_err(|error| format!("{text}: {}", unread(&error)))?;
    Ok(path)
}

/// A network, or one address.
pub(super) fn networks(text: &str) -> Result<IpNet, String> {
    let why = "not a network; write it as in 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7";
    let network = network(text).ok_or_else(|| why.to_owned())?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(format!("has bits beyond its length; write {}", network.trunc()))
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
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
        _ => Err("not true or false".to_owned()),
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
        return Err(format!("/{first} is a path of the server already, or could be a module's"));
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

/// None for `0`; else from a second to a year.
pub(super) fn period(text: &str) -> Result<Option<Duration>, String> {
    if text == "0" {
        return Ok(None);
    }
    let period = units::duration(text)?;
    match period {
        Duration::ZERO => Ok(None),
        period if (Duration::from_secs(1)..=MAX_PERIOD).contains(&period) => Ok(Some(period)),
        _ => Err("out of bounds: from 1s to 366d, or 0 for never".to_owned()),
    }
}

/// None for `off`; else hundredths, from 11% to 100%.
pub(super) fn percent(text: &str) -> Result<Option<u8>, String> {
    if text == "off" {
        return Ok(None);
    }
    let number =
        text.strip_suffix('%').and_then(|number| number.parse().ok()).filter(|number| (11..=100).contains(number));
    number.map(Some).ok_or_else(|| "not a part of the disk; write it as in 90%, from 11% to 100%, or off".to_owned())
}

/// A number from 1 to `most`.
pub(super) fn count(most: u32) -> impl Fn(&str) -> Result<usize, String> {
    move |text| {
        let number = text.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| format!("not a number from 1 to {most}"))
    }
}

/// One of a few words.
pub(super) fn word<T: Copy, const N: usize>(words: &[(&str, T); N]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| format!("not one of {}", words.each_ref().map(|(word, _)| *word).join(", ")))
    }
}

/// Any text.
pub(super) fn kept(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

/// The path of a file that must have a name.
pub(super) fn path_of_file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("not the path of a file".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn floor(text: &str) -> Result<DiskFloor, String> {
    if text == "auto" {
        return Ok(DiskFloor::Auto);
    }
    units::size(text).map(DiskFloor::Bytes).map_err(|why| format!("{why}, or auto"))
}

/// `GOPROXY`, which may not be empty.
pub(super) fn proxies(text: &str) -> Result<ProxyList, String> {
    if text.trim().is_empty() {
        return Err("empty; write \"off\" for nowhere".to_owned());
    }
    ProxyList::parse(text).map_err(|fault| fault.to_string())
}

/// `GOSUMDB`, which may not be off.
pub(super) fn database(text: &str) -> Result<Sumdb, String> {
    match Sumdb::parse(text) {
        Ok(Sumdb::Off) => Err("there is no database \"off\" to serve".to_owned()),
        Ok(on) => Ok(on),
        Err(fault) => Err(fault.to_string()),
    }
}

/// Why a file that the settings name cannot be read.
pub(super) fn unread(error: &io::Error) -> String {
    format!("cannot be read: {}", files::explain(error))
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
        assert_eq!(period("0"), Ok(None));
        assert_eq!(period("30d"), Ok(Some(Duration::from_secs(30 * 24 * 60 * 60))));
        assert!(period("1ms").is_err() && period("400d").is_err() && period("7").is_err());
        assert_eq!((percent("off"), percent("90%")), (Ok(None), Ok(Some(90))));
        assert!(["90", "10%", "101%", "-90%", "", "90.5%"].iter().all(|wrong| percent(wrong).is_err()));
        for wrong in ["", "soon", "0s", "-5s", "10", "9999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(host("GoProxy.Corp.example.").unwrap().to_string(), "goproxy.corp.example");
        for wrong in ["", "a.example:3000", "http://a.example", "*.a.example", "a b", "a/"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
        let listens = |text: &str| listening(text).map(|at| at.map(|at| at.to_string()));
        for right in ["127.0.0.1:80", "unix:/run/a b/http.sock", "systemd:web"] {
            assert_eq!(listens(right), Ok(Some(right.to_owned())));
        }
        assert_eq!(listens("none"), Ok(None));
        for wrong in ["", "unix:", "unix:a.sock", "systemd:", "systemd:a:b", "systemd", "/run/a.sock"] {
            assert!(listens(wrong).is_err(), "{wrong}");
        }
        assert_eq!((mode("0660"), mode("600")), (Ok(0o660), Ok(0o600)));
        for wrong in ["", "8", "0888", "1777", "+66", "rw-"] {
            assert!(mode(wrong).is_err(), "{wrong}");
        }
        let network = |text: &str| trusted(text).map(|proxy| format!("{proxy:?}"));
        assert_eq!(network("10.1.2.3/8"), Ok("Network(10.0.0.0/8)".to_owned()));
        assert_eq!(network("::1"), Ok("Network(::1/128)".to_owned()));
        assert_eq!(network("unix"), Ok("Unix".to_owned()));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "proxy.example", "*"] {
            assert!(trusted(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "3000", "localhost", "127.0.0.1:99999", "no such host:1"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
