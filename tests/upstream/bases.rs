//! Several bases: their order, when the next one is tried, and what the error says when none has the answer.

use gosumcheck::fault::Fault;
use gosumcheck::sumdb;
use gosumcheck::upstream::{Absence, Got};

use crate::server::*;

const LIMIT: usize = 1000;

fn tree() -> (tempfile::TempDir, String) {
    let root = tempfile::tempdir().unwrap();
    let url = format!("file://{}", root.path().display());
    (root, url)
}

#[tokio::test]
async fn the_next_base_is_asked_on_absence_and_on_failure() {
    let (_root, empty) = tree();
    let missing = Server::start(|_, _| status(404, "")).await;
    let forbidden = Server::start(|_, _| status(403, "")).await;
    let dead = dead_url().await;
    let good = Server::start(|path, _| status(200, path)).await;
    let unused = Server::start(|path, _| status(200, path)).await;
    let urls = [&empty, &missing.url, &forbidden.url, &dead, &good.url, &unused.url];
    let upstreams = upstreams(&urls.map(String::as_str));
    assert_eq!(upstreams.fetch("latest", LIMIT).await.unwrap(), Got::Body(b"/latest".to_vec(), 4));
    assert_eq!(unused.asked().len(), 0);
    assert_eq!(missing.paths(), ["/latest"]);
    assert!(upstreams.names().eq(urls.iter().map(|url| url.as_str())));
    assert!(matches!(upstreams.fetch_from(1, "latest", LIMIT).await.unwrap(), Got::Absent(_)));
    assert_eq!(upstreams.fetch_from(5, "latest", LIMIT).await.unwrap(), Got::Body(b"/latest".to_vec(), 5));
    assert!(upstreams.fetch_from(6, "latest", LIMIT).await.is_err());
}

#[tokio::test]
async fn a_tree_that_lacks_something_is_no_log_that_says_no() {
    let (root, url) = tree();
    std::fs::create_dir_all(root.path().join("lookup/a.example")).unwrap();
    std::fs::write(root.path().join("lookup/a.example/!m@v1.0.0+incompatible"), "record").unwrap();
    std::fs::write(root.path().join("latest"), "").unwrap();
    let trees = upstreams(&[&url]);
    let found = trees.fetch("lookup/a.example/!m@v1.0.0+incompatible", LIMIT).await.unwrap();
    assert_eq!(found, Got::Body(b"record".to_vec(), 0));
    let absent = |got: Got| match got {
        Got::Absent(Absence { by, authoritative }) => (by.join("; "), authoritative),
        Got::Body(bytes, _) => panic!("{bytes:?}"),
    };
    assert_eq!(absent(trees.fetch("tile/8/0/000", LIMIT).await.unwrap()), (format!("{url}: not held"), false));
    assert_eq!(absent(trees.fetch("latest", LIMIT).await.unwrap()), (format!("{url}: has an empty file"), false));
    assert_eq!(trees.requests(), 3);

    let missing = Server::start(|_, _| status(404, "")).await;
    let both = upstreams(&[&url, &missing.url]);
    let expected = format!("{url}: not held; {}: 404 Not Found", missing.url);
    assert_eq!(absent(both.fetch("tile/8/0/000", LIMIT).await.unwrap()), (expected, true));
}

#[tokio::test]
async fn an_absence_beside_a_failure_is_a_failure_that_names_both() {
    let missing = Server::start(|_, _| status(404, "")).await;
    let forbidden = Server::start(|_, _| status(403, "")).await;
    let fault = upstreams(&[&missing.url, &forbidden.url]).fetch("latest", LIMIT).await.unwrap_err();
    let expected = format!("latest: {}: 404 Not Found; {}: 403 Forbidden", missing.url, forbidden.url);
    assert!(matches!(fault, Fault::Unavailable { .. }));
    assert_eq!(fault.to_string(), expected);
}

#[tokio::test]
async fn bytes_that_do_not_pass_are_as_good_as_none() {
    let judge = |bytes: Vec<u8>| match bytes.as_slice() {
        b"good" => Ok(bytes.len()),
        _ => Err(sumdb::Error::unproven("tile/8/0/000", "another hash")),
    };
    let bad = Server::start(|_, _| status(200, "bad")).await;
    let good = Server::start(|_, _| status(200, "good")).await;
    let two = upstreams(&[&bad.url, &good.url]);
    assert_eq!(two.fetch_where("tile/8/0/000", LIMIT, judge).await.unwrap(), Got::Body(4, 1));
    assert_eq!(bad.asked().len(), 1, "a refusal is not tried again");

    let missing = Server::start(|_, _| status(404, "")).await;
    let none = upstreams(&[&missing.url, &bad.url]);
    let fault = none.fetch_where("tile/8/0/000", LIMIT, judge).await.unwrap_err();
    assert!(matches!(fault, Fault::Refused { .. }));
    let reason = format!("unproven tile/8/0/000: another hash; {}: 404 Not Found", missing.url);
    assert_eq!(fault.to_string(), format!("{}/tile/8/0/000 sent bytes that were refused: {reason}", bad.url));
}

#[tokio::test]
async fn strange_paths_are_not_asked_for() {
    let server = Server::start(|path, _| status(200, path)).await;
    let (root, url) = tree();
    std::fs::write(root.path().parent().unwrap().join("gosumcheck-outside"), "x").unwrap();
    let upstreams = upstreams(&[&server.url, &url]);
    for path in ["../gosumcheck-outside", "/etc/passwd", "a/../../b", "", "a?b", "a%2e%2e/b"] {
        assert!(matches!(upstreams.fetch(path, LIMIT).await, Err(Fault::Usage(_))), "{path:?}");
    }
    assert_eq!((server.asked().len(), upstreams.requests()), (0, 0));
    std::fs::remove_file(root.path().parent().unwrap().join("gosumcheck-outside")).unwrap();
}

#[tokio::test]
async fn no_base_is_a_fault() {
    assert!(matches!(upstreams(&[]).fetch("latest", LIMIT).await, Err(Fault::Unavailable { .. })));
}

#[tokio::test]
async fn a_netrc_password_is_sent_to_its_machine() {
    let server = Server::start(|_, _| status(200, "ok")).await;
    let netrc = tempfile::NamedTempFile::new().unwrap();
    let machine = server.url.trim_start_matches("http://");
    std::fs::write(netrc.path(), format!("machine {machine} login me password s3cret\n")).unwrap();
    let settings = gosumcheck::upstream::Settings { netrc: Some(netrc.path().to_path_buf()), ..quick() };
    assert!(matches!(upstreams_with(settings, &[&server.url]).fetch("latest", LIMIT).await.unwrap(), Got::Body(..)));
    assert_eq!(server.asked()[0].headers["authorization"], "Basic bWU6czNjcmV0");
}
