//! The records, from where a verification that was killed had come to: now and then it is noted how far this one is.

use super::VerifyOptions;
use super::files::Files;
use super::in_order::Notes;
use super::indexed::Indexed;
use super::passed::Passed;
use super::resume::{LogDone, NOTE_SECONDS, Resume};
use super::stream::{self, Reference};
use crate::store::scrub::ScrubPace;
use crate::sumdb::number::wide;
use crate::sumdb::record::MAX_DATA_TILE_BYTES;
use crate::sumdb::tile::FULL;

/// Derives all full data tiles that `options` cover.
pub(super) fn pass(files: &Files, reference: &Reference<'_>, options: &VerifyOptions) -> Passed {
    let (threads, end) = (options.thread_count(), files.full_tiles());
    let Some(resume) = &options.resume else {
        return stream::pass(files, reference, 0..end, threads, (Passed::default(), None));
    };
    let (size, index) = (files.tree.size, reference.index.map(Indexed::shape));
    let done = resume.log().filter(|done| fits(done, files, index)).unwrap_or_default();
    (reference.progress)(done.tiles * FULL);
    let note = |tiles, passed: &Passed| resume.note_log(LogDone { tiles, size, index, passed: passed.clone() });
    let notes = Notes { every: between_notes(resume, options.pace.as_ref()), note: &note };
    let passed = stream::pass(files, reference, done.tiles..end, threads, (done.passed, Some(&notes)));
    note(end, &passed);
    passed
}

/// Whether what was done counts for these files: the log has not become shorter, and what was summed up for the index was complete.
fn fits(done: &LogDone, files: &Files, index: Option<(u64, crate::store::index::Tally)>) -> bool {
    let is_summed = match (done.index, index) {
        (Some((known, shape)), Some((now, same))) => {
            shape == same && (known == now || known.min(now) >= done.tiles * FULL)
        }
        (None, None) => true,
        _ => false,
    };
    done.size <= files.tree.size && done.tiles <= files.full_tiles() && is_summed
}

/// Bytes that are read between two notes.
pub(super) fn between_notes(resume: &Resume, pace: Option<&ScrubPace>) -> u64 {
    let at_pace = pace.and_then(ScrubPace::rate).map_or(u64::MAX, |rate| rate.saturating_mul(NOTE_SECONDS));
    resume.every().min(at_pace)
}

/// Records and bytes of records that `options` cover.
pub(super) fn covered(files: &Files, options: &VerifyOptions) -> (u64, u64) {
    let tiles = (0..files.full_tiles()).filter(|tile| options.coverage.has_tile(*tile));
    let (mut records, mut bytes) = (0, 0_u64);
    for tile in tiles {
        records += FULL;
        bytes += files.place(tile).map_or(0, |(begin, end)| end - begin);
    }
    if files.tiles() > files.full_tiles() {
        let width = files.width(files.full_tiles());
        records += wide(width);
        let begin = files.begin(files.full_tiles());
        bytes +=
            begin.map_or(0, |begin| files.tree_end(begin, width).saturating_sub(begin).min(wide(MAX_DATA_TILE_BYTES)));
    }
    (records, bytes)
}
