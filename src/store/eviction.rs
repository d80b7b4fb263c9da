//! Which stored files go first when room is needed, and which never go.
//!
//! **What cannot be had again stays**: private files, what a person keeps (`keep`), what no upstream had when it was last asked, and
//! what an older version stored without a proof, which may be private. Of the others zips go before go.mod files, and these before
//! what is left of versions whose files went (hashes, proofs, `.info`), as long as what is small takes less than a tenth of the room.
//! Among each, what was used longest ago and least often goes first.
//!
//! Nobody is asked here: who removes a file asks an upstream for it before (`proxy::evict`).

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::keep::KeptModules;
use super::modules::{InventoryFile, Tree};
use super::usage::{Use, micros};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::Patterns;

/// How long it counts that no upstream had a file; then they are asked again.
pub const VANISHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How much of the room of all candidates go.mod files may take beside zips, and what is left of files that went beside go.mod files,
/// as a divisor: above it they go first.
const SMALL_PART: u64 = 10;

/// Why a file stays whatever room is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// it is in the tree of private modules, or matches a private pattern now
    Private,
    /// this line of the keep list names it
    Pinned(String),
    /// no upstream had it at that time, in microseconds since 1970
    Vanished(u64),
    /// no proof stands beside it
    Unproven,
}

impl Reason {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Reason::Private => "private",
            Reason::Pinned(_) => "pinned",
            Reason::Vanished(_) => "vanished",
            Reason::Unproven => "unproven",
        }
    }
}

/// One file, and how it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// the file
    pub file: InventoryFile,
    /// how it was used
    pub used: Use,
    /// why it stays; none for one that may go
    pub stays: Option<Reason>,
}

impl Standing {
    /// When it was last given, or arrived, in microseconds since 1970.
    pub fn last(&self) -> u64 {
        self.used.last.max(micros(self.file.admitted))
    }
}

/// How each file stands at `now`, in their order.
pub fn standings(
    files: Vec<InventoryFile>,
    uses: &HashMap<String, Use>,
    kept: &KeptModules,
    private: &Patterns,
    now: SystemTime,
) -> Vec<Standing> {
    let asked_since = micros(now.checked_sub(VANISHED_FOR).unwrap_or(SystemTime::UNIX_EPOCH));
    let stand = |file: InventoryFile| {
        let used = uses.get(&file.name).copied().unwrap_or_default();
        let stays = if file.tree == Tree::FirstUse || private.exemption(file.module.path()).is_some() {
            Some(Reason::Private)
        } else if let Some(line) = kept.covers(&file.module) {
            Some(Reason::Pinned(line.to_owned()))
        } else if !file.has_proof {
            Some(Reason::Unproven)
        } else if used.vanished > asked_since {
            Some(Reason::Vanished(used.vanished))
        } else {
            None
        };
        Standing { file, used, stays }
    };
    files.into_iter().map(stand).collect()
}

/// Those that may go, the first to go first; `remains` are what was left of files that went before.
pub fn coldest_first(standings: Vec<Standing>, remains: Vec<InventoryFile>) -> Vec<Standing> {
    let may_go = standings.into_iter().filter(|standing| standing.stays.is_none());
    let (zips, mods): (Vec<_>, Vec<_>) = may_go.partition(|standing| standing.file.kind == Kind::Zip);
    let remains = remains.into_iter().map(|file| Standing { file, used: Use::default(), stays: None }).collect();
    // What is small stays longest, as long as it is small in all.
    let small = merge(oldest_first(remains), in_order(mods));
    merge(small, in_order(zips))
}

fn oldest_first(mut files: Vec<Standing>) -> Vec<Standing> {
    files.sort_by_key(Standing::last);
    files
}

/// Both in their orders: the first ones go while they take more than their part of all that is left, and else after the others.
fn merge(first: Vec<Standing>, others: Vec<Standing>) -> Vec<Standing> {
    let sum = |files: &[Standing]| files.iter().map(|standing| standing.file.bytes).sum::<u64>();
    let (mut in_first, mut left) = (sum(&first), sum(&first).saturating_add(sum(&others)));
    let mut order = Vec::with_capacity(first.len() + others.len());
    let (mut first, mut others) = (first.into_iter(), others.into_iter());
    loop {
        let draws_first = in_first > left / SMALL_PART || others.as_slice().is_empty();
        let Some(next) = (if draws_first { first.next() } else { others.next() }) else {
            order.extend(others);
            return order;
        };
        left = left.saturating_sub(next.file.bytes);
        if draws_first {
            in_first = in_first.saturating_sub(next.file.bytes);
        }
        order.push(next);
    }
}

/// By when each was last used, and how often: twice as many uses are worth as much as all the time between the first file of these
/// and the last. What builds use stays, whatever scan runs beside them; what they do not use any more goes as the others' times move on.
fn in_order(mut files: Vec<Standing>) -> Vec<Standing> {
    let last = || files.iter().map(Standing::last);
    let span = last().max().unwrap_or(0).saturating_sub(last().min().unwrap_or(0)).saturating_add(1);
    files.sort_by_cached_key(|standing| {
        let doubled = u64::from(standing.used.hits.max(1).ilog2());
        // Between two powers of two the worth grows evenly.
        let base = 1 << doubled;
        let part = u128::from(span) * u128::from(standing.used.hits.max(1) - base) / u128::from(base);
        u128::from(standing.last()) + u128::from(span) * u128::from(doubled) + part
    });
    files
}
