//! Output of commands: findings to standard output, all else to standard error. Neither can make a command panic: a reader that
//! leaves early, as `head` does, has seen what it wanted, and a full disk is reported.

use std::io::{self, Write};

use crate::database::Database;
use crate::fault::Fault;
use crate::report::{Level, Notice, plain, printable, printable_lines};
use crate::store::failures::{FailedWrites, WriteKind};
use crate::sumdb::evidence::Evidence;

/// Hands findings to standard output.
pub(super) fn tell(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Fault> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::machine("standard output", format!("cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says why something could not be done.
pub(super) fn complain(fault: &Fault) {
    let Fault::Forked { evidence, saved } = fault else { return say(&fault.to_string()) };
    say("the log misbehaved: it signed two histories that cannot both be true");
    show(evidence);
    match saved {
        Some(path) => {
            let path = path.display();
            say(&format!("trust no answer of it; the evidence is kept in {path} (gosumcheck verify-evidence {path})"));
            say("no newer head is accepted until a person has looked at it and clears it: gosumcheck heads clear-fork");
        }
        None => say("trust no answer of it; the evidence is in no file of its own: keep what stands above"),
    }
}

/// Warns of settings that do not do what they seem to, where there is no report to put them in.
pub(super) fn warn(notices: &[Notice]) {
    for notice in notices {
        let level = if notice.level == Level::Warning { "warning" } else { "note" };
        say(&format!("{level}: {}", printable(&notice.text)));
    }
}

/// Prints a notice, where there is no report to put it in.
pub(super) fn note(notice: Option<Notice>) {
    if let Some(notice) = notice {
        say(&format!("{}: {}", notice.level.name(), printable(&notice.text)));
    }
}

/// Warns of proven data that could not be stored: the answers are valid, and the next run requests it again.
pub(super) fn warn_of_unstored(database: &Database) {
    tell_unstored(&database.store_failures());
}

/// The same of what could not be stored.
pub(super) fn tell_unstored(failures: &[FailedWrites]) {
    // A full disk fails all kinds of writes alike: the one that matters most is named.
    let failed = |kind: WriteKind| failures.iter().find(|failed| failed.write == kind && failed.last.is_some());
    let kinds = [WriteKind::Evidence, WriteKind::Head, WriteKind::Cache];
    let Some(failure) = kinds.into_iter().find_map(failed) else { return };
    let what = match failure.write {
        WriteKind::Evidence => "the evidence could not be stored: keep what is shown of it",
        WriteKind::Head => {
            "the newest signed tree head could not be stored, so the next run starts from the one before, if any"
        }
        _ => "what was proven could not be stored, so the next run asks for it again",
    };
    let why = failure.last.as_ref().map(ToString::to_string).unwrap_or_default();
    say(&format!("warning: {what}: {why}"));
}

/// Writes to standard error; where that fails, the exit code still says the essential.
pub(super) fn say(text: &str) {
    let mut err = anstream::stderr().lock();
    for line in printable_lines(&plain(text)) {
        let _ = writeln!(err, "gosumcheck: {line}");
    }
}

/// Shows evidence line by line as it is, with its tabs, so that `verify-evidence` can read a log that these lines went to.
fn show(evidence: &Evidence) {
    let mut err = anstream::stderr().lock();
    for line in evidence.to_string().lines() {
        let (tab, words) = line.strip_prefix('\t').map_or(("", line), |words| ("\t", words));
        let _ = writeln!(err, "{tab}{}", printable(words));
    }
}

/// The exit code of a step that may have failed, and says so then.
pub(super) fn code_of(done: Result<(), Fault>) -> u8 {
    done.inspect_err(complain).map_or_else(|fault| fault.exit_code(), |()| 0)
}

/// The exit code of a command of several outcomes: 3, then 1, then 2.
pub(super) fn worst(codes: &[u8]) -> u8 {
    [3, 1, 2].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}
