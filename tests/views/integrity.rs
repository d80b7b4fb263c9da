//! The recorded verifications as people and programs are shown them, and the job that the server runs itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::kit::{Site, Spec};
use crate::world::World;

fn site() -> Site {
    Site::of(&[Spec::new("example.com/a", "v1.0.0"), Spec::new("example.com/b", "v1.0.0")])
}

fn world(args: &[&str]) -> World {
    World::over(site(), args, &["example.com/a@v1.0.0", "example.com/b@v1.0.0"])
}

fn verify(world: &World, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.current_dir(world.home.path()).env_clear().env("HOME", world.home.path()).env("GOENV", "off");
    command.args(["verify", "--record", "--data", "data", "--sumdb", &world.site.log.vkey()]).args(args);
    command.output().unwrap()
}

fn zip(world: &World) -> std::path::PathBuf {
    world.home.path().join("data/modules/example.com/a/@v/v1.0.0.zip")
}

#[test]
fn runs_and_what_they_found_are_shown() {
    let world = world(&[]);
    let integrity = || world.json("integrity");
    assert_eq!((&integrity()["state"], &integrity()["at"]), (&Value::from("never"), &Value::Null));
    assert!(world.page("/integrity").contains("No run is recorded yet"));
    assert_eq!(verify(&world, &[]).status.code(), Some(0));
    let found = integrity();
    assert_eq!((&found["state"], &found["record"]["entries"]), (&Value::from("in-order"), &Value::from(1)), "{found}");
    let part = found["parts"].as_array().unwrap().iter().find(|part| part["part"] == "modules").unwrap();
    assert_eq!((&part["all"], &part["new"]), (&found["runs"][0]["began"], &found["runs"][0]["began"]));
    assert!(world.page("/integrity").contains("1 in order, 1 covered everything"));
    // Something rots.
    let path = zip(&world);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(&path, &bad).unwrap();
    assert_eq!(verify(&world, &["--since", "last"]).status.code(), Some(1));
    let found = integrity();
    assert_eq!((&found["state"], &found["more"]), (&Value::from("findings"), &Value::from(0)));
    let open = &found["open"][0];
    assert_eq!((&open["kind"], &open["of"]), (&Value::from("module-damaged"), &Value::from("example.com/a@v1.0.0")));
    let page = world.page("/integrity");
    for words in [
        "module-damaged",
        "example.com/a@v1.0.0",
        "class=\"fail\"",
        "Last proven",
        found["record"]["last_hash"].as_str().unwrap(),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // No place on the disk is told.
    assert!(!page.contains(world.home.path().to_str().unwrap()) && !found.to_string().contains("/data/"), "{found}");
    let metrics = world.get("/metrics").text();
    let of = world.site.log.name();
    assert!(metrics.contains(&format!("gosumcheck_verify_exit_code{{database=\"{of}\"}} 1\n")), "{metrics}");
    assert!(metrics.contains("kind=\"module-damaged\"} 1\n"));
    fs::write(&path, &good).unwrap();
    assert_eq!(verify(&world, &[]).status.code(), Some(0));
    assert_eq!((&integrity()["state"], integrity()["open"].as_array().unwrap().len()), (&Value::from("in-order"), 0));
    // A record that somebody changed.
    let record = world.home.path().join("data/verify/journal.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replacen("\"findings\":1", "\"findings\":0", 1)).unwrap();
    let found = integrity();
    assert_eq!(found["state"], "could-not-tell");
    assert!(found["record"]["broken"].as_str().unwrap().contains("the entry before it"), "{found}");
    assert!(world.page("/integrity").contains("cannot be trusted"));
}

/// An unfinished job, as a server leaves it that is stopped in its midst.
fn leave_unfinished(data: &Path) {
    fs::create_dir_all(data.join("verify")).unwrap();
    fs::write(data.join("verify/progress.json"), "{}").unwrap();
}

#[test]
fn the_server_runs_the_job_and_goes_on_with_one_that_was_stopped() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    leave_unfinished(&home.path().join("data"));
    let told = home.path().join("told");
    let tell = format!("command:/bin/cat > {}", told.display());
    let args = ["--verify-at", "03:00", "--verify-notify", &tell, "--verify-notify-always"];
    let world = World::in_folder(home, site(), &args, &[]);
    // The message is the last that a run does; the record is there before it.
    while !fs::read_to_string(&told).is_ok_and(|told| told.ends_with('\n')) {
        std::thread::yield_now();
    }
    let found = world.json("integrity");
    assert_eq!((&found["at"], &found["state"]), (&Value::from("03:00"), &Value::from("in-order")), "{found}");
    assert_eq!(found["record"]["entries"], 1);
    assert!(!world.home.path().join("data/verify/progress.json").exists());
    assert!(world.page("/integrity").contains("every day at 03:00 UTC"));
}
