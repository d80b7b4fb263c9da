//! A `.mod` or a `.zip`: from the store, or brought from the first upstream that sends what the record says.
//!
//! Bytes of upstreams go to `tmp/`, are hashed there, and get their name in the store only if they are right. Wrong ones are
//! put aside with a report, and the next upstream is asked: the client gets the right bytes if anybody has them.

use std::io;
use std::sync::Arc;

use super::attempts::Attempts;
use super::counts::Event;
use super::expected::{Expected, Road};
use super::incident::Mismatch;
use super::judge::{NotRight, Wrong, judge, what};
use super::shared_tasks::{Phase, Progress};
use super::watched::Watched;
use super::{Denied, Inner, Manner, stored};
use crate::config::settings::OnMismatch;
use crate::fault::Fault;
use crate::store::failures::WriteKind;
use crate::store::modules::{Admitted, Arrival, Refused, Stored};
use crate::sumdb::dirhash::MAX_ZIP;
use crate::sumdb::goproxy::Asked;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::modzip::MAX_GO_MOD;
use crate::upstream::{Asker, Busy, Failure, FailureKind, Origin, Sent};

/// A file as it is given.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Proven(Admitted),
    /// not what its record says
    Unproven(Refused),
}

/// The file `kind` of a module version.
pub(super) async fn answer(
    inner: &Arc<Inner>,
    module: &ModuleVersion,
    kind: Kind,
    manner: Manner,
) -> Result<Given, Denied> {
    // Before anything of the store is looked at: what may be given depends on who would be asked now.
    let road = Road::to(inner, module.path())?;
    let stored = stored::look(inner, road, module, kind)?;
    let stored = match stored {
        Stored::Changed(_) if manner.cached_only => stored::look_again(inner, road, module, kind).await?,
        stored => stored,
    };
    let unproven = match stored {
        Stored::Proven(admitted) => {
            inner.counters.count(Event::Hit);
            return Ok(Given::Proven(admitted));
        }
        Stored::Unproven(stored) => Some(stored),
        // The one task for this file hashes it.
        Stored::Changed(_) | Stored::Missing => None,
    };
    if manner.cached_only {
        if let Some(stored) = unproven
            && let Some(admitted) = stored::prove_held(inner, module, kind, stored).await?
        {
            inner.counters.count(Event::Hit);
            return Ok(Given::Proven(admitted));
        }
        return Err(Denied::NotCached(format!("not cached here: {}", what(module, kind))));
    }
    if let Some(denied) = inner.absences.recent(&path_of(module, kind)) {
        inner.counters.count(Event::Repeated);
        return Err(denied);
    }
    let bring = |asker: Asker, progress: Arc<Progress>| {
        let (inner, module) = (Arc::clone(inner), module.clone());
        async move {
            let _slot = inner.downloads.enter(&asker).await.map_err(|busy| busy.fault("downloads"))?;
            // Boxed: a request that waits for a slot takes no room for what comes after.
            Box::pin(asker.admitted().scope(bring(&inner, &module, kind, &progress))).await
        }
    };
    let given = inner.files.join(&(module.clone(), kind), manner.peer, bring).await;
    given.unwrap_or_else(|ended| Err(ended.of(&what(module, kind))))
}

/// What the upstreams said so far, none of whom had the right bytes.
#[derive(Default)]
struct Told {
    attempts: Attempts,
    mismatches: Vec<Mismatch>,
}

async fn bring(inner: &Inner, module: &ModuleVersion, kind: Kind, progress: &Progress) -> Result<Given, Denied> {
    let road = Road::to(inner, module.path())?;
    // Who had it before us has brought it, or it is as it was.
    if let Stored::Proven(admitted) = stored::look_again(inner, road, module, kind).await? {
        return Ok(Given::Proven(admitted));
    }
    let expected = road.expected(inner, module, kind).await;
    let expected = expected.map_err(|denied| stored::explain(inner, road, module, kind, denied))?;
    if let Some(admitted) = stored::settle(inner, road, module, kind, &expected).await? {
        return Ok(Given::Proven(admitted));
    }
    let task = Task { inner, road, module, kind, expected: &expected, progress };
    inner.claim.require(&inner.modules).map_err(|fault| task.unstored(fault))?;
    let mut told = Told::default();
    for at in 0..road.proxies().len() {
        match task.ask(at, &mut told).await.map_err(|denied| task.noted(denied))? {
            Next::Done(admitted) => return Ok(Given::Proven(admitted)),
            Next::GoOn => {}
            Next::Stop => break,
        }
    }
    // Where somebody was out, it may be otherwise with the next question.
    let is_final = !told.attempts.may_change();
    let given = told.conclude(&task);
    if let (true, Err(denied @ (Denied::NotFound(_) | Denied::Refused(_)))) = (is_final, &given) {
        inner.absences.note(&path_of(module, kind), denied);
    }
    given
}

/// What the go command asks for a file by.
fn path_of(module: &ModuleVersion, kind: Kind) -> String {
    Asked::File(module.clone(), kind).to_string()
}

