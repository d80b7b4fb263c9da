//! The fetch of a `.mod` or a `.zip`, from the first upstream that sends bytes with the hash in the record.
//!
//! Bytes of upstreams go to `tmp/`, are hashed there, and get their name in the store only if they are right. Wrong ones are
//! quarantined with a report, and the next upstream is tried: the client gets the right bytes if any upstream has them.
//!
//! The record and the bytes are asked for at the same time. Nothing is hashed before the record is proven, and of bytes whose
//! record cannot be had nothing stays.

mod notes;

use std::io;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::try_join;

use super::blocking::blocking;
use super::check::{Rejection, WrongBytes, check, max_bytes};
use super::counts::Event;
use super::expected::{Expected, Route};
use super::file_attempts::{FileAttempts, Given, about, path_of};
use super::incident::Mismatch;
use super::room::RoomOfFile;
use super::shared_tasks::{Phase, Progress};
use super::watched::{Meter, Watched};
use super::{DIRECT, Denied, Inner, stored};
use crate::fault::Fault;
use crate::store::modules::{Admitted, Arrival, Stored};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::upstream::{Busy, Failure, FailureKind, Origin, Sent, spans};

/// Brings one file; `progress` is that of the task, and `meter` counts the bytes that come.
pub(super) async fn fetch(
    inner: &Inner,
    module: &ModuleVersion,
    kind: Kind,
    progress: &Progress,
    meter: &Meter,
) -> Result<Given, Denied> {
    let (generation, policy) = (inner.policy.generation(), inner.policy.now());
    let route = policy.route(module.path(), Some(module.version()))?;
    // Who had it before us has brought it, or it is as it was.
    let stored = stored::look_again(inner, route, module, kind).await?;
    if let Stored::Proven(admitted) = stored {
        return Ok(Given::Proven(admitted));
    }
    let (expected, is_flowing, room) = (OnceLock::new(), AtomicBool::new(false), RoomOfFile::default());
    let task = FileFetch { inner, route, module, kind, expected, is_flowing, progress, meter, room };
    let mut attempts = FileAttempts::default();
    // What is stored already may be what the record says: then nobody is asked for the bytes.
    let is_early = matches!(stored, Stored::Missing) && inner.store_lock.require(&inner.modules, route.tree()).is_ok();
    let early = if is_early { task.before_the_record() } else { 0 };
    // The hash first: where it is known, or cannot be had, without waiting, nothing is requested before.
    let (expected, came) = try_join(task.expect(), task.bring(0..early, &mut attempts).map(Ok)).await?;
    if let Some(admitted) = stored::admit_stored(inner, route, module, kind, expected).await? {
        return Ok(Given::Proven(admitted));
    }
    inner.store_lock.require(&inner.modules, route.tree()).map_err(|fault| task.unstored(fault))?;
    if let Some(admitted) = task.go_on(came, expected, &mut attempts).await.map_err(|denied| task.noted(denied))? {
        return Ok(Given::Proven(admitted));
    }
    // Where somebody was out, it may be otherwise with the next question.
    let is_final = !attempts.all.may_change();
    let given = attempts.conclude(inner, module, kind);
    if let (true, Err(denied @ (Denied::NotFound(_) | Denied::Refused(..)))) = (is_final, &given) {
        inner.note_absence(&path_of(module, kind), denied, generation);
    }
    given
}

/// What came of the requests to some upstreams in a row.
enum Came {
    /// a whole file, from upstream number `at`; not checked yet
    File { at: usize, arrival: Arrival, origin: Origin },
    /// nothing; the next upstream, which has this number, may be asked
    Nothing { next: usize },
    /// nothing, and no further upstream may be asked
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
    /// what it must hash to, once that is known
    expected: OnceLock<Expected>,
    /// the upstream that is asked now has sent bytes
    is_flowing: AtomicBool,
    progress: &'a Progress,
    meter: &'a Meter,
    /// the room that the file takes in the store, until it is admitted
    room: RoomOfFile,
}

