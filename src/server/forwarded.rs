//! Who the client is behind the proxies that the operator trusts, as they say it: by `Forwarded` (RFC 7239) or `X-Forwarded-For` in
//! each request, or by the PROXY protocol at the start of a connection. From anybody else all of these are ignored.
//!
//! Each proxy adds the address that it saw at the end of the list. So the list is read from its end: addresses of trusted
//! proxies are passed over, and the first other one is the client's. What stands before that one anybody may have written.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hyper::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt as _;

use super::conn::transport::PlainSocket;
use crate::config::settings::TrustedProxy;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Addresses of a list that are looked at, from its end: no request passes more proxies.
const MAX_HOPS: usize = 32;
/// Bytes of a PROXY header of version 1, its line end included (section 2.1 of its specification).
const MAX_V1: usize = 107;
/// What version 1 begins with.
const V1: &[u8] = b"PROXY ";
/// What version 2 begins with (section 2.2).
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of a PROXY header of version 2 before what its length counts.
const V2_START: usize = 16;
/// Bytes that its length may count: addresses and a few extensions. More than any proxy sends.
const MAX_V2: usize = 4096;

/// The proxies that are believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    /// whether those on Unix sockets are
    unix: bool,
    /// whether their connections begin with a PROXY header
    proxy_protocol: bool,
}

impl TrustedProxies {
    /// These, whose connections begin with a PROXY header if `proxy_protocol`.
    pub fn new(proxies: &[TrustedProxy], proxy_protocol: bool) -> TrustedProxies {
        let mut trusted = TrustedProxies { proxy_protocol, ..TrustedProxies::default() };
        for proxy in proxies {
            match proxy {
                TrustedProxy::Network(network) => trusted.networks.push(*network),
                TrustedProxy::Unix => trusted.unix = true,
            }
        }
        trusted
    }

    /// Whether no proxy is believed.
    fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether who connected from `peer` is believed.
    pub(super) fn trusts(&self, peer: IpAddr, over_unix: bool) -> bool {
        if over_unix { self.unix } else { !self.is_empty() && self.has(peer) }
    }

    /// Whether a connection of a trusted proxy begins with a PROXY header.
    pub(super) fn wants_header(&self) -> bool {
        self.proxy_protocol
    }

    /// How the client of a request that a trusted proxy sent reached that proxy: `http` or `https`; none if it does not say.
    pub(super) fn scheme(headers: &HeaderMap) -> Option<&'static str> {
        let last = |name| headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next();
        let said = match last(FORWARDED) {
            Some(element) => parameter(element, "proto"),
            None => last(X_FORWARDED_PROTO).map(str::trim),
        };
        ["http", "https"].into_iter().find(|scheme| said.is_some_and(|said| said.eq_ignore_ascii_case(scheme)))
    }

    /// The client of a request that a trusted proxy sent; none if it does not say.
    pub(super) fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        // Where both are there, an older proxy before the last one may have written the other.
        let (name, address): (_, fn(&str) -> Option<IpAddr>) =
            if headers.contains_key(FORWARDED) { (FORWARDED, forwarded_for) } else { (X_FORWARDED_FOR, address) };
        let values = headers.get_all(name).iter().rev();
        let hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        let mut client = None;
        for hop in hops.take(MAX_HOPS) {
            // What cannot be read as an address hides what stands before it.
            let Some(address) = address(hop.trim()) else { return client };
            client = Some(address);
            if !self.has(address) {
                return client;
            }
        }
        client
    }
}

/// The address in one element of `Forwarded`: that of its `for` parameter.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    address(parameter(element, "for")?)
}

/// A parameter of one element of `Forwarded`, without quotes.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut pairs = pairs.map(|(name, value)| (name.trim(), value.trim()));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address with a port or without, an IPv6 address in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let of_socket = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    text.parse::<IpAddr>().ok().or_else(of_socket).or_else(bracketed).map(|address| address.to_canonical())
}

