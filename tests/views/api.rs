//! The API: its document, its answers, their headers.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::schema::faults;
use crate::world::{HOSTILE, World};

/// The document, and the path of one request for each of its paths; the world answers them all.
const REQUESTS: [(&str, &[&str]); 12] = [
    ("/openapi.json", &["openapi.json"]),
    ("/status", &["status"]),
    ("/upstreams", &["upstreams"]),
    ("/modules", &["modules", "modules?prefix=example.com/&contains=A&limit=1", "modules?contains=none"]),
    ("/modules/{module}", &["modules/example.com/a", "modules/example.com/a?limit=1", "modules/example.com/none"]),
    (
        "/modules/{module_version}/files",
        &["modules/example.com/a@v1.2.0/files", "modules/example.com/a@v1.2.0/files?limit=1"],
    ),
    ("/modules/{module_version}/file", &["modules/example.com/a@v1.2.0/file?path=README.md"]),
    ("/modules/{module_version}/go.mod", &["modules/example.com/a@v1.2.0/go.mod"]),
    ("/incidents", &["incidents", "incidents?limit=1"]),
    ("/integrity", &["integrity"]),
    ("/proofs/{module_version}", &["proofs/example.com/a@v1.2.0"]),
    (
        "/explain/{module_version}",
        &["explain/example.com/a@v1.2.0", "explain/example.com/lied@v1.0.0", "explain/example.com/never@v1.0.0"],
    ),
];

#[test]
fn every_answer_is_as_the_document_says() {
    let world = World::new();
    let document = world.json("openapi.json");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(paths.len(), REQUESTS.len(), "a path that is not tried: {:?}", paths.keys());
    for (path, requests) in REQUESTS {
        let content = &paths[path]["get"]["responses"]["200"]["content"];
        for request in requests {
            let reply = world.get(&format!("/api/v1/{request}"));
            assert_eq!(reply.status, 200, "{request}: {reply:?}");
            let kind = reply.header("content-type").unwrap().split(';').next().unwrap();
            let schema = &content[kind]["schema"];
            assert!(schema.is_object(), "{request} answers with {kind}, which the document has not");
            if kind == "application/json" && path != "/openapi.json" {
                let value: Value = serde_json::from_slice(&reply.body).unwrap();
                assert_eq!(faults(&whole(&document, schema), &value), [""; 0], "{request}: {value:#}");
            }
        }
    }
}

/// A schema of the document with all that it refers to, in the form that the checker reads.
fn whole(document: &Value, schema: &Value) -> Value {
    let whole = json!({ "$ref": schema["$ref"], "$defs": document["components"]["schemas"] });
    serde_json::from_str(&whole.to_string().replace("#/components/schemas/", "#/$defs/")).unwrap()
}

#[test]
fn the_answers_are_those_of_what_is_here() {
    let world = World::new();
    let modules = world.json("modules");
    let listed: Vec<_> = modules["modules"].as_array().unwrap().iter().map(|module| &module["module"]).collect();
    assert_eq!(listed, ["example.com/a", "example.com/lied"], "the go.mod of the second is here");
    let versions = world.json("modules/example.com/a");
    let (corpus, first) = (&world.site.corpus, &versions["versions"][0]);
    assert_eq!((&versions["total"], &first["version"]), (&json!(2), &json!("v1.2.0")));
    assert_eq!(first["zip"]["hash"], corpus.h1_zip("example.com/a", "v1.2.0"));
    assert_eq!(first["go_mod"]["hash"], corpus.h1_go_mod("example.com/a", "v1.2.0"));
    assert_eq!(first["record"], world.site.log.find("example.com/a", "v1.2.0").unwrap());
    assert_eq!(first["zip"]["bytes"], corpus.zip("example.com/a", "v1.2.0").len());
    assert_eq!(first["hits"], 1, "looking is not counted");
    let incidents = world.json("incidents");
    let incident = &incidents["incidents"][0];
    assert_eq!((&incident["module"], &incident["file"]), (&json!("example.com/lied"), &json!("zip")));
    assert_eq!(incident["expected"], corpus.h1_zip("example.com/lied", "v1.0.0"));
    assert_eq!(incident["record"], world.site.log.find("example.com/lied", "v1.0.0").unwrap());
    let status = world.json("status");
    assert_eq!((&status["modules"]["mismatches"], &status["ready"]), (&json!(1), &json!(true)));
    assert_eq!(status["databases"][0]["head"]["size"], world.site.log.size());
    // Nobody was asked for any of that.
    let asked = world.site.mirror.requests().len();
    world.json("modules/example.com/never");
    assert_eq!(world.get("/api/v1/modules/example.com/never@v1.0.0/files").status, 404);
    assert_eq!(world.get("/api/v1/modules/example.com/never@v1.0.0/go.mod").status, 404);
    assert_eq!(world.site.mirror.requests().len(), asked);
}

