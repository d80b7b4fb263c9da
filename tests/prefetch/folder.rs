//! Into a data folder.

use crate::kit::Fault;
use crate::world::{MODULES, World, paths};

#[test]
fn all_of_a_go_sum_is_proven_and_there() {
    let world = World::new();
    let ran = world.prefetch(&[&world.go_sum()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(world.stored(), paths(&MODULES));
    assert!(ran.out.starts_with("prefetched 3 modules: 6 files, 6 fetched and proven ("), "{}", ran.out);
    assert!(ran.out.contains("), 0 held before, in "), "{}", ran.out);
    // And needs nobody the second time.
    world.site.mirror.stop();
    let again = world.prefetch(&[&world.go_sum()]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("6 files, 0 fetched and proven (0 B), 6 held before"), "{}", again.out);
}

#[test]
fn every_go_mod_is_asked_for_before_any_zip() {
    let world = World::new();
    assert_eq!(world.prefetch(&["--jobs", "1", &world.go_sum()]).code, 0);
    let asked: Vec<String> = world.site.mirror.requests().into_iter().map(|request| request.path).collect();
    let place = |end: &str| {
        asked.iter().enumerate().filter(|(_, path)| path.ends_with(end)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (mods, zips) = (place(".mod"), place(".zip"));
    assert_eq!((mods.len(), zips.len()), (3, 3), "{asked:?}");
    assert!(mods.iter().max() < zips.iter().min(), "{asked:?}");
}

#[test]
fn wrong_bytes_are_a_finding_and_nothing_of_them_is_kept() {
    let world = World::new();
    world.site.mirror.fault("a.example/two/@v/v1.2.0.zip", Fault::Replace(b"no zip".to_vec()));
    let ran = world.prefetch(&[&world.go_sum()]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("REFUSED  a.example/two/@v/v1.2.0.zip: "), "{}", ran.out);
    assert!(ran.out.contains(", 1 missing, in "), "{}", ran.out);
    let right: Vec<String> = paths(&MODULES).into_iter().filter(|path| path != "a.example/two/@v/v1.2.0.zip").collect();
    assert_eq!(world.stored(), right);
}

#[test]
fn a_dead_mirror_is_named_and_could_not_tell() {
    let world = World::new();
    world.site.mirror.stop();
    let ran = world.prefetch(&[&world.go_sum()]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("a.example/one/@v/v1.0.0.mod") && ran.err.contains(&world.site.mirror.url()),
        "{}",
        ran.err
    );
    assert_eq!(world.stored(), Vec::<String>::new());
}

#[test]
fn a_line_that_differs_from_the_log_is_a_finding_though_the_file_is_proven() {
    let world = World::new();
    let right = world.site.corpus.h1_zip("a.example/one", "v1.0.0");
    let wrong = world.site.corpus.h1_zip("a.example/two", "v1.2.0");
    let text = world.site.corpus.go_sum().replace(&right, &wrong);
    // Whatever the file's name is.
    for name in ["go.sum", "sums"] {
        let ran = world.prefetch(&[&world.file(name, &text)]);
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        let differs = ran.out.lines().find(|line| line.starts_with("DIFFERS")).unwrap();
        assert!(differs.contains(&format!("{name}:1: a.example/one/@v/v1.0.0.zip")), "{differs}");
        assert!(differs.ends_with(&format!("the line has {wrong}, the log has {right}")), "{differs}");
    }
    assert_eq!(world.stored(), paths(&MODULES));
}

#[test]
fn the_name_of_a_private_module_leaves_for_nobody() {
    let world = World::new();
    let ran = world.prefetch(&["--private", "b.example/*", &world.go_sum()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("private modules were left out, 1 in number: there is no --private-proxy"), "{}", ran.err);
    assert!(!world.site.mirror.heard_of("b.example"));
    assert_eq!(world.stored(), paths(&MODULES[..2]));
}

#[test]
fn a_data_folder_that_a_server_has_is_said_to_be_its() {
    let world = World::new();
    let mut serve = world.command(&["serve", "--listen", "127.0.0.1:0", "--proxy", &world.site.mirror.url()]);
    serve.args(["--sumdb", &world.site.sumdb()]).arg("--data").arg(world.data());
    let _serving = crate::common::Serving::start(&mut serve);
    let ran = world.prefetch(&[&world.go_sum()]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("another gosumcheck serves modules from this data folder"), "{}", ran.err);
}
