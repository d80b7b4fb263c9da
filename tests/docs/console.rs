//! Runs the console blocks of a document in a fresh copy of the repository's test data, in order, and compares what each command
//! prints (standard output and standard error together, as on a terminal) with what the document shows.
//!
//! | in a document | here |
//! |---|---|
//! | `cargo run --release -- ...` | the binary under test |
//! | `$VKEY`, `127.0.0.1:3001` | a synthetic database: `cargo run --example fakelog -- --records 100000 --listen 127.0.0.1:3001` |
//! | `gosumcheck serve ... &`, `127.0.0.1:3000` | a server on a port of its own, which ends with the document |
//! | `...` in the output | anything; on a line of its own any number of lines |
//!
//! Each command runs in a shell of its own: the working folder, the database, the servers and `$?` stay from one to the next.

use std::cell::OnceCell;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::blocks::{Step, steps};
use crate::command::{Machine, binary};
use crate::common::{Serving, files_below};
use crate::fake::{FakeSumdb, Served};

/// Where the documents have the synthetic database, and how large it is.
const DATABASE: &str = "127.0.0.1:3001";
const RECORDS: u64 = 100_000;
/// Where the documents have their server.
const SERVER: &str = "127.0.0.1:3000";
/// What stands for a part that varies.
const ANYTHING: &str = "...";

/// In place of cargo: a checkout is built already.
const CARGO: &str = r#"#!/bin/sh
[ "$1 $2 $3" = "run --release --" ] || { echo "only cargo run --release -- is known here"; exit 2; }
shift 3
exec gosumcheck "$@"
"#;

/// A terminal in a checkout.
struct Terminal {
    machine: Machine,
    database: OnceCell<(FakeSumdb, Served)>,
    server: Option<Serving>,
    /// the exit code of the last command
    code: i32,
}

/// Runs all console blocks of a document; gives the number of commands.
///
/// # Errors
/// The first command that prints something else than what the document shows: its line, both texts.
pub(crate) fn check(markdown: &str) -> Result<usize, String> {
    let steps = steps(markdown)?;
    let mut terminal = Terminal::new();
    for step in &steps {
        let printed = terminal.run(&step.command);
        if !matches(&step.output, &printed) {
            let Step { line, command, output } = step;
            return Err(format!("line {line}: $ {command}\n--- shown\n{output}--- printed\n{printed}"));
        }
    }
    if steps.iter().any(|step| step.command.contains("$VKEY")) && !markdown.contains(&terminal.database().0.vkey()) {
        return Err(format!("the document does not show the key {}", terminal.database().0.vkey()));
    }
    Ok(steps.len())
}

impl Terminal {
    fn new() -> Terminal {
        let machine = Machine::new();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        for path in files_below(&repository.join("testdata")) {
            let name = path.strip_prefix(repository).unwrap().to_str().unwrap();
            machine.write(name, fs::read(&path).unwrap());
        }
        let terminal = Terminal { machine, database: OnceCell::new(), server: None, code: 0 };
        fs::create_dir(terminal.programs()).unwrap();
        symlink(binary(), terminal.programs().join("gosumcheck")).unwrap();
        let cargo = terminal.programs().join("cargo");
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        terminal
    }

    fn programs(&self) -> std::path::PathBuf {
        self.machine.home().with_file_name("bin")
    }

    /// The synthetic database, which is made when it is first named.
    fn database(&self) -> &(FakeSumdb, Served) {
        self.database.get_or_init(|| {
            let log = FakeSumdb::synthetic(RECORDS, 1);
            let served = log.serve();
            (log, served)
        })
    }

    /// Pairs of an address in the documents and the one that is meant here.
    fn addresses(&self, command: &str) -> Vec<(&'static str, String)> {
        let server = self.server.as_ref().map(|server| (SERVER, server.address().to_string()));
        let names_database = command.contains("$VKEY") || command.contains(DATABASE) || self.database.get().is_some();
        let database = names_database.then(|| (DATABASE, self.database().1.address.to_string()));
        server.into_iter().chain(database).collect()
    }

    /// A shell that is about to run `command`.
    fn shell(&self, command: &str) -> Command {
        let addresses = self.addresses(command);
        let command = addresses.iter().fold(command.to_owned(), |text, (shown, real)| text.replace(shown, real));
        let mut shell = self.machine.program("/bin/sh");
        shell.args(["-c", &format!("exec 2>&1\n(exit {})\n{command}", self.code)]);
        shell.env("PATH", format!("{}:/usr/bin:/bin", self.programs().display()));
        if let Some((log, _)) = self.database.get() {
            shell.env("VKEY", log.vkey());
        }
        shell
    }

