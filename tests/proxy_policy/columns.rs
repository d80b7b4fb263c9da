//! What is asked of a server, one column a kind of answer.

use std::net::SocketAddr;

use crate::client;
use crate::world::{Log, MODULE, VERSION};

/// A kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    GoMod,
    Zip,
    Info,
    List,
    Latest,
    Lookup,
    Tile,
    /// the second answer to one question, which a server may have in memory
    Hot,
    /// `If-None-Match` with the tag that the old policy's server gave
    Conditional,
    Range,
    /// below `/cached-only`, where nobody is asked for a module
    CachedOnly,
}

impl Column {
    pub const ALL: [Column; 11] = [
        Column::GoMod,
        Column::Zip,
        Column::Info,
        Column::List,
        Column::Latest,
        Column::Lookup,
        Column::Tile,
        Column::Hot,
        Column::Conditional,
        Column::Range,
        Column::CachedOnly,
    ];
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    /// how many times it is sent; the last answer counts
    pub times: usize,
}

/// An answer, without what depends on the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub status: u16,
    pub etag: Option<String>,
    pub range: Option<String>,
    pub body: Vec<u8>,
}

impl Seen {
    /// What stands for the answers of a server that refuses to start.
    pub fn nothing(why: &str) -> Seen {
        Seen { status: 503, etag: None, range: None, body: why.as_bytes().to_vec() }
    }

    pub fn is_error(&self) -> bool {
        self.status >= 400
    }

    /// For failing messages.
    pub fn shown(&self) -> String {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(160).collect();
        format!("{} {:?} {} bytes {body:?}", self.status, self.etag, self.body.len())
    }
}

/// The questions of a column. `logs` are the databases that any of the policies names, `prefixes` those that it may have;
/// `tag_of` tells what the old policy's server named its answer to a path.
pub fn questions(
    column: Column,
    logs: &[&Log],
    prefixes: &[&str],
    tag_of: &dyn Fn(&str) -> Option<String>,
) -> Vec<Ask> {
    let file = |end: &str| format!("/{MODULE}/@v/{VERSION}.{end}");
    let (go_mod, zip, info) = (file("mod"), file("zip"), file("info"));
    let (list, latest) = (format!("/{MODULE}/@v/list"), format!("/{MODULE}/@latest"));
    let lookups = || of_databases(logs, &[format!("lookup/{MODULE}@{VERSION}"), "latest".to_owned()]);
    let tiles = || {
        let tiles = ["tile/8/0/000", "tile/8/0/001", "tile/8/0/002.p/88", "tile/8/1/000.p/2", "tile/8/data/001"];
        of_databases(logs, &tiles.map(str::to_owned))
    };
    let paths = match column {
        Column::GoMod => vec![go_mod],
        Column::Zip | Column::Range => vec![zip],
        Column::Info => vec![info],
        Column::List => vec![list],
        Column::Latest => vec![latest],
        Column::Lookup => lookups(),
        Column::Tile => tiles(),
        Column::Hot => [vec![go_mod, zip, info, list, latest], lookups(), tiles()].concat(),
        Column::Conditional => vec![go_mod, zip, info, list, latest],
        Column::CachedOnly => [go_mod, zip, info, list, latest].map(|path| format!("/cached-only{path}")).to_vec(),
    };
    let paths = prefixes.iter().flat_map(|prefix| paths.iter().map(move |path| format!("{prefix}{path}")));
    let ask = |path: String| {
        let headers = match column {
            Column::Range => vec![("Range", "bytes=100-1199".to_owned())],
            Column::Conditional => tag_of(&path).map(|tag| ("If-None-Match", tag)).into_iter().collect(),
            _ => Vec::new(),
        };
        Ask { path, headers, times: if column == Column::Hot { 3 } else { 1 } }
    };
    paths.map(ask).collect()
}

/// At the root, where the first database answers, and below the name of each.
fn of_databases(logs: &[&Log], paths: &[String]) -> Vec<String> {
    let mut below = vec![String::new()];
    below.extend(logs.iter().map(|log| format!("/sumdb/{}", log.db.name())));
    below.sort();
    below.dedup();
    below.iter().flat_map(|base| paths.iter().map(move |path| format!("{base}/{path}"))).collect()
}

/// Sends one request, as often as it says.
pub fn send(at: SocketAddr, ask: &Ask) -> Seen {
    let headers: Vec<(&str, &str)> = ask.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut replies = (0..ask.times).map(|_| client::ask(at, "GET", &ask.path, &headers));
    let reply = replies.next_back().unwrap();
    Seen {
        status: reply.status,
        etag: reply.header("etag").map(str::to_owned),
        range: reply.header("content-range").map(str::to_owned),
        body: reply.body,
    }
}