/// Reads the PROXY header with which a connection begins, and no byte more. Returns the client; none where the proxy speaks for
/// itself, as in a health check.
///
/// # Errors
/// `InvalidData`: something else was sent, or more than such a header has. Those of the socket.
pub(super) async fn read_header(socket: &mut PlainSocket) -> io::Result<Option<SocketAddr>> {
    let invalid =
        || io::Error::new(io::ErrorKind::InvalidData, "no PROXY header, which this connection must begin with");
    let mut header = vec![0; V2.len()];
    socket.read_exact(&mut header).await?;
    if header == V2 {
        header.resize(V2_START, 0);
        socket.read_exact(header.get_mut(V2.len()..).unwrap_or_default()).await?;
        let len = match header.last_chunk::<2>() {
            Some(len) => usize::from(u16::from_be_bytes(*len)),
            None => return Err(invalid()),
        };
        if len > MAX_V2 {
            return Err(invalid());
        }
        header.resize(V2_START + len, 0);
        socket.read_exact(header.get_mut(V2_START..).unwrap_or_default()).await?;
    } else if header.starts_with(V1) {
        while !header.ends_with(b"\r\n") {
            if header.len() >= MAX_V1 {
                return Err(invalid());
            }
            header.push(socket.read_u8().await?);
        }
    } else {
        return Err(invalid());
    }
    let parsed = ProxyHeader::parse(&header, ParseConfig { include_tlvs: false, ..ParseConfig::default() });
    let (parsed, len) = parsed.map_err(|_| invalid())?;
    if len != header.len() {
        return Err(invalid());
    }
    let client = parsed.proxied_address().filter(|client| client.protocol == Protocol::Stream);
    Ok(client.map(|client| client.source))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hyper::header::HeaderValue;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    use super::*;
    use crate::sumdb::number::wide;

    fn trusted() -> TrustedProxies {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| TrustedProxy::Network(text.parse().unwrap()));
        TrustedProxies::new(&networks, true)
    }

    fn client(headers: &[(HeaderName, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        trusted().client(&map).map(|address| address.to_string())
    }

    #[test]
    fn the_last_proxy_says_how_it_was_reached() {
        for (headers, scheme) in [
            (&[][..], None),
            (&[(X_FORWARDED_PROTO, "https")], Some("https")),
            (&[(X_FORWARDED_PROTO, "https, http")], Some("http")),
            (&[(X_FORWARDED_PROTO, "https"), (X_FORWARDED_PROTO, "HTTP")], Some("http")),
            (&[(X_FORWARDED_PROTO, "javascript")], None),
            (&[(FORWARDED, "for=1.2.3.4;proto=http, for=10.0.0.1;proto=\"https\"")], Some("https")),
            (&[(X_FORWARDED_PROTO, "https"), (FORWARDED, "for=10.0.0.1")], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name, HeaderValue::from_static(value));
            }
            assert_eq!(TrustedProxies::scheme(&map), scheme, "{headers:?}");
        }
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxys_is_the_clients() {
        for (list, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1, 10.0.0.1", Some("192.0.2.1")),
            ("203.0.113.9, 192.0.2.1, 10.0.0.1,10.0.0.2", Some("192.0.2.1")),
            // What the client itself wrote does not count.
            ("127.0.0.1, 192.0.2.1", Some("192.0.2.1")),
            ("10.0.0.7, 10.0.0.1", Some("10.0.0.7")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("[2001:db9::1]:4711", Some("2001:db9::1")),
            ("[2001:db9::1]", Some("2001:db9::1")),
            ("2001:db9::1, 2001:db8::5", Some("2001:db9::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("unknown", None),
            ("192.0.2.1, unknown, 10.0.0.1", Some("10.0.0.1")),
            ("", None),
            ("a\u{ff}", None),
        ] {
            assert_eq!(client(&[(X_FORWARDED_FOR, list)]).as_deref(), expected, "{list}");
        }
        let two = [(X_FORWARDED_FOR, "192.0.2.1"), (X_FORWARDED_FOR, "10.0.0.1")];
        assert_eq!(client(&two).as_deref(), Some("192.0.2.1"));
        assert_eq!(client(&[]), None);
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        for (list, expected) in [
            ("for=192.0.2.1", Some("192.0.2.1")),
            ("For=\"[2001:db9:cafe::17]:4711\"", Some("2001:db9:cafe::17")),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", Some("192.0.2.60")),
            ("for=192.0.2.43, for=10.0.0.1;proto=https", Some("192.0.2.43")),
            ("for=_hidden", None),
            ("proto=https", None),
            ("for=\"192.0.2.1, for=10.0.0.1", Some("10.0.0.1")),
        ] {
            assert_eq!(client(&[(FORWARDED, list), (X_FORWARDED_FOR, "203.0.113.1")]).as_deref(), expected, "{list}");
        }
    }

    #[test]
    fn a_long_list_is_not_read_to_its_end() {
        let long = vec!["10.0.0.1"; 100_000].join(",");
        assert_eq!(client(&[(X_FORWARDED_FOR, &format!("192.0.2.1,{long}"))]).as_deref(), Some("10.0.0.1"));
    }

    async fn read(bytes: &[u8]) -> (io::Result<Option<SocketAddr>>, Vec<u8>) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(bytes).await.unwrap();
        drop(ours);
        let mut socket = PlainSocket::Unix(theirs);
        let read = read_header(&mut socket).await;
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        (read, rest)
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let len = u16::try_from(wide(addresses.len())).unwrap().to_be_bytes();
        [V2.as_slice(), &[command, family], &len, addresses].concat()
    }

    #[tokio::test]
    async fn both_versions_name_the_client_and_leave_what_follows() {
        let four = [192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x34, 1, 187];
        let six = [[0x20, 1, 0xd, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]; 2].concat();
        let with_extension = [&four[..], &[0x04, 0, 3, 1, 2, 3]].concat();
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec(), Some("192.0.2.1:4711")),
            (b"PROXY TCP6 2001:db9::1 ::1 4711 443\r\n".to_vec(), Some("[2001:db9::1]:4711")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff:f...f:ffff any words\r\n".to_vec(), None),
            (v2(0x21, 0x11, &four), Some("192.0.2.1:4660")),
            (v2(0x21, 0x11, &with_extension), Some("192.0.2.1:4660")),
            (v2(0x21, 0x21, &[six, vec![0, 1, 0, 2]].concat()), Some("[2001:db9::1]:1")),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x11, &four), None),
        ] {
            let (client, rest) = read(&[&header, &b"GET / HTTP/1.1\r\n"[..]].concat()).await;
            assert_eq!(client.unwrap().map(|client| client.to_string()).as_deref(), expected, "{header:?}");
            assert_eq!(rest, b"GET / HTTP/1.1\r\n");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused_however_long_it_is() {
        let four = [192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x34, 1, 187];
        let long = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 1 << 16]].concat();
        for bytes in [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 4711\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1.9 10.0.0.1 4711 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 99999\r\n".to_vec(),
            b"PROXY TCP5 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec(),
            long,
            v2(0x31, 0x11, &four),
            v2(0x21, 0x55, &four),
            v2(0x21, 0x21, &four),
            v2(0x21, 0x11, &vec![0; MAX_V2 + 1]),
            b"PROX".to_vec(),
            V2.to_vec(),
            Vec::new(),
        ] {
            assert!(read(&bytes).await.0.is_err(), "{:?}", bytes.get(..20.min(bytes.len())));
        }
    }
}
