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
//!     transfer                           modules that come from elsewhere, and those that go where no network is
//!     server  prefetch  doctor           the HTTP edge: what is asked, how it may be kept, what clients may hold · what a build
//!                                        needs, brought before it is asked for · what protects the modules of a machine
//!       access                           who may ask for what: credentials, rules, limits of clients
//!       audit  sync  proxy  verify  migrate
//!                                        the commands' logic, each a straight line: go.sum files and module caches against
//!                                        the database · the whole log, fetched · modules, proven before any client gets them ·
//!                                        the whole log and all modules, verified again from their bytes · the settings of
//!                                        another module proxy, said in ours
//!         relay                          what a server answers of one checksum database, all under one head that never goes back
//!           database                     a module version in, a verified record out; the one timeline of heads
//!             config  report  store  upstream
//!                                        settings · findings and their renderings · the disk · the network
//!               fault  files  rules      why a command could not work, by the party at fault · opening files that somebody else
//!                                        may have put there · which modules may be served, and from where they are fetched
//!                 sumdb                  PURE CORE: formats and proofs; bytes in, verified facts out
//! ```
//!
//! Imports point down only, never sideways on one line. `async` begins at `upstream`; the core is plain functions.
//!
//! In [`sumdb`]: `module` (paths, versions, patterns), `goproxy` (what a module proxy is asked), `gomod` (what go.mod files
//! require), `gosum` (go.sum files), `record` (records and lookups), `hash` (SHA-256, many at once), `note` (signed notes),
//! `checkpoint` (signed tree heads), `tlog_policy` (whose cosignatures a head needs), `tlog` (the Merkle tree and its proofs),
//! `tile` (the tree in pieces), `dirhash` (h1), `modzip` (what a module zip may hold), `bundle` (proof files), `evidence` (a log
//! that lied).
//!
//! # What is true at every moment
//!
//! Stated as absences, because these are what can be tested:
//!
//! 1. Nothing under `sumdb` reads a file, a socket, a clock, a random number or the environment, or prints.
//! 2. No byte from upstream gets a name in the store before it is proven; until then it is in memory or in `tmp`. What the log has
//!    no hash of (lists, `.info`) is understood as Go understands it and written anew; no upstream's own text is kept or given.
//! 3. No hash can be read from an unproven tile, and no go.sum line from an unproven answer: the types that hold raw bytes have
//!    no accessor for either. See [`sumdb::tile::VerifiedTree`] and [`sumdb::record::VerifiedRecord`].
//! 4. The remembered head never moves to a tree that does not contain the old one, and never back. It is the largest that the data
//!    folder holds. First contact is only where the folder holds none: then the first signed head must contain the pinned ones, of
//!    which the program carries one, and is trusted for what is newer. One that is damaged or under another key is never passed over.
//! 5. No complete tile that was proven is ever changed, and no byte of the full log that a committed head covers, unless it rotted: then
//!    the proven one is put in its place. None of the full log is given that this process has not proven, or that looks otherwise
//!    than when it was, appends of this process aside. An admitted module file changes only where the database that is asked now has
//!    another hash: then it is quarantined and fetched again.
//! 6. The index decides nothing: a wrong entry can only make a check fail.
//! 7. No outcome passes by default: not an empty answer, not an unknown algorithm, not a missing line.
//! 8. Nothing but a person clears a fork, and until then no newer head is accepted.
//! 9. No stored module file is given under another database than the one whose record its proof names, unless the present one has
//!    a record of the same hash; none that looks otherwise than when it was proven is given before it is hashed again, and none is
//!    reached through a link. What first use pinned is in a tree of its own and answers no public question.
//! 10. No work for a client outlives its last client, unless the bytes of a file flow, and then only within the download slots and
//!     its deadline. No queue is without a bound, and no peer fills one alone.
//! 11. No body holds a file or memory whose client takes too little of it, whatever else the client sends.
//! 12. No answer that can be proven waits for the disk to keep it. The head is kept in memory where it cannot be stored.
//! 13. No name of a private module leaves for a public upstream or the checksum database, whatever go's settings say of each other.
//! 14. No connection for a public module leads to an address that is not public, and none uses the operator's keys.
//! 15. No cosignature is given out before it is on the disk, and none of a head that the full log does not hold, or that does not
//!     contain the one cosigned before.
//! 16. Nothing below a folder that a stranger filled is read through a link that leads out of it, and no open waits for another
//!     process. Nothing in the data folder can be read by another user.
//!
//! # Glossary
//!
//! The words are those of [go.dev](https://go.dev/ref/mod), RFC 6962 and RFC 9162, and [C2SP](https://c2sp.org).
//!
//! | word | meaning |
//! |---|---|
//! | checksum database | the service that publishes the hashes of all public module versions (`GOSUMDB`), such as sum.golang.org |
//! | log | its data: an append-only list of records, committed to by a Merkle tree (RFC 6962) |
//! | record | one entry of the log: the two go.sum lines of one module version, under a number that counts from 0 |
//! | module version | a module path and a version, as in `golang.org/x/text@v0.26.0` |
//! | go.sum line | module path, version (of the zip, or with `/go.mod` of the go.mod) and hash |
//! | h1 | the hash in such a line: SHA-256 over the names and SHA-256 hashes of the files of a zip, or of the one go.mod |
//! | note | text with signatures below it (C2SP signed-note) |
//! | vkey | a verifier key, `NAME+HASH+KEY`: whose signature under a note counts |
//! | checkpoint | a note that holds the size and the root hash of a log's tree: a *signed tree head* in the RFCs (C2SP tlog-checkpoint) |
//! | head | a checkpoint in what users read; the *remembered* head is the largest accepted one, to which every later one is held |
//! | tile | up to 256 neighbouring hashes of one level of the tree; a *data tile* has records in their place (C2SP tlog-tiles) |
//! | inclusion proof | hashes that show that a record is in the tree of a checkpoint (RFC 9162 section 2.1.3) |
//! | consistency proof | hashes that show that one tree contains an older one (RFC 9162 section 2.1.4) |
//! | proven | derived from bytes whose hashes lead to the root of an accepted checkpoint |
//! | pinned | held to what was fetched first: a private module, of which no log has a hash |
//! | upstream | whatever is asked for bytes: the database, a module proxy, a mirror, a folder, a repository. None is trusted |
//! | mirror | a full copy of the log that is kept up to date, and a server over one |
//! | hint | an answer that nothing can prove (a version list, `@latest`, `.info`): kept for a while, then asked for again |
//! | quarantine | where an upstream's wrong bytes are kept, with a report, for a person to look at |
//! | fork | two histories that one log signed and that cannot both be true |
//! | evidence | the two checkpoints of a fork with the proof that they contradict each other; anybody can check it |
//! | witness | a third party that cosigns checkpoints which it has seen to be consistent (C2SP tlog-witness) |
//! | cosignature | a witness's or a mirror's signature of a checkpoint, with the time (C2SP tlog-cosignature) |
//! | quorum | the witnesses whose cosignatures together make a head count, as a policy says (C2SP tlog-policy) |
//!
//! # Errors
//!
//! The core says what is wrong with bytes ([`sumdb::Error`]: `Malformed`, `Unproven`); [`fault::Fault`] says who is at fault, and
//! what to do next: `Usage` (the caller), `Unavailable` (a network, a disk), `Refused` (the sender of those bytes), `Forked`
//! (the log). Exit codes: 0 all proven, 1 findings, 2 could not tell, 3 the log itself misbehaved.

pub mod access;
pub mod audit;
pub mod cli;
pub mod config;
pub mod database;
pub mod doctor;
pub mod fault;
pub mod files;
pub mod migrate;
pub mod prefetch;
pub mod proxy;
pub mod relay;
pub mod report;
pub mod rules;
pub mod server;
pub mod store;
pub mod sumdb;
pub mod sync;
pub mod transfer;
pub mod upstream;
pub mod verify;
