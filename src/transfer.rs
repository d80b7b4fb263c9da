//! Modules that come from elsewhere, and those that go where no network is.
//!
//! [`recognise`] says what a folder or a file is, [`import()`] has a [`Proxy`](crate::proxy::Proxy) take over what is in it: whatever it
//! is, it is an upstream like any other, and each file is proven as a download is. [`export`](mod@export) writes a [`bundle`]: modules
//! with all of the checksum database that it takes to prove them without a network.

pub mod bundle;
pub mod export;
mod import;
mod inventory;
mod kind;
mod wanted;

pub use import::{ImportOptions, Imported, Judged, ModuleVerdict, import};
pub use inventory::{FilesHeld, Passed, TransferInventory, inventory};
pub use kind::{Recognised, TransferKind, recognise};
pub use wanted::with_neighbours;
