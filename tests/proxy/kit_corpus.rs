//! Modules of the corpus: their hashes, their lists, their log.

use std::collections::BTreeMap;

use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::modzip::check_zip;

use crate::kit::{Corpus, Spec, noise, read_zip};

/// The largest zip that tests ask for.
const LARGE: usize = 50 << 20;

fn text(corpus: &Corpus, path: &str) -> String {
    String::from_utf8(corpus.file(path).unwrap_or_else(|| panic!("no {path}")).to_vec()).unwrap()
}

#[test]
fn hashes_agree_with_dirhash_and_zips_keep_the_rules() {
    let corpus = Corpus::of(&[
        Spec::new("example.com/small", "v1.0.0").stored(),
        Spec::new("example.com/Some/Upper", "v0.1.0-RC.1").license().file("sub/folder/x.go", b"package folder\n"),
        Spec::new("example.com/old", "v2.0.0+incompatible").noise(70_000),
        Spec::new("example.com/large/v3", "v3.0.0").noise(LARGE),
        Spec::new("golang.org/x/pseudo", "v0.0.0-20240102030405-abcdefabcdef").go_mod("module golang.org/x/pseudo\n"),
        Spec::toolchain("go1.99.0"),
    ]);
    let log = corpus.log();
    for module in corpus.modules() {
        let (path, version) = (module.path().as_str(), module.version().as_str());
        let zip = corpus.zip(path, version);
        let hash = format!("h1:{}", h1_zip(&zip[..], 2).unwrap());
        assert_eq!(corpus.h1_zip(path, version), hash);
        assert_eq!(corpus.h1_go_mod(path, version), format!("h1:{}", h1_go_mod(&corpus.go_mod(path, version))));
        check_zip(&zip[..], path, version).unwrap_or_else(|why| panic!("{module}: {why}"));
        let record = log.record_text(log.find(path, version).unwrap());
        let go_mod = corpus.h1_go_mod(path, version);
        assert_eq!(record, format!("{path} {version} {hash}\n{path} {version}/go.mod {go_mod}\n"));
        for file in read_zip(&zip).iter().filter(|file| file.name == format!("{path}@{version}/go.mod")) {
            assert_eq!(file.content, corpus.go_mod(path, version));
        }
    }
    assert!(corpus.zip("example.com/large/v3", "v3.0.0").len() > LARGE, "it does not compress");
    assert!(corpus.files().iter().all(|(path, _)| ModuleRequest::parse(path).unwrap().to_string() == *path));
    assert_eq!(log.size(), 1_506);
    assert!(log.honest("tile/8/1/000.p/5").is_some(), "a second level");
}

#[test]
fn the_same_specs_make_the_same_bytes() {
    let specs = [Spec::new("example.com/a", "v1.0.0").noise(5_000), Spec::new("example.com/b", "v1.0.0")];
    let files = || Corpus::of(&specs).files().into_iter().collect::<BTreeMap<_, _>>();
    assert_eq!(files(), files());
    assert_eq!(noise("seed", 20)[..10], noise("seed", 10));
    assert_ne!(noise("seed", 10), noise("other", 10));
    let (plain, stored) = (Spec::new("example.com/a", "v1.0.0"), Spec::new("example.com/a", "v1.0.0").stored());
    let (plain, stored) = (Corpus::of(&[plain]), Corpus::of(&[stored]));
    assert_ne!(plain.zip("example.com/a", "v1.0.0"), stored.zip("example.com/a", "v1.0.0"));
    assert_eq!(plain.go_sum(), stored.go_sum(), "how it is packed does not count");
}

#[test]
fn folders_count_in_the_hash() {
    let spec = Spec::new("example.com/a", "v1.0.0").file("d/e/f.go", b"package e\n");
    let (without, with) = (Corpus::of(std::slice::from_ref(&spec)), Corpus::of(&[spec.clone().folders()]));
    let names: Vec<_> = read_zip(&with.zip("example.com/a", "v1.0.0")).into_iter().map(|entry| entry.name).collect();
    let folders: Vec<_> = names.iter().filter(|name| name.ends_with('/')).map(String::as_str).collect();
    assert_eq!(folders, ["example.com/a@v1.0.0/d/", "example.com/a@v1.0.0/d/e/"], "{names:?}");
    assert_ne!(without.go_sum(), with.go_sum());
}

#[test]
fn lists_and_queries_follow_the_modules() {
    let pseudo = "v0.0.0-20240102030405-abcdefabcdef";
    let spec = |version: &str| Spec::new("example.com/Some/a", version);
    let corpus = Corpus::of(&[spec(pseudo)]);
    assert_eq!(text(&corpus, "example.com/!some/a/@v/list"), "", "no tags: empty, and there");
    assert!(text(&corpus, "example.com/!some/a/@latest").contains(pseudo));
    for version in ["v1.10.0", "v1.9.0", "v2.0.0-rc.1+incompatible"] {
        corpus.add(&spec(version));
    }
    assert_eq!(text(&corpus, "example.com/!some/a/@v/list"), "v1.9.0\nv1.10.0\nv2.0.0-rc.1+incompatible\n");
    let latest = r#"{"Version":"v1.10.0","Time":"2024-01-02T03:04:05Z"}"#;
    assert_eq!(text(&corpus, "example.com/!some/a/@latest"), latest);
    corpus.query("example.com/Some/a", "main", "v1.9.0");
    assert!(text(&corpus, "example.com/!some/a/@v/main.info").contains("v1.9.0"));
    assert!(corpus.file("example.com/Some/a/@v/list").is_none());
    corpus.remove("example.com/!some/a/@v/list");
    assert!(corpus.file("example.com/!some/a/@v/list").is_none());
}

#[test]
fn what_is_private_is_in_no_log() {
    let corpus = Corpus::of(&[
        Spec::new("corp.example/secret", "v1.0.0").unlogged(),
        Spec::new("example.com/a", "v1.0.0").zip(b"no zip".to_vec()),
    ]);
    let log = corpus.log_among(70_000);
    assert_eq!(log.find("corp.example/secret", "v1.0.0"), None);
    assert!(log.find("example.com/a", "v1.0.0").is_some(), "a log says what it is given");
    assert!(log.honest("tile/8/2/000.p/1").is_some(), "a third level");
    let folder = tempfile::tempdir().unwrap();
    corpus.write_to(folder.path());
    assert_eq!(std::fs::read(folder.path().join("example.com/a/@v/v1.0.0.zip")).unwrap(), b"no zip");
}
