//! The pure core: formats and proofs. Bytes in, verified facts out; no file, socket, clock, random number or environment.

pub mod bundle;
pub mod checkpoint;
pub mod error;
pub mod evidence;
pub mod hash;
pub mod note;
pub mod tile;
pub mod tlog;

pub use error::{Error, Result};
