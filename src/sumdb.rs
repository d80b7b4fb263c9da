//! The pure core: formats and proofs. Bytes in, verified facts out; no file, socket, clock, random number or environment.

pub mod error;
pub mod evidence;
pub mod gosum;
pub mod hash;
pub mod module;
pub mod printable;
pub mod record;

pub use error::{Error, Result};
