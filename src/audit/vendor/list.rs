//! modules.txt: the modules and packages of a vendor folder, as the go command reads them (cmd/go/internal/modload/vendor.go,
//! readVendorList).

use std::collections::{BTreeMap, BTreeSet};

use crate::sumdb::module::{ModulePath, ModuleVersion, semver};

/// Lines that are named as malformed; further ones are passed over.
const MAX_MALFORMED: usize = 100;
/// Lines with a name at most, and modules among them. The largest lists known have 2,000 modules.
const MAX_NAMES: usize = 1_000_000;
const MAX_MODULES: usize = 20_000;
/// Characters of a line that are shown.
const MAX_SHOWN: usize = 200;

/// A module of the list.
pub struct VendoredModule {
    /// its path, which its packages begin with
    pub path: String,
    /// its version; empty where only a replacement is named
    pub version: String,
    /// where its files come from
    pub source: Source,
    /// the packages that were copied
    pub packages: BTreeSet<String>,
    /// the line, fit to be shown
    pub line: String,
}

/// Where the files of a module come from.
pub enum Source {
    /// the zip of this module version
    Module(ModuleVersion),
    /// a replacement by a folder
    Folder(String),
}

impl Source {
    /// Whether it is the zip of `module`.
    pub fn is(&self, module: &ModuleVersion) -> bool {
        matches!(self, Source::Module(own) if own == module)
    }
}

/// A line that the go command passes over or refuses.
pub struct Malformed {
    /// which, counted from 1
    pub number: usize,
    /// the line, fit to be shown
    pub text: String,
    /// the rule that it breaks
    pub why: String,
}

/// Reads the list, and what is wrong with its lines.
pub fn read(text: &str) -> (Vec<VendoredModule>, Vec<Malformed>) {
    let (mut modules, mut malformed) = (Vec::<VendoredModule>::new(), Vec::new());
    let (mut names, mut taken) = (0, ListedNames::default());
    for (number, line) in (1..).zip(text.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let outcome = match words.as_slice() {
            [] => continue,
            [first, ..] if first.starts_with("##") => continue,
            _ if names == MAX_NAMES || modules.len() == MAX_MODULES => Err("the list is longer than any".to_owned()),
            // To go, a line that begins otherwise is of no module, and the packages after it are of the one before.
            ["#", words @ ..] if line.starts_with("# ") => module(words, line).map(|module| modules.push(module)),
            [package] => {
                let place = modules.len();
                match modules.last_mut() {
                    Some(module) if !is_package(package, &module.path) => {
                        Err(format!("it is not a package of {}", shown(&module.path)))
                    }
                    Some(module) => taken.take(package, &module.path, place).map(|()| {
                        module.packages.insert((*package).to_owned());
                    }),
                    None => Err("a package stands before any module".to_owned()),
                }
            }
            _ => Err("it names neither a module nor a package".to_owned()),
        };
        names += 1;
        if let Err(why) = outcome
            && malformed.len() < MAX_MALFORMED
        {
            malformed.push(Malformed { number, text: shown(line), why });
        }
    }
    (modules, malformed)
}

/// What the list has named so far. Go takes the last of two lines, and the higher of two versions: the files can be those of one.
#[derive(Default)]
struct ListedNames {
    packages: BTreeSet<String>,
    /// which of the modules with this path has packages
    modules: BTreeMap<String, usize>,
}

impl ListedNames {
    fn take(&mut self, package: &str, module: &str, place: usize) -> Result<(), String> {
        if *self.modules.entry(module.to_owned()).or_insert(place) != place {
            return Err(format!("{} has packages in the list already, so this one is of two", shown(module)));
        }
        match self.packages.insert(package.to_owned()) {
            true => Ok(()),
            false => Err("the package is in the list already".to_owned()),
        }
    }
}

/// A line of a module, without its `#`.
fn module(words: &[&str], line: &str) -> Result<VendoredModule, String> {
    let (path, version, replaced) = match words {
        [path, version] => (path, *version, None),
        [path, version, "=>", rest @ ..] => (path, *version, Some(rest)),
        // A replacement of all versions, or of one that no package comes from: no package follows.
        [path, "=>", rest @ ..] => (path, "", Some(rest)),
        _ => return Err("a module has a path and a version".to_owned()),
    };
    ModulePath::parse(path).map_err(|error| error.to_string())?;
    let parse = |path: &str, version: &str| ModuleVersion::new(path, version).map_err(|error| error.to_string());
    let source = match replaced {
        None => Source::Module(parse(path, version)?),
        Some([path, version]) if semver::is_valid(version) => Source::Module(parse(path, version)?),
        Some([folder]) => Source::Folder((*folder).to_owned()),
        Some(_) => return Err("a replacement is a module version or a folder".to_owned()),
    };
    let (path, version) = ((*path).to_owned(), version.to_owned());
    Ok(VendoredModule { path, version, source, packages: BTreeSet::new(), line: shown(line) })
}

/// Whether `package` is the module's own path or below it, and cannot lead out of its folder.
fn is_package(package: &str, module: &str) -> bool {
    let Some(rest) = package.strip_prefix(module) else { return false };
    rest.is_empty()
        || rest.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0']))
        })
}

fn shown(text: &str) -> String {
    crate::sumdb::printable::printable(text.as_bytes(), MAX_SHOWN)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_as_go_reads_it() {
        let (modules, malformed) = read(
            "# a.example/one v1.0.0\n## explicit; go 1.21\na.example/one\na.example/one/sub\n# b.example/two v1.0.0 => ../two\n\
             b.example/two\n# c.example/three v1.0.0 => d.example/four v1.2.0\nc.example/three/x\n# e.example/five => ./five\n",
        );
        assert_eq!((modules.len(), malformed.len()), (4, 0));
        assert!(modules[0].packages.iter().eq(["a.example/one", "a.example/one/sub"]));
        assert!(matches!(&modules[1].source, Source::Folder(folder) if folder == "../two"));
        assert!(matches!(&modules[2].source, Source::Module(module) if module.to_string() == "d.example/four@v1.2.0"));
        assert!(modules[3].packages.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let text =
            "a.example/x\n# a.example/one v1.0.0\na.example/other\na.example/one/../x\n# a.example/one 1.0\n# x\na b\n";
        let (modules, malformed) = read(text);
        assert_eq!(modules.len(), 1);
        let lines: Vec<usize> = malformed.iter().map(|line| line.number).collect();
        assert_eq!(lines, [1, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn no_line_is_read_otherwise_than_go_reads_it_and_nothing_stands_twice() {
        let text = "# a.example/one v1.2.0\na.example/one\n # a.example/one v1.0.0\n#\ta.example/two v1.0.0\n\
                    # a.example/one v1.3.0\na.example/one/sub\n# a.example/one/in v1.0.0\na.example/one/in\na.example/one/in\n\
                    # a.example/one => ./one\n";
        let (modules, malformed) = read(text);
        let lines: Vec<usize> = malformed.iter().map(|line| line.number).collect();
        assert_eq!(lines, [3, 4, 6, 9]);
        let packages: Vec<(&str, usize)> =
            modules.iter().map(|module| (module.version.as_str(), module.packages.len())).collect();
        assert_eq!(packages, [("v1.2.0", 1), ("v1.3.0", 0), ("v1.0.0", 1), ("", 0)]);
        let (modules, malformed) =
            read("# a.example/one v1.2.0\na.example/one/in\n# a.example/one/in v1.0.0\na.example/one/in\n");
        assert_eq!((malformed.len(), modules[1].packages.len()), (1, 0));
    }
}