impl FileFetch<'_> {
    /// What the file must hash to: for a public module its record, which the database is asked for.
    async fn expect(&self) -> Result<&Expected, Denied> {
        let explain = |denied| stored::explain(self.inner, self.route, self.module, self.kind, denied);
        let expected = self.route.expected(self.inner, self.module, self.kind).await.map_err(explain)?;
        let expected = self.expected.get_or_init(|| expected);
        if self.is_flowing.load(Ordering::Relaxed) {
            self.progress.set(Phase::Receiving);
        }
        Ok(expected)
    }

    /// How many upstreams, from the first on, may be asked while the database is: servers and folders. What a repository sends
    /// runs through git, so `direct` is only for what the log has.
    fn before_the_record(&self) -> usize {
        let proxies = self.route.proxies();
        (0..proxies.len()).take_while(|at| proxies.name(*at) != DIRECT).count()
    }

    /// Checks what came, and asks further upstreams until one has sent the right bytes; none where no upstream has.
    async fn go_on(
        &self,
        came: Result<Came, Denied>,
        expected: &Expected,
        attempts: &mut FileAttempts,
    ) -> Result<Option<Admitted>, Denied> {
        let (mut came, upstreams) = (came?, self.route.proxies().len());
        attempts.left.iter_mut().for_each(|left| left.set_passing(false));
        loop {
            came = match came {
                Came::Stop => return Ok(None),
                Came::Nothing { next } if next >= upstreams => return Ok(None),
                Came::Nothing { next } => self.bring(next..upstreams, attempts).await?,
                Came::File { at, arrival, origin } => {
                    match spans::within("proof", || about(self.module, self.kind), self.check(arrival, expected))
                        .await?
                    {
                        Checked::Valid(admitted) => {
                            self.admitted();
                            return Ok(Some(admitted));
                        }
                        // Its beginning came another time, or from another upstream, whose zip may be packed differently.
                        Checked::Wrong(mut begun, _) if begun.resumed() => {
                            begun.restart().map_err(|error| disk(&error))?;
                            attempts.leave(begun);
                            self.bring(at..upstreams, attempts).await?
                        }
                        Checked::Wrong(arrival, wrong) => self.refuse(at, arrival, expected, &wrong, origin, attempts),
                    }
                }
            };
        }
    }

    /// Asks these upstreams in turn until one sends a whole file.
    async fn bring(&self, upstreams: Range<usize>, attempts: &mut FileAttempts) -> Result<Came, Denied> {
        let (inner, proxies, end) = (self.inner, self.route.proxies(), upstreams.end);
        for at in upstreams {
            // Until this upstream sends something, the bytes of others do not justify work without a client.
            self.is_flowing.store(false, Ordering::Relaxed);
            self.progress.set(Phase::Asking);
            let mut arrival = self.arrival(attempts.left.take())?;
            let sent = self.download(at, &mut arrival).await;
            if self.expected.get().is_some() {
                arrival.set_passing(false);
            }
            match sent {
                Ok(Sent::Whole(origin)) => return Ok(Came::File { at, arrival, origin }),
                Ok(Sent::Missing(why)) => {
                    attempts.all.absent(proxies.name(at), &why);
                    attempts.leave(arrival);
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
                    } else {
                        attempts.leave(arrival);
                    }
                    attempts.all.failed(&failure);
                    if !proxies.goes_on(at, &failure) {
                        return Ok(Came::Stop);
                    }
                }
            }
        }
        Ok(Came::Nothing { next: end })
    }

    /// Where the bytes go: behind those that the upstream before has `left`, or an earlier task. Of bytes that begin to come
    /// before it is known what they must hash to, nothing stays until it is.
    fn arrival(&self, left: Option<Arrival>) -> Result<Arrival, Denied> {
        let mut arrival = match left {
            Some(left) => left,
            None => {
                let mut arrival = self.inner.modules.arrival(self.module, self.kind)?;
                arrival.set_passing(self.expected.get().is_none() && !arrival.resumed());
                arrival
            }
        };
        if self.expected.get() == Some(&Expected::First) && arrival.resumed() {
            // A file made of two upstreams' bytes could not be detected.
            arrival.restart().map_err(|error| disk(&error))?;
        }
        Ok(arrival)
    }

    async fn download(&self, at: usize, arrival: &mut Arrival) -> Result<Sent, Failure> {
        let limit = max_bytes(self.kind);
        let (request, proxies) = (ModuleRequest::File(self.module.clone(), self.kind), self.route.proxies());
        let FileFetch { expected, is_flowing, progress, meter, inner, room, .. } = self;
        let mut sink = Watched { arrival, expected, is_flowing, progress, meter, inner, room };
        // Waited for where it keeps no place at the upstream: the removal has to ask there.
        let mut sent = proxies.download(at, &request, limit, &mut sink).await;
        while room.waited(inner).await? {
            sent = proxies.download(at, &request, limit, &mut sink).await;
        }
        sent
    }

    /// Hashes what arrived, and admits it if it is right, on a thread that may wait for the disk.
    async fn check(&self, mut arrival: Arrival, expected: &Expected) -> Result<Checked, Denied> {
        arrival.set_passing(false);
        self.progress.set(Phase::Receiving);
        let (modules, module, kind) = (self.inner.modules.clone(), self.module.clone(), self.kind);
        let by = stored::provenance(self.inner, expected);
        let (expected, threads) = (expected.clone(), self.inner.options.threads);
        let room = match kind {
            Kind::Zip => Some(self.inner.hashing.room_for(&arrival).await),
            Kind::GoMod => None,
        };
        let (arrival, checked) = blocking(move || {
            let checked = check(&arrival, &module, kind, &expected, threads);
            Ok::<_, Fault>((arrival, checked))
        })
        .await?;
        // What waits for the disk keeps nobody from hashing.
        drop(room);
        match checked {
            Ok(hash) => Ok(blocking(move || modules.admit(arrival, &hash, &by).map(Checked::Valid)).await?),
            Err(Rejection::Wrong(wrong)) => Ok(Checked::Wrong(arrival, wrong)),
            Err(Rejection::Fault(fault)) => Err(fault.into()),
        }
    }

    /// Quarantines wrong bytes, and reports them.
    fn refuse(
        &self,
        at: usize,
        arrival: Arrival,
        expected: &Expected,
        wrong: &WrongBytes,
        origin: Origin,
        attempts: &mut FileAttempts,
    ) -> Came {
        let (inner, proxies) = (self.inner, self.route.proxies());
        inner.counters.count(Event::Mismatch);
        let mut mismatch = Mismatch::new(self.module, self.kind, expected, wrong, proxies.name(at));
        mismatch.came(origin, arrival.len());
        let report = mismatch.report(inner.relay.name());
        mismatch.hold(&arrival);
        let kept = inner.modules.refuse(arrival, proxies.name(at), &report);
        mismatch.note(inner, kept);
        // What the log itself has recorded is the same everywhere, and no mirror's fault.
        let came = if mismatch.is_recorded() { Came::Stop } else { Came::Nothing { next: at + 1 } };
        if !mismatch.is_recorded() {
            proxies.refute(at, &wrong.error.to_string());
        }
        attempts.mismatches.push(mismatch);
        came
    }
}

fn disk(error: &io::Error) -> Denied {
    Fault::disk("the data folder", format!("cannot hold what arrives: {error}")).into()
}
