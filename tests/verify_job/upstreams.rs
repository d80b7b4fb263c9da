//! What the upstreams have now of the modules that are stored: wrong bytes, a moved tag and a vanished module are told apart by what each
//! of them answers.

use std::fs;

use super::command::{Machine, Ran, file_url};
use super::world::{Module, World};

/// A folder that sends these modules, each with the bytes of another where that is given.
fn upstream(machine: &Machine, name: &str, modules: &[(&Module, &Module)]) -> String {
    for (module, sent) in modules {
        let (path, version) = (module.version.path().escaped(), module.version.version().escaped());
        for (ending, bytes) in [("zip", &sent.zip), ("mod", &sent.go_mod)] {
            let file = format!("{name}/{path}/@v/{version}.{ending}");
            fs::create_dir_all(machine.at(&file).parent().unwrap()).unwrap();
            machine.write(&file, bytes);
        }
    }
    file_url(&machine.at(name))
}

/// Kind, class and module of each finding, and how many answers stand below it.
fn found(ran: &Ran) -> Vec<(String, String, String, usize)> {
    let json = ran.json();
    let text = |finding: &serde_json::Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let of = |finding: &serde_json::Value| {
        let answers = finding["evidence"].as_array().unwrap().len();
        (text(finding, "flaw"), text(finding, "diagnosis"), text(finding, "module"), answers)
    };
    let mut found: Vec<_> = json["findings"].as_array().unwrap().iter().map(of).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn wrong_bytes_a_moved_tag_and_a_vanished_module_are_told_apart_by_asking_every_route() {
    let module = |path: &str, size| Module::new(path, "v1.0.0", size);
    let [steady, wrong, moved, gone] =
        ["steady", "wrong", "moved", "gone"].map(|name| module(&format!("{name}.example/m"), 100));
    let (other_wrong, other_moved) = (module("wrong.example/m", 101), module("moved.example/m", 101));
    let world = World::of(vec![steady.clone(), wrong.clone(), moved.clone(), gone.clone()]);
    let mut machine = Machine::new();
    machine.set("GOSUMDB", world.log.db.vkey()).set("GOSUMCHECK_DATA", world.root().to_str().unwrap());
    let all = [&steady, &wrong, &moved, &gone].map(|module| (module, module));
    let whole = upstream(&machine, "whole", &all);
    let ask = |proxies: &[&str]| {
        let list = proxies.join("|");
        machine.run(&[
            "verify",
            "--private",
            "none",
            "--no-index",
            "--ask-upstreams",
            "--proxy",
            &list,
            "--format",
            "json",
        ])
    };
    let ran = ask(&[&whole]);
    assert_eq!((ran.code, found(&ran)), (0, Vec::new()), "{}", ran.show());
    // One mirror sends other bytes of one module, and both have another content of a second; a third is nowhere any more.
    let one = upstream(&machine, "one", &[(&steady, &steady), (&wrong, &other_wrong), (&moved, &other_moved)]);
    let two = upstream(&machine, "two", &[(&steady, &steady), (&wrong, &wrong), (&moved, &other_moved)]);
    let ran = ask(&[&one, &two]);
    let of = |kind: &str, class: &str, module: &Module| {
        (kind.to_owned(), class.to_owned(), module.version.path().to_string(), 2)
    };
    let expected = [
        of("upstream-wrong-bytes", "wrong-upstream", &wrong),
        of("version-moved", "moved-version", &moved),
        of("version-vanished", "vanished-version", &gone),
    ];
    assert_eq!((ran.code, found(&ran)), (1, expected.to_vec()), "{}", ran.show());
    assert_eq!(ran.json()["findings"][0]["blame"], "an-upstream", "{}", ran.show());
    // With one that has all as it was recorded, each of the others is to blame itself, and nothing is gone.
    let ran = ask(&[&one, &two, &whole]);
    let kinds: Vec<String> = found(&ran).into_iter().map(|(kind, _, _, _)| kind).collect();
    assert_eq!((ran.code, kinds), (1, vec!["upstream-wrong-bytes".to_owned(); 2]), "{}", ran.show());
    // Nobody that answers shows nothing; nothing is kept of what was sent, and nothing stored was changed.
    let ran = ask(&["http://127.0.0.1:9"]);
    assert_eq!((ran.code, found(&ran)), (0, Vec::new()), "{}", ran.show());
    assert_eq!(world.verify().findings, []);
    assert_eq!(fs::read_dir(world.root().join("tmp")).map_or(0, Iterator::count), 0);
    // A rule that refuses a module lets nobody be asked about it.
    machine.write("rules", "deny gone.example/m\n");
    let list = [one.as_str(), &two].join("|");
    let ran = machine.run(&[
        "verify",
        "--private",
        "none",
        "--no-index",
        "--ask-upstreams",
        "--proxy",
        &list,
        "--rules",
        "rules",
    ]);
    assert!(!ran.says(1, &["version-moved"]).out.contains("gone.example"), "{}", ran.show());
}
