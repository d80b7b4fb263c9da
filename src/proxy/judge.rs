//! Whether the bytes of a file are what they must be: h1, and for zips the rules of what a module zip may hold.

use std::io;
use std::thread;

use super::expected::Expected;
use crate::fault::Fault;
use crate::store::modules::Arrival;
use crate::sumdb;
use crate::sumdb::dirhash::{ModuleZip, ZipError, h1_go_mod};
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::modzip::check_module_zip;

/// Bytes that are not what they must be.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    /// what they hash to, if they can be hashed at all
    pub(super) got: Option<SumHash>,
    pub(super) error: sumdb::Error,
}

/// Why bytes were not found right.
#[derive(Debug)]
pub(super) enum NotRight {
    /// They are wrong, and their sender is to blame.
    Wrong(Wrong),
    /// They could not be read.
    Fault(Fault),
}

impl NotRight {
    fn wrong(got: Option<SumHash>, error: sumdb::Error) -> NotRight {
        NotRight::Wrong(Wrong { got, error })
    }
}

impl From<io::Error> for NotRight {
    fn from(error: io::Error) -> NotRight {
        NotRight::Fault(Fault::disk("the data folder", format!("cannot read what arrived: {error}")))
    }
}

impl From<ZipError> for NotRight {
    fn from(error: ZipError) -> NotRight {
        match error {
            ZipError::Read(error) => error.into(),
            ZipError::Refused(error) => NotRight::wrong(None, error),
        }
    }
}

/// The hash of what arrived, if it is what it must be. Reads all of it: not for a thread that must not wait.
pub(super) fn judge(
    arrival: &Arrival,
    module: &ModuleVersion,
    kind: Kind,
    expected: &Expected,
    threads: usize,
) -> Result<SumHash, NotRight> {
    match kind {
        Kind::GoMod => judge_go_mod(arrival, module, expected),
        Kind::Zip => judge_zip(arrival, module, expected, threads),
    }
}

fn judge_go_mod(arrival: &Arrival, module: &ModuleVersion, expected: &Expected) -> Result<SumHash, NotRight> {
    let bytes = arrival.read()?;
    let got = SumHash::H1(h1_go_mod(&bytes));
    if expected.hash().is_none() && !names_a_module(&bytes) {
        // What comes first is what it is to be for ever: a page of a portal had better not be.
        let error = sumdb::Error::malformed(what(module, Kind::GoMod), "no line of it names a module");
        return Err(NotRight::wrong(Some(got), error));
    }
    as_expected(got, module, Kind::GoMod, expected)
}

/// Its directory is read once: for a million files the list alone takes 90 MB.
fn judge_zip(
    arrival: &Arrival,
    module: &ModuleVersion,
    expected: &Expected,
    threads: usize,
) -> Result<SumHash, NotRight> {
    let file = arrival.zip()?;
    let zip = ModuleZip::read(&file)?;
    // What the log committed to can still be what no go command would unpack. This is said last and looked at first: the
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
        Err(error) => Err(NotRight::wrong(Some(got), error)),
    }
}

/// `got`, unless the record says otherwise.
fn as_expected(got: SumHash, module: &ModuleVersion, kind: Kind, expected: &Expected) -> Result<SumHash, NotRight> {
    match expected.hash() {
        Some(hash) if *hash != got => {
            let error = sumdb::Error::unproven(what(module, kind), format!("it hashes to {got}, not to {hash}"));
            Err(NotRight::wrong(Some(got), error))
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
