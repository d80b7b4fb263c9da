//! A stranger's texts change no report's structure: with any texts in it each rendering has the same shape as with plain
//! ones, is valid in its format, has nothing in it that a terminal acts upon, and is bounded.
#![allow(clippy::unwrap_used)]

use gosumcheck::report::text::Style;
use gosumcheck::report::{
    FileReport, Format, Head, Kind, Level, LineReport, Location, Notice, Report, Subject, Verdict,
};
use proptest::prelude::*;
use serde_json::Value;

/// A report with the next of `texts` wherever a text can stand.
fn report(mut next: impl FnMut() -> String) -> Report {
    let verdicts = [
        Verdict::Verified { record: 1 },
        Verdict::Differs { record: 2, in_file: next(), in_log: next() },
        Verdict::NotInLog { by: vec![next(), next()] },
        Verdict::NotHeld { why: next() },
        Verdict::Unavailable { why: next() },
        Verdict::Refused { by: next(), why: next() },
        Verdict::Skipped { pattern: next() },
        Verdict::UnknownAlgorithm { algorithm: next() },
        Verdict::Malformed { why: next() },
    ];
    let mut line = |(number, verdict)| LineReport {
        place: Location::Line(number),
        subject: (number % 2 == 0).then(|| Subject { module: next(), version: next(), kind: Kind::GoMod }),
        text: next(),
        verdict,
        duplicate_of: None,
        unlisted_repeats: 0,
        history: None,
    };
    let mut lines: Vec<_> = (1..).zip(verdicts).map(&mut line).collect();
    lines.push(LineReport { place: Location::File(next()), ..lines.first().unwrap().clone() });
    let file = FileReport { path: next(), about: Some(next()), remarks: vec![next()], lines, ..FileReport::default() };
    let unread = FileReport { path: next(), unread: Some(next()), ..FileReport::default() };
    Report {
        time: Some("2026-11-20T22:51:00Z".to_owned()),
        head: Some(Head { size: 3, root: next(), note: next() }),
        files: vec![file, unread],
        notices: vec![Notice { level: Level::Warning, text: next() }],
        ..Report::new(next())
    }
}

fn rendered(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    report.write(format, Style::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A JSON value without its texts.
fn json_shape(value: &Value) -> Value {
    match value {
        Value::String(_) => Value::Null,
        Value::Array(values) => values.iter().map(json_shape).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), json_shape(value))).collect())
        }
        other => other.clone(),
    }
}

/// The tags of an XML document with the names of their attributes; panics where a quote is left open.
fn xml_shape(xml: &str) -> Vec<String> {
    let tags = xml.split('<').skip(1).map(|tag| {
        let (inside, text) = tag.split_once('>').unwrap();
        assert!(!text.contains('>'), "an unescaped > in {tag}");
        let unquoted: Vec<_> = inside.split('"').step_by(2).collect();
        assert!(inside.matches('"').count() % 2 == 0, "an open quote in {tag}");
        unquoted.join("\"\"")
    });
    tags.collect()
}

/// Plain characters, those that formats give a meaning to, and those that terminals and XML do not bear.
fn any_text() -> impl Strategy<Value = String> {
    let symbol = prop_oneof![
        4 => prop::char::range(' ', '~'),
        2 => prop::sample::select("<>&\"'{}[]()%\\`$|:/#\n\r\t\0\u{1b}\u{7f}\u{85}\u{9b}\u{a0}\u{ad}\u{200b}\u{202e}\u{2028}\u{feff}\u{fffe}\u{ffff}]]>--".chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ];
    prop_oneof![
        20 => prop::collection::vec(symbol, 0..40).prop_map(|symbols| symbols.into_iter().collect()),
        1 => any::<char>().prop_map(|symbol| symbol.to_string().repeat(5000)),
    ]
}

proptest! {
    #[test]
    fn no_text_changes_the_structure_of_a_report(texts in prop::collection::vec(any_text(), 1..12)) {
        let mut given = texts.iter().cycle();
        let hostile = report(|| given.next().unwrap().clone());
        let mut number = 0;
        let plain = report(|| {
            number += 1;
            format!("text{number}")
        });
        for format in Format::ALL {
            let [hostile, plain] = [&hostile, &plain].map(|report| rendered(report, format));
            prop_assert!(hostile.chars().all(|symbol| symbol == '\n' || !symbol.is_control()), "{hostile:?}");
            let is_dangerous = |symbol: char| matches!(u32::from(symbol), 0x202a..=0x202e | 0x2066..=0x2069 | 0x2028 | 0xfffe);
            prop_assert!(!hostile.contains(is_dangerous), "{hostile:?}");
            match format {
                Format::Text => {
                    prop_assert_eq!(hostile.lines().count(), plain.lines().count());
                    // A line shows a few texts, each cut at 400 characters, of which each is at most `\u{10ffff}`.
                    prop_assert!(hostile.len() < plain.lines().count() * 4 * 400 * 10, "{} bytes", hostile.len());
                }
                Format::Json => {
                    let [hostile, plain] = [&hostile, &plain].map(|text| serde_json::from_str::<Value>(text).unwrap());
                    prop_assert_eq!(json_shape(&hostile), json_shape(&plain));
                }
                Format::Sarif => {
                    prop_assert!(hostile.is_ascii() && serde_json::from_str::<Value>(&hostile).is_ok());
                }
                Format::Junit => prop_assert_eq!(xml_shape(&hostile), xml_shape(&plain)),
            }
        }
    }
}
