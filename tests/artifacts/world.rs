//! Modules, a mirror of them and their log, a machine with Go, and one on which `gosumcheck` runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub use crate::command::Ran;
use crate::kit::{Machine, Site, Spec, expect};

pub struct World {
    pub site: Site,
    pub go: Machine,
    pub home: TempDir,
}

impl World {
    /// None where there is no go command.
    pub fn new(specs: &[Spec]) -> Option<World> {
        let site = Site::of(specs);
        let go = site.machine()?;
        Some(World { site, go, home: tempfile::tempdir().unwrap() })
    }

    /// A project that imports these packages, with its go.sum.
    pub fn project(&self, requires: &[(&str, &str)]) -> PathBuf {
        let folder = self.go.project("project", requires);
        expect(0, &self.go.go(&folder, &["mod", "tidy"]));
        folder
    }

    /// Builds the program of `folder` with these arguments and variables; gives its path.
    pub fn build(&self, folder: &Path, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> PathBuf {
        let program = self.home.path().join(name);
        let mut command = self.go.command(&["build", "-o"]);
        command.arg(&program).args(arguments).current_dir(folder).envs(variables.iter().copied());
        expect(0, &command.output().unwrap());
        program
    }

    /// The program under test, with nothing of this machine's settings; the database is this world's.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        let environment = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR");
        command.env_clear().envs(environment).env("HOME", self.home.path()).env("GOENV", "off");
        command.env("GOSUMDB", self.site.sumdb()).env("GOPROXY", self.site.mirror.url());
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    pub fn audit(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(&["audit"]);
        Ran::of(command.args(arguments).output().unwrap())
    }
}
