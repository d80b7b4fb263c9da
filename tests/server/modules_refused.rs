//! What is not given, and why: statuses that mean the right thing to the go command, words that it shows its user.

use gosumcheck::fault::{Cause, Fault};
use gosumcheck::proxy::Denied;

use crate::client::get;
use crate::script::Script;

const PLAIN: &str = "text/plain; charset=utf-8";

#[test]
fn a_refusal_is_what_the_go_command_shows_and_no_404() {
    let path = "/example.com/m/@v/v1.0.0.zip";
    let script = Script::new();
    let world = script.serve();
    let refuse = |lines: &[&str]| {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        script.says(&path[1..], Err(Denied::Refused(lines)));
        let reply = get(world.at, path);
        assert_eq!((reply.status, reply.header("content-type")), (403, Some(PLAIN)), "{reply:?}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let text = reply.text();
        assert!(text.lines().count() <= 8 && text.lines().all(|line| (1..=80).contains(&line.len())), "{text}");
        assert!(text.len() <= 648 && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        text
    };
    let told = ["SECURITY: example.com/m@v1.0.0 is not what the log says", "expected h1:a", "got      h1:b"];
    let expected = "SECURITY: example.com/m@v1.0.0 is not what the log says\nexpected h1:a\ngot      h1:b\n";
    assert_eq!(refuse(&told), expected);
    let hostile = refuse(&["\u{1b}[31mred\u{1b}[0m", "", "  ", "two\r\n\r\nlines", "\u{202e}txt\0"]);
    assert!(!hostile.contains(['\u{1b}', '\u{202e}', '\0', '\r']), "{hostile:?}");
    assert_eq!(refuse(&["line"; 20]).lines().count(), 8);
    refuse(&["long ".repeat(300).as_str(), &"x".repeat(1000)]);
    refuse(&[]);
}

#[test]
fn an_outage_is_no_404_and_a_404_is_asked_again_in_a_minute() {
    let path = "/example.com/m/@v/v1.0.0.zip";
    let script = Script::new();
    let world = script.serve();
    let missing = get(world.at, path);
    assert_eq!((missing.status, missing.header("cache-control")), (404, Some("public, max-age=60")));
    assert_eq!(missing.text(), format!("not found: {}\n", &path[1..]));
    for (cause, source, why, status, again) in [
        (Cause::Upstream, "https://a.example", "500 Internal Server Error", 502, None),
        (Cause::TimedOut, "https://a.example", "timed out: no byte within 40s", 504, None),
        (Cause::Disk, "/var/lib/gosumcheck/modules", "no space left on device", 503, Some("10")),
    ] {
        script.says(&path[1..], Err(Denied::Fault(Fault::unavailable(cause, source, why))));
        for _ in 0..2 {
            let reply = get(world.at, path);
            assert_eq!((reply.status, reply.header("retry-after")), (status, again), "{reply:?}");
            assert_eq!((reply.header("content-type"), reply.header("cache-control")), (Some(PLAIN), Some("no-store")));
            assert!(reply.text().contains(why), "{}", reply.text());
        }
    }
    // Nothing of it was kept: the next answer is the next answer.
    script.file(&path[1..], b"PK");
    assert_eq!(get(world.at, path).status, 200);
}
