//! `.info` as we understand it against Go's own: what Go refuses is refused, and what we write means to Go what the mirror's text
//! did. Skipped where there is no `go`; with GOSUMCHECK_REQUIRE_GO=1 that is a failure.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{go_command, go_program};
use gosumcheck::sumdb::goproxy::{MAX_INFO_BYTES, VersionInfo};
use gosumcheck::sumdb::module::ModuleVersion;

mod common;

/// Words that mutations put into a text.
const WORDS: [&str; 40] = [
    "\"Version\"",
    "\"version\"",
    "\"VER\u{17f}ION\"",
    "\"Ver\\u017fion\"",
    "\"Time\"",
    "\"tIME\"",
    "\"Origin\"",
    "\"origin\"",
    "\"v1.0.0\"",
    "\"v9.9.9\"",
    "null",
    "true",
    "1e5",
    "-0.1",
    "{}",
    "[]",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"2026-01-02T03:04:05Z\"",
    "\"2026-01-02T3:04:05,5+07:60\"",
    "\"2024-02-29T23:59:59.9999999999-23:59\"",
    "\"2026-01-02T03:04:05+24:00\"",
    "\"VCS\":\"git\"",
    "\"url\":\"https://example.com/m\"",
    "\"\u{212a}\"",
    "\"tagsum\":null",
    "\"Hash\":\"\\ud83d\\ude00\\ud83d\"",
    "\"Subdir\":\"<&>\"",
    "\\u0000",
    " ",
    "\n",
    "\u{feff}",
    "é",
    "\"Name\":5",
];

