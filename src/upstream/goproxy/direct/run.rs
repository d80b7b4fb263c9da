//! One run of a command: bounded in time, in output and in what it takes of this machine. It is killed with all processes that it
//! started when no client waits for it any more.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::DirectSettings;
use super::sandbox::Sandbox;
use super::space;
use crate::sumdb::number::wide;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;

/// The longest output on stdout, in bytes: 100,000 versions fit.
const STDOUT_LIMIT: usize = 4 << 20;
/// How many of the last bytes of stderr are kept.
const STDERR_KEPT: usize = 16 << 10;
/// Bytes that are read at once.
const PIECE: usize = 16 << 10;

/// What a command printed, and whether it succeeded.
#[derive(Debug)]
pub(super) struct CommandOutput {
    pub(super) is_success: bool,
    pub(super) stdout: Vec<u8>,
    /// its end
    pub(super) stderr: Vec<u8>,
}

/// A command under way, with the folder that it works in.
struct RunningCommand {
    /// none once it has ended, like `sandbox`
    child: Option<Child>,
    sandbox: Option<Sandbox>,
}

/// Runs a command to its end, and gives the sandbox back.
pub(super) async fn run(
    mut command: Command,
    settings: &DirectSettings,
    sandbox: Sandbox,
) -> Result<(CommandOutput, Sandbox), Failed> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let unrun = |error: std::io::Error| Failed::lasting(FailureKind::Machine, format!("cannot run {program}: {error}"));
    let mut child = command.spawn().map_err(unrun)?;
    space::bound(&child, settings.disk, settings.memory);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let exceeded = space::exceeded(sandbox.root(), settings.disk);
    let mut running = RunningCommand { child: Some(child), sandbox: Some(sandbox) };
    let finished = async {
        let end = async { end(stderr).await.map_err(unrun) };
        let ended = async { running.ended().await.map_err(unrun) };
        tokio::try_join!(all(stdout, unrun), end, ended)
    };
    let (stdout, stderr, is_success) = tokio::select! {
        finished = finished => finished?,
        () = exceeded => {
            let why = format!("the repository takes more than {} bytes of disk to fetch", settings.disk);
            return Err(Failed::lasting(FailureKind::TooLong, why));
        }
        () = tokio::time::sleep(settings.total) => {
            let why = format!("timed out: the go command did not finish within {:?}", settings.total);
            return Err(Failed::lasting(FailureKind::Timeout, why));
        }
    };
    let sandbox = running.sandbox.take().ok_or_else(|| Failed::lasting(FailureKind::Machine, "the sandbox is gone"))?;
    Ok((CommandOutput { is_success, stdout, stderr }, sandbox))
}

impl RunningCommand {
    async fn ended(&mut self) -> std::io::Result<bool> {
        let Some(child) = &mut self.child else { return Ok(false) };
        let status = child.wait().await?;
        self.child = None;
        Ok(status.success())
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        kill(&mut child);
        // The folder is removed when the command is dead, and not while it writes.
        let sandbox = self.sandbox.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = child.wait().await;
                drop(sandbox);
            });
        }
    }
}

/// Kills a command that has not been waited for, and all that it started: its process group, of which it is the leader.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.start_kill();
}

async fn all(
    pipe: Option<impl AsyncRead + Unpin>,
    unread: impl Fn(std::io::Error) -> Failed,
) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok(bytes) };
    let most = wide(STDOUT_LIMIT).saturating_add(1);
    pipe.take(most).read_to_end(&mut bytes).await.map_err(unread)?;
    if bytes.len() > STDOUT_LIMIT {
        let why = format!("the go command printed more than {STDOUT_LIMIT} bytes");
        return Err(Failed::lasting(FailureKind::TooLong, why));
    }
    Ok(bytes)
}

async fn end(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(kept) };
    let mut piece = vec![0; PIECE];
    loop {
        let read = pipe.read(&mut piece).await?;
        if read == 0 {
            return Ok(kept);
        }
        kept.extend(piece.iter().take(read));
        kept.drain(..kept.len().saturating_sub(STDERR_KEPT));
    }
}
