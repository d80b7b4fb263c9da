//! Bytes that were refused, open for reading: what is given where the settings want the unproven.

use std::fs::File;
use std::sync::Arc;

/// An open file that is not what its record says. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Refused {
    file: Arc<File>,
    len: u64,
}

impl Refused {
    pub(super) fn of(file: File, len: u64) -> Refused {
        Refused { file: Arc::new(file), len }
    }

    /// Its size in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty file can be refused too")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The open file. Readers pass the offset, since clones share the position.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }
}
