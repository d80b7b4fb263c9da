//! Which base the go command would use (GOPROXY), and requests through an HTTP proxy of the environment.

use std::process::{Command, Stdio};

use gosumcheck::fault::Fault;
use gosumcheck::upstream::{Got, Http, find_base};

use crate::server::*;

const NAME: &str = "sum.golang.org";
const DIRECT: &str = "https://sum.golang.org";

async fn find(proxies: &[(&str, bool)]) -> Result<String, Fault> {
    find_base(&Http::new(quick()), NAME, proxies.iter().copied()).await.map(|base| base.to_string())
}

#[tokio::test]
async fn without_a_proxy_the_database_itself_is_asked() {
    for proxies in [&[][..], &[("direct", false)], &[("off", false)], &[("noproxy", false), ("direct", false)]] {
        assert_eq!(find(proxies).await.unwrap(), DIRECT);
    }
}

#[tokio::test]
async fn the_first_proxy_that_relays_it_is_used() {
    let relays = Server::start(|_, _| status(200, "")).await;
    let not = Server::start(|_, n| status(if n % 2 == 0 { 404 } else { 410 }, "")).await;
    for falls_back in [true, false] {
        let found = find(&[(&not.url, falls_back), (&relays.url, false), ("direct", false)]).await.unwrap();
        assert_eq!(found, format!("{}/sumdb/{NAME}", relays.url));
    }
    assert_eq!(not.paths(), [format!("/sumdb/{NAME}/supported"), format!("/sumdb/{NAME}/supported")]);
    assert_eq!(relays.paths().len(), 2);
    assert_eq!(find(&[(&not.url, false), (&not.url, false)]).await.unwrap(), DIRECT);
}

#[tokio::test]
async fn a_proxy_that_fails_decides_unless_a_bar_follows() {
    let broken = Server::start(|_, _| status(403, "no")).await;
    let relays = Server::start(|_, _| status(200, "")).await;
    let not = Server::start(|_, _| status(404, "")).await;
    let fault = find(&[(&broken.url, false), (&relays.url, false)]).await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable { .. }));
    assert!(fault.to_string().contains("403 Forbidden") && fault.to_string().contains("--upstream"), "{fault}");
    assert!(relays.asked().is_empty());

    assert!(find(&[(&broken.url, true), (&relays.url, false)]).await.unwrap().starts_with(&relays.url));
    assert_eq!(find(&[(&broken.url, true), ("direct", false)]).await.unwrap(), DIRECT);
    // As in Go: neither "off" nor a 404 nor the end of the list overrides an error.
    for last in [Some("off"), Some(not.url.as_str()), None] {
        let list: Vec<(&str, bool)> =
            std::iter::once((broken.url.as_str(), true)).chain(last.map(|last| (last, false))).collect();
        assert!(find(&list).await.is_err(), "{last:?}");
    }
}

#[tokio::test]
async fn a_tree_of_modules_can_be_the_proxy() {
    let root = tempfile::tempdir().unwrap();
    let url = format!("file://{}", root.path().display());
    assert_eq!(find(&[(&url, false)]).await.unwrap(), DIRECT);
    std::fs::create_dir_all(root.path().join("sumdb").join(NAME)).unwrap();
    std::fs::write(root.path().join("sumdb").join(NAME).join("supported"), "").unwrap();
    assert_eq!(find(&[(&url, false)]).await.unwrap(), format!("{url}/sumdb/{NAME}"));
}

#[tokio::test]
async fn an_entry_that_is_no_url_is_a_usage_fault() {
    assert!(matches!(find(&[("ftp://x", true)]).await, Err(Fault::Usage(_))));
}

const ASK: &str = "GOSUMCHECK_TEST_ASK";

/// Not a test by itself: what the process of the test below runs.
#[tokio::test]
async fn asking_process() {
    let Ok(url) = std::env::var(ASK) else { return };
    let upstreams = upstreams(&[&url]);
    assert_eq!(upstreams.fetch("latest", 100).await.unwrap(), Got::Body(b"ok".to_vec(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_of_the_environment_is_asked_but_not_for_this_machine() {
    let proxy = Server::start(|_, _| status(200, "ok")).await;
    let near = Server::start(|_, _| status(200, "ok")).await;
    for url in ["http://sum.test", &near.url] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "finding::asking_process"]).env(ASK, url).env("HTTP_PROXY", &proxy.url);
        command.env("http_proxy", &proxy.url).env_remove("NO_PROXY").env_remove("no_proxy").stdout(Stdio::null());
        let status = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
        assert!(status.success(), "{url}");
    }
    assert_eq!(proxy.paths(), ["http://sum.test/latest"]);
    assert_eq!(near.paths(), ["/latest"]);
}
