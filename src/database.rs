//! A checksum database: module versions in, verified records out, all under one head of one timeline.
//!
//! Claims come from the cache or the upstreams (`lookups`), the head moves to the newest that came with them (`timeline`),
//! tiles are brought and proven (`tiles`), and each claim is held against its leaf (`judged`). A claim that turns out
//! false is asked of the next source. Only what is proven is kept, so that the next run asks nothing.

mod judged;
mod lookups;
mod notes;
mod tiles;
mod timeline;

use std::collections::HashMap;

use judged::{Judged, judge};
use lookups::{Claim, Refuted, Said};
use notes::Notes;
use tiles::Tiles;
use timeline::Present;

use crate::fault::Fault;
use crate::store::{Cache, Folder, HeadFile};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::VerifiedRecord;
use crate::sumdb::tile::{VerifiedTree, Want};
use crate::upstream::Upstreams;

/// Sources of one false claim that are asked in turn before it is given up.
const MAX_PASSES: usize = 8;
/// Files written at the same time; more gains nothing on any disk.
const WRITERS: usize = 2;

/// Told how far a stage is: its name, how many of its requests are answered, how many there are.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

/// One checksum database, as far as this data folder and these upstreams know it.
pub struct Database {
    name: String,
    folder: Folder,
    cache: Cache,
    head: HeadFile,
    upstreams: Upstreams,
    notes: Notes,
    jobs: usize,
}

/// What became of a question.
#[derive(Debug, Clone)]
pub enum Answer {
    /// the record, proven to be in the log
    Proven(VerifiedRecord),
    /// every database that was asked says that it has no such module version
    NotInLog {
        /// who said so, with their words
        by: Vec<String>,
    },
    /// no answer that proves anything could be had
    Unknown(Miss),
}

/// Why something could not be had.
#[derive(Debug, Clone)]
pub enum Miss {
    /// the sources are folders, or offline, and do not hold it: not a log that says no
    NotHeld(String),
    /// a source failed or lied, or the log did
    Fault(Fault),
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Miss {
        Miss::Fault(fault)
    }
}

impl Miss {
    /// One for many: a failure tells more than an absence.
    fn worst(mut misses: Vec<Miss>) -> Miss {
        let fault = misses.iter().position(|miss| matches!(miss, Miss::Fault(_))).unwrap_or(0);
        if misses.is_empty() {
            Miss::NotHeld("there is no source to ask".to_owned())
        } else {
            misses.swap_remove(fault)
        }
    }
}

/// Answers to many questions, all proven under one head.
pub struct Batch {
    /// the answers, in the order of the questions
    pub answers: Vec<Answer>,
    /// the head, and the part of its tree that is proven; none where no record was found and no head is remembered
    pub proven_under: Option<(Checkpoint, VerifiedTree)>,
    /// signed heads that came along and could not be compared with it
    pub uncompared: usize,
}

/// How two heads of one log stand to each other.
#[derive(Debug, Clone)]
pub enum Comparison {
    /// one contains the other
    OneHistory,
    /// what it takes to tell could not be had
    Unknown(Miss),
}

impl Database {
    /// The database `name`, whose heads satisfy `policy`, kept in `folder`. `jobs` requests are in flight at most.
    ///
    /// # Errors
    /// `Usage`: the name cannot be a folder's.
    pub fn open(
        folder: &Folder,
        name: &str,
        policy: Policy,
        upstreams: Upstreams,
        jobs: usize,
    ) -> Result<Database, Fault> {
        Ok(Database {
            name: name.to_owned(),
            folder: folder.clone(),
            cache: folder.cache(name)?,
            head: folder.head(name)?,
            upstreams,
            notes: Notes::new(policy),
            jobs: jobs.max(1),
        })
    }

    /// What the upstreams were asked so far.
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The records of `asked`, in order, under one head.
    ///
    /// # Errors
    /// `Forked`: the log is caught. `Unavailable`: the data folder.
    pub async fn records(&self, asked: &[ModuleVersion], progress: Progress<'_>) -> Result<Batch, Fault> {
        let tiles = Tiles { cache: &self.cache, upstreams: &self.upstreams, jobs: self.jobs, progress };
        let mut refuted: HashMap<usize, Vec<Refuted>> = HashMap::new();
        let mut said: Vec<Option<Said>> = asked.iter().map(|_| None).collect();
        for _ in 0..MAX_PASSES {
            self.fill(asked, &refuted, &mut said, progress).await?;
            let heads = heads(&said);
            let mut present = match self.advance(&tiles, &heads).await {
                Ok(Some(present)) => present,
                Ok(None) => return Ok(Batch::unproven(said, None)),
                Err(Miss::Fault(fault)) if fault.stops_everything() => return Err(fault),
                Err(miss) => return Ok(Batch::unproven(said, Some(miss))),
            };
            let judged = self.judge_all(asked, &said, &mut present, &tiles).await?;
            let lies: Vec<_> = judged.iter().enumerate().filter_map(|(at, judged)| Some((at, judged.lie()?))).collect();
            if lies.is_empty() || refuted.values().any(|known| known.len() + 1 >= MAX_PASSES) {
                self.keep_proven(asked, &said, &judged)?;
                let answers = judged.into_iter().map(Judged::answer).collect();
                let proven_under = Some((present.head, present.tree));
                return Ok(Batch { answers, proven_under, uncompared: present.uncompared });
            }
            for (at, lie) in lies {
                refuted.entry(at).or_default().push(lie);
                said.get_mut(at).map(Option::take);
            }
        }
        Err(Fault::unavailable(&self.name, "its sources keep making claims that are not true"))
    }

