//! Which question a path asks. One variant a question, one file a handler.

use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/`
    Home,
    /// `/healthz`: is the process alive?
    Alive,
    /// `/readyz`: can it answer?
    Ready,
    /// `/metrics`
    Metrics,
    /// of the database with this number, below `/sumdb/NAME/` or, for the first one, at the root
    Sumdb(usize, Sumdb<'a>),
    /// of the first database, below `/tlog/ORIGIN/`
    Tlog(Tlog<'a>),
    /// a file of the full log of the database with this number: `/log/NAME/FILE`
    Export(usize, &'a str),
    /// what clients of a module proxy ask, below `/MODULE/@v/` and at `/MODULE/@latest`
    Module(ModuleRequest),
    /// what looks like that, and is no question that any proxy can answer; and why
    NoModule(String),
}

/// What clients of a checksum database ask (go.dev/ref/mod, "Checksum database").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sumdb<'a> {
    /// `supported`: do you speak for this database?
    Supported,
    /// `latest`: the newest signed head
    Latest,
    /// `lookup/MODULE@VERSION`, all of it
    Lookup(&'a str),
    /// `tile/8/...`, all of it
    Tile(&'a str),
}

/// What clients of a C2SP tlog-tiles log ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tlog<'a> {
    /// `checkpoint`
    Checkpoint,
    /// `tile/...`, all of it
    Tile(&'a str),
}

/// The class of a question, for metrics, logs and `Cache-Control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the routes are")]
pub(super) enum Class {
    Home,
    Health,
    Metrics,
    Supported,
    Latest,
    Lookup,
    HashTile,
    DataTile,
    Checkpoint,
    Entries,
    Export,
    List,
    ModLatest,
    Info,
    Mod,
    Zip,
    Other,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Class; 17] = [
        Class::Home,
        Class::Health,
        Class::Metrics,
        Class::Supported,
        Class::Latest,
        Class::Lookup,
        Class::HashTile,
        Class::DataTile,
        Class::Checkpoint,
        Class::Entries,
        Class::Export,
        Class::List,
        Class::ModLatest,
        Class::Info,
        Class::Mod,
        Class::Zip,
        Class::Other,
    ];

    /// How it is called in metrics and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Class::Home => "home",
            Class::Health => "health",
            Class::Metrics => "metrics",
            Class::Supported => "supported",
            Class::Latest => "latest",
            Class::Lookup => "lookup",
            Class::HashTile => "hash_tile",
            Class::DataTile => "data_tile",
            Class::Checkpoint => "checkpoint",
            Class::Entries => "entries",
            Class::Export => "export",
            Class::List => "list",
            Class::ModLatest => "mod_latest",
            Class::Info => "info",
            Class::Mod => "mod",
            Class::Zip => "zip",
            Class::Other => "other",
        }
    }
}

impl Route<'_> {
    /// The class of the question.
    pub(super) fn class(&self) -> Class {
        match self {
            Route::Home => Class::Home,
            Route::Alive | Route::Ready => Class::Health,
            Route::Metrics => Class::Metrics,
            Route::Sumdb(_, Sumdb::Supported) => Class::Supported,
            Route::Sumdb(_, Sumdb::Latest) => Class::Latest,
            Route::Sumdb(_, Sumdb::Lookup(_)) => Class::Lookup,
            Route::Sumdb(_, Sumdb::Tile(path)) if path.starts_with("tile/8/data/") => Class::DataTile,
            Route::Tlog(Tlog::Tile(path)) if path.starts_with("tile/entries/") => Class::Entries,
            Route::Sumdb(_, Sumdb::Tile(_)) | Route::Tlog(Tlog::Tile(_)) => Class::HashTile,
            Route::Tlog(Tlog::Checkpoint) => Class::Checkpoint,
            Route::Export(..) => Class::Export,
            Route::Module(ModuleRequest::List(_)) => Class::List,
            Route::Module(ModuleRequest::Latest(_)) => Class::ModLatest,
            Route::Module(ModuleRequest::Info(_) | ModuleRequest::Query(..)) => Class::Info,
            Route::Module(ModuleRequest::File(_, Kind::GoMod)) => Class::Mod,
            Route::Module(ModuleRequest::File(_, Kind::Zip)) => Class::Zip,
            Route::NoModule(_) => Class::Other,
        }
    }

    /// The number of the database that is asked; the first where none is.
    pub(super) fn database(&self) -> usize {
        match self {
            Route::Sumdb(number, _) | Route::Export(number, _) => *number,
            _ => 0,
        }
    }
}

/// Another way to the same database: the one alias that the go command knows.
const ALIAS: (&str, &str) = ("sum.golang.google.cn", "sum.golang.org");
/// SHA-256 of `go.sum database tree`, the origin of every checksum database (C2SP tlog-checkpoint: a checkpoint's first line).
pub(super) const ORIGIN: &str = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";

/// The configured names, which may have slashes. Only these are answered for.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, usize)>);

