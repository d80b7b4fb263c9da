//! What is written, and put back: the machine is afterwards what it was.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::common::{files_below, go_command};
use crate::world::World;

/// With the real go command on PATH, whose settings are in a file of this machine's.
fn with_go(world: &mut World) -> Option<PathBuf> {
    let go = go_command()?;
    let file = world.machine.home().join("go-env");
    let machine = &mut world.machine;
    machine.set("PATH", go.parent().unwrap().display().to_string()).set("GOENV", file.display().to_string());
    machine.set("GOPROXY", "").set("GOTELEMETRY", "off");
    Some(file)
}

/// Each file below a folder with its mode and text, apart from what the go command counts about itself.
fn state(folder: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    let read = |path: PathBuf| {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        let text = fs::read_to_string(&path).unwrap();
        (path, (mode, text))
    };
    let is_telemetry = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "telemetry");
    files_below(folder).into_iter().filter(|path| !is_telemetry(path)).map(read).collect()
}

#[test]
fn the_best_is_written_and_the_machine_is_afterwards_what_it_was() {
    for before in [Some("# mine\nGOPROXY=https://proxy.golang.org,direct\nGOFLAGS=-trimpath\n"), None] {
        let mut world = World::new();
        let Some(file) = with_go(&mut world) else { return };
        if let Some(text) = before {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        }
        let (sound, wrong, stale) = (world.sound(), world.wrong(), world.stale());
        let proxies = [&*wrong.url(), &*stale.url(), &*sound.url()];
        let was = state(&world.machine.home());
        let line = format!("go env -w GOPROXY={},direct\n", sound.url());
        world.bench(&proxies, &["--fix"]).says(0, &[&line]);
        assert_eq!(state(&world.machine.home()), was, "--fix prints");
        world.bench(&proxies, &["--write"]).says(0, &[&line, "written; `gosumcheck doctor --undo`"]);
        let now = fs::read_to_string(&file).unwrap();
        assert!(now.contains(&format!("GOPROXY={},direct", sound.url())) && !now.contains(&wrong.url()), "{now}");
        world.bench(&proxies, &["--write"]).says(0, &["the best of them, and set already", "nothing was written"]);
        let data = world.data().display().to_string();
        world.machine.run(&["doctor", "--undo", "--data", &data]).says(0, &["is what it was before"]);
        assert_eq!(state(&world.machine.home()), was);
        world.machine.run(&["doctor", "--undo", "--data", &data]).says(0, &["nothing to undo"]);
    }
}

#[test]
fn nothing_is_written_where_none_is_honest_or_the_environment_says_otherwise() {
    let mut world = World::new();
    let Some(file) = with_go(&mut world) else { return };
    let (wrong, sound) = (world.wrong(), world.sound());
    world.bench(&[&wrong.url()], &["--write"]).says(1, &["none is recommended", "nothing was written"]);
    assert!(!file.exists());
    world.machine.set("GOPROXY", "https://proxy.golang.org");
    let line = format!("export GOPROXY={}\n", sound.url());
    world.bench(&[&sound.url()], &["--write"]).says(0, &[&line, "the environment is for its owner to change"]);
    assert!(!file.exists());
}
