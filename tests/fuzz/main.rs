//! Fuzzing of every parser of strangers' bytes, a little in each `cargo test`: the same inputs on every machine.
//!
//! More of it: `GOSUMCHECK_FUZZ_EXECUTIONS=20 cargo test --release --test fuzz`; other inputs: `GOSUMCHECK_FUZZ_SEED=N`. What
//! breaks a parser is printed and kept; it belongs into `testdata/fuzz/PARSER/`, where it runs first every time.
//! `fuzz/` has the same checks as cargo-fuzz targets, whose mutations follow the code that they reach: `fuzz/run SECONDS`.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::fs;
use std::path::PathBuf;

mod checks;
#[path = "../crafted/mod.rs"]
mod crafted;
mod engine;
mod mutate;
mod parsers;
mod seeds;
mod words;

macro_rules! fuzz {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            parsers::ALL.iter().find(|parser| parser.name == stringify!($name)).unwrap().fuzz();
        })*

        #[test]
        fn none_is_forgotten() {
            let names: Vec<_> = parsers::ALL.iter().map(|parser| parser.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

fuzz! {
    note checkpoint witnessed vkey skey tile_path admission merkle record lookup data_tile gosum zip modzip proofs evidence
    module hints gomod versions patterns printable settings go_env
    build_info program modules_txt go_source sbom
}

/// The seeds are what cargo-fuzz takes: a folder of files and a dictionary for each parser. To keep them:
/// `GOSUMCHECK_FUZZ_CORPUS=fuzz/corpus cargo test --test fuzz corpus`.
#[test]
fn corpus() {
    let own = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("GOSUMCHECK_FUZZ_CORPUS").map(PathBuf::from);
    let corpus = kept.unwrap_or_else(|| own.path().to_owned());
    for parser in parsers::ALL {
        let (folder, seeds) = (corpus.join(parser.name), parser.seeds_and_cases());
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
        let words: String = parser.words.iter().map(|word| format!("\"{}\"\n", escaped(word))).collect();
        fs::write(folder.with_extension("dict"), &words).unwrap();
        assert!(!seeds.is_empty() && fs::read_dir(&folder).unwrap().count() >= seeds.len(), "{}", parser.name);
        assert!(words.lines().all(|line| line.len() >= 2 + 4 && line.is_ascii()), "{}", parser.name);
    }
}

/// As libFuzzer's dictionaries are written.
fn escaped(word: &str) -> String {
    word.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}
