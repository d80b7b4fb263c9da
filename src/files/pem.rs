//! Files of certificates in PEM form (RFC 7468 section 5), which an operator names to trust another authority.

use std::io;
use std::path::Path;

use super::{open_named, read_bounded};

/// What is said of a file that has none.
pub const NO_CERTIFICATES: &str = "has no certificates in PEM form";
/// The longest file that is read, in bytes.
const LIMIT: u64 = 4 << 20;
/// What a certificate begins with.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The bytes of a file of certificates; none where it has no certificate in its first 4 MiB.
///
/// # Errors
/// Those of the system, and an [`Unfit`](super::Unfit).
pub fn read_certificates(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let bytes = read_bounded(open_named(path)?, LIMIT)?;
    let has_some = bytes.windows(BEGIN.len()).any(|window| window == BEGIN);
    Ok(has_some.then_some(bytes))
}
