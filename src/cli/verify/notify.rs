//! Messages about a run of `gosumcheck verify`: a POST to a webhook, an e-mail through sendmail, or the standard input of a command. One
//! line where all is well, and only where that is asked for.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::super::output::complain;
use super::super::setup;
use super::record::{MAX_NAMED, Outcome, by_kind, named};
use crate::config::settings::{NotifyTarget, VerifySettings, rows};
use crate::fault::Fault;
use crate::files;
use crate::report::{plain, printable};
use crate::upstream::webhook;

/// The longest key of a webhook, in bytes.
const MAX_KEY_BYTES: u64 = 4096;
/// How long sendmail or a command may take.
const MAX_COMMAND: Duration = Duration::from_secs(60);
/// Where sendmail is where it is not on the PATH: cron's has no sbin.
const SENDMAIL: [&str; 3] = ["sendmail", "/usr/sbin/sendmail", "/usr/lib/sendmail"];

/// What there is to say of a run.
struct Message {
    exit_code: u8,
    /// the first line
    summary: String,
    /// what was found
    lines: Vec<String>,
    /// the same for programs
    document: Value,
}

/// Sends what `settings` ask for about a run that ended.
///
/// # Errors
/// `Unavailable`: a target could not be reached; the others were tried.
pub(super) fn send(settings: &VerifySettings, outcome: &Outcome<'_>) -> Result<(), Fault> {
    let Outcome { plan, report, exit_code, .. } = outcome;
    let state = state(*exit_code);
    let first: Vec<_> = report.findings.iter().take(MAX_NAMED).collect();
    let mut lines: Vec<String> =
        first.iter().map(|finding| format!("{}: {}  {}", finding.file, finding.flaw.id(), finding.what)).collect();
    let more = report.total().saturating_sub(u64::try_from(first.len()).unwrap_or(u64::MAX));
    if more > 0 {
        lines.push(format!("... and {more} more"));
    }
    let document = json!({
        "schema": "gosumcheck.alert/1",
        "state": state,
        "exit_code": exit_code,
        "database": report.database,
        "began": plan.began.to_string(),
        "findings": report.total(),
        "by_kind": by_kind(report),
        "first": first.into_iter().map(named).collect::<Vec<_>>(),
        "unrepaired": outcome.unrepaired,
    });
    let summary = format!("gosumcheck verify: {state}: {}", report.summary());
    deliver(settings, Message { exit_code: *exit_code, summary, lines, document })
}

/// The same about a run that could not begin or go on.
pub(super) fn send_fault(settings: &VerifySettings, fault: &Fault) {
    let exit_code = fault.exit_code();
    let state = state(exit_code);
    let document = json!({ "schema": "gosumcheck.alert/1", "state": state, "exit_code": exit_code });
    let summary = format!("gosumcheck verify: {state}: {fault}");
    if let Err(fault) = deliver(settings, Message { exit_code, summary, lines: Vec::new(), document }) {
        complain(&fault);
    }
}

fn state(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "all is well",
        1 => "FINDINGS",
        3 => "THE LOG MISBEHAVED",
        _ => "COULD NOT TELL",
    }
}

fn deliver(settings: &VerifySettings, mut message: Message) -> Result<(), Fault> {
    if settings.notify.is_empty() || (message.exit_code == 0 && !settings.notify_always) {
        return Ok(());
    }
    message.summary = line(&message.summary);
    message.lines = message.lines.iter().map(|text| line(text)).collect();
    let text =
        std::iter::once(&message.summary).chain(&message.lines).fold(String::new(), |text, line| text + line + "\n");
    if let Some(fields) = message.document.as_object_mut() {
        // The field that chat programs show.
        fields.insert("text".to_owned(), text.clone().into());
    }
    let key = settings.notify_key.as_deref().map(key).transpose();
    let key = key.map_err(|fault| fault.set_at(&settings.place_of(&rows::verify_notify_key)))?;
    let runtime = setup::runtime()?;
    let mut failed = None;
    for target in &settings.notify {
        let shown = format!("notification of {target}");
        let sent = runtime.block_on(async {
            match target {
                NotifyTarget::Webhook(url) => {
                    webhook::post(url, &shown, &message.document.to_string(), key.as_deref()).await
                }
                NotifyTarget::Mail(address) => mail(address, &message, &text, &shown).await,
                NotifyTarget::Command(command) => {
                    let mut shell = Command::new("sh");
                    shell.args(["-c", command]).env("GOSUMCHECK_EXIT_CODE", message.exit_code.to_string());
                    feed(shell, &text).await.map_err(|error| Fault::machine(&shown, error.to_string()))
                }
            }
        });
        if let Err(fault) = sent
            && let Some(earlier) = failed.replace(fault)
        {
            complain(&earlier);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// A text as one line that can stand in a mail's header.
fn line(text: &str) -> String {
    printable(&plain(text)).replace('\n', " ")
}

/// The key in a file, without the end of its line.
fn key(path: &Path) -> Result<Vec<u8>, Fault> {
    let wrong = |why: &str| Fault::Usage(format!("{}: {why}", path.display()));
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_KEY_BYTES));
    let bytes = read.map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let key = bytes.trim_ascii_end();
    if key.is_empty() || u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_KEY_BYTES) {
        return Err(wrong("a key has from 1 to 4096 bytes"));
    }
    Ok(key.to_vec())
}

async fn mail(address: &str, message: &Message, text: &str, shown: &str) -> Result<(), Fault> {
    let subject: String = message.summary.chars().take(150).collect();
    let mail = format!(
        "To: {address}\nSubject: {subject}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\n\n{text}"
    );
    for program in SENDMAIL {
        let mut sendmail = Command::new(program);
        sendmail.args(["-i", address]);
        match feed(sendmail, &mail).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            sent => return sent.map_err(|error| Fault::machine(shown, format!("sendmail: {error}"))),
        }
    }
    Err(Fault::machine(shown, "there is no program sendmail on the PATH or in /usr/sbin"))
}

/// Runs a command with `text` as its standard input, for a minute at most.
async fn feed(mut command: Command, text: &str) -> io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
    let input = child.stdin.take();
    let fed = async {
        if let Some(mut input) = input {
            // A command that does not read it all has seen what it wanted.
            match input.write_all(text.as_bytes()).await {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
                _ => drop(input),
            }
        }
        child.wait().await
    };
    let status =
        tokio::time::timeout(MAX_COMMAND, fed).await.map_err(|_| io::Error::other("took more than a minute"))??;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("ended with {status}"))) }
}
