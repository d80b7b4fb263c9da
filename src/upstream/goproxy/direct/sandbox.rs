//! The folder of one run of the go command, removed when the run is over; and the removal of folders that a killed process left
//! behind.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::process::Command;
use tokio::runtime::Handle;

use super::DirectSettings;
use super::environment::{self, Folders};
use super::guard::Guard;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;

/// The name of a sandbox's folder, before some random letters.
const PREFIX: &str = "direct-";
/// The file in a sandbox that its process holds locked: a sandbox whose file is not locked was left behind.
const LOCK: &str = "lock";
/// Where programs keep their configuration below a home folder, on Unix and on macOS. The go command's telemetry is off in it: its
/// process outlives the run, and would make a folder anew that is being removed.
const CONFIGURATIONS: [&str; 2] = [".config", "Library/Application Support"];
/// A sandbox without that file, and older than this, was left behind too.
const STALE: Duration = Duration::from_secs(6 * 3600);
/// How often to try to remove a folder in which a command that was just killed may still be writing.
const REMOVALS: u32 = 10;
/// Between two of these.
const REMOVAL_PAUSE: Duration = Duration::from_millis(50);

/// The folder of one run. Removed when it is dropped, in the background.
#[derive(Debug)]
pub(super) struct Sandbox {
    /// none once it is being removed
    folder: Option<TempDir>,
    root: PathBuf,
    _lock: File,
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
            let home = folder.path().join("home");
            for configuration in CONFIGURATIONS {
                let telemetry = home.join(configuration).join("go/telemetry");
                fs::create_dir_all(&telemetry)?;
                fs::write(telemetry.join("mode"), "off")?;
            }
            // Never seen unlocked under its own name.
            let new = folder.path().join("lock.new");
            let lock = File::create(&new)?;
            lock.lock()?;
            fs::rename(new, folder.path().join(LOCK))?;
            io::Result::Ok((folder, lock))
        });
        let unmade = |why: String| Failed::lasting(FailureKind::Disk, format!("cannot make a sandbox: {why}"));
        let (folder, lock) =
            made.await.map_err(|error| unmade(error.to_string()))?.map_err(|error| unmade(error.to_string()))?;
        // The go command wants absolute paths.
        let root = std::path::absolute(folder.path()).map_err(|error| unmade(error.to_string()))?;
        Ok(Sandbox { folder: Some(folder), root, _lock: lock })
    }

    /// The go command with these arguments, ready to be run in it; by way of `guard` where there is one.
    pub(super) fn command(
        &self,
        go: &Path,
        settings: &DirectSettings,
        guard: Option<&Guard>,
        arguments: &[&str],
    ) -> io::Result<Command> {
        if let Some(guard) = guard {
            fs::write(environment::hgrc(&self.root), environment::hg_configuration(guard))?;
        }
        let folders = Folders { home: self.root.join("home"), root: self.root.clone() };
        let mut command = Command::new(go);
        command
            .args(arguments)
            .current_dir(self.root.join("work"))
            .env_clear()
            .envs(environment::environment(&folders, settings, guard))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        Ok(command)
    }

    /// Where it is.
    pub(super) fn root(&self) -> PathBuf {
        self.root.clone()
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

/// Removes a folder, though a process may still be writing in it; what is left is swept later.
fn remove(folder: TempDir) {
    let path = folder.keep();
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(REMOVAL_PAUSE),
            _ => return,
        }
    }
}

/// Removes the sandboxes that an earlier process left behind.
pub(super) fn sweep(below: &Path, now: SystemTime) {
    for entry in below.read_dir().into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_left_behind(&entry, now) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left_behind(sandbox: &fs::DirEntry, now: SystemTime) -> bool {
    match File::open(sandbox.path().join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => {
            let modified = sandbox.metadata().and_then(|found| found.modified());
            modified.is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > STALE))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_holds_is_swept() {
        let below = tempfile::tempdir().unwrap();
        let settings = DirectSettings::below(below.path());
        let held = Sandbox::make(&settings).await.unwrap();
        let left = below.path().join("direct-left");
        fs::create_dir_all(left.join("modcache")).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let unlocked = below.path().join("direct-unlocked");
        fs::create_dir(&unlocked).unwrap();
        let other = below.path().join("another");
        fs::create_dir(&other).unwrap();
        sweep(below.path(), SystemTime::now());
        assert!(held.root.is_dir() && !left.exists() && unlocked.is_dir() && other.is_dir());
        sweep(below.path(), SystemTime::now() + STALE * 2);
        assert!(held.root.is_dir() && !unlocked.exists() && other.is_dir());
        held.remove().await;
        assert_eq!(below.path().read_dir().unwrap().count(), 1);
    }
}
