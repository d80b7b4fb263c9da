//! The hashes of real module zips and go.mod files are those that the go command writes to go.sum.

use std::fs;
use std::path::{Path, PathBuf};

use gosumcheck::store::zipfile::ZipFile;
use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use gosumcheck::sumdb::module::{ModulePath, Version};

use super::common::files_below;
use super::fake::{FakeSumdb, Served};
use super::world::{Go, World, copy_of, expect, go, gosum_of, log_of, scratch};

/// The distance, in bytes, between the bytes of a zip that are spoilt.
const STRIDE: usize = 17;
/// The size of the directory at the end of the small zip, in bytes.
const DIRECTORY: usize = 600;

/// A machine whose module cache the go command has just filled, asking a log of the hashes that it should find.
fn filled(go: &'static Go) -> (World, FakeSumdb, Served) {
    let log = log_of(&gosum_of("thirty"));
    let served = log.serve();
    let world = World::new(go, &format!("{} {}", log.vkey(), served.url()));
    let module = copy_of("thirty");
    expect(0, &world.go(module.path(), &["mod", "download", "all"]));
    assert_eq!(fs::read_to_string(module.path().join("go.sum")).unwrap(), gosum_of("thirty"));
    (world, log, served)
}

fn downloads(world: &World) -> PathBuf {
    world.path("modcache/cache/download")
}

/// `path version` or `path version/go.mod` of a file of a module cache.
fn subject(below: &Path, file: &Path) -> Option<String> {
    let (module, name) = file.strip_prefix(below).unwrap().to_str().unwrap().split_once("/@v/")?;
    let (version, end) = name.rsplit_once('.')?;
    let suffix = if end == "mod" { "/go.mod" } else { "" };
    let (module, version) = (ModulePath::unescape(module).unwrap(), Version::unescape(version).unwrap());
    Some(format!("{module} {version}{suffix}"))
}

#[test]
fn h1_of_real_modules_is_what_go_writes() {
    let Some(go) = go() else { return };
    let (world, _, _) = filled(go);
    let below = downloads(&world);
    let mut lines = Vec::new();
    for file in files_below(&below) {
        let end = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let hash = match end {
            "zip" => {
                let zip = ZipFile::open(&file).unwrap();
                let hashes = [1, 4].map(|threads| h1_zip(&zip, threads).unwrap());
                assert_eq!(hashes[0], hashes[1], "{}", file.display());
                hashes[0]
            }
            "mod" => h1_go_mod(&fs::read(&file).unwrap()),
            _ => continue,
        };
        lines.push(format!("{} h1:{hash}", subject(&below, &file).unwrap()));
    }
    let mut written: Vec<_> = gosum_of("thirty").lines().map(str::to_owned).collect();
    written.sort();
    lines.sort();
    assert_eq!(lines, written);
    let zips = lines.iter().filter(|line| !line.contains("/go.mod ")).count();
    assert!(zips >= 30, "{zips} zips");
}

/// Each byte counts for us where it counts for Go, and we never have another opinion of what the hash is. We may refuse more:
/// what two readers read differently.
#[test]
fn spoilt_zips_are_to_us_what_they_are_to_go() {
    let Some(go) = go() else { return };
    let (world, _, _) = filled(go);
    let zip = downloads(&world).join("github.com/inconshreveable/mousetrap/@v/v1.1.0.zip");
    let intact = fs::read(zip).unwrap();
    let folder = scratch();
    let spoil = |at: usize| {
        let path = folder.path().join(format!("{at:05}.zip"));
        let mut spoilt = intact.clone();
        spoilt[at] ^= 1 << (at % 8);
        fs::write(&path, spoilt).unwrap();
        path
    };
    // Some of the contents, and all of the directory at the end.
    let places = (0..intact.len()).filter(|at| at % STRIDE == 0 || intact.len() - at < DIRECTORY);
    let files: Vec<_> = places.map(spoil).collect();
    let theirs = expect(0, &go.program("h1").args(&files).output().unwrap());
    let mut agreed = [0, 0];
    for (file, theirs) in files.iter().zip(theirs.lines()) {
        match h1_zip(&ZipFile::open(file).unwrap(), 1) {
            Ok(ours) => {
                assert_eq!(format!("h1:{ours}"), theirs, "{}", file.display());
                agreed[0] += 1;
            }
            Err(_) => agreed[1] += usize::from(theirs.starts_with("refused")),
        }
    }
    assert!(agreed.iter().all(|count| *count > 50), "hashed and refused by both: {agreed:?} of {}", files.len());
    assert!(agreed.iter().sum::<usize>() * 10 > files.len() * 9, "{agreed:?} of {}", files.len());
}

#[test]
fn a_module_cache_is_proven_and_a_flipped_byte_is_found() {
    let Some(go) = go() else { return };
    let (world, log, _served) = filled(go);
    let modcache = world.path("modcache").display().to_string();
    expect(0, &world.gosumcheck("data", &["audit", "--modcache"]));
    expect(0, &world.gosumcheck("data", &["audit", "--modcache", &modcache]));

    let victim = downloads(&world).join("github.com/pkg/errors/@v/v0.9.1.zip");
    let intact = fs::read(&victim).unwrap();
    log.clear_requests();
    for at in [intact.len() / 4, intact.len() / 2] {
        let mut spoilt = intact.clone();
        spoilt[at] ^= 1;
        fs::write(&victim, &spoilt).unwrap();
        let out = expect(1, &world.gosumcheck("data", &["audit", "--modcache"]));
        let told = out.contains("DIFFERS") || out.contains("malformed");
        assert!(told && out.contains("github.com/pkg/errors"), "byte {at}: {out}");
    }
    fs::write(&victim, &intact).unwrap();
    let go_mod = downloads(&world).join("github.com/pkg/errors/@v/v0.9.1.mod");
    fs::write(&go_mod, "module github.com/pkg/errors\n\nrequire example.com/evil v1.0.0\n").unwrap();
    let out = expect(1, &world.gosumcheck("data", &["audit", "--modcache"]));
    assert!(out.contains("DIFFERS") && out.contains("v0.9.1/go.mod"), "{out}");
    assert_eq!(log.requests().len(), 0, "all was proven before");
}
