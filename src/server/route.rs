//! Which question a path asks. One variant a question, one file a handler; the module proxy's questions become further variants.

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Other,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Class; 12] = [
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
            _ => sumdb(path).map(|asked| Route::Sumdb(0, asked)),
        }
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
