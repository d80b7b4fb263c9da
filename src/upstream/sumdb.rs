//! The protocol of a checksum database: paths in, bytes or an absence out, from the first of several bases that has an answer.

pub(super) mod find;
pub(super) mod outcome;
mod source;
mod tree;
pub(super) mod upstreams;
