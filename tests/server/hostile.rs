//! Ambiguous requests, and requests that try to inject something into the answer.

use crate::client::{Reply, get, head, raw};
use crate::stock::Stock;
use crate::world::World;

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";

fn world() -> World {
    Stock::new().file(&PATH[1..], b"PK zip").serve()
}

/// The status codes of all answers on one connection, up to its end.
fn statuses(got: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(got).into_owned();
    let status = |rest: &str| rest.get(..3).and_then(|code| code.parse().ok());
    text.replace("HTTP/1.0 ", "HTTP/1.1 ").split("HTTP/1.1 ").skip(1).filter_map(status).collect()
}

#[test]
fn a_request_has_one_end() {
    let world = world();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (headers, body, expected) in [
        // RFC 9112 section 6.1: the server closes the connection after the answer, whatever follows.
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", format!("0\r\n\r\n{smuggled}"), &[200][..]),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", format!("0\r\n\r\n{smuggled}"), &[200]),
        ("Transfer-Encoding: chunked, identity\r\n", format!("0\r\n\r\n{smuggled}"), &[400]),
        ("Transfer-Encoding: xchunked\r\n", format!("0\r\n\r\n{smuggled}"), &[400]),
        ("Transfer-Encoding : chunked\r\n", format!("0\r\n\r\n{smuggled}"), &[400]),
        (" Transfer-Encoding: chunked\r\n", format!("0\r\n\r\n{smuggled}"), &[400]),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", format!("hello{smuggled}"), &[400]),
        ("Content-Length: 5, 6\r\n", format!("hello{smuggled}"), &[400]),
        ("Content-Length: +5\r\n", format!("hello{smuggled}"), &[400]),
        ("Content-Length: -1\r\n", smuggled.to_owned(), &[400]),
        ("Content-Length: 0x5\r\n", format!("hello{smuggled}"), &[400]),
        ("Content-Length: 18446744073709551617\r\n", format!("h{smuggled}"), &[400]),
        ("X-Folded: a\r\n b\r\n", String::new(), &[400]),
        ("X-Nul: a\0b\r\n", String::new(), &[400]),
        ("X-Return: a\rb\r\n", String::new(), &[400]),
        ("X Space: a\r\n", String::new(), &[400]),
        (": none\r\n", String::new(), &[400]),
    ] {
        let request = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}");
        assert_eq!(statuses(&raw(world.at, request.as_bytes())), expected, "{headers:?}");
    }
    // The rest of a body is not parsed as a request.
    let length = format!("Content-Length: {}\r\nConnection: close\r\n", smuggled.len());
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n{smuggled}");
    assert_eq!(statuses(&raw(world.at, request.as_bytes())), [200]);
    assert_eq!(get(world.at, PATH).status, 200);
}

#[test]
fn a_bare_lf_ends_one_line() {
    let world = world();
    // RFC 9112 section 2.2 allows a bare LF; what matters is that it ends only the line.
    let request = format!("GET {PATH} HTTP/1.1\nHost: localhost\nConnection: close\n\n");
    assert_eq!(statuses(&raw(world.at, request.as_bytes())), [200]);
    let request = format!(
        "GET {PATH} HTTP/1.1\nHost: localhost\nX-A: b\n\nGET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(statuses(&raw(world.at, request.as_bytes())), [200, 200]);
}

#[test]
fn each_request_of_a_connection_is_judged_by_its_own_host() {
    let world = world();
    let requests = [
        (PATH, "HTTP/1.1", "Host: localhost\r\n", 200),
        (PATH, "HTTP/1.1", "Host: localhost\r\n", 200),
        (PATH, "HTTP/1.1", "Host: attacker.example\r\n", 403),
        (PATH, "HTTP/1.1", "Host: localhost\r\n", 200),
        (&format!("http://attacker.example{PATH}"), "HTTP/1.1", "Host: localhost\r\n", 403),
        (PATH, "HTTP/1.1", "Host: 127.0.0.1\r\n", 200),
        (PATH, "HTTP/1.1", "Host: attacker.example\r\n", 403),
        // This version is answered with a closed connection.
        (PATH, "HTTP/1.0", "Host: localhost\r\nHost: attacker.example\r\n", 403),
    ];
    let sent: String =
        requests.iter().map(|(path, version, head, _)| format!("GET {path} {version}\r\n{head}\r\n")).collect();
    assert_eq!(statuses(&raw(world.at, sent.as_bytes())), requests.map(|(.., status)| status));
}

#[test]
fn nothing_of_a_request_becomes_a_header() {
    let world = world();
    for path in [
        "/example.com/m%0d%0aX-Evil:%20yes/@v/list",
        "/example.com/m/@v/x%0d%0aX-Evil:%20yes%0d%0a%0d%0a.info",
        "/example.com/m/@v/x%0aX-Evil:yes.info",
        "/example.com/X-Evil:yes/@v/list",
        "/cached-only/example.com/%0d%0aX-Evil:%20yes/@v/list",
    ] {
        let reply = get(world.at, path);
        assert!(matches!(reply.status, 400 | 404), "{path}: {reply:?}");
        assert_eq!(reply.header("x-evil"), None, "{path}");
        assert!(reply.headers.iter().all(|(_, value)| !value.contains("yes")), "{reply:?}");
    }
    for (name, value) in
        [("If-None-Match", "\"a\", X-Evil: yes"), ("Range", "bytes=X-Evil"), ("X-Request-Id", "yes yes")]
    {
        let reply = Reply::parse(&raw(world.at, head("GET", PATH, &[(name, value)]).as_bytes()));
        assert!(reply.headers.iter().all(|(_, value)| !value.contains("yes")), "{reply:?}");
    }
}

#[test]
fn header_sections_of_module_requests_are_bounded() {
    let world = world();
    let long = "a".repeat(40_000);
    for (request, status) in [
        (head("GET", PATH, &[("X-Long", &long)]), 431),
        (head("GET", &format!("/example.com/{}/@v/list", "a".repeat(2_000)), &[]), 414),
        (head("GET", &format!("/example.com/m/@v/{}.info", "a".repeat(300)), &[]), 404),
        (head("GET", &format!("/example.com/{}@v/list", "a/".repeat(300)), &[]), 404),
        (head("GET", &format!("http://localhost{PATH}"), &[]), 200),
        (head("GET", &format!("http://other.example{PATH}"), &[]), 403),
        (format!("GET {PATH} HTTP/1.1\r\nConnection: close\r\n\r\n"), 400),
        (head("GET", PATH, &[("Host", "other.example")]), 400),
        (format!("GET {PATH} HTTP/1.0\r\n\r\n"), 200),
    ] {
        let reply = Reply::parse(&raw(world.at, request.as_bytes()));
        assert_eq!(reply.status, status, "{}", request.chars().take(80).collect::<String>());
    }
}
