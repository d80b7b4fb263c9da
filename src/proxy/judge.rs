//! Whether the bytes of a file are what they must be: h1, and for zips the rules of what a module zip may hold.

use std::io;
use std::thread;

use super::expected::Expected;
use crate::fault::Fault;
use crate::store::modules::Arrival;
use crate::sumdb;
use crate::sumdb::dirhash::{ZipError, h1_go_mod, h1_zip};
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::modzip::check_zip;

/// What is to be said against bytes.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    /// what they hash to, if they can be hashed at all
    pub(super) got: Option<SumHash>,
    pub(super) error: sumdb::Error,
}

/// The hash of what arrived, if it is what it must be. Reads all of it: not for a thread that must not wait.
pub(super) fn judge(
    arrival: &Arrival,
    module: &ModuleVersion,
    kind: Kind,
    expected: &Expected,
    threads: usize,
) -> Result<Result<SumHash, Wrong>, Fault> {
    let failed = |error: io::Error| Fault::disk("the data folder", format!("cannot read what arrived: {error}"));
    let hash = match kind {
        Kind::GoMod => {
            let bytes = arrival.read().map_err(failed)?;
            if expected.hash().is_none() && !names_a_module(&bytes) {
                // What comes first is what it is to be for ever: a page of a portal had better not be.
                let error = sumdb::Error::malformed(what(module, kind), "no line of it names a module");
                return Ok(Err(Wrong { got: Some(SumHash::H1(h1_go_mod(&bytes))), error }));
            }
            h1_go_mod(&bytes)
        }
        Kind::Zip => {
            let zip = arrival.zip().map_err(failed)?;
            // It is most likely right: the disk may as well begin.
            let hashed = thread::scope(|scope| {
                scope.spawn(|| arrival.write_back());
                h1_zip(&zip, threads)
            });
            match hashed {
                Ok(hash) => hash,
                Err(ZipError::Read(error)) => return Err(failed(error)),
                Err(ZipError::Refused(error)) => return Ok(Err(Wrong { got: None, error })),
            }
        }
    };
    let got = SumHash::H1(hash);
    if let Some(hash) = expected.hash().filter(|hash| **hash != got) {
        let error = sumdb::Error::unproven(what(module, kind), format!("it hashes to {got}, not to {hash}"));
        return Ok(Err(Wrong { got: Some(got), error }));
    }
    if kind == Kind::Zip {
        // What the log committed to can still be what no go command would unpack.
        let zip = arrival.zip().map_err(failed)?;
        match check_zip(&zip, module.path().as_str(), module.version().as_str()) {
            Ok(()) => {}
            Err(ZipError::Read(error)) => return Err(failed(error)),
            Err(ZipError::Refused(error)) => return Ok(Err(Wrong { got: Some(got), error })),
        }
    }
    Ok(Ok(got))
}

/// Whether the bytes are a text with a line that begins with `module`, as every go.mod has one (go.dev/ref/mod, "module directive").
fn names_a_module(go_mod: &[u8]) -> bool {
    let is_directive = |line: &str| line.split_whitespace().next() == Some("module");
    str::from_utf8(go_mod).is_ok_and(|text| text.lines().any(is_directive))
}

/// What a file is called in messages.
pub(super) fn what(module: &ModuleVersion, kind: Kind) -> String {
    match kind {
        Kind::Zip => format!("{module} (zip)"),
        Kind::GoMod => format!("{module} (go.mod)"),
    }
}
