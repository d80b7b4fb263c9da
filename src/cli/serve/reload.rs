//! Reads the settings again while the server runs: all of what changed is taken over, or nothing is.
//!
//! A [`Part`] is what can take new settings. It names the settings that it answers for, and has one function: that reads what
//! they name, checks it, and gives a [`Change`] that cannot fail. All parts are asked before any change is made. A changed
//! setting that no part answers for needs a restart: then nothing is changed, and the setting is named. To add a part, write one
//! line where [`Reload::with`] is called in `serve`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::config::settings::{Settings, ValueSource};
use crate::fault::Fault;
use crate::store::Folder;
use crate::store::serving::{ServerState, ServingFile};

/// How long `--reload` waits for the server: it hashes no passwords and asks nobody.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Something that can take new settings.
pub(super) struct Part {
    /// the settings that it answers for, by name
    pub(super) settings: Vec<&'static str>,
    /// of the settings in effect and the new ones: reads and checks what these name, and changes nothing; none where all is as it was
    #[expect(clippy::type_complexity, reason = "it is written once")]
    pub(super) prepare: Box<dyn Fn(&Settings, &Settings) -> Result<Option<Change>, Fault> + Send>,
}

/// A change that has been checked.
pub(super) struct Change {
    /// what it is, for the log, such as `certificate cert.pem (valid for 89 days)`
    pub(super) what: String,
    /// makes it; this cannot fail
    pub(super) apply: Box<dyn FnOnce() + Send>,
}

/// What a reload reads and changes.
pub(super) struct Reload<'a> {
    read: &'a dyn Fn() -> Result<Settings, Fault>,
    current: Settings,
    parts: Vec<Part>,
    /// where `--reload` looks for what came of it; none where another server has the data folder
    file: Option<ServingFile>,
    /// the file of settings that is read, if there is one
    source: Option<PathBuf>,
    /// how many were tried
    tried: u64,
}

impl<'a> Reload<'a> {
    /// `read` reads the settings as they are now, with the file `source` among them; `current` are those in effect, of a server over
    /// `folder`.
    pub(super) fn new(
        read: &'a dyn Fn() -> Result<Settings, Fault>,
        current: &Settings,
        folder: &Folder,
        source: Option<&Path>,
    ) -> Reload<'a> {
        let file = folder.serve().unwrap_or_else(|fault| {
            tracing::warn!("--reload will not find this server: {fault}");
            None
        });
        let source = source.map(whole);
        let reload = Reload { read, current: current.clone(), parts: Vec::new(), file, source, tried: 0 };
        reload.write(false, String::new());
        reload
    }

    /// With another part.
    #[must_use]
    pub(super) fn with(mut self, part: Part) -> Reload<'a> {
        self.parts.push(part);
        self
    }

    /// Reads the settings and all that they name again, and takes over what changed; logs what that is in one line, or why nothing
    /// has changed.
    pub(super) fn run(&mut self) {
        self.tried += 1;
        match self.try_run() {
            Ok(line) => {
                tracing::info!("reloaded: {line}");
                self.write(false, format!("reloaded: {line}"));
            }
            Err(fault) => {
                tracing::warn!("not reloaded, and nothing has changed: {fault}");
                self.write(true, format!("not reloaded, and nothing has changed: {fault}"));
            }
        }
    }

    fn write(&self, refused: bool, last: String) {
        let Some(file) = &self.file else { return };
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        let settings = Some(self.source.iter().cloned().collect());
        if let Err(fault) = file.write(&ServerState { pid, reloads: self.tried, refused, last, settings }) {
            tracing::warn!("--reload will not see what came of it: {fault}");
        }
    }

    /// What has changed, in one line. If anything is wrong, or a changed setting needs a restart, nothing has.
    fn try_run(&mut self) -> Result<String, Fault> {
        let settings = (self.read)()?;
        let fixed: Vec<String> =
            changed(&self.current, &settings).into_iter().filter(|name| !self.takes(name)).collect();
        if !fixed.is_empty() {
            return Err(Fault::Usage(format!("needs a restart: {}", fixed.join(", "))));
        }
        let changes = self
            .parts
            .iter()
            .map(|part| (part.prepare)(&self.current, &settings))
            .collect::<Result<Vec<_>, Fault>>()?;
        let changes: Vec<Change> = changes.into_iter().flatten().collect();
        let what: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
        let line =
            if what.is_empty() { "nothing has changed".to_owned() } else { format!("changed: {}", what.join("; ")) };
        changes.into_iter().for_each(|change| (change.apply)());
        self.current = settings;
        Ok(line)
    }

    fn takes(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.settings.contains(&name))
    }
}

/// The settings that differ, by name.
fn changed(old: &Settings, new: &Settings) -> Vec<String> {
    let mut names: Vec<&str> =
        [old, new].iter().flat_map(|settings| settings.shown.iter().map(|(name, ..)| *name)).collect();
    names.sort_unstable();
    names.dedup();
    let mut changed: Vec<String> =
        names.into_iter().filter(|name| values(old, name) != values(new, name)).map(str::to_owned).collect();
    // What is shown has no passwords.
    let secret = [
        ("upstreams", old.upstreams != new.upstreams),
        ("proxy", old.proxy != new.proxy),
        ("private_proxy", old.private_proxy != new.private_proxy),
        ("sumdb_url", old.sumdb_url != new.sumdb_url),
    ];
    for (name, differs) in secret {
        if differs && !changed.iter().any(|changed| changed == name) {
            changed.push(name.to_owned());
        }
    }
    changed
}

/// What is shown of a setting. Where it comes from does not count, but for go's settings, of which each is shown.
fn values<'a>(settings: &'a Settings, name: &str) -> Vec<(&'a str, Option<&'a ValueSource>)> {
    let of_go = |source: &'a ValueSource| matches!(source, ValueSource::Go(_)).then_some(source);
    let shown = settings.shown.iter().filter(|(shown, ..)| *shown == name);
    shown.map(|(_, value, source)| (value.as_str(), of_go(source))).collect()
}

/// The path of a file of settings by which it can be compared.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}

/// Has the server over a data folder read its settings again, and waits for what comes of it: one line, and whether the server
/// refused. `named` is the file of settings that the caller named.
///
/// # Errors
/// `Usage`: no server runs there, or it reads another file. `Unavailable`: it cannot be reached, or does not answer.
pub(super) fn ask(data: &Path, named: Option<&Path>) -> Result<(String, bool), Fault> {
    let name = data.display();
    let folder = Folder::look(data)?;
    let nobody = || Fault::Usage(format!("no server runs over the data folder {name}; --data names another"));
    let before = folder.server()?.ok_or_else(nobody)?;
    if let (Some(named), Some(files)) = (named.map(whole), &before.settings)
        && !files.contains(&named)
    {
        let reads = files
            .first()
            .map_or("no file of settings".to_owned(), |file| format!("its settings from {}", file.display()));
        let named = named.display();
        return Err(Fault::Usage(format!(
            "the server over the data folder {name} (process {}) reads {reads}, not {named}: it is as it was; to have it read that file, \
             start it anew with --config {named}",
            before.pid
        )));
    }
    let pid = Pid::from_raw(before.pid).ok_or_else(nobody)?;
    kill_process(pid, Signal::HUP).map_err(|error| {
        Fault::machine(format!("process {}", before.pid), format!("cannot be sent SIGHUP: {error}"))
    })?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(now) = folder.server()?.filter(|now| now.reloads > before.reloads || now.pid != before.pid) {
            return Ok((now.last, now.refused));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Err(Fault::machine(format!("process {}", before.pid), "does not say what came of the reload; see its log"))
}
