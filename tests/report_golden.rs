//! Each rendering of sample reports equals a file of testdata/golden. `UPDATE_GOLDEN=1 cargo test --test report_golden`
//! writes the files anew; the difference is then read by a person.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "report/sample.rs"]
#[allow(unreachable_pub, dead_code)] // each test file uses a part of it
mod sample;

use std::path::Path;

use gosumcheck::report::text::Style;
use gosumcheck::report::{Format, Report};

fn rendered(report: &Report, format: Format, style: Style) -> Vec<u8> {
    let mut bytes = Vec::new();
    report.write(format, style, &mut bytes).expect("a Vec takes everything");
    bytes
}

fn check(name: &str, got: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_default();
    let (got, expected) = (String::from_utf8_lossy(got), String::from_utf8_lossy(&expected));
    assert!(got == expected, "{name} changed; UPDATE_GOLDEN=1 accepts this:\n{got}");
}

const PLAIN: Style = Style { colour: false, verbose: false };
const COLOUR: Style = Style { colour: true, verbose: false };
const VERBOSE: Style = Style { colour: false, verbose: true };

#[test]
fn text() {
    let report = sample::everything();
    check("everything.txt", &rendered(&report, Format::Text, PLAIN));
    check("everything-colour.txt", &rendered(&report, Format::Text, COLOUR));
    check("everything-verbose.txt", &rendered(&report, Format::Text, VERBOSE));
    check("clean.txt", &rendered(&sample::clean(), Format::Text, PLAIN));
    check("misbehaved.txt", &rendered(&sample::misbehaved(), Format::Text, PLAIN));
}

#[test]
fn json() {
    check("everything.json", &rendered(&sample::everything(), Format::Json, PLAIN));
    check("misbehaved.json", &rendered(&sample::misbehaved(), Format::Json, PLAIN));
}

#[test]
fn sarif() {
    check("everything.sarif", &rendered(&sample::everything(), Format::Sarif, PLAIN));
    check("misbehaved.sarif", &rendered(&sample::misbehaved(), Format::Sarif, PLAIN));
}

#[test]
fn junit() {
    check("everything.xml", &rendered(&sample::everything(), Format::Junit, PLAIN));
    check("misbehaved.xml", &rendered(&sample::misbehaved(), Format::Junit, PLAIN));
}

/// No rendering may hold a byte that a terminal acts on, and the two JSON formats are pure ASCII.
#[test]
fn strangers_text_reaches_no_terminal_raw() {
    for format in Format::ALL {
        for report in [sample::everything(), sample::misbehaved()] {
            let text = String::from_utf8(rendered(&report, format, VERBOSE)).unwrap();
            let acts = |c: char| {
                (c.is_control() && c != '\n')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{fffe}')
            };
            assert_eq!(text.chars().find(|c| acts(*c)), None, "{}", format.name());
            if matches!(format, Format::Json | Format::Sarif) {
                assert!(text.is_ascii(), "{}", format.name());
            }
        }
    }
}
