//! What the go command asks for after a question, where its questions tell (go.dev/ref/mod; cmd/go/internal/modload
//! buildlist.go, readModGraph; modcmd download.go).
//!
//! - After `M@V.info` come `M@V.mod` and `M@V.zip`.
//! - After `M@V.mod` come the go.mod files of what it requires: one level below a go.mod that says `go 1.17` or later, since the
//!   graph is pruned there, and all levels below one that does not.
//! - `go mod download` asks for all go.mod files first, and then, in the order of the modules, for `.info` and `.zip` of each
//!   version that it selected: the newest of each module. So an `.info` after its `.mod` tells that all the others follow.
//! - A build asks for no `.info`: the first `.zip` tells that it has the graph, and takes zips of the selected versions from now on.
//!   Where its main module says `go 1.17` or later it has the graph without asking, takes the zip of each module that an import
//!   names, and then the go.mod of that module (modload load.go, fetch; modfetch.DownloadZip): the two are brought at the same
//!   time. What that go.mod requires are the zips that it is likely to take next, often in these versions: their records come with
//!   their go.mod files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::settings::ReadAhead;
use crate::sumdb::gomod::GoMod;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// The module whose zips are whole toolchains: 70 MB each, and not what a build takes next.
const TOOLCHAIN: &str = "golang.org/toolchain";

/// One thing to bring.
#[derive(Debug, Clone)]
pub(super) struct AheadStep {
    pub(super) request: ModuleRequest,
    /// of a go.mod: what of its requirements is brought next
    pub(super) below: Below,
    /// go.mod files between this one and the one that the client asked for
    pub(super) depth: u8,
    /// requests that may still follow from the question that this one follows from
    pub(super) left: Arc<AtomicUsize>,
}

/// Which requirements of a go.mod are brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    /// all: the client asked for this go.mod
    Asked,
    /// all: it asks for this go.mod next
    Next,
    /// all, where it is not pruned
    Unpruned,
    /// all, as it is below one that is not pruned
    All,
}

impl AheadStep {
    /// The first step of a question.
    pub(super) fn first(request: ModuleRequest, below: Below, left: &Arc<AtomicUsize>) -> AheadStep {
        AheadStep { request, below, depth: 0, left: Arc::clone(left) }
    }

    /// The steps that follow from the go.mod that this one brought, down to `depth` levels.
    pub(super) fn next(&self, go_mod: &GoMod, depth: u8) -> Vec<AheadStep> {
        let below = match (self.below, go_mod.is_pruned) {
            (Below::Asked | Below::Next, true) => Below::Unpruned,
            (Below::Unpruned, true) => return Vec::new(),
            (_, false) | (Below::All, true) => Below::All,
        };
        if self.depth >= depth {
            return Vec::new();
        }
        let step = |module: &ModuleVersion| AheadStep {
            request: ModuleRequest::File(module.clone(), Kind::GoMod),
            below,
            depth: self.depth + 1,
            left: Arc::clone(&self.left),
        };
        go_mod.requirements.iter().map(|requirement| step(&requirement.module)).collect()
    }

    /// Takes one of the requests that may follow from the question; false where none is left.
    pub(super) fn take(&self) -> bool {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.is_ok()
    }
}

/// What a client is doing, where its questions tell.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// of each module whose go.mod the client asked for, the newest such version: what it selects
    selected: BTreeMap<ModulePath, Version>,
    /// which of these are wanted whole, so that a go.mod that is asked for later is too
    whole: Whole,
}

/// What a client takes of the versions that it selected, besides their go.mod files.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// nothing yet
    #[default]
    Not,
    /// zips
    Zips,
    /// `.info` and zips
    Downloads,
}

impl Questions {
    /// What follows from a question, in the order in which it will be asked for.
    pub(super) fn follow(&mut self, asked: &ModuleRequest, mode: ReadAhead) -> Vec<(ModuleRequest, Below)> {
        let (module, mut next) = match asked {
            ModuleRequest::Info(module) => (module, vec![(file(module, Kind::GoMod), Below::Unpruned)]),
            ModuleRequest::File(module, Kind::GoMod) => (module, vec![(asked.clone(), Below::Asked)]),
            ModuleRequest::File(module, Kind::Zip) => (module, Vec::new()),
            ModuleRequest::List(_) | ModuleRequest::Latest(_) | ModuleRequest::Query(..) => return Vec::new(),
        };
        let was = self.whole;
        match asked {
            ModuleRequest::Info(_) if self.is_selected(module) => self.whole = Whole::Downloads,
            ModuleRequest::File(_, Kind::Zip) if was == Whole::Not => self.whole = Whole::Zips,
            ModuleRequest::File(_, Kind::GoMod) => self.select(module),
            _ => {}
        }
        if mode != ReadAhead::All {
            return next;
        }
        if let ModuleRequest::Info(_) = asked {
            next.extend(zip(module));
        }
        if self.whole != was {
            let selected = self
                .selected
                .iter()
                .filter_map(|(path, version)| ModuleVersion::pair(path.clone(), version.clone()).ok());
            next.extend(selected.flat_map(|module| self.whole_of(&module)));
        } else if let ModuleRequest::File(_, Kind::GoMod) = asked {
            next.extend(self.whole_of(module));
        }
        next
    }

    fn is_selected(&self, module: &ModuleVersion) -> bool {
        self.selected.get(module.path()) == Some(module.version())
    }

    fn select(&mut self, module: &ModuleVersion) {
        let version = self.selected.entry(module.path().clone()).or_insert_with(|| module.version().clone());
        if *version < *module.version() {
            version.clone_from(module.version());
        }
    }

