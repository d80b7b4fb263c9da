//! What is done of a pass over data tiles whose pieces come to their end in any order: all tiles up to one, and what was found in them.
//! It is noted now and then, while the pass goes on.

use std::collections::BTreeMap;
use std::ops::Range;

use parking_lot::Mutex;

use super::passed::Passed;

/// Where it is noted how far a pass has come.
pub(super) struct Notes<'a> {
    /// bytes that are read between two notes
    pub(super) every: u64,
    /// called with the tile up to which all are done, and what was found in those
    pub(super) note: &'a (dyn Fn(u64, &Passed) + Sync),
}

/// What is done of a pass.
pub(super) struct InOrder<'a> {
    done: Mutex<TilesDone>,
    notes: Option<&'a Notes<'a>>,
}

struct TilesDone {
    /// all tiles before this one are done
    up_to: u64,
    /// what was found in them
    found: Passed,
    /// bytes that were read of them since the last note
    unnoted: u64,
    /// what is done beyond that, by its first tile: the tile after it, its bytes, and what was found
    ahead: BTreeMap<u64, (u64, u64, Passed)>,
}

impl<'a> InOrder<'a> {
    /// Before tile `from` all is done, and `found` was found.
    pub(super) fn new(from: u64, found: Passed, notes: Option<&'a Notes<'a>>) -> InOrder<'a> {
        InOrder { done: Mutex::new(TilesDone { up_to: from, found, unnoted: 0, ahead: BTreeMap::new() }), notes }
    }

    /// These tiles are done; `bytes` were read of them.
    pub(super) fn add(&self, tiles: Range<u64>, bytes: u64, found: Passed) {
        if tiles.is_empty() {
            return;
        }
        let mut done = self.done.lock();
        done.ahead.insert(tiles.start, (tiles.end, bytes, found));
        let up_to = done.up_to;
        done.take_in();
        if let Some(notes) = self.notes
            && done.up_to > up_to
            && done.unnoted >= notes.every
        {
            done.unnoted = 0;
            (notes.note)(done.up_to, &done.found);
        }
    }

    /// What was found in all of them.
    pub(super) fn finish(self) -> Passed {
        let mut done = self.done.into_inner();
        done.take_in();
        done.found.sort();
        done.found
    }
}

impl TilesDone {
    /// Takes in what comes next of what is done ahead.
    fn take_in(&mut self) {
        while let Some((end, bytes, found)) = self.ahead.remove(&self.up_to) {
            self.up_to = end;
            self.unnoted = self.unnoted.saturating_add(bytes);
            self.found.add(found);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bad(tile: u64) -> Passed {
        Passed { bad: vec![tile], ..Passed::default() }
    }

    #[test]
    fn a_note_is_about_what_has_no_gap_before_it() {
        let noted = Mutex::new(Vec::new());
        let note = |up_to: u64, found: &Passed| noted.lock().push((up_to, found.bad.clone()));
        let notes = Notes { every: 10, note: &note };
        let done = InOrder::new(3, bad(1), Some(&notes));
        done.add(5..6, 10, bad(5));
        done.add(6..6, 10, bad(9));
        assert_eq!(*noted.lock(), []);
        done.add(3..4, 9, Passed::default());
        assert_eq!(*noted.lock(), [], "too little for a note");
        done.add(7..9, 1, bad(8));
        done.add(4..5, 1, bad(4));
        assert_eq!(*noted.lock(), [(6, vec![1, 4, 5])]);
        done.add(6..7, 8, Passed::default());
        assert_eq!(noted.lock().len(), 1, "what was noted counts once");
        done.add(9..10, 1, Passed::default());
        assert_eq!(noted.lock().last().unwrap(), &(10, vec![1, 4, 5, 8]));
        assert_eq!(done.finish().bad, [1, 4, 5, 8]);
    }
}