impl Names {
    /// Of these databases, in order.
    pub(super) fn new<'a>(databases: impl Iterator<Item = &'a str>) -> Names {
        let mut names: Vec<(String, usize)> = databases.map(str::to_owned).zip(0..).collect();
        let alias = names.iter().find(|(name, _)| name == ALIAS.1).map(|(_, number)| (ALIAS.0.to_owned(), *number));
        names.extend(alias);
        // `host/a/b` before `host/a`.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Names(names)
    }

    /// The database whose name `path` begins with, and what follows.
    fn split<'a>(&self, path: &'a str) -> Option<(usize, &'a str)> {
        let below = |name: &str| path.strip_prefix(name)?.strip_prefix('/');
        self.0.iter().find_map(|(name, number)| Some((*number, below(name)?)))
    }

    /// The question of a decoded path; none where nothing has that name.
    pub(super) fn route<'a>(&self, path: &'a str) -> Option<Route<'a>> {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        match first {
            "" => Some(Route::Home),
            "healthz" if path == first => Some(Route::Alive),
            "readyz" if path == first => Some(Route::Ready),
            "metrics" if path == first => Some(Route::Metrics),
            "sumdb" => {
                let (number, rest) = self.split(rest)?;
                sumdb(rest).map(|asked| Route::Sumdb(number, asked))
            }
            "tlog" => match rest.strip_prefix(ORIGIN)?.strip_prefix('/')? {
                "checkpoint" => Some(Route::Tlog(Tlog::Checkpoint)),
                path if path.starts_with("tile/") => Some(Route::Tlog(Tlog::Tile(path))),
                _ => None,
            },
            "log" => self.split(rest).map(|(number, file)| Route::Export(number, file)),
            _ if is_of_module(path) => Some(module(path)),
            _ => sumdb(path).map(|asked| Route::Sumdb(0, asked)),
        }
    }
}

/// Whether a path asks about a module, if anything: those begin with a host, and nothing else here does.
pub(super) fn is_of_module(path: &str) -> bool {
    let (host, rest) = path.split_once('/').unwrap_or((path, ""));
    host.contains('.') && (rest.contains("@v/") || rest.ends_with("@latest"))
}

fn module<'a>(path: &str) -> Route<'a> {
    match ModuleRequest::parse(path) {
        Ok(asked) => Route::Module(asked),
        Err(why) => Route::NoModule(why.to_string()),
    }
}

fn sumdb(path: &str) -> Option<Sumdb<'_>> {
    match path {
        "supported" => Some(Sumdb::Supported),
        "latest" => Some(Sumdb::Latest),
        path if path.starts_with("lookup/") => Some(Sumdb::Lookup(path)),
        path if path.starts_with("tile/") => Some(Sumdb::Tile(path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_names_are_answered_for() {
        let names = Names::new(["sum.golang.org", "host", "host/a", "host/a/b"].into_iter());
        for (path, route) in [
            ("", Some(Route::Home)),
            ("healthz", Some(Route::Alive)),
            ("readyz", Some(Route::Ready)),
            ("metrics", Some(Route::Metrics)),
            ("latest", Some(Route::Sumdb(0, Sumdb::Latest))),
            ("lookup/a.b/c@v1.0.0", Some(Route::Sumdb(0, Sumdb::Lookup("lookup/a.b/c@v1.0.0")))),
            ("tile/8/0/000", Some(Route::Sumdb(0, Sumdb::Tile("tile/8/0/000")))),
            ("sumdb/sum.golang.org/supported", Some(Route::Sumdb(0, Sumdb::Supported))),
            ("sumdb/sum.golang.google.cn/latest", Some(Route::Sumdb(0, Sumdb::Latest))),
            ("sumdb/host/latest", Some(Route::Sumdb(1, Sumdb::Latest))),
            ("sumdb/host/a/latest", Some(Route::Sumdb(2, Sumdb::Latest))),
            ("sumdb/host/a/b/latest", Some(Route::Sumdb(3, Sumdb::Latest))),
            ("log/host/a/b/records", Some(Route::Export(3, "records"))),
            ("log/host/a/records", Some(Route::Export(2, "records"))),
            ("sumdb/host/a/c/latest", None),
            ("sumdb/hostile/latest", None),
            ("sumdb/other/latest", None),
            ("sumdb/latest", None),
            ("sumdb", None),
            ("healthz/x", None),
            ("supported/x", None),
            ("tlog/latest", None),
            ("golang.org/x/text", None),
            ("tile/8/0/x/@v/list", Some(Route::Sumdb(0, Sumdb::Tile("tile/8/0/x/@v/list")))),
        ] {
            assert_eq!(names.route(path), route, "{path}");
        }
        for (path, class) in [
            ("golang.org/x/text/@v/list", Class::List),
            ("golang.org/x/text/@latest", Class::ModLatest),
            ("golang.org/x/text/@v/v0.3.0.info", Class::Info),
            ("golang.org/x/text/@v/master.info", Class::Info),
            ("golang.org/x/text/@v/v0.3.0.mod", Class::Mod),
            ("golang.org/x/text/@v/v0.3.0.zip", Class::Zip),
            ("golang.org/x/text/@v/v0.3.zip", Class::Other),
            ("golang.org/x/Text/@v/list", Class::Other),
        ] {
            assert_eq!(names.route(path).map(|route| route.class()), Some(class), "{path}");
        }
        let others = Names::new(["host"].into_iter());
        assert_eq!(others.route("sumdb/sum.golang.google.cn/latest"), None, "an alias of what is not served");
        let checkpoint = format!("tlog/{ORIGIN}/checkpoint");
        assert_eq!(names.route(&checkpoint), Some(Route::Tlog(Tlog::Checkpoint)));
    }

    #[test]
    fn the_origin_is_that_of_every_checksum_database() {
        use sha2::{Digest as _, Sha256};
        assert_eq!(hex::encode(Sha256::digest("go.sum database tree")), ORIGIN);
    }
}
