//! Modules without a tag, from upstreams that list pseudo-versions and have no `@latest`: repositories of packages, and the go
//! command's own module cache. What the go command finds there, it finds through us.

use std::path::Path;

use crate::kit::{Corpus, FakeMirror, Fault, Machine, Spec, expect};
use crate::real::scratch;
use crate::served::serve;

const UNTAGGED: &str = "example.com/untagged";
const TAGGED: &str = "example.com/tagged";
const OLDER: &str = "v0.0.0-20240102030405-abcdefabcdef";
/// Newer, and before the other one in the order of versions.
const NEWER: &str = "v0.0.0-20250102030405-0123456789ab";

/// What go makes of a project that requires an older version: what it lists, go.mod, and go.sum.
fn became(proxy: &str, sumdb: &str) -> Option<[String; 3]> {
    let machine = Machine::new(proxy, sumdb)?;
    let folder = machine.project("main", &[(UNTAGGED, OLDER), (TAGGED, "v1.0.0")]);
    expect(0, &machine.go(&folder, &["mod", "tidy"]));
    let (listed, _) = expect(0, &machine.go(&folder, &["list", "-m", "-u", UNTAGGED, TAGGED]));
    expect(0, &machine.go(&folder, &["get", "-u", "./..."]));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    Some([listed, read(&folder.join("go.mod")), read(&folder.join("go.sum"))])
}

#[test]
fn go_finds_the_newest_of_them_through_us_as_without_us() {
    let versions = [(UNTAGGED, OLDER), (UNTAGGED, NEWER), (TAGGED, "v1.0.0"), (TAGGED, "v1.1.0"), (TAGGED, OLDER)];
    let corpus = Corpus::of(&versions.map(|(module, version)| Spec::new(module, version)));
    corpus.publish(&format!("{UNTAGGED}/@v/list"), format!("{NEWER}\n{OLDER}\n"));
    corpus.publish(&format!("{TAGGED}/@v/list"), format!("{OLDER}\nv1.0.0\nv1.1.0\n"));
    let (log, mirror) = (corpus.log(), FakeMirror::serve(&corpus));
    mirror.fault("*/@latest", Fault::Status(404, String::new()));
    let served = log.serve();
    let sumdb = format!("{} {}", log.vkey(), served.url());
    let Some(machine) = Machine::new(&mirror.url(), &sumdb) else { return };
    for (module, version) in versions {
        expect(0, &machine.go(&machine.path("."), &["mod", "download", &format!("{module}@{version}")]));
    }
    let cache = format!("file://{}", machine.path("modcache/cache/download").display());
    let data = scratch();
    for upstream in [mirror.url(), cache] {
        let Some(without) = became(&upstream, &sumdb) else { return };
        assert!(without[0].contains(&format!("{UNTAGGED} {OLDER} [{NEWER}]")), "{}", without[0]);
        assert!(without[1].contains(NEWER) && without[1].contains("v1.1.0"), "{}", without[1]);
        let server = serve(data.path(), &["--sumdb", &sumdb, "--proxy", &upstream]);
        assert_eq!(became(&server.url, &sumdb).unwrap(), without, "{upstream}");
    }
    // The folder of what is stored is such an upstream itself.
    let stored = format!("file://{}", data.path().join("modules").display());
    let without = became(&mirror.url(), &sumdb).unwrap();
    let here = became(&stored, &sumdb).unwrap();
    assert_eq!((&here[1], &here[2]), (&without[1], &without[2]));
}
