//! The claims of a program that Go built: the modules that it names in its build information, each with the h1 of the zip that its
//! packages came from.

use std::collections::BTreeSet;

use super::buildinfo::{BuildInfo, BuildModule};
use super::executable::{self, NoBuildInfo, Program};
use super::go_release::{GoRelease, Vulnerability};
use super::{Claim, Claims, Says};
use crate::report::{Artifact, Kind, Location, Subject, Verdict};
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::gosum::{SumHash, SumLine};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::printable::{printable, quoted};

/// The version of what was built from a folder.
const DEVEL: &str = "(devel)";
/// Remarks about the versions of Go of one document.
const MAX_REMARKS: usize = 100;
/// Where the main packages of Go's own programs are.
const GO_PROGRAMS: &str = "cmd/";

/// The claims of the program `file`.
///
/// # Errors
/// Why it makes none.
pub(super) fn read<R: ReadAt + ?Sized>(path: &str, file: &R) -> Result<Claims, NoBuildInfo> {
    let Program { builds, is_old } = executable::read(file)?;
    let mut remarks = remarks(&builds);
    if is_old {
        remarks.push("linked before Go 1.18: its build settings are not in it".to_owned());
    }
    let about = builds.first().map(about);
    let toolchains = toolchains(&builds);
    let claims = builds.iter().flat_map(|build| claims("", build)).collect();
    Ok(Claims { artifact: Artifact::Program, about, remarks, claims, toolchains, ..Claims::empty(path) })
}

/// What is to be said of the versions of Go that built these, of each once.
pub(super) fn remarks(builds: &[BuildInfo]) -> Vec<String> {
    let all: BTreeSet<_> = builds.iter().flat_map(|build| [vulnerable(build), unpublished(build)]).flatten().collect();
    let more = all.len().saturating_sub(MAX_REMARKS);
    let more = (more > 0).then(|| format!("{more} more versions of Go that built them are not listed"));
    all.into_iter().take(MAX_REMARKS).chain(more).collect()
}

/// The modules that the releases of Go which built these are published as, each once.
pub(super) fn toolchains(builds: &[BuildInfo]) -> Vec<ModuleVersion> {
    let releases = builds.iter().filter(|build| unpublished(build).is_none());
    let all: BTreeSet<_> = releases.filter_map(|build| GoRelease::parse(&build.go_version)?.toolchain()).collect();
    all.into_iter().collect()
}

/// Why the version of Go that built it is not compared with what was published; none where it is.
fn unpublished(build: &BuildInfo) -> Option<String> {
    let version = &build.go_version;
    let why = match GoRelease::parse(version) {
        _ if version.is_empty() => return None,
        None => "is not a release of Go, so the log has no record of it",
        // As a distribution names what it changed. Experiments stand behind a space.
        Some(_) if version.split(' ').next().is_some_and(|name| name.contains('-')) => {
            "is a changed release of Go, so the log has no record of it"
        }
        Some(release) if release.toolchain().is_none() => {
            "is older than Go 1.21, the first that the log has records of"
        }
        Some(_) => return None,
    };
    Some(format!("{}, which built it, {why}", printable(version.as_bytes(), MAX_TEXT)))
}

/// The package of a program, and what built it.
pub(super) fn about(build: &BuildInfo) -> String {
    let path = if build.path.is_empty() { "an unnamed package" } else { &build.path };
    let version = if build.go_version.is_empty() { "an unknown version of Go" } else { &build.go_version };
    format!("{path}, built by {version}")
}

/// What is to be said of the version of Go that built it.
fn vulnerable(build: &BuildInfo) -> Option<String> {
    let known: Vec<String> =
        GoRelease::parse(&build.go_version)?.vulnerabilities().map(Vulnerability::to_string).collect();
    let text = format!(
        "{} built it, whose go command a proxy could lead past the checksum database: {}; what is verified here does not \
         depend on that",
        build.go_version,
        known.join(", ")
    );
    (!known.is_empty()).then_some(text)
}

/// The claims of one build: those of its main module and of all others; `at` stands before the name of each part.
pub(super) fn claims<'a>(at: &'a str, build: &'a BuildInfo) -> impl Iterator<Item = Claim> + 'a {
    let main = build.main.iter().map(move |module| main(at, module));
    // Go's own programs are of the standard library alone. All others are of modules, whether they say so or not.
    let is_silent = build.main.is_none() && build.deps.is_empty() && !build.path.starts_with(GO_PROGRAMS);
    let silent = is_silent.then(|| unnamed(at, build));
    silent.into_iter().chain(main).chain(build.deps.iter().map(move |module| dependency(at, module)))
}

/// What a program is that names no module at all.
fn unnamed(at: &str, build: &BuildInfo) -> Claim {
    let why = "built without modules, so it names none: as in GOPATH mode, or by a tool of its own".to_owned();
    let path = BuildModule { path: build.path.clone(), ..BuildModule::default() };
    claim(format!("{at}path"), &path, Says::Nothing(Verdict::NoHash { why }))
}

fn main(at: &str, module: &BuildModule) -> Claim {
    let is_local = module.source().sum.is_empty();
    let says = if is_local {
        let why = format!("its version is {}, and it has no hash", quoted(&module.version));
        Says::About(subject(module), Verdict::MainModule { why })
    } else {
        sum(module.source())
    };
    claim(format!("{at}mod"), module, says)
}

fn dependency(at: &str, module: &BuildModule) -> Claim {
    let part = if module.replace.is_some() { "dep=>" } else { "dep" };
    let source = module.source();
    let says = match &module.replace {
        _ if !source.sum.is_empty() => sum(source),
        Some(folder) if folder.version.is_empty() || folder.version == DEVEL => {
            let why = format!("replaced by the folder {}", quoted(&folder.path));
            Says::About(subject(module), Verdict::NoHash { why })
        }
        _ if source.version == DEVEL => {
            let why = "built from a folder, as a module of a workspace is".to_owned();
            Says::About(subject(module), Verdict::NoHash { why })
        }
        _ => {
            let why = "built from a vendor folder, or without a go.sum".to_owned();
            Says::About(subject(source), Verdict::NoHash { why })
        }
    };
    claim(format!("{at}{part}"), source, says)
}

fn claim(part: String, module: &BuildModule, says: Says) -> Claim {
    let text = [module.path.as_str(), &module.version, &module.sum].join(" ").trim_end().to_owned();
    let text = printable(text.as_bytes(), MAX_TEXT);
    Claim::new(Location::Part(part), text, says)
}

/// Characters of a module, its version and its hash that are shown.
const MAX_TEXT: usize = 500;

fn subject(module: &BuildModule) -> Subject {
    Subject { module: module.path.clone(), version: module.version.clone(), kind: Kind::Zip }
}

/// What a module with a hash says.
fn sum(module: &BuildModule) -> Says {
    sum_of(&module.path, &module.version, &module.sum)
}

/// What a path, a version and a hash say together.
pub(super) fn sum_of(path: &str, version: &str, hash: &str) -> Says {
    let module = match ModuleVersion::new(path, version) {
        Ok(module) => module,
        Err(error) => return Says::Nothing(Verdict::Malformed { why: error.to_string() }),
    };
    match SumHash::parse(hash) {
        Ok(hash) => Says::Sum(SumLine { module, kind: Kind::Zip, hash }),
        Err(fault) => Says::Nothing(Verdict::Malformed { why: format!("the hash of {module}: {fault}") }),
    }
}
