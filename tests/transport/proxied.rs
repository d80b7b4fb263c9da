//! Reverse proxies in front of the server: whose word counts about the address of a client. What it decides shows in the access log.

use crate::common::Serving;
use crate::world::{Authority, Files, TLS, at, client, command, get_plain, tcp};
use std::io::{Read as _, Write as _};

const LOGGED: [&str; 3] = ["--offline", "--access-log", "all"];

fn start(args: &[&str]) -> (Files, Serving) {
    let files = Files::empty();
    let serving = Serving::start(&mut command(&files, &[&["--listen", "127.0.0.1:0"], &LOGGED[..], args].concat()));
    (files, serving)
}

fn request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

/// The clients in the access log, in order.
fn peers(logged: &str) -> Vec<String> {
    let peer = |line: &str| Some(line.split(" peer=").nth(1)?.split(' ').next()?.to_owned());
    logged.lines().filter(|line| line.contains(" request ")).filter_map(peer).collect()
}

#[test]
fn a_header_counts_only_from_a_trusted_proxy() {
    let forwarded = "X-Forwarded-For: 203.0.113.7, 192.0.2.1\r\n";
    for (args, expected) in [
        (&[][..], "127.0.0.1:"),
        (&["--trusted-proxy", "10.0.0.0/8"], "127.0.0.1:"),
        (&["--trusted-proxy", "unix"], "127.0.0.1:"),
        (&["--trusted-proxy", "127.0.0.0/8"], "192.0.2.1:0"),
        (&["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "192.0.2.0/24"], "203.0.113.7:0"),
    ] {
        let (_files, serving) = start(args);
        assert!(get_plain(at(&serving), &request("/healthz", forwarded)).ends_with("alive\n"));
        let (_, logged) = serving.end("-TERM");
        let [peer] = peers(&logged).try_into().unwrap();
        assert!(peer.starts_with(expected), "{args:?}: {peer}");
    }
}

#[test]
fn the_page_names_the_scheme_by_which_a_trusted_proxy_was_reached() {
    let over_tls = request("/", "X-Forwarded-Proto: https\r\n");
    for (args, expected) in [(&[][..], "GOPROXY=http://"), (&["--trusted-proxy", "127.0.0.1"], "GOPROXY=https://")] {
        let (_files, serving) = start(args);
        let page = get_plain(at(&serving), &over_tls);
        assert!(page.contains(expected), "{args:?}: {page}");
    }
}

#[test]
fn a_proxy_header_is_due_from_a_trusted_proxy_and_from_nobody_else() {
    let (_files, serving) = start(&["--proxy-protocol", "--trusted-proxy", "127.0.0.1/32"]);
    let v1 = "PROXY TCP4 192.0.2.1 127.0.0.1 4711 80\r\n".to_owned();
    assert!(get_plain(at(&serving), &(v1.clone() + &request("/healthz", ""))).ends_with("alive\n"));
    // What the client itself writes into its headers does not count.
    let spoofed = request("/healthz", "X-Forwarded-For: 203.0.113.7\r\n");
    assert!(get_plain(at(&serving), &(v1 + &spoofed)).ends_with("alive\n"));
    assert!(get_plain(at(&serving), &("PROXY UNKNOWN\r\n".to_owned() + &request("/healthz", ""))).ends_with("alive\n"));
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\x7f\0\0\x01\x12\x67\0\x50".to_vec();
    v2.extend_from_slice(request("/healthz", "").as_bytes());
    let mut stream = tcp(at(&serving));
    stream.write_all(&v2).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("alive\n"), "{answer}");
    // Without one there is no answer.
    assert_eq!(get_plain(at(&serving), &request("/healthz", "")), "");
    let (_, logged) = serving.end("-TERM");
    let found = peers(&logged);
    assert_eq!(found[..2], ["192.0.2.1:4711", "192.0.2.1:4711"]);
    assert!(found[2].starts_with("127.0.0.1:") && found[3] == "192.0.2.9:4711", "{found:?}");
    assert_eq!(found.len(), 4);
    // To anybody else it is not a request.
    let (_files, serving) = start(&["--proxy-protocol", "--trusted-proxy", "10.0.0.0/8"]);
    let answer = get_plain(at(&serving), &("PROXY UNKNOWN\r\n".to_owned() + &request("/healthz", "")));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(get_plain(at(&serving), &request("/healthz", "")).ends_with("alive\n"));
}

#[test]
fn a_proxy_header_comes_before_tls() {
    let authority = Authority::new("private");
    let files = Files::of(&authority.plain("server"));
    let args = ["--proxy-protocol", "--trusted-proxy", "127.0.0.1"];
    let serving = Serving::start(&mut command(&files, &[&TLS[..], &LOGGED, &args].concat()));
    let mut stream = crate::world::connect(at(&serving), &client(&authority, None));
    stream.sock.write_all(b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n").unwrap();
    assert!(crate::world::ask(&mut stream, "/healthz").unwrap().ends_with("alive\n"));
    let (_, logged) = serving.end("-TERM");
    assert_eq!(peers(&logged), ["[2001:db8::7]:4711"]);
}

#[test]
fn a_proxy_header_that_does_not_come_is_not_waited_for() {
    let (_files, serving) = start(&["--proxy-protocol", "--trusted-proxy", "127.0.0.1", "--header-timeout", "200ms"]);
    for begin in ["", "PROXY TCP4 192.0.2.1", "\r\n\r\n"] {
        assert_eq!(get_plain(at(&serving), begin), "", "{begin}");
    }
}
