//! Many versions, many files, long lines: all of it is answered in pages of a bounded length.

use std::fs;
use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::kit::{Site, Spec};
use crate::world::World;

const VERSIONS: usize = 2_000;
const FILES: usize = 10_000;
/// What no page is longer than, in bytes.
const MAX_PAGE: usize = 1 << 20;

/// A zip of very many files, and one of one very long line.
fn many_files(module: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, content: &[u8]| {
        zip.start_file(format!("{module}/{name}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    };
    add("go.mod", b"module example.com/files\n\ngo 1.21\n");
    add("line.txt", &b"x".repeat(1 << 20));
    add("large.bin", &vec![0; (4 << 20) + 1]);
    (3..FILES).for_each(|number| add(&format!("pkg{:02}/file{number:05}.go", number % 100), b"package p\n"));
    zip.finish().unwrap().into_inner()
}

/// Adds versions of `example.com/many` to the store, as an older release left them.
fn many_versions(world: &World) {
    let folder = world.home.path().join("data/modules/example.com/many/@v");
    fs::create_dir_all(&folder).unwrap();
    let (hash, key) = (world.site.corpus.h1_zip("example.com/files", "v1.0.0"), world.site.log.vkey());
    for number in 0..VERSIONS {
        let file = folder.join(format!("v1.{number}.0.zip"));
        fs::write(&file, b"zip").unwrap();
        fs::write(file.with_extension("ziphash"), &hash).unwrap();
        fs::write(file.with_extension("zipproof"), format!("{hash}\nrecord {number} of {key}\n")).unwrap();
    }
}

#[test]
fn what_is_large_comes_in_pages() {
    let site = Site::of(&[Spec::new("example.com/files", "v1.0.0").zip(many_files("example.com/files@v1.0.0"))]);
    let world = World::over(site, &[], &["example.com/files@v1.0.0"]);
    many_versions(&world);
    let versions = world.json("modules/example.com/many?limit=99999");
    assert_eq!((&versions["total"], versions["versions"].as_array().unwrap().len()), (&VERSIONS.into(), VERSIONS));
    assert_eq!(
        (&versions["versions"][0]["version"], &versions["versions"][0]["record"]),
        (&"v1.1999.0".into(), &1999.into())
    );
    let page = world.json("modules/example.com/many");
    assert_eq!((page["versions"].as_array().unwrap().len(), &page["next"]), (200, &"v1.1800.0".into()));
    let page = world.json("modules/example.com/many?cursor=v1.1800.0");
    assert_eq!(page["versions"][0]["version"], "v1.1799.0");
    let files = world.json("modules/example.com/files@v1.0.0/files?limit=10000");
    assert_eq!((&files["total"], files["files"].as_array().unwrap().len()), (&FILES.into(), FILES));
    for path in [
        "/modules/example.com/many",
        "/modules/example.com/files@v1.0.0",
        "/modules/example.com/files@v1.0.0?file=line.txt",
    ] {
        let page = world.page(path);
        assert!(
            page.len() < MAX_PAGE && (page.contains("Next page") || page.contains("Only the beginning is shown")),
            "{path}"
        );
    }
    let line = world.get("/api/v1/modules/example.com/files@v1.0.0/file?path=line.txt");
    assert_eq!((line.status, line.body.len()), (200, 1 << 20));
    let large = world.get("/api/v1/modules/example.com/files@v1.0.0/file?path=large.bin");
    assert_eq!(large.status, 403, "{large:?}");
    assert!(large.text().contains("4194305 bytes"), "{large:?}");
}
