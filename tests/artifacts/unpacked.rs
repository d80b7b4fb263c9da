//! Unpacked modules of a module cache: each file that is not as in the proven zip is named, and where `go mod verify` finds a
//! difference the audit does, and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::files_below;
use crate::kit::{Fault, Spec, expect};
use crate::world::{Ran, World};

const ONE: (&str, &str) = ("a.example/One", "v1.0.0");
const TWO: (&str, &str) = ("a.example/two/v2", "v2.3.4");

struct Cache {
    world: World,
    project: PathBuf,
    root: PathBuf,
}

fn cache() -> Option<Cache> {
    let one = Spec::new(ONE.0, ONE.1).license().file("inner/a.s", b"// nothing\n").file("inner/data.txt", b"x\n");
    let world = World::new(&[one, Spec::new(TWO.0, TWO.1).requires(ONE.0, ONE.1).license()])?;
    let project = world.project(&[ONE, TWO]);
    expect(0, &world.go.go(&project, &["mod", "download", "all"]));
    let root = world.go.path("modcache");
    Some(Cache { world, project, root })
}

impl Cache {
    fn audit(&self, arguments: &[&str]) -> Ran {
        self.world.audit(&[&["--modcache", self.root.to_str().unwrap()], arguments].concat())
    }

    /// Both find the difference, or neither.
    fn both(&self, is_right: bool) -> Ran {
        let by_go = self.world.go.go(&self.project, &["mod", "verify"]);
        assert_eq!(by_go.status.success(), is_right, "{}", String::from_utf8_lossy(&by_go.stderr));
        let ran = self.audit(&[]);
        assert_eq!(ran.code, i32::from(!is_right), "{}{}", ran.out, ran.err);
        ran
    }

    /// The files of the unpacked modules.
    fn unpacked(&self) -> Vec<PathBuf> {
        files_below(&self.root).into_iter().filter(|path| !path.starts_with(self.root.join("cache"))).collect()
    }
}

#[test]
fn each_file_that_was_changed_is_named_where_go_finds_a_difference() {
    let Some(cache) = cache() else { return };
    cache.both(true).says(0, &["verified"]);
    // Once a zip is there, nobody is asked for it.
    cache.world.site.mirror.fault("*", Fault::Status(500, String::new()));
    let files = cache.unpacked();
    assert!(files.len() >= 8, "{files:?}");
    for path in &files {
        let place = format!("{}:", path.display());
        let bytes = fs::read(path).unwrap();
        let beside = path.with_extension("moved");
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        fs::write(path, &changed).unwrap();
        cache.both(false).says(1, &[&place, "was changed", "1 DIFFERS, 1 ALTERED", "the unpacked module is not"]);
        fs::write(path, "").unwrap();
        cache.both(false).says(1, &[&place, "was changed", "1 DIFFERS, 1 ALTERED"]);
        fs::rename(path, &beside).unwrap();
        fs::write(&beside, &bytes).unwrap();
        let added = format!("{}:", beside.display());
        cache.both(false).says(1, &[&place, "is missing", &added, "was added", "1 DIFFERS, 2 ALTERED"]);
        fs::remove_file(&beside).unwrap();
        cache.both(false).says(1, &[&place, "is missing", "1 DIFFERS, 1 ALTERED"]);
        fs::write(path, &bytes).unwrap();
        fs::write(&beside, "package added\n").unwrap();
        cache.both(false).says(1, &[&added, "was added", "1 DIFFERS, 1 ALTERED"]);
        fs::remove_file(&beside).unwrap();
    }
    cache.both(true);
    // In all formats, with the module and the file.
    fs::write(&files[0], "changed\n").unwrap();
    for format in ["json", "sarif", "junit"] {
        let ran = cache.audit(&["--format", format]);
        ran.says(1, &["altered", files[0].file_name().unwrap().to_str().unwrap(), "was changed"]);
    }
}

#[test]
fn what_was_downloaded_is_judged_as_go_judges_it() {
    let Some(cache) = cache() else { return };
    let downloaded = |end: &str| -> Vec<PathBuf> {
        let all = files_below(&cache.root.join("cache/download")).into_iter();
        all.filter(|path| path.extension().is_some_and(|found| found == end)).collect()
    };
    for path in [downloaded("zip"), downloaded("ziphash")].concat() {
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        // Of a zip, the first byte of its first file's content, behind its header.
        let at = if bytes.starts_with(b"PK") { 30 + usize::from(bytes[26]) + usize::from(bytes[28]) } else { 20 };
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        cache.both(false).says(1, &[path.to_str().unwrap()]);
        fs::write(&path, bytes).unwrap();
    }
    // Go does not look at these again.
    for path in downloaded("mod") {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, [bytes.as_slice(), b"\n"].concat()).unwrap();
        cache.audit(&[]).says(1, &[path.to_str().unwrap(), "1 DIFFERS"]);
        fs::write(&path, bytes).unwrap();
    }
    cache.both(true);
}

#[test]
fn without_a_proven_zip_the_folder_alone_is_named() {
    let Some(cache) = cache() else { return };
    let zip = |path: &Path| path.extension().is_some_and(|end| end == "zip");
    let path = cache.unpacked().swap_remove(0);
    fs::write(&path, "changed\n").unwrap();
    for path in files_below(&cache.root.join("cache/download")).into_iter().filter(|path| zip(path)) {
        fs::remove_file(path).unwrap();
    }
    // From the proxy, where the cache has none.
    cache.audit(&[]).says(1, &[path.to_str().unwrap(), "1 DIFFERS, 1 ALTERED"]);
    cache.world.site.mirror.fault("*", Fault::Status(500, String::new()));
    let ran = cache.audit(&["--data", "another"]);
    ran.says(1, &["1 DIFFERS", "which files in it differ could not be told", "its zip"]);
    assert!(!ran.out.contains("ALTERED"), "{}", ran.out);
}
