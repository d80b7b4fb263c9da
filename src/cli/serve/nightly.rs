//! The nightly job of a server: `gosumcheck verify --record --resume`, every day at a time of the day in UTC.
//!
//! It is a process of its own, of low priority: its memory goes with it, and it may be killed at any moment. So it is when the server
//! stops; what was under way then goes on when the server starts again. One database after the other is verified, and never two at
//! once, also where a timer runs the job over the same folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::process::Command;

use crate::config::Sumdb;
use crate::config::settings::{NotifyTarget, Settings, ValueSource, rows};
use crate::fault::Fault;
use crate::store::Folder;
use crate::store::scrub::lower_process_priority;

/// Seconds of a day, and of a minute.
const DAY: u64 = 24 * 60 * 60;
const MINUTE: u64 = 60;

/// The job, and when it runs.
pub(super) struct NightlyJob {
    /// in minutes of the day
    at: u32,
    program: PathBuf,
    data: PathBuf,
    /// the arguments for each database
    runs: Vec<Vec<String>>,
}

impl NightlyJob {
    /// The job of a server with these settings, of which `config` is the file that was named; none where it has none.
    ///
    /// # Errors
    /// `Unavailable`: the system does not tell which program this is.
    pub(super) fn of(settings: &Settings, config: Option<&Path>) -> Result<Option<NightlyJob>, Fault> {
        let Some(at) = settings.verify_at else { return Ok(None) };
        let program = std::env::current_exe()
            .map_err(|error| Fault::machine("the system", format!("cannot tell which program this is: {error}")))?;
        let keys = settings.sumdb.iter().filter_map(|sumdb| match sumdb {
            Sumdb::On { key, .. } => Some(key.to_string()),
            Sumdb::Off => None,
        });
        let runs = keys.map(|key| arguments(settings, config, &key)).collect();
        Ok(Some(NightlyJob { at, program, data: settings.data.clone(), runs }))
    }

    /// Runs it every day, and at once where one was stopped in its midst, without end.
    pub(super) async fn keep_running(self) {
        if Folder::look(&self.data).is_ok_and(|folder| folder.runs().has_unfinished_job()) {
            tracing::info!("the nightly job was stopped in its midst: it goes on");
            self.run().await;
        }
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            tokio::time::sleep(until(now, self.at)).await;
            self.run().await;
        }
    }

    /// Runs it once for each database.
    async fn run(&self) {
        for arguments in &self.runs {
            let mut command = Command::new(&self.program);
            command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
            let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let ended = match started {
                Ok(child) => {
                    if let Some(id) = child.id() {
                        lower_process_priority(id);
                    }
                    child.wait_with_output().await
                }
                Err(error) => Err(error),
            };
            match ended {
                Ok(output) => log(output.status.code(), &output.stdout, &output.stderr),
                Err(error) => tracing::error!("the nightly job could not be run: {error}"),
            }
        }
    }
}

/// Says what came of a run: its last line.
fn log(code: Option<i32>, out: &[u8], err: &[u8]) {
    let last = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
    };
    let said = if out.is_empty() { last(err) } else { last(out) };
    match code {
        Some(0) => tracing::info!(exit_code = 0, "the nightly job ended: {said}"),
        Some(code) => tracing::error!(exit_code = code, "the nightly job ended: {said}"),
        None => tracing::error!("the nightly job was killed; it goes on the next time"),
    }
}

/// The arguments of a run over the database of this key. What the file and the environment say the run reads itself.
fn arguments(settings: &Settings, config: Option<&Path>, key: &str) -> Vec<String> {
    let private = if settings.private.is_empty() { "none" } else { &settings.private };
    let data = settings.data.display().to_string();
    let mut arguments: Vec<String> =
        ["verify", "--record", "--resume", "--sumdb", key, "--data", &data, "--private", private]
            .map(str::to_owned)
            .into();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    if let Some(config) = config {
        add("--config", config.display().to_string());
    }
    let is_flag = |name: &str| {
        settings.shown.iter().any(|(shown, _, source)| *shown == name && matches!(source, ValueSource::Flag(_)))
    };
    if let Some(rate) = settings.verify_max_rate.filter(|_| is_flag(rows::verify_max_rate.name)) {
        add("--max-rate", rate.to_string());
    }
    if let Some(share) = settings.verify_sample.filter(|_| is_flag(rows::verify_sample.name)) {
        add("--sample", format!("{}.{:04}%", share / 10_000, share % 10_000));
    }
    if is_flag(rows::verify_full_every.name) {
        let every = settings.verify_full_every.map_or(0, |every| every.as_secs());
        add("--full-every", format!("{every}s"));
    }
    for target in settings.verify_notify.iter().filter(|_| is_flag(rows::verify_notify.name)) {
        match target {
            NotifyTarget::Webhook(url) => add("--notify-webhook", url.clone()),
            NotifyTarget::Mail(address) => add("--notify-mail", address.clone()),
            NotifyTarget::Command(command) => add("--notify-command", command.clone()),
        }
    }
    for (name, flag, path) in [
        (rows::verify_notify_key.name, "--notify-key", &settings.verify_notify_key),
        (rows::verify_sign_key.name, "--sign-key", &settings.verify_sign_key),
    ] {
        if let Some(path) = path.as_ref().filter(|_| is_flag(name)) {
            add(flag, path.display().to_string());
        }
    }
    if settings.verify_notify_always && is_flag(rows::verify_notify_always.name) {
        arguments.push("--notify-always".to_owned());
    }
    arguments
}

/// How long it is from `now`, in seconds since 1970, until the next time that the clock shows these minutes of the day in UTC.
fn until(now: u64, at: u32) -> Duration {
    let at = u64::from(at) * MINUTE;
    let today = now % DAY;
    Duration::from_secs(if today < at { at - today } else { at + DAY - today })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_today_or_tomorrow() {
        let hour = 60 * MINUTE;
        let noon = 20_000 * DAY + 12 * hour;
        for (at, expected) in
            [(12 * 60 + 1, 60), (12 * 60, DAY), (11 * 60, 23 * hour), (0, 12 * hour), (1439, 12 * hour - 60)]
        {
            assert_eq!(until(noon, at), Duration::from_secs(expected), "{at}");
        }
    }
}
