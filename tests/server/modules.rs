//! The GOPROXY protocol as HTTP: which paths are valid requests, the answers, and their caching.

use std::time::Duration;

use crate::client::{ask, get};
use crate::stock::Stock;
use crate::world::{Plan, World};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const PLAIN: &str = "text/plain; charset=utf-8";
const INFO: &str = "{\"Version\":\"v1.0.0\",\"Time\":\"2020-01-01T00:00:00Z\"}";

/// Seconds of the `max-age` of an answer.
fn max_age(cache_control: Option<&str>) -> u64 {
    cache_control.unwrap().strip_prefix("public, max-age=").unwrap().parse().unwrap()
}

#[test]
fn each_answer_has_its_content_type_and_caching() {
    let stock = Stock::new()
        .text("example.com/m/@v/list", "v1.0.0\nv1.1.0\n")
        .text("example.com/m/@latest", INFO)
        .text("example.com/m/@v/v1.0.0.info", INFO)
        .text("example.com/m/@v/master.info", INFO)
        .file("example.com/m/@v/v1.0.0.mod", b"module example.com/m\n")
        .file("example.com/m/@v/v1.0.0.zip", b"PK zip");
    let world = stock.serve();
    for (path, kind, body) in [
        ("/example.com/m/@v/list", PLAIN, "v1.0.0\nv1.1.0\n"),
        ("/example.com/m/@latest", "application/json", INFO),
        ("/example.com/m/@v/v1.0.0.info", "application/json", INFO),
        ("/example.com/m/@v/master.info", "application/json", INFO),
        ("/example.com/m/@v/v1.0.0.mod", PLAIN, "module example.com/m\n"),
        ("/example.com/m/@v/v1.0.0.zip", "application/zip", "PK zip"),
    ] {
        for _ in 0..2 {
            let reply = get(world.at, path);
            assert_eq!((reply.status, reply.header("content-type")), (200, Some(kind)), "{path}: {reply:?}");
            assert_eq!(reply.text(), body, "{path}");
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            match reply.header("cache-control") {
                // Hints are not immutable: no log has their hash.
                Some(FOR_EVER) => assert!(path.ends_with(".mod") || path.ends_with(".zip"), "{path}"),
                other => assert!((50..=60).contains(&max_age(other)), "{path}: {other:?}"),
            }
            assert_eq!(reply.header("warning"), None);
        }
    }
    // All but the zip come from the response cache the second time: only the zip is opened twice, and no hint is looked up
    // again. The upstream was asked for each of them.
    assert_eq!((world.event("file_hits"), world.event("hints_fresh")), (1 + 2, 0));
    assert_eq!((world.event("answers_found"), world.asked()), (4 + 1 + 2, 4));
}

