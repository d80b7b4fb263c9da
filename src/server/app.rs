//! What all requests share: the databases, the module proxy, the settings, and the pools of what is scarce.

pub(super) mod request;
pub(super) mod served;
pub(super) mod status;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::conn::pool::Pools;
use super::conn::slots::Slots;
use super::http::access_log::{Access, Ids};
use super::http::answer::{Answer, Audience};
use super::http::host::Hosts;
use super::http::response_cache::{Holds, Hot, Under};
use super::http::route::{Names, Route};
use super::limits::{self, Limits};
use super::metrics::Metrics;
use crate::config::HostName;
use crate::fault::Fault;
use crate::proxy::{Peer, Proxy};
use crate::upstream::Asker;
use request::Question;
use served::Served;
use status::Looked;

/// How to serve.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// a path below which everything is answered too, as in `/go`; empty for none
    pub prefix: String,
    /// the names of this server; where there are any, requests for other hosts are refused on every address
    pub hosts: Vec<HostName>,
    /// what strangers are granted
    pub limits: Limits,
    /// which requests are logged
    pub access: Access,
}

/// What every request may need.
pub(crate) struct App {
    pub(super) served: Vec<Served>,
    pub(super) proxy: Option<Proxy>,
    pub(super) prefix: String,
    pub(super) hosts: Hosts,
    pub(super) names: Names,
    pub(super) limits: Limits,
    pub(super) access: Access,
    pub(super) ids: Ids,
    pub(super) hot: Hot,
    pub(super) metrics: Metrics,
    pub(super) looked: Looked,
    pub(super) pools: Arc<Pools>,
    pub(super) slots: Arc<Slots>,
    pub(super) admin_slots: Arc<Slots>,
    pub(super) stopping: AtomicBool,
}

impl App {
    pub(super) fn new(config: Config, served: Vec<Served>, proxy: Option<Proxy>) -> App {
        App {
            names: Names::new(served.iter().map(|served| served.relay.name())),
            served,
            proxy,
            prefix: config.prefix,
            hosts: Hosts::new(config.hosts),
            limits: config.limits,
            access: config.access,
            ids: Ids::new(),
            hot: Hot::new(config.limits.hot_bytes),
            metrics: Metrics::new(),
            looked: Looked::default(),
            pools: Pools::new(&config.limits),
            slots: Slots::new(config.limits.connections, config.limits.reserve()),
            admin_slots: Slots::new(limits::ADMIN_SLOTS, limits::MIN_RESERVE),
            stopping: AtomicBool::new(false),
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn audience(&self, route: &Route<'_>) -> Audience {
        match (route, &self.proxy) {
            (Route::Module(asked), Some(proxy)) if proxy.is_private(asked.module()) => Audience::Client,
            _ => Audience::Anybody,
        }
    }

    /// Whether answers that were given under a head may still be given: no newer one was.
    pub(super) fn holds(&self, under: Under) -> bool {
        let head = self.served.get(under.database).and_then(|served| served.relay.head());
        head.is_some_and(|head| head.size == under.size)
    }

    /// What the relay says, if it says so in time.
    /// Upstreams are asked in the queue of `peer`.
    pub(super) async fn in_time<T>(
        &self,
        peer: Peer,
        asked: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let asked = Asker::peer(peer).scope(asked);
        match tokio::time::timeout(limits::ANSWER_TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                let why = format!("timed out: no answer within {:?}", limits::ANSWER_TIMEOUT);
                Err(Fault::timed_out("the checksum database", why))
            }
        }
    }

    /// Keeps the answer to a question for as long as it holds.
    pub(super) fn keep(&self, question: &Question<'_>, answer: &Answer, holds: Holds) {
        let answer = Answer { audience: question.audience, ..answer.clone() };
        self.hot.keep(question.raw, question.packs, question.class, answer, holds);
    }
}
