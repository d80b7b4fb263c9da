//! For which clients a request is made. The server says so once (`Asker::scope`), and the queues in front of the upstreams look
//! it up: between the two lie a dozen functions (caches, proofs, retries) to which it makes no difference.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::sync::watch;

use super::peer::Peer;

/// Clients of one piece of work in whose lines it waits; further ones wait with these.
const MAX_CLIENTS: usize = 4;

tokio::task_local! {
    static CURRENT: Asker;
}

/// Whom a request is made for, and whether a queue has admitted it already. A peer of none is this process itself.
#[derive(Debug, Clone)]
pub struct Asker {
    clients: AskerClients,
    /// it holds a slot of a bounded queue, which bounds how many such requests there are
    is_admitted: bool,
}

#[derive(Debug, Clone)]
enum AskerClients {
    One(Option<Peer>),
    QueueInner(watch::Receiver<Waiters>),
}

/// Those who wait, by number, the longest first.
type Waiters = BTreeMap<u64, Option<Peer>>;

/// The clients that wait for one piece of work that they share.
#[derive(Debug, Default)]
pub struct Clients {
    waiters: watch::Sender<Waiters>,
}

impl Clients {
    /// One more waits. Gives its number here.
    pub fn join(&self, peer: Option<Peer>) -> u64 {
        let mut number = 0;
        self.waiters.send_modify(|waiters| {
            number = waiters.last_key_value().map_or(0, |(last, _)| last + 1);
            waiters.insert(number, peer);
        });
        number
    }

    /// One waits no more.
    pub fn leave(&self, number: u64) {
        self.waiters.send_modify(|waiters| {
            waiters.remove(&number);
        });
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.borrow().is_empty()
    }

    /// The asker of the work: all of these, those who come later among them.
    pub fn asker(&self) -> Asker {
        Asker { clients: AskerClients::QueueInner(self.waiters.subscribe()), is_admitted: false }
    }
}

impl Asker {
    /// This process itself: a command, or a server that looks after itself.
    pub fn own() -> Asker {
        Asker { clients: AskerClients::One(None), is_admitted: true }
    }

    /// One client of a server.
    pub fn peer(peer: Peer) -> Asker {
        Asker { clients: AskerClients::One(Some(peer)), is_admitted: false }
    }

    /// The same with a slot of a bounded queue: it takes its turn in further queues, and none of them turns it away.
    pub fn admitted(self) -> Asker {
        Asker { is_admitted: true, ..self }
    }

    /// Does `work`, whose requests are all made for this asker.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Whom the running task makes requests for.
    pub fn current() -> Asker {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Asker::own())
    }

    /// Whether it has a slot of a bounded queue.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// The clients that it stands for now, each once, the longest waiting first; no more than a few.
    pub fn clients(&self) -> Vec<Option<Peer>> {
        match &self.clients {
            AskerClients::One(peer) => vec![*peer],
            AskerClients::QueueInner(waiters) => {
                let mut clients = Vec::new();
                for peer in waiters.borrow().values() {
                    if !clients.contains(peer) && clients.len() < MAX_CLIENTS {
                        clients.push(*peer);
                    }
                }
                clients
            }
        }
    }

    /// Waits until it stands for other clients than when this was last called, or may do so.
    pub(super) async fn changed(&mut self) {
        if let AskerClients::QueueInner(waiters) = &mut self.clients
            && waiters.changed().await.is_ok()
        {
            return;
        }
        // It stays what it is.
        std::future::pending().await
    }
}
