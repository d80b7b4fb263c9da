//! The handlers: one file for each kind of request.

pub(super) mod badge;
pub(super) mod explain;
pub(super) mod export;
pub(super) mod gossip;
pub(super) mod health;
pub(super) mod home;
pub(super) mod listing;
pub(super) mod metrics;
pub(super) mod modules;
pub(super) mod sumdb;
pub(super) mod tlog;
pub(super) mod views;
pub(super) mod vulndb;
