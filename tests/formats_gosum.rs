//! go.sum files: what is a sum, what is a fault, and what a person is told.
#![allow(clippy::unwrap_used)]

use gosumcheck::sumdb::gosum::{
    Content, Duplicate, EMPTY_GO_MOD, GoSum, HashFault, Kind, LineFault, MAX_FAULTS, MAX_FILE_BYTES, MAX_LINE_BYTES,
    MAX_LINES, Remark, SHOWN_FAULT_CHARS, SumHash,
};
use proptest::prelude::*;

const ZIP: &str = "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=";
const MOD: &str = "rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=";

/// The faults of a file, each with its line number.
fn faults(text: &str) -> Vec<(u64, LineFault)> {
    GoSum::parse(text.as_bytes()).faults().map(|(number, fault)| (number, fault.clone())).collect()
}

/// The one fault of a file of one line.
fn fault(line: &str) -> LineFault {
    match faults(line).as_slice() {
        [(1, fault)] => fault.clone(),
        others => panic!("{line:?}: {others:?}"),
    }
}

#[test]
fn sums_are_read_with_their_numbers() {
    let sums = GoSum::parse(format!("{ZIP}\n\n  \t\n{MOD}\n").as_bytes());
    assert_eq!((sums.faults().count(), sums.remarks.len()), (0, 0));
    let read: Vec<_> =
        sums.sums().map(|(number, sum)| (number, sum.kind, sum.module.to_string(), sum.to_string())).collect();
    let module = || "rsc.io/quote@v1.5.2".to_owned();
    assert_eq!(read, [(1, Kind::Zip, module(), ZIP.to_owned()), (4, Kind::GoMod, module(), MOD.to_owned())]);
    assert_eq!(sums.lines.first().unwrap().text, ZIP);
    assert_eq!(GoSum::parse(b""), GoSum::default());
}

#[test]
fn fields_are_parted_by_any_white_space_as_in_go() {
    let odd =
        format!("\u{a0}{}\u{2003}\r\n\t{}\u{b}\n", ZIP.replace(' ', "\t \u{3000}"), MOD.replace(' ', "\u{85}\u{c}"));
    let sums = GoSum::parse(odd.as_bytes());
    assert_eq!(sums.sums().map(|(_, sum)| sum.to_string()).collect::<Vec<_>>(), [ZIP, MOD]);
}

#[test]
fn oddities_that_go_takes_are_remarks() {
    let remarks = |text: String| {
        let sums = GoSum::parse(text.as_bytes());
        assert_eq!((sums.sums().count(), sums.faults().count()), (2, 0), "{text}");
        sums.remarks
    };
    assert_eq!(remarks(format!("{ZIP}\n{MOD}\n")), []);
    assert_eq!(remarks(format!("{ZIP}\r\n{MOD}\r\n\r\n")), [Remark::CarriageReturns { lines: 3 }]);
    assert_eq!(remarks(format!("{ZIP}\n{MOD}")), [Remark::NoFinalNewline]);
    assert_eq!(
        remarks(format!("\u{feff}{ZIP}\r\n{MOD}\r")),
        [Remark::ByteOrderMark, Remark::CarriageReturns { lines: 2 }, Remark::NoFinalNewline]
    );
    assert!(Remark::CarriageReturns { lines: 1 }.to_string().contains("1 line: harmless"));
}

#[test]
fn conflict_markers_are_told_from_lines() {
    for marker in [
        "<<<<<<< HEAD",
        "<<<<<<< HEAD:hacks/crawl/go.sum",
        "||||||| merged common ancestors",
        "||||||| 102fd8cc8",
        "||||||| parent abcdef",
        "=======",
        "=======\r",
        ">>>>>>> a64e10ef3 (revert local go.mod changes)",
        ">>>>>>> of main",
        "<<<<<<<<<<<<< HEAD",
    ] {
        assert_eq!(fault(marker), LineFault::ConflictMarker, "{marker}");
    }
    for line in ["<<<<<< HEAD", "=======x", "x =======", "<<<<<<<HEAD"] {
        assert_ne!(fault(line), LineFault::ConflictMarker, "{line}");
    }
    let told = LineFault::ConflictMarker.to_string();
    assert_eq!(told, "git conflict marker: resolve the merge, then run `go mod tidy`");
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let text = format!("<<<<<<< HEAD\n{ZIP}\n=======\nrelease-0.75.0\n{MOD} x\n>>>>>>> main\nfoo v1.0.0 h1:x\n");
    let numbers: Vec<u64> = faults(&text).iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 6, 7]);
    assert_eq!(GoSum::parse(text.as_bytes()).sums().map(|(number, _)| number).collect::<Vec<_>>(), [2]);
}

