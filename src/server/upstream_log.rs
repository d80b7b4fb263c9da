//! What is logged of the upstreams, one line for each change: which source a database is asked at, what goes out, what is back.

use std::collections::HashSet;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::relay::Relay;
use crate::upstream::{BreakerState, SourceState};

/// How often the upstreams are looked at. Nobody is asked for that.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was last seen of some upstreams.
#[derive(Debug, Default)]
struct Seen {
    used: Option<String>,
    /// those that are not asked
    out: HashSet<String>,
}

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Good(String),
    Bad(String),
}

impl Seen {
    /// What changed since the last look: each source by name, whether it is asked, and why not.
    fn changes<'a>(&mut self, now: impl Iterator<Item = (&'a str, BreakerState, &'a str)>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, breaker, why) in now {
            match (breaker, self.out.contains(name)) {
                (BreakerState::Open, false) => {
                    self.out.insert(name.to_owned());
                    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                    changes.push(Change::Bad(format!("{name} is out, and is not asked for a while{why}")));
                }
                (BreakerState::Closed, true) => {
                    self.out.remove(name);
                    changes.push(Change::Good(format!("{name} is back")));
                }
                _ => {}
            }
        }
        changes
    }

    /// The same of a database's sources, and which one is used.
    fn changes_of(&mut self, standings: &[SourceState]) -> Vec<Change> {
        let now = standings.iter().map(|at| (at.name.as_str(), at.breaker, at.why.as_deref().unwrap_or_default()));
        let mut changes = self.changes(now);
        if let Some(used) = standings.iter().find(|at| at.is_used && self.used.as_ref() != Some(&at.name)) {
            let relay = if used.is_relay { ", a proxy that relays it" } else { "" };
            changes.push(Change::Good(format!("the database is asked at {}{relay}", used.name)));
            self.used = Some(used.name.clone());
        }
        changes
    }
}

/// Logs what changes, for ever.
pub(super) async fn follow(relays: Vec<Relay>, proxy: Option<Proxy>) {
    let mut databases: Vec<(Relay, Seen)> = relays.into_iter().map(|relay| (relay, Seen::default())).collect();
    let mut modules = Seen::default();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (relay, seen) in &mut databases {
            for change in seen.changes_of(&relay.standings()) {
                match change {
                    Change::Good(line) => tracing::info!(database = relay.name(), "{line}"),
                    Change::Bad(line) => tracing::warn!(database = relay.name(), "{line}"),
                }
            }
        }
        let states = proxy.as_ref().map(Proxy::upstreams).unwrap_or_default();
        for change in modules.changes(states.iter().map(|state| (state.name.as_str(), state.breaker, ""))) {
            match change {
                Change::Good(line) => tracing::info!("modules: {line}"),
                Change::Bad(line) => tracing::warn!("modules: {line}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Latency;

    fn at(name: &str, is_used: bool, breaker: BreakerState) -> SourceState {
        let why = (breaker == BreakerState::Open).then(|| "refused".to_owned());
        let (is_relay, latency) = (name == "relay", Latency::default());
        SourceState { name: name.to_owned(), is_relay, is_used, breaker, why, latency }
    }

    #[test]
    fn each_change_is_one_line() {
        use BreakerState::{Closed, HalfOpen, Open};
        use Change::{Bad, Good};
        let mut seen = Seen::default();
        let mut look = |relay, own, used| seen.changes_of(&[at("relay", used == 0, relay), at("own", used == 1, own)]);
        assert_eq!(look(Closed, Closed, 9), []);
        assert_eq!(look(Closed, Closed, 0), [Good("the database is asked at relay, a proxy that relays it".into())]);
        assert_eq!(look(Closed, Closed, 0), []);
        let out = || Bad("relay is out, and is not asked for a while: refused".into());
        assert_eq!(look(Open, Closed, 1), [out(), Good("the database is asked at own".into())]);
        assert_eq!(look(HalfOpen, Closed, 1), []);
        assert_eq!(look(Open, Closed, 1), []);
        assert_eq!(look(Closed, Closed, 1), [Good("relay is back".into())]);
        assert_eq!(look(Open, Closed, 1), [out()]);
    }
}
