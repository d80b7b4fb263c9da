//! What people and programs are shown of this server and of the modules that it holds: one file for each resource of `/api/v1/`. The
//! values are serialised as they are, and the pages render the same. `openapi.json` describes them; fields are only ever added.

pub(super) mod files;
pub(super) mod incidents;
pub(super) mod integrity;
pub(super) mod modules;
pub(super) mod proofs;
mod reading;
pub(super) mod status;
mod time;
pub(super) mod upstreams;
pub(super) mod versions;

/// The OpenAPI 3.1 document.
pub(super) const OPEN_API: &str = include_str!("api/openapi.json");
