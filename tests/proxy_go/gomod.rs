//! What a go.mod requires, as we read it and as `go mod edit -json` does: the same for each real one.

use std::fs;
use std::process::Command;

use gosumcheck::sumdb::gomod::GoMod;
use serde_json::Value;

use crate::common::go_command;
use crate::real::real;

/// Whether a `go` directive's version is 1.17 or later.
fn is_pruned(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(1), Some(17))
}

#[test]
fn requirements_are_those_that_go_reads() {
    let Some((real, go)) = real().zip(go_command()) else { return };
    let scratch = crate::real::scratch();
    let (mut files, mut requirements) = (0, 0);
    for (module, path) in real.files(".mod") {
        let copy = scratch.path().join("go.mod");
        fs::copy(&path, &copy).unwrap();
        let told = Command::new(&go).args(["mod", "edit", "-json"]).arg(&copy).env("GOWORK", "off").output().unwrap();
        if !told.status.success() {
            continue; // as a main module's it is refused: it is of another time
        }
        let json: Value = serde_json::from_slice(&told.stdout).unwrap();
        let expected: Vec<(String, bool)> = json["Require"].as_array().map_or(Vec::new(), |all| {
            let one = |require: &Value| {
                let name = format!("{}@{}", require["Path"].as_str().unwrap(), require["Version"].as_str().unwrap());
                (name, require["Indirect"].as_bool().unwrap_or(false))
            };
            all.iter().map(one).collect()
        });
        let read = GoMod::read(&fs::read(&path).unwrap()).unwrap();
        let got: Vec<(String, bool)> =
            read.requirements.iter().map(|one| (one.module.to_string(), one.is_indirect)).collect();
        assert_eq!(got, expected, "{module}");
        assert_eq!(read.is_pruned, json["Go"].as_str().is_some_and(is_pruned), "{module}");
        (files, requirements) = (files + 1, requirements + got.len());
    }
    assert!(files >= 100 && requirements >= 300, "{files} files, {requirements} requirements");
}
