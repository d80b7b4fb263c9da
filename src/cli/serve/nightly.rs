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
use crate::store::priority::lower_process_priority;
use crate::verify;

/// Seconds of a day, and of a minute.
const DAY: u64 = 24 * 60 * 60;
const MINUTE: u64 = 60;

/// The job, and when it runs.
pub(super) struct NightlyJob {
    /// in minutes of the day
    at: u32,
    program: PathBuf,
    data: PathBuf,
    /// a run for each database, the first one over the modules too
    runs: Vec<DatabaseRun>,
}

/// The run over one database.
struct DatabaseRun {
    /// the database whose full log must be here, or there is nothing to verify; none where there are modules too
    needs_log_of: Option<String>,
    arguments: Vec<String>,
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
        let databases = settings.sumdb.iter().filter_map(|sumdb| match sumdb {
            Sumdb::On { name, key, .. } => Some((name, key.to_string())),
            Sumdb::Off => None,
        });
        // Modules are those of the first database.
        let run = |(at, (name, key)): (usize, (&String, String))| DatabaseRun {
            needs_log_of: (at > 0).then(|| name.clone()),
            arguments: arguments(settings, config, &key, at == 0),
        };
        let runs = databases.enumerate().map(run).collect();
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
        for DatabaseRun { needs_log_of, arguments } in &self.runs {
            if needs_log_of.as_ref().is_some_and(|name| !has_log(&self.data, name)) {
                continue;
            }
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

/// Whether anything of the full log of this database is in the data folder `data`.
fn has_log(data: &Path, name: &str) -> bool {
    Folder::look(data).and_then(|folder| folder.log(name)).is_ok_and(|log| verify::is_there(&log))
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

/// The arguments of a run over the database of this key, and over the modules where `has_modules`. What the file and the environment say
/// the run reads itself.
fn arguments(settings: &Settings, config: Option<&Path>, key: &str, has_modules: bool) -> Vec<String> {
    let private = if settings.private.is_empty() { "none" } else { &settings.private };
    let modules: &[&str] = if has_modules { &["--private", private] } else { &["--no-modules"] };
    let data = settings.data.display().to_string();
    let first = ["verify", "--record", "--resume", "--sumdb", key, "--data", &data];
    let mut arguments: Vec<String> = first.iter().chain(modules).map(|word| (*word).to_owned()).collect();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    if let Some(config) = config {
        add("--config", config.display().to_string());
    }
    let is_flag = |name: &str| {
        settings.shown.iter().any(|(shown, _, source)| *shown == name && matches!(source, ValueSource::Flag(_)))
    };
    // Always: `verify` takes it from its arguments alone, as it does the key and the folder.
    if let Some(policy) = &settings.policy {
        add("--policy", policy.display().to_string());
    }
    if let Some(key) = settings.cosign.as_ref().filter(|_| has_modules && is_flag(rows::cosign.name)) {
        add("--cosign", key.display().to_string());
    }
    for pin in settings.pin_head.iter().filter(|_| is_flag(rows::pin_head.name)) {
        add("--pin-head", pin.display().to_string());
    }
    // They show heads of the first database.
    for route in settings.head_routes.iter().filter(|_| has_modules && is_flag(rows::head_routes.name)) {
        add("--head-route", route.clone());
    }
    if is_flag(rows::head_stale.name) {
        add("--head-stale", format!("{}s", settings.head_stale.as_secs()));
    }
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
    for (name, flag, is_on) in [
        (rows::offline.name, "--offline", settings.offline),
        (rows::verify_ask_upstreams.name, "--ask-upstreams", has_modules && settings.verify_ask_upstreams),
        (rows::verify_notify_always.name, "--notify-always", settings.verify_notify_always),
    ] {
        if is_on && is_flag(name) {
            arguments.push(flag.to_owned());
        }
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
    use crate::config::GoEnv;
    use crate::config::settings::{Layers, Setting};

    const OTHER: &str = "fakelog.example+a4bb786a+AXzkilt2v9LMwkeu20P0rN3AGyM0loVG8cNppseYbwHa";

    /// What the job of a server with these flags runs.
    fn runs(flags: &[(&'static Setting, &str)]) -> Vec<String> {
        let layers = flags.iter().fold(Layers::default(), |layers, (setting, value)| {
            layers.flag(setting, value.split(' ').map(str::to_owned).collect::<Vec<_>>())
        });
        let settings = Settings::of(&layers, &GoEnv::resolve(|_| None, "", ""), |_| None);
        let job = settings.and_then(|settings| NightlyJob::of(&settings, Some(Path::new("g.toml"))));
        let runs = job.ok().flatten().map(|job| job.runs).unwrap_or_default();
        runs.into_iter().map(|run| format!("{:?} {}", run.needs_log_of, run.arguments.join(" "))).collect()
    }

    #[test]
    fn a_run_gets_what_the_server_was_given() {
        let (at, data) = ((&rows::verify_at, "03:00"), (&rows::data, "/srv/d"));
        assert_eq!(runs(&[data]).len(), 0, "no time is set");
        let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let both = format!("sum.golang.org {OTHER}");
        let common = "--data /srv/d";
        assert_eq!(
            runs(&[at, data, (&rows::sumdb, &both), (&rows::private, "corp.example")]),
            [
                format!("None verify --record --resume --sumdb {key} {common} --private corp.example --config g.toml"),
                // Modules are those of the first database alone.
                format!(
                    "Some(\"fakelog.example\") verify --record --resume --sumdb {OTHER} {common} --no-modules --config g.toml"
                ),
            ]
        );
        let flags = [
            at,
            data,
            (&rows::verify_max_rate, "1MiB"),
            (&rows::verify_sample, "0.5%"),
            (&rows::verify_full_every, "7d"),
            (&rows::verify_notify, "mailto:a@b.example https://c.example/x"),
            (&rows::verify_notify_always, "true"),
            (&rows::verify_sign_key, "/k"),
            (&rows::policy, "Cargo.toml"),
            (&rows::pin_head, "Cargo.lock"),
            (&rows::head_routes, "https://a.example/latest https://b.example/latest"),
            (&rows::head_stale, "2h"),
            (&rows::offline, "true"),
            (&rows::verify_ask_upstreams, "true"),
        ];
        let given = runs(&flags).concat();
        for words in [
            "--private none",
            "--max-rate 1048576",
            "--sample 0.5000%",
            "--full-every 604800s",
            "--notify-mail a@b.example",
            "--notify-webhook https://c.example/x",
            "--sign-key /k",
            "--notify-always",
            "--policy Cargo.toml",
            "--pin-head Cargo.lock",
            "--head-route https://a.example/latest --head-route https://b.example/latest",
            "--head-stale 7200s",
            "--offline",
            "--ask-upstreams",
        ] {
            assert!(given.contains(words), "{words}: {given}");
        }
    }

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
