//! Programs: what is read of them is what `go version -m` reads, and each module is proven or named.

use std::path::Path;

use gosumcheck::audit::buildinfo::{BuildInfo, BuildModule};
use gosumcheck::audit::executable;
use gosumcheck::store::zipfile::ZipFile;
use serde_json::{Value, json};

use crate::kit::crafted::programs::{by_pointers, elf, fat, inline, macho, pe};
use crate::kit::{Spec, expect};
use crate::world::World;

const ONE: (&str, &str) = ("a.example/one", "v1.0.0");
const TWO: (&str, &str) = ("a.example/two", "v1.2.0");

fn world() -> Option<World> {
    World::new(&[Spec::new(ONE.0, ONE.1), Spec::new(TWO.0, TWO.1).requires(ONE.0, ONE.1)])
}

/// What `go version -m -json` says of a program.
fn by_go(world: &World, program: &Path) -> Value {
    let mut command = world.go.command(&["version", "-m", "-json"]);
    let (out, _) = expect(0, &command.arg(program).output().unwrap());
    let mut told: Value = serde_json::from_str(&out).unwrap();
    told = told.as_array().map_or(told.clone(), |programs| programs[0].clone());
    told
}

/// The same, of what is read here.
fn by_us(program: &Path) -> Value {
    let program = executable::read(&ZipFile::open(program).unwrap()).unwrap();
    let [build] = program.builds.as_slice() else { panic!("{program:?}") };
    as_go_prints(build)
}

fn as_go_prints(build: &BuildInfo) -> Value {
    let settings: Vec<Value> =
        build.settings.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let mut told = json!({ "GoVersion": build.go_version, "Path": build.path, "Settings": settings });
    told["Main"] = build.main.as_ref().map_or(json!({ "Path": "" }), module);
    told["Deps"] = build.deps.iter().map(module).collect();
    told
}

fn module(module: &BuildModule) -> Value {
    let mut told = json!({ "Path": module.path, "Version": module.version, "Sum": module.sum });
    told["Replace"] = module.replace.as_deref().map_or(Value::Null, self::module);
    told
}

/// What both say, without the spelling of what is empty.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_empty = |value: &Value| *value == json!("") || value.is_null() || *value == json!([]);
            fields
                .iter()
                .filter(|(_, value)| !is_empty(value))
                .map(|(key, value)| (key.clone(), normal(value)))
                .collect()
        }
        Value::Array(values) => values.iter().map(normal).collect(),
        other => other.clone(),
    }
}

#[test]
fn what_go_embeds_is_read_as_go_reads_it() {
    let Some(world) = world() else { return };
    let folder = world.project(&[ONE, TWO]);
    // Of a part in C where there is a compiler for it: go leaves the file out where there is none, and for other systems.
    let cgo = "package main\n\n// static int one(void) { return 1; }\nimport \"C\"\n\nvar _ = C.one()\n";
    std::fs::write(folder.join("cgo.go"), cgo).unwrap();
    let flags = "-ldflags=-s -w -X 'main.a=b \"c\"'";
    let static_build = [("CGO_ENABLED", "0")];
    let windows = [("GOOS", "windows"), ("GOARCH", "amd64")];
    for (name, arguments, variables) in [
        ("static", &[][..], &static_build[..]),
        ("cgo", &[], &[]),
        ("trimmed", &["-trimpath"], &[]),
        ("stripped", &[flags], &[]),
        ("pie", &["-buildmode=pie"], &[]),
        ("windows.exe", &[], &windows),
        ("windows32.exe", &[], &[("GOOS", "windows"), ("GOARCH", "386")]),
        ("darwin", &[], &[("GOOS", "darwin"), ("GOARCH", "arm64")]),
        ("darwin-intel", &[flags], &[("GOOS", "darwin"), ("GOARCH", "amd64")]),
        ("arm", &[], &[("GOOS", "linux"), ("GOARCH", "arm")]),
        ("big-endian", &[], &[("GOOS", "linux"), ("GOARCH", "s390x")]),
    ] {
        let program = world.build(&folder, name, arguments, variables);
        assert_eq!(normal(&by_us(&program)), normal(&by_go(&world, &program)), "{name}");
        let ran = world.audit(&[program.to_str().unwrap(), "--verbose"]);
        ran.says(0, &["a Go program: project.example/main, built by go1.", "2 verified, 1 main module", "#dep:"]);
        std::fs::remove_file(&program).unwrap();
    }
    // From a pipe, too.
    let program = world.build(&folder, "piped", &[], &[]);
    let mut command = world.command(&["audit", "-"]);
    let piped = command.stdin(std::fs::File::open(&program).unwrap()).output().unwrap();
    crate::world::Ran::of(piped).says(0, &["-:  a Go program", "2 verified"]);
}

