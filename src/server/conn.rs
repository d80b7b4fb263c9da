//! Connections: what each may hold, for how long it may wait, and how bytes and files reach its socket.

pub(super) mod buffer;
pub(super) mod close_reason;
pub(super) mod data_tile;
pub(super) mod descriptors;
pub(super) mod file_source;
pub(super) mod frames;
pub(super) mod in_flight;
pub(super) mod listener;
pub(super) mod pool;
pub(super) mod sendfile;
pub(super) mod slots;
pub(super) mod socket;
pub(super) mod stream_task;
pub(super) mod timer;
pub(super) mod transfer;
pub(super) mod transport;