    /// Runs a command; gives what a terminal shows.
    fn run(&mut self, command: &str) -> String {
        if let Some(serve) = command.strip_suffix(" &").filter(|command| command.starts_with("gosumcheck serve ")) {
            // Its log is not shown: each line begins with the time.
            let mut shell = self.shell(&format!("exec {serve} --listen 127.0.0.1:0 2>/dev/null"));
            self.server = Some(Serving::start(&mut shell));
            self.code = 0;
            return format!("listening: http://{SERVER}\n");
        }
        let output = self.shell(command).output().unwrap();
        self.code = output.status.code().unwrap_or_else(|| panic!("killed: {command}"));
        let printed = String::from_utf8(output.stdout).unwrap();
        let end = if printed.is_empty() || printed.ends_with('\n') { "" } else { "\n" };
        let addresses = self.addresses(command);
        addresses.iter().fold(printed + end, |text, (shown, real)| text.replace(real.as_str(), shown))
    }
}

/// Whether `printed` is what `shown` says, line by line.
fn matches(shown: &str, printed: &str) -> bool {
    let (shown, printed): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), printed.lines().collect());
    lines_match(&shown, &printed)
}

fn lines_match(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], printed) => printed.is_empty(),
        ([ANYTHING, rest @ ..], printed) => (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..])),
        ([line, rest @ ..], [first, others @ ..]) => line_matches(line, first) && lines_match(rest, others),
        (_, []) => false,
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((start, rest)) = shown.split_once(ANYTHING) else { return shown == printed };
    let Some(mut printed) = printed.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split(ANYTHING).collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = printed.split_once(part) else { return false };
        printed = after;
    }
    printed.ends_with(end)
}

#[test]
fn what_varies_may_be_left_out_and_nothing_else() {
    for (shown, printed, is_match) in [
        ("a\nb\n", "a\nb\n", true),
        ("a\n", "a\nb\n", false),
        ("a\nb\n", "a\n", false),
        ("a\n...\nd\n", "a\nb\nc\nd\n", true),
        ("a\n...\nd\n", "a\nd\n", true),
        ("a\n...\nd\n", "a\nb\n", false),
        ("...\n", "", true),
        ("took ... s, all well\n", "took 0.2 s, all well\n", true),
        ("took ... s, all well\n", "took 0.2 s, all ill\n", false),
        ("a ... b ... c\n", "a 1 b 2 c\n", true),
        ("a ... b ... c\n", "a 1 c 2 b\n", false),
        ("\n", "", false),
    ] {
        assert_eq!(matches(shown, printed), is_match, "{shown:?} {printed:?}");
    }
}

#[test]
fn a_wrong_expectation_is_caught() {
    let lookup = "gosumcheck lookup golang.org/x/text@v0.26.0 --offline --data target/none";
    let upstream = "--sumdb-url file://$PWD/testdata/demo/sum.golang.org --data target/demo";
    let session = |shown: &str| format!("Text.\n\n```console\n$ {shown}\n```\n");
    for (shown, why) in [
        (format!("{lookup}\n$ echo $?\n0"), "line 4: $ gosumcheck lookup"),
        (format!("{lookup} >/dev/null 2>&1\n$ echo $?\n0"), "line 5: $ echo $?\n--- shown\n0\n--- printed\n2\n"),
        (format!("gosumcheck audit testdata/demo/go.sum {upstream} | tail -n 1\n27 lines: 27 verified"), "line 4"),
        ("echo said >&2".to_owned(), "line 4: $ echo said >&2\n--- shown\n--- printed\nsaid\n"),
        ("echo $VKEY | cut -c 1-7\nfakelog".to_owned(), "the document does not show the key fakelog.example+"),
        ("cargo test\n".to_owned(), "line 4: $ cargo test"),
    ] {
        let error = check(&session(&shown)).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
    let right =
        format!("{lookup} >/dev/null 2>&1\n$ echo $?\n2\n$ (exit 3)\n$ echo $?\n3\n$ cd testdata && ls demo\n...");
    assert_eq!(check(&session(&right)), Ok(5));
}
