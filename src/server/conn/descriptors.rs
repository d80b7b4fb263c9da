//! How many files and sockets this process may have open, and what they are used for: the limit is raised to what the system
//! allows, and the number of connections is derived from it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fault::Fault;
use crate::server::limits::{Limits, MIN_RESERVE};

/// The limit is never raised above this.
const MAX_DESCRIPTORS: u64 = 1 << 20;
/// The limit to try if the system refuses the hard limit: macOS calls it unlimited, and allows no more than this.
const FALLBACK: u64 = 10_240;
/// The most connections that are derived; an operator can set more.
const MAX_DERIVED: usize = 4096;
/// The fewest connections that are worth a server.
const MIN_DERIVED: usize = 8;
/// Descriptors of a connection: its socket, one file, and its part of the shared files.
const EACH: usize = 3;
/// Descriptors for the store, the databases' files, the listeners, and child processes.
const OWN: usize = 128;
/// Descriptors for each concurrent request to an upstream: a connection and a file that is downloaded.
const EACH_JOB: usize = 2;
/// Of so many descriptors, one concurrent request to an upstream may be made: the rest is for clients.
const FOR_EACH_JOB: usize = 32;
/// So many may be made in any case.
const MIN_JOBS: usize = 32;

/// The limit of open files, after it was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    limit: usize,
}

impl Descriptors {
    /// Raises the limit of open files of this process (RLIMIT_NOFILE) to its hard limit.
    pub fn raise() -> Descriptors {
        let now = getrlimit(Resource::Nofile);
        let most = now.maximum.unwrap_or(MAX_DESCRIPTORS).min(MAX_DESCRIPTORS);
        let soft = now.current.unwrap_or(MAX_DESCRIPTORS);
        let set = |limit| setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum: now.maximum }).is_ok();
        let raised = [most, FALLBACK].into_iter().find(|limit| soft < *limit && *limit <= most && set(*limit));
        Descriptors::new(raised.unwrap_or(soft))
    }

    /// A limit of this many.
    pub fn new(limit: u64) -> Descriptors {
        Descriptors { limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many concurrent requests to one upstream there can be, of those that were `wanted`.
    pub fn jobs(&self, wanted: usize) -> usize {
        wanted.min((self.limit / FOR_EACH_JOB).max(MIN_JOBS))
    }

    /// How many connections there can be beside `jobs` concurrent requests to upstreams: as many as were `wanted`, or as many as
    /// the descriptors suffice for, up to 4096.
    ///
    /// # Errors
    /// `Usage`: the descriptors do not suffice for those that were wanted, or for any server.
    pub fn connections(&self, wanted: Option<usize>, jobs: usize) -> Result<usize, Fault> {
        let own = OWN + EACH_JOB * jobs;
        let places = self.limit.saturating_sub(own) / EACH;
        // Some places are the reserve.
        let most = (places * 64 / 65).min(places.saturating_sub(MIN_RESERVE));
        let connections = wanted.unwrap_or(most.min(MAX_DERIVED));
        let needs = |connections: usize| {
            let limits = Limits { connections, ..Limits::default() };
            own + EACH * (connections + limits.reserve())
        };
        if wanted.is_none() && connections < MIN_DERIVED {
            let needed = needs(MIN_DERIVED);
            return Err(Fault::Usage(format!(
                "the limit of open files is {}, and serving needs {needed}: raise it (ulimit -n, LimitNOFILE=)",
                self.limit
            )));
        }
        if needs(connections) > self.limit {
            let why = format!(
                "{connections} connections need {} open files, and the limit is {}: raise it (ulimit -n, LimitNOFILE=), or \
                 allow at most {most} connections",
                needs(connections),
                self.limit
            );
            return Err(Fault::Usage(format!("limits.connections: {why}")));
        }
        Ok(connections)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_from_the_limit() {
        for (limit, connections) in [(256, 13), (1024, 269), (4096, 1280), (65_536, 4096), (1 << 20, 4096)] {
            let derived = Descriptors::new(limit).connections(None, 32).unwrap();
            assert_eq!(derived, connections, "{limit}");
            // An operator can set what was derived.
            assert_eq!(Descriptors::new(limit).connections(Some(derived), 32).unwrap(), derived);
        }
        assert!(Descriptors::new(128).connections(None, 32).is_err());
    }

    #[test]
    fn requests_to_upstreams_leave_descriptors_for_clients() {
        for (limit, wanted, jobs) in
            [(256, 512, 32), (1024, 512, 32), (4096, 512, 128), (65_536, 512, 512), (65_536, 8, 8)]
        {
            assert_eq!(Descriptors::new(limit).jobs(wanted), jobs, "{limit} {wanted}");
        }
    }

    #[test]
    fn what_was_asked_for_is_kept_or_refused() {
        assert_eq!(Descriptors::new(65_536).connections(Some(20_000), 32).unwrap(), 20_000);
        let refused = Descriptors::new(1024).connections(Some(4096), 32).unwrap_err().to_string();
        assert!(refused.contains("4096 connections need") && refused.contains("at most 269"), "{refused}");
    }
}
