//! Records, lookup answers and data tiles: nothing comes out of them before the proof.
#![allow(clippy::unwrap_used)]

use gosumcheck::sumdb::Error;
use gosumcheck::sumdb::gosum::{Kind, SumHash};
use gosumcheck::sumdb::hash::leaf_hash;
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sumdb::record::{
    LookupResponse, MAX_DATA_TILE_BYTES, MAX_RECORD_BYTES, MAX_RESPONSE_BYTES, VerifiedRecord, join_records,
    split_records, subject,
};
use proptest::prelude::*;

/// Record 60295460 of sum.golang.org.
const TEXT: &str = "github.com/go-chi/chi/v5 v5.3.2 h1:5YQkICvTCSZ25hoRsyJazN0scjzKGiu4VAUc7H1o1nY=\n\
                    github.com/go-chi/chi/v5 v5.3.2/go.mod h1:R+tYY2hNuVUUjxoPtqUdgBqevM9s9njzkTLutVsOCto=\n";
const NOTE: &str =
    "go.sum database tree\n63096908\n8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=\n\n— sum.golang.org Az3g\n";

fn chi() -> ModuleVersion {
    ModuleVersion::parse_at("github.com/go-chi/chi/v5@v5.3.2").unwrap()
}

/// What comes of `text` as the answer to a question about chi, when the log does have its hash.
fn authentic(text: &str) -> Result<VerifiedRecord, Error> {
    VerifiedRecord::check(&chi(), 60_295_460, text.as_bytes(), &leaf_hash(text.as_bytes()))
}

#[test]
fn a_proven_record_tells_its_hashes() {
    let bytes = format!("60295460\n{TEXT}\n{NOTE}");
    let response = LookupResponse::parse(bytes.as_bytes()).unwrap();
    assert_eq!((response.id(), response.note()), (60_295_460, NOTE.as_bytes()));
    let record = response.prove(&chi(), &response.leaf_hash()).unwrap();
    assert_eq!((record.id(), record.module(), record.text()), (60_295_460, &chi(), TEXT));
    assert_eq!(record.zip_hash().to_string(), "h1:5YQkICvTCSZ25hoRsyJazN0scjzKGiu4VAUc7H1o1nY=");
    assert_eq!(record.go_mod_hash().to_string(), "h1:R+tYY2hNuVUUjxoPtqUdgBqevM9s9njzkTLutVsOCto=");
    assert_eq!((record.hash(Kind::Zip), record.hash(Kind::GoMod)), (record.zip_hash(), record.go_mod_hash()));
    assert_eq!(record.to_response(NOTE.as_bytes()), bytes.as_bytes());
    assert_eq!(LookupResponse::build(60_295_460, TEXT, NOTE.as_bytes()), bytes.as_bytes());
}

#[test]
fn each_flipped_bit_of_a_record_is_refused() {
    for at in 0..TEXT.len() * 8 {
        let mut bytes = TEXT.as_bytes().to_vec();
        *bytes.get_mut(at / 8).unwrap() ^= 1 << (at % 8);
        let leaf = leaf_hash(TEXT.as_bytes());
        assert!(matches!(VerifiedRecord::check(&chi(), 0, &bytes, &leaf), Err(Error::Unproven { .. })), "bit {at}");
    }
}

#[test]
fn an_authentic_record_of_another_module_is_no_answer() {
    // CVE-2026-42501: the log has this record, and it is not about what was asked for.
    for other in ["github.com/go-chi/chi/v5@v5.3.1", "github.com/go-chi/chi@v1.5.3", "github.com/Go-Chi/chi/v5@v5.3.2"]
    {
        let asked = ModuleVersion::parse_at(other).unwrap();
        let refused = VerifiedRecord::check(&asked, 7, TEXT.as_bytes(), &leaf_hash(TEXT.as_bytes())).unwrap_err();
        assert!(refused.to_string().contains("the record is about github.com/go-chi/chi/v5@v5.3.2"), "{refused}");
    }
}

#[test]
fn an_authentic_record_must_have_just_its_two_lines() {
    let (zip, go_mod) = TEXT.split_once('\n').unwrap();
    let go_mod = go_mod.trim_end();
    assert!(authentic(TEXT).is_ok());
    let texts = [
        String::new(),
        "\n".to_owned(),
        format!("{zip}\n"),
        format!("{go_mod}\n"),
        format!("{go_mod}\n{zip}\n"),
        format!("{zip}\n{zip}\n"),
        format!("{zip}\n{go_mod}\n{go_mod}\n"),
        format!("{zip}\n{go_mod}\nexample.com/evil v1.0.0 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n"),
        format!("{zip}\n{}\n", go_mod.replace("chi/v5", "cho/v5")),
        format!("{zip}\n{}\n", go_mod.replace("v5.3.2", "v5.3.3")),
        format!("{zip}\n{}\n", go_mod.replace("/go.mod", "/go.sum")),
        format!("{zip}\n{go_mod}"),
        format!("{zip}\n\n{go_mod}\n"),
        format!("\n{zip}\n{go_mod}\n"),
        format!("{zip}\n{go_mod}\n\n"),
        format!("{zip}\r\n{go_mod}\r\n"),
        format!("{zip} \n{go_mod}\n"),
        format!(" {zip}\n{go_mod}\n"),
        TEXT.replace(" h1:", "  h1:"),
        TEXT.replace(" h1:", "\th1:"),
        TEXT.replace("h1:", ""),
        TEXT.replace("nY=", "nZ="),
        TEXT.replace("5YQk", ""),
    ];
    for text in texts {
        assert!(matches!(authentic(&text), Err(Error::Malformed { .. })), "{text:?}");
        assert!(subject(text.as_bytes()).is_err(), "{text:?}");
    }
    assert_eq!(subject(TEXT.as_bytes()).unwrap(), chi());
}

