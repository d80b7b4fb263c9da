//! Credentials, which only their own server gets, outbound proxies, certificates, and redirects to private addresses.

use gosumcheck::fault::Fault;
use gosumcheck::upstream::{Access, Base, FailureKind, Proxies, Settings};

use crate::server::*;
use crate::world::*;

const LIST: &str = "example.com/m/@v/list";

#[tokio::test]
async fn a_token_goes_to_its_proxy_and_to_nobody_else() {
    let storage = Server::start(|_, _| answer(200, "v1.0.0\n")).await;
    let location = format!("{}/list", storage.url);
    let server = Server::start(move |_, _| moved(&location)).await;
    let url = server.url.replace("http://", "http://me:pw@");
    let access = Access::default().bearer(&Base::parse(&url).unwrap(), " s3cret\n").unwrap();
    let settings = Settings { access, ..quick() };
    assert!(!format!("{settings:?}").contains("s3cret"));
    let proxies = Proxies::new(vec![entry(&url, settings)]);
    assert!(!format!("{proxies:?}").contains("s3cret"));
    assert_eq!(body(fetch(&proxies, LIST).await), "v1.0.0\n");
    assert_eq!(server.asked()[0].header("authorization"), "Bearer s3cret");
    assert_eq!(storage.asked()[0].header("authorization"), "");
}

#[test]
fn a_token_is_one_word_and_does_not_travel_in_clear() {
    let refused = |base: &str, token: &str| {
        let fault = Access::default().bearer(&Base::parse(base).unwrap(), token).unwrap_err();
        assert!(matches!(fault, Fault::Usage(_)) && !fault.to_string().contains("s3cret"), "{fault}");
        fault.to_string()
    };
    let told = refused("http://proxy.example", "s3cret");
    assert_eq!(told, "the token for http://proxy.example: refusing to send a token over plain http");
    refused("https://proxy.example", "s3cret two");
    refused("https://proxy.example", "s3cret\r\nx: y");
    refused("https://proxy.example", "");
    refused("file:///srv", "s3cret");
    Access::default().bearer(&Base::parse("https://proxy.example").unwrap(), "s3cret").unwrap();
}

#[tokio::test]
async fn a_proxy_on_the_way_out_is_asked_but_not_for_this_machine() {
    let way_out = Server::start(|asked, _| answer(200, &asked.path)).await;
    let access = || Access::default().proxy(&way_out.url.replace("http://", "http://me:s3cret@")).unwrap();
    assert!(!format!("{:?}", access()).contains("s3cret"));
    let settings = || Settings { access: access(), ..quick() };
    let far = Proxies::new(vec![entry("http://mirror.example/go", settings())]);
    assert_eq!(body(fetch(&far, LIST).await), format!("http://mirror.example/go/{LIST}"));
    assert_eq!(way_out.asked()[0].header("proxy-authorization"), "Basic bWU6czNjcmV0");
    let near = Server::start(|asked, _| answer(200, &asked.path)).await;
    assert_eq!(body(fetch(&Proxies::new(vec![entry(&near.url, settings())]), LIST).await), format!("/{LIST}"));
    assert_eq!(way_out.asked().len(), 1);
    for wrong in ["", "mirror.example:1", "ftp://me:s3cret@x", "http://", "file:///x"] {
        let fault = Access::default().proxy(wrong).unwrap_err();
        assert!(matches!(fault, Fault::Usage(_)) && !fault.to_string().contains("s3cret"), "{wrong:?}: {fault}");
    }
}

#[tokio::test]
async fn redirects_to_private_addresses_are_not_followed() {
    let inside = Server::start(|_, _| answer(200, "the machine's secrets")).await;
    let port = inside.url.rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let location = format!("http://{host}:{port}/secrets?token=s3cret");
        let way_out = Server::start(move |_, _| moved(&location)).await;
        let settings = Settings { access: Access::default().proxy(&way_out.url).unwrap(), ..quick() };
        let proxies = Proxies::new(vec![entry("http://mirror.example", settings)]);
        let failure = fetch(&proxies, LIST).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Redirect, "{failure}");
        assert!(failure.why.starts_with("redirects to a private address, http://"), "{failure}");
        assert!(!failure.why.contains("s3cret"), "{failure}");
        assert!(download(&proxies, &mut Memory::default()).await.is_err());
        assert_eq!(way_out.asked().len(), 2);
    }
    assert!(inside.asked().is_empty());
}

#[test]
fn certificates_are_a_file_of_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let refused = |words: &str| {
        let fault = Access::default().certificates(&file).unwrap_err();
        assert!(fault.to_string().contains(words), "{fault}");
    };
    refused("No such file");
    for wrong in ["", "words", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&file, wrong).unwrap();
        refused("has no certificates in PEM form");
    }
}
