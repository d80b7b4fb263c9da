//! What `serve --cosign` signed last. A cosignature is never taken back, and the next one is made in view of the last: where that cannot be
//! read any more, or says more than the log holds, nothing is cosigned until a person, or a repair, has put it in order.
//!
//! Each file holds a head of the log with two signatures: the log's, and that of the key whose id is its name. The log's is verified
//! always, that of the cosigner where its key is known. The tree is compared as that of every other head that was accepted.

use super::VerifyOptions;
use crate::report::integrity::{Finding, Flaw};
use crate::report::{Integrity, Level, Notice, counted};
use crate::store::head::CosignedHead;
use crate::sumdb;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::{Note, VerifierKey};

/// Judges the files that `options` name, each by itself; gives their heads, each with the id of the key that cosigned.
pub(super) fn read(policy: &Policy, options: &VerifyOptions, report: &mut Integrity) -> Vec<(Checkpoint, u32)> {
    let mut heads = Vec::new();
    for file in &options.cosigned {
        let shown = file.path().display().to_string();
        let opened = match file.load() {
            Ok(Some(stored)) => open(&stored.note, file, policy, &options.cosigners).map_err(|error| error.to_string()),
            // Listed, and gone since.
            Ok(None) => continue,
            Err(fault) => Err(fault.to_string()),
        };
        match opened {
            Ok(head) => {
                if key_of(file, &options.cosigners).is_none() {
                    report.notices.push(Notice { level: Level::Note, text: unverified(&shown) });
                }
                heads.push((head, file.key_id()));
            }
            Err(why) => {
                let what = format!(
                    "should hold the head that the key {:08x} cosigned last, signed by the log and by that key: {why}",
                    file.key_id()
                );
                report.add(Finding::of_file(Flaw::CosignedDamaged, shown, what));
            }
        }
    }
    heads
}

/// Reports the heads among `heads` that are larger than the `held` records of the full log; none where there is none.
pub(super) fn compare_sizes<'a>(
    options: &VerifyOptions,
    heads: impl Iterator<Item = (&'a Checkpoint, u32)>,
    held: Option<u64>,
    report: &mut Integrity,
) {
    for (head, key_id) in heads {
        let size = head.tree().size;
        if held.is_some_and(|held| size <= held) {
            continue;
        }
        let file = options.cosigned.iter().find(|file| file.key_id() == key_id);
        let shown = file.map_or_else(String::new, |file| file.path().display().to_string());
        let held = held.map_or_else(
            || "no full log is here".to_owned(),
            |held| format!("the full log holds {}", counted(held, "record")),
        );
        let what = format!(
            "says that {} were cosigned, and {held}: the log was put back, or removed",
            counted(size, "record")
        );
        report.add(Finding::of_file(Flaw::CosignedAhead, shown, what));
    }
}

/// The head in a file, signed by the log and, if that key is known here, by the cosigner.
pub(super) fn open(
    note: &[u8],
    file: &CosignedHead,
    policy: &Policy,
    cosigners: &[VerifierKey],
) -> sumdb::Result<Checkpoint> {
    let head = Checkpoint::open(note, policy)?;
    let lacking = || sumdb::Error::unproven("note", format!("it has no signature by the key {:08x}", file.key_id()));
    match (key_of(file, cosigners), policy.log_key()) {
        (Some(cosigner), Some(log)) => {
            let note = Note::open(note, &[log.clone(), cosigner.clone()])?;
            if note.is_signed_by(cosigner) { Ok(head) } else { Err(lacking()) }
        }
        _ => {
            let signers = Note::claimed_signers(note)?;
            if signers.iter().any(|(_, id)| *id == file.key_id()) { Ok(head) } else { Err(lacking()) }
        }
    }
}

/// The key of a file's cosigner, where it is known.
pub(super) fn key_of<'a>(file: &CosignedHead, cosigners: &'a [VerifierKey]) -> Option<&'a VerifierKey> {
    cosigners.iter().find(|key| key.id() == file.key_id())
}

fn unverified(shown: &str) -> String {
    format!(
        "the cosignature in {shown} was not verified, the log's signature and the tree were: name its key with --cosign, or the settings \
         of `serve` with --config"
    )
}
