//! The closer look: what is wrong with each data tile that the fast pass marked, down to the record or the hash.

use std::collections::HashMap;
use std::ops::Range;

use super::cut::{Cut, pieces};
use super::damaged::damaged;
use super::files::Files;
use super::levels::{Levels, RecoveredLevels};
use super::reporter::{Damage, Reporter};
use crate::report::integrity::Flaw;
use crate::store::log::OFFSET_BYTES;
use crate::sumdb::hash::{Hash, leaf_hashes};
use crate::sumdb::number::wide;
use crate::sumdb::tile::{FULL, FULL_LEN, complete_root};

/// Slots in which records and hashes disagree and of which all mixtures are tried: 256 tiles to fold at most.
const MAX_MIXED: usize = 8;

/// A marked data tile: where it was found to lie, and what its two sides fold to.
#[derive(Debug, Clone, Copy)]
pub(super) struct MarkedTile {
    pub(super) tile: u64,
    pub(super) cut: Option<Cut>,
}

/// Examines all marked tiles, as [`cuts`] found them, and reports what is wrong with them and with the levels above. Gives the
/// recovered hashes of these.
pub(super) fn locate(
    files: &Files,
    levels: &Levels,
    looks: &[MarkedTile],
    reporter: &mut Reporter<'_>,
) -> RecoveredLevels {
    let mut looked = HashMap::new();
    let mut derived_edge = Vec::new();
    let edge = files.full_tiles();
    for look in looks {
        let derived = derive(files, look);
        if look.tile == edge {
            derived_edge = derived;
            continue;
        }
        let stored = files.leaves(look.tile);
        let whole = |hashes: &[Hash]| (hashes.len() == FULL_LEN).then(|| complete_root(hashes));
        looked.insert(look.tile, [whole(&stored), whole(&derived)]);
    }
    let stored_edge = if edge < files.tiles() { files.leaves(edge) } else { Vec::new() };
    let edge_width = if edge < files.tiles() { files.width(edge) } else { 0 };
    if derived_edge.len() != edge_width || !looks.iter().any(|look| look.tile == edge) {
        derived_edge.clone_from(&stored_edge);
    }
    let recovered = levels.recover(&looked, [&stored_edge, &derived_edge]);
    for look in looks {
        explain(files, look, &recovered, reporter);
    }
    above(files, levels, &recovered, reporter);
    recovered
}

/// Where the marked tiles lie; reports entries of `offsets` that the records contradict.
pub(super) fn cuts(files: &Files, bad: &[u64], reporter: &mut Reporter<'_>) -> Vec<MarkedTile> {
    let mut looks = Vec::with_capacity(bad.len());
    let mut at: Option<(u64, Option<u64>)> = None; // the tile that comes next, and where it begins
    for &tile in bad {
        let begin = match at {
            Some((next, begin)) if next == tile => begin,
            // The tile before is in order, and so is where it ends; before the first there is nothing.
            _ if tile == 0 => Some(0),
            _ => files.begin(tile),
        };
        if tile == 0 {
            check_offset(files, 0, Some(0), reporter);
        }
        let is_partial = tile == files.full_tiles();
        let next_is_bad = bad.binary_search(&(tile + 1)).is_ok();
        let end = match begin {
            Some(begin) if is_partial => Some(files.tree_end(begin, files.width(tile))),
            _ if is_partial => None,
            _ if !next_is_bad && tile + 1 < files.full_tiles() => files.begin(tile + 1),
            _ => files.next_begin(tile, begin),
        };
        if !is_partial {
            check_offset(files, tile + 1, end, reporter);
        }
        at = Some((tile + 1, end));
        let cut = begin.zip(end).filter(|(begin, end)| begin < end).map(|(begin, end)| Cut { begin, end });
        looks.push(MarkedTile { tile, cut });
    }
    looks
}

/// Compares entry `index` of `offsets` with where the records say that the data tile begins.
fn check_offset(files: &Files, index: u64, begin: Option<u64>, reporter: &mut Reporter<'_>) {
    let listed = files.begin(index);
    if listed == begin && listed.is_some() {
        return;
    }
    let at = index * OFFSET_BYTES;
    let what = match (listed, begin) {
        (None, _) => "the file ends before it".to_owned(),
        (Some(listed), Some(begin)) => format!("data tile {index} begins at byte {begin} of records, not at {listed}"),
        (Some(listed), None) => format!("data tile {index} cannot begin at byte {listed} of records"),
    };
    let flaw = if listed.is_none() { Flaw::CutOff } else { Flaw::OffsetsDamaged };
    reporter.damage(Damage {
        flaw,
        file: "offsets".into(),
        level: None,
        bytes: at..at + OFFSET_BYTES,
        records: None,
        what,
    });
}

