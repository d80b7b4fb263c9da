//! Bundles: enough without a network, the same bytes each time, and proven like anything else.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

use crate::common::Serving;
use crate::fake::Given;
use crate::kit::Machine;
use crate::world::{FILES, MODULES, World, content_of, get};

/// The members of a bundle.
fn members(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bundle);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.collect()
}

/// A bundle of these members.
fn bundle(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len().try_into().unwrap());
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A world with a bundle of all modules in `out.tar`.
fn exported() -> World {
    let world = World::new();
    let ran = world.export("out.tar", "here", &["--for", &world.go_sum()]);
    ran.says(0, &["exported 3 module versions to out.tar: 9 files, ", "proven under tree 1,503"]);
    world
}

#[test]
fn a_bundle_is_all_that_it_takes_without_a_network() {
    let world = exported();
    world.site.mirror.stop();
    let asked = world.site.log.requests_for("").len();
    let ran = world.import_alone("out.tar", "there", &[]);
    ran.says(0, &["is taken for a bundle", &format!("(bundle): {FILES} files proven and stored")]);
    assert_eq!(world.stored("there"), world.everything());
    world
        .import_alone("out.tar", "there", &[])
        .says(0, &[&format!(": 0 files proven and stored (0 B), {FILES} held before")]);
    assert_eq!(world.site.log.requests_for("").len(), asked, "nobody was asked");
    // The real go builds from that folder, with the checksum database through the same server.
    let key = world.site.log.vkey();
    let mut serve = world.command(&["serve", "--listen", "127.0.0.1:0", "--offline", "--data", "there"]);
    let serving = Serving::start(serve.args(["--sumdb", &key]));
    let Some(machine) = Machine::new(&serving.url, &format!("{key} {}", serving.url)) else { return };
    let project = machine.project("project", &MODULES);
    crate::kit::expect(0, &machine.go(&project, &["mod", "tidy"]));
    crate::kit::expect(0, &machine.go(&project, &["build", "-o", "program", "."]));
    let info = get(&serving, "/a.example/one/@v/v1.0.0.info");
    assert_eq!(info, world.site.corpus.file("a.example/one/@v/v1.0.0.info").unwrap());
}

#[test]
fn the_same_modules_under_the_same_head_are_the_same_bytes() {
    let world = exported();
    world.export("again.tar", "elsewhere", &["--for", &world.go_sum()]).says(0, &[]);
    assert_eq!(fs::read(world.at("out.tar")).unwrap(), fs::read(world.at("again.tar")).unwrap());
    let names: Vec<String> =
        members(&fs::read(world.at("out.tar")).unwrap()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[0], "gosumcheck-bundle.json");
    let name = world.site.log.name();
    assert_eq!(names[1], format!("sumdb/{name}/latest"));
    let parts = [&format!("sumdb/{name}/lookup/"), &format!("sumdb/{name}/tile/8/"), "modules/"];
    let counts = parts.map(|part| names.iter().filter(|name| name.starts_with(part)).count());
    assert_eq!((counts[0], counts[2]), (3, 9));
    assert!(counts[1] >= 2);
}

#[test]
fn every_member_that_is_changed_is_found() {
    let world = exported();
    let whole = members(&fs::read(world.at("out.tar")).unwrap());
    for at in 1..whole.len() {
        let mut changed = whole.clone();
        let (name, bytes) = &mut changed[at];
        let name = name.clone();
        let byte = if name.ends_with(".zip") { content_of(bytes) } else { bytes.len() / 2 };
        bytes[byte] ^= 0x55;
        fs::write(world.at("changed.tar"), bundle(&changed)).unwrap();
        let data = format!("changed-{at}");
        let ran = world.import_alone("changed.tar", &data, &[]);
        let stored: BTreeMap<_, _> = world.stored(&data);
        let expected = world.everything();
        let is_wrong =
            |(path, bytes): (&String, &Vec<u8>)| !path.ends_with(".info") && expected.get(path) != Some(bytes);
        assert!(!stored.iter().any(is_wrong), "{name}");
        // A time or an origin in an `.info` is nothing that could be proven.
        if !name.ends_with(".info") {
            assert_ne!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        }
    }
}

