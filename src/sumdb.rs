//! The pure core: formats and proofs. Bytes in, verified facts out; no file, socket, clock, random number or environment.

pub mod bundle;
pub mod checkpoint;
pub mod dirhash;
pub mod error;
pub mod evidence;
pub mod gomod;
pub mod goproxy;
pub mod gosum;
pub mod hash;
pub mod module;
pub mod modzip;
pub mod note;
pub mod number;
pub mod percent;
pub mod printable;
mod quorum;
pub mod record;
pub mod redact;
pub mod tile;
pub mod tlog;
pub mod tlog_policy;

pub use error::{Error, Result};
