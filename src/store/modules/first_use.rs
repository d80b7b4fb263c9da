//! Files of private modules, which no database proves: what came first is what the file is and may only ever be. They have a tree
//! of their own, `DATA/private`, so that neither they nor their pins can answer a public question, and nothing that was proven is
//! taken for a first use.
//!
//! Data folders from before that tree have them in `modules/`, where a hash without a proof does not tell a first use from a
//! record. For a module that is private now such a hash is taken over as its pin: every client of that server could have these
//! bytes, and to forget the pin would let any other bytes come in their place. It is the only choice that loses nothing.

use std::io;
use std::path::Path;

use super::super::cache::read_bounded;
use super::super::words::unavailable;
use super::naming::Naming;
use super::pin::Pin;
use super::place::FilePaths;
use super::proof::{ProofFile, proof_extension};
use super::stamp::Stamp;
use super::stored::Stored;
use super::{Admitted, Arrival, Changed, Modules, Tree, is_file};
use crate::fault::Fault;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// The longest file that is read for a stamp, in bytes.
const STAMP_LIMIT: u64 = 256;

impl Modules {
    /// The file of a private module as it first came: `Proven` where it is here, `Changed` where it looks otherwise since.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn open_first_use(&self, module: &ModuleVersion, kind: Kind) -> Result<Stored, Fault> {
        let place = FilePaths::of(self, Tree::FirstUse, module, kind)?;
        let pin = Pin::read(&place.pin).map_err(|error| unavailable(&place.pin, "read", &error))?;
        if let Pin::Is(hash @ SumHash::H1(_)) = &pin {
            let open = Admitted::open(&self.private, &place.file, hash.clone());
            if let Some(open) = open.map_err(|error| unavailable(&place.file, "open", &error))? {
                return Ok(self.first_use(&place, module, kind, open));
            }
        }
        let Some((old, hash)) = self.unattributed(module, kind)? else { return Ok(Stored::Missing) };
        match pin {
            Pin::Is(pinned) if pinned != hash => return Ok(Stored::Missing),
            // What was pinned there is lost; that is told where the pin is needed.
            Pin::Damaged => return Ok(Stored::Missing),
            _ => {}
        }
        let open = Admitted::open(&self.dir, &old.file, hash.clone());
        let Some(open) = open.map_err(|error| unavailable(&old.file, "open", &error))? else {
            return Ok(Stored::Missing);
        };
        match self.take_over(&old, &place, &hash) {
            Ok(()) => {
                let was_proven = self.is_as_proven(&place, &open, None);
                let moved = Admitted::open(&self.private, &place.file, hash);
                let Some(moved) = moved.map_err(|error| unavailable(&place.file, "open", &error))? else {
                    return Ok(Stored::Missing);
                };
                // The move itself changes what it looks like.
                if was_proven && moved.stamp().is_moved(&open.stamp()) {
                    self.note_proven(&place, &moved, None);
                }
                Ok(self.first_use(&place, module, kind, moved))
            }
            Err(fault) => {
                // It is as well given from where it is, as from a folder that cannot be written.
                tracing::warn!("{fault}");
                Ok(self.first_use(&place, module, kind, open))
            }
        }
    }

    fn first_use(&self, place: &FilePaths, module: &ModuleVersion, kind: Kind, file: Admitted) -> Stored {
        let written = place.stamp.as_deref().and_then(read_stamp);
        if self.is_as_proven(place, &file, written.as_ref()) {
            let known = self.known.get(&place.file).filter(|known| known.stamp == file.stamp());
            let uses = known.map_or_else(|| self.know(&place.file, &file, None), |known| known.uses);
            return Stored::Proven(file.counted(uses));
        }
        let (tree, module) = (Tree::FirstUse, module.clone());
        Stored::Changed(Changed { tree, module, kind, file, by: None, is_proven: true })
    }

    /// Moves the `.info` of a private module that an older gosumcheck kept in `modules/` to `path`, unless something is there, or
    /// the module has public files where it was. Best effort: it can be asked for again.
    pub(super) fn take_over_info(&self, module: &ModuleVersion, path: &Path) {
        let Ok(old) = self.named(Tree::Proven, module, "info") else { return };
        let is_public = ["zip", "mod", proof_extension(Kind::Zip), proof_extension(Kind::GoMod)].into_iter();
        let is_public = |old: &Path| is_public.clone().any(|end| old.with_extension(end).symlink_metadata().is_ok());
        if path.symlink_metadata().is_ok() || !is_file(&old) || is_public(&old) {
            return;
        }
        let parent = path.parent().unwrap_or(path);
        let moved = self.folder.ensure(parent, true).and_then(|()| self.folder.disk().rename(&old, path));
        if let Err(error) = moved {
            tracing::debug!("{}: {error}", old.display());
        }
    }

    /// What a private module's file was when it first came, whether or not it is still here.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids, and where the hash is damaged: a pin that cannot be read must not become a
    /// first use.
    pub fn pin(&self, module: &ModuleVersion, kind: Kind) -> Result<Option<SumHash>, Fault> {
        let place = FilePaths::of(self, Tree::FirstUse, module, kind)?;
        match read_pin(&place.pin)? {
            None => Ok(self.unattributed(module, kind)?.map(|(_, hash)| hash)),
            pinned => Ok(pinned),
        }
    }

    /// Gives the file of a private module its name, durably, after its pin.
    pub(super) fn admit_first_use(&self, arrival: &mut Arrival, hash: &SumHash) -> Result<Admitted, Fault> {
        let (module, kind) = arrival.file();
        let (module, kind) = (&module.clone(), kind);
        let place = FilePaths::of(self, Tree::FirstUse, module, kind)?;
        match self.pin(module, kind)? {
            Some(pinned) if pinned != *hash => {
                let why = format!("is pinned to {pinned}, and {hash} came; what is pinned never changes");
                return Err(Fault::machine(place.pin.display().to_string(), why));
            }
            Some(_) => {
                if let Stored::Proven(here) = self.open_first_use(module, kind)? {
                    arrival.remove();
                    return Ok(here);
                }
            }
            None => {}
        }
        let mut naming = Naming::of(self, Tree::FirstUse, &place.file)?;
        if read_pin(&place.pin)?.is_none() {
            // What stands there without a pin is nobody's, and must not be found beside one.
            self.clear_file(&place.file)?;
            naming.add(&place.pin, hash.to_string().as_bytes(), true)?;
        }
        let file = naming.name(arrival)?;
        if let Some((old, _)) = self.unattributed(module, kind)? {
            self.settle_names(1)?;
            // Its pin stands here now. Best effort: what stays of it says the same.
            let _ = self.clear_file(&old.file).and_then(|()| self.clear_file(&old.pin));
        }
        let admitted = Admitted::arrived(file, hash.clone());
        let admitted = admitted.map_err(|error| unavailable(&place.file, "read", &error))?;
        self.note_proven(&place, &admitted, None);
        Ok(admitted.counted(self.usage.counter(&place.file)))
    }

    /// The place and the hash of what an older gosumcheck kept in `modules/` without a proof.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails, and where that hash is damaged.
    fn unattributed(&self, module: &ModuleVersion, kind: Kind) -> Result<Option<(FilePaths, SumHash)>, Fault> {
        let place = FilePaths::of(self, Tree::Proven, module, kind)?;
        let proof = ProofFile::read(&place.proof).map_err(|error| unavailable(&place.proof, "read", &error))?;
        // A proof is written before the hash, so a damaged one too says that the file was admitted as a public one.
        if proof != ProofFile::Missing {
            return Ok(None);
        }
        Ok(read_pin(&place.pin)?.map(|hash| (place, hash)))
    }

    /// Moves a file from before this tree into it: its pin first, the old pin last. After a crash the file is in one of the two
    /// places, and its pin in this one.
    fn take_over(&self, old: &FilePaths, new: &FilePaths, hash: &SumHash) -> Result<(), Fault> {
        if read_pin(&new.pin)?.is_none() {
            self.clear_file(&new.file)?;
            self.folder.write(&new.pin, hash.to_string().as_bytes(), true)?;
        }
        let disk = self.folder.disk();
        let moved = |error: &io::Error| unavailable(&new.file, "write", error);
        disk.rename(&old.file, &new.file).map_err(|error| moved(&error))?;
        disk.sync_folder(new.file.parent().unwrap_or(&new.file)).map_err(|error| moved(&error))?;
        self.clear(&old.pin).map_err(|error| unavailable(&old.pin, "remove", &error))
    }

    /// Removes what stands in a file's place, unless that is a folder: those are a person's to remove.
    pub(super) fn clear_file(&self, path: &Path) -> Result<(), Fault> {
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            self.clear(path).map_err(|error| unavailable(path, "remove", &error))?;
        }
        Ok(())
    }
}

/// What stands where a stamp belongs, if that is one.
fn read_stamp(path: &Path) -> Option<Stamp> {
    let bytes = if is_file(path) { read_bounded(path, STAMP_LIMIT).ok().flatten()? } else { return None };
    Stamp::parse(str::from_utf8(&bytes).ok()?.strip_suffix('\n')?)
}

fn read_pin(path: &Path) -> Result<Option<SumHash>, Fault> {
    match Pin::read(path).map_err(|error| unavailable(path, "read", &error))? {
        Pin::Missing => Ok(None),
        Pin::Is(hash) => Ok(Some(hash)),
        Pin::Damaged => {
            let why = "holds no hash: what was pinned there is lost. Restore it from a backup; or delete it, to trust the next \
                       answer as on first use";
            Err(Fault::machine(path.display().to_string(), why))
        }
    }
}
