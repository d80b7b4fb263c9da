//! Folders as proxies: the go command's module cache, a copy of it on a disk, a folder that is not there.

use std::fs;
use std::path::Path;

use gosumcheck::upstream::{FailureKind, Fetched, Sent};

use crate::world::*;

/// The line of an untagged version.
const PSEUDO: &str = "v0.0.0-20200101000000-abcdefabcdef\n";

fn tree(files: &[(&str, &[u8])]) -> (tempfile::TempDir, String) {
    let root = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let url = url(root.path());
    (root, url)
}

fn url(root: &Path) -> String {
    format!("file://{}", root.display())
}

#[tokio::test]
async fn files_are_found_in_their_spelling() {
    let files: [(&str, &[u8]); 5] = [
        ("example.com/!big/@v/v1.0.0-!r!c1.info", b"{}"),
        ("example.com/!big/@v/v2.0.0+incompatible.mod", b"module example.com/Big\n"),
        ("example.com/!big/@v/a#b [c].info", b"{branch}"),
        ("example.com/!big/@v/list", b"v1.0.0\n"),
        ("example.com/!big/@latest", b"{latest}"),
    ];
    let (_root, url) = tree(&files);
    let proxies = proxies(&[&url]);
    for (path, bytes) in files {
        assert_eq!(body(fetch(&proxies, path).await).as_bytes(), bytes);
    }
    for path in ["example.com/!big/@v/v1.9.0.info", "example.com/other/@v/list", "example.com/other/@latest"] {
        assert_eq!(missing(fetch(&proxies, path).await), "not held");
    }
    assert_eq!((proxies.states()[0].requests, proxies.complaints()[0].lacked), (8, 3));
}

#[tokio::test]
async fn a_list_is_made_of_what_is_there() {
    let (_root, url) = tree(&[
        ("example.com/m/@v/v1.10.0.mod", b"m"),
        ("example.com/m/@v/v1.9.0.mod", b"m"),
        ("example.com/m/@v/v1.9.0.info", b"{}"),
        ("example.com/m/@v/v1.2.0-rc.1.info", b"{}"),
        ("example.com/m/@v/v0.0.0-20200101000000-abcdefabcdef.mod", b"m"),
        ("example.com/m/@v/v2.0.0.mod", b"m"),
        ("example.com/m/@v/v1.mod", b"m"),
        ("example.com/m/@v/v1.11.0.zip", b"z"),
        ("example.com/m/@v/v1.9.0.lock", b""),
        ("example.com/pseudo/@v/v0.0.0-20200101000000-abcdefabcdef.mod", b"m"),
        ("example.com/zip/@v/v1.0.0.zip", b"z"),
        ("example.com/empty/@v/list", b""),
    ]);
    let proxies = proxies(&[&url]);
    assert_eq!(body(fetch(&proxies, "example.com/m/@v/list").await), format!("{PSEUDO}v1.2.0-rc.1\nv1.9.0\nv1.10.0\n"));
    assert_eq!(body(fetch(&proxies, "example.com/pseudo/@v/list").await), PSEUDO, "there is no @latest to name it");
    assert_eq!(body(fetch(&proxies, "example.com/empty/@v/list").await), "");
    assert_eq!(missing(fetch(&proxies, "example.com/zip/@v/list").await), "not held");
}

#[tokio::test]
async fn a_file_is_copied_behind_what_is_there() {
    let bytes = noise(700_000);
    let (root, url) = tree(&[(ZIP, &bytes)]);
    let proxies = proxies(&[&url]);
    for (held, kept) in [(Memory::default(), 0), (Memory::holding(&bytes[..300_000]), 300_000)] {
        let mut sink = held;
        let Sent::Whole(origin) = download(&proxies, &mut sink).await.unwrap() else { panic!() };
        assert!(sink.bytes == bytes && sink.restarts == 0);
        assert_eq!((origin.kept, origin.place), (kept, root.path().join(ZIP).display().to_string()));
    }
    let mut sink = Memory::holding(&noise(700_001));
    assert!(matches!(download(&proxies, &mut sink).await.unwrap(), Sent::Whole(_)));
    assert!(sink.bytes == bytes && sink.restarts == 1);
    assert_eq!(proxies.states()[0].bytes, 700_000 + 400_000 + 700_000);

    let failure = proxies.download(0, &asked(ZIP), 699_999, &mut Memory::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLong);
    let failure = proxies.fetch(0, &asked(ZIP), 699_999).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLong);
    let mut full = Memory { room: Some(10), ..Memory::default() };
    assert_eq!(download(&proxies, &mut full).await.unwrap_err().kind, FailureKind::Disk);
}

#[tokio::test]
async fn what_is_not_written_yet_is_not_held_and_what_is_no_tree_has_failed() {
    let (root, url) = tree(&[(ZIP, b""), ("example.com/m/@v/v1.0.0.mod/folder", b"x"), ("file", b"x")]);
    let proxies_of = |url: &str| proxies(&[url]);
    let mut sink = Memory::default();
    assert!(matches!(download(&proxies_of(&url), &mut sink).await.unwrap(), Sent::Missing(_)));
    assert_eq!(missing(fetch(&proxies_of(&url), "example.com/m/@v/v1.0.0.mod").await), "not held");
    for gone in ["typo", "file"] {
        let proxies = proxies_of(&self::url(&root.path().join(gone)));
        let failure = fetch(&proxies, "example.com/m/@v/v1.0.0.mod").await.unwrap_err();
        assert_eq!((failure.kind, failure.why.as_str()), (FailureKind::Unreachable, "there is no such folder"));
        assert!(download(&proxies, &mut sink).await.is_err());
        assert!(fetch(&proxies, "example.com/m/@v/list").await.is_err());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let (root, url) = tree(&[("example.com/m/@v/list", b"v1.0.0\n")]);
    let made = std::process::Command::new("mkfifo").arg(root.path().join("example.com/m/@latest")).status();
    assert!(made.unwrap().success());
    assert!(matches!(fetch(&proxies(&[&url]), "example.com/m/@latest").await.unwrap(), Fetched::Missing(_)));
}
