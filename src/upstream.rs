//! The only module that speaks HTTP outwards, that reads `file://` trees, and that runs the go command: paths of a checksum
//! database ([`Upstreams`]) or questions of the GOPROXY protocol ([`Proxies`]) in, bytes out.
//!
//! Several bases are asked in turn until one has an answer. Nothing that comes from here is proven; `fetch_where` lets
//! the caller judge the bytes, and asks the next base where they do not pass. An answer that is absent is told apart
//! from a base that failed, and a log's "no" (404, 410) from a tree that merely does not hold it. Everything is
//! bounded: sizes by the caller, times, tries, redirects and requests at once by `Settings`.
//!
//! `http` is one request to one upstream, whatever it is about; `sumdb` and `goproxy` are the two protocols over it. Below them
//! are `base` (where an upstream is) and `queue` (which client's request is next).

mod asked;
mod base;
mod connection;
mod document;
mod goproxy;
mod http;
mod otlp;
mod queue;
pub mod spans;
mod sumdb;
pub mod webhook;

pub use asked::{Asked, AskedCell};
pub use base::Base;
pub use connection::{Phases, TlsPhase, phases};
pub use document::{document, is_there, told};
pub use goproxy::direct::{Direct, DirectAccess, DirectSettings, Network, Outward, PublicAccess, SystemNetwork};
pub use goproxy::entry::{ProxyEntry, ProxyPlace, ProxyState};
pub use goproxy::holding::{Archive, Holding};
pub use goproxy::proxies::Proxies;
pub use goproxy::wire::{Fetched, Sent, Sink, Touched};
pub use http::access::Access;
pub use http::agent::Http;
pub use http::breaker::BreakerState;
pub use http::counts::Counts;
pub use http::failure::{Failure, FailureKind};
pub use http::lanes::MAX_CONNECTIONS;
pub use http::latency::Latency;
pub use http::netrc::netrc_has_default;
pub use http::origin::Origin;
pub use http::settings::HttpSettings as Settings;
pub use http::source_errors::Complaint;
pub use otlp::TraceExporter;
pub use queue::asker::{Asker, Clients};
pub use queue::peer::Peer;
pub use queue::{Bounds, Busy, FairQueue, Load, Slot};
pub use sumdb::find::{Candidate, candidates};
pub use sumdb::outcome::{Absence, Got};
pub use sumdb::seat::SourceState;
pub use sumdb::upstreams::Upstreams;
