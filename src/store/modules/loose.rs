//! Bytes that were refused, open for reading: what is given where the settings want the unproven.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::super::words::unavailable;
use super::Modules;
use crate::fault::Fault;
use crate::files;

/// An open file that is not what its record says. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Refused {
    file: Arc<File>,
    len: u64,
}

impl Refused {
    /// Its size in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty file can be refused too")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The open file. Whoever reads it gives the offset, since clones share it.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }
}

impl Modules {
    /// The bytes that the report at `report` is about, as [`Modules::refuse`] put them beside it.
    ///
    /// # Errors
    /// `Unavailable`: they are gone, or cannot be read.
    pub fn refused(&self, report: &Path) -> Result<Refused, Fault> {
        let path = report.with_extension("");
        let failed = |error| unavailable(&path, "open", &error);
        let file = files::open(&path).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        Ok(Refused { file: Arc::new(file), len })
    }
}
