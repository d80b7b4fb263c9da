//! Every path against sha2's own streaming interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

/// The oracle: sha2 as its users use it.
fn oracle(parts: &[&[u8]]) -> Hash {
    let mut sha = Sha256::new();
    parts.iter().for_each(|part| sha.update(part));
    Hash(sha.finalize().into())
}

/// `n` bytes that differ from message to message.
fn message(n: usize, seed: usize) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(31) ^ seed.wrapping_mul(167) ^ (i >> 8)) as u8).collect()
}

fn check(messages: &[Vec<u8>]) {
    let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let plain: Vec<Hash> = slices.iter().map(|m| oracle(&[m])).collect();
    let leaves: Vec<Hash> = slices.iter().map(|m| oracle(&[&[0], m])).collect();
    assert_eq!(sha256_many(&slices), plain);
    assert_eq!(portable::sha256_many(&slices), plain);
    assert_eq!(leaf_hashes(&slices), leaves);
    assert_eq!(portable::leaf_hashes(&slices), leaves);
    let parents: Vec<Hash> = plain.chunks_exact(2).map(|pair| oracle(&[&[1], &pair[0].0, &pair[1].0])).collect();
    assert_eq!(parent_hashes(&plain), parents);
    assert_eq!(portable::parent_hashes(&plain), parents);
    #[cfg(target_arch = "x86_64")]
    {
        assert_eq!(pairs::sha256_many(&slices), plain);
        assert_eq!(pairs::leaf_hashes(&slices), leaves);
        assert_eq!(pairs::parent_hashes(&plain), parents);
    }
}

#[test]
fn published_digests() {
    // FIPS 180-4 examples, as published by NIST.
    assert_eq!(sha256(b""), EMPTY_ROOT);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex::encode(sha256(b"abc").0), abc);
    assert_eq!(
        sha256_many(&[b"abc".as_slice(); 21]).iter().map(|hash| hex::encode(hash.0)).collect::<Vec<_>>(),
        [abc; 21]
    );
    let long = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
    assert_eq!(hex::encode(sha256(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").0), long);
}

#[test]
fn all_lengths_in_batches_of_one_length() {
    for n in 0..=600 {
        check(&(0..17).map(|seed| message(n, seed)).collect::<Vec<_>>());
    }
}

#[test]
fn all_lengths_mixed_in_one_batch() {
    check(&(0..=300).map(|n| message(n, n)).collect::<Vec<_>>());
    check(&(0..=300).rev().map(|n| message(n * 7 % 301, n)).collect::<Vec<_>>());
    check(&(440..=640).map(|n| message(n, n)).collect::<Vec<_>>());
}

#[test]
fn all_counts() {
    for count in 0..=66 {
        check(&(0..count).map(|seed| message(100 + seed * 3, seed)).collect::<Vec<_>>());
        check(&(0..count).map(|seed| message(seed * 97, seed)).collect::<Vec<_>>());
    }
}

#[test]
fn roots_of_the_synthetic_tree() {
    // Roots made with x/mod: record i is `example.com/m v0.0.i h1:x=` and its go.mod line.
    let known = [
        (1, "6/jGvUfFsTjvvb6sugisLn0EhL2jIwjXdpkQp8wSjuc="),
        (2, "siukSeS/sdDkHEmLQQ7lHCvWEnHu8kdCQ3L7cQJlbGI="),
        (3, "KNHS9tmxoEf7kyFSJm9uQP2i4aljsL+Y13rzy4TMLIQ="),
        (255, "3BpmXbolfWqkTWNZZPt2/glcmYM32qSbXmw8+aexFy4="),
        (257, "SvSgHqm627Bi8+Un94mri6ZB1pJPolb/NY6IA+XMdYE="),
        (1000, "uUVfML6diNS+PCCX5qqbWv2Y2wiP7PlLsj+aDQG2Uhg="),
        (70000, "LwF9TRwkt7bCqHwT8qmj/+XQ0OVMuHh6pISMDIQVXyA="),
    ];
    for (size, root) in known {
        let records: Vec<String> =
            (0..size).map(|i| format!("example.com/m v0.0.{i} h1:x=\nexample.com/m v0.0.{i}/go.mod h1:y=\n")).collect();
        let mut level = leaf_hashes(&records.iter().map(String::as_bytes).collect::<Vec<_>>());
        while level.len() > 1 {
            let odd = level.last().copied().filter(|_| level.len() % 2 == 1);
            level = parent_hashes(&level);
            level.extend(odd);
        }
        assert_eq!(level[0].to_string(), root, "size {size}");
    }
}

proptest! {
    #[test]
    fn random_batches(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..70)) {
        check(&messages);
    }

    #[test]
    fn random_batches_of_very_different_sizes(sizes in prop::collection::vec((0_u32..17, any::<u8>()), 0..40)) {
        check(&sizes.iter().map(|&(log, seed)| message((1 << log) + seed as usize, seed as usize)).collect::<Vec<_>>());
    }
}

#[test]
fn a_hash_is_shown_in_base64() {
    let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!((EMPTY_ROOT.to_string(), format!("{EMPTY_ROOT:?}")), (text.to_owned(), text.to_owned()));
}
