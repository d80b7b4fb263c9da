//! The HTTP edge over proven databases and a module proxy: `gosumcheck serve`. What is asked (`route`), how it is answered (one
//! file a question), how an answer may be kept (`answer`), how long clients may take (`limits`, `clock`, `transfer`), how much of
//! what is scarce each may hold (`slots`, `pool`). Nothing here decides what is true.
//!
//! A request goes: raw path → `hot` (answers in memory) → `path` (decoded once) → `route` → its handler → `answer` → response.

mod accept;
mod access;
mod answer;
mod background;
mod body;
mod clock;
mod connection;
mod descriptors;
mod end;
mod export;
mod file;
mod frames;
mod gzip;
mod health;
mod home;
mod host;
mod hot;
mod limits;
mod metrics;
mod modules;
mod outbox;
mod path;
mod piece;
mod pool;
mod question;
mod range;
mod refusal;
mod route;
mod served;
mod slots;
mod socket;
mod spawn;
mod sumdb;
mod tlog;
mod transfer;
mod watched;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use accept::Listeners;
pub use access::Access;
pub use background::{Asked, Syncing};
pub use descriptors::Descriptors;
pub use limits::Limits;
pub use served::Served;

use accept::Acceptor;
use answer::{Answer, Audience};
use body::Body;
use connection::{Ends, Offer};
use health::Looked;
use host::Hosts;
use hot::{Hot, Under};
use metrics::Metrics;
use path::BadPath;
use pool::{Client, Pools};
use question::Question;
use route::{Class, Names, Route};
use slots::Slots;

use crate::config::HostName;
use crate::fault::Fault;
use crate::proxy::{Peer, Proxy};
use crate::upstream::Asker;

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

/// Serves until `stop`, then ends what is in flight, within the bound. The first database is also answered for at the root.
/// Modules are served where there is a `proxy`.
///
/// # Errors
/// `Usage`: no database.
pub async fn run(
    config: Config,
    served: Vec<Served>,
    proxy: Option<Proxy>,
    listeners: impl Into<Listeners>,
    stop: impl Future<Output = ()>,
) -> Result<(), Fault> {
    if served.is_empty() {
        return Err(Fault::Usage("no database to serve".to_owned()));
    }
    let mut background = JoinSet::new();
    for served in &served {
        background.spawn(background::look(served.clone()));
        if let Some((syncing, every)) = served.syncing.clone() {
            background.spawn(background::sync(served.clone(), syncing, every));
        }
    }
    let relays = served.iter().map(|served| served.relay.clone()).collect();
    background.spawn(watched::watch(relays, proxy.clone()));
    if let Some(proxy) = proxy.clone() {
        background.spawn(async move { proxy.tend().await });
    }
    let app = Arc::new(App::new(config, served, proxy));
    let Listeners { public, admin } = listeners.into();
    let for_all = Acceptor::new(Arc::clone(&app), Arc::clone(&app.slots), Offer::Everything);
    let for_admin = Acceptor::new(Arc::clone(&app), Arc::clone(&app.admin_slots), Offer::Admin);
    let (stopping, stopped) = watch::channel(false);
    let mut accepting = JoinSet::new();
    for listener in public {
        accepting.spawn(for_all.clone().run(listener, stopped.clone()));
    }
    for listener in admin {
        accepting.spawn(for_admin.clone().run(listener, stopped.clone()));
    }
    stop.await;
    tracing::info!("stopping: no new connections; finishing what is in flight");
    app.stopping.store(true, Ordering::Relaxed);
    let _ = stopping.send(true); // nobody listens: nothing to stop
    while accepting.join_next().await.is_some() {}
    background.shutdown().await;
    Ok(())
}

/// What every request may need.
struct App {
    served: Vec<Served>,
    proxy: Option<Proxy>,
    prefix: String,
    hosts: Hosts,
    names: Names,
    limits: Limits,
    access: Access,
    ids: access::Ids,
    hot: Hot,
    metrics: Metrics,
    looked: Looked,
    pools: Arc<Pools>,
    slots: Arc<Slots>,
    admin_slots: Arc<Slots>,
    stopping: AtomicBool,
}

