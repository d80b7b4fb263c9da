//! What a folder or a file with modules is, by what lies in it.

use std::path::Path;

use walkdir::WalkDir;

use super::bundle;
use crate::fault::Fault;
use crate::files;
use crate::upstream::Holding;

/// Entries of a folder that are looked at before it is given up.
const MAX_LOOKED_AT: usize = 200_000;

/// What modules lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// the go command's module cache, GOMODCACHE
    ModuleCache,
    /// the cache folder of a goproxy; any folder laid out as the paths of a module proxy is one
    Goproxy,
    /// the cache folder of a goproxyio
    Goproxyio,
    /// the disk store of an Athens
    Athens,
    /// a file that `gosumcheck export` wrote
    Bundle,
}

/// What was recognised, and how it is read.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// what it is
    pub kind: TransferKind,
    /// where its files are
    pub holding: Holding,
    /// of a bundle, what stands in it
    pub bundle: Option<bundle::Bundle>,
}

impl TransferKind {
    /// All of them.
    pub const ALL: [TransferKind; 5] = [
        TransferKind::ModuleCache,
        TransferKind::Goproxy,
        TransferKind::Goproxyio,
        TransferKind::Athens,
        TransferKind::Bundle,
    ];

    /// As `--as` has it.
    pub fn name(self) -> &'static str {
        match self {
            TransferKind::ModuleCache => "gomodcache",
            TransferKind::Goproxy => "goproxy",
            TransferKind::Goproxyio => "goproxyio",
            TransferKind::Athens => "athens",
            TransferKind::Bundle => "bundle",
        }
    }

    /// As people call it.
    pub fn words(self) -> &'static str {
        match self {
            TransferKind::ModuleCache => "a module cache of the go command (GOMODCACHE)",
            TransferKind::Goproxy => "a folder of module proxy files, as goproxy keeps them",
            TransferKind::Goproxyio => "the cache folder of a goproxyio",
            TransferKind::Athens => "the disk store of an Athens",
            TransferKind::Bundle => "a bundle that gosumcheck export wrote",
        }
    }

    /// Where the files are, of a folder of this kind.
    fn holding(self, root: &Path) -> Holding {
        match self {
            TransferKind::ModuleCache => Holding::Tree(root.join("cache/download")),
            TransferKind::Goproxyio => Holding::Tree(root.join("pkg/mod/cache/download")),
            TransferKind::Goproxy | TransferKind::Bundle => Holding::Tree(root.to_path_buf()),
            TransferKind::Athens => Holding::Athens(root.to_path_buf()),
        }
    }
}

/// What the folder or file at `path` is; `said` overrules. Reads of a folder only names, of a file all headers.
///
/// # Errors
/// `Usage`: it is nothing of that kind, or of any, or it cannot be read.
pub fn recognise(path: &Path, said: Option<TransferKind>) -> Result<Recognised, Fault> {
    let place = path.display().to_string();
    let found = path.metadata().map_err(|error| Fault::Usage(format!("{place}: {}", files::explain(&error))))?;
    if !found.is_dir() {
        return match said {
            None | Some(TransferKind::Bundle) => {
                let bundle = bundle::read(path)?;
                let holding = Holding::Archive(bundle.modules.clone());
                Ok(Recognised { kind: TransferKind::Bundle, holding, bundle: Some(bundle) })
            }
            Some(kind) => Err(Fault::Usage(format!("{place}: is a file, and {} is a folder", kind.words()))),
        };
    }
    let kind = match said {
        Some(TransferKind::Bundle) => {
            return Err(Fault::Usage(format!("{place}: is a folder, and a bundle is a file")));
        }
        Some(kind) => kind,
        None => looks_like(path).ok_or_else(|| {
            let names = TransferKind::ALL.map(TransferKind::name).join(", ");
            Fault::Usage(format!(
                "{place}: there are no modules in it as a module cache, a goproxy, a goproxyio or an Athens has them; \
                 say what it is with --as ({names})"
            ))
        })?,
    };
    let holding = kind.holding(path);
    if !holding.path().is_dir() {
        let missing = holding.path().display();
        return Err(Fault::Usage(format!("{place}: there is no folder {missing}, as {} has one", kind.words())));
    }
    Ok(Recognised { kind, holding, bundle: None })
}

/// What a folder looks like: by its own folders, else by the first file of a module in it.
fn looks_like(root: &Path) -> Option<TransferKind> {
    let is_folder = |below: &str| root.join(below).is_dir();
    if is_folder("cache/download") {
        return Some(TransferKind::ModuleCache);
    }
    if is_folder("pkg/mod/cache/download") {
        return Some(TransferKind::Goproxyio);
    }
    let entries = WalkDir::new(root).into_iter().flatten().take(MAX_LOOKED_AT);
    entries.filter(|entry| entry.file_type().is_file()).find_map(|entry| {
        let parent = entry.path().parent()?;
        match entry.file_name().to_str()? {
            "source.zip" => Some(TransferKind::Athens),
            "go.mod" if parent.join("source.zip").is_file() => Some(TransferKind::Athens),
            _ if parent.ends_with("@v") => Some(TransferKind::Goproxy),
            _ => None,
        }
    })
}