    /// What the client takes of a version that it selected.
    fn whole_of(&self, module: &ModuleVersion) -> Vec<(ModuleRequest, Below)> {
        let info = (self.whole == Whole::Downloads).then(|| (ModuleRequest::Info(module.clone()), Below::Unpruned));
        let zip = zip(module).filter(|_| self.whole != Whole::Not);
        info.into_iter().chain(zip).collect()
    }
}

/// What is asked for right after the answer, so that it is brought while that is waited for.
pub(super) fn beside(asked: &ModuleRequest) -> Option<(ModuleRequest, Below)> {
    match asked {
        ModuleRequest::File(module, Kind::Zip) => Some((file(module, Kind::GoMod), Below::Next)),
        _ => None,
    }
}

fn file(module: &ModuleVersion, kind: Kind) -> ModuleRequest {
    ModuleRequest::File(module.clone(), kind)
}

fn zip(module: &ModuleVersion) -> Option<(ModuleRequest, Below)> {
    (module.path().as_str() != TOOLCHAIN).then(|| (file(module, Kind::Zip), Below::Unpruned))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// What follows from these questions, each in a line of its own.
    fn followed(mode: ReadAhead, asked: &[&str]) -> Vec<String> {
        let mut questions = Questions::default();
        let line = |path: &&str| {
            let next = questions.follow(&ModuleRequest::parse(path).unwrap(), mode);
            next.iter().map(|(request, _)| request.to_string()).collect::<Vec<_>>().join(" ")
        };
        asked.iter().map(line).collect()
    }

    #[test]
    fn what_follows_is_what_the_go_command_asks_next() {
        let (a1, a2) = ("m/a.b/a/@v/v1.0.0", "m/a.b/a/@v/v1.2.0");
        let (a1, a2) = (a1.trim_start_matches("m/"), a2.trim_start_matches("m/"));
        let b = "a.b/b/@v/v1.0.0";
        let path = |base: &str, end: &str| format!("{base}{end}");
        let asked =
            [path(a1, ".mod"), path(a2, ".mod"), path(b, ".mod"), path(a2, ".info"), path("a.b/c/@v/v1.0.0", ".mod")];
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        // go mod download: the first .info tells that the newest of each follow.
        assert_eq!(
            followed(ReadAhead::All, &asked),
            [
                "a.b/a/@v/v1.0.0.mod",
                "a.b/a/@v/v1.2.0.mod",
                "a.b/b/@v/v1.0.0.mod",
                "a.b/a/@v/v1.2.0.mod a.b/a/@v/v1.2.0.zip a.b/a/@v/v1.2.0.info a.b/a/@v/v1.2.0.zip a.b/b/@v/v1.0.0.info a.b/b/@v/v1.0.0.zip",
                "a.b/c/@v/v1.0.0.mod a.b/c/@v/v1.0.0.info a.b/c/@v/v1.0.0.zip",
            ]
        );
        let mods = followed(ReadAhead::Mod, &asked);
        assert!(mods.iter().all(|line| !line.contains(".zip")), "{mods:?}");
        // go mod download M@V, or go get: the version alone.
        assert_eq!(followed(ReadAhead::All, &["a.b/a/@v/v1.0.0.info"]), ["a.b/a/@v/v1.0.0.mod a.b/a/@v/v1.0.0.zip"]);
        // A build: no .info.
        assert_eq!(
            followed(ReadAhead::All, &["a.b/a/@v/v1.0.0.mod", "a.b/b/@v/v1.0.0.mod", "a.b/b/@v/v1.0.0.zip"])[2],
            "a.b/a/@v/v1.0.0.zip a.b/b/@v/v1.0.0.zip"
        );
        // Lists, branches and toolchains tell nothing.
        for path in ["a.b/a/@v/list", "a.b/a/@latest", "a.b/a/@v/main.info"] {
            assert_eq!(followed(ReadAhead::All, &[path]), [""]);
        }
        let toolchain = "golang.org/toolchain/@v/v0.0.1-go1.21.0.linux-amd64";
        assert_eq!(followed(ReadAhead::All, &[&path(toolchain, ".info")]), [path(toolchain, ".mod")]);
    }

    /// What is brought below a go.mod, by its place and by what it says.
    #[test]
    fn graphs_are_pruned_as_the_go_command_prunes_them() {
        let left = Arc::new(AtomicUsize::new(9));
        let read = |text: &str| GoMod::read(text.as_bytes()).unwrap();
        let (pruned, unpruned) = (read("go 1.17\nrequire a.b/c v1.0.0\n"), read("go 1.16\nrequire a.b/c v1.0.0\n"));
        let request = ModuleRequest::parse("a.b/m/@v/v1.0.0.mod").unwrap();
        for (below, go_mod, expected) in [
            (Below::Asked, &pruned, Some(Below::Unpruned)),
            (Below::Asked, &unpruned, Some(Below::All)),
            (Below::Next, &pruned, Some(Below::Unpruned)),
            (Below::Next, &unpruned, Some(Below::All)),
            (Below::Unpruned, &pruned, None),
            (Below::Unpruned, &unpruned, Some(Below::All)),
            (Below::All, &pruned, Some(Below::All)),
            (Below::All, &unpruned, Some(Below::All)),
        ] {
            let step = AheadStep::first(request.clone(), below, &left);
            let next = step.next(go_mod, 3);
            assert_eq!(next.first().map(|step| step.below), expected, "{below:?}");
            assert!(next.iter().all(|step| step.depth == 1));
        }
        let deepest = AheadStep { depth: 3, ..AheadStep::first(request, Below::All, &left) };
        assert!(deepest.next(&unpruned, 3).is_empty());
        assert!(
            (0..9).all(|_| deepest.take()) && !deepest.take(),
            "nine requests follow from a question, and no tenth"
        );
    }
}
