//! `gosumcheck import` and `export`, as a user runs them: what other programs kept is there afterwards, proven, and what was
//! exported is proven again where no network is. And `migrate`.
//!
//! | file | question |
//! |---|---|
//! | `world` | which modules are there, and how do other programs keep them |
//! | `layouts` | is all of each layout taken over, and nothing that is wrong |
//! | `hostile` | what comes of folders and files that were made to harm |
//! | `bundles` | is a bundle enough without a network, and nothing else |
//! | `crash` | is anything lost or half there, wherever the disk fails |
//! | `power` | is what was said to be here still here after a power cut |
//! | `migrate` | do the settings of other programs come to what they say |

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a panic is a failed test"
)]

#[path = "../cli/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../examples/fakelog/fake/mod.rs"]
mod fake;
#[path = "../proxy/kit/mod.rs"]
mod kit;

mod bundles;
mod crash;
mod hostile;
mod layouts;
mod migrate;
mod power;
#[path = "../common/power_disk.rs"]
mod power_disk;
mod world;
