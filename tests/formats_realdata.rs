//! The formats on real bytes of sum.golang.org and of public repositories (skipped where they are not there).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy};
use gosumcheck::sumdb::error::Error;
use gosumcheck::sumdb::gosum::{GoSum, LineFault};
use gosumcheck::sumdb::hash::{Hash, leaf_hash, leaf_hashes};
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::note::{Note, VerifierKey};
use gosumcheck::sumdb::record::{LookupResponse, VerifiedRecord, join_records, split_records, subject};
use gosumcheck::sumdb::tlog_policy::TlogPolicy;

/// Every file below `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.into_path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no files in {}", folder.display());
    files
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn go_sum_files_of_public_repositories_have_no_faults() {
    let Some(real) = common::realdata() else { return };
    let sum_files: Vec<_> =
        files(&real.join("gosum")).into_iter().filter(|file| name(file).ends_with(".sum")).collect();
    let mut lines = 0;
    for file in &sum_files {
        let sums = GoSum::parse(&fs::read(file).unwrap());
        assert_eq!(sums.faults().collect::<Vec<_>>(), [], "{}", file.display());
        assert_eq!(sums.remarks, [], "{}", file.display());
        lines += sums.sums().count();
    }
    assert_eq!((sum_files.len(), lines), (80, 56_287));
}

/// manifest.csv says of each malformed file: `N well-formed lines, M malformed; …`.
fn counts_of_bad_files(real: &Path) -> BTreeMap<String, (usize, usize)> {
    let manifest = fs::read_to_string(real.join("manifest.csv")).unwrap();
    let number = |text: &str| text.trim_start_matches('"').parse::<usize>().unwrap();
    manifest
        .lines()
        .filter_map(|row| row.strip_prefix("gosum-bad/"))
        .map(|row| {
            let (file, row) = row.split_once(',').unwrap();
            let (head, tail) = row.split_once(" well-formed lines, ").unwrap();
            let well_formed = number(head.rsplit(',').next().unwrap());
            (file.to_owned(), (well_formed, number(tail.split(' ').next().unwrap())))
        })
        .collect()
}

#[test]
fn malformed_go_sum_files_have_just_the_faults_that_the_manifest_counts() {
    let Some(real) = common::realdata() else { return };
    let expected = counts_of_bad_files(&real);
    let read = files(&real.join("gosum-bad")).into_iter().map(|file| {
        let sums = GoSum::parse(&fs::read(&file).unwrap());
        (name(&file), (sums.sums().count(), sums.faults().count()))
    });
    assert_eq!(read.collect::<BTreeMap<_, _>>(), expected);
    assert_eq!(expected.len(), 16);
}

#[test]
fn the_faults_of_a_malformed_file_have_their_line_numbers() {
    let Some(real) = common::realdata() else { return };
    let read = |file: &str| {
        let sums = GoSum::parse(&fs::read(real.join("gosum-bad").join(file)).unwrap());
        sums.faults().map(|(number, fault)| (number, fault.clone())).collect::<Vec<_>>()
    };
    let conflict = read("google__go-cloud__197abfb0efd7.go.sum");
    assert!(conflict.iter().all(|(_, fault)| *fault == LineFault::ConflictMarker));
    assert_eq!(conflict.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [133, 136, 137]);
    let cut = read("influxdata__influxdb__31281a6dff59.go.sum");
    assert_eq!(cut.iter().map(|(_, fault)| fault.clone()).collect::<Vec<_>>(), [LineFault::FieldCount(2)]);
}

#[test]
fn every_lookup_is_about_what_its_file_name_says() {
    let Some(real) = common::realdata() else { return };
    let mut read = 0;
    for folder in ["sumdb", "mirror"] {
        for file in files(&real.join(folder).join("lookup")) {
            let path = file.strip_prefix(real.join(folder)).unwrap().to_str().unwrap();
            let asked = ModuleVersion::parse_lookup_path(path).unwrap();
            assert_eq!(asked.lookup_path(), path);
            let bytes = fs::read(&file).unwrap();
            let response = LookupResponse::parse(&bytes).unwrap();
            let record = response.prove(&asked, &response.leaf_hash()).unwrap();
            assert_eq!(record.to_response(response.note()), bytes, "{path}");
            let sums = GoSum::parse(record.text().as_bytes());
            let hashes: Vec<_> =
                sums.sums().map(|(_, sum)| (&sum.module, record.hash(sum.kind) == &sum.hash)).collect();
            assert_eq!(hashes, [(&asked, true), (&asked, true)]);
            read += 1;
        }
    }
    assert_eq!(read, 1_505 + 6_952);
}

