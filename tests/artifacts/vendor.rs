//! Vendor folders: what `go mod vendor` makes is clean, and whatever is done to it is named.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::kit::{Fault, Machine, Spec, expect};
use crate::world::World;

const ONE: (&str, &str) = ("a.example/one", "v1.0.0");
const TWO: (&str, &str) = ("a.example/two/v2", "v2.3.4");
const LOCAL: (&str, &str) = ("a.example/local", "v1.0.0");

/// A module with all that is copied, and all that is not.
fn one() -> Spec {
    one_at(ONE.1)
}

fn one_at(version: &str) -> Spec {
    let embeds = "package one\n\nimport (\n\t\"embed\"\n\n\t_ \"a.example/one/inner/deep\"\n)\n\n//go:embed assets \"with space.txt\" *.tmpl\nvar FS embed.FS\n";
    Spec::new(ONE.0, version)
        .license()
        .file("embeds.go", embeds.as_bytes())
        .file("one_test.go", b"package one\n")
        .file("generate.go", b"//go:build ignore\n\npackage main\n")
        .file("old.go", b"// +build ignore\n\npackage main\n")
        .file("windows.go", b"//go:build windows && !cgo\n\npackage one\n")
        .file("stub.s", b"// nothing\n")
        .file("README.md", b"# One\n")
        .file("with space.txt", b"x\n")
        .file("page.tmpl", b"x\n")
        .file("assets/a.css", b"a\n")
        .file("assets/.hidden", b"no\n")
        .file("assets/_hidden/b.css", b"no\n")
        .file("assets/sub/c.css", b"c\n")
        .file("unused/unused.go", b"package unused\n")
        .file("inner/NOTICE", b"by somebody\n")
        .file("inner/inner.txt", b"not copied\n")
        .file("inner/deep/deep.go", b"package deep\n")
        .file("inner/deep/go.sum", b"")
}

fn world() -> Option<World> {
    World::new(&[one(), Spec::new(TWO.0, TWO.1).requires(ONE.0, ONE.1).license(), Spec::new(LOCAL.0, LOCAL.1)])
}

