//! What must stay true of the sources, checked by a test and not by a reviewer. Every rule is a table or a limit here and a
//! check in `tidy/`, which has self-tests that plant a violation and see it caught. A new import between modules is a change of
//! design: it changes `LAYERS` here and the map in `src/lib.rs`, in one commit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/panics.rs"]
mod panics;
#[path = "tidy/phrases.rs"]
mod phrases;
#[path = "tidy/purity.rs"]
mod purity;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/words.rs"]
mod words;

use std::fs;

use rooms::{Circle, Folder, Rooms};
use source::Source;
use tree::{files, name, root};

/// The modules of `src/`, uppermost first. A module imports from lines below its own: not upwards and not sideways.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["transfer"],
    &["server", "prefetch", "doctor"],
    &["access"],
    &["audit", "sync", "proxy", "verify", "migrate"],
    &["relay"],
    &["database"],
    &["report", "config", "upstream", "store"],
    &["fault", "files", "rules"],
    &["sumdb"],
];

/// The order inside folders, as `LAYERS` is that of `src/`. A module that is new in one of them gets its place here.
const ROOMS: &[Folder] = &[
    Folder {
        path: "server",
        lines: &[
            &["accept", "background", "upstream_log"],
            &["connection", "handshake"],
            &["respond"],
            &["gate", "traced"],
            &["routes"],
            &["pages"],
            &["api"],
            &["app"],
            &["metrics"],
            &["forwarded", "http"],
            &["conn"],
            &["limits", "tls", "vulndb"],
        ],
    },
    Folder {
        path: "server/routes",
        lines: &[
            &["metrics", "tlog", "views", "vulndb"],
            &["explain", "listing"],
            &["badge", "export", "gossip", "health", "home", "modules", "sumdb"],
        ],
    },
    Folder { path: "server/app", lines: &[&["catalogue", "history", "request", "runs", "status"], &["database"]] },
    Folder {
        path: "server/http",
        lines: &[
            &["host"],
            &["refusal", "response_cache"],
            &["access_log", "answer"],
            &["body", "route"],
            &["cache_policy", "file_body", "gzip", "path", "query", "range", "view_route"],
        ],
    },
    Folder {
        path: "server/conn",
        lines: &[
            &["listener", "slots", "socket"],
            &["sendfile", "timer"],
            &["file_source", "transfer"],
            &["buffer", "data_tile", "frames", "in_flight", "stream_task"],
            &["close_reason", "descriptors", "pool", "transport"],
        ],
    },
    Folder {
        path: "relay",
        lines: &[
            &["cosign", "gossip", "lookup", "proof", "routes", "scrub", "tile"],
            &["healing"],
            &["heads", "recent", "single_flight"],
            &["denials"],
        ],
    },
    Folder {
        path: "database",
        lines: &[
            &["absence", "accept", "batch_cache", "cached_entry", "inclusion", "one_tile", "others", "restore"],
            &["check", "timeline"],
            &["claims", "forks", "pins", "witnessed"],
            &["current", "edge"],
            &["tiles"],
            &["ahead", "cache_writer", "mirror"],
            &["answer", "carried", "committed", "notes", "unstored"],
        ],
    },
    Folder {
        path: "store",
        lines: &[
            &["eviction"],
            &["modules"],
            &["evidence", "head", "index", "journal", "runs", "scrub"],
            &["log", "usage"],
            &["keep"],
            &["cache", "failing", "links", "serving", "sqlite", "zipfile"],
            &["disk", "failures", "lock", "whole"],
            &["made", "modes", "priority", "space", "words"],
        ],
    },
    Folder {
        path: "store/index",
        lines: &[
            &["grow"],
            &["append", "build"],
            &["gather"],
            &["layout"],
            &["spill", "stream", "suspects", "tally", "tuning"],
            &["file"],
            &["anomaly", "key"],
        ],
    },
    Folder {
        path: "upstream",
        lines: &[
            &["connection", "document", "goproxy", "sumdb"],
            &["http", "otlp", "webhook"],
            &["asked", "base", "queue", "spans"],
        ],
    },
    Folder {
        path: "upstream/http",
        lines: &[
            &["endpoint"],
            &["agent", "limit"],
            &["window"],
            &["breaker"],
            &["clients", "netrc", "origin"],
            &["redirect", "reply"],
            &["coding"],
            &["address_scope", "get_request", "retry"],
            &["settings"],
            &["access", "counts", "failure", "lanes", "latency", "source_errors", "tls"],
        ],
    },
    Folder {
        path: "upstream/sumdb",
        lines: &[&["each"], &["upstreams"], &["outcome", "seat"], &["find", "source"], &["tree"]],
    },
    Folder {
        path: "upstream/goproxy",
        lines: &[
            &["proxies"],
            &["member"],
            &["entry", "path", "probe"],
            &["direct", "download"],
            &["pace", "tree", "unpack"],
            &["holding", "wire"],
        ],
    },
    Folder {
        path: "upstream/goproxy/direct",
        lines: &[
            &["queue", "verdict"],
            &["run"],
            &["sandbox", "space"],
            &["environment"],
            &["guard"],
            &["gopage", "settings"],
            &["network"],
            &["host_error", "outward"],
        ],
    },
    Folder { path: "upstream/queue", lines: &[&["tests"], &["asker", "lines"], &["peer"]] },
];