#[test]
fn what_is_cut_off_twice_there_or_foreign_is_refused_before_anything_is_stored() {
    let world = exported();
    let bytes = fs::read(world.at("out.tar")).unwrap();
    let whole = members(&bytes);
    let name = world.site.log.name().to_owned();
    let member = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let with = |extra: (String, Vec<u8>)| bundle(&[whole.clone(), vec![extra]].concat());
    let mut manifest = whole.clone();
    let text = String::from_utf8(manifest[0].1.clone()).unwrap();
    manifest[0].1 = text.replace("\"version\": 1", "\"version\": 2").into_bytes();
    let mut link = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    link.append_link(&mut header, "modules/a.example/one/@v/v1.0.0.mod", "/etc/passwd").unwrap();
    for (what, bytes, why) in [
        ("cut", bytes[..bytes.len() - 512].to_vec(), "is cut off"),
        ("half", bytes[..bytes.len() / 2].to_vec(), "is cut off"),
        ("twice", with(whole[1].clone()), "is twice in it"),
        ("foreign", with(member("etc/passwd", b"x")), "belongs to no bundle"),
        ("up", with(member(&format!("sumdb/{name}/tile/8/0/x001/000"), b"x")), ""),
        ("later", bundle(&manifest), "of version 2, and this program reads version 1"),
        ("tar", bundle(&whole[1..]), "it begins with"),
        ("link", link.into_inner().unwrap(), "is not a file"),
    ] {
        fs::write(world.at("bad.tar"), bytes).unwrap();
        if why.is_empty() {
            // A tile too many is not asked for.
            world.import_alone("bad.tar", &format!("data-{what}"), &[]).says(0, &[]);
            continue;
        }
        world.import_alone("bad.tar", &format!("data-{what}"), &[]).says(2, &["bad.tar", why]);
        assert!(!world.at(&format!("data-{what}")).exists(), "{what}");
    }
    // No name of the database's part leads elsewhere.
    for path in ["../../../escaped", "lookup/../../escaped@v1.0.0", "supported", "tile/8/data/000"] {
        let mut header = tar::Header::new_gnu();
        let raw = format!("sumdb/{name}/{path}");
        header.as_old_mut().name[..raw.len()].copy_from_slice(raw.as_bytes());
        header.set_size(1);
        header.set_mode(0o644);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header_of(&whole[0].1), whole[0].1.as_slice()).unwrap();
        builder.append(&header, &b"x"[..]).unwrap();
        fs::write(world.at("bad.tar"), builder.into_inner().unwrap()).unwrap();
        world.import_alone("bad.tar", "data-path", &[]).says(2, &["bad.tar", "does not belong to a database"]);
    }
    assert!(!world.at("escaped").exists());
}

fn header_of(manifest: &[u8]) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path("gosumcheck-bundle.json").unwrap();
    header.set_size(manifest.len().try_into().unwrap());
    header.set_mode(0o644);
    header.set_cksum();
    header
}

#[test]
fn a_folder_with_a_head_takes_a_bundle_that_shows_that_the_log_only_grew() {
    let world = exported();
    world.import_alone("out.tar", "there", &[]).says(0, &[]);
    let old = members(&fs::read(world.at("out.tar")).unwrap())[1].1.clone();
    fs::write(world.at("head"), old).unwrap();
    // The log grows by so much that the tile at the edge of the old tree is a full one now.
    for number in 0..1_000 {
        world.site.log.append(Given::new(&format!("example.com/more{number}"), "v1.0.0", "h1:x=", "h1:y="));
    }
    let sum = world.go_sum();
    world.export("plain.tar", "here", &["--for", &sum]).says(0, &["proven under tree 2,503"]);
    world.export("since.tar", "here", &["--for", &sum, "--since", "head"]).says(0, &["proven under tree 2,503"]);
    // Without what is here already, so that it has to be proven anew.
    fs::remove_dir_all(world.at("there/modules")).unwrap();
    fs::remove_dir_all(world.at("there/cache")).unwrap();
    let ran = world.import_alone("plain.tar", "there", &[]);
    ran.says(
        2,
        &["this folder has a signed head", "of 1,503 records, and that of the bundle, of 2,503, is newer", "--since"],
    );
    assert!(world.stored("there").is_empty());
    world.import_alone("since.tar", "there", &[]).says(0, &["6 files proven and stored"]);
    assert_eq!(world.stored("there"), world.everything());
    // An older bundle has nothing by which its records are in the newer tree.
    fs::remove_dir_all(world.at("there/modules")).unwrap();
    fs::remove_dir_all(world.at("there/cache")).unwrap();
    world
        .import_alone("out.tar", "there", &[])
        .says(2, &["of 2,503 records, and that of the bundle, of 1,503, is older"]);
}

#[test]
fn a_first_import_is_held_to_the_pinned_head_and_a_bundle_shows_that_its_own_contains_it() {
    let world = exported();
    let pin = members(&fs::read(world.at("out.tar")).unwrap())[1].1.clone();
    fs::write(world.at("pin"), pin).unwrap();
    for number in 0..1_000 {
        world.site.log.append(Given::new(&format!("example.com/more{number}"), "v1.0.0", "h1:x=", "h1:y="));
    }
    let sum = world.go_sum();
    world.export("plain.tar", "one", &["--for", &sum]).says(0, &["proven under tree 2,503"]);
    world.export("pinned.tar", "two", &["--for", &sum, "--pin-head", "pin"]).says(0, &["proven under tree 2,503"]);
    world.import_alone("plain.tar", "there", &["--pin-head", "pin"]).says(2, &["0 files proven and stored"]);
    assert!(world.stored("there").is_empty());
    world.import_alone("pinned.tar", "there", &["--pin-head", "pin"]).says(0, &["9 files proven and stored"]);
    assert_eq!(world.stored("there"), world.everything());
}

