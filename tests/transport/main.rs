//! How clients reach the server: TLS and its certificates, sockets, proxies in front of it, reload and stop. Every test runs the
//! built binary.
//!
//! | file | question |
//! |---|---|
//! | `world` | certificates of a private authority, a server, and a client that speaks TLS |
//! | `files` | is every wrong certificate, key and authority refused with its file and the reason |
//! | `served` | are requests over TLS answered as without it, and do the limits hold |
//! | `reload` | is all taken over or nothing, said in one line, while no request is lost
//! | `systemd` | what is systemd told, and are its sockets used
//! | `sockets` | Unix sockets: who may connect, and what is replaced
//! | `proxied` | whose word counts about the address of a client
//! | `go` | does the go command build through TLS, over HTTP/1.1 and HTTP/2 |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a panic is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../proxy/kit/mod.rs"]
mod kit;

mod files;
mod go;
mod proxied;
mod reload;
mod served;
mod sockets;
mod systemd;
mod world;