#[test]
fn first_proven_is_the_time_of_the_index_and_not_of_a_file() {
    let world = World::new();
    let index = world.get("/index").text();
    let line = index.lines().find(|line| line.contains("v1.2.0")).unwrap();
    let listed: Value = serde_json::from_str(line).unwrap();
    let seconds = listed["Timestamp"].as_str().unwrap().split('.').next().unwrap();
    let zip = world.home.path().join("data/modules/example.com/a/@v/v1.2.0.zip");
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for file in [zip.clone(), zip.with_extension("mod")] {
        File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
    }
    let shown = || world.json("modules/example.com/a?limit=1")["versions"][0]["first_proven"].clone();
    assert_eq!(shown(), format!("{seconds}Z"));
    let day = seconds.split('T').next().unwrap();
    assert!(world.get("/badge/example.com/a@v1.2.0.svg").text().contains(&format!("since {day}")));
    // Where no time is written down, that of the file is the best that is known.
    std::fs::remove_file(world.home.path().join("data/store/admitted.sqlite")).unwrap();
    assert_eq!(shown(), "2001-09-09T01:46:40Z");
}

#[test]
fn pages_follow_each_other() {
    let world = World::new();
    let walk = |path: &str, list: &str, name: &str| {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for _ in 0..10 {
            let page = world.json(&format!("{path}?limit=1{cursor}"));
            let list = page[list].as_array().unwrap();
            assert!(list.len() <= 1, "{page}");
            all.extend(list.iter().map(|entry| entry[name].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", next.replace(' ', "+").replace('é', "%C3%A9")),
                None => return all,
            }
        }
        panic!("the pages of {path} do not end: {all:?}");
    };
    assert_eq!(walk("modules", "modules", "module"), ["example.com/a", "example.com/lied"]);
    assert_eq!(walk("modules/example.com/a", "versions", "version"), ["v1.2.0", "v1.0.0"]);
    let files = walk("modules/example.com/a@v1.2.0/files", "files", "path");
    assert_eq!(files, ["README.md", "a.go", "go.mod", "sub/tést é.txt"]);
    world.get("/example.com/lied/@v/v1.0.0.zip");
    assert_eq!(walk("incidents", "incidents", "module"), ["example.com/lied"], "remembered, not asked for again");
}

#[test]
fn files_are_text_whatever_they_are() {
    let world = World::new();
    let file = "/api/v1/modules/example.com/a@v1.2.0/file?path=README.md";
    let reply = world.get(file);
    assert_eq!(reply.text(), HOSTILE);
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    let part = world.ask(file, &[("Range", "bytes=2-5")]);
    assert_eq!((part.status, part.text().as_str()), (206, "Read"));
    let tag = reply.header("etag").unwrap();
    assert_eq!(world.ask(file, &[("If-None-Match", tag)]).status, 304);
    let other = world.get("/api/v1/modules/example.com/a@v1.2.0/file?path=sub/t%C3%A9st+%C3%A9.txt");
    assert_eq!(other.text(), "plain");
    let go_mod = world.get("/api/v1/modules/example.com/a@v1.2.0/go.mod");
    assert_eq!(go_mod.body, world.site.corpus.go_mod("example.com/a", "v1.2.0"));
    for (path, status) in [
        ("modules/example.com/a@v1.2.0/file", 400),
        ("modules/example.com/a@v1.2.0/file?path=", 400),
        ("modules/example.com/a@v1.2.0/file?path=none", 404),
        ("modules/example.com/a@v1.2.0/file?path=../a.go", 404),
        ("modules/example.com/a@v1.2.0/file?path=%ff", 400),
        ("modules/example.com/a@master/file?path=a.go", 400),
        ("modules/example.com/A@v1.2.0/files", 404),
        ("modules/example.com/a@v1.2.0", 404),
        ("modules/nodot@v1.2.0/files", 400),
        ("proofs/example.com/none@v1.0.0", 404),
        ("proofs/example.com/a", 400),
        ("proofs/example.com/a@v1.2.0?format=xml", 400),
        ("explain/x", 400),
        ("nothing", 404),
        ("", 404),
    ] {
        let reply = world.get(&format!("/api/v1/{path}"));
        assert_eq!(reply.status, status, "{path}: {reply:?}");
    }
}

#[test]
fn other_sites_read_what_is_public_and_nothing_of_this_server() {
    let world = World::new();
    for (path, is_open) in [
        ("openapi.json", true),
        ("modules/example.com/a", true),
        ("modules/example.com/a@v1.2.0/files", true),
        ("modules/example.com/a@v1.2.0/go.mod", true),
        ("proofs/example.com/a@v1.2.0", true),
        ("status", false),
        ("upstreams", false),
        ("modules", false),
        ("incidents", false),
        ("explain/example.com/a@v1.2.0", false),
    ] {
        let reply = world.ask(&format!("/api/v1/{path}"), &[("Origin", "https://elsewhere.example")]);
        assert_eq!(reply.header("access-control-allow-origin"), is_open.then_some("*"), "{path}");
        assert!(reply.header("content-security-policy").unwrap().contains("sandbox"), "{path}");
    }
    let files = ["/example.com/a/@v/v1.2.0.zip", "/example.com/a/@v/v1.2.0.mod"];
    for file in files.iter().chain(&files) {
        let reply = world.ask(file, &[("Origin", "https://elsewhere.example"), ("Range", "bytes=0-1")]);
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (206, Some("*")), "{file}: {reply:?}");
        assert!(reply.header("access-control-expose-headers").unwrap().contains("content-range"), "{file}");
    }
    assert_eq!(world.get("/example.com/a/@v/list").header("access-control-allow-origin"), None, "a hint");
    let private = ["--private", "example.com/a", "--private-proxy", &world.site.mirror.url()];
    let world = World::over(world.site, &private, &["example.com/a@v1.2.0"]);
    for file in files.iter().chain(&files) {
        let reply = world.get(file);
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None), "{file}: {reply:?}");
    }
    let reply = world.get("/api/v1/modules/example.com/a");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None), "{reply:?}");
    assert!(reply.text().contains("\"private\":true"), "{reply:?}");
}

#[test]
fn a_server_without_modules_says_so() {
    let world = World::over(World::new().site, &["--proxy", "off"], &[]);
    assert_eq!(world.json("status")["modules"], Value::Null);
    for path in ["modules", "incidents", "modules/example.com/a", "explain/example.com/a@v1.0.0"] {
        assert_eq!(world.get(&format!("/api/v1/{path}")).status, 403, "{path}");
    }
    assert_eq!(world.json("proofs/example.com/a@v1.2.0")["module"], "example.com/a");
    assert!(world.page("/").contains("GOPROXY="));
}
