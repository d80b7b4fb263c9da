//! A report with one line of each verdict, and with the texts that a stranger would choose.

use gosumcheck::report::{
    Artifact, FileReport, Head, Kind, Level, LineReport, Location, Misbehaviour, Notice, Report, Subject, Verdict,
};

const H1: &str = "h1:BWIsLfhgKhV5g/oF34aRjniBHLTZe5DNekSjbAjIS6c=";
const H2: &str = "h1:Iju5GlWwrvL6UBg4zJJt3btmonfrMlCDdsejg4CZE7c=";

/// Clears the screen, turns text around, opens a link, closes an element, ends a line.
pub const HOSTILE: &str =
    "evil\x1b[2J\u{202e}gro.liam\u{200b}\u{9b}31m[x](http://evil.example)<b>&\"{0}\r\nok \u{7}\u{fffe}";

/// A line of a go.sum.
pub fn line(number: u64, module: &str, version: &str, kind: Kind, verdict: Verdict) -> LineReport {
    let subject = Subject { module: module.to_owned(), version: version.to_owned(), kind };
    let text = format!("{} {H1}", subject.go_sum_key());
    LineReport {
        place: Location::Line(number),
        subject: Some(subject),
        text,
        verdict,
        duplicate_of: None,
        unlisted_repeats: 0,
        history: None,
    }
}

/// A line that says the same as line `first`.
pub fn repeat(first: u64, line: LineReport) -> LineReport {
    LineReport { duplicate_of: Some(first), ..line }
}

fn unreadable_line(number: u64, text: &str, why: &str) -> LineReport {
    let verdict = Verdict::Malformed { why: why.to_owned() };
    LineReport {
        place: Location::Line(number),
        subject: None,
        text: text.to_owned(),
        verdict,
        duplicate_of: None,
        unlisted_repeats: 0,
        history: None,
    }
}

/// The note of the head that the sample was proven under.
pub fn head() -> Head {
    let root = "eSl1ZcnpOoYpHDLt9ZFZaLBgPLGkhKzWWsmeZ9QG5vk=".to_owned();
    let note = format!("go.sum database tree\n58776408\n{root}\n\n\u{2014} sum.golang.org Az3grAAAAAA=\n");
    Head { size: 58_776_408, root, note }
}

fn go_sum() -> FileReport {
    let differs = || Verdict::Differs { record: 1_234_567, in_file: H1.to_owned(), in_log: H2.to_owned() };
    let why = || "https://sum.example: connection refused".to_owned();
    let by = || "https://mirror.example/sumdb/sum.golang.org".to_owned();
    let middleware = "github.com/grpc-ecosystem/go-grpc-middleware";
    FileReport {
        path: "./service/go.sum".to_owned(),
        remarks: vec!["lines end in CRLF; the go command accepts that".to_owned()],
        lines: vec![
            line(1, "example.com/a", "v1.0.0", Kind::Zip, Verdict::Verified { record: 0 }),
            line(2, "example.com/a", "v1.0.0", Kind::GoMod, Verdict::Verified { record: 0 }),
            repeat(2, line(3, "example.com/a", "v1.0.0", Kind::GoMod, Verdict::Verified { record: 0 })),
            line(35, middleware, "v1.0.0", Kind::Zip, differs()),
            line(36, "example.com/b", "v0.0.0-20180904163835-0709b304e793", Kind::GoMod, differs()),
            repeat(35, line(37, middleware, "v1.0.0", Kind::Zip, differs())),
            line(
                40,
                "example.com/gone",
                "v0.1.0",
                Kind::Zip,
                Verdict::NotInLog { by: vec![by(), "https://sum.example".to_owned()] },
            ),
            line(41, "example.com/h2", "v1.0.0", Kind::Zip, Verdict::UnknownAlgorithm { algorithm: "h2".to_owned() }),
            unreadable_line(51, "<<<<<<< HEAD", "a merge conflict marker"),
            repeat(51, unreadable_line(52, "<<<<<<< HEAD", "a merge conflict marker")),
            line(60, "example.com/down", "v1.0.0", Kind::Zip, Verdict::Unavailable { why: why() }),
            line(61, "example.com/down", "v1.0.0", Kind::GoMod, Verdict::Unavailable { why: why() }),
            line(
                62,
                "example.com/lie",
                "v1.0.0",
                Kind::Zip,
                Verdict::Refused { by: by(), why: "tile/8/0/005: its hash is not the one in tile/8/1/000".to_owned() },
            ),
            line(
                63,
                "example.com/part",
                "v2.0.0+incompatible",
                Kind::Zip,
                Verdict::NotHeld {
                    why: "lookup/example.com/part@v2.0.0+incompatible is not in file:///srv/mirror".to_owned(),
                },
            ),
            line(70, "corp.example/x", "v1.0.0", Kind::Zip, Verdict::Skipped { pattern: "corp.example/*".to_owned() }),
            line(71, "example.com/early", "v1.0.0", Kind::GoMod, Verdict::DroppedEmptyGoMod),
        ],
        ..FileReport::default()
    }
}