#[test]
fn a_request_has_one_spelling_besides_percent_encoding() {
    let stock = Stock::new()
        .text("github.com/!burnt!sushi/toml/@v/list", "v0.3.1\n")
        .text("example.com/m/@v/v2.0.0+incompatible.info", "{\"Version\":\"v2.0.0+incompatible\"}")
        .text("example.com/m/@v/a b#$&=[]^{}~,().info", INFO)
        .text("example.com/m/@v/!head.info", INFO);
    let world = stock.serve();
    for (one, other) in [
        ("/github.com/!burnt!sushi/toml/@v/list", "/github.com/%21burnt%21sushi/toml/%40v/list"),
        ("/example.com/m/@v/v2.0.0+incompatible.info", "/example.com/m/@v/v2.0.0%2Bincompatible.info"),
        ("/example.com/m/@v/!head.info", "/example.com/m/@v/%21head.info"),
    ] {
        let reply = get(world.at, one);
        assert_eq!(reply.status, 200, "{one}: {reply:?}");
        assert_eq!((reply.body, 200), (get(world.at, other).body, get(world.at, other).status), "{other}");
    }
    let query = "/example.com/m/@v/a%20b%23%24%26%3D%5B%5D%5E%7B%7D~%2C%28%29.info";
    assert_eq!(get(world.at, query).status, 200);
    let asked = || (world.asked(), world.db.requests_for("lookup/").len());
    let before = asked();
    for path in [
        "/github.com/BurntSushi/toml/@v/list",
        "/github.com/%42urnt/toml/@v/list",
        "/example.com/m/@v/list/",
        "/example.com/m/@v/",
        "/example.com/m/@v/v1.0.0.zip/",
        "/example.com/m/@v/v1.0.0.ziphash",
        "/example.com/m/@v/v1.0.0.lock",
        "/example.com/m/@v/v1.mod",
        "/example.com/m/@v/v1.0.zip",
        "/example.com/m/@v/master.zip",
        "/example.com/m/@v/v1.0.0+meta.mod",
        "/example.com/m/@v/V1.0.0.info",
        "/example.com/m/@v/latest.info",
        "/example.com/m/@v/upgrade.info",
        "/example.com/m/@v/patch.info",
        "/example.com/m/@v/v2.0.0.zip",
        "/example.com/m/v2/@v/v1.0.0.mod",
        "/example.com/m/@v/../../../etc/passwd",
        "/example.com/m/../../@v/list",
        "/example.com/./m/@v/list",
        "/example.com//m/@v/list",
        "/example.com/m/@v/..info",
        "/example.com/m/@v/con.info",
        "/example.com/%2e%2e/m/@v/list",
        "/.hidden.com/m/@v/list",
        "/example/m/@v/list",
        "/example.com/m",
        "/@v/list",
        "/@latest",
    ] {
        let reply = get(world.at, path);
        assert_eq!((reply.status, reply.header("content-type")), (404, Some(PLAIN)), "{path}: {reply:?}");
        assert!(reply.text().starts_with("not found: "), "{path}: {}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
    }
    for path in ["/example.com/m%2f@v/list", "/example.com/m/@v/a%00.info", "/example.com/m/@v/%0d%0aX-A:b.info"] {
        assert_eq!(get(world.at, path).status, 400, "{path}");
    }
    assert_eq!(asked(), before, "no upstream was asked for any of it");
}

#[test]
fn an_untagged_module_is_an_empty_list() {
    let world = Stock::new().text("example.com/m/@v/list", "").serve();
    let reply = get(world.at, "/example.com/m/@v/list");
    assert_eq!((reply.status, reply.body.len(), reply.header("content-length")), (200, 0, Some("0")));
}

#[test]
fn a_hint_is_kept_for_as_long_as_it_is_fresh() {
    let stock = Stock::new().text("example.com/m/@v/list", "v1.0.0\n").fresh_for(Duration::ZERO);
    let world = stock.serve();
    for asked in 1..=3 {
        let reply = get(world.at, "/example.com/m/@v/list");
        assert_eq!((reply.status, max_age(reply.header("cache-control"))), (200, 0));
        assert_eq!(world.asked(), asked);
    }
    // A stale answer has a warning and is not cached: the upstream may be back for the next request.
    stock.lose_upstream(true);
    for asked in 4..=5 {
        let reply = get(world.at, "/example.com/m/@v/list");
        assert_eq!((reply.status, reply.text().as_str()), (200, "v1.0.0\n"));
        assert_eq!(reply.header("warning"), Some("110 gosumcheck \"Response is Stale\""));
        assert!(max_age(reply.header("cache-control")) <= 5);
        assert_eq!((world.asked(), world.event("hints_stale")), (asked, asked - 3));
    }
}

#[test]
fn text_is_compressed_for_clients_that_accept_it_and_zips_never() {
    let list = (0..500).map(|n| format!("v1.0.{n}\n")).collect::<String>();
    let go_mod = format!("module example.com/m\n\n// {}\n", "long ".repeat(500));
    let stock = Stock::new()
        .text("example.com/m/@v/list", &list)
        .file("example.com/m/@v/v1.0.0.mod", go_mod.as_bytes())
        .file("example.com/m/@v/v1.0.0.zip", &[0; 5000]);
    let world = stock.serve();
    for (path, plain) in [("/example.com/m/@v/list", &list), ("/example.com/m/@v/v1.0.0.mod", &go_mod)] {
        for _ in 0..2 {
            let compressed = ask(world.at, "GET", path, &[("Accept-Encoding", "gzip")]);
            assert_eq!(
                (compressed.header("content-encoding"), compressed.header("vary")),
                (Some("gzip"), Some("accept-encoding"))
            );
            let mut text = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*compressed.body), &mut text).unwrap();
            assert_eq!(&text, plain);
            let reply = get(world.at, path);
            assert_eq!((reply.header("content-encoding"), &reply.text()), (None, plain));
            assert_ne!(reply.header("etag"), compressed.header("etag"));
        }
    }
    let zip = ask(world.at, "GET", "/example.com/m/@v/v1.0.0.zip", &[("Accept-Encoding", "gzip")]);
    assert_eq!((zip.header("content-encoding"), zip.header("vary"), zip.body.len()), (None, None, 5000));
}