/// Texts that an honest proxy sends, and spoiled ones.
fn corpus() -> Vec<Vec<u8>> {
    let full = r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://example.com/m","Subdir":"s","Hash":"abc","TagPrefix":"s/","TagSum":"t1:x=","Ref":"refs/tags/v1.0.0","RepoSum":"r1:x="}}"#;
    let mut texts: Vec<Vec<u8>> = [
        full,
        r#"{"Version":"v1.0.0"}"#,
        r#"{"Version":"v1.0.0","version":"v9.9.9"}"#,
        r#"{"version":"v9.9.9","Version":"v1.0.0"}"#,
        r#"{"Version":"v9.9.9","VERSION":"v1.0.0"}"#,
        r#"{"Version":"v1.0.0","Ver\u017fion":"v9.9.9"}"#,
        "{\"Version\":\"v1.0.0\",\"Ver\u{17f}ion\":\"v9.9.9\"}",
        "{\"Version\":\"v1.0.0\",\"Origin\":{\"\u{212a}\":1,\"Ha\u{17f}h\":\"x\"}}",
        r#"{"Version":"v1.0.0","version":null}"#,
        r#"{"Version":"v1.0.0","Time":null}"#,
        r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z","time":null}"#,
        r#"{"Version":"v1.0.0","Time":"x","Time":"2026-01-02T03:04:05Z"}"#,
        r#"{"Version":"v1.0.0","Time":"2026\u002d01-02T03:04:05Z"}"#,
        r#"{"Version":"v1.0.0","Time":"not a time"}"#,
        r#"{"Version":"v1.0.0","Time":5}"#,
        r#"{"Version":"v1.0.0","Time":{}}"#,
        r#"{"Version":"v1.0.0","Time":"2026-01-02T3:04:05Z"}"#,
        r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05,5Z"}"#,
        r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05+24:00"}"#,
        r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05-00:60"}"#,
        r#"{"Version":"v1.0.0","Time":"2026-02-29T03:04:05Z"}"#,
        r#"{"Version":"v1.0.0","Time":"0000-01-01T00:00:00.000000001Z"}"#,
        r#"{"Version":"v1.0.0","Time":"9999-12-31T23:59:59.999999999-23:59"}"#,
        r#"{"Version":"v1.0.0","Origin":null}"#,
        r#"{"Version":"v1.0.0","Origin":{}}"#,
        r#"{"Version":"v1.0.0","Origin":[]}"#,
        r#"{"Version":"v1.0.0","Origin":"git"}"#,
        r#"{"Version":"v1.0.0","Origin":{"VCS":"git","Hash":"a"},"origin":{"hash":"b"}}"#,
        r#"{"Version":"v1.0.0","Origin":{"VCS":"git"},"origin":null}"#,
        r#"{"Version":"v1.0.0","Origin":{"VCS":7}}"#,
        r#"{"Version":"v1.0.0","Origin":{"URL":"https://user:secret@example.com/m"}}"#,
        r#"{"Version":"v1.0.0","Origin":{"Ref":"a\u0000b"}}"#,
        r#"{"Version":"v1.0.0"} {"Version":"v9.9.9"}"#,
        r#"{"Version":"v1.0.0",}"#,
        r#"{"Version":"v1.0.0"]"#,
        r#"{"Version":["v1.0.0"]}"#,
        r#"{"Version":"v1"}"#,
        r#"{"Version":"v1.0.0+meta"}"#,
        r#"{"Name":1,"Short":[],"Version":"v1.0.0","x":{"Version":"v9.9.9"}}"#,
        "null",
        "[]",
        "",
        "<html>",
        "\u{feff}{\"Version\":\"v1.0.0\"}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    texts.push(b"{\"Version\":\"v1.0.0\xff\"}".to_vec());
    texts.push(b"{\"Version\":\"v1.0.0\",\"Origin\":{\"Hash\":\"\xed\xa0\x80\"}}".to_vec());
    for depth in [9_998, 9_999, 10_000, 10_001] {
        let text = format!("{{\"x\":{}{},\"Version\":\"v1.0.0\"}}", "[".repeat(depth), "]".repeat(depth));
        texts.push(text.into_bytes());
    }
    texts
}

/// The corpus with words put in, taken out, doubled and moved: the same texts in every run.
fn mutated(count: usize) -> Vec<Vec<u8>> {
    let corpus: Vec<_> = corpus().into_iter().filter(|text| text.len() < 1_000 && !text.is_empty()).collect();
    let mut random = common::random();
    let mut texts = Vec::new();
    while texts.len() < count {
        let mut text = corpus[random(corpus.len())].clone();
        for _ in 0..=random(3) {
            let at = random(text.len() + 1);
            let end = (at + random(12)).min(text.len());
            match random(4) {
                0 => drop(text.splice(at..at, WORDS[random(WORDS.len())].bytes())),
                1 => drop(text.splice(at..end, WORDS[random(WORDS.len())].bytes())),
                2 => drop(text.drain(at..end)),
                _ => {
                    // Another member before the last brace: what repeats a key stays well formed.
                    let word = [WORDS[random(10)], ":", WORDS[random(WORDS.len())], ","].concat();
                    let at = text.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
                    drop(text.splice(at..at, word.bytes()));
                }
            }
        }
        texts.push(text);
    }
    texts
}

/// What the program in `tests/interop/info` says of each text.
fn go_says(texts: &[Vec<u8>]) -> Vec<String> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = go_program("info", dir.path()).unwrap();
    let mut peer = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = peer.stdin.take().unwrap();
    let input: String = texts.iter().map(|text| hex::encode(text) + "\n").collect();
    let writing = std::thread::spawn(move || lines.write_all(input.as_bytes()).unwrap());
    let output = peer.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    let said: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(said.len(), texts.len());
    said
}

fn module() -> ModuleVersion {
    ModuleVersion::new("example.com/m", "v1.0.0").unwrap()
}