#[test]
fn programs_of_go_itself_are_read_as_go_reads_them() {
    let Some(world) = world() else { return };
    let (folders, _) = expect(0, &world.go.command(&["env", "GOROOT", "GOTOOLDIR"]).output().unwrap());
    let mut folders = folders.lines();
    let folders = [Path::new(folders.next().unwrap()).join("bin"), folders.next().unwrap().into()];
    let mut count = 0;
    for program in folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| crate::common::files_below(folder))
    {
        if executable::read(&ZipFile::open(&program).unwrap()).is_ok() {
            assert_eq!(normal(&by_us(&program)), normal(&by_go(&world, &program)), "{}", program.display());
            count += 1;
        }
    }
    // Since Go 1.25 most tools are compiled when they are first used; these two are always there.
    assert!(count >= 2, "{folders:?}");
    let bin = folders[0].display().to_string();
    world.audit(&[&bin]).says(0, &["cmd/go, built by go1."]);
}

#[test]
fn a_program_of_other_bytes_is_found_in_a_folder() {
    let Some(world) = world() else { return };
    let folder = world.project(&[ONE]);
    let program = world.build(&folder, "bin-x", &[], &[]);
    let bin = world.home.path().join("image/usr/bin");
    std::fs::create_dir_all(&bin).unwrap();
    // Found by what it is, not by what it is called; neither a script nor a program in another language is a finding.
    std::fs::copy(&program, bin.join("readme.txt")).unwrap();
    std::fs::write(bin.join("script"), "#!/bin/sh\n").unwrap();
    std::fs::copy("/bin/sh", bin.join("sh")).unwrap();
    let image = world.home.path().join("image").display().to_string();
    world.audit(&[&image]).says(0, &["1 verified, 1 main module", "1 program in", "not of Go"]);
    let mut bytes = std::fs::read(&program).unwrap();
    let hash = world.site.corpus.h1_zip(ONE.0, ONE.1);
    let at: Vec<usize> = memchr::memmem::find_iter(&bytes, hash.as_bytes()).collect();
    assert!(!at.is_empty());
    at.iter().for_each(|at| bytes[at + 3] = if bytes[at + 3] == b'A' { b'B' } else { b'A' });
    std::fs::write(bin.join("readme.txt"), bytes).unwrap();
    for format in ["text", "json", "sarif", "junit"] {
        let ran = world.audit(&[&image, "--format", format]);
        ran.says(1, &["usr/bin/readme.txt", "a.example/one", "dep"]);
        assert!(format == "text" || ran.out.contains("go-program"), "{}", ran.out);
    }
    let ran = world.audit(&[&image]);
    ran.says(1, &["readme.txt#dep:  DIFFERS  a.example/one v1.0.0", "names other contents for a module version"]);
    assert!(!ran.out.contains("go mod tidy"), "{}", ran.out);
    // What the user leaves out or says that it is.
    world.audit(&[&image, "--as", "go-sum"]).says(2, &["no go.sum"]);
    world.audit(&[&image, "--exclude", "*.txt"]).says(2, &["excluded by --exclude"]);
    world.audit(&[bin.join("script").to_str().unwrap(), "--as", "go-program"]).says(2, &["is not a program"]);
    world.audit(&[bin.join("sh").to_str().unwrap()]).says(2, &["is not a Go program"]);
}

#[test]
fn what_has_no_hash_is_named_and_does_not_pass() {
    let Some(world) = world() else { return };
    let folder = world.project(&[ONE, TWO]);
    let local = world.go.path("local");
    std::fs::create_dir_all(&local).unwrap();
    std::fs::write(local.join("go.mod"), "module a.example/one\n\ngo 1.21\n").unwrap();
    std::fs::write(local.join("one.go"), "package one\n").unwrap();
    expect(0, &world.go.go(&folder, &["mod", "edit", "-replace", "a.example/one=../local"]));
    let program = world.build(&folder, "replaced", &[], &[]);
    assert_eq!(normal(&by_us(&program)), normal(&by_go(&world, &program)));
    let named =
        ["#dep=>:  no hash", "a.example/one v1.0.0", "replaced by the folder \"../local\"", "1 verified, 1 no hash"];
    world.audit(&[program.to_str().unwrap()]).says(2, &named);
    expect(0, &world.go.go(&folder, &["mod", "edit", "-dropreplace", "a.example/one"]));
    expect(0, &world.go.go(&folder, &["mod", "vendor"]));
    let program = world.build(&folder, "vendored", &["-mod=vendor"], &[]);
    world.audit(&[program.to_str().unwrap()]).says(2, &["built from a vendor folder", "2 no hash, 1 main module"]);
}