#[test]
fn the_number_of_fields_is_told() {
    assert_eq!(fault("7 expected checks "), LineFault::BadPath("missing dot in first path element".to_owned()));
    assert_eq!(fault("release-0.75.0"), LineFault::FieldCount(1));
    assert_eq!(fault("ignore.me/x v0.0.1/go.mod"), LineFault::FieldCount(2));
    assert_eq!(fault(&format!("{ZIP} {MOD}")), LineFault::FieldCount(6));
    let old_mac = format!("{ZIP}\r{MOD}\r");
    assert_eq!(fault(&old_mac), LineFault::FieldCount(6));
    assert!(LineFault::FieldCount(1).to_string().starts_with("wrong number of fields: 1 field, not 3"));
}

#[test]
fn hashes_are_read_strictly() {
    let hash = |field: &str| match fault(&format!("rsc.io/quote v1.5.2 {field}")) {
        LineFault::BadHash(fault) => fault,
        other => panic!("{field}: {other:?}"),
    };
    assert_eq!(hash("w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y="), HashFault::NoAlgorithm);
    assert_eq!(hash(":w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y="), HashFault::NoAlgorithm);
    assert_eq!(hash("h1_:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y="), HashFault::NoAlgorithm);
    assert_eq!(hash("anAlgorithmOfManyLetters:x"), HashFault::NoAlgorithm);
    assert_eq!(hash("h1:"), HashFault::Empty);
    assert_eq!(hash("h2:"), HashFault::Empty);
    assert_eq!(hash("h1:jr7tqZxxKOVYizybht9+26"), HashFault::WrongLength { chars: 22 });
    assert_eq!(hash("h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=="), HashFault::WrongLength { chars: 45 });
    assert_eq!(hash("h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3YX"), HashFault::NotBase64);
    assert_eq!(hash("h1:w5fcysjrx7yqtD_aO-QwRjYZOKnaM9Uh2b40tElTs3Y="), HashFault::NotBase64);
    // the two bits that 32 bytes leave over are set
    assert_eq!(hash("h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Z="), HashFault::NotBase64);
    assert_eq!(hash("h2:\u{1b}[2J"), HashFault::BadCharacter('\u{1b}'));
    assert_eq!(hash("h1:ы"), HashFault::BadCharacter('ы'));
    assert!(hash("h1:jr7t").to_string().starts_with("truncated hash"));
    assert!(!hash("h2:\u{1b}").to_string().contains('\u{1b}'));
}

#[test]
fn an_unknown_algorithm_is_no_fault_of_the_line() {
    for (field, algorithm, text) in
        [("h2:whatever=", "h2", "whatever="), ("H1:abc", "H1", "abc"), ("sha-3:a:b", "sha-3", "a:b")]
    {
        let sums = GoSum::parse(format!("rsc.io/quote v1.5.2 {field}\n").as_bytes());
        let (_, sum) = sums.sums().next().unwrap();
        assert_eq!(sum.hash, SumHash::Unknown { algorithm: algorithm.to_owned(), text: text.to_owned() });
        assert_eq!(sum.hash.to_string(), field);
    }
}

#[test]
fn paths_and_versions_that_cannot_be_are_faults() {
    let with = |head: &str| fault(&format!("{head} h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y="));
    assert_eq!(with("ignore/me v0.0.1"), LineFault::BadPath("missing dot in first path element".to_owned()));
    assert_eq!(with("a.b/c@v1 v0.0.1"), LineFault::BadPath("invalid character '@'".to_owned()));
    for version in
        ["v1", "1.0.0", "v1.0.0/go.sum", "v1.0.0/go.mod/go.mod", "/go.mod", "latest", "v1.0.0+x", "v2.0.0", "v01.0.0"]
    {
        assert!(matches!(with(&format!("a.b/c {version}")), LineFault::BadVersion(_)), "{version}");
    }
    assert!(faults("a.b/c v2.0.0+incompatible/go.mod h2:x").is_empty());
}

