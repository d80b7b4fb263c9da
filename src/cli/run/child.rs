//! The command that `run` runs: a process group of its own, which gets the terminal where we have it and the signals that we get,
//! and of which nothing is left when the command has ended.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use rustix::fs::Mode;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpgrp, getrlimit, kill_current_process_group,
    kill_process_group, setrlimit, test_kill_process_group, umask, waitpid,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use tokio::signal::unix::{Signal as TokioSignal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::fault::Fault;

/// How long what the command left behind has to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How often is looked meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The shell's exit codes for a command that does not exist, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// What a child process gets from us and we change for ourselves: taken before, given back for the moment in which it starts.
pub(super) struct Inherited {
    mask: Mode,
    files: Rlimit,
}

impl Inherited {
    /// As it is now.
    pub(super) fn take() -> Inherited {
        let mask = umask(Mode::RWXG | Mode::RWXO);
        umask(mask);
        Inherited { mask, files: getrlimit(Resource::Nofile) }
    }

    /// Does `work` under it. No other thread may make files meanwhile.
    fn under<T>(&self, work: impl FnOnce() -> T) -> T {
        let (ours, limit) = (umask(self.mask), getrlimit(Resource::Nofile));
        let set = setrlimit(Resource::Nofile, self.files);
        let done = work();
        umask(ours);
        if set.is_ok() {
            let _ = setrlimit(Resource::Nofile, limit); // it was the limit just before
        }
        done
    }
}

/// The signals that are passed on while the command runs, and that end this process afterwards. To be made before the command starts:
/// a person who sees it run may send one.
pub(super) struct PassedOn(Vec<(TokioSignal, Signal)>);

impl PassedOn {
    /// From now on they end this process no more.
    ///
    /// # Errors
    /// `Unavailable`: the system refuses it.
    pub(super) fn install() -> Result<PassedOn, Fault> {
        let kinds = [
            (SignalKind::interrupt(), Signal::INT),
            (SignalKind::terminate(), Signal::TERM),
            (SignalKind::hangup(), Signal::HUP),
            (SignalKind::quit(), Signal::QUIT),
        ];
        let failed = |error: io::Error| Fault::machine("the system", format!("cannot handle signals: {error}"));
        let ignored = ignored();
        // What this process was told to ignore, as by nohup, the command ignores too.
        let kinds = kinds.into_iter().filter(|(_, passed)| ignored >> (passed.as_raw() - 1) & 1 == 0);
        let install = |(kind, passed)| Ok((signal(kind).map_err(failed)?, passed));
        kinds.map(install).collect::<Result<_, Fault>>().map(PassedOn)
    }

    /// The next signal that this process gets.
    pub(super) async fn next(&mut self) -> Signal {
        let any = self.0.iter_mut().map(|(signal, passed)| {
            let passed = *passed;
            Box::pin(async move {
                if signal.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
                passed
            })
        });
        match any.collect::<Vec<_>>() {
            none if none.is_empty() => std::future::pending().await,
            any => futures_util::future::select_all(any).await.0,
        }
    }
}

/// The signals that this process ignores, a bit each from signal 1 on; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The shell's exit code for what a signal ended.
pub(super) fn code_of_signal(signal: Signal) -> u8 {
    u8::try_from(128 + signal.as_raw()).unwrap_or(u8::MAX)
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// its exit code, or 128 and the number of the signal
    pub(super) code: u8,
    /// whether a signal ended it, or was passed on to it
    pub(super) by_signal: bool,
}

/// A running command.
pub(super) struct Child {
    group: Pid,
    ended: oneshot::Receiver<io::Result<u8>>,
}

/// Why there is no command: the exit code that shells have for it, and the reason.
pub(super) struct NotStarted {
    pub(super) code: u8,
    pub(super) why: String,
}

impl Child {
    /// Starts `words` with these variables over those of this process.
    pub(super) fn start(
        words: &[OsString],
        variables: &[(&'static str, String)],
        inherited: &Inherited,
    ) -> Result<Child, NotStarted> {
        let (program, arguments) = words.split_first().unwrap_or((const { &OsString::new() }, &[]));
        let mut command = Command::new(program);
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value))).process_group(0);
        let child = inherited.under(|| command.spawn()).map_err(|error| {
            let name = program.to_string_lossy();
            match error.kind() {
                io::ErrorKind::NotFound => NotStarted { code: NOT_FOUND, why: format!("{name}: command not found") },
                _ => {
                    let why = format!("{name}: cannot be run: {}", crate::files::explain(&error));
                    NotStarted { code: NOT_EXECUTABLE, why }
                }
            }
        })?;
        let group = Pid::from_child(&child);
        let (tell, ended) = oneshot::channel();
        let terminal = Terminal::give(group);
        std::thread::spawn(move || {
            let code = wait(group, terminal.as_ref());
            drop(terminal);
            let _ = tell.send(code); // nobody waits any more
        });
        Ok(Child { group, ended })
    }

    /// Until it has ended, and all that it left in its group has. Signals that this process gets are passed on.
    ///
    /// # Errors
    /// `Unavailable`: the system lost the process.
    pub(super) async fn ended(mut self, passed_on: &mut PassedOn) -> Result<Ended, Fault> {
        let failed = |error: io::Error| Fault::machine("the system", format!("cannot wait for the command: {error}"));
        let mut was_passed = false;
        let code = loop {
            tokio::select! {
                code = &mut self.ended => break code.map_err(io::Error::other).and_then(|code| code).map_err(failed)?,
                passed = passed_on.next() => {
                    was_passed = true;
                    let _ = kill_process_group(self.group, passed); // it may have ended just now
                }
            }
        };
        self.end_the_rest().await;
        Ok(Ended { code, by_signal: was_passed || code > 128 })
    }

    /// Ends what the command left running in its group.
    async fn end_the_rest(&self) {
        let _ = kill_process_group(self.group, Signal::TERM);
        let until = Instant::now() + GRACE;
        while test_kill_process_group(self.group).is_ok() {
            if Instant::now() >= until {
                let _ = kill_process_group(self.group, Signal::KILL);
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// The terminal, while the command has it in our place: Ctrl-C goes to it, and it may read.
struct Terminal {
    ours: Pid,
    theirs: Pid,
}

impl Terminal {
    /// Hands it to `group`; none where standard input is not a terminal, or not ours now.
    fn give(group: Pid) -> Option<Terminal> {
        let terminal = Terminal { ours: getpgrp(), theirs: group };
        let is_ours = io::stdin().is_terminal() && tcgetpgrp(io::stdin()).is_ok_and(|now| now == terminal.ours);
        is_ours.then(|| {
            terminal.hand_to(group);
            terminal
        })
    }

    /// A process that is not in the foreground is stopped for this, unless it blocks that signal.
    fn hand_to(&self, group: Pid) {
        let mut stop = SigSet::empty();
        stop.add(nix::sys::signal::Signal::SIGTTOU);
        let blocked = stop.thread_block();
        let _ = tcsetpgrp(io::stdin(), group); // without it the command is in the background
        if blocked.is_ok() {
            let _ = stop.thread_unblock();
        }
        if group == self.theirs {
            // It may have tried to read before.
            let _ = kill_process_group(group, Signal::CONT);
        }
    }

    /// Ctrl-Z: we stop as the command did, and go on with it.
    fn stop_with_it(&self) {
        self.hand_to(self.ours);
        let _ = kill_current_process_group(Signal::TSTP);
        self.hand_to(self.theirs);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.hand_to(self.ours);
    }
}

/// Waits for the process to end; gives its exit code as shells have it.
fn wait(pid: Pid, terminal: Option<&Terminal>) -> io::Result<u8> {
    loop {
        let waited = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::UNTRACED))?;
        let Some((_, status)) = waited else { continue };
        if let Some(code) = code(status) {
            return Ok(code);
        }
        if let Some(terminal) = terminal.filter(|_| status.stopped()) {
            terminal.stop_with_it();
        }
    }
}

fn code(status: WaitStatus) -> Option<u8> {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    u8::try_from(status.exit_status().or(signal)?).ok()
}
