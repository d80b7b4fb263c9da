//! The surroundings of one run of the go command: folders of its own, and of the environment only what it takes to reach others.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::process::Command;
use tokio::runtime::Handle;

use super::DirectSettings;
use crate::upstream::failure::FailureKind;
use crate::upstream::retry::Failed;

/// What a sandbox's folder is called, before some random letters.
const PREFIX: &str = "direct-";
/// A sandbox that is older was left behind by a process that is no more.
const STALE: Duration = Duration::from_secs(6 * 3600);
/// Tries to remove a folder in which a command that was just killed may still be writing.
const REMOVALS: u32 = 10;
/// Between two of these.
const REMOVAL_PAUSE: Duration = Duration::from_millis(50);
/// What it may know of its surroundings: how to find commands, and how to reach others. Credentials are in files at home.
const INHERITED: [&str; 15] = [
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
    "SystemRoot",
];
/// How it behaves, whatever else is configured: it asks nobody but the modules' own homes, checks nothing (we do), waits for
/// no answer of a person, writes nothing that cannot be removed, and leaves no git behind that tidies up in the background.
const FIXED: [(&str, &str); 19] = [
    ("GOPROXY", "direct"),
    ("GONOSUMDB", "*"),
    ("GOSUMDB", "off"),
    ("GOFLAGS", "-modcacherw"),
    ("GOTOOLCHAIN", "local"),
    ("GO111MODULE", "on"),
    ("GOWORK", "off"),
    ("GOENV", "off"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "true"),
    ("SSH_ASKPASS", "true"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_CONFIG_COUNT", "2"),
    ("GIT_CONFIG_KEY_0", "gc.auto"),
    ("GIT_CONFIG_VALUE_0", "0"),
    ("GIT_CONFIG_KEY_1", "maintenance.auto"),
    ("GIT_CONFIG_VALUE_1", "false"),
    ("HGPLAIN", "1"),
    ("LC_ALL", "C"),
];

/// The folder of one run. Removed when it is dropped, in the background.
#[derive(Debug)]
pub(super) struct Sandbox {
    /// none once it is being removed
    folder: Option<TempDir>,
    root: PathBuf,
}

impl Sandbox {
    /// A fresh one.
    pub(super) async fn make(settings: &DirectSettings) -> Result<Sandbox, Failed> {
        let below = settings.folder.clone();
        let made = tokio::task::spawn_blocking(move || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&below)?;
            sweep(&below, SystemTime::now());
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&below)?;
            for name in ["home", "work", "tmp"] {
                fs::create_dir(folder.path().join(name))?;
            }
            std::io::Result::Ok(folder)
        });
        let unmade = |why: String| Failed::lasting(FailureKind::Disk, format!("cannot make a sandbox: {why}"));
        let folder =
            made.await.map_err(|error| unmade(error.to_string()))?.map_err(|error| unmade(error.to_string()))?;
        // The go command wants absolute paths.
        let root = std::path::absolute(folder.path()).map_err(|error| unmade(error.to_string()))?;
        Ok(Sandbox { folder: Some(folder), root })
    }

    /// The go command with these arguments, ready to be run in it.
    pub(super) fn command(&self, go: &Path, settings: &DirectSettings, arguments: &[&str]) -> Command {
        let home = settings.home.clone().unwrap_or_else(|| self.root.join("home"));
        let inherited = INHERITED.iter().filter_map(|name| Some((*name, env::var_os(name)?)));
        let own = [
            ("HOME", home.clone()),
            ("USERPROFILE", home),
            ("GOPATH", self.root.join("gopath")),
            ("GOMODCACHE", self.root.join("modcache")),
            ("GOCACHE", self.root.join("cache")),
            ("TMPDIR", self.root.join("tmp")),
            ("TMP", self.root.join("tmp")),
        ];
        let told = [("GOPRIVATE", settings.private.as_str()), ("GOVCS", settings.vcs.as_str())];
        let mut command = Command::new(go);
        command
            .args(arguments)
            .current_dir(self.root.join("work"))
            .env_clear()
            .envs(inherited)
            .envs(own.map(|(name, path)| (name, OsString::from(path))))
            .envs(FIXED)
            .envs(told)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }

    /// Its module cache, as a proxy's tree.
    pub(super) fn cache(&self) -> PathBuf {
        self.root.join("modcache/cache/download")
    }

    /// Removes it, and waits until it is removed.
    pub(super) async fn remove(mut self) {
        if let Some(folder) = self.folder.take() {
            let _ = tokio::task::spawn_blocking(move || remove(folder)).await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let (Some(folder), Ok(runtime)) = (self.folder.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || remove(folder));
        }
    }
}

/// Removes a folder, though somebody may still be writing in it; what is left is swept later.
fn remove(folder: TempDir) {
    let path = folder.keep();
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => std::thread::sleep(REMOVAL_PAUSE),
            _ => return,
        }
    }
}

/// Removes the sandboxes that an earlier process left behind.
fn sweep(below: &Path, now: SystemTime) {
    let is_stale = |entry: &fs::DirEntry| {
        let age = entry.metadata().and_then(|found| found.modified()).map(|modified| now.duration_since(modified));
        entry.file_name().to_string_lossy().starts_with(PREFIX) && matches!(age, Ok(Ok(age)) if age > STALE)
    };
    for entry in below.read_dir().into_iter().flatten().flatten().filter(is_stale) {
        let _ = fs::remove_dir_all(entry.path());
    }
}
