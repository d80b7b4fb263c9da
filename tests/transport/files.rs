//! Wrong files: each is refused before the server starts, with the file and the reason, and nothing listens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519};

use crate::world::{Authority, Files, TLS, at, client, command, get, serve};

/// Exit code and standard error of a server that does not start.
fn refused(command: &mut Command) -> (i32, String) {
    let ran = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "", "it listens");
    (ran.status.code().unwrap(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn every_wrong_file_is_named_with_the_reason() {
    let (authority, other) = (Authority::new("one"), Authority::new("two"));
    let own = authority.plain("own");
    let stranger = other.plain("stranger");
    let cut = own.pem.replace("-----END CERTIFICATE-----", "");
    let no_base64 = own.pem.replace("MII", "!!!");
    let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let wrong_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let other_way_round = authority.pem() + &own.pem;
    let second_is_none = own.pem.clone() + not_der;
    let cases = [
        ("cert.pem", "", "cert.pem: has no certificates in PEM form"),
        ("cert.pem", "words", "cert.pem: has no certificates in PEM form"),
        ("cert.pem", &own.key_pem, "cert.pem: has no certificates in PEM form"),
        ("cert.pem", &cut, "cert.pem: is not PEM: "),
        ("cert.pem", &no_base64, "cert.pem: is not PEM: "),
        ("cert.pem", not_der, "cert.pem: certificate 1: "),
        ("cert.pem", &second_is_none, "cert.pem: certificate 2: not a certificate: "),
        ("cert.pem", &stranger.pem, "key.pem: is not the key of the certificate in cert.pem"),
        (
            "cert.pem",
            &other_way_round,
            "cert.pem: the certificate of the key key.pem must be the first one of the file",
        ),
        ("key.pem", "", "key.pem: has no private key in PEM form"),
        ("key.pem", &own.pem, "key.pem: has no private key in PEM form"),
        ("key.pem", encrypted, "key.pem: the key is encrypted; write it without a password: openssl pkey"),
        ("key.pem", wrong_key, "key.pem: the key is of no kind that TLS uses here"),
        ("key.pem", &stranger.key_pem, "key.pem: is not the key of the certificate in cert.pem"),
        ("ca.pem", "", "ca.pem: has no certificates in PEM form"),
        ("ca.pem", not_der, "ca.pem: certificate 1: not an authority: "),
    ];
    for (name, text, why) in cases {
        let files = Files::of(&own);
        files.write("ca.pem", &authority.pem());
        files.write(name, text);
        let (code, told) = refused(&mut command(&files, &[&TLS[..], &["--tls-client-ca", "ca.pem"]].concat()));
        let last = told.lines().last().unwrap_or_default();
        assert!(code == 2 && last.starts_with("gosumcheck: ") && last.contains(why), "{name} {text:.40}: {told}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let own = Authority::new("one").plain("own");
    for name in ["cert.pem", "key.pem"] {
        let files = Files::of(&own);
        fs::remove_file(files.path(name)).unwrap();
        let (code, told) = refused(&mut command(&files, &TLS));
        assert!(code == 2 && told.contains(&format!("gosumcheck: {name}: cannot be read: No such file")), "{told}");
        fs::create_dir(files.path(name)).unwrap();
        let (code, told) = refused(&mut command(&files, &TLS));
        assert!(code == 2 && told.contains(&format!("{name}: cannot be read: it is a folder")), "{told}");
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let files = Files::of(&Authority::new("one").plain("own"));
    for (args, why) in [
        (&["--tls-listen", "127.0.0.1:0"][..], "tls.listen is set: set tls.cert and tls.key too"),
        (&["--tls-cert", "cert.pem"], "tls.cert is set: set tls.key too"),
        (&["--tls-key", "key.pem"], "tls.key is set: set tls.cert too"),
        (&["--tls-cert", "cert.pem", "--tls-key", "key.pem"], "no address speaks TLS: set tls.listen"),
        (&["--tls-client-ca", "cert.pem"], "tls.client_ca is set: set tls.cert and tls.key too"),
        (&["--listen", "none"], "listen: no address to listen at"),
    ] {
        let (code, told) = refused(&mut command(&files, args));
        assert!(code == 2 && told.contains(why), "{args:?}: {told}");
    }
}

#[test]
fn what_can_be_served_and_is_not_right_is_said() {
    let authority = Authority::new("one");
    let nameless = authority.issue("nameless", |params| params.subject_alt_names.clear());
    let own = authority.plain("own");
    let other = Authority::new("two");
    for (certificate, mode, why) in [
        (authority.expired("old"), 0o600, "cert.pem: the certificate expired "),
        (
            authority.issue("early", |params| params.not_before = rcgen::date_time_ymd(3000, 1, 1)),
            0o600,
            "cert.pem: the certificate is not valid yet",
        ),
        (nameless, 0o600, "cert.pem: the certificate names no host (subjectAltName)"),
        (authority.plain("open"), 0o644, "key.pem: every user of this machine can read or write the key: chmod o="),
    ] {
        let files = Files::of(&certificate);
        fs::set_permissions(files.path("key.pem"), fs::Permissions::from_mode(mode)).unwrap();
        let (code, told) = serve(&files, &[]).end("-TERM");
        assert!(code == 0 && told.contains(why), "{told}");
    }
    let files = Files::of(&own);
    files.write("cert.pem", &(own.pem.clone() + &other.pem()));
    assert!(serve(&files, &[]).end("-TERM").1.contains("cert.pem: the certificates are not a chain"));
    files.write("cert.pem", &(own.pem.clone() + &authority.pem()));
    let (_, told) = serve(&files, &[]).end("-TERM");
    assert!(!told.contains("WARN gosumcheck::cli::serve::tls"), "{told}");
}

#[test]
fn a_certificate_of_any_usual_kind_is_served() {
    // The authority of the other tests uses ECDSA; the key of a server may be of another kind.
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "ed");
    let certificate = params.self_signed(&key).unwrap();
    let files = Files::empty();
    files.write("cert.pem", &certificate.pem());
    files.write("key.pem", &key.serialize_pem());
    let serving = serve(&files, &[]);
    let refusal = get(at(&serving), &client(&Authority::new("one"), None), "/healthz").unwrap_err();
    assert!(refusal.contains("UnknownIssuer"), "{refusal}");
    let (code, _) = serving.end("-TERM");
    assert_eq!(code, 0);
}
