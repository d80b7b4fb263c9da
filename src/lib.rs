//! gosumcheck: nothing is stored or served before it is proven; no mirror is trusted, so any mirror will do.

pub mod audit;
pub mod config;
pub mod database;
pub mod fault;
pub mod report;
pub mod store;
pub mod sumdb;
pub mod upstream;