#[test]
fn we_understand_what_go_does() {
    if go_command().is_none() {
        return;
    }
    let texts = [corpus(), mutated(30_000)].concat();
    let ours: Vec<Option<String>> =
        texts.iter().map(|text| VersionInfo::of_module(&module(), text).ok().map(|info| info.to_json())).collect();
    let written = ours.iter().map(|text| text.clone().unwrap_or_default().into_bytes());
    let said = go_says(&texts.iter().cloned().chain(written).collect::<Vec<_>>());
    let (of_raw, of_ours) = said.split_at(texts.len());
    let version = hex::encode("v1.0.0");
    let nothing = hex::encode("null");
    let (mut taken, mut refused, mut origins) = (0, 0, 0);
    for (((text, ours), raw), again) in texts.iter().zip(&ours).zip(of_raw).zip(of_ours) {
        let shown = String::from_utf8_lossy(text);
        let fields: Vec<&str> = raw.split(' ').collect();
        let go_takes = raw != "refused" && fields[0] == version;
        let Some(ours) = ours else {
            let can_write = fields.last() == Some(&"true");
            assert!(!go_takes || !can_write || text.len() > MAX_INFO_BYTES, "Go takes it: {shown}");
            refused += 1;
            continue;
        };
        assert!(go_takes, "Go refuses it ({raw}): {shown}");
        let again: Vec<&str> = again.split(' ').collect();
        assert_eq!(fields[..2], again[..2], "{shown}\n{ours}");
        assert!(again[2] == fields[2] || again[2] == nothing, "another origin: {shown}\n{ours}");
        origins += usize::from(again[2] != nothing);
        taken += 1;
    }
    assert!(taken > 1_000 && refused > 1_000 && origins > 100, "{taken} {refused} {origins}: they test too little");
}

/// The same with the go command itself: each text as the `.info` of a module of its own, all of them asked for at once.
#[test]
fn the_go_command_takes_what_we_take() {
    let Some(go) = go_command() else { return };
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let list = |name: &str, texts: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, serde_json::Value> {
        let proxy = root.path().join(name);
        for (module, text) in texts {
            let folder = proxy.join(module).join("@v");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("v1.0.0.info"), text).unwrap();
            fs::write(folder.join("v1.0.0.mod"), format!("module {module}\n")).unwrap();
        }
        let mut command = Command::new(&go);
        command.args(["list", "-m", "-e", "-json"]).args(texts.keys().map(|module| format!("{module}@v1.0.0")));
        command.current_dir(root.path()).env("GOPROXY", format!("file://{}", proxy.display())).env("GOSUMDB", "off");
        let home = root.path().join(format!("{name}-home"));
        command.env("GOFLAGS", "-modcacherw").env("GOENV", "off").env("GOWORK", "off").env("GOTOOLCHAIN", "local");
        command.env("GOPATH", home.join("gopath")).env("GOMODCACHE", home.join("modcache")).env("HOME", &home);
        let output = command.output().unwrap();
        let told = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
        let told: Vec<_> = told.map(Result::unwrap).collect();
        assert_eq!(told.len(), texts.len(), "{}", String::from_utf8_lossy(&output.stderr));
        told.into_iter().map(|told| (told["Path"].as_str().unwrap().to_owned(), told)).collect()
    };
    // A time that go cannot write ends the whole command.
    let is_writable = |text: &Vec<u8>| !String::from_utf8_lossy(text).contains("+24:00");
    let texts: BTreeMap<String, Vec<u8>> = corpus()
        .into_iter()
        .filter(is_writable)
        .enumerate()
        .map(|(at, text)| (format!("example.com/case{at:03}"), text))
        .collect();
    let raw = list("raw", &texts);
    let mut written = BTreeMap::new();
    for (name, text) in &texts {
        let module = ModuleVersion::new(name, "v1.0.0").unwrap();
        let ours = VersionInfo::of_module(&module, text);
        let shown = String::from_utf8_lossy(text);
        match ours {
            Ok(info) => {
                assert!(raw[name].get("Error").is_none(), "go refuses {shown}: {}", raw[name]);
                written.insert(name.clone(), info.to_json().into_bytes());
            }
            Err(_) => assert!(raw[name].get("Error").is_some() || text.len() > MAX_INFO_BYTES, "go takes {shown}"),
        }
    }
    assert!(written.len() > 10, "{}", written.len());
    for (name, told) in list("ours", &written) {
        assert!(told.get("Error").is_none(), "go refuses what we wrote: {told}");
        assert_eq!((&told["Version"], &told["Time"]), (&raw[&name]["Version"], &raw[&name]["Time"]));
    }
}
