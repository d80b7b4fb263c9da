//! The files of hashes that a build uses, as the go command finds them: the go.sum of the module, and in a workspace the go.sum of each
//! of its modules and go.work.sum (go.dev/ref/mod, "Workspaces").

use std::io;
use std::path::{Path, PathBuf};

use super::super::spelling;
use crate::audit::inputs::SUM_NAMES;
use crate::config::GoEnv;
use crate::fault::Fault;
use crate::prefetch::Wanted;
use crate::transfer::with_neighbours;

/// Where the module or the workspace of a folder is.
pub(super) struct Sums {
    /// the nearest folder with a go.mod; the folder itself, where there is none
    folder: PathBuf,
    /// none outside a workspace
    go_work: Option<PathBuf>,
}

impl Sums {
    /// Of the folder `here`, under go's settings.
    pub(super) fn of(here: &Path, go: &GoEnv) -> Sums {
        let above = |name: &str| here.ancestors().find(|folder| folder.join(name).is_file());
        let go_work = match go.value("GOWORK") {
            Some("off") => None,
            None | Some("auto") => above("go.work").map(|folder| folder.join("go.work")),
            Some(named) => Some(here.join(named)),
        };
        Sums { folder: above("go.mod").unwrap_or(here).to_path_buf(), go_work }
    }

    /// Where a vendor folder would be: beside go.work, or the go.mod of the module.
    pub(super) fn folder(&self) -> &Path {
        self.go_work.as_deref().and_then(Path::parent).unwrap_or(&self.folder)
    }

    /// What these files list now.
    pub(super) fn listed(&self) -> Wanted {
        let files = match &self.go_work {
            Some(go_work) if go_work.file_name().is_none_or(|name| name != "go.work") => {
                let why = "GOWORK names it, and only files of the name go.work are read here";
                Err(Fault::Usage(format!("{}: {why}", go_work.display())))
            }
            Some(go_work) => with_neighbours(&[go_work.display().to_string()]),
            None => Ok(vec![self.folder.join("go.sum").display().to_string()]),
        };
        let unread = |fault: Fault| Wanted { unread: vec![fault.to_string()], ..Wanted::default() };
        let files = match files {
            Ok(files) => files,
            Err(fault) => return unread(fault),
        };
        let is_sum = |path: &Path| SUM_NAMES.iter().any(|name| path.ends_with(name)) && path.is_file();
        // `use ./a` is shown as `a`.
        let plain = |path: String| Path::new(&path).components().collect::<PathBuf>();
        let sums = files.into_iter().map(plain).filter(|path| is_sum(path));
        let sums: Vec<String> = sums.map(|path| path.display().to_string()).collect();
        if sums.is_empty() {
            return Wanted::default();
        }
        Wanted::read(&sums, &mut io::empty(), &spelling::advice).unwrap_or_else(unread)
    }
}
