//! The life of a line: which commits carried it, which one brought it and which one took it away.
//!
//! Lines are followed by the hundreds at once, each as a bit of a mask that every commit has. A commit brings a line that none of its
//! parents has, and takes away one that a parent has and it has not; so a merge brings nothing that a branch of it had.

use std::collections::HashMap;

use super::commits::{Commit, note};
use super::trees::What;
use super::{History, sum};
use crate::report::history::{Branch, LineHistory};
use crate::report::{Class, FileReport, LineReport};
use crate::sumdb::number::wide;

/// Lines that are followed at most.
const MAX_TRACED: usize = WORDS * 64;
const WORDS: usize = 4;
/// Commits, branches and tags of one line that are named.
const NAMED: usize = 10;

/// A bit for each line that is followed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Mask([u64; WORDS]);

impl Mask {
    fn set(&mut self, bit: usize) {
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    fn has(&self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    fn join(&mut self, other: &Mask) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// What is here and not there.
    fn without(&self, other: &Mask) -> Mask {
        let mut left = *self;
        left.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        left
    }

    fn bits(&self) -> impl Iterator<Item = usize> + '_ {
        (0..WORDS * 64).filter(|bit| self.has(*bit))
    }

    fn is_empty(&self) -> bool {
        *self == Mask::default()
    }
}

/// What is known of one line while the commits are gone through.
#[derive(Default)]
struct Life {
    /// the places of the commits with the earliest and the latest time
    ends: Option<(u32, u32)>,
    commits: u64,
    came: Vec<u32>,
    went: Vec<u32>,
    is_older: bool,
}

impl History {
    /// Adds to the findings in `files` that are of this history which commits and branches carried them. Says how many there was no
    /// room for.
    pub fn trace(&mut self, files: &mut [FileReport]) -> usize {
        let is_ours =
            |file: &&mut FileReport| file.path == self.path && file.lines.len() == self.lines.claim_keys.len();
        let Some(file) = files.iter_mut().find(is_ours) else { return 0 };
        let keys = std::mem::take(&mut self.lines.claim_keys);
        let findings = file.lines.iter_mut().zip(keys).filter(|(line, _)| line.verdict.class() == Class::Finding);
        let mut findings: Vec<(&mut LineReport, u128)> = findings.collect();
        let left_out = findings.len().saturating_sub(MAX_TRACED);
        findings.truncate(MAX_TRACED);
        if findings.is_empty() {
            return 0;
        }
        let bits = findings.iter().enumerate().map(|(bit, (_, key))| (*key, bit)).collect();
        let mut lives: Vec<Life> = findings.iter().map(|_| Life::default()).collect();
        let (has, ever) = self.follow(&bits, &mut lives);
        let mut branches: Vec<Vec<Branch>> = findings.iter().map(|_| Vec::new()).collect();
        for (name, tip) in &self.tips {
            let Some(place) = self.commits.find(tip) else { continue };
            let (Some(has), Some(ever)) = (has.get(&place), ever.get(&place)) else { continue };
            for (bit, branches) in branches.iter_mut().enumerate().filter(|(bit, _)| ever.has(*bit)) {
                branches.push(Branch { name: name.clone(), has_it_now: has.has(bit) });
            }
        }
        for (((line, _), life), branches) in findings.into_iter().zip(lives).zip(branches) {
            line.history = Some(Box::new(self.told(&life, branches)));
        }
        left_out
    }

