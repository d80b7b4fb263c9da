//! Files that a checksum database proved. One counts for the database that its proof names, and for no other: for that one it is
//! given without asking anybody. What another database proved, or what was stored before proofs were, counts once the database
//! asked has a record of the same hash.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::failures::WriteKind;
use super::super::words::unavailable;
use super::naming::Naming;
use super::pin::Pin;
use super::place::FilePaths;
use super::proof::{self, Proof, ProofFile};
use super::stored::{Stored, Unproven};
use super::{Admitted, Arrival, Changed, Modules, Tree, quarantine};
use crate::fault::Fault;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

impl Modules {
    /// The file of a public module, as it stands for the database with the verifier key `database`. What has neither a proof nor
    /// an h1 beside it, or is not a file, is not here. An opened file and up to two small reads: none where this process knows the
    /// file, one where it is proven. What changed since it was proven is reported, whichever database proved it.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails or forbids.
    pub fn open(&self, module: &ModuleVersion, kind: Kind, database: &str) -> Result<Stored, Fault> {
        if let Some(file) = self.open_known(module, kind, database)? {
            return Ok(Stored::Proven(file));
        }
        let place = FilePaths::of(self, Tree::Proven, module, kind)?;
        let proof = ProofFile::read(&place.proof).map_err(|error| unavailable(&place.proof, "read", &error))?;
        let (hash, by, stamp) = match proof {
            ProofFile::Is(hash, proof, stamp) => (hash, Some(proof), stamp),
            ProofFile::Missing | ProofFile::Damaged => {
                match Pin::read(&place.pin).map_err(|error| unavailable(&place.pin, "read", &error))? {
                    Pin::Is(hash @ SumHash::H1(_)) => (hash, None, None),
                    _ => return Ok(Stored::Missing),
                }
            }
        };
        let open = Admitted::open(&self.dir, &place.file, hash);
        let open = open.map_err(|error| unavailable(&place.file, "open", &error))?;
        Ok(match (open, by) {
            (None, _) => Stored::Missing,
            (Some(file), by) if !self.is_as_proven(&place, &file, stamp.as_ref()) => {
                let is_proven = by.as_ref().is_some_and(|by| by.database == database);
                Stored::Changed(Changed { tree: Tree::Proven, module: module.clone(), kind, file, by, is_proven })
            }
            (Some(file), Some(by)) if by.database == database => {
                let uses = self.know(&place.file, &file, Some(Arc::from(database)));
                Stored::Proven(file.counted(uses))
            }
            (Some(file), by) => Stored::Unproven(Unproven { module: module.clone(), kind, file, by }),
        })
    }

    /// The file, where this process knows that it was proven by that database and it looks as it did then.
    fn open_known(&self, module: &ModuleVersion, kind: Kind, database: &str) -> Result<Option<Admitted>, Fault> {
        let path = self.named(Tree::Proven, module, kind.extension())?;
        let Some(known) = self.known.get(&path).filter(|known| known.database.as_deref() == Some(database)) else {
            return Ok(None);
        };
        let open = Admitted::open(&self.dir, &path, known.hash);
        let open = open.map_err(|error| unavailable(&path, "open", &error))?;
        Ok(open.filter(|file| file.stamp() == known.stamp).map(|file| file.counted(known.uses)))
    }

    /// The stored file, now that a database has proven that its record of it is `hash`; that is written beside it. Gives it back
    /// where it has another hash. A disk that cannot be written keeps nobody from the file: it is proven again the next time.
    ///
    /// # Errors
    /// The file itself, unproven as before.
    pub fn prove(&self, stored: Unproven, hash: &SumHash, proof: &Proof) -> Result<Admitted, Box<Unproven>> {
        if stored.hash() != hash {
            return Err(Box::new(stored));
        }
        let text = proof::text(hash, proof, Some(&stored.file.stamp()));
        let written = FilePaths::of(self, Tree::Proven, &stored.module, stored.kind)
            .and_then(|place| self.folder.write(&place.proof, text.as_bytes(), false));
        if let Err(fault) = written {
            self.folder.note_failure(WriteKind::Module, &fault);
        }
        Ok(stored.file)
    }

    /// Moves a stored file, which is not what the record of the database asked says, to the quarantine, after its `report`
    /// (JSON); gives the report's path, none where there was no room for it. What stood beside it goes last, so that no hash is
    /// ever without the proof that it had.
    ///
    /// # Errors
    /// `Unavailable` where the disk fails; then the file may still be where it was.
    pub fn refuse_stored(&self, stored: &Unproven, report: &[u8]) -> Result<Option<PathBuf>, Fault> {
        let place = FilePaths::of(self, Tree::Proven, &stored.module, stored.kind)?;
        let kept =
            quarantine::keep_stored(&self.folder, &place.file, &stored.file, (&stored.module, stored.kind), report)?;
        self.clear_file(&place.pin)?;
        self.clear_file(&place.proof)?;
        Ok(kept)
    }

    /// Gives the file of a public module its name, durably, after its proof and its hash.
    pub(super) fn admit_proven(&self, arrival: &mut Arrival, hash: &SumHash, proof: &Proof) -> Result<Admitted, Fault> {
        let (module, kind) = arrival.file();
        let place = FilePaths::of(self, Tree::Proven, module, kind)?;
        // Looked at first: another process that admits it has its proof and its hash there before the file.
        let stands = place.file.symlink_metadata().is_ok();
        let before = ProofFile::read(&place.proof).map_err(|error| unavailable(&place.proof, "read", &error))?;
        let pin = Pin::read(&place.pin).map_err(|error| unavailable(&place.pin, "read", &error))?;
        let fixed = |known: &SumHash| {
            let why = format!("is pinned to {known}, and {hash} came; what is pinned never changes");
            Fault::machine(place.pin.display().to_string(), why)
        };
        match &before {
            ProofFile::Is(known, by, _) if by.database == proof.database && known != hash => return Err(fixed(known)),
            _ => {}
        }
        match self.open(module, kind, &proof.database)? {
            Stored::Proven(here) => {
                arrival.remove();
                return Ok(here);
            }
            Stored::Unproven(stored) => match self.prove(stored, hash, proof) {
                Ok(here) => {
                    arrival.remove();
                    return Ok(here);
                }
                // It has to be put aside first: bytes that differ are evidence.
                Err(stored) => return Err(fixed(stored.hash())),
            },
            // What stands there is replaced by the same bytes as they were.
            Stored::Changed(changed) if changed.hash() != hash => return Err(fixed(changed.hash())),
            Stored::Changed(_) | Stored::Missing => {}
        }
        if stands && pin != Pin::Is(hash.clone()) {
            // It was never proven, and must not be found beside a hash that was.
            self.clear_file(&place.file)?;
        }
        // The proof first: a hash without one is what older versions wrote. It need not survive a power cut, after which the file is
        // proven again.
        let mut naming = Naming::of(self, Tree::Proven, &place.file)?;
        if !matches!(&before, ProofFile::Is(known, by, _) if known == hash && by == proof) {
            naming.add(&place.proof, proof::text(hash, proof, None).as_bytes(), false)?;
        }
        if pin != Pin::Is(hash.clone()) {
            naming.add(&place.pin, hash.to_string().as_bytes(), true)?;
        }
        let admitted = Admitted::arrived(naming.name(arrival)?, hash.clone());
        let admitted = admitted.map_err(|error| unavailable(&place.file, "read", &error))?;
        self.note_proven(&place, &admitted, Some(proof));
        Ok(admitted.counted(self.usage.counter(&place.file)))
    }
}
