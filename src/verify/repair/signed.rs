//! The signed heads. Nothing can make a signature again, so a lost head is taken from another file that has it: `head` is the last of
//! `heads`, which it is written to first, and the last of `heads` is `head`.

use super::super::heads::{self, Place};
use super::{LogRepair, Repaired};
use crate::fault::Fault;
use crate::report::integrity::Repair;
use crate::store::log::{HEADS_LIMIT, entries};
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;

/// Puts the heads in order, `restored` being the remembered one where it has just been put in order; gives the one under which all else
/// is proven, none where no signed head is left.
///
/// # Errors
/// `Unavailable`: the disk.
pub(super) fn mend(
    repair: &LogRepair<'_>,
    restored: Option<Checkpoint>,
    done: &mut Repaired,
) -> Result<Option<Checkpoint>, Fault> {
    let log = repair.log;
    let open = |note: &[u8]| Checkpoint::open(note, repair.policy).ok();
    let listed_bytes = log.open_file("heads")?.bytes(0, usize::try_from(HEADS_LIMIT).unwrap_or(usize::MAX));
    let listed: Vec<Checkpoint> = entries(&listed_bytes).filter_map(|entry| open(entry.bytes())).collect();
    let is_first_sync = matches!(log.first_sync(), Ok(Some(_)));
    let committed = log.head().ok().flatten().and_then(|note| open(&note));
    let held = log.open_file("hashes.0")?.len() / wide(Hash::LEN);
    let fits = |head: &&Checkpoint| head.tree().size <= held.max(committed.as_ref().map_or(0, |head| head.tree().size));
    let newest = listed.iter().filter(fits).max_by_key(|head| head.tree().size).or(listed.last());
    if committed.is_none() && (is_first_sync || !log.open_file("records")?.is_there()) {
        // Nothing was ever committed, or a first commit is under way.
        return Ok(None);
    }
    let head = match (&committed, newest) {
        (Some(committed), Some(newest))
            if newest.tree().size > committed.tree().size && !is_under_way(repair, committed) =>
        {
            newest
        }
        (Some(committed), _) => committed,
        (None, Some(newest)) => newest,
        (None, None) => {
            let remembered =
                heads::read_remembered(repair.policy, repair.options, &mut crate::report::Integrity::new(""));
            let fitting = remembered.into_iter().filter(|(_, place)| *place == Place::Remembered).map(|(head, _)| head);
            return from_remembered(repair, fitting.chain(restored).collect(), held, done);
        }
    };
    if committed.as_ref().map(Checkpoint::bytes) != Some(head.bytes()) {
        put_head(repair, head, done)?;
    }
    mend_listed(repair, &listed_bytes, head, done)?;
    Ok(Some(head.clone()))
}

/// Whether a sync began after `committed` and has not finished its commit, which it will.
fn is_under_way(repair: &LogRepair<'_>, committed: &Checkpoint) -> bool {
    repair.log.sync_after().is_ok_and(|after| after == Some(committed.tree().size))
}

fn put_head(repair: &LogRepair<'_>, head: &Checkpoint, done: &mut Repaired) -> Result<(), Fault> {
    let found = repair.log.open_file("head")?.bytes(0, 1 << 20);
    repair.log.keep_damaged("head", 0, &found, head.bytes())?;
    repair.log.mend_head(head.bytes())?;
    let what = format!("has the newest committed head again, of {} records", head.tree().size);
    done.note(Repair::of_file("head", what));
    Ok(())
}

/// Takes the head from where it is remembered, where that is of the very tree that is held.
fn from_remembered(
    repair: &LogRepair<'_>,
    remembered: Vec<Checkpoint>,
    held: u64,
    done: &mut Repaired,
) -> Result<Option<Checkpoint>, Fault> {
    let Some(head) = remembered.into_iter().find(|head| head.tree().size == held && held > 0) else {
        done.failed.push("head: no signed head of the records that are held is left here".to_owned());
        return Ok(None);
    };
    put_head(repair, &head, done)?;
    repair.log.mend_heads(&[head.bytes().to_vec()])?;
    done.note(Repair::of_file("heads", "has the committed head again; older ones are lost"));
    Ok(Some(head))
}

/// Drops what is damaged in `heads`, after it was kept, and puts the committed head there.
fn mend_listed(repair: &LogRepair<'_>, bytes: &[u8], head: &Checkpoint, done: &mut Repaired) -> Result<(), Fault> {
    let (mut notes, mut lost) = (Vec::new(), 0_u64);
    for entry in entries(bytes) {
        match Checkpoint::open(entry.bytes(), repair.policy) {
            Ok(_) => notes.push(entry.bytes().to_vec()),
            // The next commit writes over it.
            Err(_) if entry.is_torn() && notes.iter().any(|note| note == head.bytes()) => return Ok(()),
            Err(_) => lost += 1,
        }
    }
    let has_head = notes.iter().any(|note| note == head.bytes());
    if lost == 0 && has_head {
        return Ok(());
    }
    if !has_head {
        notes.push(head.bytes().to_vec());
    }
    repair.log.keep_damaged("heads", 0, bytes, &[])?;
    repair.log.mend_heads(&notes)?;
    let older = lost.saturating_sub(u64::from(!has_head));
    let lost = if older == 0 { String::new() } else { format!("; {older} older ones cannot be read any more") };
    done.note(Repair::of_file("heads", format!("has {} signed heads{lost}", notes.len())));
    Ok(())
}
