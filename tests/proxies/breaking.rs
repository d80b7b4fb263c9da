//! Proxies that are down: no more requests after a few failures, probes, and requests again when they are back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gosumcheck::upstream::{BreakerState, Proxies, Settings};
use tokio::net::TcpListener;

use crate::server::*;
use crate::world::*;

const LIST: &str = "example.com/m/@v/list";

fn once() -> Settings {
    Settings { tries: 1, ..quick() }
}

#[tokio::test]
async fn a_proxy_that_is_gone_is_left_alone_and_found_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxies = Proxies::new(vec![entry(&format!("http://{address}"), once())]);
    for _ in 0..3 {
        assert_eq!(proxies.states()[0].breaker, BreakerState::Closed);
        fetch(&proxies, LIST).await.unwrap_err();
    }
    let state = &proxies.states()[0];
    assert_eq!((state.breaker, state.requests, state.failures), (BreakerState::Open, 3, 3));
    let failure = fetch(&proxies, LIST).await.unwrap_err();
    assert!(failure.why.starts_with("cannot connect: ") && failure.why.ends_with("not asked again)"), "{failure}");
    let mut sink = Memory::default();
    assert_eq!(download(&proxies, &mut sink).await.unwrap_err().why, failure.why);
    assert_eq!(proxies.states()[0].requests, 3, "it was not asked");

    let server = Server::on(TcpListener::bind(address).await.unwrap(), |_, _| text(404, ""));
    let until_closed = async {
        while proxies.states()[0].breaker != BreakerState::Closed {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = proxies.probe() => panic!("it looks after them for ever"),
        () = until_closed => {}
    }
    assert_eq!(server.paths(), ["/"], "any answer will do, and one is enough");
    assert!(!missing(fetch(&proxies, LIST).await).is_empty());
}

#[tokio::test]
async fn a_proxy_with_nobody_behind_it_is_still_out() {
    let back = Arc::new(AtomicBool::new(false));
    let is_back = back.clone();
    let server =
        Server::start(move |_, _| if is_back.load(Ordering::SeqCst) { answer(200, "v1.0.0\n") } else { text(502, "") })
            .await;
    let proxies = Proxies::new(vec![entry(&server.url, once())]);
    for _ in 0..12 {
        assert_eq!(proxies.states()[0].breaker, BreakerState::Closed);
        fetch(&proxies, LIST).await.unwrap_err();
    }
    assert_eq!(proxies.states()[0].breaker, BreakerState::Open);
    let looks = async {
        while server.asked().len() < 12 + 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(proxies.states()[0].breaker, BreakerState::Open);
        back.store(true, Ordering::SeqCst);
        while proxies.states()[0].breaker != BreakerState::Closed {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = proxies.probe() => panic!(),
        () = looks => {}
    }
    assert_eq!(body(fetch(&proxies, LIST).await), "v1.0.0\n");
}

#[tokio::test]
async fn an_answer_of_any_kind_keeps_it_closed() {
    let server =
        Server::start(|_, n| if n % 3 == 2 { text(403, "") } else { answer(200, "").cut(0, End::Close) }).await;
    let broken =
        Server::start(|_, n| if n % 3 == 2 { text(404, "") } else { answer(200, "x").cut(0, End::Reset) }).await;
    for url in [&server.url, &broken.url] {
        let proxies = Proxies::new(vec![entry(url, once())]);
        for _ in 0..12 {
            let _ = fetch(&proxies, LIST).await;
        }
        assert_eq!((proxies.states()[0].breaker, proxies.states()[0].requests), (BreakerState::Closed, 12));
    }
}

#[tokio::test]
async fn proxies_with_a_closed_breaker_are_not_probed() {
    let server = Server::start(|_, _| text(404, "")).await;
    let root = tempfile::tempdir().unwrap();
    let proxies = proxies(&[&server.url, &format!("file://{}", root.path().display())]);
    assert!(tokio::time::timeout(Duration::from_millis(20), proxies.probe()).await.is_err());
    assert!(server.asked().is_empty());
}
