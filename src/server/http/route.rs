//! Which route a path has: one variant for each kind of request.

use super::path::is_of_module;
use super::view_route::{ApiRequest, PageRequest};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/`
    Home,
    /// `/healthz`: is the process alive?
    Alive,
    /// `/readyz`: can it answer?
    Ready,
    /// `/metrics`
    Metrics,
    /// `/version`: which program this is
    Version,
    /// `/index`: what was proven here, in order of time
    Index,
    /// `/catalog`: what is held here, by name
    Catalog,
    /// `/explain/MODULE@VERSION`, what follows the second slash
    Explain(&'a str),
    /// a request below `/api/v1/`
    Api(ApiRequest<'a>),
    /// a page for people, besides `/`
    Page(PageRequest<'a>),
    /// `/badge/MODULE@VERSION.svg`: the module version
    Badge(&'a str),
    /// `/vulndb/...`: a file of the vulnerability database
    Vulndb(&'a str),
    /// a request about the database with this number, below `/sumdb/NAME/` or, for the first one, at the root
    Sumdb(usize, SumdbRequest<'a>),
    /// a request about the first database as a tlog-tiles log, below `/tlog/ORIGIN/`
    Tlog(TlogRequest<'a>),
    /// the signed heads that others see of the database with this number: `/gossip/NAME`
    Gossip(usize),
    /// a file of the full log of the database with this number: `/log/NAME/FILE`
    Export(usize, &'a str),
    /// a request of the GOPROXY protocol, below `/MODULE/@v/` or for `/MODULE/@latest`
    Module(ModuleRequest),
    /// a path of that form that no module proxy can answer, and why
    NoModule(String),
}

/// A request of a checksum database client (go.dev/ref/mod, "Checksum database").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SumdbRequest<'a> {
    /// `supported`: does this server answer for the database?
    Supported,
    /// `latest`: the newest signed head
    Latest,
    /// `lookup/MODULE@VERSION`, all of it
    Lookup(&'a str),
    /// `tile/8/...`, all of it
    Tile(&'a str),
}

/// A request of a C2SP tlog-tiles client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlogRequest<'a> {
    /// `checkpoint`
    Checkpoint,
    /// `tile/...`, all of it
    Tile(&'a str),
}

/// The name of a route in metrics and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the routes are")]
pub(crate) enum RouteName {
    Home,
    Health,
    Metrics,
    Version,
    Index,
    Catalog,
    Explain,
    Api,
    Page,
    Badge,
    Vulndb,
    Supported,
    Latest,
    Lookup,
    HashTile,
    DataTile,
    Checkpoint,
    Entries,
    Gossip,
    Export,
    List,
    ModLatest,
    Info,
    Mod,
    Zip,
    Other,
}

impl RouteName {
    /// All names.
    pub(crate) const ALL: [RouteName; 26] = [
        RouteName::Home,
        RouteName::Health,
        RouteName::Metrics,
        RouteName::Version,
        RouteName::Index,
        RouteName::Catalog,
        RouteName::Explain,
        RouteName::Api,
        RouteName::Page,
        RouteName::Badge,
        RouteName::Vulndb,
        RouteName::Supported,
        RouteName::Latest,
        RouteName::Lookup,
        RouteName::HashTile,
        RouteName::DataTile,
        RouteName::Checkpoint,
        RouteName::Entries,
        RouteName::Gossip,
        RouteName::Export,
        RouteName::List,
        RouteName::ModLatest,
        RouteName::Info,
        RouteName::Mod,
        RouteName::Zip,
        RouteName::Other,
    ];

    /// The label in metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RouteName::Home => "home",
            RouteName::Health => "health",
            RouteName::Metrics => "metrics",
            RouteName::Version => "version",
            RouteName::Index => "index",
            RouteName::Catalog => "catalog",
            RouteName::Explain => "explain",
            RouteName::Api => "api",
            RouteName::Page => "page",
            RouteName::Badge => "badge",
            RouteName::Vulndb => "vulndb",
            RouteName::Supported => "supported",
            RouteName::Latest => "latest",
            RouteName::Lookup => "lookup",
            RouteName::HashTile => "hash_tile",
            RouteName::DataTile => "data_tile",
            RouteName::Checkpoint => "checkpoint",
            RouteName::Entries => "entries",
            RouteName::Gossip => "gossip",
            RouteName::Export => "export",
            RouteName::List => "list",
            RouteName::ModLatest => "mod_latest",
            RouteName::Info => "info",
            RouteName::Mod => "mod",
            RouteName::Zip => "zip",
            RouteName::Other => "other",
        }
    }
}

impl Route<'_> {
    /// The name of the route.
    pub(crate) fn name(&self) -> RouteName {
        match self {
            Route::Home => RouteName::Home,
            Route::Alive | Route::Ready => RouteName::Health,
            Route::Metrics => RouteName::Metrics,
            Route::Version => RouteName::Version,
            Route::Index => RouteName::Index,
            Route::Catalog => RouteName::Catalog,
            Route::Explain(_) => RouteName::Explain,
            Route::Api(_) => RouteName::Api,
            Route::Page(_) => RouteName::Page,
            Route::Badge(_) => RouteName::Badge,
            Route::Vulndb(_) => RouteName::Vulndb,
            Route::Sumdb(_, SumdbRequest::Supported) => RouteName::Supported,
            Route::Sumdb(_, SumdbRequest::Latest) => RouteName::Latest,
            Route::Sumdb(_, SumdbRequest::Lookup(_)) => RouteName::Lookup,
            Route::Sumdb(_, SumdbRequest::Tile(path)) if path.starts_with("tile/8/data/") => RouteName::DataTile,
            Route::Tlog(TlogRequest::Tile(path)) if path.starts_with("tile/entries/") => RouteName::Entries,
            Route::Sumdb(_, SumdbRequest::Tile(_)) | Route::Tlog(TlogRequest::Tile(_)) => RouteName::HashTile,
            Route::Tlog(TlogRequest::Checkpoint) => RouteName::Checkpoint,
            Route::Gossip(_) => RouteName::Gossip,
            Route::Export(..) => RouteName::Export,
            Route::Module(ModuleRequest::List(_)) => RouteName::List,
            Route::Module(ModuleRequest::Latest(_)) => RouteName::ModLatest,
            Route::Module(ModuleRequest::Info(_) | ModuleRequest::Query(..)) => RouteName::Info,
            Route::Module(ModuleRequest::File(_, Kind::GoMod)) => RouteName::Mod,
            Route::Module(ModuleRequest::File(_, Kind::Zip)) => RouteName::Zip,
            Route::NoModule(_) => RouteName::Other,
        }
    }

    /// The number of the database that the request is about; 0 if it is about none.
    pub(crate) fn database(&self) -> usize {
        match self {
            Route::Sumdb(number, _) | Route::Gossip(number) | Route::Export(number, _) => *number,
            _ => 0,
        }
    }
}

/// An alias and the database that it stands for: the only one that the go command knows.
const ALIAS: (&str, &str) = ("sum.golang.google.cn", "sum.golang.org");
/// SHA-256 of `go.sum database tree`, the origin of every checksum database (C2SP tlog-checkpoint: a checkpoint's first line).
pub(crate) const ORIGIN: &str = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";

/// The names of the served databases, which may contain slashes, and their aliases.
#[derive(Debug)]
pub(crate) struct DatabaseNames(Vec<(String, usize)>);

impl DatabaseNames {
    /// The names of these databases, in order.
    pub(crate) fn new<'a>(databases: impl Iterator<Item = &'a str>) -> DatabaseNames {
        let mut names: Vec<(String, usize)> = databases.map(str::to_owned).zip(0..).collect();
        let alias = names.iter().find(|(name, _)| name == ALIAS.1).map(|(_, number)| (ALIAS.0.to_owned(), *number));
        names.extend(alias);
        // `host/a/b` before `host/a`.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        DatabaseNames(names)
    }

    /// The number of the database whose name `path` begins with, and the rest of the path.
    fn split<'a>(&self, path: &'a str) -> Option<(usize, &'a str)> {
        let below = |name: &str| path.strip_prefix(name)?.strip_prefix('/');
        self.0.iter().find_map(|(name, number)| Some((*number, below(name)?)))
    }

    /// The number of the database of this name.
    fn number(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// The route of a decoded path; none if no resource has that path.
    pub(crate) fn parse<'a>(&self, path: &'a str) -> Option<Route<'a>> {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        match first {
            "" => Some(Route::Home),
            "healthz" if path == first => Some(Route::Alive),
            "readyz" if path == first => Some(Route::Ready),
            "metrics" if path == first => Some(Route::Metrics),
            "version" if path == first => Some(Route::Version),
            "index" if path == first => Some(Route::Index),
            "catalog" if path == first => Some(Route::Catalog),
            "explain" => Some(Route::Explain(rest)),
            "api" => ApiRequest::parse(rest.strip_prefix("v1/")?).map(Route::Api),
            "modules" | "incidents" | "integrity" => PageRequest::parse(path).map(Route::Page),
            "badge" => rest.strip_suffix(".svg").map(Route::Badge),
            "vulndb" => Some(Route::Vulndb(rest)),
            "sumdb" => {
                let (number, rest) = self.split(rest)?;
                sumdb(rest).map(|request| Route::Sumdb(number, request))
            }
            "tlog" => match rest.strip_prefix(ORIGIN)?.strip_prefix('/')? {
                "checkpoint" => Some(Route::Tlog(TlogRequest::Checkpoint)),
                path if path.starts_with("tile/") => Some(Route::Tlog(TlogRequest::Tile(path))),
                _ => None,
            },
            "gossip" => self.number(rest).map(Route::Gossip),
            "log" => self.split(rest).map(|(number, file)| Route::Export(number, file)),
            _ if is_of_module(path) => Some(module(path)),
            _ => sumdb(path).map(|request| Route::Sumdb(0, request)),
        }
    }
}

fn module<'a>(path: &str) -> Route<'a> {
    match ModuleRequest::parse(path) {
        Ok(request) => Route::Module(request),
        Err(why) => Route::NoModule(why.to_string()),
    }
}

fn sumdb(path: &str) -> Option<SumdbRequest<'_>> {
    match path {
        "supported" => Some(SumdbRequest::Supported),
        "latest" => Some(SumdbRequest::Latest),
        path if path.starts_with("lookup/") => Some(SumdbRequest::Lookup(path)),
        path if path.starts_with("tile/") => Some(SumdbRequest::Tile(path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_hides_a_path() {
        use crate::config::GoEnv;
        use crate::config::settings::{Layers, Settings, rows};
        let names = DatabaseNames::new(["sum.golang.org"].into_iter());
        for path in [
            "healthz",
            "readyz",
            "metrics",
            "version",
            "index",
            "catalog",
            "explain/x",
            "api/v1/status",
            "modules",
            "incidents",
            "integrity",
            "badge/x.svg",
            "vulndb/x",
            "sumdb/sum.golang.org/latest",
            &format!("tlog/{ORIGIN}/checkpoint"),
            "gossip/sum.golang.org",
            "log/sum.golang.org/records",
            "supported",
            "latest",
            "lookup/x",
            "tile/x",
        ] {
            let (first, _) = path.split_once('/').unwrap_or((path, ""));
            let prefix = |prefix: String| {
                let layers = Layers::default().flag(&rows::prefix, [prefix]);
                Settings::of(&layers, &GoEnv::resolve(|_| None, "", ""), |_| Some("/d".to_owned())).map(|_| ())
            };
            assert!(prefix(format!("/{first}x")).is_ok() && prefix(format!("/{first}")).is_err(), "{path}");
            assert!(names.parse(path).is_some(), "{path}");
        }
    }

    #[test]
    fn only_configured_names_are_answered_for() {
        let names = DatabaseNames::new(["sum.golang.org", "host", "host/a", "host/a/b"].into_iter());
        for (path, route) in [
            ("", Some(Route::Home)),
            ("healthz", Some(Route::Alive)),
            ("readyz", Some(Route::Ready)),
            ("metrics", Some(Route::Metrics)),
            ("explain/a.b/c@v1.0.0", Some(Route::Explain("a.b/c@v1.0.0"))),
            ("api/v1/status", Some(Route::Api(ApiRequest::Status))),
            ("api/v2/status", None),
            ("modules/a.b/c", Some(Route::Page(PageRequest::Module("a.b/c")))),
            ("badge/a.b/c@v1.0.0.svg", Some(Route::Badge("a.b/c@v1.0.0"))),
            ("badge/a.b/c@v1.0.0", None),
            ("vulndb/index/db.json", Some(Route::Vulndb("index/db.json"))),
            ("latest", Some(Route::Sumdb(0, SumdbRequest::Latest))),
            ("lookup/a.b/c@v1.0.0", Some(Route::Sumdb(0, SumdbRequest::Lookup("lookup/a.b/c@v1.0.0")))),
            ("tile/8/0/000", Some(Route::Sumdb(0, SumdbRequest::Tile("tile/8/0/000")))),
            ("sumdb/sum.golang.org/supported", Some(Route::Sumdb(0, SumdbRequest::Supported))),
            ("sumdb/sum.golang.google.cn/latest", Some(Route::Sumdb(0, SumdbRequest::Latest))),
            ("sumdb/host/latest", Some(Route::Sumdb(1, SumdbRequest::Latest))),
            ("sumdb/host/a/latest", Some(Route::Sumdb(2, SumdbRequest::Latest))),
            ("sumdb/host/a/b/latest", Some(Route::Sumdb(3, SumdbRequest::Latest))),
            ("log/host/a/b/records", Some(Route::Export(3, "records"))),
            ("log/host/a/records", Some(Route::Export(2, "records"))),
            ("gossip/host/a/b", Some(Route::Gossip(3))),
            ("gossip/sum.golang.google.cn", Some(Route::Gossip(0))),
            ("gossip/host/c", None),
            ("gossip", None),
            ("sumdb/host/a/c/latest", None),
            ("sumdb/hostile/latest", None),
            ("sumdb/other/latest", None),
            ("sumdb/latest", None),
            ("sumdb", None),
            ("version", Some(Route::Version)),
            ("index", Some(Route::Index)),
            ("catalog", Some(Route::Catalog)),
            ("index/x", None),
            ("catalog/x/@v/list", None),
            ("healthz/x", None),
            ("supported/x", None),
            ("tlog/latest", None),
            ("golang.org/x/text", None),
            ("tile/8/0/x/@v/list", Some(Route::Sumdb(0, SumdbRequest::Tile("tile/8/0/x/@v/list")))),
        ] {
            assert_eq!(names.parse(path), route, "{path}");
        }
        for (path, route) in [
            ("golang.org/x/text/@v/list", RouteName::List),
            ("index.example/x/@v/list", RouteName::List),
            ("catalog.example/@latest", RouteName::ModLatest),
            ("version.example/x/@v/v0.3.0.zip", RouteName::Zip),
            ("golang.org/x/text/@latest", RouteName::ModLatest),
            ("golang.org/x/text/@v/v0.3.0.info", RouteName::Info),
            ("golang.org/x/text/@v/master.info", RouteName::Info),
            ("golang.org/x/text/@v/v0.3.0.mod", RouteName::Mod),
            ("golang.org/x/text/@v/v0.3.0.zip", RouteName::Zip),
            ("golang.org/x/text/@v/v0.3.zip", RouteName::Other),
            ("golang.org/x/Text/@v/list", RouteName::Other),
        ] {
            assert_eq!(names.parse(path).map(|route| route.name()), Some(route), "{path}");
        }
        let others = DatabaseNames::new(["host"].into_iter());
        assert_eq!(others.parse("sumdb/sum.golang.google.cn/latest"), None, "an alias of what is not served");
        let checkpoint = format!("tlog/{ORIGIN}/checkpoint");
        assert_eq!(names.parse(&checkpoint), Some(Route::Tlog(TlogRequest::Checkpoint)));
    }

    #[test]
    fn the_origin_is_that_of_every_checksum_database() {
        use sha2::{Digest as _, Sha256};
        assert_eq!(hex::encode(Sha256::digest("go.sum database tree")), ORIGIN);
    }
}