#[test]
fn a_lookup_with_conflict_markers_in_its_note_has_a_sound_record_and_two_notes() {
    let Some(real) = common::realdata() else { return };
    let folder = real.join("lookup-bad");
    let files = files(&folder);
    for file in &files {
        let path = format!("lookup/{}", file.strip_prefix(&folder).unwrap().to_str().unwrap());
        let response = LookupResponse::parse(&fs::read(file).unwrap()).unwrap();
        assert_eq!(response.note().windows(8).filter(|window| *window == b"<<<<<<< ").count(), 1, "{path}");
        let asked = ModuleVersion::parse_lookup_path(&path).unwrap();
        assert!(
            response.prove(&asked, &response.leaf_hash()).is_ok(),
            "the note is refused by its signature, not here"
        );
    }
    assert_eq!(files.len(), 12);
}

#[test]
fn data_tiles_split_into_the_leaves_of_their_hash_tiles_and_join_to_the_same_bytes() {
    let Some(real) = common::realdata() else { return };
    let tiles = real.join("reconstructed/tile/8");
    for (index, width) in [("001", 182), ("002", 9)] {
        let bytes = fs::read(tiles.join(format!("data/{index}.p/{width}"))).unwrap();
        let records = split_records(&bytes, width).unwrap();
        assert_eq!(join_records(&records), bytes);
        assert_eq!(split_records(&[bytes.as_slice(), b"\n"].concat(), width).unwrap(), records);
        assert!(split_records(&bytes, width - 1).is_err() && split_records(&bytes, width + 1).is_err());
        let hashes = fs::read(tiles.join("0").join(index)).unwrap();
        let expected = hashes.chunks_exact(32).map(|hash| Hash(hash.try_into().unwrap())).take(usize::from(width));
        assert_eq!(leaf_hashes(&records), expected.collect::<Vec<_>>());
        assert!(records.iter().all(|record| subject(record).is_ok()));
    }
}

#[test]
fn every_record_is_about_one_module_version() {
    let Some(real) = common::realdata() else { return };
    let list = fs::read_to_string(real.join("records/records.jsonl")).unwrap();
    let (mut pseudo, mut without_base) = (0, 0);
    for row in list.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let (id, text) = (row["id"].as_u64().unwrap(), row["record"].as_str().unwrap().as_bytes());
        let module = subject(text).unwrap();
        let record = VerifiedRecord::check(&module, id, text, &leaf_hash(text)).unwrap();
        assert_eq!((record.id(), record.module()), (id, &module));
        if let Some(version) = module.version().pseudo() {
            assert!(version.unix_time().is_some(), "{module}");
            pseudo += 1;
            // vX.Y.0-0.time-revision: of no known origin, yet the log has some (x/mod pseudo.go, PseudoVersionBase)
            without_base += usize::from(version.base().is_err());
        }
    }
    assert_eq!(list.lines().count(), 10_194);
    assert!(pseudo > 1_000 && without_base < 10, "{pseudo} {without_base}");
}

/// The key of sum.golang.org.
const SUMDB: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// The witness of google/trillian-examples, witness/golang/cmd/addrwitness, in the form of its timestamped cosignatures of January 2023.
/// The public half of the example key beside it.
const EARLY_WITNESS: &str = "test.example.com+fcf6bb63+A81cSyOEpEIR4sXUgMS/wmqJAeN7qhl0dlkUCnR0A1Gx";

