//! Proof vectors made by others: transparency-dev/merkle's, and proofs against real signed heads of sum.golang.org.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gosumcheck::sumdb::Error;
use gosumcheck::sumdb::bundle::parse_proofs;
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use gosumcheck::sumdb::hash::{Hash, leaf_hash, sha256};
use gosumcheck::sumdb::note::{KeyKind, Note, SignerKey, VerifierKey};
use gosumcheck::sumdb::tlog::{check_consistency, check_inclusion, check_subtree_consistency, check_subtree_inclusion};
use gosumcheck::sumdb::tlog_policy::TlogPolicy;
use serde_json::Value;

const LOG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

fn policy() -> Policy {
    Policy::log(VerifierKey::parse(LOG).unwrap())
}

/// A hash. Some vectors say "don't care" in its place, in bytes of another length: any hash will do that is equal where they
/// are. An empty one is not a hash.
fn hash(value: &Value) -> Option<Hash> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    Some(Hash::from_base64(text).unwrap_or_else(|_| sha256(text.as_bytes())))
}

fn hashes(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |list| list.iter().map(hash).collect())
}

/// The verdict on one vector: accepted or not.
fn accepts(kind: &str, vector: &Value) -> Option<bool> {
    let number = |name: &str| vector[name].as_u64();
    let proof = hashes(&vector["proof"])?;
    let verdict = match kind {
        "inclusion" => {
            let tree = Tree { size: number("treeSize")?, root: hash(&vector["root"])? };
            check_inclusion(&proof, &tree, number("leafIdx")?, &hash(&vector["leafHash"])?)
        }
        "consistency" => {
            let older = Tree { size: number("size1")?, root: hash(&vector["root1"])? };
            check_consistency(&proof, &older, &Tree { size: number("size2")?, root: hash(&vector["root2"])? })
        }
        "subtreeinclusion" => {
            let (leaves, root) = (number("start")?..number("end")?, hash(&vector["root"])?);
            check_subtree_inclusion(&proof, leaves, &root, number("leafIdx")?, &hash(&vector["leafHash"])?)
        }
        "subtreeconsistency" => {
            let tree = Tree { size: number("size")?, root: hash(&vector["root2"])? };
            check_subtree_consistency(&proof, number("start")?..number("end")?, &hash(&vector["root1"])?, &tree)
        }
        other => panic!("a kind of vector that this test does not know: {other}"),
    };
    Some(verdict.is_ok())
}

#[test]
fn the_merkle_vectors_give_their_expected_verdicts() {
    let Some(folder) = common::shared("vectors") else { return };
    let root = folder.join("merkle/testdata");
    let mut counts = BTreeMap::new();
    for path in common::files_below(&root).iter().filter(|path| path.extension().is_some_and(|e| e == "json")) {
        let kind = path.strip_prefix(&root).unwrap().iter().next().unwrap().to_str().unwrap();
        let vector: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let expected = !vector["wantErr"].as_bool().unwrap();
        assert_eq!(accepts(kind, &vector).unwrap_or(false), expected, "{}: {}", path.display(), vector["desc"]);
        *counts.entry(kind.to_owned()).or_insert(0) += 1;
    }
    let expected = [("consistency", 98), ("inclusion", 98), ("subtreeconsistency", 118), ("subtreeinclusion", 204)];
    assert_eq!(counts, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
}

#[test]
fn proofs_against_real_heads_check_and_none_with_a_bit_changed() {
    let Some(folder) = common::realdata() else { return };
    let heads = real_roots(&folder);
    let proofs: Value = serde_json::from_slice(&fs::read(folder.join("vectors/proofs.json")).unwrap()).unwrap();
    let (inclusion, consistency) = (proofs["inclusion"].as_array().unwrap(), proofs["consistency"].as_array().unwrap());
    assert_eq!((inclusion.len(), consistency.len()), (60, 126));
    for vector in inclusion {
        let size = vector["tree_size"].as_u64().unwrap();
        let tree = Tree { size, root: heads[&size] };
        let (index, leaf) = (vector["record_id"].as_u64().unwrap(), hash(&vector["leaf_hash"]).unwrap());
        refuse_changes(&hashes(&vector["proof"]).unwrap(), |proof| check_inclusion(proof, &tree, index, &leaf).is_ok());
    }
    for vector in consistency {
        let tree = |name: &str| {
            let size = vector[format!("{name}_size")].as_u64().unwrap();
            let root = hash(&vector[format!("{name}_root")]).unwrap();
            assert_eq!(heads[&size], root, "a root that the log signed");
            Tree { size, root }
        };
        let (old, new) = (tree("old"), tree("new"));
        refuse_changes(&hashes(&vector["proof"]).unwrap(), |proof| check_consistency(proof, &old, &new).is_ok());
    }
}

fn refuse_changes(proof: &[Hash], accepts: impl Fn(&[Hash]) -> bool) {
    assert!(accepts(proof));
    for at in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[at].0[at] ^= 0x10;
        assert!(!accepts(&changed));
    }
}

/// Root by size, of every head in `sth-all.tsv`, each opened from its signature.
fn real_roots(folder: &Path) -> BTreeMap<u64, Hash> {
    let table = fs::read_to_string(folder.join("sth-all.tsv")).unwrap();
    let rows = table.lines().skip(1).map(|row| {
        let mut fields = row.split('\t');
        let (size, root, signature) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let note = format!("go.sum database tree\n{size}\n{root}\n\n— sum.golang.org {signature}\n");
        let tree = Checkpoint::open(note.as_bytes(), &policy()).unwrap().tree();
        (tree.size, tree.root)
    });
    rows.collect()
}

