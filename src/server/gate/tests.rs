//! Every spelling of a path is judged as what it means.

use super::*;

fn scope(raw: &str) -> Scope {
    let names = DatabaseNames::new(["sum.golang.org", "sum.corp.example/db"].into_iter());
    scope_of(&names, raw).1
}

fn module(path: &str) -> Scope {
    Scope::Module(path.to_owned())
}

#[test]
fn each_route_has_its_scope() {
    let origin = crate::server::http::route::ORIGIN;
    for (raw, expected) in [
        ("/", Scope::Page),
        ("/healthz", Scope::Open),
        ("/readyz", Scope::Open),
        ("/metrics", Scope::Metrics),
        ("/version", Scope::Page),
        ("/index", Scope::Listing),
        ("/%69ndex?since=x", Scope::AnyModule),
        ("/%69ndex", Scope::Listing),
        ("/catalog", Scope::Listing),
        ("/corp.example/a/@v/list", module("corp.example/a")),
        ("/corp.example/a/@latest", module("corp.example/a")),
        ("/corp.example/a/@v/v1.0.0.info", module("corp.example/a")),
        ("/corp.example/a/@v/v1.0.0.mod", module("corp.example/a")),
        ("/corp.example/a/@v/v1.0.0.zip", module("corp.example/a")),
        ("/corp.example/a/@v/main.info", module("corp.example/a")),
        ("/corp.example/!team/@v/list", module("corp.example/Team")),
        ("/lookup/corp.example/a@v1.0.0", module("corp.example/a")),
        ("/sumdb/sum.golang.org/lookup/corp.example/a@v1.0.0", module("corp.example/a")),
        ("/sumdb/sum.golang.google.cn/lookup/corp.example/a@v1.0.0", module("corp.example/a")),
        ("/sumdb/sum.corp.example/db/lookup/corp.example/a@v1.0.0", module("corp.example/a")),
        ("/latest", Scope::AnyModule),
        ("/supported", Scope::AnyModule),
        ("/sumdb/sum.golang.org/supported", Scope::AnyModule),
        ("/sumdb/sum.golang.org/latest", Scope::AnyModule),
        ("/tile/8/0/000", Scope::AnyModule),
        ("/sumdb/sum.golang.org/tile/8/0/000.p/7", Scope::AnyModule),
        ("/tile/8/data/000", Scope::AllModules),
        ("/sumdb/sum.corp.example/db/tile/8/data/000.p/7", Scope::AllModules),
        ("/log/sum.golang.org/records", Scope::AllModules),
        ("/log/sum.golang.org/head", Scope::AllModules),
        (&format!("/tlog/{origin}/checkpoint"), Scope::AnyModule),
        (&format!("/tlog/{origin}/tile/0/000"), Scope::AnyModule),
        (&format!("/tlog/{origin}/tile/entries/000"), Scope::AllModules),
    ] {
        assert_eq!(scope(raw), expected, "{raw}");
    }
}

#[test]
fn a_spelling_is_what_it_means_or_no_resource() {
    // All that means the module is judged as the module.
    for raw in [
        "/corp.example/!team/@v/list",
        "/corp.example/%21team/@v/list",
        "/corp%2eexample/%21team/@v/list",
        "/corp.example/!%74eam/%40v/list",
        "/corp.example/!team/@v/%6cist",
        "/lookup/corp.example/!team@v1.0.0",
        "/lookup/corp.example/%21team%40v1.0.0",
        "/%6cookup/corp.example/!team@v1.0.0",
        "/sumdb/sum.golang.org/lookup/corp.example/%21te%61m@v1.0.0",
        "/%73umdb/sum.golang.org/lookup/corp.example/!team@v1.0.0",
    ] {
        assert_eq!(scope(raw), module("corp.example/Team"), "{raw}");
    }
    for raw in ["/tile/8/data/000", "/tile/8/%64ata/000", "/%74ile/8/data/%30%30%30"] {
        assert_eq!(scope(raw), Scope::AllModules, "{raw}");
    }
    for raw in ["/metrics", "/%6detrics", "/metric%73"] {
        assert_eq!(scope(raw), Scope::Metrics, "{raw}");
    }
    // What no resource has needs credentials too, and names no module: its answer does not either.
    for raw in [
        "/corp.example/Team/@v/list",
        "/corp.example//!team/@v/list",
        "//corp.example/!team/@v/list",
        "/corp.example/./!team/@v/list",
        "/x/../corp.example/!team/@v/list",
        "/corp.example/%2521team/@v/list",
        "/corp.example%2f!team/@v/list",
        "/corp.example/!team/@v/list/",
        "/corp.example\\!team/@v/list",
        "/corp.example/!team/@v/list%00",
        "/corp.example/!team",
        "/lookup/corp.example/Team@v1.0.0",
        "/lookup//corp.example/!team@v1.0.0",
        "/Metrics",
        "/metrics/",
        "//metrics",
        "/healthz/",
        "/%",
        "",
    ] {
        assert_eq!(scope(raw), Scope::AnyModule, "{raw}");
    }
}

#[test]
fn no_refusal_is_a_404_and_each_fits_what_go_shows() {
    use crate::server::http::answer::Payload;
    let long = "x ".repeat(500);
    let pause = Duration::from_millis(1_001);
    for (refused, status, header) in [
        (Refused::SignIn(long.clone()), 401, "Basic realm"),
        (Refused::Forbidden(vec![long.clone(), "\u{1b}[31mred".to_owned()]), 403, ""),
        (Refused::TooMany { why: long.clone(), after: pause }, 429, "2"),
        (Refused::TooMany { why: String::new(), after: Duration::ZERO }, 429, "1"),
        (Refused::Unavailable { why: long, after: pause }, 503, "2"),
    ] {
        let answer = answer(&refused);
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.content_type, "text/plain; charset=utf-8");
        let sent = answer.extra_header.map_or_else(String::new, |(_, value)| value.to_str().unwrap_or("").to_owned());
        assert!(sent.starts_with(header) && sent.is_empty() == header.is_empty(), "{sent}");
        let Payload::Bytes(bytes) = answer.payload else { panic!("a refusal has bytes") };
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.lines().count() <= 8 && text.lines().all(|line| (1..=80).contains(&line.len())), "{text}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
}
