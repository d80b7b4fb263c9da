//! The thread that appends: writing and syncing to the disk take their time and must not keep requests waiting. It marks how
//! far it is every so often, and when it ends, so that an interrupted sync goes on from there.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Permit, Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::panicked;
use super::tile::Proven;
use crate::fault::Fault;
use crate::store::index::Gathered;
use crate::store::log::Writer;

/// Data tiles that are handed over and wait: more wait in the window of the flow, where their bytes are bounded.
const WAITING: usize = 16;
/// Bytes of records between two marks. A mark syncs every file and the folder: at a quarter of this the disk takes more than twice
/// as long for the same bytes, and at twice this no less.
const MARK_BYTES: u64 = 128 << 20;
/// Time between two marks.
const MARK_TIME: Duration = Duration::from_secs(30);

/// The way to the thread.
pub(super) struct Appender {
    tiles: Sender<Proven>,
    thread: JoinHandle<Result<Appended, Fault>>,
}

/// The writer after all was appended, and the index's entries of it, if they were gathered.
pub(super) type Appended = (Writer, Option<Gathered>);

/// It has failed, and says why when it finishes.
pub(super) struct Gone;

impl Appender {
    /// Starts it. It ends when this is dropped.
    pub(super) fn start(writer: Writer, gathered: Option<Gathered>) -> Appender {
        let (tiles, handed) = channel(WAITING);
        Appender { tiles, thread: tokio::task::spawn_blocking(move || run(writer, gathered, handed)) }
    }

    /// Waits until the next records can be handed over.
    pub(super) async fn room(&self) -> Result<Permit<'_, Proven>, Gone> {
        self.tiles.reserve().await.map_err(|_| Gone)
    }

    /// Waits until all is appended.
    ///
    /// # Errors
    /// `Unavailable`: the disk. What is committed stands.
    pub(super) async fn finish(self) -> Result<Appended, Fault> {
        drop(self.tiles);
        self.thread.await.unwrap_or_else(|error| Err(panicked(&error)))
    }
}

fn run(mut writer: Writer, mut gathered: Option<Gathered>, mut handed: Receiver<Proven>) -> Result<Appended, Fault> {
    let (mut size, mut bytes, mut marked) = (writer.tree().size, 0, Instant::now());
    while let Some(mut tile) = handed.blocking_recv() {
        let entries = tile.take_entries();
        let (records, leaves) = tile.news();
        if tile.first_new() != size {
            let why = format!("records from {} on came where those from {size} on belong", tile.first_new());
            return Err(Fault::machine("this process", why));
        }
        size += u64::try_from(records.len()).unwrap_or(0);
        match tile.whole() {
            Some((leaves, root)) => writer.append_tile(&records, leaves, root)?,
            None => writer.append(&records, leaves)?,
        }
        // The index is for later: where its entries cannot be kept, it is made of the log.
        gathered = gathered.zip(entries).and_then(|(mut all, entries)| all.add(entries).is_ok().then_some(all));
        bytes += tile.bytes_from(0);
        if bytes >= MARK_BYTES || marked.elapsed() >= MARK_TIME {
            writer.mark()?;
            (bytes, marked) = (0, Instant::now());
        }
    }
    if bytes > 0 {
        writer.mark()?;
    }
    Ok((writer, gathered))
}
