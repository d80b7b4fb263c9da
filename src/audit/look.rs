//! What a named file is taken for: a program by its first bytes, an SBOM by the first of its text, all else a go.sum. What a user
//! says that it is, it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::str::FromStr;

use super::executable::{self, MAGIC_BYTES, NoBuildInfo};
use super::lines::{self, Budget};
use super::{Claims, programs, sbom};
use crate::files::{self, Unfit};
use crate::report::Artifact;
use crate::store::zipfile::ZipFile;
use crate::sumdb::gosum::MAX_FILE_BYTES;
use crate::sumdb::number::wide;

/// What is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Look {
    /// all that carries hashes of modules; what a file is, shows its content
    #[default]
    ForAll,
    /// this alone, and every named file is one
    For(Artifact),
}

impl Look {
    /// Whether `artifact` is looked for.
    pub fn is_for(self, artifact: Artifact) -> bool {
        self == Look::ForAll || self == Look::For(artifact)
    }
}

impl FromStr for Look {
    type Err = String;

    fn from_str(name: &str) -> Result<Look, String> {
        let found = NAMED.into_iter().find(|artifact| artifact.id() == name).map(Look::For);
        found.ok_or_else(|| format!("it is one of {}", NAMED.map(Artifact::id).join(", ")))
    }
}

/// What `--as` takes. A module cache is named in another way.
const NAMED: [Artifact; 6] =
    [Artifact::GoSum, Artifact::Program, Artifact::BuildInfo, Artifact::Vendor, Artifact::CycloneDx, Artifact::Spdx];

/// How the names of SBOMs end, as their formats advise.
const SBOMS: [(&str, Artifact); 4] = [
    (".cdx.json", Artifact::CycloneDx),
    (".cdx.xml", Artifact::CycloneDx),
    (".spdx.json", Artifact::Spdx),
    (".spdx", Artifact::Spdx),
];
/// Why a link is not read.
pub(super) const LINK: &str = "is a link, so it was not read; it does not lead to a go.sum file that is audited here";

/// The claims of one file, or why it has none.
pub(super) fn file(path: &str, opened: io::Result<File>, look: Look, budget: &mut Budget) -> Claims {
    let read = opened.and_then(|mut file| {
        let mut start = Vec::new();
        (&mut file).take(wide(MAGIC_BYTES)).read_to_end(&mut start)?;
        // What a shell opened cannot be read from its start again.
        let is_regular = file.metadata()?.is_file();
        if is_regular && is_taken_for_program(&start, look) {
            program(path, file, budget)
        } else {
            text(path, start.as_slice().chain(file), look, budget)
        }
    });
    read.unwrap_or_else(|error| unread(path, &error))
}

/// The claims of what cannot be read twice, such as standard input.
pub(super) fn stream(path: &str, mut from: impl io::Read, look: Look, budget: &mut Budget) -> Claims {
    text(path, &mut from, look, budget).unwrap_or_else(|error| unread(path, &error))
}

fn unread(path: &str, error: &io::Error) -> Claims {
    match Unfit::of(error) {
        Some(Unfit::Link) => Claims::unread(path, LINK),
        _ => Claims::unread(path, error.to_string()),
    }
}

/// The SBOM that a file has the name of.
pub(super) fn by_name(name: &OsStr) -> Option<Artifact> {
    SBOMS.iter().find(|(end, _)| name.as_bytes().ends_with(end.as_bytes())).map(|(_, artifact)| *artifact)
}

/// Whether the file at `below` in the folder `root` begins as a program does.
pub(super) fn starts_as_program(root: &Path, below: &Path) -> io::Result<bool> {
    let (file, _) = files::open_below(root, below)?;
    let mut start = Vec::with_capacity(MAGIC_BYTES);
    file.take(wide(MAGIC_BYTES)).read_to_end(&mut start)?;
    Ok(executable::is_program(&start))
}

/// The claims of a file that was found to begin as a program does; none where it is not one of Go.
pub(super) fn found_program(path: &str, opened: io::Result<File>, budget: &mut Budget) -> Option<Claims> {
    let read = opened.and_then(ZipFile::new).map(|file| programs::read(path, &file));
    match read {
        Ok(Err(NoBuildInfo::NotGo | NoBuildInfo::NotProgram)) => None,
        Ok(outcome) => Some(judged(path, outcome, budget).unwrap_or_else(|error| unread(path, &error))),
        Err(error) => Some(unread(path, &error)),
    }
}

fn program(path: &str, file: File, budget: &mut Budget) -> io::Result<Claims> {
    judged(path, programs::read(path, &ZipFile::new(file)?), budget)
}

fn judged(path: &str, outcome: Result<Claims, NoBuildInfo>, budget: &mut Budget) -> io::Result<Claims> {
    match outcome {
        Ok(claims) => Ok(budget.admit(claims)),
        Err(NoBuildInfo::Read(error)) => Err(error),
        Err(why) => {
            let artifact = Artifact::Program;
            Ok(Claims { is_explained: true, artifact, ..Claims::unread(path, why.to_string()) })
        }
    }
}

/// Whether what begins so is read as a program.
fn is_taken_for_program(start: &[u8], look: Look) -> bool {
    match look {
        Look::ForAll => executable::is_program(start),
        Look::For(artifact) => artifact == Artifact::Program,
    }
}

/// Whether it is a document in JSON.
fn is_document(artifact: Artifact) -> bool {
    matches!(artifact, Artifact::CycloneDx | Artifact::Spdx | Artifact::BuildInfo)
}

/// A file of text, whatever it is, as a whole; and a program from a pipe.
fn text(path: &str, from: impl io::Read, look: Look, budget: &mut Budget) -> io::Result<Claims> {
    // One byte more than may be, so that the parser sees that it is too much and says so.
    let bytes = files::read_bounded(from, wide(MAX_FILE_BYTES))?;
    if is_taken_for_program(&bytes, look) && bytes.len() <= MAX_FILE_BYTES {
        return judged(path, programs::read(path, &bytes[..]), budget);
    }
    let artifact = match look {
        Look::ForAll => sbom::kind(&bytes),
        Look::For(artifact) => Some(artifact).filter(|artifact| is_document(*artifact)),
    };
    let Some(artifact) = artifact else { return Ok(lines::claims(path, &bytes, budget)) };
    if bytes.len() > MAX_FILE_BYTES {
        return Ok(Claims::unread(path, format!("has more than {MAX_FILE_BYTES} bytes")));
    }
    match sbom::read(path, &bytes, artifact) {
        Ok(claims) => Ok(budget.admit(claims)),
        Err(why) => Ok(Claims { is_explained: true, artifact, ..Claims::unread(path, why) }),
    }
}
