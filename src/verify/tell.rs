//! From spots to findings: neighbours that have the same thing wrong with them become one finding, with its tiles by path and
//! the data tiles that would mend it.

use std::ops::Range;

use crate::report::Integrity;
use crate::report::integrity::{Finding, Flaw};
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::tile::{DataTile, Edge, FULL, Tile};

/// Something that is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) flaw: Flaw,
    pub(super) file: String,
    /// which tile level, for a file of hashes
    pub(super) level: Option<u32>,
    pub(super) bytes: Range<u64>,
    pub(super) records: Option<Range<u64>>,
    pub(super) what: String,
}

impl Spot {
    /// Something wrong in `records`.
    pub(super) fn records(flaw: Flaw, bytes: Range<u64>, records: Range<u64>, what: String) -> Spot {
        Spot { flaw, file: "records".into(), level: None, bytes, records: Some(records), what }
    }

    /// Takes up the spot that follows, if it is more of the same.
    fn join(&mut self, next: &Spot) -> bool {
        let same =
            self.flaw == next.flaw && self.file == next.file && self.level == next.level && self.what == next.what;
        let joins = match (&mut self.records, &next.records) {
            (Some(these), Some(those)) if same && (these.end == those.start || *these == *those) => {
                these.end = those.end;
                true
            }
            (None, None) => same && self.bytes.end == next.bytes.start,
            _ => false,
        };
        if joins {
            self.bytes = self.bytes.start.min(next.bytes.start)..self.bytes.end.max(next.bytes.end);
        }
        joins
    }
}

/// Collects spots; of each file the last one is kept open for its neighbours.
#[derive(Debug)]
pub(super) struct Tell<'a> {
    tree: Tree,
    report: &'a mut Integrity,
    open: Vec<Spot>,
}

impl<'a> Tell<'a> {
    pub(super) fn new(tree: Tree, report: &'a mut Integrity) -> Tell<'a> {
        Tell { tree, report, open: Vec::new() }
    }

    /// Takes a spot; those of one file come in order.
    pub(super) fn spot(&mut self, spot: Spot) {
        let Some(open) = self.open.iter_mut().find(|open| open.file == spot.file) else { return self.open.push(spot) };
        if !open.join(&spot) {
            let done = std::mem::replace(open, spot);
            self.close(done);
        }
    }

    /// The files do not fold to the root of the committed head.
    pub(super) fn root(&mut self) {
        let Tree { size, root } = self.tree;
        let what = format!("nothing here folds to the root {root} of the signed head of size {size}");
        self.report.add(Finding::of_file(Flaw::RootDiffers, "head", what));
    }

    /// The disk reports an error.
    pub(super) fn unreadable(&mut self, file: &str, bytes: Range<u64>) {
        let what = "the disk reports an error; what is told of these bytes is told for want of them".to_owned();
        self.spot(Spot { flaw: Flaw::Unreadable, file: file.to_owned(), level: None, bytes, records: None, what });
    }

    /// Hands over what is still open.
    pub(super) fn finish(mut self) {
        for spot in std::mem::take(&mut self.open) {
            self.close(spot);
        }
        let place = |finding: &Finding| finding.bytes.as_ref().map_or(0, |bytes| bytes.start);
        self.report.findings.sort_by(|a, b| (&a.file, place(a)).cmp(&(&b.file, place(b))));
    }

    fn close(&mut self, mut spot: Spot) {
        if let Some(records) = &mut spot.records {
            records.end = records.end.min(self.tree.size);
        }
        let is_mended_from_here =
            matches!(spot.flaw, Flaw::OffsetsDamaged | Flaw::HashesDamaged) || spot.file != "records";
        let tiles = |records: &Range<u64>| records.start / FULL..records.end.div_ceil(FULL);
        let is_undecided = spot.flaw == Flaw::Undecided;
        let fetch = spot.records.as_ref().filter(|_| !is_mended_from_here || is_undecided).map(tiles);
        let (tile, Spot { flaw, file, bytes, records, what, .. }) = (self.tiles(&spot), spot);
        let finding = Finding::of_file(flaw, file, what);
        self.report.add(Finding { bytes: Some(bytes), records, tile, fetch, ..finding });
    }

    /// The path of the tile that the spot is in, or of the first and the last.
    fn tiles(&self, spot: &Spot) -> Option<String> {
        let (level, slots) = match (spot.level, &spot.records) {
            (Some(level), _) => (Some(level), spot.bytes.start / 32..spot.bytes.end.div_ceil(32)),
            (None, Some(records)) => (None, records.clone()),
            (None, None) => return None,
        };
        let path = |slot: u64| {
            let index = slot / FULL;
            let hashes = Edge::hashes(self.tree.size, level.unwrap_or(0));
            let width = u32::try_from(hashes.saturating_sub(index * FULL).min(FULL)).unwrap_or(0);
            match level {
                Some(level) => Tile::new(level, index, width).ok().map(|tile| tile.to_string()),
                None => DataTile::new(index, width).ok().map(|tile| tile.to_string()),
            }
        };
        let (first, last) = (path(slots.start)?, path(slots.end.saturating_sub(1).max(slots.start))?);
        Some(if first == last { first } else { format!("{first} to {last}") })
    }
}
