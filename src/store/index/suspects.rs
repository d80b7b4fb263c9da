//! From neighbouring entries to anomalies: which records have one key, or paths in one range with different
//! tags. Those are only suspects, since bits of a hash may agree by chance; the records themselves are then read.

use super::super::log::{Rotten, Snapshot};
use super::anomaly::{Anomaly, MAX_OF_A_KIND};
use super::key::{IndexEntry, Width};
use crate::fault::Fault;
use crate::sumdb::record::claimed;

/// Records about one module version, or spellings of one path, that are compared with each other.
const MAX_GROUP: usize = 1000;

/// The anomalies among sorted entries that make up whole ranges.
pub(super) fn find(entries: &[IndexEntry], width: Width, snapshot: &Snapshot) -> Result<Vec<Anomaly>, Fault> {
    let mut found = Suspects::default();
    for range in entries.chunk_by(|one, next| width.prefix(one.key) == width.prefix(next.key)) {
        for same_key in range.chunk_by(|one, next| one.key == next.key).filter(|group| group.len() > 1) {
            found.duplicates(same_key, snapshot)?;
        }
        let first = range.first().map(|entry| entry.tag());
        if range.iter().any(|entry| Some(entry.tag()) != first) {
            found.twins(range, snapshot)?;
        }
    }
    Ok(found.anomalies)
}

/// Two records about one module version?
pub(super) fn duplicate(snapshot: &Snapshot, first: u64, second: u64) -> Result<Option<Anomaly>, Fault> {
    let (one, other) = (text(snapshot, first)?, text(snapshot, second)?);
    let Some((heading, _)) = claimed(&one).zip(claimed(&other)).filter(|(one, other)| one == other) else {
        return Ok(None);
    };
    let module = format!("{}@{}", heading.path(), heading.version());
    Ok(Some(Anomaly::Duplicate { first, second, module, same: one == other }))
}

/// The module path that a record claims to be about.
pub(super) fn path(snapshot: &Snapshot, id: u64) -> Result<String, Fault> {
    let text = text(snapshot, id)?;
    Ok(claimed(&text).map(|heading| heading.path().to_owned()).unwrap_or_default())
}

fn text(snapshot: &Snapshot, id: u64) -> Result<Vec<u8>, Fault> {
    Ok(snapshot.record(id).map_err(Rotten::into_fault)?.unwrap_or_default())
}

#[derive(Default)]
struct Suspects {
    anomalies: Vec<Anomaly>,
    counts: [u64; 2],
}

impl Suspects {
    /// Entries are in the order of their numbers: each is compared with the first one about the same module version.
    fn duplicates(&mut self, group: &[IndexEntry], snapshot: &Snapshot) -> Result<(), Fault> {
        let mut firsts: Vec<u64> = Vec::new();
        for entry in group.iter().take(MAX_GROUP) {
            let mut duplicate_of = None;
            for first in &firsts {
                if self.counts[0] > MAX_OF_A_KIND {
                    return Ok(());
                }
                duplicate_of = duplicate(snapshot, *first, entry.id())?;
                if duplicate_of.is_some() {
                    break;
                }
            }
            match duplicate_of {
                Some(anomaly) => {
                    self.counts[0] += 1;
                    self.anomalies.push(anomaly);
                }
                None => firsts.push(entry.id()),
            }
        }
        Ok(())
    }

    /// The first record of each spelling is compared with those of the others.
    fn twins(&mut self, range: &[IndexEntry], snapshot: &Snapshot) -> Result<(), Fault> {
        let mut by_tag: Vec<(u64, u64)> = range.iter().map(|entry| (entry.tag(), entry.id())).collect();
        by_tag.sort_unstable();
        by_tag.dedup_by_key(|(tag, _)| *tag);
        let mut firsts: Vec<u64> = by_tag.into_iter().map(|(_, id)| id).take(MAX_GROUP).collect();
        firsts.sort_unstable();
        let mut spellings: Vec<(String, u64)> = Vec::new();
        for id in firsts {
            if self.counts[1] > MAX_OF_A_KIND {
                return Ok(());
            }
            let path = path(snapshot, id)?;
            match spellings.iter().find(|(known, _)| known.eq_ignore_ascii_case(&path) && *known != path) {
                Some((known, first)) => {
                    self.counts[1] += 1;
                    let paths = [known.clone(), path];
                    self.anomalies.push(Anomaly::CaseCollision { first: *first, second: id, paths });
                }
                None => spellings.push((path, id)),
            }
        }
        Ok(())
    }
}