    /// Asks for what is not said yet.
    async fn fill(
        &self,
        asked: &[ModuleVersion],
        refuted: &HashMap<usize, Vec<Refuted>>,
        said: &mut [Option<Said>],
        progress: Progress<'_>,
    ) -> Result<(), Fault> {
        let known = self.remembered()?.map_or(0, |head| head.tree().size);
        let open: Vec<usize> = said.iter().enumerate().filter(|(_, said)| said.is_none()).map(|(at, _)| at).collect();
        let questions: Vec<_> = open
            .iter()
            .filter_map(|at| Some((asked.get(*at)?, refuted.get(at).cloned().unwrap_or_default())))
            .collect();
        for (at, answer) in open.iter().zip(self.claims(&questions, known, progress).await) {
            if let Some(slot) = said.get_mut(*at) {
                *slot = Some(answer);
            }
        }
        Ok(())
    }

    /// Holds every claim against its leaf.
    async fn judge_all(
        &self,
        asked: &[ModuleVersion],
        said: &[Option<Said>],
        present: &mut Present,
        tiles: &Tiles<'_>,
    ) -> Result<Vec<Judged>, Fault> {
        let size = present.tree.tree().size;
        let ids = said
            .iter()
            .flatten()
            .filter_map(|said| if let Said::Claim(claim) = said { Some(claim.response.id()) } else { None });
        let wants: Vec<_> = ids.filter(|id| *id < size).map(Want::Leaf).collect();
        let missed = match tiles.bring(&mut present.tree, &wants).await {
            Ok(missed) => missed,
            Err(Miss::Fault(fault)) => return Err(fault),
            Err(Miss::NotHeld(why)) => return Err(Fault::unavailable(&self.name, why)),
        };
        let judged = asked.iter().zip(said).map(|(module, said)| match said {
            Some(Said::Claim(claim)) => judge(module, claim, &present.tree, &missed),
            Some(Said::NotInLog { by }) => Judged::Answer(Answer::NotInLog { by: by.clone() }),
            Some(Said::Missed(miss)) => Judged::Answer(Answer::Unknown(miss.clone())),
            None => Judged::Answer(Answer::Unknown(Miss::NotHeld("nothing was asked".to_owned()))),
        });
        Ok(judged.collect())
    }

    /// Keeps the responses that came by the network and were proven.
    fn keep_proven(&self, asked: &[ModuleVersion], said: &[Option<Said>], judged: &[Judged]) -> Result<(), Fault> {
        let proven = asked.iter().zip(said).zip(judged).filter_map(|((module, said), judged)| match (said, judged) {
            (Some(Said::Claim(Claim { fetched: Some(bytes), .. })), Judged::Answer(Answer::Proven(_))) => {
                Some((module.lookup_path(), bytes))
            }
            _ => None,
        });
        keep(&self.cache, &proven.collect::<Vec<_>>())
    }

    /// Compares a head that somebody else remembers, such as the go command, with ours.
    ///
    /// # Errors
    /// `Forked`: the log showed them another history. `Refused`: their note is not signed by this database's key.
    pub async fn compare(&self, note: &[u8], whose: &str, progress: Progress<'_>) -> Result<Comparison, Fault> {
        let theirs = self.notes.open(note).map_err(|error| Fault::refused(whose, error))?;
        let Some(ours) = self.remembered()? else { return Ok(Comparison::OneHistory) };
        let (old, new) = if theirs.tree().size <= ours.tree().size { (theirs, ours) } else { (ours, theirs) };
        let tiles = Tiles { cache: &self.cache, upstreams: &self.upstreams, jobs: self.jobs, progress };
        let mut tree = VerifiedTree::new(new.tree());
        match self.require_contained(&tiles, &mut tree, &old, &new).await {
            Ok(()) => Ok(Comparison::OneHistory),
            Err(Miss::Fault(fault)) if fault.stops_everything() => Err(fault),
            Err(miss) => Ok(Comparison::Unknown(miss)),
        }
    }
}

impl Batch {
    /// Answers where no head can be had: what was claimed cannot be proven.
    fn unproven(said: Vec<Option<Said>>, why: Option<Miss>) -> Batch {
        let why = why.unwrap_or_else(|| Miss::NotHeld("no signed tree head could be had".to_owned()));
        let answers = said.into_iter().map(|said| match said {
            Some(Said::NotInLog { by }) => Answer::NotInLog { by },
            Some(Said::Missed(miss)) => Answer::Unknown(miss),
            Some(Said::Claim(_)) | None => Answer::Unknown(why.clone()),
        });
        Batch { answers: answers.collect(), proven_under: None, uncompared: 0 }
    }
}

/// The distinct heads that came along.
fn heads(said: &[Option<Said>]) -> Vec<Checkpoint> {
    let mut heads: HashMap<&[u8], &Checkpoint> = HashMap::new();
    for said in said.iter().flatten() {
        if let Said::Claim(Claim { head: Some(head), .. }) = said {
            heads.insert(head.bytes(), head);
        }
    }
    heads.into_values().cloned().collect()
}

/// Writes proven bytes to the cache, several files at a time.
fn keep<B: AsRef<[u8]> + Sync>(cache: &Cache, files: &[(String, B)]) -> Result<(), Fault> {
    let write = |files: &[(String, B)]| files.iter().try_for_each(|(path, bytes)| cache.write(path, bytes.as_ref()));
    let share = files.len().div_ceil(WRITERS).max(1);
    std::thread::scope(|scope| {
        let writers: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || write(files))).collect();
        let panicked = || Err(Fault::unavailable("the cache", "a writer failed"));
        writers.into_iter().try_for_each(|writer| writer.join().unwrap_or_else(|_| panicked()))
    })
}

impl Fault {
    /// Whether no other answer can be trusted either: the log was caught, or there is no place to remember anything.
    fn stops_everything(&self) -> bool {
        matches!(self, Fault::Forked { .. })
    }
}
