//! Notes and keys: real ones, each rule of opening, and every single bit changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use super::*;

const LOG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const REAL: &str = "go.sum database tree\n41272598\nh5RfXUbE1op5VdAIjQbb49fMJMYv53ZgufGVCTLclQE=\n\n— sum.golang.org Az3grltIaL8UEnnGEkUVbfKXT65x89DjHWQGzd9sHuzUG1Eh3iifEHddQ4xBvDCfp7uUFVEs9LjjdX9kUTtkT/qhLAE=\n";
const TEST_VKEY: &str = "localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6";
const TEST_SKEY: &str = "PRIVATE+KEY+localhost.localdev/sumdb+00000c67+AXu6+oaVaOYuQOFrf1V59JK1owcFlJcHwwXHDfDGxSPk";

fn log() -> VerifierKey {
    VerifierKey::parse(LOG).unwrap()
}

#[test]
fn a_real_note_verifies_and_prints_as_it_came() {
    let note = Note::open(REAL.as_bytes(), &[log()]).unwrap();
    assert!(note.text().ends_with("lQE=\n"));
    assert!(note.is_signed_by(&log()));
    assert_eq!(note.countersigned(&[]), REAL);
}

#[test]
fn every_single_bit_of_text_and_signature_counts() {
    for at in 0..REAL.len() {
        for bit in 0..8 {
            let mut bytes = REAL.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(Note::open(&bytes, &[log()]).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn keys_print_as_they_came_with_leading_zeros_and_plus_signs() {
    for vkey in [LOG, TEST_VKEY] {
        assert_eq!(VerifierKey::parse(vkey).unwrap().to_string(), vkey);
    }
    let signer = SignerKey::parse(TEST_SKEY).unwrap();
    assert_eq!(signer.secret_text(), TEST_SKEY);
    assert_eq!(signer.verifier().to_string(), TEST_VKEY);
    assert!(!format!("{signer:?}").contains("AXu6"), "a secret is not for logs");
}

#[test]
fn keys_of_another_shape_are_refused_with_the_reason() {
    for (vkey, reason) in [
        ("", "reads NAME"),
        ("sum.golang.org", "reads NAME"),
        ("sum.golang.org+033de0ae", "reads NAME"),
        ("sum.golang.org+33de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "8 hex digits"),
        ("sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "033de0ae"),
        ("sum.golang.com+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "where this key's is"),
        ("sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "algorithm 2"),
        ("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuA==", "where 32 belong"),
        ("sum golang+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "white space"),
        ("+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "empty"),
        ("sum.golang.org+033de0ae+****", "base64"),
    ] {
        let error = VerifierKey::parse(vkey).unwrap_err().to_string();
        assert!(error.contains(reason), "{vkey}: {error}");
    }
    // The neutral element: a small-order point, which would verify any text.
    let weak = [&[1u8, 1][..], &[0; 31]].concat();
    assert!(
        VerifierKey::parse(&format!("x+00000000+{}", STANDARD.encode(weak))).unwrap_err().to_string().contains("weak")
    );
}

#[test]
fn signing_gives_go_s_bytes() {
    let text = "go.sum database tree\n1000\nuUVfML6diNS+PCCX5qqbWv2Y2wiP7PlLsj+aDQG2Uhg=\n";
    let signed = message(text, &[SignerKey::parse(TEST_SKEY).unwrap().sign(text)]).unwrap();
    assert!(signed.ends_with(
        "— localhost.localdev/sumdb AAAMZ2Fx0WPx5NB9dwmAiXq4na+lAJOliFyq6xP4YT0RWvrz1/fAtzPv5RWPEPbEv6110nGe60C2ko3ONvvgwnUWRAM=\n"
    ));
    assert!(message("no newline", &[]).is_err());
}

#[test]
fn the_rules_of_opening() {
    let signer = SignerKey::from_seed("example.org/log", [7; 32]).unwrap();
    let (key, stranger) = (signer.verifier(), SignerKey::from_seed("stranger", [8; 32]).unwrap());
    let text = "a text\n\nwith an empty line\n";
    let own = signer.sign(text).line();
    let other = stranger.sign(text).line();
    let forged = signer.sign("another text\n").line();
    let cases: &[(String, &str)] = &[
        (format!("{text}\n{own}"), ""),
        (format!("{text}\n{other}{own}"), ""),
        (format!("{text}\n{own}{own}"), ""),
        (format!("{text}\n{own}{forged}"), ""), // the first of a key counts, as in Go
        (format!("{text}\n{forged}{own}"), "does not verify"),
        (format!("{text}\n{other}"), "not the key that is trusted"),
        (format!("{text}\n"), "missing"),
        (format!("{text}\n{}", own.trim_end()), "newline"),
        ("one line\n".to_owned(), "no empty line"),
        (format!("{text}\n{}", own.replace('—', "-")), "em dash"),
        (format!("{text}\n— example.org/log\n"), "no space"),
        (format!("{text}\n— example.org/log AAAA\n"), "shorter than a key id"),
        (format!("{text}\n— example.org/log AAAAAA==\n"), "without a signature"),
        (format!("{text}\n— example.org/log A\n"), "base64"),
        (format!("{text}\n— a+b {}", own.rsplit(' ').next().unwrap()), "plus sign"),
        (format!("a\ttab\n\n{own}"), "control character"),
        (format!("a return\r\n\n{own}"), "control character"),
        (format!("{text}\n{}{own}", other.repeat(99)), ""),
        (format!("{text}\n{}{own}", other.repeat(100)), "more than 100"),
    ];
    for (message, reason) in cases {
        let error = Note::open(message.as_bytes(), std::slice::from_ref(&key))
            .map_or_else(|e| e.to_string(), |_| String::new());
        assert!(if reason.is_empty() { error.is_empty() } else { error.contains(reason) }, "{message}: {error}");
    }
    assert!(Note::open(b"\xff\n\n\xe2\x80\x94 x AAAAAAA=\n", std::slice::from_ref(&key)).is_err());
    let unknown = Note::open(format!("{text}\n{other}{other}{own}").as_bytes(), &[key]).unwrap();
    assert_eq!(unknown.unverified().len(), 1, "identical unknown lines are kept once");
    assert_eq!((unknown.unverified()[0].name(), unknown.unverified()[0].id()), ("stranger", stranger.verifier().id()));
}

#[test]
fn a_witness_s_cosignature_carries_its_time() {
    let witness = SignerKey::from_seed("witness.example", [9; 32]).unwrap();
    let text = "go.sum database tree\n1\nhash\n";
    let signed = message(text, &[witness.cosign(text, 1_738_713_836)]).unwrap();
    let key = witness.verifier().as_witness();
    assert_eq!(VerifierKey::parse(&key.to_string()).unwrap(), key);
    let note = Note::open(signed.as_bytes(), std::slice::from_ref(&key)).unwrap();
    assert_eq!(note.verified()[0].time(), Some(1_738_713_836));
    // The time is part of what is signed: one bit of it changed and nothing verifies.
    let mut later = witness.cosign(text, 1_738_713_836);
    later.blob[7] ^= 1;
    assert!(Note::open(message(text, &[later]).unwrap().as_bytes(), &[key]).is_err());
}

#[test]
fn a_cosignature_key_is_written_and_read_as_one() {
    let witness = SignerKey::of_kind(KeyKind::Witness, "witness.example", [9; 32]).unwrap();
    let plain = SignerKey::from_seed("witness.example", [9; 32]).unwrap();
    assert_eq!(witness.vkey(), plain.verifier().as_witness());
    assert_ne!(witness.secret_text(), plain.secret_text(), "the kind of the key is part of it");
    let read = SignerKey::parse(&witness.secret_text()).unwrap();
    assert_eq!((read.kind(), read.vkey(), read.name()), (KeyKind::Witness, witness.vkey(), "witness.example"));
    let text = "go.sum database tree\n1\nhash\n";
    assert_eq!(read.cosign(text, 7), plain.cosign(text, 7), "the id in the line is that of the vkey");
    assert_eq!(read.cosign(text, 7).id(), read.vkey().id());
    // The id names the algorithm too: a key of one kind under the id of the other is refused.
    let mixed =
        witness.secret_text().replace(&format!("{:08x}", witness.vkey().id()), &format!("{:08x}", plain.vkey().id()));
    assert!(SignerKey::parse(&mixed).unwrap_err().to_string().contains("where this key's is"));
    let shown = format!("{witness:?} {:?}", Some(&witness));
    let text = witness.secret_text();
    let secret = text.splitn(5, '+').nth(4).unwrap();
    assert!(shown.contains("witness.example") && !shown.contains(secret), "{shown}");
}

#[test]
fn a_real_witness_key_has_the_published_cosignature_id() {
    let key = VerifierKey::parse("ArmoredWitness-small-breeze+7b3ada3a+AQAWYpUjfGGPQiWOgt6sLWap0P9rVOe+Ofu2uNZbO4FD")
        .unwrap();
    assert_eq!(format!("{:08x}", key.as_witness().id()), "9d1ab951");
}

#[test]
fn countersigning_replaces_a_key_s_old_line_and_appends_the_new() {
    let (a, b) = (SignerKey::from_seed("a", [1; 32]).unwrap(), SignerKey::from_seed("b", [2; 32]).unwrap());
    let text = "text\n";
    let note = Note::open(message(text, &[a.sign(text), b.sign(text)]).unwrap().as_bytes(), &[a.verifier()]).unwrap();
    let again = note.countersigned(&[a.sign(text)]);
    assert_eq!(again, message(text, &[b.sign(text), a.sign(text)]).unwrap());
}
