//! The same log by other routes: the head that each shows is proven against the one timeline, which it may also move forward. Two
//! routes that show different histories are a fork, with evidence.

use parking_lot::Mutex;

use super::heads::why;
use super::{Inner, Relay};
use crate::fault::Fault;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::redact::redact;
use crate::upstream::{Http, document};

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: usize = 64 << 10;

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

/// What the routes showed, in their order.
#[derive(Default)]
pub(super) struct Routes {
    /// locked for one clone or one replacement
    shown: Mutex<Vec<(String, Shown)>>,
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
            all.push((route.name(), shown));
        }
        *self.routes.shown.lock() = all;
        caught
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