#[test]
fn another_algorithm_in_a_record_is_kept_as_unknown() {
    let record = authentic(&TEXT.replace("h1:R", "h2:R")).unwrap();
    assert!(matches!(record.zip_hash(), SumHash::H1(_)));
    assert!(matches!(record.go_mod_hash(), SumHash::Unknown { algorithm, .. } if algorithm == "h2"));
}

#[test]
fn record_numbers_have_one_spelling() {
    let id = |id: &str| LookupResponse::parse(format!("{id}\n{TEXT}\n").as_bytes()).map(|response| response.id()).ok();
    assert_eq!((id("0"), id("7"), id("18446744073709551615")), (Some(0), Some(7), Some(u64::MAX)));
    for bad in ["", "00", "005", "+5", "-5", " 5", "5 ", "5\r", "0x5", "5_0", "٣", "18446744073709551616", "five"] {
        assert_eq!(id(bad), None, "{bad}");
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    let parse = |text: &str| LookupResponse::parse(text.as_bytes());
    // x/mod sumdb/tlog/note_test.go, TestParseRecord, and what Go takes by accident: a text that begins with a blank line
    for bad in [
        "",
        "5",
        "5\n",
        "5\n\n",
        "5\n\n\n",
        "5\n\na\n\n",
        "not-5\na\n\n",
        "123\nhello\x01world\n\n",
        "123\nhello world\n",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
    assert!(LookupResponse::parse(b"123\nhello\xffworld\n\n").is_err());
    let without_note = parse(&format!("5\n{TEXT}\n")).unwrap();
    assert!(without_note.note().is_empty());
    assert!(LookupResponse::parse("5\na\n\njunk\x01".as_bytes()).is_ok(), "the note is not looked at here");
}

#[test]
fn hashes_in_the_note_are_never_an_answer() {
    // CVE-2026-56864: an authentic record of another module, and the wanted lines in the unsigned part.
    let other = TEXT.replace("chi", "cho");
    let response = LookupResponse::parse(format!("5\n{other}\n{NOTE}{TEXT}").as_bytes()).unwrap();
    assert!(response.prove(&chi(), &leaf_hash(other.as_bytes())).is_err());
    assert!(response.prove(&chi(), &leaf_hash(TEXT.as_bytes())).is_err());
}

#[test]
fn sizes_are_bounded() {
    let large = "x".repeat(MAX_RESPONSE_BYTES);
    assert!(LookupResponse::parse(format!("5\n{TEXT}\n{large}").as_bytes()).is_err());
    assert!(LookupResponse::parse(format!("5\n{}\n\n", "x".repeat(MAX_RECORD_BYTES)).as_bytes()).is_err());
    assert!(LookupResponse::parse(format!("5\n{}\n\n", "x".repeat(MAX_RECORD_BYTES - 1)).as_bytes()).is_ok());
    assert!(split_records(&vec![b'x'; MAX_DATA_TILE_BYTES + 1], 1).is_err());
}

#[test]
fn data_tiles_are_split_with_either_ending() {
    let records: [&[u8]; 3] = [b"a\nb\n", b"c\n", b"d\ne\nf\n"];
    let joined = join_records(&records);
    assert_eq!(joined, b"a\nb\n\nc\n\nd\ne\nf\n");
    assert_eq!(split_records(&joined, 3).unwrap(), records);
    assert_eq!(split_records(&[joined.as_slice(), b"\n"].concat(), 3).unwrap(), records);
    for width in [0, 1, 2, 4, 256] {
        assert!(split_records(&joined, width).is_err(), "{width}");
    }
    for bad in ["", "\n", "a", "a\n\n\n", "\na\n", "a\n\nb", "a\n\n\nb\n", "a\n\n\n\nb\n", "a\n\nb\0\n"] {
        assert!(split_records(bad.as_bytes(), 1).is_err() && split_records(bad.as_bytes(), 2).is_err(), "{bad:?}");
    }
    assert_eq!(split_records(b"", 0).unwrap(), Vec::<&[u8]>::new());
}

proptest! {
    #[test]
    fn joined_records_are_split_again(records in proptest::collection::vec("([!-~é]{1,5}\n){1,3}", 1..20), blank: bool) {
        let records: Vec<&[u8]> = records.iter().map(String::as_bytes).collect();
        let mut tile = join_records(&records);
        if blank {
            tile.push(b'\n');
        }
        let width = u16::try_from(records.len()).unwrap();
        prop_assert_eq!(&split_records(&tile, width).unwrap(), &records);
        prop_assert!(split_records(&tile, width + 1).is_err() && split_records(&tile, width - 1).is_err());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes: Vec<u8>, near in "([0-9]|a|\n){0,20}", width in 0u16..4) {
        for bytes in [bytes.as_slice(), near.as_bytes()] {
            if let Ok(records) = split_records(bytes, width) {
                prop_assert!(bytes.starts_with(&join_records(&records)));
            }
            if let Ok(response) = LookupResponse::parse(bytes) {
                prop_assert!(response.prove(&chi(), &response.leaf_hash()).is_err());
            }
            _ = subject(bytes);
        }
    }
}
