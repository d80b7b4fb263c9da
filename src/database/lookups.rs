//! Bringing lookup responses: from the cache, else from the upstreams. A response is a claim; what makes it a fact is the
//! leaf hash at its number, later.

use futures_util::{StreamExt as _, stream};

use super::{Database, Miss, Progress};
use crate::sumdb;
use crate::sumdb::checkpoint::Checkpoint;
use crate::sumdb::hash::Hash;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::record::LookupResponse;
use crate::upstream::Got;

/// A response is a record of a few hundred bytes and a note; a hostile one is cut off here.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// A claim about one module version.
pub(super) struct Claim {
    pub(super) response: LookupResponse,
    /// the head that came with it, where the claim is not about a tree that is known already
    pub(super) head: Option<Checkpoint>,
    /// the bytes to keep once they are proven; none where they came from the cache
    pub(super) fetched: Option<Vec<u8>>,
    /// who made it
    pub(super) by: String,
}

/// What the sources say of one module version.
pub(super) enum Said {
    Claim(Claim),
    NotInLog { by: Vec<String> },
    Missed(Miss),
}

/// A claim that turned out false, so that it is not believed from the next source either.
#[derive(Clone)]
pub(super) struct Refuted {
    pub(super) id: u64,
    pub(super) leaf: Hash,
    pub(super) error: sumdb::Error,
}

impl Database {
    /// What is said of each of `asked`, in order. `known` is the size of the tree that is known already: a cached claim
    /// about a record in it needs no signed note of its own.
    pub(super) async fn claims(
        &self,
        asked: &[(&ModuleVersion, Vec<Refuted>)],
        known: u64,
        progress: Progress<'_>,
    ) -> Vec<Said> {
        let mut said: Vec<Option<Said>> =
            asked.iter().map(|(module, refuted)| self.cached_claim(module, refuted, known)).collect();
        let absent: Vec<usize> = said.iter().enumerate().filter(|(_, said)| said.is_none()).map(|(at, _)| at).collect();
        let total = absent.len();
        let answers = stream::iter(absent)
            .filter_map(|at| async move { asked.get(at).map(|asked| (at, asked)) })
            .map(|(at, (module, refuted))| async move { (at, self.fetch_claim(module, refuted).await) })
            .buffer_unordered(self.jobs);
        let mut answers = std::pin::pin!(answers);
        let mut done = 0;
        while let Some((at, answer)) = answers.next().await {
            done += 1;
            progress("lookups", done, total);
            if let Some(slot) = said.get_mut(at) {
                *slot = Some(answer);
            }
        }
        let nothing = || Said::Missed(Miss::NotHeld("nothing was asked".to_owned()));
        said.into_iter().map(|said| said.unwrap_or_else(nothing)).collect()
    }

    /// The cache's claim, if it holds one that can be used: damage there counts as absence, as in the go command.
    fn cached_claim(&self, module: &ModuleVersion, refuted: &[Refuted], known: u64) -> Option<Said> {
        let bytes = self.cache.read(&module.lookup_path()).ok().flatten()?;
        let response = self.judge(&bytes, refuted).ok()?;
        let head = if response.id() < known { None } else { Some(self.head_of(&response).ok()?) };
        let by = self.cache.dir().join(module.lookup_path()).display().to_string();
        Some(Said::Claim(Claim { response, head, fetched: None, by }))
    }

    async fn fetch_claim(&self, module: &ModuleVersion, refuted: &[Refuted]) -> Said {
        let judge = |bytes: Vec<u8>| {
            let response = self.judge(&bytes, refuted)?;
            let head = self.head_of(&response)?;
            Ok((response, head, bytes))
        };
        let path = module.lookup_path();
        match self.upstreams.fetch_where(&path, MAX_RESPONSE_BYTES, judge).await {
            Ok(Got::Body((response, head, bytes), base)) => {
                let by = format!("{}/{path}", self.upstreams.names().nth(base).unwrap_or_default());
                Said::Claim(Claim { response, head: Some(head), fetched: Some(bytes), by })
            }
            Ok(Got::Absent(absence)) if absence.authoritative => Said::NotInLog { by: absence.by },
            Ok(Got::Absent(absence)) => Said::Missed(Miss::NotHeld(absence.by.join("; "))),
            Err(fault) => Said::Missed(Miss::Fault(fault)),
        }
    }

    fn judge(&self, bytes: &[u8], refuted: &[Refuted]) -> sumdb::Result<LookupResponse> {
        let response = LookupResponse::parse(bytes)?;
        let claim = (response.id(), response.leaf_hash());
        match refuted.iter().find(|refuted| (refuted.id, refuted.leaf) == claim) {
            Some(refuted) => Err(refuted.error.clone()),
            None => Ok(response),
        }
    }

    /// The signed head in a response, which must be of a tree that has the record.
    fn head_of(&self, response: &LookupResponse) -> sumdb::Result<Checkpoint> {
        let head = self.notes.open(response.note())?;
        let (id, size) = (response.id(), head.tree().size);
        if id >= size {
            return Err(sumdb::Error::unproven(format!("record {id}"), format!("its own tree has size {size}")));
        }
        Ok(head)
    }
}
