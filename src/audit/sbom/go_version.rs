//! What `go version -m -json` prints: programs with the modules that they are built from.

use serde::Deserialize;

use crate::audit::buildinfo::{BuildInfo, BuildModule};
use crate::audit::{Claims, programs};
use crate::report::Artifact;

/// One program, as `go version -m -json` prints it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoProgram {
    go_version: String,
    #[serde(default)]
    path: String,
    main: Option<GoModule>,
    #[serde(default)]
    deps: Option<Vec<GoModule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoModule {
    #[serde(default)]
    path: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    sum: String,
    replace: Option<Box<GoModule>>,
}

/// The claims of what was printed: one program by itself or one after the other, or several in a list.
///
/// # Errors
/// Why it is not that, with the line and the column.
pub(super) fn read(path: &str, text: &[u8]) -> serde_json::Result<Claims> {
    let programs: Vec<GoProgram> = match text.trim_ascii_start().starts_with(b"[") {
        true => serde_json::from_slice(text)?,
        false => serde_json::Deserializer::from_slice(text).into_iter().collect::<Result<_, _>>()?,
    };
    Ok(build_info(path, programs))
}

fn build_info(path: &str, programs: Vec<GoProgram>) -> Claims {
    let builds: Vec<BuildInfo> = programs.into_iter().map(GoProgram::build).collect();
    let places = 0..builds.len();
    let claims = places.zip(&builds).flat_map(|(number, build)| {
        let at = if builds.len() == 1 { String::new() } else { format!("{number}/") };
        programs::claims(&at, build).collect::<Vec<_>>()
    });
    let about = match builds.as_slice() {
        [one] => programs::about(one),
        all => format!("{} programs", all.len()),
    };
    let (claims, toolchains) = (claims.collect(), programs::toolchains(&builds));
    let remarks = programs::remarks(&builds);
    let about = Some(about);
    Claims { artifact: Artifact::BuildInfo, about, remarks, claims, toolchains, ..Claims::empty(path) }
}

impl GoProgram {
    fn build(self) -> BuildInfo {
        let main = self.main.map(GoModule::module).filter(|module| !module.path.is_empty());
        let deps = self.deps.unwrap_or_default().into_iter().map(GoModule::module).collect();
        BuildInfo { go_version: self.go_version, path: self.path, main, deps, settings: Vec::new() }
    }
}

impl GoModule {
    fn module(self) -> BuildModule {
        let replace = self.replace.map(|replace| Box::new(replace.module()));
        BuildModule { path: self.path, version: self.version, sum: self.sum, replace }
    }
}
