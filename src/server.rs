//! The HTTP edge over proven databases and a module proxy: `gosumcheck serve`. What is asked (`route`), how it is answered (one
//! file a question), how an answer may be kept (`answer`), how long clients may take (`limits`, `clock`, `transfer`), how much of
//! what is scarce each may hold (`slots`, `pool`). Nothing here decides what is true.
//!
//! A request goes: raw path → `hot` (answers in memory) → `path` (decoded once) → `route` → its handler → `answer` → response.

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

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use accept::Listeners;
pub use app::Config;
pub use app::served::{Asked, Served, Syncing};
pub use conn::descriptors::Descriptors;
pub use http::access_log::Access;
pub use limits::Limits;

use accept::Acceptor;
use app::App;
use connection::Offer;

use crate::fault::Fault;
use crate::proxy::Proxy;

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
