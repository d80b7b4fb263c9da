//! Clients of other implementations over the mirror of a large log.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::common::skip;
use super::fake::{FakeSumdb, write_gosum};
use super::served::{serve, serve_with, sumdb, sync};
use super::world::{World, expect, go};

/// Records in the log: more than two levels of tiles, and a right edge on each.
const RECORDS: u64 = 100_003;
/// Lines that are looked up, each round others.
const LINES: usize = 600;

#[test]
fn xmods_client_proves_random_records_of_the_mirror() {
    let Some(go) = go() else { return };
    let log = FakeSumdb::synthetic(RECORDS, 7);
    let upstream = log.serve();
    let mut world = World::new(go, "off");
    sync(&world, "data", &log, &upstream.url());
    let server = serve(&world, "data", &log, &upstream.url());
    log.clear_requests();
    let path = |name: &str| world.path(name).display().to_string();
    for round in 1..4 {
        let gosum = path("go.sum");
        fs::write(&gosum, write_gosum(&log, LINES, round)).unwrap();
        let mut client = go.program("client");
        client.args(["-key", &log.vkey(), "-url", &server.url, "-state", &path("state"), &gosum]);
        assert_eq!(expect(0, &client.output().unwrap()), format!("verified {LINES}\n"));
    }
    assert_eq!(log.requests().len(), 0, "all of it is held");
    // Ours, too, asks nobody, not even a proxy whether it relays the database: the data folder has it all.
    let (key, gosum) = (log.vkey(), path("go.sum"));
    world.proxy = "http://127.0.0.1:1".to_owned();
    for offline in [&[][..], &["--offline"]] {
        let arguments = [&["audit", "--sumdb", &key][..], offline, &[&gosum]].concat();
        expect(0, &world.gosumcheck("data", &arguments));
    }
    assert_eq!(log.requests().len(), 0);
}

/// filippo.io/torchwood knows nothing of checksum databases: for it this is a log like any other (C2SP tlog-tiles).
#[test]
fn torchwoods_client_proves_every_record_of_the_mirror() {
    let Some(go) = go() else { return };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mirror_go/torchwood");
    let mut client = match go.build(&source) {
        Ok(client) => client,
        Err(why) => return skip(&format!("torchwood cannot be had: {why}"), "GOSUMCHECK_REQUIRE_GO"),
    };
    let log = FakeSumdb::synthetic(RECORDS, 8);
    let upstream = log.serve();
    let world = World::new(go, "off");
    sync(&world, "data", &log, &upstream.url());
    let server = serve(&world, "data", &log, &upstream.url());
    log.clear_requests();
    let origin = hex::encode(Sha256::digest("go.sum database tree"));
    client.args([log.vkey(), format!("{}/tlog/{origin}/", server.url)]);
    let texts: String = (0..RECORDS).map(|id| log.record_text(id)).collect();
    let hash = hex::encode(Sha256::digest(texts));
    assert_eq!(expect(0, &client.output().unwrap()), format!("verified {RECORDS} {hash}\n"));
    assert_eq!(log.requests().len(), 0, "all of it is held");
}

#[test]
fn torchwood_accepts_our_cosigned_checkpoints_and_proofs_under_them() {
    let Some(go) = go() else { return };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mirror_go/torchwood");
    let client = || match go.build(&source) {
        Ok(client) => Some(client),
        Err(why) => {
            skip(&format!("torchwood cannot be had: {why}"), "GOSUMCHECK_REQUIRE_GO");
            None
        }
    };
    let (Some(mut ours), Some(mut strangers)) = (client(), client()) else { return };
    let log = FakeSumdb::synthetic(700, 8);
    let upstream = log.serve();
    let world = World::new(go, "off");
    let path = |name: &str| world.path(name).display().to_string();
    let generate = |name: &str| {
        let args = ["key", "generate", "--kind", "cosignature", "mirror.example/go", &path(name)];
        expect(0, &world.gosumcheck("data", &args)).trim_end().to_owned()
    };
    let (vkey, other) = (generate("key"), generate("other"));
    sync(&world, "data", &log, &upstream.url());
    let server = serve_with(&world, "data", &log, &upstream.url(), &["--cosign", &path("key")]);
    let tlog = format!("{}/tlog/{}", server.url, hex::encode(Sha256::digest("go.sum database tree")));
    // A second machine takes the server for the witness that its policy asks for, and passes the proof on.
    fs::write(path("policy"), format!("log {}\nwitness mirror {vkey}\nquorum mirror\n", log.vkey())).unwrap();
    fs::write(path("go.sum"), write_gosum(&log, 2, 3)).unwrap();
    let asked = sumdb(&log, &upstream.url());
    let audit = ["audit", "--sumdb", &asked, "--policy", &path("policy"), "--distributor", &tlog];
    expect(0, &world.gosumcheck("second", &[&audit[..], &["--proof", &path("proof"), &path("go.sum")]].concat()));
    let proofs = fs::read_to_string(path("proof")).unwrap();
    let first = proofs.match_indices("c2sp.org/tlog-proof@v1").nth(1).map_or(proofs.len(), |(at, _)| at);
    fs::write(path("one"), &proofs[..first]).unwrap();
    let checks = |client: &mut std::process::Command, cosigner: &str| {
        client.args([&log.vkey(), &format!("{tlog}/"), cosigner, &path("one")]).output().unwrap()
    };
    assert_eq!(expect(0, &checks(&mut ours, &vkey)), "cosigned 700\n");
    assert!(!checks(&mut strangers, &other).status.success(), "another key's cosignature is not there");
}
