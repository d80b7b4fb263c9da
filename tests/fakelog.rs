//! The synthetic database is judged first, since it judges the rest: its hashes against x/mod's, its names against
//! themselves, its faults against the true answers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

#[path = "../examples/fakelog/fake/mod.rs"]
mod fake;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use fake::{Ending, FakeSumdb, Given, escape, read_gosum, write_gosum};
use gosumcheck::sumdb::hash::{Hash, sha256};

fn digest(proof: &[Hash]) -> String {
    hex::encode(sha256(&proof.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>()).0)
}

/// Roots, proofs and tiles of 70,000 records as the corrected x/mod makes them.
#[test]
fn hashes_are_those_of_x_mod() {
    let record = |i| {
        let version = format!("v0.0.{i}");
        Given::new("example.com/m", &version, "h1:x=", "h1:y=")
    };
    let log = FakeSumdb::of_records(&(0..70_000).map(record).collect::<Vec<_>>());
    for (size, root) in [
        (0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (1, "6/jGvUfFsTjvvb6sugisLn0EhL2jIwjXdpkQp8wSjuc="),
        (2, "siukSeS/sdDkHEmLQQ7lHCvWEnHu8kdCQ3L7cQJlbGI="),
        (3, "KNHS9tmxoEf7kyFSJm9uQP2i4aljsL+Y13rzy4TMLIQ="),
        (7, "BG5CrGPupNJ1/I3lxs/mUjiddqxNqy/fEcyWGxFTsZY="),
        (255, "3BpmXbolfWqkTWNZZPt2/glcmYM32qSbXmw8+aexFy4="),
        (256, "ydZWOWHQNTv7E9tlrX8yIACsTKrvQkKbJjSHpuf1pGw="),
        (257, "SvSgHqm627Bi8+Un94mri6ZB1pJPolb/NY6IA+XMdYE="),
        (1000, "uUVfML6diNS+PCCX5qqbWv2Y2wiP7PlLsj+aDQG2Uhg="),
        (65_536, "f6agJYT3yCmJwCuPomFx02BGk0+R1Empl13P3++8sR8="),
        (65_537, "fUEDHgoUg27rqsLV4R50JyWjuUemYqiC0q6x7K79Kww="),
        (70_000, "LwF9TRwkt7bCqHwT8qmj/+XQ0OVMuHh6pISMDIQVXyA="),
    ] {
        assert_eq!(log.root(size).to_string(), root, "root of {size}");
    }
    let hex = |path: &str| hex::encode(sha256(&log.honest(path).unwrap()).0);
    assert_eq!(hex("tile/8/0/273.p/112"), "31e973fe832fec2990438cc1edc07ce01f9981f4e7a5875f836cdfb7bb334c4d");
    assert_eq!(hex("tile/8/1/001.p/17"), "3d9e81d3d90803366cf5b9d4e8c1bda91d78c8bea04a77097ea2f79e2dc0269a");
    assert_eq!(digest(&log.inclusion(777, 1000)), "a8d85d0c2eaa0a0fc066c74cd8a1ef437c08605a2d1e23bd4f074f5556ae5a01");
    assert_eq!(
        digest(&log.inclusion(65_535, 70_000)),
        "71afb0457ad0e879738fe16b54a8fdd439eef8037944cf8d55d30c982d3b613c"
    );
    assert_eq!(digest(&log.consistency(3, 7)), "2039bd2084ff6a3d2d7091bc18897a47cc0520a1635f880540608b1c4137de8d");
    assert_eq!(digest(&log.consistency(256, 1000)), "895ad692c314421a677d6c501661d243a1dc2a32fdbbb0a5392cea620454028c");
    assert_eq!(
        digest(&log.consistency(69_999, 70_000)),
        "9099eb81d83201f0bcfd583c3caab87e5bb4425ca6cc7765f2fc57cd3e14f78d"
    );
}

#[test]
fn every_record_is_found_by_its_name_and_by_no_other() {
    for seed in [1, 7] {
        let log = FakeSumdb::synthetic(70_000, seed);
        let mut names = BTreeSet::new();
        for id in (0..70_000).chain([9_999_999, 50_000_000]) {
            let (module, version) = log.module(id);
            assert_eq!(log.find(&module, &version), Some(id), "{module}@{version}");
            assert_eq!(log.find(&module, &format!("{version}0")), None);
            assert!(names.insert((module, version)), "record {id} is named twice");
        }
        let has = |shape: &str| names.iter().any(|(m, v)| format!("{m}@{v}").contains(shape));
        for shape in ["gopkg.in/", "golang.org/x/", "k8s.io/", "/v2@", "+incompatible", "-rc.1", "-RC1", "@v0.0.0-20"] {
            assert!(has(shape), "no name like {shape}");
        }
        assert!(names.iter().any(|(m, _)| escape(m).contains('!')));
        assert!(log.find("github.com/none/such", "v1.0.0").is_none());
    }
}

#[test]
fn lookups_tiles_and_data_agree() {
    let log = FakeSumdb::synthetic(1000, 3);
    let (latest, lookup) = (log.honest("latest").unwrap(), log.honest(&log.lookup_path(700)).unwrap());
    let expected = format!("700\n{}\n{}", log.record_text(700), String::from_utf8(latest).unwrap());
    assert_eq!(String::from_utf8(lookup).unwrap(), expected);
    assert_eq!(log.record_text(700).lines().count(), 2);
    let data = log.honest("tile/8/data/002").unwrap();
    let texts = (512..768).map(|id| log.record_text(id)).collect::<Vec<_>>();
    assert_eq!(String::from_utf8(data).unwrap(), texts.join("\n"));
    log.set_ending(Ending::Two);
    assert!(log.honest("tile/8/data/003.p/232").unwrap().ends_with(b"\n\n"));
    for absent in ["tile/8/0/003", "tile/8/0/003.p/233", "tile/8/1/000.p/4", "tile/8/4/000", "supported", "nothing"] {
        assert_eq!(log.get(absent).status, 404, "{absent}");
    }
    for malformed in ["tile/8/0/0", "tile/8/0/000.p/256", "tile/9/0/000", "lookup/Upper@v1.0.0", "lookup/a@1"] {
        assert_eq!(log.get(malformed).status, 400, "{malformed}");
    }
    let absent = log.get("lookup/example.com/!absent@v1.2.3");
    assert_eq!(absent.status, 404);
    assert!(absent.body.starts_with(b"not found: example.com/Absent@v1.2.3: "));
}

#[test]
fn it_grows_and_appends() {
    let log = FakeSumdb::synthetic(1000, 3);
    let (late, whole) = (log.lookup_path(900), log.root(1000));
    log.grow(600);
    assert_eq!((log.size(), log.get(&late).status), (600, 404));
    log.grow(1000);
    assert_eq!(log.get(&late).status, 200);

    let texts = (0..600).map(|id| (log.module(id), log.record_text(id)));
    let given: Vec<Given> = texts.map(|((module, version), text)| Given::raw(&module, &version, &text)).collect();
    let grown = FakeSumdb::of_records(&given[..250]);
    for record in &given[250..] {
        grown.append(record.clone());
    }
    assert_eq!(grown.root(600), log.root(600));
    assert_eq!(log.root(1000), whole);
}

#[test]
fn a_fork_shares_what_lies_before_it() {
    let log = FakeSumdb::synthetic(70_000, 5);
    let (root, early, late) = (log.root(70_000), log.lookup_path(300), log.lookup_path(66_000));
    let (tile, whole) = (log.honest("tile/8/0/001").unwrap(), log.honest("tile/8/1/000").unwrap());
    log.fault("fork:65600,after=2");
    assert_eq!(log.get(&late).body, log.honest(&late).unwrap());
    let before = log.honest(&late).unwrap();
    log.get("latest");
    log.get("latest");
    assert_ne!(log.get(&late).body, before);
    assert_ne!(log.root(70_000), root);
    assert_eq!(log.honest("tile/8/0/001").unwrap(), tile);
    assert_eq!(log.honest("tile/8/1/000").unwrap(), whole);
    assert_eq!(log.honest(&early).unwrap()[..100], {
        log.show_fork(false);
        log.honest(&early).unwrap()[..100].to_vec()
    });
    assert_eq!(log.root(70_000), root);
}

#[test]
fn faults_spoil_what_they_name_and_as_often() {
    let log = FakeSumdb::synthetic(1000, 5);
    let lookup = log.lookup_path(9);
    let truth = log.honest(&lookup).unwrap();
    for kind in ["wrong-record", "wrong-id", "forged", "extra-lines", "note-lines", "absent-line"] {
        log.fault(&format!("{kind}:lookup/*,times=1"));
        let first = log.get(&lookup);
        assert!(first.status == 200 && first.body != truth, "{kind}");
        assert_eq!(log.get(&lookup).body, truth, "{kind}");
    }
    for kind in ["unsigned", "wrong-key", "unknown-key", "stale:10"] {
        log.clear_faults();
        log.fault(kind);
        assert_ne!(log.get("latest").body, log.honest("latest").unwrap(), "{kind}");
    }
    log.clear_faults();
    log.fault("flip:tile/8/0/001:5:3");
    log.fault("status:503:tile/8/1/*,times=2,retry-after=7");
    let (tile, flipped) = (log.honest("tile/8/0/001").unwrap(), log.get("tile/8/0/001").body);
    assert_eq!(tile[5] ^ flipped[5], 8);
    assert_eq!(tile.iter().zip(&flipped).filter(|(a, b)| a != b).count(), 1);
    let statuses = [(); 3].map(|()| log.get("tile/8/1/000.p/3")).map(|answer| (answer.status, answer.retry_after));
    assert_eq!(statuses, [(503, Some(7)), (503, Some(7)), (200, None)]);
    assert!("flip:a:b".parse::<fake::Fault>().is_err());
    assert!("nonsense".parse::<fake::Fault>().is_err());
    assert!("slow:5:p:x".parse::<fake::Fault>().is_err());
}

#[test]
fn requests_are_noted_with_their_rounds() {
    let log = FakeSumdb::synthetic(1000, 5);
    let (a, b) = (log.begin("tile/8/0/000"), log.begin("tile/8/0/001"));
    log.end(b, 200);
    log.end(a, 200);
    log.get("tile/8/0/001");
    log.get("latest");
    assert_eq!((log.rounds("tile/"), log.rounds("")), (2, 3));
    assert_eq!(log.counts("tile/")["tile/8/0/001"], 2);
    log.clear_requests();
    log.log_requests(false);
    log.get("latest");
    assert!(log.requests().is_empty());
}

#[test]
fn a_gosum_comes_out_and_goes_in() {
    let log = FakeSumdb::synthetic(100_000, 5);
    let text = write_gosum(&log, 1000, 2);
    assert_eq!(text.lines().count(), 1000);
    let again = FakeSumdb::of_records(&read_gosum(&text));
    assert_eq!(again.size(), 667);
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let id = again.find(fields[0], fields[1].trim_end_matches("/go.mod")).unwrap();
        assert!(again.record_text(id).contains(line));
    }
    assert_eq!(write_gosum(&FakeSumdb::synthetic(10, 1), 1000, 1).lines().count(), 15);
}