/// The leaf hashes of the records of a tile, if there are as many as there should be.
fn derive(files: &Files, look: &MarkedTile) -> Vec<Hash> {
    let Some(cut) = look.cut else { return Vec::new() };
    let bytes = files.cut_bytes(cut);
    let records: Vec<&[u8]> = pieces(&bytes).into_iter().map(|(_, piece)| piece).collect();
    if records.len() == files.width(look.tile) { leaf_hashes(&records) } else { Vec::new() }
}

/// Reports what is wrong with one tile.
fn explain(files: &Files, look: &MarkedTile, recovered: &RecoveredLevels, reporter: &mut Reporter<'_>) {
    let width = files.width(look.tile);
    let stored = files.leaves(look.tile);
    let derived = derive(files, look);
    let edge = look.tile == files.full_tiles();
    let (above, is_proven) = if edge {
        (None, recovered.has_root())
    } else {
        recovered.above_leaves(look.tile).map_or((None, false), |(hash, is_proven)| (Some(hash), is_proven))
    };
    let is_true = |hashes: &[Hash]| {
        hashes.len() == width && if edge { recovered.level(0) == hashes } else { above == Some(complete_root(hashes)) }
    };
    if is_true(&derived) && derived.len() == width {
        // The records are in order, so all that differs in the stored hashes is damage.
        let differing = (0..width).filter(|slot| stored.get(*slot) != derived.get(*slot));
        differing.for_each(|slot| report_hash(files, look.tile, slot, is_proven, reporter));
    } else if is_true(&stored) {
        report_records(files, look, &stored, reporter);
    } else if let Some(mixed) = mixture(&stored, &derived, above) {
        let is_stored_wrong = |slot: &usize| stored.get(*slot) != mixed.get(*slot);
        (0..width).filter(is_stored_wrong).for_each(|slot| report_hash(files, look.tile, slot, is_proven, reporter));
        report_records(files, look, &mixed, reporter);
    } else {
        report_undecided(files, look, &stored, &derived, reporter);
    }
}

/// Leaf hashes that fold to `above`, each of them the stored or the derived one.
fn mixture(stored: &[Hash], derived: &[Hash], above: Option<Hash>) -> Option<Vec<Hash>> {
    if stored.len() != FULL_LEN || derived.len() != FULL_LEN {
        return None;
    }
    let differing: Vec<usize> = (0..FULL_LEN).filter(|slot| stored.get(*slot) != derived.get(*slot)).collect();
    if differing.len() > MAX_MIXED {
        return None;
    }
    (1..1_usize << differing.len()).find_map(|mixture| {
        let mut mixed = stored.to_vec();
        let chosen = differing.iter().enumerate().filter(|(bit, _)| mixture >> bit & 1 == 1);
        for slot in chosen.map(|(_, slot)| slot) {
            if let (Some(hash), Some(derived)) = (mixed.get_mut(*slot), derived.get(*slot)) {
                *hash = *derived;
            }
        }
        (Some(complete_root(&mixed)) == above).then_some(mixed)
    })
}

fn report_hash(files: &Files, tile: u64, slot: usize, is_proven: bool, reporter: &mut Reporter<'_>) {
    let id = tile * FULL + wide(slot);
    report_slot(files, 0, id, is_proven, reporter);
}

/// Reports that a stored hash is wrong or missing.
fn report_slot(files: &Files, level: usize, slot: u64, is_proven: bool, reporter: &mut Reporter<'_>) {
    let bytes = slot * wide(Hash::LEN)..(slot + 1) * wide(Hash::LEN);
    let Some(file) = files.hashes.get(level) else { return };
    let (flaw, what) = if bytes.end > file.len() {
        (Flaw::CutOff, "the file ends before its hashes do".to_owned())
    } else if is_proven {
        (Flaw::HashesDamaged, "the stored hashes are not those of what lies below them".to_owned())
    } else {
        (Flaw::Undecided, "the stored hashes are not those of what lies below them, and neither is proven".to_owned())
    };
    let level = u32::try_from(level).ok();
    let leaves =
        |slot: u64| level.and_then(|level| slot.checked_mul(1_u64.checked_shl(level * 8)?)).unwrap_or(u64::MAX);
    let records = leaves(slot)..leaves(slot + 1);
    reporter.damage(Damage { flaw, file: file.name().into(), level, bytes, records: Some(records), what });
}

