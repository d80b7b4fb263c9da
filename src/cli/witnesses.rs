//! What `--policy` and `--distributor` name: whose cosignatures a head needs, where they are, and who cosigned one.

use std::path::Path;

use jiff::Timestamp;

use crate::fault::Fault;
use crate::files;
use crate::report::printable;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::VerifierKey;
use crate::sumdb::tlog_policy::TlogPolicy;
use crate::upstream::{Base, Http, Upstreams};

/// More than a policy may have.
const MAX_BYTES: u64 = 1 << 20;

/// What heads of the log with this key must carry, as the policy file at `path` says, which is named at `place`; the log's signature
/// where there is none.
pub(super) fn policy(path: Option<&Path>, place: &str, key: &VerifierKey) -> Result<Policy, Fault> {
    let Some(path) = path else { return Ok(Policy::log(key.clone())) };
    let shown = format!("{place}: {}", path.display());
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_BYTES));
    let bytes = read.map_err(|error| {
        Fault::machine(shown.clone(), format!("the policy cannot be read: {}", files::explain(&error)))
    })?;
    let parsed = TlogPolicy::parse(&bytes).and_then(|policy| policy.of_log(key));
    parsed.map_err(|error| Fault::Usage(format!("{shown}: {error}")))
}

/// The distributors at `urls`, which are named at `place`, each asked by itself with what `http` gives for it.
pub(super) fn distributors(
    urls: &[String],
    place: &str,
    http: impl Fn(&Base) -> Result<Http, Fault>,
) -> Result<Vec<Upstreams>, Fault> {
    let each = urls.iter().map(|url| {
        let base = Base::parse(url).map_err(|fault| fault.set_at(place))?;
        Ok(Upstreams::new(http(&base)?, vec![base]))
    });
    each.collect()
}

/// Who cosigned a head, and when; none where no witness of the policy did.
pub(super) fn told(head: &Checkpoint) -> Option<String> {
    let each = head.cosignatures().iter();
    let by: Vec<String> = each.map(|by| format!("{} at {}", printable(&by.witness), time(by.time))).collect();
    (!by.is_empty()).then(|| format!("the tree head of size {} is cosigned by {}", head.tree().size, by.join(", ")))
}

/// A witness's time as people read it.
pub(super) fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| format!("{seconds} s after 1970"), |time| time.to_string())
}
