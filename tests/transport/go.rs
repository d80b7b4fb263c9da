//! The real go command through TLS, with a private authority that only SSL_CERT_FILE names.

use crate::common::Serving;
use crate::kit::{Machine, Site, Spec, expect, told};
use crate::world::{Authority, Files, TLS, command};

#[test]
fn go_builds_through_tls_over_both_versions_of_http() {
    let site = Site::of(&[
        Spec::new("example.com/b", "v1.2.0").license(),
        Spec::new("example.com/a", "v1.0.0").requires("example.com/b", "v1.2.0").noise(400_000),
    ]);
    let authority = Authority::new("private");
    let files = Files::of(&authority.plain("server"));
    let trusted = files.write("ca.pem", &authority.pem()).display().to_string();
    let (mirror, sumdb) = (site.mirror.url(), site.sumdb());
    let args = ["--proxy", &mirror, "--sumdb", &sumdb, "--private", "none", "--access-log", "all"];
    let serving = Serving::start(&mut command(&files, &[&TLS[..], &args].concat()));
    let url = serving.url.replace("127.0.0.1", "localhost");
    for (setting, version) in [("http2client=1", "HTTP/2.0"), ("http2client=0", "HTTP/1.1")] {
        let Some(machine) = Machine::new(&url, &format!("{} {url}", site.log.vkey())) else { return };
        let machine = machine.with("SSL_CERT_FILE", &trusted).with("GODEBUG", setting);
        let folder = machine.project("main", &[("example.com/a", "v1.0.0")]);
        let before = serving.logged().len();
        expect(0, &machine.go(&folder, &["mod", "tidy"]));
        expect(0, &machine.go(&folder, &["build", "./..."]));
        crate::kit::until("the zip is in the log", || {
            serving.logged()[before..].contains("/example.com/a/@v/v1.0.0.zip")
        });
        let logged = serving.logged()[before..].to_owned();
        let requests: Vec<&str> = logged.lines().filter(|line| line.contains(" request ")).collect();
        assert!(!requests.is_empty() && requests.iter().all(|line| line.contains(version)), "{version}: {logged}");
    }
    // Without the authority go trusts nobody here.
    let Some(machine) = Machine::new(&url, &format!("{} {url}", site.log.vkey())) else { return };
    let (code, _, said) = told(&machine.go(&machine.path("."), &["mod", "download", "example.com/a@v1.0.0"]));
    assert!(code != 0 && said.contains("certificate signed by unknown authority"), "{said}");
    assert_eq!(serving.end("-TERM").0, 0);
}