#[test]
fn a_program_without_modules_says_why() {
    let Some(world) = world() else { return };
    let folder = world.project(&[]);
    let program = world.build(&folder, "bare", &[], &[]);
    let bytes = std::fs::read(&program).unwrap();
    let magic = b"\xff Go buildinf:";
    let at = memchr::memmem::find(&bytes, magic).unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        let path = world.home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        world.audit(&[path.to_str().unwrap()])
    };
    changed("removed", &|bytes| bytes[at..at + 32].fill(0)).says(2, &["Go program without its build information"]);
    changed("packed", &|bytes| {
        bytes[2000..2004].copy_from_slice(b"UPX!");
        bytes[at] = 0;
    })
    .says(2, &["packed with UPX"]);
    changed("cut", &|bytes| bytes.truncate(900)).says(2, &["is cut off or damaged"]);
    let go_version = |bytes: &[u8], version: &str| {
        let mut bytes = bytes.to_vec();
        let length = usize::from(bytes[at + 32]);
        assert!(version.len() == length, "{version} has {} bytes, not {length}", version.len());
        bytes[at + 33..at + 33 + length].copy_from_slice(version.as_bytes());
        bytes
    };
    let version = by_us(&program)["GoVersion"].as_str().unwrap().to_owned();
    let older = format!("{:<width$}", "go1.26.2", width = version.len());
    changed("older", &|bytes| *bytes = go_version(bytes, &older))
        .says(0, &["CVE-2026-42501 (fixed in go1.25.10 and go1.26.3)", "CVE-2026-56865", "1 main module"]);
}

#[test]
fn the_version_of_go_is_one_that_the_log_has_or_not() {
    let Some(go) = crate::common::go_command() else { return };
    let (version, _) = expect(0, &std::process::Command::new(go).args(["env", "GOVERSION"]).output().unwrap());
    // Without the experiments behind it.
    let version = version.trim().split(' ').next().unwrap();
    let toolchain = format!("v0.0.1-{version}.linux-amd64");
    let Some(world) = World::new(&[Spec::new("golang.org/toolchain", &toolchain)]) else { return };
    let program = world.build(&world.project(&[]), "bare", &[], &[]);
    let known = format!("built by {version}; {} has this release in record ", world.site.log.name());
    world.audit(&[program.to_str().unwrap()]).says(0, &[&known, "1 main module"]);
    let asked = world.site.log.requests_for("lookup/").len();
    world.audit(&[program.to_str().unwrap(), "--private", "golang.org/*"]).says(0, &["1 main module"]);
    assert_eq!(world.site.log.requests_for("lookup/").len(), asked, "nobody is asked about an exempted module");

    let mut bytes = std::fs::read(&program).unwrap();
    let magic = b"\xff Go buildinf:";
    let end = memchr::memmem::find(&bytes, magic).unwrap() + 33 + version.len();
    bytes[end - 1] = if bytes[end - 1] == b'9' { b'8' } else { b'9' };
    let other = format!("{}{}", &version[..version.len() - 1], char::from(bytes[end - 1]));
    std::fs::write(&program, &bytes).unwrap();
    let unknown = format!("has no record of golang.org/toolchain@v0.0.1-{other}.linux-amd64: nobody downloaded");
    for format in ["text", "json"] {
        world.audit(&[program.to_str().unwrap(), "--format", format]).says(0, &[&unknown]);
    }
    // Where nobody answers, that is said, and it is not a verdict about any line.
    let nobody = format!("{} http://127.0.0.1:1", world.site.log.vkey());
    let ran = world.audit(&[program.to_str().unwrap(), "--data", "another", "--sumdb", &nobody]);
    ran.says(0, &["was released is not known"]);
    // A version of somebody's own, and one before there were such modules.
    let told = |go: &str| {
        let text = serde_json::json!({ "GoVersion": go, "Path": "x", "Main": { "Path": "x", "Version": "(devel)" } });
        let path = world.home.path().join("told");
        std::fs::write(&path, text.to_string()).unwrap();
        world.audit(&[path.to_str().unwrap()])
    };
    told("devel go1.28-abc").says(0, &["devel go1.28-abc, which built it, is not a release of Go"]);
    told("go1.26.8-custom").says(0, &["is a changed release of Go"]);
    told("go1.20.14").says(0, &["is older than Go 1.21"]);
}

#[test]
fn both_forms_and_all_formats_are_read() {
    let text = "path\tx\nmod\tx\tv1.0.0\th1:x\ndep\ta.b/c\tv1.0.0\th1:y\n";
    let other = "path\tx\nmod\tx\tv1.0.0\th1:x\ndep\ta.b/c\tv1.0.1\th1:z\n";
    let read = |bytes: &[u8]| executable::read(bytes).unwrap();
    let now = inline("go1.26.8", text);
    for bytes in [elf(&now), macho(&now), pe(&now), fat(&[macho(&now), macho(&now)])] {
        let program = read(&bytes);
        assert_eq!((program.builds.len(), program.is_old), (1, false));
        assert_eq!(
            (program.builds[0].go_version.as_str(), program.builds[0].deps[0].sum.as_str()),
            ("go1.26.8", "h1:y")
        );
    }
    // Each processor's program is read, since each may be of other modules.
    assert_eq!(read(&fat(&[macho(&now), macho(&inline("go1.26.8", other))])).builds.len(), 2);
    for (size, is_big) in [(4, false), (4, true), (8, false), (8, true)] {
        let program = read(&elf(&by_pointers("go1.17.13", text, size, is_big)));
        assert!(program.is_old && program.builds[0].go_version == "go1.17.13" && program.builds[0].deps.len() == 1);
    }
    let none = executable::read(&elf(&inline("go1.12", ""))[..]).unwrap_err().to_string();
    assert_eq!(none, "was built by \"go1.12\" without modules, so it names none");
}
