//! Tiles that are asked for before it is known which tree will prove them. A full tile is the same in every later tree of the log, so
//! it is asked for when the first lookup is there that needs it, and not when all are. Until the head is known its bytes are only
//! held; then they are proven like any other.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::Unavailable;
use crate::sumdb::tile::Tile;

/// The result of the request for one tile.
pub(super) enum Fetch {
    Cached(Vec<u8>),
    /// with the number of the upstream that it came from
    Fetched(Vec<u8>, usize),
    Missed(Unavailable),
}

/// Tiles that were asked for and not taken yet, at most so many.
pub(super) struct Ahead {
    most: usize,
    /// guards what came of each, nothing while it is under way
    asked: Mutex<HashMap<Tile, Option<Fetch>>>,
    /// one more came
    came: Notify,
}

impl Ahead {
    /// None is asked for yet.
    pub(super) fn new(most: usize) -> Ahead {
        Ahead { most, asked: Mutex::default(), came: Notify::new() }
    }

    /// Whether the tile was asked for and not taken yet: then it is not stored here.
    pub(super) fn is_asked(&self, tile: &Tile) -> bool {
        self.asked().contains_key(tile)
    }

    /// Whether the tile may be asked for. It may not where it was before, or too many were.
    pub(super) fn may_begin(&self, tile: &Tile) -> bool {
        may_begin(&self.asked(), self.most, tile)
    }

    /// Whether the tile is to be asked for now, by the caller.
    pub(super) fn begin(&self, tile: &Tile) -> bool {
        let mut asked = self.asked();
        let begins = may_begin(&asked, self.most, tile);
        if begins {
            asked.insert(*tile, None);
        }
        begins
    }

    /// What came of a tile that was asked for.
    pub(super) fn came(&self, tile: Tile, fetched: Fetch) {
        self.asked().insert(tile, Some(fetched));
        self.came.notify_waiters();
    }

    /// What came of a tile, once it is there; none where it was not asked for. The requests must be polled beside this.
    pub(super) async fn take(&self, tile: &Tile) -> Option<Fetch> {
        loop {
            let mut came = std::pin::pin!(self.came.notified());
            came.as_mut().enable();
            {
                let mut asked = self.asked();
                match asked.remove(tile) {
                    Some(None) => asked.insert(*tile, None),
                    taken => return taken.flatten(),
                };
            }
            came.await;
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Tile, Option<Fetch>>> {
        self.asked.lock()
    }
}

fn may_begin(asked: &HashMap<Tile, Option<Fetch>>, most: usize, tile: &Tile) -> bool {
    asked.len() < most && !asked.contains_key(tile)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_tile_is_asked_for_once_and_waited_for() {
        let ahead = Ahead::new(2);
        let [one, two, three] = [1, 2, 3].map(|index| Tile::new(0, index, 256).unwrap());
        assert!(ahead.may_begin(&one) && ahead.begin(&one));
        assert!(!ahead.may_begin(&one) && !ahead.begin(&one) && ahead.begin(&two));
        assert!(!ahead.begin(&three), "there is no room");
        assert!(matches!(ahead.take(&three).now_or_never(), Some(None)));
        let mut waiting = Box::pin(ahead.take(&one));
        assert!(waiting.as_mut().now_or_never().is_none());
        ahead.came(two, Fetch::Cached(vec![2]));
        assert!(waiting.as_mut().now_or_never().is_none());
        ahead.came(one, Fetch::Cached(vec![1]));
        assert!(matches!(waiting.now_or_never(), Some(Some(Fetch::Cached(bytes))) if bytes == [1]));
        assert!(ahead.begin(&three));
    }
}