#[test]
fn cached_only_requests_ask_no_upstream() {
    let stock = Stock::new().text("example.com/m/@v/list", "v1.0.0\n").fresh_for(Duration::ZERO);
    let world = World::of(Plan { prefix: "/artifacts/go", ..stock.plan() });
    let fetch = ("Disable-Module-Fetch", "true");
    for (path, headers, cached_only) in [
        ("/example.com/m/@v/list", &[][..], false),
        ("/artifacts/go/example.com/m/@v/list", &[], false),
        ("/cached-only/example.com/m/@v/list", &[], true),
        ("/artifacts/go/cached-only/example.com/m/@v/list", &[], true),
        ("/example.com/m/@v/list", &[fetch], true),
        ("/example.com/m/@v/list", &[("Disable-Module-Fetch", "false")], false),
        ("/artifacts/go/example.com/m/@v/list", &[fetch], true),
    ] {
        let before = world.asked();
        assert_eq!(ask(world.at, "GET", path, headers).status, 200, "{path}");
        assert_eq!(world.asked() - before, u64::from(!cached_only), "{path} {headers:?}");
    }
    let before = world.asked();
    for (path, what) in [
        ("example.com/other/@v/list", "example.com/other/@v/list"),
        ("example.com/other/@latest", "example.com/other/@latest"),
        ("example.com/other/@v/v1.0.0.info", "example.com/other/@v/v1.0.0.info"),
        ("example.com/other/@v/v1.0.0.mod", "example.com/other@v1.0.0 (go.mod)"),
        ("example.com/other/@v/v1.0.0.zip", "example.com/other@v1.0.0 (zip)"),
    ] {
        let reply = get(world.at, &format!("/cached-only/{path}"));
        assert_eq!((reply.status, reply.header("content-type")), (404, Some(PLAIN)), "{path}");
        let id = reply.header("x-request-id").unwrap();
        assert_eq!(reply.text(), format!("not cached here: {what}\nrequest ID: {id}\n"));
        // No cache may store this answer: without the header it would be another.
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
    assert_eq!((world.asked(), world.db.requests_for("lookup/").len()), (before, 0));
}

#[test]
fn everything_is_below_the_prefix_too() {
    let world = World::of(Plan { prefix: "/go", full: true, ..Stock::new().plan() });
    let name = world.db.name();
    for path in ["/latest", &format!("/sumdb/{name}/supported"), "/tile/8/0/000", "/healthz", "/readyz"] {
        assert_eq!(get(world.at, &format!("/go{path}")), get(world.at, path), "{path}");
        assert_eq!(get(world.at, path).status, 200, "{path}");
        assert_eq!(get(world.at, &format!("/gone{path}")).status, 404, "{path}");
        assert_eq!(get(world.at, &format!("/cached-only{path}")).status, 200, "{path}");
    }
    for (path, url) in [
        ("/", "http://localhost,direct"),
        ("/go", "http://localhost/go,direct"),
        ("/go/", "http://localhost/go,direct"),
    ] {
        let page = get(world.at, path).text();
        assert!(page.contains(&format!("GOPROXY={url}\n")) && page.contains("/MODULE/@v/list"), "{page}");
        assert!(
            page.contains("After the comma, go asks the next one only for what does not exist here (404)"),
            "{page}"
        );
    }
}

#[test]
fn without_a_module_proxy_there_are_no_modules() {
    let world = World::full();
    for path in ["/example.com/m/@v/list", "/example.com/m/@latest", "/cached-only/example.com/m/@v/v1.0.0.zip"] {
        let reply = get(world.at, path);
        // A 404 would send the go command to the next entry of its GOPROXY.
        assert_eq!((reply.status, reply.header("content-type")), (403, Some(PLAIN)), "{path}");
    }
}

#[test]
fn other_methods_are_refused() {
    let world = Stock::new().serve();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let reply = ask(world.at, method, "/example.com/m/@v/list", &[("Content-Length", "0")]);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn requests_about_modules_are_counted_by_kind() {
    let stock = Stock::new()
        .text("example.com/m/@v/list", "")
        .text("example.com/m/@latest", INFO)
        .text("example.com/m/@v/v1.0.0.info", INFO)
        .file("example.com/m/@v/v1.0.0.mod", b"module example.com/m\n")
        .file("example.com/m/@v/v1.0.0.zip", b"PK");
    let world = stock.serve();
    for path in ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip", "@v/v1.0.9.zip"] {
        get(world.at, &format!("/example.com/m/{path}"));
    }
    let metrics = get(world.at, "/metrics").text();
    for (route, code) in [("list", 200), ("mod_latest", 200), ("info", 200), ("mod", 200), ("zip", 200), ("zip", 404)] {
        let line = format!("gosumcheck_http_requests_total{{route=\"{route}\",code=\"{code}\"}} 1");
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    for (event, times) in [("answers_found", 5), ("answers_not_found", 1), ("file_hits", 2)] {
        assert!(metrics.contains(&format!("\ngosumcheck_modules_total{{event=\"{event}\"}} {times}\n")), "{metrics}");
    }
}