#[test]
fn bytes_that_are_no_text_are_faults() {
    assert_eq!(fault("\0\0\0\0"), LineFault::Nul);
    assert_eq!(fault(&format!("{ZIP}\0")), LineFault::Nul);
    let read = |bytes: &[u8]| GoSum::parse(bytes).faults().map(|(_, fault)| fault.clone()).collect::<Vec<_>>();
    assert_eq!(read(b"rsc.io/quote v1.5.2 h1:\xff\n\xc3\n"), [LineFault::NotUtf8, LineFault::NotUtf8]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(ZIP.bytes().flat_map(|byte| [byte, 0])).collect();
    assert_eq!(read(&utf16), [LineFault::Nul]);
    assert_eq!(fault(&"x".repeat(MAX_LINE_BYTES + 1)), LineFault::TooLong(MAX_LINE_BYTES + 1));
    assert_eq!(fault(&"x".repeat(MAX_LINE_BYTES)), LineFault::FieldCount(1));
}

#[test]
fn a_shown_line_is_short_and_printable() {
    let sums = GoSum::parse(b"\x1b[2Jevil \xff\x00\r\n");
    let line = sums.lines.first().unwrap();
    assert_eq!((line.number, line.text.as_str()), (1, r"\u{1b}[2Jevil \xff\0"));
    let long = GoSum::parse(&[b'x'; 5000]);
    assert_eq!(long.lines.first().unwrap().text.chars().count(), SHOWN_FAULT_CHARS + 1);
}

#[test]
fn the_hash_that_go_drops_is_known() {
    assert_eq!(EMPTY_GO_MOD.to_string(), "G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=");
    let text = format!("{ZIP}\nrsc.io/quote v1.5.2/go.mod h1:{EMPTY_GO_MOD}\n");
    let dropped: Vec<bool> = GoSum::parse(text.as_bytes()).sums().map(|(_, sum)| sum.is_dropped_by_go()).collect();
    assert_eq!(dropped, [false, true]);
}

#[test]
fn duplicates_point_to_the_first() {
    let other = MOD.replace("LzX7", "MzX7");
    let sums = GoSum::parse(format!("{MOD}\n{ZIP}\n{other}\n\n{MOD}\n {MOD} \n").as_bytes());
    assert_eq!(sums.duplicates(), [Duplicate { number: 5, first: 1 }, Duplicate { number: 6, first: 1 }]);
}

#[test]
fn limits_end_the_reading_with_a_fault() {
    let last = |text: &str| {
        let sums = GoSum::parse(text.as_bytes());
        let line = sums.lines.last().unwrap();
        let Content::Fault(fault) = &line.content else { panic!("no fault at the end") };
        (sums.lines.len(), line.number, fault.clone())
    };
    let faulty = "x\n".repeat(MAX_FAULTS);
    assert_eq!(last(&faulty), (MAX_FAULTS, 10_000, LineFault::FieldCount(1)));
    assert_eq!(last(&format!("{faulty}\n{ZIP}\n{ZIP}\n")), (MAX_FAULTS + 1, 10_002, LineFault::TooManyFaults));
    let many = "a.b/c v1.0.0 h2:x\n".repeat(MAX_LINES);
    assert_eq!(GoSum::parse(many.as_bytes()).faults().count(), 0);
    assert_eq!(last(&format!("{many}{ZIP}")), (MAX_LINES + 1, 1_000_001, LineFault::TooManyLines));
    let blank = "\n".repeat(MAX_FILE_BYTES);
    assert_eq!(last(&format!("{blank}{ZIP}\n{ZIP}\n")), (1, 67_108_865, LineFault::FileTooLarge));
}

#[test]
fn lines_are_ordered_as_go_writes_them() {
    let sorted = format!(
        "a.b/c v1.0.0 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n\
         a.b/c v1.0.0/go.mod h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n\
         a.b/c v1.9.0/go.mod h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n\
         a.b/c v1.10.0/go.mod h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n{ZIP}\n{MOD}\n"
    );
    let sums = GoSum::parse(sorted.as_bytes());
    let mut lines: Vec<_> = sums.sums().map(|(_, sum)| sum).collect();
    lines.reverse();
    lines.sort();
    assert_eq!(lines.iter().map(|sum| format!("{sum}\n")).collect::<String>(), sorted);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic_or_lose_a_line(bytes: Vec<u8>, near in "([a-z.]{1,4}/?|v1\\.0\\.0|h1:|=|\n| |<<<<<<< |\r|\u{feff}){0,40}") {
        for bytes in [bytes.as_slice(), near.as_bytes()] {
            let sums = GoSum::parse(bytes);
            let full = bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)).count();
            prop_assert!(sums.lines.len() <= full);
            for line in &sums.lines {
                prop_assert!(!line.text.chars().any(char::is_control));
                if let Content::Fault(fault) = &line.content {
                    prop_assert!(!fault.to_string().chars().any(char::is_control));
                }
            }
        }
    }

    #[test]
    fn a_printed_sum_reads_as_itself(module in "[a-z]{1,3}\\.[a-z]{2}/[A-Za-z]{1,5}", patch in 0u64.., seed: [u8; 32], kind in 0..2) {
        let hash = SumHash::H1(gosumcheck::sumdb::hash::Hash(seed));
        let line = format!("{module} v1.0.{patch}{} {hash}", if kind == 0 { "" } else { "/go.mod" });
        let sums = GoSum::parse(line.as_bytes());
        prop_assume!(sums.faults().next().is_none());
        prop_assert_eq!(sums.sums().map(|(_, sum)| sum.to_string()).collect::<Vec<_>>(), vec![line]);
    }
}