    /// Goes through the commits; gives what each has, and what it or an ancestor has.
    fn follow(&mut self, bits: &HashMap<u128, usize>, lives: &mut [Life]) -> (HashMap<u32, Mask>, HashMap<u32, Mask>) {
        let mut known = KnownMasks { bits, objects: HashMap::new(), sets: HashMap::new() };
        let (mut has, mut ever) = (HashMap::new(), HashMap::new());
        for (place, set) in self.commits.order.clone().into_iter().zip(self.sets.clone()) {
            let mask = known.of_set(self, set);
            let parents: Vec<(u32, gix::ObjectId)> = match self.commits.get(place) {
                Some(commit) => self.commits.parents(commit).map(|(place, parent)| (place, parent.tree)).collect(),
                None => continue,
            };
            let (mut before, mut ancestors, mut outside) = (Mask::default(), mask, Mask::default());
            for (parent, tree) in parents {
                let of_parent = match has.get(&parent) {
                    Some(mask) => *mask,
                    // It is not in the range.
                    None => {
                        let set = self.trees.of(&self.repository, tree).unwrap_or_default();
                        outside.join(&known.of_set(self, set));
                        outside
                    }
                };
                before.join(&of_parent);
                ancestors.join(ever.get(&parent).unwrap_or(&of_parent));
            }
            let Some(commit) = self.commits.get(place) else { continue };
            if !(mask.is_empty() && before.is_empty()) {
                for bit in mask.bits() {
                    lives.get_mut(bit).into_iter().for_each(|life| life.carried(place, commit, outside.has(bit), self));
                }
                let came = if commit.is_cut_off { Mask::default() } else { mask.without(&before) };
                came.bits().for_each(|bit| lives.get_mut(bit).into_iter().for_each(|life| life.came.push(place)));
                let went = before.without(&mask);
                went.bits().for_each(|bit| lives.get_mut(bit).into_iter().for_each(|life| life.went.push(place)));
            }
            has.insert(place, mask);
            ever.insert(place, ancestors);
        }
        (has, ever)
    }

    fn told(&self, life: &Life, mut branches: Vec<Branch>) -> LineHistory {
        let note =
            |place: &u32| self.commits.get(*place).map(|commit| note(&self.repository, commit)).unwrap_or_default();
        let notes = |places: &[u32]| places.iter().take(NAMED).map(note).collect::<Vec<_>>();
        let more = |count: usize| wide(count.saturating_sub(NAMED));
        branches.sort_by_key(|branch| !branch.has_it_now);
        let more_branches = more(branches.len());
        branches.truncate(NAMED);
        LineHistory {
            commits: life.commits,
            first: life.ends.map(|(first, _)| note(&first)).unwrap_or_default(),
            last: life.ends.map(|(_, last)| note(&last)).unwrap_or_default(),
            came: notes(&life.came),
            more_came: more(life.came.len()),
            went: notes(&life.went),
            more_went: more(life.went.len()),
            is_older: life.is_older,
            branches,
            more_branches,
        }
    }
}

impl Life {
    fn carried(&mut self, place: u32, commit: &Commit, is_outside: bool, history: &History) {
        self.commits += 1;
        self.is_older |= is_outside || commit.is_cut_off;
        let time = |place: u32| history.commits.get(place).map(|commit| commit.time).unwrap_or_default();
        let (first, last) = self.ends.unwrap_or((place, place));
        let first = if commit.time < time(first) { place } else { first };
        let last = if commit.time >= time(last) { place } else { last };
        self.ends = Some((first, last));
    }
}

/// What files and commits have, each looked at once.
struct KnownMasks<'a> {
    bits: &'a HashMap<u128, usize>,
    objects: HashMap<u32, Mask>,
    sets: HashMap<u32, Mask>,
}

impl KnownMasks<'_> {
    fn of_set(&mut self, history: &History, set: u32) -> Mask {
        if let Some(mask) = self.sets.get(&set) {
            return *mask;
        }
        let mut mask = Mask::default();
        for entry in history.trees.set(set).iter().filter(|entry| entry.what == What::Sum) {
            let path = history.trees.paths.get(entry.path).map(String::as_str).unwrap_or_default();
            if history.excluded.with_folders(path).is_some() {
                continue;
            }
            let known = self.objects.entry(entry.object).or_insert_with(|| {
                let mut mask = Mask::default();
                let bytes = sum(&history.repository, &history.trees, entry).unwrap_or_default();
                history.lines.keys(&bytes).filter_map(|key| self.bits.get(&key)).for_each(|bit| mask.set(*bit));
                mask
            });
            mask.join(known);
        }
        self.sets.insert(set, mask);
        mask
    }
}
