//! The GOPROXY protocol: what a module proxy is asked, of proxies over HTTP, of folders, and of the go command.

pub(super) mod direct;
mod download;
pub(super) mod entry;
pub(super) mod holding;
mod member;
mod pace;
mod path;
mod probe;
pub(super) mod proxies;
mod tree;
mod unpack;
pub(super) mod wire;
