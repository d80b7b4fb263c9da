//! The module proxy between mirrors that cannot be trusted and the go command, and the kit that makes both.
//!
//! | file | question |
//! |---|---|
//! | `kit` | how are modules, mirrors and their faults made |
//! | `kit_corpus` | are the corpus's hashes, lists and logs what they claim to be |
//! | `kit_faults` | does each fault of what is said do what it says, and no more |
//! | `kit_wire` | does each fault of how it is sent do so |
//! | `ahead` | what is brought before it is asked for, what is not, and what does it cost others |
//! | `early` | what becomes of bytes that come before their record |
//! | `eviction` | what becomes of a store that may not grow |
//! | `eviction_looks` | how often is a full store looked at, and what does a download wait for |
//! | `eviction_killed` | what is left when a server is killed while it makes room |
//! | `faults` | what becomes of a question while upstreams, disks and clients fail |
//! | `full` | what becomes of a question on a disk that takes nothing more |
//! | `hints` | what is said of what nobody can prove, and for how long |
//! | `load` | what is left of requests that are abandoned, and whom do they keep waiting |
//! | `offline` | what is offered where nobody can be asked, and what is the folder of modules by itself |
//! | `policy` | what becomes of an upstream's refusal by policy |
//! | `private` | who hears of private modules, and what they are held to |
//! | `private_served` | which settings make a module private, who may ask `serve` for one, who can read what is stored |
//! | `go_refused` | what does the go command's user see of a refusal |
//! | `raw` | is anything kept or passed on in an upstream's own words, or under another policy |
//! | `refusals` | what becomes of wrong bytes, and of who has the right ones |
//! | `rotten` | what becomes of stored files that changed since they were proven, and of links |
//! | `rotten_real` | is a damaged byte of 250 real modules and of a log of 100,000 records given by a running server |
//! | `scrub` | what becomes of stored files that rot without a trace |
//! | `settled` | what does a power cut take of what a server has given |
//! | `separators` | when is the next upstream asked, after a comma and after `|`
//! | `world` | how does a test open a proxy over mirrors and a log |
//! | `kit_go` | does the go command take the corpus from a mirror, proven by its log |

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a panic is a failed test"
)]

#[path = "../server/client.rs"]
#[allow(dead_code, reason = "tests/server needs more of it")]
mod client;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
mod kit;
#[path = "../common/power_disk.rs"]
mod power_disk;

mod kit_corpus;
mod kit_faults;
mod kit_go;
mod kit_wire;

mod ahead;
mod early;
mod eviction;
mod eviction_killed;
mod eviction_looks;
mod eviction_rules;
mod faults;
mod full;
mod go_refused;
mod hints;
mod load;
mod offline;
mod policy;
mod private;
mod private_served;
mod raw;
mod refusals;
mod rotten;
mod rotten_real;
mod scrub;
mod separators;
mod settled;
mod world;
