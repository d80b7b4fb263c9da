//! Heads that count under a policy with witnesses: those that a quorum cosigned. Cosignatures come with the heads themselves, or from
//! distributors, and those of several copies of one head are joined.
//!
//! A head without them binds the log all the same: where it can be compared with one that counts, it must be of the same history.

use std::time::{Duration, Instant};

use super::Database;
use crate::fault::Fault;
use crate::sumdb::checkpoint::Checkpoint;
use crate::upstream::{Got, Upstreams};

/// The longest cosigned head that is read, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// What a distributor said is used again for so long: a server would ask for every answer that is newer than the witnesses are.
const AGE: Duration = Duration::from_secs(5);
/// Requests to one distributor, at most: it has a file for each number of cosignatures.
const MAX_REQUESTS: usize = 16;

/// Where cosigned heads are fetched: bases with `checkpoint.N`, the newest head with N cosignatures or more, or with `checkpoint`.
#[derive(Default)]
pub(super) struct Distributors {
    sources: Vec<Upstreams>,
    /// what they said, and when; held while they are asked, so that there is one question at a time
    said: tokio::sync::Mutex<Option<(Instant, Said)>>,
}

/// What the distributors have.
#[derive(Clone, Default)]
struct Said {
    heads: Vec<Checkpoint>,
    /// why one of them gave nothing; where a witness misbehaved, that
    fault: Option<Fault>,
}

/// Heads to look at.
pub(super) struct Countable {
    /// those that count, and what must be of one history with them
    pub(super) heads: Vec<Checkpoint>,
    /// why a newer head that came along does not count
    pub(super) unmet: Option<Fault>,
}

impl Distributors {
    /// Asks none over the network.
    pub(super) fn stay_here(&mut self) {
        self.sources = std::mem::take(&mut self.sources).into_iter().map(Upstreams::trees_only).collect();
    }
}

impl Database {
    /// The same, which asks these for cosigned heads where the policy needs witnesses.
    #[must_use]
    pub fn witnessed_by(mut self, distributors: Vec<Upstreams>) -> Database {
        self.distributors.sources = distributors;
        self
    }

    /// Of `heads` those that count, and cosigned ones from the distributors where there is news without a quorum, or where `known`,
    /// the remembered head, has none. Without witnesses in the policy all heads count.
    pub(super) async fn countable(&self, heads: &[Checkpoint], known: Option<&Checkpoint>) -> Countable {
        let is_lacking = |newest: &Checkpoint| !newest.has_quorum();
        let all = || heads.iter().chain(known);
        if all().all(Checkpoint::has_quorum) {
            return Countable { heads: heads.to_vec(), unmet: None };
        }
        let joined = self.joined(heads.to_vec(), known);
        let newest = |of: &[Checkpoint]| {
            of.iter().chain(known).max_by_key(|head| (head.tree().size, head.has_quorum())).cloned()
        };
        if !newest(&joined).as_ref().is_some_and(is_lacking) {
            return Countable { heads: joined, unmet: None };
        }
        let said = self.distributed().await;
        let joined = self.joined(joined.into_iter().chain(said.heads).collect(), known);
        let counted = joined.iter().filter(|head| head.has_quorum()).chain(known);
        let largest = counted.map(|head| head.tree().size).max().unwrap_or(0);
        let unmet = newest(&joined).filter(is_lacking).map(|newest| self.uncosigned(&newest, said.fault));
        Countable { heads: joined.into_iter().filter(|head| head.tree().size <= largest).collect(), unmet }
    }

    /// Why `head`, which the quorum did not cosign, does not count.
    pub fn uncosigned_head(&self, head: &Checkpoint) -> String {
        head.uncosigned(self.notes.policy()).to_string()
    }

    /// The fault that `head` does not count; `fault` is why the distributors could not help.
    pub(super) fn uncosigned(&self, head: &Checkpoint, fault: Option<Fault>) -> Fault {
        let error = head.uncosigned(self.notes.policy());
        match fault {
            Some(fault @ Fault::Refused { .. }) => fault,
            Some(fault) => Fault::refused(&self.name, error.with(&fault.to_string())),
            None => Fault::refused(&self.name, error),
        }
    }

    /// Each tree once, with the cosignatures of all its copies.
    fn joined(&self, heads: Vec<Checkpoint>, known: Option<&Checkpoint>) -> Vec<Checkpoint> {
        let mut joined: Vec<Checkpoint> = Vec::new();
        for head in heads {
            let twin = joined.iter_mut().find(|other| other.tree() == head.tree());
            let known = known.filter(|known| known.tree() == head.tree());
            let head = known.map_or_else(|| head.clone(), |known| self.with_cosignatures_of(&head, known));
            match twin {
                Some(twin) => *twin = self.with_cosignatures_of(twin, &head),
                None => joined.push(head),
            }
        }
        joined
    }

    fn with_cosignatures_of(&self, head: &Checkpoint, other: &Checkpoint) -> Checkpoint {
        if head.has_quorum() || other.cosignatures().is_empty() {
            return head.clone();
        }
        head.joined(other, self.notes.policy()).unwrap_or_else(|_| head.clone())
    }

    /// What the distributors have, asked anew now and then.
    async fn distributed(&self) -> Said {
        let mut said = self.distributors.said.lock().await;
        if let Some((_, said)) = said.as_ref().filter(|(at, _)| at.elapsed() < AGE) {
            return said.clone();
        }
        let mut all = Said::default();
        for source in &self.distributors.sources {
            self.ask_distributor(source, &mut all).await;
        }
        *said = Some((Instant::now(), all.clone()));
        all
    }

    /// Asks one for heads with more and more cosignatures, until one has the quorum's.
    async fn ask_distributor(&self, source: &Upstreams, all: &mut Said) {
        let policy = self.notes.policy();
        let numbers = (policy.least_cosignatures()..=policy.witnesses()).take(MAX_REQUESTS);
        let paths = numbers.map(|number| format!("checkpoint.{number}")).chain(["checkpoint".to_owned()]);
        let open = |note: Vec<u8>| self.notes.open(&note);
        for path in paths {
            match source.fetch_where(&path, MAX_BYTES, open).await {
                Ok(Got::Body(head, _)) => {
                    let is_enough = head.has_quorum();
                    all.heads.push(head);
                    if is_enough {
                        return;
                    }
                }
                Ok(Got::Absent(_)) => {}
                Err(fault) => {
                    let is_worse = matches!(fault, Fault::Refused { .. }) || all.fault.is_none();
                    all.fault = if is_worse { Some(fault) } else { all.fault.take() };
                    return;
                }
            }
        }
    }
}
