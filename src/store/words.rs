//! Messages about a failed disk: which path, what was tried, what went wrong, what to do next.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::fault::Fault;
use crate::files::{self, Unfit};

/// The fault of a disk operation: `doing` is a verb such as `write`.
pub(super) fn unavailable(path: &Path, doing: &str, error: &io::Error) -> Fault {
    let next = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or keep the data elsewhere with --data"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; keep the data on a disk that can be written, with --data",
        io::ErrorKind::PermissionDenied => {
            "; run as the user that owns the data folder, or keep the data elsewhere with --data"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            "; something else stands where the data belongs: move it away, or keep the data elsewhere with --data"
        }
        _ if Unfit::of(error).is_some() => {
            "; something else stands where the data belongs: move it away, or keep the data elsewhere with --data"
        }
        _ if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
            "; the disk is failing, the system's log says more: keep the data on another one with --data"
        }
        _ => "",
    };
    Fault::disk(path.display().to_string(), format!("cannot {doing}: {}{next}", files::explain(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_names_the_path_and_the_next_step() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let text = unavailable(Path::new("/data/tmp/1"), "write", &full).to_string();
        assert_eq!(
            text,
            "/data/tmp/1: cannot write: no storage space; free some space, or keep the data elsewhere with --data"
        );
    }
}
