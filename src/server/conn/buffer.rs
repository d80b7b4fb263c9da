//! Buffers for the chunks of a file, each with its permit for the memory.

use parking_lot::Mutex;

use super::pool::PoolPermit;
use crate::server::limits::{CHUNK_BYTES, MAX_FREE_BUFFERS};

/// Guards the buffers that can be filled again, locked for one push or pop: zeroing a new one takes half as long as reading
/// a chunk into it.
static FREE_BUFFERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// A buffer, the first `len` bytes of which have been read.
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) len: usize,
    _permit: PoolPermit,
}

impl Buffer {
    /// A buffer of as many bytes as the permit is for.
    pub(crate) fn new(permit: PoolPermit) -> Buffer {
        let len = permit.units();
        let spare = if len == CHUNK_BYTES { FREE_BUFFERS.lock().pop() } else { None };
        Buffer { bytes: spare.unwrap_or_else(|| vec![0; len]), len, _permit: permit }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = FREE_BUFFERS.lock();
        if self.bytes.len() == CHUNK_BYTES && spare.len() < MAX_FREE_BUFFERS {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}