impl App {
    fn new(config: Config, served: Vec<Served>, proxy: Option<Proxy>) -> App {
        App {
            names: Names::new(served.iter().map(|served| served.relay.name())),
            served,
            proxy,
            prefix: config.prefix,
            hosts: Hosts::new(config.hosts),
            limits: config.limits,
            access: config.access,
            ids: access::Ids::new(),
            hot: Hot::new(config.limits.hot_bytes),
            metrics: Metrics::new(),
            looked: Looked::default(),
            pools: Pools::new(&config.limits),
            slots: Slots::new(config.limits.connections, config.limits.reserve()),
            admin_slots: Slots::new(limits::ADMIN_SLOTS, limits::MIN_RESERVE),
            stopping: AtomicBool::new(false),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The response to a request that came over `client`'s connection, between these addresses.
    async fn respond(&self, request: Request<Incoming>, ends: Ends, client: &Arc<Client>) -> Response<Body> {
        let began = Instant::now();
        let (head, _) = request.into_parts(); // what a GET carries as a body means nothing here
        let (class, answer) = match self.answer_at_once(&head, ends) {
            Some(answered) => answered,
            // Boxed: most requests do not come here, and this future is large.
            None => Box::pin(self.answer(&head, ends, client)).await,
        };
        let (answer, held) = connection::with_memory(answer, &head, client).await;
        let bytes = answer.len();
        let mut response = answer.respond(&head.method, &head.headers, client, held);
        let (status, took) = (response.status(), began.elapsed());
        self.metrics.answered(class, status, took);
        if self.access.wants(status) {
            let (method, path, version, headers) = (&head.method, head.uri.path(), head.version, &head.headers);
            let line = access::Line { peer: ends.peer, method, path, version, headers, class, status, bytes, took };
            response.headers_mut().insert(access::REQUEST_ID, line.write(&self.ids));
        }
        response
    }

    /// The answer that needs no waiting: a refusal, or one that is kept in memory.
    fn answer_at_once(&self, head: &Parts, ends: Ends) -> Option<(Class, Answer)> {
        if head.method != Method::GET && head.method != Method::HEAD {
            return Some((Class::Other, refusal::method()));
        }
        // RFC 9112 section 3.2.
        if head.version == Version::HTTP_11 && head.headers.get_all(HOST).iter().count() != 1 {
            let why = "a request names its host, and only once";
            return Some((Class::Other, refusal::refusal(StatusCode::BAD_REQUEST, why)));
        }
        let (_, raw) = path::split(head.uri.path(), &self.prefix);
        // Whether the process is alive is no secret, and health checks name it in any way.
        if raw != "/healthz"
            && let Some(refused) = self.hosts.refusal(ends.local, head)
        {
            return Some((Class::Other, refused));
        }
        let (_, raw) = path::split(raw, modules::CACHED_ONLY);
        let found = self.hot.find(raw, gzip::is_wanted(&head.headers), |under| self.holds(under))?;
        self.metrics.looked(true);
        Some(found)
    }

    async fn answer(&self, head: &Parts, ends: Ends, client: &Arc<Client>) -> (Class, Answer) {
        let (prefix, raw) = path::split(head.uri.path(), &self.prefix);
        let (cached_only, raw) = path::split(raw, modules::CACHED_ONLY);
        let path = match path::decode(raw) {
            Ok(path) => path,
            Err(bad) => return (Class::Other, refusal::path(bad)),
        };
        match self.names.route(&path) {
            Some(route) => {
                let cached_only = !cached_only.is_empty() || modules::wants_cached_only(&head.headers);
                let (class, packs) = (route.class(), gzip::is_wanted(&head.headers));
                let (database, audience) = (route.database(), self.audience(&route));
                let peer = Peer::of(ends.peer.ip());
                let question = Question { raw, prefix, cached_only, database, peer, packs, class, audience, client };
                (class, self.handle(route, &question, head).await)
            }
            None => (Class::Other, refusal::path(BadPath::NoSuch)),
        }
    }

    async fn handle(&self, route: Route<'_>, question: &Question<'_>, head: &Parts) -> Answer {
        let Some(served) = self.served.get(question.database) else { return refusal::path(BadPath::NoSuch) };
        match route {
            Route::Home => home::page(self, question, host::reached_by(head)),
            Route::Alive => health::alive(),
            Route::Ready => health::ready(self).await,
            Route::Metrics => self.metrics.page(self).await,
            Route::Sumdb(_, asked) => sumdb::answer(self, &served.relay, asked, question).await,
            Route::Tlog(asked) => tlog::answer(self, &served.relay, asked, question).await,
            Route::Export(_, name) => export::answer(served, name, question.client).await,
            Route::Module(asked) => modules::answer(self, &asked, question).await,
            Route::NoModule(why) => refusal::not_found(&format!("not found: {why}")),
        }
    }

    fn audience(&self, route: &Route<'_>) -> Audience {
        match (route, &self.proxy) {
            (Route::Module(asked), Some(proxy)) if proxy.is_private(asked.module()) => Audience::Client,
            _ => Audience::Anybody,
        }
    }

    /// Whether answers that were given under a head may still be given: no newer one was.
    fn holds(&self, under: Under) -> bool {
        let head = self.served.get(under.database).and_then(|served| served.relay.head());
        head.is_some_and(|head| head.size == under.size)
    }

    /// What the relay says, if it says so in time.
    /// Upstreams are asked in the queue of `peer`.
    async fn in_time<T>(&self, peer: Peer, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let asked = Asker::peer(peer).scope(asked);
        match tokio::time::timeout(limits::ANSWER_TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                let why = format!("timed out: no answer within {:?}", limits::ANSWER_TIMEOUT);
                Err(Fault::timed_out("the checksum database", why))
            }
        }
    }
}
