//! The modules of the demo: true ones, one that the lying mirror alters, and one that only it has.

use std::error::Error;
use std::io::{Cursor, Write as _};

use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Of this the honest mirror has the true bytes: the build goes on.
pub(crate) const SPOILT: &str = "demo.example/greeting@v1.2.0";
/// Of this no mirror has the true bytes: the build stops.
pub(crate) const ONLY_A_LIE: &str = "demo.example/wallet@v0.9.1";

/// The program that is built.
pub(crate) const PROGRAM: &str = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"demo.example/greeting\"\n)\n\nfunc main() {\n\tfmt.Println(greeting.Hello(\"gopher\"))\n}\n";

const GREETING: &str = "// Package greeting greets.\npackage greeting\n\n// Hello greets somebody.\nfunc Hello(name string) string {\n\treturn \"Hello, \" + name + \"! These bytes were proven.\"\n}\n";
const ALTERED: &str = "// Package greeting greets.\npackage greeting\n\nimport \"os\"\n\n// Hello greets somebody.\nfunc Hello(name string) string {\n\treturn \"Hello, \" + name + \"! I have read \" + os.Getenv(\"HOME\") + \".\"\n}\n";
const WALLET: &str =
    "// Package wallet holds coins.\npackage wallet\n\n// Owner is who may spend them.\nconst Owner = \"you\"\n";
const STOLEN: &str = "// Package wallet holds coins.\npackage wallet\n\n// Owner is who may spend them.\nconst Owner = \"somebody else\"\n";
const COLOUR: &str = "// Package colour names colours.\npackage colour\n\n// Names are all of them.\nvar Names = []string{\"red\", \"green\", \"blue\"}\n";

/// A module version.
pub(crate) struct Module {
    pub(crate) path: String,
    pub(crate) version: String,
    go_mod: String,
    pub(crate) zip: Vec<u8>,
    pub(crate) zip_hash: String,
    pub(crate) go_mod_hash: String,
    /// what the lying mirror serves in place of the zip
    pub(crate) lie: Option<Vec<u8>>,
    /// whether the honest mirror lacks it
    pub(crate) only_lied_about: bool,
    /// whether it is fetched before anybody asks, so that there is something to look at
    pub(crate) is_warm: bool,
}

/// What the files of a hostile module hold: on the server's pages it stays text.
const HOSTILE: &str = "</code></pre></main></body><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">\u{202e}gnp.sj\u{2066}\u{1b}[31m\u{7}\0 & \"'\n";
/// Names of its files: odd, but such as Go allows.
const HOSTILE_NAMES: [&str; 3] = ["&lt(script)&gt.md", "a&b=c#d%41+e.txt", "{x}[y]~!$,@^_ é.md"];
/// Bytes of its one long line.
const LINE_BYTES: usize = 1 << 20;

/// All modules of the demo.
pub(crate) fn all() -> Result<Vec<Module>, Box<dyn Error>> {
    let mut all = Vec::new();
    for version in ["v1.0.0", "v1.1.0", "v1.1.1"] {
        all.push(Module { is_warm: true, ..Module::new(&format!("demo.example/colour@{version}"), "colour", COLOUR)? });
    }
    all.push(Module { is_warm: true, ..Module::hostile("demo.example/hostile@v1.0.0")? });
    let greeting = Module::new(SPOILT, "greeting", GREETING)?;
    let lie = Module::new(SPOILT, "greeting", ALTERED)?.zip;
    all.push(Module { lie: Some(lie), ..greeting });
    let wallet = Module::new(ONLY_A_LIE, "wallet", WALLET)?;
    let lie = Module::new(ONLY_A_LIE, "wallet", STOLEN)?.zip;
    all.push(Module { lie: Some(lie), only_lied_about: true, ..wallet });
    Ok(all)
}

impl Module {
    fn new(module: &str, package: &str, source: &str) -> Result<Module, Box<dyn Error>> {
        let readme = format!("# {package}\n\nA module of the demo. <script>alert('text, and never run')</script>\n");
        Module::of(module, "", &[("README.md", &readme), (&format!("{package}.go"), source)])
    }

    /// A module that would run in the browsers of those who read it.
    fn hostile(module: &str) -> Result<Module, Box<dyn Error>> {
        let line = "x".repeat(LINE_BYTES);
        let files = HOSTILE_NAMES.into_iter().chain(["README.md"]).map(|name| (name, HOSTILE));
        Module::of(module, &format!("// {HOSTILE}"), &files.chain([("line.txt", &*line)]).collect::<Vec<_>>())
    }

    /// A module of these files and a go.mod that ends with `comment`.
    fn of(module: &str, comment: &str, files: &[(&str, &str)]) -> Result<Module, Box<dyn Error>> {
        let (path, version) = module.split_once('@').ok_or("a module version has an @")?;
        let go_mod = format!("module {path}\n\ngo 1.21\n{comment}");
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files.iter().copied().chain([("go.mod", go_mod.as_str())]) {
            zip.start_file(format!("{module}/{name}"), SimpleFileOptions::default())?;
            zip.write_all(content.as_bytes())?;
        }
        let zip = zip.finish()?.into_inner();
        Ok(Module {
            path: path.to_owned(),
            version: version.to_owned(),
            zip_hash: format!("h1:{}", h1_zip(&zip[..], 1)?),
            go_mod_hash: format!("h1:{}", h1_go_mod(go_mod.as_bytes())),
            go_mod,
            zip,
            lie: None,
            only_lied_about: false,
            is_warm: false,
        })
    }

    /// Where a module proxy has its go.mod and its zip.
    pub(crate) fn paths(&self) -> [String; 2] {
        ["mod", "zip"].map(|suffix| format!("{}/@v/{}.{suffix}", self.path, self.version))
    }

    /// What a module proxy serves of it, with `zip` for its zip, each with its path.
    pub(crate) fn files(&self, zip: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
        let at = |name: &str| format!("{}/@v/{name}", self.path);
        let version = &self.version;
        let told = format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}");
        [
            (at("list"), format!("{version}\n").into_bytes()),
            (at(&format!("{version}.info")), told.into_bytes()),
            (at(&format!("{version}.mod")), self.go_mod.clone().into_bytes()),
            (at(&format!("{version}.zip")), zip.to_vec()),
        ]
        .into_iter()
    }
}
