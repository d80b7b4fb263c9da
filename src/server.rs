//! The HTTP server over proven databases and a module proxy: `gosumcheck serve`. Nothing here decides what is true.
//!
//! `accept` takes connections, which `conn` bounds in number, time and resources; `connection` passes their requests to
//! `respond`: raw path → `http::response_cache` → `http::path` (decoded once) → `http::route` → its handler in `routes` →
//! `http::answer` → response. `app` is what they all share; `background` runs without requests.
//!
//! Imports point down: accept, background, upstream_log · connection · respond · routes · app · metrics · http · conn · limits.

mod accept;
mod app;
mod background;
mod conn;
mod connection;
mod http;
mod limits;
mod metrics;
mod respond;
mod routes;
mod upstream_log;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use accept::Listeners;
pub use app::Config;
pub use app::database::{ServedDatabase, SyncTask, UpstreamCounts};
pub use conn::descriptors::Descriptors;
pub use http::access_log::AccessLog;
pub use limits::Limits;

use accept::Acceptor;
use app::App;
use connection::ListenerKind;

use crate::fault::Fault;
use crate::proxy::Proxy;

/// Serves until `stop`, then finishes what is in flight, within the stop timeout. The first database is also served at the root,
/// and modules if there is a `proxy`.
///
/// # Errors
/// `Usage`: no database.
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
        if let Some((sync, interval)) = served.sync.clone() {
            background.spawn(background::sync(served.clone(), sync, interval));
        }
    }
    let relays = served.iter().map(|served| served.relay.clone()).collect();
    background.spawn(upstream_log::follow(relays, proxy.clone()));
    if let Some(proxy) = proxy.clone() {
        background.spawn(async move { proxy.tend().await });
    }
    let counting = proxy.clone();
    let app = Arc::new(App::new(config, served, proxy));
    let Listeners { public, admin } = listeners.into();
    let for_all = Acceptor::new(Arc::clone(&app), Arc::clone(&app.slots), ListenerKind::Public);
    let for_admin = Acceptor::new(Arc::clone(&app), Arc::clone(&app.admin_slots), ListenerKind::Admin);
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
