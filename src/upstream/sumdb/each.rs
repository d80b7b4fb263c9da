//! What concerns every base of a database: how each fares, questions to all, and the files that another copy has beside it.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::outcome::Attempts;
use super::seat::{Said, Seat, SourceState};
use super::upstreams::Upstreams;
use crate::fault::Fault;
use crate::sumdb;
use crate::upstream::base;
use crate::upstream::http::get_request::GetRequest;

impl Upstreams {
    /// How each base fares, in order.
    pub fn standings(&self) -> Vec<SourceState> {
        let used = self.used.load(Ordering::Relaxed);
        self.seats.iter().enumerate().map(|(index, seat)| seat.standing(index == used)).collect()
    }

    /// The bases that relay no tiles of records, if that was found out.
    pub fn without_data_tiles(&self) -> Vec<String> {
        let lacking = self.seats.iter().filter(|seat| seat.lacks_data());
        lacking.map(|seat| seat.source().name().to_owned()).collect()
    }

    /// What every base says at `path`, each asked, in the order of the bases: those answers that pass `judge`. Where bases only
    /// stand in for others, the first that passes is enough.
    ///
    /// # Errors
    /// As `fetch_where` where none passes, an absence among them.
    pub async fn fetch_each<T>(
        &self,
        path: &str,
        limit: usize,
        judge: impl Fn(Vec<u8>) -> sumdb::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        base::check_path(path)?;
        let mut attempts = Attempts::default();
        let mut passed = Vec::new();
        let mut take = |index: usize, said: Said| {
            let passing = match (said, self.seats.get(index).map(Seat::source)) {
                (Said::Missing(why), Some(source)) => {
                    attempts.lacked(source.name(), &source.lacked(why), source.is_site());
                    None
                }
                (said, _) => self.take(index, said, &judge, &mut attempts),
            };
            let has_passed = passing.is_some();
            passed.extend(passing);
            has_passed
        };
        if self.takes_turns {
            let asked = self.seats.iter().map(|seat| self.ask(seat, path, limit));
            for (index, said) in futures_util::future::join_all(asked).await.into_iter().enumerate() {
                take(index, said?);
            }
        } else {
            for (index, seat) in self.seats.iter().enumerate() {
                if take(index, self.ask(seat, path, limit).await?) {
                    break;
                }
            }
        }
        if passed.is_empty() { attempts.conclude(path).map(|_| passed) } else { Ok(passed) }
    }

    /// As `fetch`, but of a file only the bytes `range` where that is given; a failure blames nobody and is not counted as a
    /// complaint: for what the caller can do without.
    ///
    /// # Errors
    /// `Unavailable`: no base has it.
    pub async fn fetch_quietly(&self, path: &str, range: Option<Range<u64>>, limit: usize) -> Result<Vec<u8>, Fault> {
        base::check_path(path)?;
        let asked = GetRequest { path, limit, range };
        for seat in &self.seats {
            if let Said::Body(bytes) = seat.ask(&asked, &self.counters).await {
                return Ok(bytes);
            }
        }
        Err(Fault::upstream(path, "nobody has it"))
    }

    /// Where each base would have the files of its copy of the database `name`, if it were another gosumcheck: `/log/NAME`
    /// beside its `/sumdb/NAME`, or below a base that is the whole server.
    pub fn files_of(&self, name: &str) -> Vec<Upstreams> {
        // Of those that only stand in for others, the one that is used is enough.
        let used = self.used.load(Ordering::Relaxed);
        let seats = self.seats.iter().enumerate().filter(|(index, _)| self.takes_turns || *index == used);
        let bases = seats.filter_map(|(_, seat)| Some((seat.http().clone(), seat.source().base().files_of(name)?)));
        bases.map(|(http, base)| Upstreams::new(http, vec![base])).collect()
    }
}
