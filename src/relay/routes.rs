//! The same log by other routes: the head that each shows is proven against the one timeline, which it may also move forward. Two
//! routes that show different histories are a fork, with evidence.
//!
//! Routes that take part in gossip are told our head, too: they may have seen what we have not, and can compare where we cannot. What they
//! answer is believed where it has a proof, and nothing else of it. Nothing is sent but the signed head, and no login.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::heads::why;
use super::{Inner, Relay};
use crate::database::Database;
use crate::fault::Fault;
use crate::sumdb::checkpoint::{Checkpoint, Tree};
use crate::sumdb::redact::redact;
use crate::upstream::{Http, document, told};

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: usize = 64 << 10;
/// The longest answer to our head that is read, in bytes: two notes, and a proof of some dozen hashes.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// What a host's first label or an element of a path is called where heads are exchanged.
const GOSSIP: &str = "gossip";
/// How long a route may take to judge our head.
const PATIENCE: Duration = Duration::from_secs(20);

/// A place where somebody shows a head of the log.
#[derive(Debug, Clone)]
pub struct HeadRoute {
    /// where the note is
    pub url: String,
    /// how it is asked
    pub http: Http,
}

/// What a route showed when it was last asked.
#[derive(Debug, Clone)]
pub enum Shown {
    /// a head of the one timeline
    OneHistory(Tree),
    /// a head that could not be proven, or could not be compared
    Unproven(Tree),
    /// none that the log signed, and why
    Nothing(String),
    /// a head of another history: the evidence is kept
    Forked,
}

/// What a route said of our head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// it is of the history that the route knows
    Consistent,
    /// the route cannot compare it yet
    Pending,
    /// it is not, without anything that proves it
    Unproven,
    /// heads are not taken there (404, 405)
    NotTaken,
}

/// What the routes showed, in their order.
#[derive(Default)]
pub(super) struct Routes {
    /// locked for one clone or one replacement
    shown: Mutex<Vec<(String, Shown)>>,
    /// what each route, by its URL, said last of which head of ours; locked for one look or one insertion
    told: Mutex<HashMap<String, (Tree, Told)>>,
}

impl Routes {
    pub(super) fn shown(&self) -> Vec<(String, Shown)> {
        self.shown.lock().clone()
    }
}

impl HeadRoute {
    /// How it is called: its URL, without a password.
    pub fn name(&self) -> String {
        redact(&self.url)
    }

    /// The signed note that is shown there. Nothing of it is verified.
    ///
    /// # Errors
    /// `Unavailable`: there is none, or its server did not answer.
    pub async fn note(&self) -> Result<Vec<u8>, Fault> {
        document(&self.http, &self.url, MAX_NOTE_BYTES).await
    }

    /// Whether heads are exchanged there, by the name of the place: `https://HOST/gossip/NAME`, `https://gossip.HOST/NAME`.
    pub fn takes_heads(&self) -> bool {
        let (_, place) = self.url.split_once("://").unwrap_or_default();
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let host = host.rsplit('@').next().unwrap_or_default();
        host.split('.').next() == Some(GOSSIP) || path.split('/').any(|element| element == GOSSIP)
    }

    /// Tells the route `head`, the newest of `database` here, and nothing else.
    ///
    /// # Errors
    /// `Forked`: the route proved that the log signed two histories, and the evidence is saved. `Unavailable`: it did not answer, or in no
    /// words of the protocol.
    pub async fn tell(&self, database: &Database, head: &Checkpoint) -> Result<Told, Fault> {
        let sent = tokio::time::timeout(PATIENCE, told(&self.http, &self.url, head.bytes().to_vec(), MAX_ANSWER_BYTES));
        let late = |_| Fault::timed_out(self.name(), format!("no answer within {} s", PATIENCE.as_secs()));
        let (status, answer) = sent.await.map_err(late)??;
        let answer = String::from_utf8_lossy(&answer);
        let word = answer.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        match (status, word) {
            (404 | 405, _) => Ok(Told::NotTaken),
            (200..=299 | 409, "consistent") => Ok(Told::Consistent),
            (200..=299 | 409, "pending") => Ok(Told::Pending),
            (200..=299 | 409, "inconsistent") => match database.accused(&answer) {
                Some(fork) => Err(fork),
                None => Ok(Told::Unproven),
            },
            _ => Err(Fault::upstream(self.name(), format!("answered our head with status {status}"))),
        }
    }
}

