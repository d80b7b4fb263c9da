//! `gosumcheck store`: what is listed, what is removed, and what stays and why.

use serde_json::Value;

use crate::command::{Machine, Ran};

const HASH: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const KEY: &str = "sum.example+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/// A data folder with the zips of so many modules, which are there upstream too, a private one, and one that is gone upstream.
fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.set("GOSUMCHECK_DATA", "data").set("GOSUMCHECK_PRIVATE", "corp.example");
    let upstream = format!("file://{}", machine.at("upstream").display());
    machine.set("GOSUMCHECK_PROXY", upstream);
    for name in ["a", "b", "c", "gone"] {
        let at = |end: &str| format!("data/modules/example.com/{name}/@v/v1.0.0.{end}");
        machine.write(&at("zip"), vec![b'z'; 100_000]).write(&at("ziphash"), HASH);
        machine.write(&at("zipproof"), format!("{HASH}\nrecord 1 of {KEY}\n"));
        if name != "gone" {
            machine.write(&format!("upstream/example.com/{name}/@v/v1.0.0.zip"), "z");
        }
    }
    let private = "data/private/corp.example/p/@v/v1.0.0.";
    machine.write(&format!("{private}zip"), vec![b'p'; 100_000]).write(&format!("{private}ziphash"), HASH);
    machine.write("data/modules/example.com/old/@v/v1.0.0.zip", "no proof");
    machine
}

fn is_there(machine: &Machine, name: &str) -> bool {
    machine.at(&format!("data/modules/example.com/{name}/@v/v1.0.0.zip")).is_file()
}

fn listed(ran: &Ran) -> Vec<(String, Option<String>)> {
    let line = |line: &str| {
        let file: Value = serde_json::from_str(line).unwrap();
        let name = format!("{}@{}.{}", file["module"], file["version"], file["file"]).replace('"', "");
        (name, file["stays"].as_str().map(str::to_owned))
    };
    ran.out.lines().map(line).collect()
}

#[test]
fn what_is_stored_is_listed_with_the_reason_why_it_stays() {
    let machine = machine();
    machine
        .run(&["store", "pin", "example.com/b", "example.com/c@v1.0.0"])
        .says(0, &["pinned: example.com/b\n", "pinned: example.com/c@v1.0.0\n"]);
    let ran = machine.run(&["store", "ls", "--json"]);
    let stays = |name: &str| listed(&ran).into_iter().find(|(file, _)| file.contains(name)).unwrap().1;
    assert_eq!(stays("example.com/a"), None);
    assert_eq!(stays("example.com/b").as_deref(), Some("pinned"));
    assert_eq!(stays("example.com/c").as_deref(), Some("pinned"));
    assert_eq!(stays("example.com/old").as_deref(), Some("unproven"));
    assert_eq!(stays("corp.example/p").as_deref(), Some("private"));
    machine.run(&["store", "ls", "example.com/a"]).says(0, &["SIZE", "example.com/a@v1.0.0.zip", "never"]);
    let stats: Value = serde_json::from_str(&machine.run(&["store", "stats", "--json"]).out).unwrap();
    assert_eq!(stats["files"]["files"], 6);
    assert_eq!(stats["may_go"]["files"], 2);
    assert_eq!(stats["stays"]["pinned"]["files"], 2);
    assert_eq!(stats["pinned"], serde_json::json!(["example.com/b", "example.com/c@v1.0.0"]));
    machine
        .run(&["store", "stats"])
        .says(0, &["no limit", "may be removed: 2 files", "stay, private: 1 files", "% full"]);
    machine.run(&["store", "unpin", "example.com/b", "example.com/x"]).says(1, &["pinned: example.com/c@v1.0.0"]);
    machine.run(&["store", "pin", "a b"]).complains(2, &["GOPRIVATE"]);
}

#[test]
fn gc_removes_what_can_be_had_again_and_nothing_else() {
    let machine = machine();
    machine.run(&["store", "gc"]).complains(2, &["--store-max-size"]);
    machine.run(&["store", "pin", "example.com/b"]).says(0, &[]);
    let dry = machine.run(&["store", "gc", "--dry-run", "--store-max-size", "1kB"]);
    dry.says(1, &["example.com/a@v1.0.0.zip", "would remove 3 files"]);
    assert!(["a", "b", "c", "gone"].iter().all(|name| is_there(&machine, name)), "a dry run removes nothing");
    let ran = machine.run(&["store", "gc", "--store-max-size", "1kB"]);
    ran.says(1, &["removed 2 files", "1 files stay because no upstream has them any more"]);
    assert!(["b", "gone", "old"].iter().all(|name| is_there(&machine, name)));
    assert!(!is_there(&machine, "a") && !is_there(&machine, "c"));
    assert!(machine.at("data/private/corp.example/p/@v/v1.0.0.zip").is_file());
    let ran = machine.run(&["store", "ls", "--json", "example.com/gone"]);
    assert_eq!(listed(&ran)[0].1.as_deref(), Some("vanished"));
    machine.run(&["store", "gc", "--store-max-size", "10MB"]).says(0, &["removed 0 files"]);
}

/// Nothing is removed where nobody can say what a person wanted to stay.
#[test]
fn a_damaged_keep_list_stops_every_removal() {
    let machine = machine();
    machine.write("data/store/keep", "example.com/b@\n");
    machine.run(&["store", "gc", "--store-max-size", "1kB"]).complains(2, &["nothing is removed", "example.com/b@"]);
    machine.run(&["store", "rm", "example.com/a@v1.0.0"]).complains(2, &["nothing is removed"]);
    assert!(is_there(&machine, "a"));
}

#[test]
fn rm_removes_what_is_named_and_asks_before_it_removes_the_only_copy() {
    let machine = machine();
    machine.run(&["store", "pin", "example.com/b"]).says(0, &[]);
    machine.run(&["store", "rm", "--dry-run", "example.com/a@v1.0.0"]).says(0, &["would remove example.com/a@v1.0.0"]);
    assert!(is_there(&machine, "a"));
    machine.run(&["store", "rm", "example.com/a@v1.0.0"]).says(0, &["removed example.com/a@v1.0.0"]);
    assert!(!is_there(&machine, "a"));
    let hash = machine.at("data/modules/example.com/a/@v/v1.0.0.ziphash");
    assert!(hash.is_file(), "a new download must match it");
    let ran = machine.run(&["store", "rm", "example.com/b@v1.0.0", "corp.example/p@v1.0.0", "example.com/x@v1.0.0"]);
    assert_eq!(ran.code, 1);
    for words in
        ["example.com/b@v1.0.0 is pinned", "corp.example/p@v1.0.0 is private", "example.com/x@v1.0.0 is not stored"]
    {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert!(is_there(&machine, "b"));
    machine.run(&["store", "rm", "--force", "corp.example/p@v1.0.0"]).says(0, &["removed"]);
    let pin = machine.at("data/private/corp.example/p/@v/v1.0.0.ziphash");
    assert!(pin.is_file(), "only the same bytes may come again");
    machine.run(&["store", "rm", "example.com/a"]).complains(2, &["example.com/a"]);
}
