//! What systemd is told (sd_notify(3)): that the server is ready, reads its settings again, stops, and is alive. Without systemd
//! nobody is told.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::server::Loopback;
use sd_notify::NotifyState;

/// What the server is asked, and what it must answer.
const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 ";

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd cannot be notified: {error}");
    }
}

/// The sockets are open.
pub(super) fn ready() {
    send(&[NotifyState::Ready]);
}

/// The settings are read again; [`ready`] says when that is over.
pub(super) fn reloading() {
    // systemd compares this time with that of its signal.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("systemd cannot be notified: no monotonic clock: {error}"),
    }
}

/// The server finishes what is in flight and ends.
pub(super) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Says twice in each period of the watchdog that the server is alive, while it answers; none where systemd does not ask.
pub(super) fn watch(server: Loopback) -> Option<impl Future<Output = ()>> {
    let period = sd_notify::watchdog_enabled().filter(|period| !period.is_zero())?;
    let pause = period / 2;
    tracing::info!(?period, "systemd's watchdog is notified while the server answers");
    Some(async move {
        let mut ticks = tokio::time::interval(pause);
        loop {
            ticks.tick().await;
            match answers(&server, pause).await {
                Ok(()) => send(&[NotifyState::Watchdog]),
                Err(error) => {
                    tracing::error!("the server does not answer itself, and the watchdog is not notified: {error}")
                }
            }
        }
    })
}

/// Asks the server for `/healthz` as a client would, over a connection of its own.
async fn answers(server: &Loopback, within: Duration) -> io::Result<()> {
    let stream = server.connect()?;
    let asked = tokio::task::spawn_blocking(move || ask(stream, within));
    tokio::time::timeout(within, asked).await.map_err(|_| io::ErrorKind::TimedOut)?.map_err(io::Error::other)?
}

fn ask(mut stream: UnixStream, within: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    stream.write_all(REQUEST)?;
    let mut answer = [0; ANSWER.len()];
    stream.read_exact(&mut answer)?;
    if answer == ANSWER { Ok(()) } else { Err(io::Error::other("another answer than 200")) }
}
