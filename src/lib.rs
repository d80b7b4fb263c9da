//! gosumcheck: nothing is stored or served before it is proven; no mirror is trusted, so any mirror will do.

pub mod fault;
pub mod store;
pub mod sumdb;
