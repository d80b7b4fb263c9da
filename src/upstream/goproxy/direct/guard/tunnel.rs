//! Carries bytes in both directions between a command and a host: counted, bounded, and cut when nothing moves.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::meter::Meter;
use crate::sumdb::number::wide;
use crate::upstream::goproxy::direct::host_error::HostError;

/// Bytes that are read at once.
const PIECE: usize = 32 << 10;

/// Carries bytes until both sides are done, one of them breaks off, or a bound is reached.
pub(super) async fn carry(
    mut command: TcpStream,
    mut host: TcpStream,
    name: &str,
    meter: &Meter,
    silence: Duration,
) -> Result<(), HostError> {
    let moved = AtomicU64::new(0);
    let (mut from_command, mut to_command) = command.split();
    let (mut from_host, mut to_host) = host.split();
    let both = async {
        tokio::try_join!(
            pump(&mut from_command, &mut to_host, meter, &moved),
            pump(&mut from_host, &mut to_command, meter, &moved)
        )
    };
    tokio::select! {
        // The command reports a side that broke off.
        ended = both => match ended {
            Err(Some(host_error)) => Err(host_error),
            _ => Ok(()),
        },
        () = still(&moved, silence) => Err(HostError::Silent(name.to_owned())),
    }
}

/// Ends when nothing has moved for this long.
async fn still(moved: &AtomicU64, silence: Duration) {
    let mut before = 0;
    loop {
        tokio::time::sleep(silence).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

/// One direction. Fails with an error where a limit is reached, without one where a side broke off.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    meter: &Meter,
    moved: &AtomicU64,
) -> Result<(), Option<HostError>> {
    let broken = |_: io::Error| None;
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await.map_err(broken)?;
        if read == 0 {
            return to.shutdown().await.map_err(broken);
        }
        meter.count(read)?;
        to.write_all(piece.get(..read).unwrap_or_default()).await.map_err(broken)?;
        moved.fetch_add(wide(read), Ordering::Relaxed);
    }
}
