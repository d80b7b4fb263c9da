//! What the system tells a server: to read its settings again (SIGHUP), and to stop (SIGINT, SIGTERM).

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::notify;
use super::reload::Reload;
use crate::fault::Fault;

/// What the system tells a server.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn install() -> Result<Signals, Fault> {
        let install = |kind| {
            signal(kind).map_err(|error| Fault::machine("the system", format!("cannot handle signals: {error}")))
        };
        Ok(Signals {
            interrupt: install(SignalKind::interrupt())?,
            terminate: install(SignalKind::terminate())?,
            hang_up: install(SignalKind::hangup())?,
        })
    }

    /// Until the server is to stop. SIGHUP reloads: here, where it holds up no request.
    pub(super) async fn stop(&mut self, mut reload: Reload<'_>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
                _ = self.hang_up.recv() => {
                    notify::reloading();
                    reload.run();
                    notify::ready();
                }
            }
        }
        notify::stopping();
    }
}
