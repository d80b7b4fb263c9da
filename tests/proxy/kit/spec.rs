//! What a module of the corpus is made of. The same spec gives the same bytes on every machine.

use super::zips::{Entry, write_zip};

/// When the modules were made, unless the spec says otherwise.
pub const TIME: &str = "2024-01-02T03:04:05Z";

/// A module version. `Spec::new` has a go.mod, and one package in one file, which the go command can build.
#[derive(Clone, Debug)]
pub struct Spec {
    pub(super) module: String,
    pub(super) version: String,
    pub(super) go_mod: String,
    pub(super) entries: Vec<Entry>,
    pub(super) time: String,
    pub(super) logged: bool,
    /// these bytes and no others
    pub(super) zip: Option<Vec<u8>>,
}

impl Spec {
    /// `package P` with the constant `Version`, P being the last letters of the path that is not its major version.
    pub fn new(module: &str, version: &str) -> Spec {
        let element = module.split('/').rfind(|part| !is_major(part)).unwrap_or(module);
        let package: String = element.chars().filter(char::is_ascii_alphanumeric).collect();
        let spec = Spec {
            module: module.to_owned(),
            version: version.to_owned(),
            go_mod: format!("module {module}\n\ngo 1.21\n"),
            entries: Vec::new(),
            time: TIME.to_owned(),
            logged: true,
            zip: None,
        };
        let code = format!("// Package {package} is made up.\npackage {package}\n\nconst Version = {version:?}\n");
        spec.file(&format!("{package}.go"), code.as_bytes())
    }

    /// A toolchain (`go1.99.0`) for this platform, of a few bytes: its go command says what it is and nothing else.
    pub fn toolchain(name: &str) -> Spec {
        let (os, processor) = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("macos", processor) => ("darwin", processor),
            system => system,
        };
        let platform = match processor {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let mut spec = Spec::new("golang.org/toolchain", &format!("v0.0.1-{name}.{os}-{platform}"));
        spec.go_mod = "module golang.org/toolchain\n".to_owned();
        spec.entries.clear();
        let script = format!("#!/bin/sh\necho 'go version {name} {os}/{platform}'\n");
        spec.file("VERSION", format!("{name}\n").as_bytes())
            .file("bin/go", script.as_bytes())
            .file("bin/gofmt", b"#!/bin/sh\n")
            .file("lib/README", b"no time zones\n")
            .file("pkg/tool/README", b"no tools\n")
            .file("src/_go.mod", b"module std\n\ngo 1.99\n")
    }

    /// Another file, or another content for one that is there.
    pub fn file(mut self, name: &str, content: &[u8]) -> Spec {
        let name = format!("{}{name}", self.prefix());
        self.entries.retain(|entry| entry.name != name);
        self.entries.push(Entry { name, content: content.to_vec(), stored: false });
        self
    }

    /// A LICENSE.
    pub fn license(self) -> Spec {
        self.file("LICENSE", b"Do with it what you like.\n")
    }

    /// A file of `len` bytes that do not compress, in a folder of its own; see `noise`. Stored as it is.
    pub fn noise(self, len: usize) -> Spec {
        let content = noise(&format!("{}@{}", self.module, self.version), len);
        let mut spec = self.file("testdata/noise/noise.bin", &content);
        spec.entries.iter_mut().filter(|entry| entry.name.ends_with("noise.bin")).for_each(|entry| entry.stored = true);
        spec
    }

    /// Another requirement in the go.mod, and an import of it (its path is its package's) in a file of its own.
    pub fn requires(mut self, module: &str, version: &str) -> Spec {
        self.go_mod.push_str(&format!("\nrequire {module} {version}\n"));
        let package = self.entries.iter().find_map(|entry| {
            let name = entry.name.rsplit('/').next()?;
            name.strip_suffix(".go").map(str::to_owned)
        });
        let package = package.expect("a module with a package");
        let name = module.replace(['/', '.'], "_");
        let code = format!("package {package}\n\nimport _ {module:?}\n");
        self.file(&format!("imports_{name}.go"), code.as_bytes())
    }

    /// Another go.mod, also in the zip.
    pub fn go_mod(mut self, text: &str) -> Spec {
        self.go_mod = text.to_owned();
        self
    }

    /// Every file is stored as it is.
    pub fn stored(mut self) -> Spec {
        self.entries.iter_mut().for_each(|entry| entry.stored = true);
        self
    }

    /// Entries for the folders too: they count in the hash.
    pub fn folders(mut self) -> Spec {
        let at = self.prefix().len();
        let mut folders: Vec<String> = Vec::new();
        for entry in &self.entries {
            folders.extend(entry.name[at..].match_indices('/').map(|(end, _)| entry.name[..=at + end].to_owned()));
        }
        folders.sort();
        folders.dedup();
        let entry = |name| Entry { name, content: Vec::new(), stored: true };
        self.entries.splice(0..0, folders.into_iter().map(entry));
        self
    }

    /// When it was made, as `.info` says it.
    pub fn time(mut self, time: &str) -> Spec {
        self.time = time.to_owned();
        self
    }

    /// No record of it is in the log: a private module.
    pub fn unlogged(mut self) -> Spec {
        self.logged = false;
        self
    }

    /// A zip of exactly these bytes, and a record of their hash where they have one: what a hostile author could publish.
    pub fn zip(mut self, bytes: Vec<u8>) -> Spec {
        self.zip = Some(bytes);
        self
    }

    /// `M@V/`
    pub(super) fn prefix(&self) -> String {
        format!("{}@{}/", self.module, self.version)
    }

    /// The zip.
    pub(super) fn zip_bytes(&self) -> Vec<u8> {
        if let Some(bytes) = &self.zip {
            return bytes.clone();
        }
        let mut entries = self.entries.clone();
        if self.module != "golang.org/toolchain" {
            let go_mod = self.go_mod.clone().into_bytes();
            entries.push(Entry { name: self.prefix() + "go.mod", content: go_mod, stored: false });
        }
        write_zip(&entries)
    }

    /// The answer to `.info`.
    pub(super) fn dated(&self) -> String {
        format!("{{\"Version\":{:?},\"Time\":{:?}}}", self.version, self.time)
    }
}

fn is_major(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `len` bytes that do not compress and follow from `seed` (splitmix64).
pub fn noise(seed: &str, len: usize) -> Vec<u8> {
    let mut state = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
    });
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.extend((word ^ (word >> 31)).to_le_bytes());
    }
    out.truncate(len);
    out
}
