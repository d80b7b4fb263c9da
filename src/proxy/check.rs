//! Checks the bytes of a file: their h1, and for zips the rules of what a module zip may hold.

use std::io;
use std::thread;

use super::expected::Expected;
use crate::fault::Fault;
use crate::store::modules::Arrival;
use crate::sumdb;
use crate::sumdb::dirhash::{MAX_ZIP, ModuleZip, ZipError, h1_go_mod};
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::modzip::{MAX_GO_MOD, check_module_zip};

/// Bytes that failed the check.
#[derive(Debug, Clone)]
pub(super) struct WrongBytes {
    /// what they hash to, if they can be hashed at all
    pub(super) got: Option<SumHash>,
    pub(super) error: sumdb::Error,
}

/// Why bytes were not accepted.
#[derive(Debug)]
pub(super) enum Rejection {
    /// They are wrong, and their sender is to blame.
    Wrong(WrongBytes),
    /// They could not be read.
    Fault(Fault),
}

impl Rejection {
    fn wrong(got: Option<SumHash>, error: sumdb::Error) -> Rejection {
        Rejection::Wrong(WrongBytes { got, error })
    }
}

impl From<io::Error> for Rejection {
    fn from(error: io::Error) -> Rejection {
        Rejection::Fault(Fault::disk("the data folder", format!("cannot read what arrived: {error}")))
    }
}

impl From<ZipError> for Rejection {
    fn from(error: ZipError) -> Rejection {
        match error {
            ZipError::Read(error) => error.into(),
            ZipError::Refused(error) => Rejection::wrong(None, error),
        }
    }
}

/// How many bytes a file of this kind may have (x/mod zip, MaxZipFile and MaxGoMod).
pub(super) fn max_bytes(kind: Kind) -> u64 {
    match kind {
        Kind::Zip => MAX_ZIP,
        Kind::GoMod => MAX_GO_MOD,
    }
}

/// The hash of what arrived, if it is the expected one. Reads all of it: not for a thread that must not wait.
pub(super) fn check(
    arrival: &Arrival,
    module: &ModuleVersion,
    kind: Kind,
    expected: &Expected,
    threads: usize,
) -> Result<SumHash, Rejection> {
    match kind {
        Kind::GoMod => check_go_mod(arrival, module, expected),
        Kind::Zip => check_zip(arrival, module, expected, threads),
    }
}

fn check_go_mod(arrival: &Arrival, module: &ModuleVersion, expected: &Expected) -> Result<SumHash, Rejection> {
    let bytes = arrival.read()?;
    let got = SumHash::H1(h1_go_mod(&bytes));
    if expected.hash().is_none() && !names_a_module(&bytes) {
        // The first download is pinned: the HTML page of a login portal must not be.
        let error = sumdb::Error::malformed(what(module, Kind::GoMod), "no line of it names a module");
        return Err(Rejection::wrong(Some(got), error));
    }
    as_expected(got, module, Kind::GoMod, expected)
}

/// Its directory is read once: for a million files the list alone takes 90 MB.
fn check_zip(
    arrival: &Arrival,
    module: &ModuleVersion,
    expected: &Expected,
    threads: usize,
) -> Result<SumHash, Rejection> {
    let file = arrival.zip()?;
    let zip = ModuleZip::read(&file)?;
    // A zip that the log committed to can still be one that no go command would unpack. This is reported last and checked first: the
    // hashes then take the place of this table in memory.
    let checked = check_module_zip(&zip, module.path().as_str(), module.version().as_str());
    // It is most likely right: the disk may as well begin.
    let hash = thread::scope(|scope| {
        scope.spawn(|| arrival.write_back());
        zip.h1(threads)
    })?;
    let got = as_expected(SumHash::H1(hash), module, Kind::Zip, expected)?;
    match checked {
        Ok(()) => Ok(got),
        Err(error) => Err(Rejection::wrong(Some(got), error)),
    }
}

/// `got`, unless the record says otherwise.
fn as_expected(got: SumHash, module: &ModuleVersion, kind: Kind, expected: &Expected) -> Result<SumHash, Rejection> {
    match expected.hash() {
        Some(hash) if *hash != got => {
            let error = sumdb::Error::unproven(what(module, kind), format!("it hashes to {got}, not to {hash}"));
            Err(Rejection::wrong(Some(got), error))
        }
        _ => Ok(got),
    }
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
