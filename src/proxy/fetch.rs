//! The fetch of a `.mod` or a `.zip`, from the first upstream that sends bytes with the hash in the record.
//!
//! Bytes of upstreams go to `tmp/`, are hashed there, and get their name in the store only if they are right. Wrong ones are
//! quarantined with a report, and the next upstream is tried: the client gets the right bytes if any upstream has them.

use std::io;

use super::attempts::Attempts;
use super::check::{Rejection, WrongBytes, check, what};
use super::counts::Event;
use super::expected::{Expected, Route};
use super::incident::Mismatch;
use super::shared_tasks::{Phase, Progress};
use super::watched::Watched;
use super::{Denied, Inner, stored};
use crate::config::settings::OnMismatch;
use crate::fault::Fault;
use crate::store::failures::WriteKind;
use crate::store::modules::{Admitted, Arrival, Refused, Stored};
use crate::sumdb::dirhash::MAX_ZIP;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::modzip::MAX_GO_MOD;
use crate::upstream::{Busy, Failure, FailureKind, Origin, Sent};

/// A file as it is served.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Proven(Admitted),
    /// not what its record says
    Unproven(Refused),
}

/// The path by which the go command requests a file.
pub(super) fn path_of(module: &ModuleVersion, kind: Kind) -> String {
    ModuleRequest::File(module.clone(), kind).to_string()
}

/// The upstreams' answers so far, none with the right bytes.
#[derive(Default)]
struct FileAttempts {
    all: Attempts,
    mismatches: Vec<Mismatch>,
}

/// Brings one file; `progress` is that of the task.
pub(super) async fn fetch(
    inner: &Inner,
    module: &ModuleVersion,
    kind: Kind,
    progress: &Progress,
) -> Result<Given, Denied> {
    let route = Route::to(inner, module.path())?;
    // Who had it before us has brought it, or it is as it was.
    if let Stored::Proven(admitted) = stored::look_again(inner, route, module, kind).await? {
        return Ok(Given::Proven(admitted));
    }
    let expected = route.expected(inner, module, kind).await;
    let expected = expected.map_err(|denied| stored::explain(inner, route, module, kind, denied))?;
    if let Some(admitted) = stored::admit_stored(inner, route, module, kind, &expected).await? {
        return Ok(Given::Proven(admitted));
    }
    let task = FileFetch { inner, route, module, kind, expected: &expected, progress };
    inner.store_lock.require(&inner.modules).map_err(|fault| task.unstored(fault))?;
    let mut attempts = FileAttempts::default();
    for at in 0..route.proxies().len() {
        match task.ask(at, &mut attempts).await.map_err(|denied| task.noted(denied))? {
            Next::Done(admitted) => return Ok(Given::Proven(admitted)),
            Next::GoOn => {}
            Next::Stop => break,
        }
    }
    // Where somebody was out, it may be otherwise with the next question.
    let is_final = !attempts.all.may_change();
    let given = attempts.conclude(&task);
    if let (true, Err(denied @ (Denied::NotFound(_) | Denied::Refused(_)))) = (is_final, &given) {
        inner.absences.note(&path_of(module, kind), denied);
    }
    given
}

/// What follows from an upstream's answer.
enum Next {
    Done(Admitted),
    GoOn,
    Stop,
}

/// The result of the check of a file that arrived.
enum Checked {
    Valid(Admitted),
    Wrong(Arrival, WrongBytes),
}

/// The fetch of one file.
struct FileFetch<'a> {
    inner: &'a Inner,
    route: Route<'a>,
    module: &'a ModuleVersion,
    kind: Kind,
    expected: &'a Expected,
    progress: &'a Progress,
}