#[test]
fn a_real_cosigned_head_counts_under_a_policy_with_its_witness_s_key() {
    let Some(real) = common::realdata() else { return };
    let [note, plain] = ["15081221", "15067302"]
        .map(|size| fs::read_to_string(real.join(format!("sth-cosigned/{size}.note"))).unwrap());
    let log = VerifierKey::parse(SUMDB).unwrap();
    let policy_of = |witness: &str| {
        let text = format!("log {SUMDB}\nwitness w {witness}\nquorum w\n");
        TlogPolicy::parse(text.as_bytes()).unwrap().of_log(&log).unwrap()
    };
    let policy = policy_of(EARLY_WITNESS);
    let head = Checkpoint::open(note.as_bytes(), &policy).unwrap();
    // 2023-01-10T12:07:19Z, as the answer of the witness says.
    assert_eq!((head.tree().size, head.quorum_since()), (15_081_221, Some(1_673_352_439)));
    assert_eq!(Checkpoint::open(note.as_bytes(), &Policy::log(log.clone())).unwrap().tree(), head.tree());
    // An ordinary signature states no time and does not count.
    assert!(Checkpoint::open(plain.as_bytes(), &policy).unwrap_err().to_string().contains("quorum"));
    // Each bit of the cosignature counts, those of its time too.
    let line = note.lines().last().unwrap();
    let (before, blob) = line.rsplit_once(' ').unwrap();
    let letters = blob.trim_end_matches('=').len();
    for at in 6..letters - 1 {
        let other = if &blob[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{before} {}{other}{}", &blob[..at], &blob[at + 1..]);
        let note = note.replace(line, &changed);
        let error = Checkpoint::open(note.as_bytes(), &policy).unwrap_err().to_string();
        assert!(error.contains("test.example.com+fcf6bb63"), "{at}: {error}");
    }
}

/// The same Ed25519 key as one that signs notes.
const PLAIN_WITNESS: &str = "test.example.com+a931a10b+Ac1cSyOEpEIR4sXUgMS/wmqJAeN7qhl0dlkUCnR0A1Gx";

#[test]
fn one_real_head_has_a_cosignature_and_the_other_a_signature_without_a_time() {
    let Some(real) = common::realdata() else { return };
    let read = |size: u64| fs::read(real.join(format!("sth-cosigned/{size}.note"))).unwrap();
    // Signer, id of the key, and bytes of the signature, as they stand there: 64 are Ed25519's, 72 have a time before them.
    let signatures = |note: &[u8]| -> Vec<(String, u32, Vec<u8>)> {
        let text = str::from_utf8(note).unwrap().to_owned();
        let lines = text.lines().filter_map(|line| line.strip_prefix("\u{2014} ").map(str::to_owned));
        let one = |line: String| {
            let (name, blob) = line.split_once(' ').unwrap();
            let blob = STANDARD.decode(blob).unwrap();
            (name.to_owned(), u32::from_be_bytes(blob[..4].try_into().unwrap()), blob[4..].to_vec())
        };
        lines.map(one).collect()
    };
    let shapes = |note: &[u8]| -> Vec<(String, u32, usize)> {
        signatures(note).into_iter().map(|(name, id, blob)| (name, id, blob.len())).collect()
    };
    let (plain, cosigned) = (read(15_067_302), read(15_081_221));
    let log = ("sum.golang.org".to_owned(), 0x033d_e0ae, 64);
    let signed = ("test.example.com".to_owned(), 0xa931_a10b, 64);
    let timed = ("test.example.com".to_owned(), 0xfcf6_bb63, 72);
    assert_eq!(shapes(&plain), [log.clone(), signed.clone()]);
    assert_eq!(shapes(&cosigned), [log, signed, timed]);
    // The time is in little endian, as before C2SP: 2023-01-10T12:07:19Z.
    let time = signatures(&cosigned)[2].2[..8].try_into().unwrap();
    assert_eq!(u64::from_le_bytes(time), 1_673_352_439);
    // All of the witness's signatures are of one key. Its C2SP cosignatures would have a third id, and neither head has one.
    let key = |vkey: &str| VerifierKey::parse(vkey).unwrap();
    let (as_note, early) = (key(PLAIN_WITNESS), key(EARLY_WITNESS));
    let public = |vkey: &str| STANDARD.decode(vkey.splitn(3, '+').nth(2).unwrap()).unwrap()[1..].to_vec();
    assert_eq!(public(PLAIN_WITNESS), public(EARLY_WITNESS));
    let c2sp = as_note.as_witness();
    assert!([&plain, &cosigned].iter().all(|note| shapes(note).iter().all(|(_, id, _)| *id != c2sp.id())));
    // Both have the witness's valid signature over the note's text. That states no time, and a log signs so, not a witness: under no form
    // of the key does the head of 15,067,302 count, and no policy can make it. That of 15,081,221 counts by its other signature alone.
    for note in [&plain, &cosigned] {
        assert!(Note::open(note, &[key(SUMDB), as_note.clone()]).unwrap().is_signed_by(&as_note));
    }
    for (witness, counts) in [(&as_note, false), (&c2sp, false), (&early, true)] {
        let text = format!("log {SUMDB}\nwitness w {witness}\nquorum w\n");
        let policy = TlogPolicy::parse(text.as_bytes()).unwrap().of_log(&key(SUMDB)).unwrap();
        assert!(matches!(Checkpoint::open(&plain, &policy), Err(Error::Uncosigned { .. })), "{witness}");
        assert_eq!(Checkpoint::open(&cosigned, &policy).is_ok(), counts, "{witness}");
    }
}
