//! Settings of go's that are written to mend what was found, and put back: by `go env -w` itself, whose file is kept before the first
//! change, so that it is afterwards byte for byte what it was.
//!
//! What somebody else writes into that file is never undone with it: a change that they made before ours, in the midst of it or after it
//! leaves the file alone. What is not undone stays known beneath the next change.

mod env_file;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::{Fix, Machine};
use crate::fault::Fault;
use crate::files;
use crate::store::Folder;
use crate::sumdb::number::wide;
use crate::sumdb::printable::printable;
use crate::sumdb::redact::redact;
use env_file::{failed, followed, has_only_these_changed, read, replace};

/// Where the file of `go env -w` is kept, in the data folder.
const FOLDER: &str = "doctor";
const NAME: &str = "go-env.json";
/// Bytes of a file of settings at most, as where they are read.
const MAX_SETTINGS: u64 = 1 << 20;
/// Bytes of what is kept at most.
const MAX_KEPT: u64 = 32 << 20;
/// Bytes shown of what the go command says of its failure.
const MAX_SAID: usize = 400;

/// The file of `go env -w` before the first change, and after the last one.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    file: PathBuf,
    /// none where there was no file
    before: Option<String>,
    /// none until the change is complete
    after: Option<String>,
    /// the settings that are changed
    #[serde(default)]
    names: Vec<String>,
    /// a change that was not undone, of another file or of what somebody has written anew since
    #[serde(default)]
    earlier: Option<Box<Kept>>,
}

impl Kept {
    /// Whether `now` is what the change left of the file, so that nothing else is lost where it is undone.
    fn left(&self, now: Option<&str>) -> bool {
        match (&self.after, now) {
            (Some(after), now) => now == Some(after),
            // It broke off. A go command that is stopped while it writes leaves an empty file.
            (None, None | Some("")) => true,
            (None, Some(now)) => has_only_these_changed(self.before.as_deref().unwrap_or_default(), now, &self.names),
        }
    }
}

/// What undoing did.
#[derive(Debug, PartialEq, Eq)]
pub enum Undone {
    /// the file is what it was before the first change
    Restored {
        /// which file
        file: PathBuf,
        /// an earlier change could be undone too
        has_earlier: bool,
    },
    /// nothing was changed, or it was undone before
    Nothing,
}

/// The lines that can be written: one for each setting, the first that names it. What a second one says is found again in the next
/// round.
pub fn planned<'a>(fixes: impl Iterator<Item = &'a Fix>) -> Vec<Fix> {
    let mut planned: Vec<Fix> = Vec::new();
    let name = |fix: &Fix| match fix {
        Fix::Set(name, _) | Fix::Unset(name) => Some(*name),
        Fix::Command(_) | Fix::Advice(_) => None,
    };
    for fix in fixes {
        if name(fix).is_some() && !planned.iter().any(|other| name(other) == name(fix)) {
            planned.push(fix.clone());
        }
    }
    planned
}