/// A project with its vendor folder; the module of `go` is of this version.
fn vendored(world: &World, go: &str) -> PathBuf {
    let folder = world.project(&[ONE, TWO]);
    expect(0, &world.go.go(&folder, &["mod", "edit", &format!("-go={go}")]));
    expect(0, &world.go.go(&folder, &["mod", "tidy"]));
    expect(0, &world.go.go(&folder, &["mod", "vendor"]));
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_go_makes_is_clean_in_every_version_of_the_rules() {
    let Some(world) = world() else { return };
    for go in ["1.13", "1.16", "1.17", "1.21", "1.22", "1.26"] {
        let folder = vendored(&world, go);
        assert!(
            folder.join("vendor/a.example/one/assets/sub/c.css").is_file()
                && folder.join("vendor/modules.txt").is_file()
        );
        assert!(!folder.join("vendor/a.example/one/generate.go").exists());
        let ran = world.audit(&[text(&folder.join("vendor")), "--verbose"]);
        ran.says(0, &["vendor:  a vendor folder: 2 modules", "2 lines: 2 verified", "vendor/a.example/one:"]);
        // Below a folder it is found, beside the go.sum.
        world.audit(&[text(&folder)]).says(0, &["in 2 files"]);
    }
}

#[test]
fn whatever_is_done_to_it_is_named() {
    let Some(world) = world() else { return };
    let folder = vendored(&world, "1.22");
    let vendor = folder.join("vendor");
    let audit = || world.audit(&[text(&vendor)]);
    audit().says(0, &["2 verified"]);
    // The zips are kept: no mirror is asked again.
    world.site.mirror.fault("*", Fault::Status(500, String::new()));
    let module = vendor.join("a.example/one");
    for name in [
        "one.go",
        "embeds.go",
        "windows.go",
        "LICENSE",
        "README.md",
        "stub.s",
        "with space.txt",
        "page.tmpl",
        "assets/a.css",
        "assets/sub/c.css",
        "inner/NOTICE",
        "inner/deep/deep.go",
    ] {
        let (path, place) = (module.join(name), format!("vendor/a.example/one/{name}"));
        let bytes = fs::read(&path).unwrap();
        let place = place.as_str();
        let mut changed = bytes.clone();
        changed[0] ^= 1;
        fs::write(&path, changed).unwrap();
        audit().says(1, &[place, "ALTERED  a.example/one v1.0.0  was changed", "1 verified, 1 ALTERED"]);
        fs::remove_file(&path).unwrap();
        audit().says(1, &[place, "is missing", "1 verified, 1 ALTERED"]);
        fs::write(path.with_extension("moved"), &bytes).unwrap();
        audit().says(1, &[place, "is missing", "was added", "2 ALTERED"]);
        fs::remove_file(path.with_extension("moved")).unwrap();
        symlink("/etc/hostname", &path).unwrap();
        audit().says(1, &[place, "is not a regular file"]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        audit().says(1, &[place, "was made executable"]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        audit().says(0, &["2 verified"]);
    }
    // What is in the zip, but go does not copy; a file of no module; one beside the list.
    for (name, bytes) in [
        ("a.example/one/one_test.go", "package one\n"),
        ("a.example/one/generate.go", "//go:build ignore\n\npackage main\n"),
        ("a.example/one/go.mod", "module a.example/one\n\ngo 1.21\n"),
        ("a.example/one/assets/.hidden", "no\n"),
        ("b.example/three/x.go", "package three\n"),
        ("x.go", "package x\n"),
    ] {
        let path = vendor.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        audit().says(1, &[name, "was added", "1 ALTERED"]);
        fs::remove_file(path).unwrap();
    }
    for format in ["json", "sarif", "junit"] {
        fs::write(module.join("x.go"), "package one\n").unwrap();
        let ran = world.audit(&[text(&vendor), "--format", format]);
        ran.says(1, &["altered", "vendor/a.example/one/x.go", "was added"]);
    }
}

#[test]
fn another_version_in_the_list_is_named() {
    let Some(world) = world() else { return };
    let folder = vendored(&world, "1.22");
    let list = folder.join("vendor/modules.txt");
    let lines = fs::read_to_string(&list).unwrap();
    let audit = || world.audit(&[text(&folder.join("vendor"))]);
    fs::write(&list, lines.replace("# a.example/one v1.0.0", "# a.example/one v1.0.1")).unwrap();
    audit().says(2, &["a.example/one v1.0.1", "1 verified, 1 unavailable"]);
    fs::write(&list, lines.replace("a.example/one/inner/deep\n", "a.example/one/../../x\n")).unwrap();
    audit().says(1, &["modules.txt", "is not a package of", "malformed"]);
    fs::remove_file(&list).unwrap();
    audit().says(2, &["no go.sum"]);
    world.audit(&[text(&folder.join("vendor")), "--as", "vendor"]).says(2, &["not read"]);
}

#[test]
fn the_files_of_one_version_are_not_those_of_two() {
    let newer = one_at("v1.1.0").file("more.go", b"package one\n");
    let specs = [one(), newer, Spec::new(TWO.0, TWO.1).requires(ONE.0, ONE.1)];
    let Some(world) = World::new(&specs) else { return };
    let folder = vendored(&world, "1.22");
    let list = folder.join("vendor/modules.txt");
    let lines = fs::read_to_string(&list).unwrap();
    let audit = || world.audit(&[text(&folder.join("vendor")), "--verbose"]);
    audit().says(0, &["a.example/one v1.0.0", "2 verified"]);
    // To go this is v1.1.0, the higher of the two.
    fs::write(&list, format!("{lines}# a.example/one v1.1.0\n## explicit\na.example/one\na.example/one/inner/deep\n"))
        .unwrap();
    let ran = audit();
    ran.says(1, &["malformed", "has packages in the list already", "2 verified"]);
    assert!(!ran.out.contains("one v1.1.0  verified"), "{}", ran.show());
    // To go the second line is none.
    fs::write(&list, lines.replace("# a.example/one v1.0.0", "# a.example/one v1.1.0\n # a.example/one v1.0.0"))
        .unwrap();
    audit().says(1, &["malformed", "it names neither a module nor a package", "a.example/one v1.1.0", "is missing"]);
}

#[test]
fn what_go_builds_from_is_not_passed_over_because_of_a_link() {
    let Some(world) = world() else { return };
    let folder = vendored(&world, "1.22");
    let (vendor, other) = (folder.join("vendor"), folder.join("other"));
    world.audit(&[text(&folder)]).says(0, &["vendor"]);
    fs::rename(&vendor, &other).unwrap();
    symlink("other", &vendor).unwrap();
    world.audit(&[text(&folder)]).says(2, &["project/vendor", "is a link, or its modules.txt is: go builds from it"]);
    fs::remove_file(&vendor).unwrap();
    fs::rename(&other, &vendor).unwrap();
    fs::rename(vendor.join("modules.txt"), folder.join("list")).unwrap();
    symlink("../list", vendor.join("modules.txt")).unwrap();
    world.audit(&[text(&folder)]).says(2, &["project/vendor", "is a link, or its modules.txt is: go builds from it"]);
    // Other links of that name are nobody's vendor folder.
    fs::remove_dir_all(&vendor).unwrap();
    symlink("nowhere", &vendor).unwrap();
    assert!(!world.audit(&[text(&folder)]).out.contains("is a link"));
}

#[test]
fn what_is_longer_than_any_file_is_not_read() {
    let Some(world) = world() else { return };
    let vendor = vendored(&world, "1.22").join("vendor");
    let file = fs::File::options().write(true).open(vendor.join("a.example/one/one.go")).unwrap();
    // All of it is a hole: to read it would take an hour.
    file.set_len(1 << 42).unwrap();
    world.audit(&[text(&vendor)]).says(1, &["a.example/one v1.0.0  was changed", "1 verified, 1 ALTERED"]);
    let list = fs::File::options().write(true).open(vendor.join("modules.txt")).unwrap();
    list.set_len(1 << 42).unwrap();
    world.audit(&[text(&vendor)]).says(2, &["modules.txt has more than 16 MiB"]);
}

#[test]
fn zips_come_from_the_module_cache_or_nobody() {
    let Some(world) = world() else { return };
    let folder = vendored(&world, "1.22");
    world.site.mirror.fault("*", Fault::Status(500, String::new()));
    let audit = |cache: &Path, arguments: &[&str]| {
        let mut command = world.command(&["audit", text(&folder.join("vendor"))]);
        crate::world::Ran::of(command.env("GOMODCACHE", cache).args(arguments).output().unwrap())
    };
    audit(&world.home.path().join("none"), &[]).says(2, &["2 unavailable", "its zip"]);
    audit(&world.go.path("modcache"), &["--private", "a.example/two"]).says(0, &["1 verified, 1 skipped"]);
    audit(&world.go.path("modcache"), &[]).says(0, &["2 verified"]);
    // A zip in the cache that is not the proven one is not used.
    let zip = world.go.path("modcache").join("cache/download/a.example/one/@v/v1.0.0.zip");
    fs::write(&zip, world.site.corpus.zip(LOCAL.0, LOCAL.1)).unwrap();
    audit(&world.go.path("modcache"), &["--data", "another"]).says(2, &["1 verified", "a.example/one v1.0.0"]);
}

#[test]
fn replacements_are_what_they_stand_for() {
    let Some(world) = world() else { return };
    let folder = world.project(&[ONE]);
    let go = |machine: &Machine, arguments: &[&str]| expect(0, &machine.go(&folder, arguments));
    let local = world.go.path("local");
    fs::create_dir_all(local.join("inner/deep")).unwrap();
    fs::write(local.join("go.mod"), "module a.example/one\n\ngo 1.21\n").unwrap();
    fs::write(local.join("one.go"), "package one\n").unwrap();
    go(&world.go, &["mod", "edit", "-replace", "a.example/one=../local"]);
    go(&world.go, &["mod", "vendor"]);
    let ran = world.audit(&[text(&folder.join("vendor"))]);
    ran.says(2, &["no hash  a.example/one v1.0.0  replaced by the folder \"../local\""]);
    go(&world.go, &["mod", "edit", "-replace", "a.example/one=a.example/local@v1.0.0"]);
    go(&world.go, &["mod", "tidy"]);
    go(&world.go, &["mod", "vendor"]);
    world.audit(&[text(&folder.join("vendor")), "--verbose"]).says(0, &["a.example/local v1.0.0", "1 verified"]);
}
