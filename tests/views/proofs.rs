//! What the API says of a record is a proof: checked by the algorithm of RFC 9162, written anew here, and by `verify-proof`.

use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::world::World;

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}

/// The root that a proof leads to (RFC 9162 section 2.1.3.2).
fn root(mut number: u64, size: u64, leaf: Vec<u8>, proof: &[Vec<u8>]) -> Vec<u8> {
    let (mut last, mut root) = (size - 1, leaf);
    for beside in proof {
        assert_ne!(last, 0, "the proof is too long");
        if number & 1 == 1 || number == last {
            root = hash(&[&[1], beside, &root]);
            while number & 1 == 0 && number != 0 {
                (number, last) = (number >> 1, last >> 1);
            }
        } else {
            root = hash(&[&[1], &root, beside]);
        }
        (number, last) = (number >> 1, last >> 1);
    }
    assert_eq!(last, 0, "the proof is too short");
    root
}

fn base64(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn a_record_is_proven_by_what_the_api_says() {
    let world = World::new();
    for module in ["example.com/a@v1.0.0", "example.com/a@v1.2.0", "example.com/never@v1.0.0"] {
        let proof = world.json(&format!("proofs/{module}"));
        let (record, tree) = (&proof["record"], &proof["tree"]);
        let text = record["text"].as_str().unwrap();
        let leaf = hash(&[&[0], text.as_bytes()]);
        assert_eq!(leaf, base64(&record["leaf_hash"]));
        let path: Vec<_> = proof["inclusion"].as_array().unwrap().iter().map(base64).collect();
        let size = tree["size"].as_u64().unwrap();
        let led = root(record["number"].as_u64().unwrap(), size, leaf, &path);
        assert_eq!(led, base64(&tree["root"]), "{module}");
        assert_eq!(led, world.site.log.root(size).0, "{module}");
        let note = format!("go.sum database tree\n{size}\n{}\n\n", tree["root"].as_str().unwrap());
        assert!(tree["checkpoint"].as_str().unwrap().starts_with(&note), "{tree}");
        let (path, version) = module.split_once('@').unwrap();
        let (zip, go_mod) = (record["zip"].as_str().unwrap(), record["go_mod"].as_str().unwrap());
        assert_eq!(text, format!("{path} {version} {zip}\n{path} {version}/go.mod {go_mod}\n"));
        assert_eq!(proof["key"], world.site.log.vkey());
    }
}

#[test]
fn the_downloaded_proof_is_one_for_verify_proof() {
    let world = World::new();
    let reply = world.get("/api/v1/proofs/example.com/a@v1.2.0?format=tlog-proof");
    assert!(reply.text().starts_with("c2sp.org/tlog-proof@v1\n"), "{reply:?}");
    assert_eq!(reply.text(), world.json("proofs/example.com/a@v1.2.0")["tlog_proof"]);
    let file = world.home.path().join("proof");
    std::fs::write(&file, &reply.body).unwrap();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    let ran = verify.arg("verify-proof").arg(&file).args(["--sumdb", &world.site.log.vkey()]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.status.success() && said.contains("1 module versions are proven"),
        "{said} {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