/// Reports which records do not have their hashes, and where they are.
fn report_records(files: &Files, look: &MarkedTile, leaves: &[Hash], reporter: &mut Reporter<'_>) {
    let first = look.tile * FULL;
    let Some(cut) = look.cut else {
        let records = first..first + wide(leaves.len());
        return report_lost(files, records, reporter);
    };
    let bytes = files.cut_bytes(cut);
    for (ids, place) in damaged(&bytes, leaves) {
        let at = |place: usize| cut.begin + wide(place);
        let id = |slot: usize| first + wide(slot);
        let records = id(ids.start)..id(ids.end);
        let span = at(place.start)..at(place.end);
        let end = files.records.len();
        let is_short = || bytes.get(place.clone()).is_none_or(is_short);
        if span.end >= end && (cut.end > end || cut.end == end && is_short()) {
            let what = "the file ends before its records do".to_owned();
            reporter.damage(Damage::records(Flaw::CutOff, span, records, what));
        } else {
            let what = "the records do not have the hashes that the log has for them".to_owned();
            reporter.damage(Damage::records(Flaw::RecordsDamaged, span, records, what));
        }
    }
}

/// Whether the text of a record breaks off: its second line is the first and `/go.mod`.
fn is_short(text: &[u8]) -> bool {
    memchr::memchr(b'\n', text).is_none_or(|first| text.len() < 2 * (first + 1) + b"/go.mod".len())
}

/// Records of which not even the place is known.
fn report_lost(files: &Files, records: Range<u64>, reporter: &mut Reporter<'_>) {
    let end = files.records.len();
    let is_cut = files.begin(records.start / FULL).is_none_or(|begin| begin >= end) || end == 0;
    let (flaw, what) = if is_cut {
        (Flaw::CutOff, "the file ends before its records do")
    } else {
        (Flaw::RecordsDamaged, "no records with their hashes are where offsets says that they are")
    };
    reporter.damage(Damage::records(flaw, end..end, records, what.to_owned()));
}

fn report_undecided(files: &Files, look: &MarkedTile, stored: &[Hash], derived: &[Hash], reporter: &mut Reporter<'_>) {
    let width = files.width(look.tile);
    let first = look.tile * FULL;
    let place = look.cut.map_or(0..0, |cut| cut.begin..cut.end.min(files.records.len()));
    if stored.len() < width && derived.len() == width {
        // Nothing vouches for the records, and nothing speaks against them.
        (0..width).filter(|slot| stored.get(*slot) != derived.get(*slot)).for_each(|slot| {
            report_hash(files, look.tile, slot, false, reporter);
        });
        return;
    }
    let differs = |slot: &usize| stored.get(*slot) != derived.get(*slot) || derived.len() != width;
    let what = "records and stored hashes disagree, and neither is what the level above has".to_owned();
    let mut slots = (0..width).filter(differs).peekable();
    if slots.peek().is_none() {
        let what = "records and stored hashes agree, and are not what the level above has".to_owned();
        let records = first..first + wide(width);
        // Without a proven level above, the damage is reported there or at the head.
        if look.tile < files.full_tiles() {
            reporter.damage(Damage::records(Flaw::Undecided, place, records, what));
        }
        return;
    }
    for slot in slots {
        let id = first + wide(slot);
        reporter.damage(Damage::records(Flaw::Undecided, place.clone(), id..id + 1, what.clone()));
    }
}

/// Reports the hashes above the leaves that are not the true ones, and a root that is not the head's.
fn above(files: &Files, levels: &Levels, recovered: &RecoveredLevels, reporter: &mut Reporter<'_>) {
    for level in 1..=recovered.top() {
        let stored = levels.stored(level);
        for (slot, hash) in recovered.level(level).iter().enumerate() {
            if stored.get(slot) != Some(hash) {
                let is_proven = recovered.is_proven(level, slot) && recovered.has_root();
                report_slot(files, level, wide(slot), is_proven, reporter);
            }
        }
    }
    if !recovered.has_root() {
        reporter.root();
    }
}