#[test]
fn all_real_heads_verify() {
    let Some(folder) = common::realdata() else { return };
    assert_eq!(real_roots(&folder).len(), 4208);
    let notes = common::files_below(&folder.join("sth"));
    assert_eq!(notes.len(), 784);
    for path in notes {
        let head = Checkpoint::open(&fs::read(&path).unwrap(), &policy()).unwrap();
        assert_eq!(format!("{}.note", head.tree().size), path.file_name().unwrap().to_str().unwrap());
    }
}

#[test]
fn bad_heads_are_refused_with_their_reasons_and_unknown_cosigners_are_ignored() {
    let Some(folder) = common::realdata() else { return };
    for (name, reason) in [
        ("6353345-unpadded-cosignature", "not base64"),
        ("latest-merge-conflict-0", "does not verify"),
        ("mojibake-dash", "em dash"),
    ] {
        let bytes = fs::read(folder.join(format!("sth-bad/{name}.note"))).unwrap();
        let error = Checkpoint::open(&bytes, &policy()).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    assert_eq!(common::files_below(&folder.join("sth-bad")).len(), 3);
    for size in [15_067_302, 15_081_221] {
        let bytes = fs::read(folder.join(format!("sth-cosigned/{size}.note"))).unwrap();
        assert_eq!(Checkpoint::open(&bytes, &policy()).unwrap().tree().size, size);
    }
}

/// The public key of the witness of the heads of 2023, from the example beside which they were published.
const WITNESS: &str = "test.example.com+a931a10b+Ac1cSyOEpEIR4sXUgMS/wmqJAeN7qhl0dlkUCnR0A1Gx";

#[test]
fn real_heads_of_a_witness_are_known_by_its_key_and_count_where_a_cosignature_is_added() {
    let Some(folder) = common::realdata() else { return };
    let key = |vkey: &str| VerifierKey::parse(vkey).unwrap();
    let policy = |text: &str| TlogPolicy::parse(text.as_bytes()).unwrap().of_log(&key(LOG)).unwrap();
    let ours = SignerKey::of_kind(KeyKind::Witness, "mirror.example", [7; 32]).unwrap();
    let theirs = policy(&format!("log {LOG}\nwitness w {WITNESS}\nquorum w\n"));
    let either = policy(&format!("witness w {WITNESS}\nwitness us {}\ngroup g any w us\nquorum g\n", ours.vkey()));
    for size in [15_067_302, 15_081_221] {
        let note = fs::read(folder.join(format!("sth-cosigned/{size}.note"))).unwrap();
        // It signed as a log signs, without a time. Its first cosignatures are of a draft: algorithm 3, the time in little endian. So
        // they are an unknown key's, which count for nothing.
        let known = Note::open(&note, &[key(LOG), key(WITNESS)]).unwrap();
        assert!(known.is_signed_by(&key(WITNESS)), "{size}");
        assert!(matches!(Checkpoint::open(&note, &theirs), Err(Error::Uncosigned { .. })), "{size}");
        let cosigned = known.countersigned(&[ours.cosign(known.text(), 1_673_352_439)]);
        let head = Checkpoint::open(cosigned.as_bytes(), &either).unwrap();
        assert_eq!((head.tree().size, head.quorum_since()), (size, Some(1_673_352_439)));
    }
}

#[test]
fn the_published_tlog_proof_checks() {
    let Some(folder) = common::realdata() else { return };
    let proofs = parse_proofs(&fs::read(folder.join("vectors/tessera-v1.0.0.tlog-proof")).unwrap()).unwrap();
    let [proof] = proofs.as_slice() else { panic!("one proof") };
    let leaf = Hash::from_base64("D6V8URw7L/zAoFrWMXJWjSZar5hE6bY2oJeHlTlvKrE=").unwrap();
    assert_eq!((proof.index(), proof.extra()), (43_930_254, None));
    assert_eq!(proof.check(&leaf, &policy()).unwrap().tree().size, 58_253_265);
    assert!(proof.check(&leaf_hash(b"another record\n"), &policy()).is_err());
}

#[test]
fn the_published_yaml_vector_checks() {
    let Some(folder) = common::realdata() else { return };
    let vector: Value = serde_json::from_slice(&fs::read(folder.join("vectors/yaml.v3-v3.0.1.json")).unwrap()).unwrap();
    let lookup = vector["lookup"].as_str().unwrap();
    let (id, rest) = lookup.split_once('\n').unwrap();
    let (record, note) = rest.split_once("\n\n").unwrap();
    let (index, leaf) = (id.parse().unwrap(), leaf_hash(format!("{record}\n").as_bytes()));
    let first = Checkpoint::open(note.as_bytes(), &policy()).unwrap().tree();
    let second = Checkpoint::open(vector["new_note"].as_str().unwrap().as_bytes(), &policy()).unwrap().tree();
    let proof = |name: &str| hashes(&vector[name]).unwrap();
    check_inclusion(&proof("inclusion_in_first"), &first, index, &leaf).unwrap();
    check_inclusion(&proof("inclusion_in_second"), &second, index, &leaf).unwrap();
    check_consistency(&proof("consistency"), &first, &second).unwrap();
}
