//! Bytes of a file in memory that was taken from the pool, on their way to a client.

use std::sync::{Mutex, PoisonError};

use super::pool::Share;
use crate::server::limits::{MAX_SPARE, PIECE_BYTES};

/// Pieces that were sent, to be filled again: a fresh one costs as much in zeros as half of the reading.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Bytes of a file in memory, the first `len` of them read.
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) len: usize,
    _share: Share,
}

impl Piece {
    /// In memory that was taken for it.
    pub(crate) fn new(share: Share) -> Piece {
        let len = share.units();
        let spare = if len == PIECE_BYTES { SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop() } else { None };
        Piece { bytes: spare.unwrap_or_else(|| vec![0; len]), len, _share: share }
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bytes.len() == PIECE_BYTES && spare.len() < MAX_SPARE {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}
