//! `/version`, `/index`, `/catalog`: in the forms of Athens and index.golang.org, and the times stay what they are.

use std::fs;

use serde_json::Value;

use crate::kit::{Site, Spec, until};
use crate::world::Server;

const VERSIONS: [(&str, &str); 4] = [
    ("example.com/c", "v1.0.0"),
    ("example.com/b", "v1.0.0"),
    ("example.com/A", "v1.1.0"),
    ("example.com/A", "v1.0.0"),
];

fn site() -> Site {
    Site::of(&VERSIONS.map(|(module, version)| Spec::new(module, version)))
}

fn fetch(server: &Server, (module, version): (&str, &str)) {
    let path = format!("/{}/@v/{version}.zip", module.replace('A', "!a"));
    assert_eq!(server.get(&path).status, 200, "{path}");
}

/// The lines of an index: `module@version`, and the time.
fn index(server: &Server, query: &str) -> Vec<(String, String)> {
    let reply = server.get(&format!("/index{query}"));
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")), "{reply:?}");
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        (format!("{}@{}", text("Path"), text("Version")), text("Timestamp"))
    };
    reply.text().lines().map(line).collect()
}

fn names(lines: &[(String, String)]) -> Vec<&str> {
    lines.iter().map(|(name, _)| name.as_str()).collect()
}

fn catalog(server: &Server, query: &str) -> (Vec<String>, Option<String>) {
    let reply = server.get(&format!("/catalog{query}"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{reply:?}");
    let page: Value = serde_json::from_str(&reply.text()).unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let modules = page["modules"].as_array().unwrap();
    let modules = modules.iter().map(|one| format!("{}@{}", text(one, "module"), text(one, "version"))).collect();
    (modules, page["next"].as_str().map(str::to_owned))
}

#[test]
fn versions_are_listed_in_the_order_in_which_they_were_proven() {
    let site = site();
    let server = Server::start(&site, "", &[]);
    until("the times are known", || server.get("/index").status == 200);
    assert_eq!((index(&server, ""), catalog(&server, "")), (vec![], (vec![], None)));
    VERSIONS.into_iter().for_each(|version| fetch(&server, version));
    let all = index(&server, "");
    assert_eq!(
        names(&all),
        ["example.com/c@v1.0.0", "example.com/b@v1.0.0", "example.com/A@v1.1.0", "example.com/A@v1.0.0"]
    );
    assert!(all.is_sorted_by(|one, next| one.1 < next.1), "{all:?}");
    // `since` is the oldest time that is listed, and pages follow each other by it.
    assert_eq!(index(&server, "?limit=2"), all[..2]);
    assert_eq!(index(&server, &format!("?since={}&limit=2", all[1].1)), all[1..3]);
    assert_eq!(index(&server, "?since=2999-01-01T00%3A00%3A00%2B02%3A00"), []);
    for wrong in ["?since=yesterday", "?limit=0", "?limit=many"] {
        assert_eq!(server.get(&format!("/index{wrong}")).status, 400, "{wrong}");
    }
    // The catalog is in the order of names, and a token goes on after the last one.
    let (first, next) = catalog(&server, "?pagesize=3");
    assert_eq!(first, ["example.com/A@v1.0.0", "example.com/A@v1.1.0", "example.com/b@v1.0.0"]);
    let (rest, end) = catalog(&server, &format!("?pagesize=3&token={}", next.unwrap()));
    assert_eq!((rest, end), (vec!["example.com/c@v1.0.0".to_owned()], None));
    assert_eq!(server.get("/catalog?token=x").status, 400);
    let version: Value = serde_json::from_str(&server.get("/version").text()).unwrap();
    assert_eq!(version["Version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_time_stays_through_restarts_removal_and_another_download() {
    let site = site();
    let server = Server::start(&site, "", &[]);
    until("the times are known", || server.get("/index").status == 200);
    VERSIONS.into_iter().for_each(|version| fetch(&server, version));
    let all = index(&server, "");
    let (_, home) = server.stop();
    fs::remove_file(home.path().join("data/modules/example.com/c/@v/v1.0.0.zip")).unwrap();
    let server = Server::start_in(home, &site, &[]);
    until("the times are known", || server.get("/index").status == 200);
    assert_eq!(index(&server, ""), all, "what was removed was proven all the same");
    assert_eq!(catalog(&server, "").0.len(), 3, "and is not held");
    fetch(&server, VERSIONS[0]);
    assert_eq!((index(&server, ""), catalog(&server, "").0.len()), (all.clone(), 4));

    // A folder from before the times were kept has those of its files, and goes on from there.
    let (_, home) = server.stop();
    fs::remove_dir_all(home.path().join("data/store")).unwrap();
    let server = Server::start_in(home, &site, &[]);
    until("the times are known", || server.get("/index").status == 200);
    // The hash of the file that came again is as old as its first download.
    assert_eq!(names(&index(&server, "")), names(&all));
}

#[test]
fn what_a_rule_refuses_is_not_listed() {
    let site = site();
    let server = Server::start(&site, "", &[]);
    until("the times are known", || server.get("/index").status == 200);
    VERSIONS.into_iter().for_each(|version| fetch(&server, version));
    let (_, home) = server.stop();
    fs::write(home.path().join("rules"), "deny example.com/A <v1.1.0\ndeny example.com/b\n").unwrap();
    let server = Server::start_in(home, &site, &[]);
    until("the times are known", || server.get("/index").status == 200);
    assert_eq!(names(&index(&server, "")), ["example.com/c@v1.0.0", "example.com/A@v1.1.0"]);
    assert_eq!(catalog(&server, "").0, ["example.com/A@v1.1.0", "example.com/c@v1.0.0"]);
}
