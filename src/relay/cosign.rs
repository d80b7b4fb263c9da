//! Cosigning: the signature of a mirror under heads that it holds in full (C2SP tlog-cosignature, tlog-mirror).
//!
//! What is signed is the committed head of the full log: every record up to it was proven before it was stored, and all of it was on
//! the disk before it was committed. The head that was signed last is its beginning; else the log has two histories, and nothing is
//! signed. Nor is anything while evidence of a fork lies in the data folder.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Relay;
use crate::database::{Database, Mirror};
use crate::fault::Fault;
use crate::store::head::CosignedHead;
use crate::store::{Log, StoredHead};
use crate::sumdb;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::{KeyKind, Note, SignerKey, VerifierKey, message};

/// A key that cosigns the heads of one full log.
#[derive(Debug)]
pub struct Cosigner {
    key: SignerKey,
    file: CosignedHead,
    log: Log,
    /// the log's key, then our own
    keys: [VerifierKey; 2],
    /// what was signed last by this process: the size, and the note; locked for one look or one replacement
    shown: Mutex<Option<(u64, Bytes)>>,
}

impl Cosigner {
    /// For the log of this key.
    ///
    /// # Errors
    /// `Usage`: the key is not for cosignatures.
    pub fn new(key: SignerKey, log_key: &VerifierKey, file: CosignedHead, log: Log) -> Result<Cosigner, Fault> {
        Cosigner::check(&key)?;
        let keys = [log_key.clone(), key.vkey()];
        Ok(Cosigner { key, file, log, keys, shown: Mutex::default() })
    }

    /// Whether a key can cosign.
    ///
    /// # Errors
    /// `Usage`: it is not for cosignatures.
    pub fn check(key: &SignerKey) -> Result<(), Fault> {
        if key.kind() != KeyKind::Witness {
            let why = format!(
                "the key of {} signs notes and is not for cosignatures: make one with `gosumcheck key generate --kind \
                 cosignature`",
                key.name()
            );
            return Err(Fault::Usage(why));
        }
        Ok(())
    }

    /// The committed head of the full log in `mirror` with our cosignature; `now` in seconds since 1970. Waits for the disk.
    ///
    /// # Errors
    /// `Forked`: the log signed another history than the one that we cosigned. `Unavailable`: the disk; nothing is signed that is not
    /// stored.
    pub fn cosign(&self, database: &Database, mirror: &Mirror, now: u64) -> Result<Bytes, Fault> {
        let size = mirror.size();
        if let Some((_, note)) = self.shown.lock().as_ref().filter(|(shown, _)| *shown >= size) {
            return Ok(note.clone());
        }
        let made = self.file.advance(|last| {
            let last = last.map(|last| self.open(last)).transpose()?;
            self.sign_after(last, database, mirror, now)
        })?;
        let note =
            Bytes::from(made.ok_or_else(|| Fault::nobody("the full log", "it is empty: there is nothing to cosign"))?);
        *self.shown.lock() = Some((size, note.clone()));
        Ok(note)
    }

    /// The note to sign next; none where the last one stands.
    fn sign_after(
        &self,
        last: Option<(Checkpoint, u64)>,
        database: &Database,
        mirror: &Mirror,
        now: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(fork) = self.log.forks()?.first() {
            let why =
                "is evidence that the log signed two histories: nothing is cosigned before a person has cleared it";
            return Err(Fault::machine(fork.display().to_string(), why));
        }
        match &last {
            Some((last, _)) if last.tree() == mirror.checkpoint().tree() => return Ok(None),
            Some((last, _)) if last.tree().size > mirror.size() => return Err(self.put_back(last, mirror)),
            Some((last, _)) => mirror.require_contains(database, last)?,
            None => {}
        }
        if mirror.size() == 0 {
            return Ok(None);
        }
        let time = last.map_or(now, |(_, time)| time.max(now));
        self.countersigned(mirror.checkpoint(), time).map(Some).map_err(|error| Fault::refused("the full log", error))
    }

    /// What was signed is newer than what is held, where the log's files were put back from a copy: then it is not shown.
    fn put_back(&self, last: &Checkpoint, mirror: &Mirror) -> Fault {
        let (signed, held) = (last.tree().size, mirror.size());
        let why = format!(
            "was cosigned up to {signed} records, and the full log holds {held}: it was put back; `gosumcheck sync` brings the rest"
        );
        Fault::machine(self.file.path().display().to_string(), why)
    }

    /// The log's signature and ours, and no other: what strangers signed is theirs to show.
    fn countersigned(&self, head: &Checkpoint, time: u64) -> sumdb::Result<Vec<u8>> {
        let [log, _] = &self.keys;
        let note = Note::open(head.bytes(), std::slice::from_ref(log))?;
        let mut signatures = note.verified().to_vec();
        signatures.push(self.key.cosign(note.text(), time));
        Ok(message(note.text(), &signatures)?.into_bytes())
    }

    /// A note that we signed before, and when.
    fn open(&self, last: &StoredHead) -> Result<(Checkpoint, u64), Fault> {
        let [log, own] = &self.keys;
        let opened = Policy::witnessed(log.clone(), std::slice::from_ref(own), 1)
            .and_then(|policy| Checkpoint::open(&last.note, &policy));
        let time = |head: &Checkpoint| head.quorum_since().unwrap_or_default();
        opened.map(|head| (head.clone(), time(&head))).map_err(|error| {
            let why = format!(
                "is not what this key cosigned last ({error}): restore it from a backup. Without it nothing shows that the next \
                 cosignature agrees with the last; a new key owes nothing"
            );
            Fault::machine(last.path.display().to_string(), why)
        })
    }
}

impl Relay {
    /// Has `cosigner` sign the heads that are held in full.
    pub fn set_cosigner(&self, cosigner: Cosigner) {
        self.inner.cosigner.store(Some(Arc::new(cosigner)));
    }

    /// The newest head that is held here in full, with our cosignature; none where nothing is cosigned here.
    ///
    /// # Errors
    /// As [`Cosigner::cosign`]; `Unavailable` also where no full log is held.
    pub async fn cosigned(&self) -> Option<Result<Bytes, Fault>> {
        let cosigner = self.inner.cosigner.load_full()?;
        let Some(mirror) = self.inner.database.mirror() else {
            let why = "no full log is held yet, and only what is held in full is cosigned";
            return Some(Err(Fault::nobody("the full log", why)));
        };
        if let Some((_, note)) = cosigner.shown.lock().as_ref().filter(|(shown, _)| *shown >= mirror.size()) {
            return Some(Ok(note.clone()));
        }
        let inner = Arc::clone(&self.inner);
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        let signed = tokio::task::spawn_blocking(move || cosigner.cosign(&inner.database, &mirror, now)).await;
        let panicked = |error| Fault::machine("this process", format!("a part of it failed: {error}"));
        Some(signed.map_err(panicked).and_then(|signed| signed))
    }
}
