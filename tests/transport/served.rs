//! Requests over TLS: answered as without it, within the same limits.

use std::io::{Read as _, Write as _};

use crate::common::Serving;
use crate::kit::{Site, Spec, until};
use crate::world::{Authority, Files, TLS, ask, at, client, command, connect, get, get_plain, serve, tcp};

/// The files of a server, and the authority that signed them.
fn files() -> (Authority, Files) {
    let authority = Authority::new("private");
    let files = Files::of(&authority.plain("server"));
    (authority, files)
}

#[test]
fn both_versions_of_tls_answer_and_the_certificate_is_in_the_metrics() {
    let (authority, files) = files();
    let serving = serve(&files, &[]);
    let trusting = client(&authority, None);
    assert!(get(at(&serving), &trusting, "/healthz").unwrap().ends_with("\r\n\r\nalive\n"));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut stream = connect(at(&serving), &config);
        // hyper recognises HTTP/1.1 by its first bytes, whatever ALPN says.
        assert!(ask(&mut stream, "/healthz").unwrap().ends_with("alive\n"));
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    }
    let page = get(at(&serving), &trusting, "/").unwrap();
    assert!(page.contains("GOPROXY=https://localhost"), "{page}");
    let metrics = get(at(&serving), &trusting, "/metrics").unwrap();
    // rcgen's certificates end with the year 4095.
    let line = "gosumcheck_tls_certificate_expiry_timestamp_seconds{file=\"cert.pem\"} 67090";
    assert!(metrics.contains(line), "{metrics}");
    assert_eq!(serving.end("-TERM").0, 0);
}

#[test]
fn a_client_without_tls_is_told_so() {
    let (_, files) = files();
    let serving = serve(&files, &[]);
    let answer = get_plain(at(&serving), "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.0 400 ") && answer.contains("this address speaks TLS: write https://"),
        "{answer}"
    );
}

#[test]
fn a_module_is_the_same_over_tls_and_without() {
    let (authority, files) = files();
    let site = Site::of(&[Spec::new("example.com/a", "v1.0.0").noise(3_000_000)]);
    let (mirror, sumdb) = (site.mirror.url(), site.sumdb());
    let args = [&TLS[..], &["--proxy", &mirror, "--sumdb", &sumdb, "--private", "none"]].concat();
    let serving = Serving::start(&mut command(&files, &args));
    let zip = site.corpus.zip("example.com/a", "v1.0.0");
    let path = "/example.com/a/@v/v1.0.0.zip";
    // Cold, then from the disk.
    for _ in 0..2 {
        let mut stream = connect(at(&serving), &client(&authority, None));
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert!(answer[end + 4..] == zip[..], "{}", String::from_utf8_lossy(&answer[..end]));
    }
    assert_eq!(serving.end("-TERM").0, 0);
}

#[test]
fn a_client_that_must_have_a_certificate_gets_nothing_without_one() {
    let (authority, files) = files();
    files.write("ca.pem", &authority.pem());
    let (own, stranger) = (authority.plain("build"), Authority::new("other").plain("build"));
    let required = serve(&files, &["--tls-client-ca", "ca.pem"]);
    let others = Files::of(&authority.plain("server"));
    others.write("ca.pem", &authority.pem());
    let optional = serve(&others, &["--tls-client-ca", "ca.pem", "--tls-client-auth", "optional"]);
    let alive =
        |serving: &Serving, config| get(at(serving), &config, "/healthz").is_ok_and(|text| text.contains("alive"));
    for serving in [&required, &optional] {
        assert!(alive(serving, client(&authority, Some(&own))));
        assert!(!alive(serving, client(&authority, Some(&stranger))));
        assert!(!alive(serving, client(&authority, Some(&authority.expired("build")))));
    }
    assert!(!alive(&required, client(&authority, None)));
    assert!(alive(&optional, client(&authority, None)));
}

#[test]
fn a_handshake_that_does_not_end_is_ended_within_the_header_timeout() {
    let (authority, files) = files();
    let serving = serve(&files, &["--header-timeout", "300ms"]);
    // Nothing at all; a record that does not end; a byte now and then is as good as none.
    for begin in [&b""[..], &[22], &[22, 3, 1, 2, 0, 1, 0, 1, 252]] {
        let mut stream = tcp(at(&serving));
        stream.write_all(begin).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest); // a reset is an end too
        assert!(rest.len() < 16, "{rest:?}");
    }
    // A handshake that is over, and no request.
    let mut stream = connect(at(&serving), &client(&authority, None));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    let _ = stream.read_to_end(&mut Vec::new()); // an end without close_notify is an end too
    let metrics = get(at(&serving), &client(&authority, None), "/metrics").unwrap();
    assert!(metrics.contains("gosumcheck_connections_ended_total{reason=\"head\"} 4"), "{metrics}");
}

#[test]
fn handshakes_that_do_not_end_keep_nobody_waiting() {
    let (authority, files) = files();
    let serving = serve(&files, &["--connections", "8", "--header-timeout", "60s", "--jobs", "1"]);
    let slow: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = tcp(at(&serving));
            stream.write_all(&[22, 3, 1]).unwrap();
            stream
        })
        .collect();
    for _ in 0..16 {
        assert!(get(at(&serving), &client(&authority, None), "/healthz").unwrap().ends_with("alive\n"));
    }
    let metrics = get(at(&serving), &client(&authority, None), "/metrics").unwrap();
    let ended =
        metrics.lines().find_map(|line| line.strip_prefix("gosumcheck_connections_ended_total{reason=\"pressure\"} "));
    assert!(ended.is_some_and(|count| count.trim().parse::<u32>().unwrap() >= 16), "{metrics}");
    drop(slow);
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_and_its_file_with_it() {
    let (authority, files) = files();
    let site = Site::of(&[Spec::new("example.com/a", "v1.0.0").noise(30_000_000)]);
    let (mirror, sumdb) = (site.mirror.url(), site.sumdb());
    let limits = ["--write-timeout", "400ms", "--proxy", &mirror, "--sumdb", &sumdb, "--private", "none"];
    let serving = Serving::start(&mut command(&files, &[&TLS[..], &limits].concat()));
    let trusting = client(&authority, None);
    let whole = get(at(&serving), &trusting, "/example.com/a/@v/v1.0.0.zip").unwrap();
    assert!(whole.starts_with("HTTP/1.1 200 "));
    let mut stream = connect(at(&serving), &trusting);
    stream.write_all(b"GET /example.com/a/@v/v1.0.0.zip HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let metric = |name: &str| {
        let metrics = get(at(&serving), &trusting, "/metrics").unwrap();
        metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
    };
    until("the client is cut off", || metric("gosumcheck_connections_ended_total{reason=\"write\"} ") == Some(1));
    assert_eq!(metric("gosumcheck_files_in_flight "), Some(0));
    assert_eq!(metric("gosumcheck_body_bytes "), Some(0));
    drop(stream);
}

#[test]
fn a_client_that_stops_during_a_stop_keeps_nothing_open() {
    let (authority, files) = files();
    let serving = serve(&files, &["--stop-timeout", "60s"]);
    let idle = connect(at(&serving), &client(&authority, None));
    let mut half = tcp(at(&serving));
    half.write_all(&[22, 3]).unwrap();
    let mut open = connect(at(&serving), &client(&authority, None));
    open.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    open.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let (code, logged) = serving.end("-TERM");
    assert!(code == 0 && !logged.contains("cut off"), "{logged}");
    drop((idle, half));
}
