//! Links in the place of files, and files that others may change or their owner may not read.

use super::{LogRepair, Repaired};
use crate::fault::Fault;
use crate::report::integrity::Repair;

/// Puts files in the place of links, and sets modes.
///
/// # Errors
/// `Unavailable`: the disk.
pub(super) fn mend(repair: &LogRepair<'_>, done: &mut Repaired) -> Result<(), Fault> {
    for name in repair.log.file_names() {
        if repair.log.replace_link(&name)? {
            done.note(Repair::of_file(&name, "was a link, and is a file now"));
        }
        match repair.log.mend_mode(&name) {
            Ok(true) => {
                done.note(Repair::of_file(&name, "was open to others or closed to its owner, and has mode 0600 now"))
            }
            Ok(false) => {}
            Err(fault) => done.failed.push(fault.to_string()),
        }
    }
    Ok(())
}
