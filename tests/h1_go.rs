//! Our h1 and our rules for module zips against Go's own, over crafted and damaged zips.
//! Skipped where there is no `go` (or it cannot build the peer: its one module is not there); with GOSUMCHECK_REQUIRE_GO=1 that
//! is a failure.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::go_program;
use gosumcheck::sumdb::dirhash::h1_zip;
use gosumcheck::sumdb::modzip::check_zip;

mod common;
mod crafted;

/// Unicode of the tables in `modzip/unicode.rs`, and the hash over them that its own test pins.
const UNICODE: (&str, &str) = ("15.0.0", "8b839261a899e0eb88362886a240a937e4f9ded1c0897f4adfc40af44d8e8ebc");

/// What Go says of each file in `dir`: h1 or "error", and "valid" or "refused".
fn go_says(peer: &Path, dir: &Path) -> BTreeMap<String, (String, String)> {
    let output = Command::new(peer).arg(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [name, h1, verdict] => (name.to_owned(), (h1.to_owned(), verdict.to_owned())),
            _ => panic!("{line}"),
        })
        .collect()
}

/// What we say of it, in the same words, and why.
fn we_say(bytes: &[u8]) -> ((String, String), String) {
    let h1 = h1_zip(bytes, 2);
    let check = check_zip(bytes, crafted::MODULE.0, crafted::MODULE.1);
    let why = format!(
        "h1: {:?}, check: {:?}",
        h1.as_ref().map_err(ToString::to_string),
        check.as_ref().map_err(ToString::to_string)
    );
    let h1 = h1.map_or_else(|_| "error".to_owned(), |hash| format!("h1:{hash}"));
    ((h1, if check.is_ok() { "valid" } else { "refused" }.to_owned()), why)
}

#[test]
fn crafted_zips() {
    let dir = tempfile::tempdir().unwrap();
    let Some(peer) = go_program("h1", dir.path()) else { return };
    let zips = dir.path().join("zips");
    fs::create_dir(&zips).unwrap();
    let cases = crafted::agreed();
    for (number, (_, bytes)) in cases.iter().enumerate() {
        fs::write(zips.join(format!("{number:04}")), bytes).unwrap();
    }
    for (number, (_, bytes, _)) in crafted::refused_by_us().iter().enumerate() {
        fs::write(zips.join(format!("refused-{number}")), bytes).unwrap();
    }
    let go = go_says(&peer, &zips);
    let mut differences = Vec::new();
    for (number, (name, bytes)) in cases.iter().enumerate() {
        let (ours, why) = we_say(bytes);
        if ours != go[&format!("{number:04}")] {
            differences.push(format!("{name}: Go {:?}, we {ours:?}: {why}", go[&format!("{number:04}")]));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for (number, (name, bytes, _)) in crafted::refused_by_us().iter().enumerate() {
        assert!(go[&format!("refused-{number}")].0.starts_with("h1:"), "{name}: Go refuses it too");
        assert_eq!(we_say(bytes).0.0, "error", "{name}");
    }
}

/// Thousands of zips with a few bytes changed: Go and we give the same h1 or both none, or it is one of our refusals.
#[test]
fn damaged_zips() {
    let dir = tempfile::tempdir().unwrap();
    let Some(peer) = go_program("h1", dir.path()) else { return };
    let zips = dir.path().join("zips");
    fs::create_dir(&zips).unwrap();
    let cases: Vec<Vec<u8>> =
        crafted::agreed().into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 4000).collect();
    // The same zips in every run.
    let mut random = common::random();
    let mut damaged = BTreeMap::new();
    for number in 0..3000 {
        let mut bytes = cases[random(cases.len())].clone();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            bytes[at] = if random(3) == 0 { [0, 1, 0xff, b'P'][random(4)] } else { bytes[at] ^ (1 << random(8)) };
        }
        fs::write(zips.join(format!("{number:04}")), &bytes).unwrap();
        damaged.insert(format!("{number:04}"), bytes);
    }
    let go = go_says(&peer, &zips);
    let mut taken = 0;
    for (name, bytes) in &damaged {
        let (ours, why) = we_say(bytes);
        let stricter = why.contains("listed twice") || why.contains("of a zip of") || why.contains("are the limit");
        let h1_agrees = ours.0 == go[name].0 || (ours.0 == "error" && stricter);
        assert!(h1_agrees && ours.1 == go[name].1, "{name}: Go {:?}, we {ours:?}: {why}", go[name]);
        taken += usize::from(ours.0 != "error");
    }
    assert!(taken > 300, "only {taken} of the damaged zips had an h1: they test too little");
}

#[test]
fn letters_and_folding() {
    let dir = tempfile::tempdir().unwrap();
    let Some(peer) = go_program("h1", dir.path()) else { return };
    let output = String::from_utf8(Command::new(peer).arg("unicode").output().unwrap().stdout).unwrap();
    match output.trim_end().split_once('\t').unwrap() {
        (version, hash) if version == UNICODE.0 => assert_eq!(hash, UNICODE.1),
        (version, _) => eprintln!("skipped: this go has Unicode {version}, the tables are {}", UNICODE.0),
    }
}
