//! For which clients a request is made. The server sets it once (`Asker::scope`), and the queues in front of the upstreams look
//! it up: the dozen functions between the two (caches, proofs, retries) do not need it.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::sync::watch;

use super::peer::Peer;

/// The most clients of one piece of work in whose lines it waits; further ones wait with these.
const MAX_CLIENTS: usize = 4;

tokio::task_local! {
    static CURRENT: Asker;
}

/// The clients that a request is made for, and whether a queue has admitted it already. No peer means this process itself.
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

/// The waiting clients by number, the longest waiting first.
type Waiters = BTreeMap<u64, Option<Peer>>;

/// The clients that wait for one piece of work that they share.
#[derive(Debug, Default)]
pub struct Clients {
    waiters: watch::Sender<Waiters>,
}

impl Clients {
    /// Adds a client; gives its number here.
    pub fn join(&self, peer: Option<Peer>) -> u64 {
        let mut number = 0;
        self.waiters.send_modify(|waiters| {
            number = waiters.last_key_value().map_or(0, |(last, _)| last + 1);
            waiters.insert(number, peer);
        });
        number
    }

    /// Removes a client.
    pub fn leave(&self, number: u64) {
        self.waiters.send_modify(|waiters| {
            waiters.remove(&number);
        });
    }

    /// Whether no client waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.borrow().is_empty()
    }

    /// The asker of the work: all of these clients, including those that join later.
    pub fn asker(&self) -> Asker {
        Asker { clients: AskerClients::QueueInner(self.waiters.subscribe()), is_admitted: false }
    }
}

impl Asker {
    /// This process itself: a command, or a server's background work.
    pub fn own() -> Asker {
        Asker { clients: AskerClients::One(None), is_admitted: true }
    }

    /// One client of a server.
    pub fn peer(peer: Peer) -> Asker {
        Asker { clients: AskerClients::One(Some(peer)), is_admitted: false }
    }

    /// The same with a slot of a bounded queue: further queues let it wait and never reject it.
    pub fn admitted(self) -> Asker {
        Asker { is_admitted: true, ..self }
    }

    /// Runs `work`, whose requests are all made for this asker.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// The asker that the running task makes requests for.
    pub fn current() -> Asker {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Asker::own())
    }

    /// Whether it has a slot of a bounded queue.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// The clients that it stands for now, each once, the longest waiting first; at most four.
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

    /// Waits until its clients may have changed since the last call.
    pub(super) async fn changed(&mut self) {
        if let AskerClients::QueueInner(waiters) = &mut self.clients
            && waiters.changed().await.is_ok()
        {
            return;
        }
        // Its clients never change.
        std::future::pending().await
    }
}