/// What follows from an upstream's answer.
enum Next {
    Done(Admitted),
    GoOn,
    Stop,
}

/// What became of a file that arrived.
enum Judged {
    Right(Admitted),
    Wrong(Arrival, Wrong),
}

/// One file to be brought.
struct Task<'a> {
    inner: &'a Inner,
    road: Road<'a>,
    module: &'a ModuleVersion,
    kind: Kind,
    expected: &'a Expected,
    progress: &'a Progress,
}

impl Task<'_> {
    /// Asks upstream number `at`.
    async fn ask(&self, at: usize, told: &mut Told) -> Result<Next, Denied> {
        let (inner, proxies) = (self.inner, self.road.proxies());
        // Until this one sends something, what others sent is no reason to go on without a client.
        self.progress.set(Phase::Asking);
        let mut arrival = inner.modules.arrival(self.module, self.kind)?;
        if *self.expected == Expected::First && arrival.resumed() {
            // Nothing would tell a file made of two upstreams' bytes from a right one.
            arrival.restart().map_err(|error| disk(&error))?;
        }
        loop {
            let origin = match self.download(at, &mut arrival).await {
                Ok(Sent::Whole(origin)) => origin,
                Ok(Sent::Missing(why)) => {
                    told.attempts.absent(proxies.name(at), &why);
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
                        // Nobody can go on with these.
                        arrival.discard();
                    }
                    told.attempts.failed(&failure);
                    return Ok(if proxies.goes_on(at, &failure) { Next::GoOn } else { Next::Stop });
                }
            };
            match self.judge(arrival).await? {
                Judged::Right(admitted) => {
                    self.admitted();
                    return Ok(Next::Done(admitted));
                }
                // Its beginning came another time, or from another upstream, whose zip may be packed differently.
                Judged::Wrong(begun, _) if begun.resumed() => {
                    arrival = begun;
                    arrival.restart().map_err(|error| disk(&error))?;
                }
                Judged::Wrong(arrival, wrong) => return Ok(self.refuse(at, arrival, &wrong, origin, told)),
            }
        }
    }

    async fn download(&self, at: usize, arrival: &mut Arrival) -> Result<Sent, Failure> {
        let limit = match self.kind {
            Kind::Zip => MAX_ZIP,
            Kind::GoMod => MAX_GO_MOD,
        };
        let asked = Asked::File(self.module.clone(), self.kind);
        let mut sink = Watched { arrival, progress: self.progress };
        self.road.proxies().download(at, &asked, limit, &mut sink).await
    }

    /// Hashes what arrived, and admits it if it is right, on a thread that may wait for the disk.
    async fn judge(&self, arrival: Arrival) -> Result<Judged, Denied> {
        let (modules, module, kind) = (self.inner.modules.clone(), self.module.clone(), self.kind);
        let (expected, threads) = (self.expected.clone(), self.inner.options.threads);
        let by = stored::provenance(self.inner, self.expected);
        let _room = match kind {
            Kind::Zip => Some(self.inner.hashing.room_for(&arrival).await),
            Kind::GoMod => None,
        };
        let judged = tokio::task::spawn_blocking(move || match judge(&arrival, &module, kind, &expected, threads) {
            Ok(hash) => modules.admit(arrival, &hash, &by).map(Judged::Right),
            Err(NotRight::Wrong(wrong)) => Ok(Judged::Wrong(arrival, wrong)),
            Err(NotRight::Fault(fault)) => Err(fault),
        });
        Ok(judged.await.map_err(|error| Fault::machine("hashing", error.to_string()))??)
    }

    /// Notes a failure of our disk, for which nobody else is asked.
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
            self.inner.keep_info(self.module, self.road);
        }
    }

    /// Puts wrong bytes aside, and tells of it.
    fn refuse(&self, at: usize, arrival: Arrival, wrong: &Wrong, origin: Origin, told: &mut Told) -> Next {
        let (inner, proxies) = (self.inner, self.road.proxies());
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
        told.mismatches.push(mismatch);
        next
    }
}

impl Told {
    /// What to say where no upstream had the right bytes.
    fn conclude(self, task: &Task<'_>) -> Result<Given, Denied> {
        let what = what(task.module, task.kind);
        if let Some(mismatch) = self.mismatches.first() {
            if task.inner.options.on_mismatch == OnMismatch::Warn
                && let Some(loose) = mismatch.loose()
            {
                task.inner.counters.count(Event::Unproven);
                tracing::error!("on_mismatch is warn: UNPROVEN bytes are given: {}", mismatch.line());
                return Ok(Given::Unproven(loose));
            }
            return Err(Denied::Refused(mismatch.lines(task.inner.relay.name())));
        }
        Err(self.attempts.conclude(&what, task.inner.folder.root()))
    }
}

fn disk(error: &io::Error) -> Denied {
    Fault::disk("the data folder", format!("cannot hold what arrives: {error}")).into()
}
