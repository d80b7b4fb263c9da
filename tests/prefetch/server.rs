//! By way of a running server.

use std::process::Command;

use crate::common::Serving;
use crate::kit::Fault;
use crate::world::{MODULES, Ran, World, paths, ran};

fn serve(world: &World, more: &[&str]) -> Serving {
    let mut serve: Command = world.command(&["serve", "--listen", "127.0.0.1:0", "--access-log", "off"]);
    serve.args(["--proxy", &world.site.mirror.url(), "--sumdb", &world.site.sumdb()]).arg("--data").arg(world.data());
    Serving::start(serve.args(more))
}

fn prefetch(world: &World, server: &str, arguments: &[&str]) -> Ran {
    ran(&world.command(&["prefetch", "--server", server]).args(arguments).output().unwrap())
}

#[test]
fn the_server_has_all_of_it_afterwards() {
    let world = World::new();
    let server = serve(&world, &[]);
    let ran = prefetch(&world, &server.url, &[&world.go_sum()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let expected = format!("prefetched 3 modules: 6 of 6 files are at {}, in ", server.url);
    assert!(ran.out.starts_with(&expected), "{}", ran.out);
    assert_eq!(world.stored(), paths(&MODULES));
    // The command has asked for a byte of each, and has stored nothing itself.
    assert!(!world.home.path().join(".local").exists());
    let before = world.site.mirror.requests().len();
    assert_eq!(prefetch(&world, &server.url, &[&world.go_sum()]).code, 0);
    assert_eq!(world.site.mirror.requests().len(), before);
}

#[test]
fn what_the_server_refuses_is_told_in_its_words() {
    let world = World::new();
    world.site.mirror.fault("a.example/two/@v/v1.2.0.zip", Fault::Replace(b"no zip".to_vec()));
    let server = serve(&world, &[]);
    let ran = prefetch(&world, &server.url, &[&world.go_sum()]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let refused = ran.out.lines().find(|line| line.starts_with("REFUSED  a.example/two/@v/v1.2.0.zip")).unwrap();
    assert!(refused.contains("403") && refused.contains(&server.url), "{refused}");
}

#[test]
fn private_names_stay_and_a_dead_server_is_named() {
    let world = World::new();
    let server = serve(&world, &[]);
    let ran = prefetch(&world, &server.url, &["--private", "b.example/*", &world.go_sum()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("private modules were left out, 1 in number"), "{}", ran.err);
    assert!(!world.site.mirror.heard_of("b.example"));
    let dead = "http://127.0.0.1:1";
    let ran = prefetch(&world, dead, &[&world.go_sum()]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(dead), "{}", ran.err);
    let ran = prefetch(&world, "file:///tmp", &[&world.go_sum()]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("a folder is not a server; name it with --data"), "{}", ran.err);
}

#[test]
fn the_password_of_a_server_is_not_shown() {
    let world = World::new();
    let ran = world.command(&["prefetch", "--server", "http://me:s3cret@127.0.0.1:1", "a.example/one@v1.0.0"]).output();
    let ran = ran.map(Ran::of).unwrap();
    ran.says(2, &["are at http://127.0.0.1:1"]);
    assert!(!ran.out.contains("s3cret") && !ran.err.contains("s3cret"), "{}", ran.show());
}