/// Runs these lines with the go command of PATH.
///
/// # Errors
/// `Usage`: go reads no such file here. `Unavailable`: the file cannot be kept, or the go command fails; nothing is lost.
pub fn write(fixes: &[Fix], machine: &Machine, data: &Path) -> Result<(), Fault> {
    let no_file =
        || Fault::Usage("GOENV is off: go reads no settings but those of the environment; set them there".to_owned());
    // The go command writes through links.
    let path = machine.go.user_file().ok_or_else(no_file)?;
    let file = followed(path).map_err(|error| failed(path, &error))?;
    let lines: Vec<([String; 2], &str)> = fixes.iter().filter_map(arguments).collect();
    let now = read(&file, MAX_SETTINGS)?;
    let mut kept = match kept(data)? {
        // What an earlier run changed is undone together with this.
        Some(kept) if kept.file == file && kept.left(now.as_deref()) => Kept { after: None, ..kept },
        other => {
            // Where it is as it was, there is nothing to be undone.
            let earlier = other.filter(|kept| kept.file != file || kept.before != now).map(Box::new);
            Kept { file: file.clone(), before: now.clone(), after: None, names: Vec::new(), earlier }
        }
    };
    kept.names.extend(lines.iter().map(|(_, name)| (*name).to_owned()));
    kept.names.sort();
    kept.names.dedup();
    keep(data, &kept)?;
    let ran = lines.iter().try_for_each(|(arguments, _)| go_env(arguments));
    let after = read(&file, MAX_SETTINGS)?;
    // What somebody else wrote meanwhile is not ours to undo.
    let (was, is) = (now.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
    if ran.is_err() || has_only_these_changed(was, is, &kept.names) {
        keep(data, &Kept { after: after.clone(), ..kept })?;
    }
    ran?;
    if after == now {
        let why =
            "is as it was after `go env -w`: that go command has its settings in another file; see `go env GOENV`";
        return Err(Fault::machine(file.display().to_string(), why));
    }
    Ok(())
}

/// The arguments of `go env` for a line, and the setting that it changes; none for another command.
fn arguments(fix: &Fix) -> Option<([String; 2], &'static str)> {
    match fix {
        Fix::Set(name, value) => Some((["-w".to_owned(), format!("{name}={value}")], name)),
        Fix::Unset(name) => Some((["-u".to_owned(), (*name).to_owned()], name)),
        Fix::Command(_) | Fix::Advice(_) => None,
    }
}

/// Puts the file of `go env -w` back.
///
/// # Errors
/// `Usage`: somebody changed the file since; it is left alone. `Unavailable`: the disk fails.
pub fn undo(data: &Path) -> Result<Undone, Fault> {
    let Some(kept) = kept(data)? else { return Ok(Undone::Nothing) };
    let now = read(&kept.file, MAX_SETTINGS)?;
    if now != kept.before {
        if !kept.left(now.as_deref()) {
            return Err(Fault::Usage(format!(
                "{} was changed since `doctor --write`, and is left alone; what it was before is in {}",
                kept.file.display(),
                place(data).display()
            )));
        }
        match &kept.before {
            Some(text) => replace(&kept.file, text)?,
            None => fs::remove_file(&kept.file).map_err(|error| failed(&kept.file, &error))?,
        }
    }
    let has_earlier = kept.earlier.is_some();
    match &kept.earlier {
        Some(earlier) => keep(data, earlier)?,
        None => fs::remove_file(place(data)).map_err(|error| failed(&place(data), &error))?,
    }
    Ok(Undone::Restored { file: kept.file, has_earlier })
}

fn go_env(arguments: &[String]) -> Result<(), Fault> {
    let ran = Command::new("go").arg("env").args(arguments).env("GOTOOLCHAIN", "local").current_dir("/").output();
    let line = format!("go env {}", redact(&arguments.join(" ")));
    let back = "`gosumcheck doctor --undo` puts back what was there";
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => Err(Fault::machine(line, format!("{}; {back}", printable(ran.stderr.trim_ascii(), MAX_SAID)))),
        Err(error) => Err(Fault::machine(line, format!("cannot be run: {}; {back}", files::explain(&error)))),
    }
}

fn place(data: &Path) -> PathBuf {
    data.join(FOLDER).join(NAME)
}

fn kept(data: &Path) -> Result<Option<Kept>, Fault> {
    let Some(text) = read(&place(data), MAX_KEPT)? else { return Ok(None) };
    let wrong = |error| Fault::machine(place(data).display().to_string(), format!("is damaged: {error}; remove it"));
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

fn keep(data: &Path, kept: &Kept) -> Result<(), Fault> {
    let root = Folder::open(data)?.root().join(FOLDER);
    fs::create_dir_all(&root).map_err(|error| failed(&root, &error))?;
    let path = root.join(NAME);
    let text = serde_json::to_string(kept).map_err(|error| Fault::machine("the settings", error.to_string()))?;
    if wide(text.len()) > MAX_KEPT {
        let why = "keeps too many changes: undo them with `gosumcheck doctor --undo`, or remove it";
        return Err(Fault::Usage(format!("{} {why}", path.display())));
    }
    replace(&path, &text)
}
