//! Each fault of what is said: it does what it says, where it is meant to, and as often.

use gosumcheck::sumdb::dirhash::h1_zip;
use gosumcheck::sumdb::modzip::check_zip;

use crate::client::{Reply, ask, get};
use crate::kit::{Bomb, Corpus, FakeMirror, Fault, Spec, Tamper, bomb, read_zip};

const ZIP: &str = "/example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "/example.com/a/@v/v1.0.0.mod";
const DATED: &str = "/example.com/a/@v/v1.0.0.info";

fn mirror() -> FakeMirror {
    FakeMirror::serve(&Corpus::of(&[
        Spec::new("example.com/a", "v1.0.0").license().noise(10_000),
        Spec::new("example.com/b", "v1.0.0"),
    ]))
}

/// The answer to a path under one fault.
fn under(fault: Fault, path: &str) -> Reply {
    let mirror = mirror();
    mirror.fault("*", fault);
    get(mirror.address(), path)
}

fn h1(zip: &[u8]) -> String {
    h1_zip(zip, 1).map_or_else(|why| why.to_string(), |hash| format!("h1:{hash}"))
}

fn rules(zip: &[u8]) -> Result<(), String> {
    check_zip(zip, "example.com/a", "v1.0.0").map_err(|why| why.to_string())
}

#[test]
fn an_honest_mirror_says_what_the_corpus_has() {
    let mirror = mirror();
    for (path, bytes) in mirror.corpus().files() {
        let reply = get(mirror.address(), &format!("/{path}"));
        assert_eq!((reply.status, &reply.body[..]), (200, &bytes[..]), "{path}");
        let head = ask(mirror.address(), "HEAD", &format!("/{path}"), &[]);
        assert_eq!((head.status, head.body.len(), &head.headers), (200, 0, &reply.headers), "{path}");
    }
    assert_eq!(get(mirror.address(), ZIP).header("content-type"), Some("application/zip"));
    assert_eq!(get(mirror.address(), DATED).header("content-type"), Some("application/json"));
    let missing = get(mirror.address(), "/example.com/c/@v/list");
    assert_eq!((missing.status, missing.text().starts_with("not found")), (404, true));
    assert_eq!(ask(mirror.address(), "POST", ZIP, &[]).status, 405);
}

#[test]
fn zips_with_one_thing_changed_have_another_hash() {
    let mirror = mirror();
    let honest = get(mirror.address(), ZIP).body;
    let count = read_zip(&honest).len();
    for (tamper, files, fault) in [
        (Tamper::FlipBit, count, ""),
        (Tamper::AddFile, count + 1, ""),
        (Tamper::RemoveFile, count - 1, ""),
        (Tamper::CaseClash, count + 1, "case"),
        (Tamper::ForeignName, count + 1, "name"),
    ] {
        let spoilt = under(Fault::Zip(tamper), ZIP);
        assert_eq!((spoilt.status, read_zip(&spoilt.body).len()), (200, files), "{tamper:?}");
        assert!(h1(&spoilt.body).starts_with("h1:") && h1(&spoilt.body) != h1(&honest), "{tamper:?}");
        assert_eq!(rules(&spoilt.body).is_err(), !fault.is_empty(), "{tamper:?}: {:?}", rules(&spoilt.body));
        assert_eq!(under(Fault::Zip(tamper), GO_MOD), get(mirror.address(), GO_MOD), "{tamper:?} is for zips");
    }
    for (tamper, name) in
        [(Tamper::ParentName, "example.com/a@v1.0.0/../../escaped.go"), (Tamper::AbsoluteName, "/escaped.go")]
    {
        let spoilt = under(Fault::Zip(tamper), ZIP).body;
        let names: Vec<_> = read_zip(&spoilt).into_iter().map(|entry| entry.name).collect();
        assert!(names.iter().any(|found| found == name) && names.len() == count + 1, "{names:?}");
        assert!(h1(&spoilt).starts_with("h1:") && rules(&spoilt).is_err(), "{tamper:?}");
    }
    for same in [Tamper::Wrapped, Tamper::Repacked] {
        let other = under(Fault::Zip(same), ZIP).body;
        assert!(other != honest && h1(&other) == h1(&honest), "{same:?}: {}", h1(&other));
    }
}

