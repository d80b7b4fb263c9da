//! `/vulndb/`: the files of a vulnerability database, and the real govulncheck as their reader.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{go_command, skip};
use crate::kit::{Site, Spec};
use crate::world::World;

/// A database with one vulnerability: of a function of the standard library, in every version of Go.
fn database() -> TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let time = "2026-01-02T03:04:05Z";
    let entry = json!({
        "schema_version": "1.3.1", "id": "GO-2026-0001", "modified": time, "published": time, "aliases": ["CVE-2026-1"],
        "summary": "made up", "details": "Upper case is dangerous.",
        "affected": [{
            "package": { "name": "stdlib", "ecosystem": "Go" },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }],
            "ecosystem_specific": { "imports": [{ "path": "strings", "symbols": ["ToUpper"] }] }
        }],
        "database_specific": { "url": "https://pkg.go.dev/vuln/GO-2026-0001", "review_status": "REVIEWED" }
    });
    let modules = json!([{ "path": "stdlib", "vulns": [{ "id": "GO-2026-0001", "modified": time }] }]);
    let vulns = json!([{ "id": "GO-2026-0001", "modified": time, "aliases": ["CVE-2026-1"] }]);
    for (name, value) in [
        ("index/db.json", json!({ "modified": time })),
        ("index/modules.json", modules),
        ("index/vulns.json", vulns),
        ("ID/GO-2026-0001.json", entry),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }
    folder
}

fn serve(database: &Path) -> World {
    let site = Site::of(&[Spec::new("example.com/a", "v1.0.0")]);
    World::over(site, &["--vulndb", database.to_str().unwrap()], &[])
}

#[test]
fn the_files_are_as_they_are_in_the_folder() {
    let folder = database();
    let world = serve(folder.path());
    for name in ["index/db.json", "index/modules.json", "index/vulns.json", "ID/GO-2026-0001.json"] {
        let reply = world.get(&format!("/vulndb/{name}"));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{name}");
        assert_eq!(reply.body, fs::read(folder.path().join(name)).unwrap(), "{name}");
        let packed = world.get(&format!("/vulndb/{name}.gz"));
        assert_eq!(
            (packed.header("content-type"), packed.header("content-encoding")),
            (Some("application/gzip"), None)
        );
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed.body), &mut text).unwrap();
        assert_eq!(text, reply.body, "{name}");
        let (tag, date) = (reply.header("etag").unwrap(), reply.header("last-modified").unwrap());
        for condition in [("If-None-Match", tag), ("If-Modified-Since", date)] {
            assert_eq!(world.ask(&format!("/vulndb/{name}"), &[condition]).status, 304, "{name}");
        }
    }
    for name in ["ID/GO-2026-0002.json", "index/none.json", "index", "", "../data/lock", "ID/../index/db.json"] {
        assert_eq!(world.get(&format!("/vulndb/{name}")).status, 404, "{name}");
    }
    // A newer copy counts at once.
    fs::write(folder.path().join("index/db.json"), r#"{"modified":"2026-02-02T03:04:05Z"}"#).unwrap();
    assert!(world.get("/vulndb/index/db.json").text().contains("2026-02-02"));
}

#[test]
fn a_server_without_one_says_so_and_a_wrong_path_is_named_at_the_start() {
    let site = Site::of(&[Spec::new("example.com/a", "v1.0.0")]);
    let world = World::over(site, &[], &[]);
    let reply = world.get("/vulndb/index/db.json");
    assert!(reply.status == 404 && reply.text().contains("vulndb.path"), "{reply:?}");
    let empty = tempfile::tempdir().unwrap();
    for (path, words) in [(empty.path().to_owned(), "no index/db.json"), (empty.path().join("none"), "none")] {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(empty.path().join("data"))
            .arg("--vulndb")
            .arg(path);
        let ran = serve.args(["--sumdb", &world.site.sumdb(), "--proxy", "off"]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(2) && said.contains(words), "{said}");
    }
}

/// What govulncheck finds in a program, without the lines about its own settings.
fn findings(govulncheck: &Path, go: &Path, folder: &Path, database: &str) -> Vec<Value> {
    let mut check = Command::new(govulncheck);
    let paths = env::join_paths([go.parent().unwrap(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    check.current_dir(folder).env_clear().env("HOME", folder).env("PATH", paths).env("GOENV", "off");
    check.env("GOFLAGS", "").env("GOPROXY", "off").env("GOTOOLCHAIN", "local").env("GOCACHE", folder.join("cache"));
    let ran = check.args(["-format", "json", "-db", database, "./..."]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let messages = serde_json::Deserializer::from_slice(&ran.stdout).into_iter::<Value>().map(Result::unwrap);
    messages.filter(|message| message.get("config").is_none() && message.get("progress").is_none()).collect()
}

#[test]
fn govulncheck_finds_what_it_finds_in_the_folder() {
    let Some(go) = go_command() else { return };
    let Some(govulncheck) = govulncheck() else { return };
    let (folder, program) = (database(), tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    fs::write(program.path().join("go.mod"), "module example.com/program\n\ngo 1.21\n").unwrap();
    let main = "package main\n\nimport \"strings\"\n\nfunc main() { println(strings.ToUpper(\"x\")) }\n";
    fs::write(program.path().join("main.go"), main).unwrap();
    let expected = findings(&govulncheck, &go, program.path(), &format!("file://{}", folder.path().display()));
    let traced = |finding: &Value| finding["finding"]["trace"][0]["function"] == "ToUpper";
    assert!(expected.iter().any(traced), "{expected:#?}");
    let world = serve(folder.path());
    assert_eq!(findings(&govulncheck, &go, program.path(), &format!("{}/vulndb", world.url())), expected);
}

/// The program: the one that GOSUMCHECK_GOVULNCHECK names, or the one on the PATH.
fn govulncheck() -> Option<PathBuf> {
    let named = env::var_os("GOSUMCHECK_GOVULNCHECK").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("govulncheck"));
    let found = named.into_iter().chain(on_path).find(|program| program.is_file());
    if found.is_none() {
        skip("there is no govulncheck", "GOSUMCHECK_REQUIRE_GOVULNCHECK");
    }
    found
}
