//! Three modules as other programs keep them, their log, and a machine on which `import` and `export` run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gosumcheck::sumdb::module::{ModulePath, Version};
use tempfile::TempDir;

use crate::command::Ran;
use crate::common::{Serving, files_below};
use crate::kit::{Site, Spec};

/// The modules; one has a path that is escaped.
pub const MODULES: [(&str, &str); 3] =
    [("a.example/one", "v1.0.0"), ("a.example/Two", "v1.2.0"), ("b.example/three/v3", "v3.0.1")];
/// Their files: of each a `.mod`, an `.info` and a `.zip`.
pub const FILES: usize = 9;

pub struct World {
    pub site: Site,
    pub home: TempDir,
}

impl World {
    pub fn new() -> World {
        World::of(&MODULES)
    }

    /// With these modules alone.
    pub fn of(modules: &[(&str, &str)]) -> World {
        let specs: Vec<Spec> = modules.iter().map(|(module, version)| Spec::new(module, version)).collect();
        World { site: Site::of(&specs), home: tempfile::tempdir().unwrap() }
    }

    /// A path of this machine.
    pub fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The program, with nothing of this machine's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        let environment = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR");
        command.env_clear().envs(environment).env("HOME", self.home.path()).env("GOENV", "off");
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Runs `import` into the data folder `data`, with this log.
    pub fn import(&self, from: &str, data: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(&["import", from, "--data", data, "--sumdb", &self.site.sumdb()]);
        Ran::of(command.args(arguments).output().unwrap())
    }

    /// The same where no network is: the log is known by its key alone.
    pub fn import_alone(&self, from: &str, data: &str, arguments: &[&str]) -> Ran {
        let nobody = format!("{} http://127.0.0.1:1", self.site.log.vkey());
        let mut command = self.command(&["import", from, "--data", data, "--sumdb", &nobody]);
        Ran::of(command.args(arguments).output().unwrap())
    }

    /// Runs `export` over the data folder `data`, with this log and its mirror.
    pub fn export(&self, to: &str, data: &str, arguments: &[&str]) -> Ran {
        let (sumdb, mirror) = (self.site.sumdb(), self.site.mirror.url());
        let mut command = self.command(&["export", to, "--data", data, "--sumdb", &sumdb, "--proxy", &mirror]);
        Ran::of(command.args(arguments).output().unwrap())
    }

    /// Writes a go.sum of all modules; gives its path.
    pub fn go_sum(&self) -> String {
        let path = self.at("go.sum");
        fs::write(&path, self.site.corpus.go_sum()).unwrap();
        path.display().to_string()
    }

    /// The files of modules that the data folder `data` has, proven or private, with their bytes.
    pub fn stored(&self, data: &str) -> BTreeMap<String, Vec<u8>> {
        let trees = ["modules", "private"].map(|tree| self.at(data).join(tree));
        let files = trees.iter().filter(|tree| tree.is_dir()).flat_map(|tree| {
            files_below(tree)
                .into_iter()
                .map(move |file| (file.strip_prefix(tree).unwrap().display().to_string(), file))
        });
        let files = files.filter(|(name, _)| [".mod", ".zip", ".info"].iter().any(|end| name.ends_with(end)));
        files.map(|(name, file)| (name, fs::read(file).unwrap())).collect()
    }

    /// What a data folder that has everything has.
    pub fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.site.corpus.files().into_iter();
        let files = files.filter(|(name, _)| [".mod", ".zip", ".info"].iter().any(|end| name.ends_with(end)));
        files.map(|(name, bytes)| (name, bytes.to_vec())).collect()
    }

    /// As the go command keeps them: with locks and hashes beside them, and more around.
    pub fn module_cache(&self, name: &str) -> PathBuf {
        let root = self.at(name);
        let download = root.join("cache/download");
        self.site.corpus.write_to(&download);
        for file in files_below(&download).into_iter().filter(|file| file.extension().is_some_and(|end| end == "zip")) {
            fs::write(file.with_extension("lock"), "").unwrap();
            fs::write(file.with_extension("ziphash"), "h1:x=").unwrap();
        }
        fs::write(root.join("cache/lock"), "").unwrap();
        write(&download.join("sumdb/log.example/latest"), b"not a note");
        write(&root.join("a.example/one@v1.0.0/one.go"), b"package one\n");
        root
    }

    /// As a goproxy keeps them, with the answers of a checksum database.
    pub fn goproxy(&self, name: &str) -> PathBuf {
        let root = self.at(name);
        self.site.corpus.write_to(&root);
        write(&root.join("sumdb/log.example/lookup/a.example/one@v1.0.0"), b"1\n");
        root
    }

    /// As a goproxyio keeps them.
    pub fn goproxyio(&self, name: &str) -> PathBuf {
        let root = self.at(name);
        self.site.corpus.write_to(&root.join("pkg/mod/cache/download"));
        root
    }

    /// As an Athens keeps them (pkg/storage/fs of Athens: `filepath.Join(root, module, version)`).
    pub fn athens(&self, name: &str) -> PathBuf {
        let root = self.at(name);
        for (path, bytes) in self.site.corpus.files() {
            let Some((module, file)) = path.split_once("/@v/") else { continue };
            let Some((version, end)) = file.rsplit_once('.') else { continue };
            let module = ModulePath::unescape(module).unwrap();
            let version = Version::unescape(version).unwrap();
            let file = match end {
                "mod" => "go.mod".to_owned(),
                "zip" => "source.zip".to_owned(),
                _ => format!("{version}.info"),
            };
            write(&root.join(module.as_str()).join(version.as_str()).join(file), &bytes);
        }
        root
    }
}

/// Writes a file and the folders that it is in.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Where a byte of the first file in a zip is, behind its header: what is changed there changes the hash.
pub fn content_of(zip: &[u8]) -> usize {
    let length = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    30 + length(26) + length(28) + 2
}

/// The body that a server gives for a path.
pub fn get(server: &Serving, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    answer.split_off(end + 4)
}
