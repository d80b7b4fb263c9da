//! From damaged places to findings: neighbours with the same damage become one finding, with its tiles by path and the data tiles
//! that would mend it.

use std::ops::Range;

use crate::report::Integrity;
use crate::report::integrity::{Finding, Flaw};
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::tile::{DataTile, Edge, FULL, Tile};

/// Damage at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) flaw: Flaw,
    pub(super) file: String,
    /// which tile level, for a file of hashes
    pub(super) level: Option<u32>,
    pub(super) bytes: Range<u64>,
    pub(super) records: Option<Range<u64>>,
    pub(super) what: String,
}

impl Damage {
    /// Damage in `records`.
    pub(super) fn records(flaw: Flaw, bytes: Range<u64>, records: Range<u64>, what: String) -> Damage {
        Damage { flaw, file: "records".into(), level: None, bytes, records: Some(records), what }
    }

    /// Extends this damage by the next, if both are neighbours of one kind.
    fn join(&mut self, next: &Damage) -> bool {
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

/// Collects damage, and writes findings to the report; the last damage of each file stays open for its neighbours.
#[derive(Debug)]
pub(super) struct Reporter<'a> {
    tree: Tree,
    report: &'a mut Integrity,
    open: Vec<Damage>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(tree: Tree, report: &'a mut Integrity) -> Reporter<'a> {
        Reporter { tree, report, open: Vec::new() }
    }

    /// Adds damage; that of one file comes in order.
    pub(super) fn damage(&mut self, damage: Damage) {
        let Some(open) = self.open.iter_mut().find(|open| open.file == damage.file) else {
            return self.open.push(damage);
        };
        if !open.join(&damage) {
            let done = std::mem::replace(open, damage);
            self.close(done);
        }
    }

    /// The files do not fold to the root of the committed head.
    pub(super) fn root(&mut self) {
        let Tree { size, root } = self.tree;
        let what = format!("the stored hashes do not fold to the root {root} of the signed head of size {size}");
        self.report.add(Finding::of_file(Flaw::RootDiffers, "head", what));
    }

    /// The disk reports an error.
    pub(super) fn unreadable(&mut self, file: &str, bytes: Range<u64>) {
        let what = "the disk reports a read error: these bytes could not be checked, and other findings about them follow from that".to_owned();
        self.damage(Damage { flaw: Flaw::Unreadable, file: file.to_owned(), level: None, bytes, records: None, what });
    }

    /// Hands over what is still open.
    pub(super) fn finish(mut self) {
        for damage in std::mem::take(&mut self.open) {
            self.close(damage);
        }
        let place = |finding: &Finding| finding.bytes.as_ref().map_or(0, |bytes| bytes.start);
        self.report.findings.sort_by(|a, b| (&a.file, place(a)).cmp(&(&b.file, place(b))));
    }

    fn close(&mut self, mut damage: Damage) {
        if let Some(records) = &mut damage.records {
            records.end = records.end.min(self.tree.size);
        }
        let is_mended_from_here =
            matches!(damage.flaw, Flaw::OffsetsDamaged | Flaw::HashesDamaged) || damage.file != "records";
        let tiles = |records: &Range<u64>| records.start / FULL..records.end.div_ceil(FULL);
        let is_undecided = damage.flaw == Flaw::Undecided;
        let fetch = damage.records.as_ref().filter(|_| !is_mended_from_here || is_undecided).map(tiles);
        let (tile, Damage { flaw, file, bytes, records, what, .. }) = (self.tiles(&damage), damage);
        let finding = Finding::of_file(flaw, file, what);
        self.report.add(Finding { bytes: Some(bytes), records, tile, fetch, ..finding });
    }

    /// The path of the tile that the damage is in, or of the first and the last.
    fn tiles(&self, damage: &Damage) -> Option<String> {
        let (level, slots) = match (damage.level, &damage.records) {
            (Some(level), _) => (Some(level), damage.bytes.start / 32..damage.bytes.end.div_ceil(32)),
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