fn hostile() -> FileReport {
    let text = || HOSTILE.to_owned();
    FileReport {
        path: format!("{HOSTILE}/go.work.sum"),
        remarks: vec![text()],
        lines: vec![
            unreadable_line(1, HOSTILE, HOSTILE),
            line(
                2,
                HOSTILE,
                HOSTILE,
                Kind::Zip,
                Verdict::Differs { record: u64::MAX, in_file: text(), in_log: text() },
            ),
            line(3, HOSTILE, HOSTILE, Kind::Zip, Verdict::NotInLog { by: vec![text()] }),
            line(4, HOSTILE, HOSTILE, Kind::Zip, Verdict::Refused { by: text(), why: text() }),
            line(5, HOSTILE, HOSTILE, Kind::Zip, Verdict::Skipped { pattern: text() }),
            line(6, HOSTILE, HOSTILE, Kind::Zip, Verdict::UnknownAlgorithm { algorithm: text() }),
        ],
        ..FileReport::default()
    }
}

fn module_cache() -> FileReport {
    let path = "/home/u/go/pkg/mod/cache/download/example.com/c/@v/v1.0.0.zip";
    let verdict = Verdict::Differs { record: 77, in_file: H1.to_owned(), in_log: H2.to_owned() };
    let mut differs = line(0, "example.com/c", "v1.0.0", Kind::Zip, verdict);
    differs.place = Location::File(path.to_owned());
    FileReport {
        path: "/home/u/go/pkg/mod".to_owned(),
        artifact: Artifact::ModuleCache,
        lines: vec![differs],
        ..FileReport::default()
    }
}

/// A program, with what only programs and vendor folders can have.
fn program() -> FileReport {
    let why = |text: &str| text.to_owned();
    let part = |part: &str, module: &str, verdict: Verdict| LineReport {
        place: Location::Part(part.to_owned()),
        ..line(0, module, "v1.0.0", Kind::Zip, verdict)
    };
    FileReport {
        path: "bin/tool".to_owned(),
        artifact: Artifact::Program,
        about: Some("example.com/tool, built by go1.26.8".to_owned()),
        lines: vec![
            part("mod", "example.com/tool", Verdict::MainModule { why: why("its version is (devel)") }),
            part("dep", "example.com/local", Verdict::NoHash { why: why("replaced by ../local") }),
            part("dep", "example.com/a", Verdict::Altered { why: why("a.go is not the file in its zip") }),
        ],
        ..FileReport::default()
    }
}

/// A report with everything in it but a log that misbehaved.
pub fn everything() -> Report {
    let mut report = Report::new("sum.golang.org");
    report.tool_version = "0.0.0-sample".to_owned();
    report.time = Some("2026-11-20T22:51:00Z".to_owned());
    report.head = Some(head());
    report.files = vec![go_sum(), hostile(), module_cache(), program()];
    report.files.push(FileReport { path: "empty/go.sum".to_owned(), ..FileReport::default() });
    report.files.push(FileReport {
        path: "locked/go.sum".to_owned(),
        unread: Some("permission denied".to_owned()),
        ..FileReport::default()
    });
    report.notices = vec![
        Notice { level: Level::Note, text: "the go command's own head and this one are one history".to_owned() },
        Notice { level: Level::Warning, text: "GONOSUMCHECK has no effect; did you mean GONOSUMDB?".to_owned() },
        Notice { level: Level::Note, text: HOSTILE.to_owned() },
    ];
    report
}

/// The same audit in a world in which the log forked.
pub fn misbehaved() -> Report {
    let mut report = clean();
    report.misbehaviour = Some(Misbehaviour {
        evidence: format!(
            "SECURITY ERROR\ngo.sum database server misbehavior detected!\n\nold database:\n\t{HOSTILE}\n"
        ),
        saved: Some("/home/u/.local/share/gosumcheck/evidence/fork-1.txt".to_owned()),
    });
    report
}

/// Two verified lines.
pub fn clean() -> Report {
    let mut report = Report::new("sum.golang.org");
    report.tool_version = "0.0.0-sample".to_owned();
    report.head = Some(head());
    let verified = |number, kind| line(number, "example.com/a", "v1.0.0", kind, Verdict::Verified { record: 1_234 });
    let lines = vec![verified(1, Kind::Zip), verified(2, Kind::GoMod)];
    report.files = vec![FileReport { path: "go.sum".to_owned(), lines, ..FileReport::default() }];
    report
}