fn exchange(log: &FakeSumdb, request: &str) -> std::io::Result<String> {
    let served = log.serve();
    let mut stream = TcpStream::connect(served.address)?;
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn it_serves_and_misbehaves_over_http() {
    let log = FakeSumdb::synthetic(1000, 5);
    let size = log.size();
    let latest = String::from_utf8(log.honest("latest").unwrap()).unwrap();
    for path in ["/latest", "/sumdb/fakelog.example/latest"] {
        assert!(exchange(&log, &format!("GET {path}")).unwrap().ends_with(&latest));
    }
    assert!(exchange(&log, "GET /sumdb/fakelog.example/supported").unwrap().starts_with("HTTP/1.1 200"));
    assert!(exchange(&log, "GET /supported").unwrap().starts_with("HTTP/1.1 404"));
    assert!(exchange(&log, "POST /grow?to=700").unwrap().contains("\n700\n"));
    let forked = exchange(&log, "POST /fork?at=500").unwrap();
    assert!(forked.ends_with(&log.head(700)));
    exchange(&log, "POST /fork?off").unwrap();
    assert!(!forked.ends_with(&log.head(700)), "the first history is shown again");
    assert!(exchange(&log, "POST /fork?at=7000").unwrap().starts_with("HTTP/1.1 400"));
    assert!(exchange(&log, "POST /grow?to=7000").unwrap().starts_with("HTTP/1.1 400"));
    assert!(exchange(&log, "POST /fault?add=truncated,times=1").unwrap().starts_with("HTTP/1.1 200"));
    let cut = exchange(&log, "GET /tile/8/data/000").unwrap();
    let whole = exchange(&log, "GET /tile/8/data/000").unwrap();
    let declared = |answer: &str| answer.lines().find(|line| line.starts_with("content-length")).map(str::to_owned);
    assert_eq!(declared(&cut), declared(&whole));
    assert!(cut.len() < whole.len() && cut.len() > whole.len() / 3, "{} of {}", cut.len(), whole.len());
    log.fault("endless:tile/8/1/000.p/2");
    assert!(exchange(&log, "GET /tile/8/1/000.p/2").unwrap().len() >= 1 << 20, "as much as is read");
    log.fault("reset:tile/8/0/*");
    assert!(exchange(&log, "GET /tile/8/0/000").is_err());
    assert!(exchange(&log, "GET /stats").unwrap().contains("lookups 0 tiles 0 others 0"));
    assert_ne!(log.size(), size);
}
