//! The sampled files of one proxy: downloaded one after the other, timed, and held to their records in the log. They are in memory,
//! one at a time, and are kept nowhere.

use std::io;
use std::time::{Duration, Instant as Clock};

use tokio::time::Instant;

use super::Recorded;
use super::look::{entry, within};
use super::measured::{Measured, Wrong};
use crate::report::plain;
use crate::sumdb::dirhash::{ZipError, h1_go_mod, h1_zip};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;
use crate::sumdb::record::VerifiedRecord;
use crate::upstream::{Base, Proxies, Sent, Settings, Sink};

/// Bytes of a sampled zip at most.
const MAX_ZIP_BYTES: u64 = 64 << 20;
/// Bytes of a sampled go.mod at most.
const MAX_GO_MOD_BYTES: u64 = 1 << 20;
/// Threads that hash a zip.
const THREADS: usize = 2;

/// Downloads the samples, until `until` at the latest.
pub(super) async fn take(measured: &mut Measured, recorded: &[Recorded], settings: &Settings, until: Instant) {
    let Ok(base) = Base::parse(&measured.place.url) else { return };
    let proxies = Proxies::new(vec![entry(base, settings)]);
    let mut largest = 0;
    for (module, record) in recorded {
        for kind in [Kind::GoMod, Kind::Zip] {
            let what = format!("{module} ({})", kind.extension());
            let record = match record {
                Ok(record) => record,
                Err(why) => {
                    measured.sampled.unjudged.push(format!("{what}: {}", plain(why)));
                    continue;
                }
            };
            let mut arriving = Arriving::now();
            let request = ModuleRequest::File(module.clone(), kind);
            let limit = if kind == Kind::Zip { MAX_ZIP_BYTES } else { MAX_GO_MOD_BYTES };
            match within(until, proxies.download(0, &request, limit, &mut arriving)).await {
                None => measured.sampled.unjudged.push(format!("{what}: not there in time")),
                Some(Err(failure)) => measured.sampled.unjudged.push(format!("{what}: {}", plain(&failure.why))),
                Some(Ok(Sent::Missing(words))) => measured.sampled.missing.push(format!("{what}: {}", plain(&words))),
                Some(Ok(Sent::Whole(_))) => {
                    let took = arriving.began.elapsed();
                    measured.first_byte = [measured.first_byte, arriving.first].into_iter().flatten().min();
                    if kind == Kind::Zip && arriving.bytes.len() > largest {
                        largest = arriving.bytes.len();
                        measured.speed = speed(wide(largest), took);
                    }
                    judge(measured, what, module, kind, record, arriving.bytes).await;
                }
            }
        }
    }
}

/// Bytes a second.
fn speed(bytes: u64, took: Duration) -> Option<u64> {
    let micros = took.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).ok()
}

/// Holds the bytes to the record.
async fn judge(
    measured: &mut Measured,
    what: String,
    module: &ModuleVersion,
    kind: Kind,
    record: &VerifiedRecord,
    bytes: Vec<u8>,
) {
    let expected = record.hash(kind).clone();
    // Hashing is not for the thread that times the others.
    let hashed = tokio::task::spawn_blocking(move || match kind {
        Kind::GoMod => Ok(h1_go_mod(&bytes)),
        Kind::Zip => h1_zip(&bytes, THREADS),
    });
    match hashed.await {
        Ok(Ok(hash)) if SumHash::H1(hash) == expected => {
            measured.sampled.proven += 1;
            measured.sampled.zips += usize::from(kind == Kind::Zip);
        }
        Ok(Ok(hash)) => {
            let why = format!("it hashes to {}, the log has {expected}", SumHash::H1(hash));
            measured.sampled.wrong.push(Wrong { what, why });
        }
        Ok(Err(ZipError::Refused(error))) => {
            measured.sampled.wrong.push(Wrong { what, why: plain(&error.to_string()) });
        }
        Ok(Err(ZipError::Read(error))) => measured.sampled.unjudged.push(format!("{what}: {error}")),
        Err(_) => measured.sampled.unjudged.push(format!("{what}: {module} could not be hashed here")),
    }
}

/// A file that arrives, in memory, and when.
struct Arriving {
    bytes: Vec<u8>,
    began: Clock,
    first: Option<Duration>,
}

impl Arriving {
    fn now() -> Arriving {
        Arriving { bytes: Vec::new(), began: Clock::now(), first: None }
    }
}

impl Sink for Arriving {
    fn len(&self) -> u64 {
        wide(self.bytes.len())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.first.get_or_insert_with(|| self.began.elapsed());
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.bytes.clear();
        Ok(())
    }
}