impl FileFetch<'_> {
    /// Asks upstream number `at`.
    async fn ask(&self, at: usize, attempts: &mut FileAttempts) -> Result<Next, Denied> {
        let (inner, proxies) = (self.inner, self.route.proxies());
        // Until this upstream sends something, the bytes of others do not justify work without a client.
        self.progress.set(Phase::Asking);
        let mut arrival = inner.modules.arrival(self.module, self.kind)?;
        if *self.expected == Expected::First && arrival.resumed() {
            // A file made of two upstreams' bytes could not be detected.
            arrival.restart().map_err(|error| disk(&error))?;
        }
        loop {
            let origin = match self.download(at, &mut arrival).await {
                Ok(Sent::Whole(origin)) => origin,
                Ok(Sent::Missing(why)) => {
                    attempts.all.absent(proxies.name(at), &why);
                    return Ok(Next::GoOn);
                }
                // Another upstream's bytes would find no more room, and this one did its part.
                Err(Failure { kind: FailureKind::Disk, why, .. }) => {
                    arrival.discard();
                    return Err(Fault::disk(inner.folder.root().display().to_string(), why).into());
                }
                Err(failure) => {
                    inner.counters.count(Event::Failure);
                    if failure.kind == FailureKind::QueueFull {
                        return Err(Busy.fault(&failure.source).into());
                    }
                    if failure.kind == FailureKind::TooLong {
                        // No later download can continue these.
                        arrival.discard();
                    }
                    attempts.all.failed(&failure);
                    return Ok(if proxies.goes_on(at, &failure) { Next::GoOn } else { Next::Stop });
                }
            };
            match self.check(arrival).await? {
                Checked::Valid(admitted) => {
                    self.admitted();
                    return Ok(Next::Done(admitted));
                }
                // Its beginning came another time, or from another upstream, whose zip may be packed differently.
                Checked::Wrong(begun, _) if begun.resumed() => {
                    arrival = begun;
                    arrival.restart().map_err(|error| disk(&error))?;
                }
                Checked::Wrong(arrival, wrong) => return Ok(self.refuse(at, arrival, &wrong, origin, attempts)),
            }
        }
    }

    async fn download(&self, at: usize, arrival: &mut Arrival) -> Result<Sent, Failure> {
        let limit = match self.kind {
            Kind::Zip => MAX_ZIP,
            Kind::GoMod => MAX_GO_MOD,
        };
        let request = ModuleRequest::File(self.module.clone(), self.kind);
        let mut sink = Watched { arrival, progress: self.progress };
        self.route.proxies().download(at, &request, limit, &mut sink).await
    }

    /// Hashes what arrived, and admits it if it is right, on a thread that may wait for the disk.
    async fn check(&self, arrival: Arrival) -> Result<Checked, Denied> {
        let (modules, module, kind) = (self.inner.modules.clone(), self.module.clone(), self.kind);
        let (expected, threads) = (self.expected.clone(), self.inner.options.threads);
        let by = stored::provenance(self.inner, self.expected);
        let _room = match kind {
            Kind::Zip => Some(self.inner.hashing.room_for(&arrival).await),
            Kind::GoMod => None,
        };
        let checked = tokio::task::spawn_blocking(move || match check(&arrival, &module, kind, &expected, threads) {
            Ok(hash) => modules.admit(arrival, &hash, &by).map(Checked::Valid),
            Err(Rejection::Wrong(wrong)) => Ok(Checked::Wrong(arrival, wrong)),
            Err(Rejection::Fault(fault)) => Err(fault),
        });
        Ok(checked.await.map_err(|error| Fault::machine("hashing", error.to_string()))??)
    }

    /// Records a failure of our disk; no other upstream is tried then.
    fn noted(&self, denied: Denied) -> Denied {
        match denied {
            Denied::Fault(fault) if fault.is_disk() => self.unstored(fault),
            denied => denied,
        }
    }

    fn unstored(&self, fault: Fault) -> Denied {
        self.inner.folder.note_failure(WriteKind::Module, &fault);
        Denied::Fault(fault)
    }

    fn admitted(&self) {
        self.inner.counters.count(Event::Admitted);
        if self.kind == Kind::Zip {
            self.inner.keep_info(self.module, self.route);
        }
    }

    /// Quarantines wrong bytes, and reports them.
    fn refuse(
        &self,
        at: usize,
        arrival: Arrival,
        wrong: &WrongBytes,
        origin: Origin,
        attempts: &mut FileAttempts,
    ) -> Next {
        let (inner, proxies) = (self.inner, self.route.proxies());
        inner.counters.count(Event::Mismatch);
        let mut mismatch = Mismatch::new(self.module, self.kind, self.expected, wrong, proxies.name(at));
        mismatch.came(origin, arrival.len());
        let report = mismatch.report(inner.relay.name());
        mismatch.hold(&arrival);
        let kept = inner.modules.refuse(arrival, proxies.name(at), &report);
        mismatch.note(inner, kept);
        // What the log itself has recorded is the same everywhere, and no mirror's fault.
        let next = if mismatch.is_recorded() { Next::Stop } else { Next::GoOn };
        if !mismatch.is_recorded() {
            proxies.refute(at, &wrong.error.to_string());
        }
        attempts.mismatches.push(mismatch);
        next
    }
}

impl FileAttempts {
    /// The answer when no upstream had the right bytes.
    fn conclude(self, task: &FileFetch<'_>) -> Result<Given, Denied> {
        let what = what(task.module, task.kind);
        if let Some(mismatch) = self.mismatches.first() {
            if task.inner.options.on_mismatch == OnMismatch::Warn
                && let Some(loose) = mismatch.loose()
            {
                task.inner.counters.count(Event::Unproven);
                tracing::error!("on_mismatch is warn: UNPROVEN bytes are served: {}", mismatch.line());
                return Ok(Given::Unproven(loose));
            }
            return Err(Denied::Refused(mismatch.lines(task.inner.relay.name())));
        }
        Err(self.all.conclude(&what, task.inner.folder.root()))
    }
}

fn disk(error: &io::Error) -> Denied {
    Fault::disk("the data folder", format!("cannot hold what arrives: {error}")).into()
}
