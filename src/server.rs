//! The HTTP server over proven databases and a module proxy: `gosumcheck serve`. Nothing here decides what is true.
//!
//! `accept` takes connections, which `conn` bounds in number, time and resources; `connection` passes their requests to
//! `respond`: `gate`, if there is access control → raw path → `http::response_cache` → `http::path` (decoded once) →
//! `http::route` → its handler in `routes` → `http::answer` → response. `app` is what they all share; `background` runs without requests.
//! `api` has the values that people and programs are shown of this server and its modules; `pages` renders them for people.
//!
//! Imports point down: accept, background, upstream_log · connection, handshake · respond · gate · routes · pages · api · app ·
//! metrics · http, forwarded · conn · limits, tls, vulndb.

mod accept;
mod api;
mod app;
mod background;
mod conn;
mod connection;
mod forwarded;
mod gate;
mod handshake;
mod http;
mod limits;
mod metrics;
mod pages;
mod respond;
mod routes;
pub mod tls;
mod traced;
mod upstream_log;
mod vulndb;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use app::Config;
pub use app::database::{ServedDatabase, SyncTask, UpstreamCounts};
pub use conn::descriptors::Descriptors;
pub use conn::listener::{Listener, Listeners, Loopback};
pub use forwarded::TrustedProxies;
pub use http::access_log::AccessLog;
pub use limits::Limits;
pub use vulndb::VulnDatabase;

use accept::Acceptor;
use app::App;
use conn::slots::Slots;
use connection::ListenerKind;

use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::store::modules::Deferred;

/// Serves until `stop`. Then `/readyz` answers 503; after the drain delay no connection is accepted any more, and what is in
/// flight is finished, within the stop timeout. The first database is also served at the root,
/// and modules if there is a `proxy`.
///
/// # Errors
/// `Usage`: no database, or listeners for TLS without an identity.
pub async fn run(
    config: Config,
    served: Vec<ServedDatabase>,
    proxy: Option<Proxy>,
    listeners: impl Into<Listeners>,
    stop: impl Future<Output = ()>,
) -> Result<(), Fault> {
    if served.is_empty() {
        return Err(Fault::Usage("no database to serve".to_owned()));
    }
    let mut background = JoinSet::new();
    for served in &served {
        background.spawn(background::follow_head(served.clone()));
        background.spawn(background::put_back(served.clone()));
        if let Some((routes, interval)) = served.routes.clone() {
            background.spawn(background::follow_routes(served.clone(), routes, interval));
        }
        if let Some((period, rate)) = served.scrub {
            let relay = served.relay.clone();
            background.spawn(async move { relay.keep_log_scrubbed(period, rate).await });
        }
        if let Some((sync, interval)) = served.sync.clone() {
            background.spawn(background::sync(served.clone(), sync, interval));
        }
    }
    let relays = served.iter().map(|served| served.relay.clone()).collect();
    background.spawn(upstream_log::follow(relays, proxy.clone()));
    if let Some(proxy) = proxy.clone() {
        proxy.defer_names(Deferred::Proven);
        background.spawn(async move { proxy.tend().await });
    }
    let gate = Arc::clone(&config.gate);
    background.spawn(async move { gate.tend().await });
    let counting = proxy.clone();
    let app = Arc::new(App::new(config, served, proxy));
    background.spawn(background::sample(Arc::clone(&app)));
    let (stopping, stopped) = watch::channel(false);
    let mut accepting = JoinSet::new();
    for (acceptor, listener) in acceptors(&app, listeners.into())? {
        accepting.spawn(acceptor.run(listener, stopped.clone()));
    }
    stop.await;
    app.stopping.store(true, Ordering::Relaxed);
    if !app.limits.drain.is_zero() {
        tracing::info!(after = ?app.limits.drain, "stopping: /readyz answers 503; the rest is answered until the listeners close");
        tokio::time::sleep(app.limits.drain).await;
    }
    tracing::info!("stopping: no new connections; finishing what is in flight");
    let _ = stopping.send(true); // an error means that there is no listener to stop
    while accepting.join_next().await.is_some() {}
    background.shutdown().await;
    if let Some(proxy) = counting
        && let Err(fault) = proxy.flush_uses()
    {
        tracing::debug!("{fault}");
    }
    Ok(())
}

/// Each listener with what accepts its connections.
fn acceptors(app: &Arc<App>, listeners: Listeners) -> Result<Vec<(Acceptor, Listener)>, Fault> {
    let Listeners { public, tls: over_tls, admin } = listeners;
    if app.tls.is_none() && !over_tls.is_empty() {
        return Err(Fault::Usage("no certificate for the listeners with TLS".to_owned()));
    }
    let acceptor = |slots: &Arc<Slots>, kind, tls| Acceptor::new(Arc::clone(app), Arc::clone(slots), kind, tls);
    let plain = acceptor(&app.slots, ListenerKind::Public, None);
    let secure = acceptor(&app.slots, ListenerKind::Public, app.tls.clone());
    let for_admin = acceptor(&app.admin_slots, ListenerKind::Admin, None);
    let with = |acceptor: Acceptor, listeners: Vec<Listener>| {
        listeners.into_iter().map(move |listener| (acceptor.clone(), listener))
    };
    Ok(with(plain, public).chain(with(secure, over_tls)).chain(with(for_admin, admin)).collect())
}