#[test]
fn bombs_are_small_and_say_or_hide_that_they_are_large() {
    for (kind, told) in [(Bomb::Honest, (4 << 30) - 1), (Bomb::Lying, 1_000), (Bomb::Overlapping, 60_000 << 16)] {
        let zip = bomb("example.com/a@v1.0.0/", kind);
        assert!(zip.len() < 8 << 20, "{kind:?}: {} bytes", zip.len());
        let archive = zip::ZipArchive::new(std::io::Cursor::new(&zip)).unwrap();
        assert_eq!(archive.decompressed_size(), Some(told), "{kind:?}");
        assert!(!h1(&zip).starts_with("h1:"), "{kind:?} has a hash");
        assert_eq!(under(Fault::Zip(Tamper::Bomb(kind)), ZIP).body, zip);
    }
    // The deflated zeros are what a reader takes for zeros.
    let zip = bomb("example.com/a@v1.0.0/", Bomb::Honest);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&zip)).unwrap();
    let mut zeros = archive.by_name("example.com/a@v1.0.0/zeros").unwrap();
    let mut piece = vec![1; 40 << 20];
    std::io::Read::read_exact(&mut zeros, &mut piece).unwrap();
    assert!(piece.iter().all(|byte| *byte == 0));
}

#[test]
fn answers_are_replaced() {
    let mirror = mirror();
    let other = "example.com/b/@v/v1.0.0.zip";
    assert_eq!(under(Fault::Swap(other.to_owned()), ZIP).body, mirror.corpus().file(other).unwrap());
    assert_eq!(under(Fault::Replace(b"x".to_vec()), "/nothing").text(), "x");
    let page = under(Fault::Html, ZIP);
    assert!(page.status == 200 && page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    let empty = under(Fault::Empty, GO_MOD);
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    let go_mod = under(Fault::WrongGoMod, GO_MOD).text();
    assert!(go_mod.starts_with("module example.com/a\n") && go_mod.contains("example.com/evil"), "{go_mod}");
    assert!(under(Fault::MovedTag("v1.0.1".to_owned()), DATED).text().contains(r#""Version":"v1.0.1""#));
    let status = under(Fault::Status(451, "not here\n".to_owned()), ZIP);
    assert_eq!((status.status, status.text().as_str()), (451, "not here\n"));
    let later = under(Fault::RetryAfter(429, "7".to_owned()), ZIP);
    assert_eq!((later.status, later.header("retry-after")), (429, Some("7")));
    let moved = under(Fault::Redirect("http://127.0.0.1:1/x".to_owned()), ZIP);
    assert_eq!((moved.status, moved.header("location")), (302, Some("http://127.0.0.1:1/x")));
    assert!(moved.text().starts_with("<!DOCTYPE"), "a body that is not a module");
    let kind = under(Fault::Header("Content-Type".to_owned(), "text/html".to_owned()), ZIP);
    assert_eq!((kind.header("content-type"), kind.body.len() > 10_000), (Some("text/html"), true));
    assert_eq!(under(Fault::LongHeader(100_000), ZIP).header("x-long").unwrap().len(), 100_000);
    assert_eq!(under(Fault::FalseGzip, ZIP).header("content-encoding"), Some("gzip"));
    let gzip = under(Fault::Gzip, GO_MOD);
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&gzip.body[..]), &mut plain).unwrap();
    assert_eq!(plain.as_bytes(), mirror.corpus().file(&GO_MOD[1..]).unwrap());
}

#[test]
fn faults_strike_where_and_as_often_as_they_are_told() {
    let mirror = mirror();
    let status = |path: &str| get(mirror.address(), path).status;
    mirror.fault_at("example.com/a/*.zip", 1, 2, Fault::Status(503, String::new()));
    assert_eq!(
        [ZIP, GO_MOD, ZIP, ZIP, ZIP, "/example.com/b/@v/v1.0.0.zip"].map(status),
        [200, 200, 503, 503, 200, 200]
    );
    mirror.fault("*", Fault::Html);
    mirror.fault_times("*", 1, Fault::Status(500, String::new()));
    assert_eq!([ZIP, ZIP].map(status), [500, 200], "the later one works on what the earlier one left");
    mirror.heal();
    assert!(get(mirror.address(), ZIP).body.starts_with(b"PK"));
    mirror.fault("*", Fault::Guard("Bearer x".to_owned()));
    assert_eq!(status(ZIP), 401);
    assert_eq!(ask(mirror.address(), "GET", ZIP, &[("Authorization", "Bearer x")]).status, 200);
}
