//! The answer to each request: status, content type, caching, bytes.

use crate::client::{ask, get};
use crate::world::{RECORDS, World};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const TEXT: &str = "text/plain; charset=UTF-8";
const REFUSAL: &str = "text/plain; charset=utf-8";
const BINARY: &str = "application/octet-stream";

#[test]
fn the_log_is_served_byte_for_byte() {
    let world = World::full();
    let name = world.db.name();
    for prefix in [String::new(), format!("/sumdb/{name}")] {
        for path in [
            "tile/8/0/000",
            "tile/8/0/001.p/7",
            "tile/8/0/002.p/88",
            "tile/8/1/000.p/2",
            "tile/8/1/000.p/1",
            "tile/8/data/000",
            "tile/8/data/001.p/200",
            "tile/8/data/002.p/88",
        ] {
            let reply = get(world.at, &format!("{prefix}/{path}"));
            assert_eq!(reply.status, 200, "{path}: {reply:?}");
            assert_eq!(reply.body, world.db.honest(path).unwrap(), "{path}");
            assert_eq!(reply.header("cache-control"), Some(FOR_EVER), "{path}");
            let kind = if path.contains("data") { TEXT } else { BINARY };
            assert_eq!(reply.header("content-type"), Some(kind), "{path}");
            assert_eq!(reply.header("etag"), Some(format!("\"{path}\"").as_str()));
            assert_eq!(reply.header("accept-ranges"), Some("bytes"));
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            // Once more, from the response cache.
            assert_eq!(get(world.at, &format!("{prefix}/{path}")), reply);
        }
        let latest = get(world.at, &format!("{prefix}/latest"));
        assert_eq!(latest.text(), world.db.head(RECORDS));
        assert_eq!((latest.header("content-type"), latest.header("cache-control")), (Some(TEXT), Some("no-cache")));
        let supported = get(world.at, &format!("{prefix}/supported"));
        assert_eq!((supported.status, supported.body.len()), (200, 0));
        for id in [0, 1, 255, 256, RECORDS - 1] {
            let path = world.db.lookup_path(id);
            let reply = get(world.at, &format!("{prefix}/{path}"));
            let expected = format!("{id}\n{}\n{}", world.db.record_text(id), world.db.head(RECORDS));
            assert_eq!(reply.text(), expected, "{path}");
            assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
            // `!` and `%21` are the same path.
            let escaped = path.replace('!', "%21").replace('@', "%40").replace('.', "%2E");
            assert_eq!(get(world.at, &format!("{prefix}/{escaped}")), reply);
        }
    }
    assert!(world.db.requests().is_empty(), "the full log is held: no upstream is asked");
}

#[test]
fn invalid_requests_are_refused() {
    let world = World::full();
    let long = format!("/lookup/example.com/{}@v1.0.0", "a".repeat(3000));
    let name = world.db.name();
    for (path, status, words) in [
        ("/lookup/example.com/m", 400, "invalid module@version syntax"),
        ("/lookup/example.com/m@latest", 400, "invalid module@version syntax"),
        ("/lookup/example.com/m@v1.0", 400, "invalid module@version syntax"),
        ("/lookup/example.com/M@v1.0.0", 400, "invalid module@version syntax"),
        ("/lookup/example.com/%2521m@v1.0.0", 400, "invalid module@version syntax"),
        ("/lookup/nodot@v1.0.0", 400, "invalid module@version syntax"),
        ("/tile/8/0/0", 400, "invalid tile syntax"),
        ("/tile/8/0/000.p/256", 400, "invalid tile syntax"),
        ("/tile/8/0/000.p/0", 400, "invalid tile syntax"),
        ("/tile/8/64/000", 400, "invalid tile syntax"),
        ("/tile/7/0/000", 400, "invalid tile syntax"),
        ("/tile/8/0/002", 404, "not found"),
        ("/tile/8/0/002.p/89", 404, "not found"),
        ("/tile/8/data/x001/000", 404, "not found"),
        ("/sumdb/sum.example.org/latest", 404, "not found"),
        ("/sumdb/sum.example.org/supported", 404, "not found"),
        ("/nothing", 404, "not found"),
        ("/latest/", 404, "not found"),
        ("//latest", 404, "not found"),
        ("/tile/../latest", 404, "not found"),
        ("/sumdb/../../etc/passwd", 404, "not found"),
        ("/log/../../etc/passwd", 404, "not found"),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, "not found"),
        ("/..%2f..%2fetc/passwd", 400, "malformed path"),
        ("/latest%00", 400, "malformed path"),
        ("/latest%0d%0ax:y", 400, "malformed path"),
        ("/latest%5c..", 400, "malformed path"),
        ("/%zz", 400, "malformed path"),
        (long.as_str(), 414, "longer"),
    ] {
        for method in ["GET", "HEAD"] {
            let reply = ask(world.at, method, path, &[]);
            assert_eq!(reply.status, status, "{path}: {reply:?}");
            assert_eq!(reply.header("content-type"), Some(REFUSAL), "{path}");
            if method == "GET" {
                assert!(reply.text().contains(words), "{path}: {}", reply.text());
                let lines: Vec<String> = reply.text().lines().map(str::to_owned).collect();
                assert!(lines.len() <= 8 && lines.iter().all(|line| (1..=80).contains(&line.len())), "{lines:?}");
            }
        }
    }
    for (path, body) in [("/latest", ""), (&format!("/sumdb/{name}/latest"), "x"), ("/nothing", "")] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
            let reply = ask(world.at, method, path, &[("Content-Length", &body.len().to_string())]);
            assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
}

#[test]
fn head_is_get_without_the_body() {
    let world = World::full();
    let lookup = format!("/{}", world.db.lookup_path(3));
    for path in ["/", "/latest", "/supported", "/tile/8/0/000", "/tile/8/data/000", &lookup, "/healthz", "/nothing"] {
        let (got, had) = (get(world.at, path), ask(world.at, "HEAD", path, &[]));
        assert!(had.body.is_empty(), "{path}");
        assert_eq!(got.status, had.status, "{path}");
        for name in ["content-length", "content-type", "cache-control", "etag", "vary", "accept-ranges"] {
            assert_eq!(got.header(name), had.header(name), "{path} {name}");
        }
    }
}

#[test]
fn the_home_page_shows_the_settings() {
    let world = World::full();
    let page = ask(world.at, "GET", "/", &[("X-Test", "1")]).text();
    assert!(page.contains("GOSUMDB=") && page.contains("GOPROXY=http://localhost"), "{page}");
    assert!(page.contains(world.db.name()), "{page}");
}