#[test]
fn nothing_is_written_where_something_is_missing_or_wrong() {
    let world = World::new();
    fs::write(world.at("out.tar"), "what was there before").unwrap();
    let sum = world.go_sum();
    let is_untouched = || {
        let left = fs::read_dir(world.home.path()).unwrap().flatten();
        assert!(!left.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with(".gosumcheck")));
        assert_eq!(fs::read(world.at("out.tar")).unwrap(), b"what was there before");
    };
    let ran = world.export("out.tar", "here", &["--for", "a.example/none@v1.0.0"]);
    ran.says(1, &["ABSENT   a.example/none/@v/v1.0.0.mod", "out.tar was not written"]);
    is_untouched();
    let wrong = world.site.corpus.go_sum().replace("a.example/one v1.0.0 h1:", "a.example/one v1.0.0 h1:A");
    fs::write(world.at("wrong.sum"), wrong).unwrap();
    world.export("out.tar", "here", &["--for", "wrong.sum"]).says(1, &["out.tar was not written"]);
    is_untouched();
    world.export("none/out.tar", "here", &["--for", &sum]).says(2, &["none/out.tar: cannot be written"]);
    world.export("out.tar", "here", &["--for", "none"]).says(2, &["neither a file nor a module version"]);
    fs::write(world.at("head"), "no head").unwrap();
    world.export("out.tar", "here", &["--for", &sum, "--since", "head"]).says(2, &["--since head: "]);
    is_untouched();
    world.export("out.tar", "here", &[]).says(2, &["--for"]);
    fs::write(world.at("empty"), "").unwrap();
    world.export("out.tar", "here", &["--for", "empty"]).says(2, &["there is nothing to export"]);
    let ran = world.export("out.tar", "here", &["--for", &sum, "--private", "a.example/*,b.example/*"]);
    ran.says(2, &["private modules were left out, 3 in number", "there is nothing to export"]);
    is_untouched();
    // Private modules do not leave.
    let ran = world.export("out.tar", "here", &["--for", &sum, "--private", "b.example/*"]);
    ran.says(0, &["private modules were left out, 1 in number", "exported 2 module versions"]);
}

#[test]
fn a_go_mod_brings_its_go_sum_and_a_workspace_those_of_its_modules() {
    let world = World::new();
    let sums = world.site.corpus.go_sum();
    let of = |name: &str| {
        sums.lines().filter(|line| line.starts_with(name)).map(|line| format!("{line}\n")).collect::<String>()
    };
    for (folder, name) in [("one", "a.example/one"), ("two", "a.example/Two"), ("three", "b.example")] {
        fs::create_dir_all(world.at(folder)).unwrap();
        fs::write(world.at(folder).join("go.mod"), "module m.example/m\n\ngo 1.21\n").unwrap();
        fs::write(world.at(folder).join("go.sum"), of(name)).unwrap();
    }
    world
        .export("out.tar", "here", &["--for", "one/go.mod"])
        .says(0, &["exported 1 module version to out.tar: 3 files"]);
    fs::write(world.at("go.work"), "go 1.21\n\nuse (\n\t./two\n\t./three\n)\n").unwrap();
    let ran = world.export("out.tar", "here", &["--for", "go.work"]);
    ran.says(0, &["exported 2 module versions to out.tar: 6 files"]);
    world.export("out.tar", "here", &["--for", "go.work", "--for", "one/go.mod"]).says(0, &["3 module versions"]);
    // A blank in a name, and modules that cannot be named: nothing is left out without a word.
    fs::rename(world.at("two"), world.at("number two")).unwrap();
    fs::write(world.at("go.work"), "go 1.21\n\nuse \"./number two\"\nuse ./three\n").unwrap();
    world.export("out.tar", "here", &["--for", "go.work"]).says(0, &["exported 2 module versions"]);
    fs::write(world.at("go.work"), "go 1.21\n\nuse (\n\t./three\n\t./none\n)\n").unwrap();
    world.export("out.tar", "here", &["--for", "go.work"]).says(2, &["none/go.mod"]);
    fs::write(world.at("go.work"), "go 1.21\n").unwrap();
    world.export("out.tar", "here", &["--for", "go.work"]).says(2, &["go.work: has no use directive"]);
    fs::write(world.at("go.work"), format!("{}use ./three\n", "// more\n".repeat(140_000))).unwrap();
    world.export("out.tar", "here", &["--for", "go.work"]).says(2, &["go.work: has more than"]);
}
