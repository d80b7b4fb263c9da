//! The order inside folders: which of its modules may import which, and no circle of modules anywhere.
//!
//! An import counts for the file that has the item: a name that a module only passes on (`pub use answer::Answer`) leads to where
//! it comes from. Between a module and those inside it both ways are open: they are one thing in several files.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::source::Source;

/// A module by its path from the crate's root; the root itself is empty.
type Module = Vec<String>;

/// That something in one child of a folder imports something in another: where, first.
type Edges = BTreeMap<(String, String), (String, usize)>;

/// The modules of a program.
pub(crate) struct Rooms<'a> {
    sources: BTreeMap<Module, &'a Source>,
    /// by module and name, what its `use` lines bring in
    names: BTreeMap<(Module, String), Module>,
}

/// A folder and the order of its modules, the uppermost line first.
pub(crate) struct Folder {
    /// its path, such as `store/index`
    pub path: &'static str,
    /// a module imports from lines below its own: not upwards and not sideways
    pub lines: &'static [&'static [&'static str]],
}

/// Modules of one folder that import each other in a circle, which is still to be broken.
pub(crate) struct Circle {
    /// the folder's path; empty for `src` itself
    pub folder: &'static str,
    /// its members, sorted
    pub members: &'static [&'static str],
    /// why it stands
    pub reason: &'static str,
}

impl<'a> Rooms<'a> {
    /// Those in `src/`. `main` is a program of its own.
    pub(crate) fn of(sources: &'a [Source]) -> Rooms<'a> {
        let module = |source: &'a Source| Some((module(&source.path)?, source));
        let mut rooms = Rooms { sources: sources.iter().filter_map(module).collect(), names: BTreeMap::new() };
        let mut names = BTreeMap::new();
        for (module, source) in &rooms.sources {
            for path in source.uses() {
                let name = path.last().cloned().unwrap_or_default();
                if let Some(whole) = rooms.absolute(module, &path, 0) {
                    names.insert((module.clone(), name), whole);
                }
            }
        }
        rooms.names = names;
        rooms
    }

    /// A path as it is from the root, where it leads into the program.
    fn absolute(&self, from: &Module, path: &[String], mods: usize) -> Option<Module> {
        let first = path.first()?;
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let child = || [from.as_slice(), &path[..1]].concat();
        let (base, rest) = match first.as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (from.as_slice(), &path[1..]),
            "super" => (&from[..from.len().checked_sub(supers.saturating_sub(mods))?], &path[supers..]),
            _ if self.sources.contains_key(&child()) => (from.as_slice(), path),
            _ => return None,
        };
        Some(base.iter().chain(rest).cloned().collect())
    }

    /// The module that has what an absolute path leads to.
    fn home(&self, path: &[String], depth: usize) -> Module {
        let known = (0..=path.len()).rev().find(|len| self.sources.contains_key(&path[..*len])).unwrap_or(0);
        let (module, rest) = path.split_at(known);
        let passed_on = rest.first().and_then(|name| self.names.get(&(module.to_vec(), name.clone())));
        match passed_on.filter(|path| depth < 8 && path.as_slice() != module) {
            Some(path) => self.home(path, depth + 1),
            None => module.to_vec(),
        }
    }

    /// What imports what, by folder.
    fn edges(&self) -> BTreeMap<Module, Edges> {
        let mut folders: BTreeMap<Module, Edges> = BTreeMap::new();
        for (module, source) in &self.sources {
            for (path, line, mods) in source.paths() {
                let Some(path) = self.absolute(module, &path, mods) else { continue };
                let home = self.home(&path, 0);
                let common = module.iter().zip(&home).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (module.get(common), home.get(common)) {
                    let edges = folders.entry(module[..common].to_vec()).or_default();
                    edges.entry((from.clone(), to.clone())).or_insert((source.path.clone(), line));
                }
            }
        }
        folders
    }

    /// Every import against the order of its folder, and every module without a place in it.
    pub(crate) fn check_order(&self, order: &[Folder]) -> Vec<Fault> {
        let edges = self.edges();
        let mut faults = Vec::new();
        for Folder { path, lines } in order {
            let folder: Module = path.split('/').map(str::to_owned).collect();
            let line_of = |module: &str| lines.iter().position(|line| line.contains(&module));
            for (module, source) in &self.sources {
                let own = module.strip_prefix(folder.as_slice()).filter(|inside| inside.len() == 1);
                if own.is_some_and(|own| line_of(&own[0]).is_none()) {
                    let why = format!("has no place in the order of {path}: see ROOMS in tests/tidy.rs");
                    faults.push(Fault { path: source.path.clone(), line: 1, why });
                }
            }
            for ((from, to), (file, line)) in edges.get(&folder).into_iter().flatten() {
                if let (Some(above), Some(below)) = (line_of(from), line_of(to))
                    && above >= below
                {
                    let why = format!("in {path}, `{from}` may not import `{to}`: imports point down only");
                    faults.push(Fault { path: file.clone(), line: *line, why });
                }
            }
        }
        faults
    }

