//! The routes for people and programs that look at what is here: `/api/v1/`, and the pages below `/modules` that show the same. No
//! module path begins so: its first element has a dot.

use crate::sumdb::module::{ModulePath, ModuleVersion};

/// A request below `/api/v1/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiRequest<'a> {
    /// `openapi.json`: what there is here
    OpenApi,
    /// `status`
    Status,
    /// `upstreams`
    Upstreams,
    /// `incidents`
    Incidents,
    /// `integrity`: the recorded verifications
    Integrity,
    /// `modules`: the list, and the search
    Modules,
    /// `modules/MODULE`: its versions
    Versions(&'a str),
    /// `modules/MODULE@VERSION/files`: the files in its zip
    Files(&'a str),
    /// `modules/MODULE@VERSION/file?path=`: one of them
    File(&'a str),
    /// `modules/MODULE@VERSION/go.mod`
    GoMod(&'a str),
    /// `proofs/MODULE@VERSION`
    Proof(&'a str),
    /// `explain/MODULE@VERSION`
    Explain(&'a str),
}

/// A page for people, besides the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageRequest<'a> {
    /// `modules`: the list, and the search
    Modules,
    /// `modules/MODULE`
    Module(&'a str),
    /// `modules/MODULE@VERSION`, and one of its files with `?file=`
    Version(&'a str),
    /// `incidents`
    Incidents,
    /// `integrity`
    Integrity,
}

/// What a request names, for access control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// the state of this server
    Server,
    /// several modules: those that the client may read
    Several,
    /// this module, by its path
    Module(ModulePath),
    /// no module can have that name, or none is named
    Nothing,
}

impl<'a> ApiRequest<'a> {
    /// The request for what is below `/api/v1/`.
    pub(crate) fn parse(path: &'a str) -> Option<ApiRequest<'a>> {
        Some(match path.split_once('/').unwrap_or((path, "")) {
            ("openapi.json", "") => ApiRequest::OpenApi,
            ("status", "") => ApiRequest::Status,
            ("upstreams", "") => ApiRequest::Upstreams,
            ("incidents", "") => ApiRequest::Incidents,
            ("integrity", "") => ApiRequest::Integrity,
            ("modules", "") => ApiRequest::Modules,
            ("modules", module) => match module.split_once('@') {
                None => ApiRequest::Versions(module),
                // A version has no slash.
                Some((_, rest)) => {
                    let (module, of) = module.split_at(module.len() - rest.len() + rest.find('/')?);
                    match of {
                        "/files" => ApiRequest::Files(module),
                        "/file" => ApiRequest::File(module),
                        "/go.mod" => ApiRequest::GoMod(module),
                        _ => return None,
                    }
                }
            },
            ("proofs", module) if !module.is_empty() => ApiRequest::Proof(module),
            ("explain", module) if !module.is_empty() => ApiRequest::Explain(module),
            _ => return None,
        })
    }

    /// What it names.
    pub(crate) fn subject(&self) -> Subject {
        match *self {
            ApiRequest::OpenApi => Subject::Nothing,
            ApiRequest::Status | ApiRequest::Upstreams | ApiRequest::Integrity => Subject::Server,
            ApiRequest::Incidents | ApiRequest::Modules => Subject::Several,
            ApiRequest::Versions(module) => of_path(module),
            ApiRequest::Files(module)
            | ApiRequest::File(module)
            | ApiRequest::GoMod(module)
            | ApiRequest::Proof(module)
            | ApiRequest::Explain(module) => of_version(module),
        }
    }
}

impl<'a> PageRequest<'a> {
    /// The page at this path.
    pub(crate) fn parse(path: &'a str) -> Option<PageRequest<'a>> {
        Some(match path.split_once('/').unwrap_or((path, "")) {
            ("modules", "") => PageRequest::Modules,
            ("modules", module) if module.contains('@') => PageRequest::Version(module),
            ("modules", module) => PageRequest::Module(module),
            ("incidents", "") => PageRequest::Incidents,
            ("integrity", "") => PageRequest::Integrity,
            _ => return None,
        })
    }

    /// What it names.
    pub(crate) fn subject(&self) -> Subject {
        match *self {
            PageRequest::Modules | PageRequest::Incidents => Subject::Several,
            PageRequest::Integrity => Subject::Server,
            PageRequest::Module(module) => of_path(module),
            PageRequest::Version(module) => of_version(module),
        }
    }
}

fn of_path(module: &str) -> Subject {
    ModulePath::parse(module).map_or(Subject::Nothing, Subject::Module)
}

/// What `MODULE@VERSION` names.
pub(crate) fn of_version(module: &str) -> Subject {
    let parsed = ModuleVersion::parse_at(module);
    parsed.map_or(Subject::Nothing, |module| Subject::Module(module.path().clone()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_meaning() {
        for (path, request) in [
            ("openapi.json", Some(ApiRequest::OpenApi)),
            ("status", Some(ApiRequest::Status)),
            ("status/x", None),
            ("modules", Some(ApiRequest::Modules)),
            ("modules/a.b/c", Some(ApiRequest::Versions("a.b/c"))),
            ("modules/a.b/c@v1.0.0", None),
            ("modules/a.b/c@v1.0.0/files", Some(ApiRequest::Files("a.b/c@v1.0.0"))),
            ("modules/a.b/c@v1.0.0/file", Some(ApiRequest::File("a.b/c@v1.0.0"))),
            ("modules/a.b/c@v1.0.0/go.mod", Some(ApiRequest::GoMod("a.b/c@v1.0.0"))),
            ("modules/a.b/c@v1.0.0/file/x", None),
            ("proofs/a.b/c@v1.0.0", Some(ApiRequest::Proof("a.b/c@v1.0.0"))),
            ("proofs", None),
            ("explain/a.b/c@v1.0.0", Some(ApiRequest::Explain("a.b/c@v1.0.0"))),
            ("", None),
        ] {
            assert_eq!(ApiRequest::parse(path), request, "{path}");
        }
        for (path, request) in [
            ("modules", Some(PageRequest::Modules)),
            ("modules/a.b/c", Some(PageRequest::Module("a.b/c"))),
            ("modules/a.b/c@v1.0.0", Some(PageRequest::Version("a.b/c@v1.0.0"))),
            ("incidents", Some(PageRequest::Incidents)),
            ("integrity", Some(PageRequest::Integrity)),
            ("incidents/x", None),
        ] {
            assert_eq!(PageRequest::parse(path), request, "{path}");
        }
    }

    #[test]
    fn a_request_is_about_the_module_that_it_names() {
        let module = || Subject::Module(ModulePath::parse("a.b/c").unwrap());
        for path in ["modules/a.b/c", "modules/a.b/c@v1.0.0/file", "proofs/a.b/c@v1.0.0", "explain/a.b/c@v1.0.0"] {
            assert_eq!(ApiRequest::parse(path).map(|request| request.subject()), Some(module()), "{path}");
        }
        assert_eq!(ApiRequest::Proof("A").subject(), Subject::Nothing);
        assert_eq!(PageRequest::Version("a.b/c@v1.0.0").subject(), module());
        assert_eq!((of_version("a.b/c@v1.0.0"), of_version("a.b/c@x")), (module(), Subject::Nothing));
    }
}