impl Relay {
    /// Asks each route for the head that it shows, and compares that with the one timeline.
    ///
    /// # Errors
    /// `Forked`: one of them shows another history. The others are asked all the same.
    pub async fn ask_routes(&self, routes: &[HeadRoute]) -> Result<(), Fault> {
        self.inner.ask_routes(routes).await
    }

    /// What each route showed when it was last asked.
    pub fn routes(&self) -> Vec<(String, Shown)> {
        self.inner.routes.shown()
    }
}

impl Inner {
    /// Asks each route once, in turn, and compares what it shows with the timeline.
    ///
    /// # Errors
    /// `Forked`: one of them shows another history. The others are asked all the same.
    pub(super) async fn ask_routes(&self, routes: &[HeadRoute]) -> Result<(), Fault> {
        let (mut all, mut caught) = (Vec::new(), Ok(()));
        for route in routes {
            let shown = match self.ask_route(route).await {
                Ok(shown) => shown,
                Err(fault @ Fault::Forked { .. }) => {
                    caught = Err(fault);
                    Shown::Forked
                }
                Err(fault) => Shown::Nothing(fault.to_string()),
            };
            let is_there = !matches!(shown, Shown::Nothing(_));
            all.push((route.name(), shown));
            if let Err(fault @ Fault::Forked { .. }) = self.tell_route(route, is_there).await {
                caught = Err(fault);
            }
        }
        *self.routes.shown.lock() = all;
        caught
    }

    /// Tells a route our head, where it takes heads and has not judged this one.
    async fn tell_route(&self, route: &HeadRoute, is_there: bool) -> Result<(), Fault> {
        if !is_there || !route.takes_heads() {
            return Ok(());
        }
        let Some(head) = self.database.remembered()?.filter(|head| head.tree().size > 0) else { return Ok(()) };
        let before = self.routes.told.lock().get(&route.url).copied();
        let is_done = match before {
            Some((_, Told::NotTaken)) => true,
            Some((tree, Told::Consistent | Told::Unproven)) => tree == head.tree(),
            Some((_, Told::Pending)) | None => false,
        };
        if is_done {
            return Ok(());
        }
        let told = route.tell(&self.database, &head).await.inspect_err(|fault| {
            tracing::debug!(route = route.name(), "our head was not judged there: {fault}");
        })?;
        if told == Told::Unproven {
            tracing::warn!(
                route = route.name(),
                "calls our head of {} records inconsistent, and proves nothing",
                head.tree().size
            );
        }
        self.routes.told.lock().insert(route.url.clone(), (head.tree(), told));
        Ok(())
    }

    async fn ask_route(&self, route: &HeadRoute) -> Result<Shown, Fault> {
        let head = self.database.open_sent(&route.note().await?, &route.name())?;
        self.database.expect(head.tree(), route.name());
        match self.move_on(std::slice::from_ref(&head)).await.map_err(why) {
            Ok(_) if self.heads.is_compared(head.tree()) => Ok(Shown::OneHistory(head.tree())),
            Ok(_) => Ok(Shown::Unproven(head.tree())),
            Err(fault @ Fault::Forked { .. }) => Err(fault),
            Err(_) => Ok(Shown::Unproven(head.tree())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Settings;

    #[test]
    fn places_where_heads_are_exchanged_are_known_by_their_names() {
        let takes = |url: &str| HeadRoute { url: url.to_owned(), http: Http::new(Settings::default()) }.takes_heads();
        for url in [
            "https://goproxy.example.com/gossip/sum.golang.org",
            "https://goproxy.example.com/go/gossip/sum.golang.org",
            "https://gossip.api.example.com/sum.golang.org",
            "http://user:password@gossip.example/x",
        ] {
            assert!(takes(url), "{url}");
        }
        for url in [
            "https://sum.golang.org/latest",
            "https://example.com/gossiping/sum.golang.org",
            "https://api.gossip.example.com/sum.golang.org",
            "https://gossip@example.com/latest",
            "gossip/latest",
        ] {
            assert!(!takes(url), "{url}");
        }
    }
}
