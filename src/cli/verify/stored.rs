//! What `gosumcheck verify` looks at: a data folder, opened for reading, and what its log is held to.

use std::path::{Path, PathBuf};

use super::super::setup;
use super::VerifyArgs;
use crate::config::key_file;
use crate::config::settings::{Layers, rows};
use crate::database::Database;
use crate::fault::Fault;
use crate::store::Folder;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::VerifierKey;
use crate::verify::{self, VerifyOptions};

/// What is there to look at.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) policy: Policy,
    pub(super) folder: Folder,
    pub(super) database: Database,
}

impl Stored {
    /// Opens what the arguments name, for reading.
    pub(super) fn open(args: &VerifyArgs) -> Result<Stored, Fault> {
        let (name, policy, folder, database) =
            setup::looked_at(args.sumdb.as_deref(), args.policy.as_deref(), args.data.as_ref())?;
        // Older heads were accepted before the policy, or under another one.
        Ok(Stored { name, policy: policy.without_witnesses(), folder, database })
    }

    /// Whether there is a mirror of the log, whole or not.
    pub(super) fn has_log(&self) -> Result<bool, Fault> {
        Ok(verify::is_there(&self.folder.log(&self.name)?))
    }

    /// The files that are kept beside log, answers and modules.
    pub(super) fn kept(&self) -> Result<Vec<PathBuf>, Fault> {
        let head = self.folder.head(&self.name)?;
        let journal = self.folder.root().join("proxy.sqlite");
        Ok(vec![head.path(), head.sightings_path(), self.folder.runs().path().to_path_buf(), journal])
    }

    /// The files with what was cosigned last.
    pub(super) fn cosigned(&self) -> Result<Vec<PathBuf>, Fault> {
        Ok(self.folder.head(&self.name)?.cosigners()?.iter().map(|file| file.path().to_path_buf()).collect())
    }

    /// Whether proven answers are kept here, or the head that they were proven under.
    pub(super) fn has_answers(&self) -> Result<bool, Fault> {
        let (cache, head) = (self.folder.cache(&self.name)?, self.folder.head(&self.name)?);
        Ok(verify::has_cache(cache.dir()) || verify::may_be_there(&head.path()))
    }

    /// How the log is judged: in full, and against all that it must be consistent with.
    pub(super) fn options(&self, args: &VerifyArgs, layers: &Layers) -> Result<VerifyOptions, Fault> {
        let (threads, skip_index, pinned) = (args.threads, args.no_index, self.pinned(layers)?);
        Ok(VerifyOptions { threads, skip_index, pinned, ..self.remembered(layers)? })
    }

    /// The heads that are remembered outside the log's folder, read one by one, and what was cosigned.
    pub(super) fn remembered(&self, layers: &Layers) -> Result<VerifyOptions, Fault> {
        let file = self.folder.head(&self.name)?;
        let mut options =
            VerifyOptions { cosigned: file.cosigners()?, cosigners: cosigners(layers)?, ..VerifyOptions::default() };
        for head in file.each_accepted() {
            match head {
                Ok(head) => options.remembered.push(head),
                Err(fault) => options.unreadable.push(fault),
            }
        }
        Ok(options)
    }

    /// The heads that the log must be consistent with: those of the settings, else the one that the program carries.
    fn pinned(&self, layers: &Layers) -> Result<Vec<Checkpoint>, Fault> {
        let files: Vec<PathBuf> = layers.texts(&rows::pin_head).into_iter().map(PathBuf::from).collect();
        if files.is_empty() {
            return Ok(self.database.pins().to_vec());
        }
        setup::pinned(&files, &layers.place_of(&rows::pin_head), &self.policy, &layers.texts(&rows::sumdb))
    }
}

/// The keys of cosigners that the settings name.
fn cosigners(layers: &Layers) -> Result<Vec<VerifierKey>, Fault> {
    let read = |file: String| key_file::read(Path::new(&file)).map(|key| key.vkey());
    let keys: Result<Vec<_>, Fault> = layers.texts(&rows::cosign).into_iter().map(read).collect();
    keys.map_err(|fault| fault.set_at(&layers.place_of(&rows::cosign)))
}
