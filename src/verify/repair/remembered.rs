//! The remembered head: the one trusted file, without which nothing else can be judged. A damaged one is replaced by the head that
//! `Database::restorable` finds, and where there is none it stays as it is, with what a person can do.

use super::Repaired;
use crate::database::{Database, Restorable};
use crate::fault::Fault;
use crate::report::integrity::Repair;
use crate::store::log::{HEADS_LIMIT, entries};
use crate::store::{Folder, HeadFile, Log, StoredHead};
use crate::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use crate::sumdb::hash::Hash;

/// Puts the remembered head of `database` in order; gives it where it was replaced. `policy` is what signs heads that were accepted.
///
/// # Errors
/// `Forked`: the log is caught. `Unavailable`: the disk.
pub async fn mend_remembered(
    folder: &Folder,
    database: &Database,
    policy: &Policy,
    done: &mut Repaired,
) -> Result<Option<Checkpoint>, Fault> {
    let file = folder.head(database.name())?;
    let there = match file.as_they_are() {
        Ok(there) => there,
        Err(fault) => {
            done.failed.push(fault.to_string());
            return Ok(None);
        }
    };
    let open = |head: &StoredHead| Checkpoint::open(&head.note, policy);
    let damaged: Vec<&StoredHead> = there.iter().filter(|head| open(head).is_err()).collect();
    if let Some(other) = damaged.iter().find(|head| policy.is_of_another_key(&head.note)) {
        let why = "is the head of another log of this name, and no damage: set its key with --sumdb, or name another folder with --data";
        done.failed.push(format!("{}: {why}", other.path.display()));
        return Ok(None);
    }
    let mut restored = None;
    for damaged in damaged {
        let found = match last_seen(&file) {
            Ok(seen) => {
                let mut kept = kept(&file, &folder.log(database.name())?, policy, seen)?;
                kept.extend(there.iter().filter_map(|head| open(head).ok()));
                database.restorable(&kept, seen).await
            }
            Err(fault) => Err(fault),
        };
        match found {
            Ok(found) => {
                if file.restore(damaged, found.head().bytes())? {
                    done.note(Repair::of_file(damaged.path.display().to_string(), what(&found)));
                }
                restored = Some(found.head().clone());
            }
            Err(fault @ Fault::Forked { .. }) => return Err(fault),
            Err(fault) => {
                let next = "repair again when a source of the database can be asked, restore it from a backup, or delete it, to trust \
                            the next head as at first contact";
                done.failed.push(format!("{}: {fault}; {next}", damaged.path.display()));
            }
        }
    }
    Ok(restored)
}

fn what(found: &Restorable) -> String {
    let size = found.head().tree().size;
    match found {
        Restorable::Kept(_) => format!("has the newest signed head that is kept here again, of {size} records"),
        Restorable::Sent(_) => {
            format!(
                "has a signed head of {size} records, whose tree was shown to contain the one that was accepted last"
            )
        }
    }
}

/// The largest tree of which it is noted that it was accepted.
fn last_seen(file: &HeadFile) -> Result<Option<Tree>, Fault> {
    let seen = file.sightings()?.into_iter();
    let trees = seen.filter_map(|seen| Some(Tree { size: seen.size, root: Hash::from_base64(&seen.root).ok()? }));
    Ok(trees.max_by_key(|tree| tree.size))
}

/// The heads that were accepted and are kept in other files. One that waits to be compared is none, but for the tree that was `seen`.
fn kept(file: &HeadFile, log: &Log, policy: &Policy, seen: Option<Tree>) -> Result<Vec<Checkpoint>, Fault> {
    let open = |note: &[u8]| Checkpoint::open(note, policy).ok();
    let listed = log.open_file("heads")?.bytes(0, usize::try_from(HEADS_LIMIT).unwrap_or(usize::MAX));
    let mut kept: Vec<Checkpoint> = entries(&listed).filter_map(|entry| open(entry.bytes())).collect();
    kept.extend(log.head().ok().flatten().and_then(|note| open(&note)));
    kept.extend(file.cosigned_notes().iter().filter_map(|note| open(note)));
    let waiting = file.pending().unwrap_or_default();
    kept.extend(waiting.iter().filter_map(|note| open(note)).filter(|head| Some(head.tree()) == seen));
    Ok(kept)
}