/// Circles of modules that stand, each with the reason. A circle that is broken leaves this list, and none is added.
const CIRCLES: &[Circle] = &[];

/// The documents whose English is checked, besides `docs/`, `src/` and `tests/`.
const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

/// The pure core: no file, socket, clock, random number or environment, and no panic on what strangers send.
const CORE: &str = "src/sumdb";
/// The files that may have `unsafe`: the SHA-256 kernels.
const KERNELS: [&str; 2] = ["src/sumdb/hash/avx512.rs", "src/sumdb/hash/sha_ni.rs"];

/// Lines of a file, its tests not counted.
const FILE_LINES: usize = 300;
/// Lines of a file that is named in `LONG_FILES`.
const LONG_FILE_LINES: usize = 600;
/// Files that answer one question and need more than `FILE_LINES` for it, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[("src/config/settings/table.rs", "all settings, a row each, in one place")];
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 70;

/// A broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    line: usize,
    why: String,
}

/// The Rust files below these folders of the repository.
fn sources(folders: &[&str]) -> Vec<Source> {
    let files = folders.iter().flat_map(|folder| files(&root().join(folder)));
    let rust = files.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| Source::parse(&name(&path), &fs::read_to_string(&path).unwrap())).collect()
}

fn assert_none(faults: impl IntoIterator<Item = Fault>) {
    let lines: Vec<String> = faults.into_iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.why)).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

fn in_core(source: &Source) -> bool {
    source.path == format!("{CORE}.rs") || source.path.starts_with(&format!("{CORE}/"))
}

#[test]
fn imports_point_down() {
    assert_none(sources(&["src"]).iter().flat_map(|source| imports::check(source, LAYERS)));
}

#[test]
fn imports_point_down_inside_folders() {
    assert_none(Rooms::of(&sources(&["src"])).check_order(ROOMS));
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    assert_none(Rooms::of(&sources(&["src"])).check_circles(CIRCLES));
}

#[test]
fn the_core_is_pure() {
    assert_none(sources(&["src"]).iter().filter(|source| in_core(source)).flat_map(purity::check));
}

#[test]
fn the_core_does_not_panic() {
    assert_none(sources(&["src"]).iter().filter(|source| in_core(source)).flat_map(panics::check));
}

#[test]
fn files_and_functions_are_short() {
    let is_gone = |(path, _): &&(&str, &str)| !root().join(path).is_file();
    assert_eq!(LONG_FILES.iter().find(is_gone), None, "it is in LONG_FILES and is no more");
    assert_none(sources(&["src", "tests", "examples", "benches"]).iter().flat_map(sizes::check));
}

#[test]
fn unsafe_stands_in_the_kernels() {
    assert_none(words::check_unsafe(&sources(&["src", "tests", "examples", "benches"])));
}

#[test]
fn modules_begin_with_what_they_are() {
    assert_none(sources(&["src", "tests", "examples", "benches"]).iter().filter_map(words::check_first_line));
}

#[test]
fn a_type_name_means_one_thing_in_a_layer() {
    assert_none(names::check(&sources(&["src"]), LAYERS));
}

#[test]
fn english_is_plain() {
    let folders = ["src", "tests", "docs"].into_iter().flat_map(|folder| files(&root().join(folder)));
    let all = folders.chain(DOCUMENTS.iter().map(|document| root().join(document)));
    let texts = all.filter_map(|path| Some((name(&path), fs::read_to_string(&path).ok()?)));
    assert_none(texts.flat_map(|(path, text)| phrases::check(&path, &text)));
}

#[test]
fn no_file_names_what_is_not_the_users() {
    let all = files(root());
    assert_none(all.iter().flat_map(|path| words::check_words(&name(path), &fs::read(path).unwrap())));
}
