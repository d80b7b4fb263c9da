//! The table of the matrix: which kinds of answer there are, how they are spoilt, and what comes of each.

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// bytes came and were refused
    Refused,
    /// the request failed
    Failed,
    /// it says that it has no such thing
    Lacked,
    /// the log is caught
    Forked,
    /// an older tree, of the same history
    Stale,
    /// it proves all the same
    Harmless,
}
use Class::{Failed, Forked, Harmless, Lacked, Refused, Stale};

pub const FAULTS: [&str; 17] = [
    "flip",
    "truncated",
    "too-long",
    "too-wide",
    "other",
    "stale",
    "forked",
    "unsigned",
    "wrong-key",
    "404",
    "410",
    "429",
    "500",
    "stalled",
    "reset",
    "redirect",
    "endless",
];

/// A kind of answer: what it is called, the path that is spoilt, and what comes of each of `FAULTS`.
pub struct Kind {
    pub name: &'static str,
    pub path: &'static str,
    pub classes: [Class; 17],
}

/// What a signed head can be is the same for all kinds but lookups, which bring their own: it comes with `latest`.
pub const KINDS: [Kind; 5] = [
    Kind {
        name: "head",
        path: "latest",
        classes: [
            Refused, Failed, Refused, Refused, Refused, Stale, Forked, Refused, Refused, Lacked, Lacked, Failed,
            Failed, Failed, Failed, Failed, Failed,
        ],
    },
    Kind {
        name: "edge tile",
        path: "tile/8/0/004.p/112",
        classes: [
            Refused, Failed, Failed, Failed, Refused, Stale, Refused, Refused, Refused, Lacked, Lacked, Failed, Failed,
            Failed, Failed, Failed, Failed,
        ],
    },
    Kind {
        name: "hash tile",
        path: "tile/8/1/000",
        classes: [
            Refused, Failed, Failed, Failed, Refused, Stale, Refused, Refused, Refused, Lacked, Lacked, Failed, Failed,
            Failed, Failed, Failed, Failed,
        ],
    },
    Kind {
        name: "data tile",
        path: "tile/8/data/002",
        classes: [
            Refused, Failed, Refused, Refused, Refused, Stale, Refused, Refused, Refused, Lacked, Lacked, Failed,
            Failed, Failed, Failed, Failed, Failed,
        ],
    },
    Kind {
        name: "partial data tile",
        path: "tile/8/data/004.p/112",
        classes: [
            Refused, Failed, Refused, Harmless, Refused, Stale, Refused, Refused, Refused, Lacked, Lacked, Failed,
            Failed, Failed, Failed, Failed, Failed,
        ],
    },
];
