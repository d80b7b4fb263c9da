//! The pure core: formats and proofs. Bytes in, verified facts out; no file, socket, clock, random number or environment.

pub mod dirhash;
pub mod error;
pub mod evidence;
pub mod hash;
pub mod modzip;

pub use error::{Error, Result};
