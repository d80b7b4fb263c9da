//! What was measured of one proxy. Nothing is judged here.

use std::time::Duration;

use super::plan::BenchPlace;
use crate::sumdb::module::ModuleVersion;
use crate::upstream::Phases;

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// which one
    pub place: BenchPlace,
    /// why it could not be reached; then nothing else is known
    pub failed: Option<String>,
    /// how a new connection came to be; none through an outbound proxy
    pub phases: Option<Phases>,
    /// from a request over an open connection to the first byte of its answer, the shortest
    pub first_byte: Option<Duration>,
    /// bytes a second of the largest sampled zip
    pub speed: Option<u64>,
    /// whether it relays the checksum database
    pub relayed: Relayed,
    /// the size of the tree whose head it shows, signed by the log
    pub head: Option<u64>,
    /// what it says is the newest version of each sampled module; no log has a proof of that
    pub latest: Vec<ModuleVersion>,
    /// what came of the samples
    pub sampled: Sampled,
}

/// Whether a proxy relays the checksum database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Relayed {
    /// it was not asked, or did not answer
    #[default]
    Unknown,
    /// it does not (404, 410)
    No,
    /// it does; until it is judged, with the signed note that it shows
    Yes(Option<Vec<u8>>),
}

/// What a proxy sent of the sampled files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sampled {
    /// files that have the hash in the record of the log
    pub proven: usize,
    /// zips among them
    pub zips: usize,
    /// files that it says it does not have
    pub missing: Vec<String>,
    /// files of which it cannot be told, each with the reason
    pub unjudged: Vec<String>,
    /// what it sent that the log has otherwise
    pub wrong: Vec<Wrong>,
}

/// Bytes that are not what the log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// which file
    pub what: String,
    /// what is wrong with it
    pub why: String,
}

impl Measured {
    /// Before anything is known of it.
    pub fn unknown(place: BenchPlace) -> Measured {
        Measured {
            place,
            failed: None,
            phases: None,
            first_byte: None,
            speed: None,
            relayed: Relayed::Unknown,
            head: None,
            latest: Vec::new(),
            sampled: Sampled::default(),
        }
    }

    /// One that could not be reached.
    pub(super) fn dead(place: BenchPlace, why: String) -> Measured {
        Measured { failed: Some(why), ..Measured::unknown(place) }
    }
}
