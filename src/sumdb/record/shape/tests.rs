//! The quick look and the exact one agree: on records of every kind, and on those with one thing changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::super::super::hash::sha256;
use super::*;

const HEADINGS: [&str; 14] = [
    "rsc.io/quote v1.5.2",
    "github.com/Azure/azure-sdk-for-go v68.0.0+incompatible",
    "github.com/Azure/go-autorest/v14 v14.2.0",
    "gopkg.in/yaml.v3 v3.0.0-20200313102051-9f266ea9e77c",
    "gopkg.in/check.v1 v0.0.0-20161208181325-20d25e280405",
    "golang.org/toolchain v0.0.1-go1.21.0.linux-amd64",
    "example.com/~user/a_b v0.0.0-0.20190227155943-e225da77a7e6",
    "a.b v1.0.0-rc.1+incompatible",
    // and some that are none
    "example.com/m v2.0.0",
    "example.com/m/v2 v3.0.0",
    "example.com/m/v1 v1.0.0",
    "example.com/con v1.0.0",
    "Example.com/m v1.0.0",
    "example.com/m v1.0",
];

fn record(heading: &str, salt: &[u8]) -> String {
    format!("{heading} h1:{}\n{heading}/go.mod h1:{}\n", sha256(salt), sha256(heading.as_bytes()))
}

fn agree(text: &[u8]) -> bool {
    match (subject(text), heading(text)) {
        (Ok(module), Ok(heading)) => {
            assert_eq!((module.path().as_str(), module.version().as_str()), (heading.path(), heading.version()));
            assert_eq!(claimed(text), Some(heading));
            assert!(text.starts_with(format!("{} {} ", heading.path(), heading.version()).as_bytes()));
            true
        }
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            assert_eq!(usual(text), None);
            false
        }
        (one, other) => panic!("{one:?} and {other:?} of {:?}", String::from_utf8_lossy(text)),
    }
}

#[test]
fn usual_records_are_seen_at_a_glance() {
    for (n, heading) in HEADINGS.iter().enumerate() {
        let text = record(heading, b"");
        assert_eq!(agree(text.as_bytes()), n < 8, "{heading}");
        assert_eq!(usual(text.as_bytes()).is_some(), n < 8, "{heading}");
    }
    // Well formed though unusual.
    let other = record(HEADINGS[0], b"").replace("h1:", "h2:");
    assert!(usual(other.as_bytes()).is_none() && agree(other.as_bytes()));
}

#[test]
fn a_malformed_record_may_still_claim_a_module_version() {
    let claim =
        |text: &str| claimed(text.as_bytes()).map(|heading| format!("{} {}", heading.path(), heading.version()));
    let right = record("example.com/m v1.0.0", b"");
    assert_eq!(claim(&right.replace("h1:", "h1;")).as_deref(), Some("example.com/m v1.0.0"));
    assert_eq!(claim("example.com/m v1.0.0 \n").as_deref(), Some("example.com/m v1.0.0"));
    for text in
        ["", "\n", "example.com/m v1.0.0\n", " v1.0.0 x\n", "example.com/m v1 x\n", "a  b\nexample.com/m v1.0.0 x"]
    {
        assert_eq!(claim(text), None, "{text:?}");
    }
}

#[test]
fn every_byte_of_a_record_counts() {
    let text = record("example.com/m/v2 v2.10.0-pre", b"salt").into_bytes();
    for at in 0..text.len() {
        for byte in 0..=255 {
            let mut changed = text.clone();
            changed[at] = byte;
            agree(&changed);
        }
        agree(&text[..at]);
        agree(&text[at..]);
        agree(&[&text[..at], b"x", &text[at..]].concat());
        agree(&[&text[..at], &text[at + 1..]].concat());
    }
}

proptest! {
    #[test]
    fn whatever_the_words_are_both_say_the_same(
        path in "[a-z]{1,4}\\.[a-z.]{1,4}(/[A-Za-z0-9._~-]{1,5}){0,3}(/v[0-9.]{1,3}|\\.v[0-9]|-unstable)?",
        version in "v[0-9]{1,2}\\.[0-9]{1,2}(\\.[0-9]{1,2}(-[0-9a-z.-]{1,6})?(\\+incompatible|\\+meta)?)?",
        salt: u64,
    ) {
        agree(record(&format!("{path} {version}"), &salt.to_le_bytes()).as_bytes());
    }

    #[test]
    fn two_changes_are_seen_as_one_is(
        which in 0..HEADINGS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..128), 2),
    ) {
        let mut text = record(HEADINGS[which], b"").into_bytes();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        agree(&text);
    }
}
