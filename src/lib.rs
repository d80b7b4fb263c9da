//! gosumcheck proves what the Go checksum database says about modules, from its public key up.
//!
//! **Nothing is stored or served before it is proven. No mirror is trusted, so any mirror will do.**
//!
//! This page is the architecture document; `tests/tidy.rs` enforces what it says.
//!
//! # The map
//!
//! ```text
//! main                                   the process: arguments in, exit code out
//!   cli                                  arguments and help texts; one function a command
//!     server                             the HTTP edge: what is asked, how it may be kept, how long strangers may take
//!       audit  sync  proxy  verify       the commands' logic, each a straight line: go.sum files and module caches against
//!                                        the database · the whole log, brought · modules, proven before anybody gets them ·
//!                                        the whole log and all modules, derived again from their bytes
//!         database                       a module version in, a verified record out; the one timeline of heads; what a relay
//!                                        answers
//!           config  report  store  upstream
//!                                        settings · findings and their renderings · the disk · the network
//!             fault  files               why a command could not work, by who is at fault · opening files that somebody else
//!                                        may have put there
//!               sumdb                    PURE CORE: formats and proofs; bytes in, verified facts out
//! ```
//!
//! Imports point down only, never sideways on one line. `async` begins at `upstream`; the core is plain functions.
//!
//! In [`sumdb`]: `module` (paths, versions, patterns), `goproxy` (what a module proxy is asked), `gosum` (go.sum files), `record`
//! (records and lookups), `hash` (SHA-256, many at once), `note` (signed notes), `checkpoint` (signed tree heads), `tlog` (the
//! Merkle tree and its proofs), `tile` (the tree in pieces), `dirhash` (h1), `modzip` (what a module zip may hold), `bundle`
//! (proof files), `evidence` (a log that lied).
//!
//! # What is true at every moment
//!
//! Stated as absences, because these are what can be tested:
//!
//! 1. Nothing under `sumdb` reads a file, a socket, a clock, a random number or the environment, or prints.
//! 2. No byte from upstream gets a name in the store before it is proven; until then it is in memory or in `tmp`.
//! 3. No hash can be read from an unproven tile, and no go.sum line from an unproven answer: the types that hold raw bytes have
//!    no accessor for either. See [`sumdb::tile::VerifiedTree`] and [`sumdb::record::VerifiedRecord`].
//! 4. The remembered head never moves to a tree that does not contain the old one, and never back. At first contact the first
//!    signed head is trusted.
//! 5. No complete tile that was proven is ever changed, no admitted module file, and no byte of the full log that a committed
//!    head covers.
//! 6. The index decides nothing: a wrong entry can only make a check fail.
//! 7. No outcome passes by default: not an empty answer, not an unknown algorithm, not a missing line.
//! 8. Nothing but a person clears a fork.
//!
//! # Errors
//!
//! What can be wrong with bytes is told by the core ([`sumdb::Error`]: `Malformed`, `Unproven`); who is at fault, and what to do
//! next, by [`fault::Fault`]: `Usage` (the caller), `Unavailable` (a network, a disk), `Refused` (who sent those bytes), `Forked`
//! (the log). Exit codes: 0 all proven, 1 findings, 2 could not tell, 3 the log itself misbehaved.

pub mod audit;
pub mod cli;
pub mod config;
pub mod database;
pub mod fault;
pub mod files;
pub mod proxy;
pub mod report;
pub mod server;
pub mod store;
pub mod sumdb;
pub mod sync;
pub mod upstream;
pub mod verify;