    /// Every circle that is not in `known`, and every one there that stands no more.
    pub(crate) fn check_circles(&self, known: &[Circle]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut met = BTreeSet::new();
        for (folder, edges) in &self.edges() {
            let folder = folder.join("/");
            for members in circles(edges) {
                let is_met = |circle: &&Circle| circle.folder == folder && members.iter().eq(circle.members);
                if let Some(circle) = known.iter().find(is_met) {
                    met.insert((circle.folder, circle.members));
                    continue;
                }
                let inside = edges.iter().filter(|((from, to), _)| members.contains(from) && members.contains(to));
                for ((from, to), (file, line)) in inside {
                    let why = format!("in `{folder}`, `{from}` imports `{to}`, and {members:?} go round in a circle");
                    faults.push(Fault { path: file.clone(), line: *line, why });
                }
            }
        }
        for circle in known.iter().filter(|circle| !met.contains(&(circle.folder, circle.members))) {
            let why = format!("the circle {:?} is no more; take it from CIRCLES ({})", circle.members, circle.reason);
            faults.push(Fault { path: format!("src/{}", circle.folder), line: 1, why });
        }
        faults
    }
}

/// The module of a file in `src/`.
fn module(path: &str) -> Option<Module> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    match inside {
        "main" => None,
        "lib" => Some(Vec::new()),
        _ => Some(inside.split('/').map(str::to_owned).collect()),
    }
}

/// The sets of modules each of which leads to all others of its set.
fn circles(edges: &Edges) -> Vec<Vec<String>> {
    let nodes: BTreeSet<&String> = edges.keys().flat_map(|(from, to)| [from, to]).collect();
    let reached = |start: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(node) = open.pop() {
            let next = edges.keys().filter(|(from, _)| *from == node).map(|(_, to)| to.clone());
            open.extend(next.filter(|to| seen.insert(to.clone())));
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = nodes.into_iter().map(|node| (node, reached(node))).collect();
    let circle = |node: &String| {
        let with = reached[node].iter().filter(|other| reached[*other].contains(node));
        with.cloned().collect::<Vec<_>>()
    };
    let found: BTreeSet<Vec<String>> = reached.keys().map(|node| circle(node)).filter(|c| c.len() > 1).collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &[Folder] = &[Folder { path: "store", lines: &[&["log", "index"], &["disk"]] }];

    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        files.iter().map(|(path, text)| Source::parse(path, text)).collect()
    }

    fn order(path: &str, text: &str) -> usize {
        let house = [
            ("src/store.rs", "pub use disk::Disk; pub use log::Log;"),
            ("src/store/log.rs", "use super::disk::Disk; use super::Folder;"),
            ("src/store/index.rs", ""),
            ("src/store/disk.rs", ""),
        ];
        let files: Vec<_> = house.into_iter().filter(|(other, _)| *other != path).chain([(path, text)]).collect();
        Rooms::of(&sources(&files)).check_order(ORDER).len()
    }

    #[test]
    fn imports_against_the_order_of_a_folder_are_caught() {
        assert_eq!(order("src/store/index.rs", "use super::{Disk, disk}; use crate::sumdb;"), 0);
        assert_eq!(order("src/store/index/key.rs", "use super::super::disk::Disk; use super::Index;"), 0);
        assert_eq!(order("src/store/disk.rs", "mod tests { use super::Real; } fn f() { crate::fault::x() }"), 0);
        for (path, text) in [
            ("src/store/disk.rs", "use super::log::Log;"),
            ("src/store/disk.rs", "use crate::store::log;"),
            ("src/store/disk.rs", "use super::Log;"), // it comes from `log`
            ("src/store/disk/real.rs", "use super::super::{Folder, log::Log};"),
            ("src/store/index.rs", "use super::log::Log;"),
            ("src/store/index/key.rs", "fn f() { crate::store::log::open() }"),
            ("src/store/stranger.rs", ""),
        ] {
            assert_eq!(order(path, text), 1, "{path}: {text}");
        }
    }

    #[test]
    fn circles_are_caught_and_those_that_are_gone() {
        const KNOWN: Circle = Circle { folder: "a", members: &["x", "y"], reason: "" };
        let faults = |files: &[(&str, &str)], known: &[Circle]| Rooms::of(&sources(files)).check_circles(known).len();
        let two = [("src/a/x.rs", "use super::y::Y;"), ("src/a/y.rs", "use super::x::X;")];
        assert_eq!((faults(&two, &[]), faults(&two, &[KNOWN])), (2, 0));
        assert_eq!((faults(&two[..1], &[]), faults(&two[..1], &[KNOWN])), (0, 1));
        let parent = [("src/a.rs", "use x::X; pub use y::Y;"), ("src/a/x.rs", "use super::{A, Y};")];
        assert_eq!(faults(&[parent[0], parent[1], ("src/a/y.rs", "use super::A;")], &[]), 0);
        assert_eq!(faults(&[parent[0], parent[1], ("src/a/y.rs", "use super::x;")], &[]), 2);
        let three = [("src/x.rs", "use crate::y;"), ("src/y/in.rs", "use super::super::z::Z;"), ("src/y.rs", "")];
        assert_eq!(faults(&[three[0], three[1], three[2], ("src/z.rs", "use crate::x::X;")], &[]), 3);
        assert_eq!(faults(&[three[0], three[1], three[2], ("src/z.rs", "use crate::{w::X};")], &[]), 0);
    }
}
