//! Settings of go's that are written to mend what was found, and put back: by `go env -w` itself, whose file is kept before the first
//! change, so that it is afterwards byte for byte what it was.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::{Fix, Machine};
use crate::fault::Fault;
use crate::files;
use crate::store::Folder;

/// Where the file of `go env -w` is kept, in the data folder.
const FOLDER: &str = "doctor";
const NAME: &str = "go-env.json";
/// Bytes of it at most.
const MAX_KEPT: u64 = 4 << 20;

/// The file of `go env -w` before the first change, and after the last one.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    file: PathBuf,
    /// none where there was no file
    before: Option<String>,
    /// none until the change is complete
    after: Option<String>,
}

/// What undoing did.
#[derive(Debug, PartialEq, Eq)]
pub enum Undone {
    /// the file is what it was before the first change
    Restored(PathBuf),
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
    let file = machine.go.user_file().ok_or_else(no_file)?.to_path_buf();
    let now = read(&file)?;
    // What an earlier run changed is undone together with this.
    let earlier = kept(data)?.filter(|kept| kept.file == file && kept.after == now);
    let before = earlier.map_or_else(|| now.clone(), |kept| kept.before);
    keep(data, &Kept { file: file.clone(), before: before.clone(), after: None })?;
    for fix in fixes {
        let arguments = match fix {
            Fix::Set(name, value) => ["-w".to_owned(), format!("{name}={value}")],
            Fix::Unset(name) => ["-u".to_owned(), (*name).to_owned()],
            Fix::Command(_) | Fix::Advice(_) => continue,
        };
        go_env(&arguments)?;
    }
    let after = read(&file)?;
    keep(data, &Kept { file, before, after })
}

/// Puts the file of `go env -w` back.
///
/// # Errors
/// `Usage`: somebody changed the file since; it is left alone. `Unavailable`: the disk fails.
pub fn undo(data: &Path) -> Result<Undone, Fault> {
    let Some(kept) = kept(data)? else { return Ok(Undone::Nothing) };
    let now = read(&kept.file)?;
    if now != kept.before {
        if kept.after.is_some() && now != kept.after {
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
    fs::remove_file(place(data)).map_err(|error| failed(&place(data), &error))?;
    Ok(Undone::Restored(kept.file))
}

fn go_env(arguments: &[String]) -> Result<(), Fault> {
    let ran = Command::new("go").arg("env").args(arguments).env("GOTOOLCHAIN", "local").current_dir("/").output();
    let line = format!("go env {}", arguments.join(" "));
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => Err(Fault::machine(line, String::from_utf8_lossy(&ran.stderr).trim().to_owned())),
        Err(error) => Err(Fault::machine(line, format!("cannot be run: {}", files::explain(&error)))),
    }
}

fn place(data: &Path) -> PathBuf {
    data.join(FOLDER).join(NAME)
}

fn kept(data: &Path) -> Result<Option<Kept>, Fault> {
    let Some(text) = read(&place(data))? else { return Ok(None) };
    let wrong = |error| Fault::machine(place(data).display().to_string(), format!("is damaged: {error}; remove it"));
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

fn keep(data: &Path, kept: &Kept) -> Result<(), Fault> {
    let root = Folder::open(data)?.root().join(FOLDER);
    fs::create_dir_all(&root).map_err(|error| failed(&root, &error))?;
    let text = serde_json::to_string(kept).map_err(|error| Fault::machine("the settings", error.to_string()))?;
    replace(&root.join(NAME), &text)
}

/// Writes a file whole or not at all, with the mode that it had.
fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(text.as_bytes())?;
        if let Ok(found) = fs::metadata(path) {
            draft.as_file().set_permissions(found.permissions())?;
        }
        draft.as_file().sync_all()?;
        draft.persist(path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: io::Error| failed(path, &error))
}

/// The text of a file; none where there is no file.
fn read(path: &Path) -> Result<Option<String>, Fault> {
    let bytes = match files::open(path).and_then(|file| files::read_bounded(file, MAX_KEPT)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    String::from_utf8(bytes).map(Some).map_err(|_| Fault::machine(path.display().to_string(), "is not text in UTF-8"))
}

fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::disk(path.display().to_string(), files::explain(error))
}
