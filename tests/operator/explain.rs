//! `gosumcheck explain` and `/explain/`: the same answer beside a running server and from it, and nobody is asked.

use serde_json::Value;

use crate::client::ask;
use crate::kit::{Fault, Site, Spec};
use crate::world::{Server, program, settings};

const RULES: &str =
    "deny example.com/bad <v2.0.0 \"use example.com/m\"\nroute corp.example = https://git.corp.example\n";

/// Runs `explain` in the folder of a server.
fn explained(server: &Server, site: &Site, args: &[&str]) -> (i32, String) {
    let mut command = program(&server.home, &["explain", "--rules", "rules", "--private", "corp.example"]);
    let ran = command.args(&settings(site)[2..]).args(args).output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    (ran.status.code().unwrap(), out + &err)
}

#[test]
fn a_server_and_the_command_say_the_same_and_ask_nobody() {
    let site = Site::of(&[Spec::new("example.com/m", "v1.0.0"), Spec::new("example.com/bad", "v1.0.0")]);
    let server = Server::start(&site, RULES, &["--private", "corp.example"]);
    assert_eq!(server.get("/example.com/m/@v/v1.0.0.zip").status, 200);
    site.mirror.wait("example.com/m/@v/v1.0.0.zip", 1);
    let hash = site.corpus.h1_zip("example.com/m", "v1.0.0");
    let before = (site.mirror.requests().len(), site.log.requests().len());
    for (module, code, words) in [
        (
            "example.com/m@v1.0.0",
            0,
            vec![
                "example.com/m@v1.0.0: served from here".to_owned(),
                "rule       none matches".to_owned(),
                format!("private    no: proven by {}", site.log.name()),
                format!("upstreams  {}", site.mirror.url()),
                format!("of {}\n  zip      {hash}", site.log.name()),
                format!("bytes, {hash}"),
                "zip        proven, here since 20".to_owned(),
            ],
        ),
        (
            "example.com/bad@v1.0.0",
            1,
            vec![
                "example.com/bad@v1.0.0: refused (403)".to_owned(),
                "rule       rules:1: deny example.com/bad <v2.0.0 \"use example.com/m\"".to_owned(),
                "           use example.com/m".to_owned(),
                "is held here".to_owned(),
            ],
        ),
        ("example.com/bad/v2@v2.0.0", 0, vec!["fetched and proven when it is asked for".to_owned()]),
        (
            "corp.example/x@v1.0.0",
            0,
            vec![
                "rule       rules:2: route corp.example\n".to_owned(),
                "private    yes, by the pattern corp.example".to_owned(),
                "upstreams  https://git.corp.example\n".to_owned(),
                "zip        missing".to_owned(),
            ],
        ),
    ] {
        let page = server.get(&format!("/explain/{module}"));
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        for words in &words {
            assert!(page.text().contains(words.as_str()), "{words:?} in {}", page.text());
        }
        assert_eq!(explained(&server, &site, &[module]), (code, page.text()));
        let json = ask(server.at(), "GET", &format!("/explain/{module}"), &[("Accept", "application/json")]);
        assert_eq!(json.header("content-type"), Some("application/json"));
        let told = explained(&server, &site, &["--format", "json", module]);
        assert_eq!(told, (code, json.text()));
        let value: Value = serde_json::from_str(&json.text()).unwrap();
        assert_eq!(value["verdict"] == "refused", code == 1, "{value}");
        assert!(value["files"].is_array() && value["incidents"].is_array(), "{value}");
    }
    for (path, status) in [("/explain/", 404), ("/explain/example.com/m", 400), ("/explain/x@v1", 400)] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    assert_eq!((site.mirror.requests().len(), site.log.requests().len()), before, "nobody was asked");
    server.stop();
}

#[test]
fn wrong_bytes_that_came_are_named() {
    let site = Site::of(&[Spec::new("example.com/m", "v1.0.0")]);
    site.mirror.fault("example.com/m/@v/v1.0.0.mod", Fault::Replace(b"module example.com/other\n".to_vec()));
    let server = Server::start(&site, "", &["--read-ahead", "off"]);
    assert_eq!(server.get("/example.com/m/@v/v1.0.0.mod").status, 403);
    let (code, said) = explained(&server, &site, &["example.com/m@v1.0.0"]);
    assert!(code == 0 && said.contains(&format!("mod from {}: ", site.mirror.url())), "{code} {said}");
    server.stop();
}
