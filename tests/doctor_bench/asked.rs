//! Who is asked about what: no name of a private module, nobody who was not to be measured, and arguments that make no sense.

use crate::world::{SAMPLE, World};

#[test]
fn no_private_name_leaves_the_machine() {
    let mut world = World::new();
    let sound = world.sound();
    world.machine.set("GOPRIVATE", "example.com/sample");
    let ran = world.bench(&[&sound.url()], &[]);
    ran.complains(2, &["example.com/sample@v1.0.0 is private here, by the pattern example.com/sample"]);
    assert_eq!((sound.requests().len(), world.lookups()), (0, 0));
}

#[test]
fn a_name_that_is_kept_from_proxies_alone_does_not_leave_it_either() {
    let mut world = World::new();
    let sound = world.sound();
    world.machine.set("GONOPROXY", "example.com/*");
    let ran = world.bench(&[&sound.url()], &[]);
    ran.complains(2, &["example.com/sample@v1.0.0 is private here, by the pattern example.com/*"]);
    assert_eq!((sound.requests().len(), world.lookups()), (0, 0));
}

#[test]
fn only_the_samples_are_asked_for_and_each_file_once() {
    let world = World::new();
    let sound = world.sound();
    world.bench(&[&sound.url()], &[]).says(0, &["sound"]);
    let mut paths: Vec<String> = sound.requests().into_iter().map(|request| request.path).collect();
    paths.sort();
    let sumdb = format!("sumdb/{}", world.log.name());
    let expected = [
        "example.com/sample/@latest".to_owned(),
        "example.com/sample/@v/v1.0.0.mod".to_owned(),
        "example.com/sample/@v/v1.0.0.zip".to_owned(),
        format!("{sumdb}/latest"),
        format!("{sumdb}/supported"),
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_server_of_ones_own_in_the_list_is_left_there() {
    let mut world = World::new();
    let (own, other) = (world.stale(), world.sound());
    world.machine.set("GOPROXY", own.url());
    world.bench(&[&other.url()], &["--fix"]).says(0, &["is not open to everybody", "it is left"]);
}

#[test]
fn arguments_that_make_no_sense_are_said() {
    let world = World::new();
    let data = world.data().display().to_string();
    for (words, why) in [
        (&["--proxy", "https://a.example"][..], "--bench"),
        (&["--sample", SAMPLE], "--bench"),
        (&["--offline", "--timeout", "5s"], "--offline"),
        (&["--bench", "--offline"], "--offline"),
        (&["--bench", "--undo"], "--undo"),
        (&["--bench", "--timeout", "0s"], "between 1s and 1h"),
        (&["--bench", "--timeout", "5"], "30s"),
        (&["--bench", "--proxy", "file:///srv"], "a folder is not measured"),
        (&["--bench", "--proxy", "goproxy"], "not a URL"),
        (&["--bench", "--proxy", "https://me:s3cret@a.example"], "netrc"),
        (&["--bench", "--sample", "golang.org/x/text"], "golang.org/x/text"),
    ] {
        let mut all = vec!["doctor", "--data", &data];
        all.extend(words);
        let ran = world.machine.run(&all);
        ran.complains(2, &[why]);
        assert!(!ran.err.contains("s3cret"), "{}", ran.err);
    }
}
