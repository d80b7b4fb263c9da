//! `gosumcheck run` with commands that are not go: exit codes, signals, what is left behind, and what go.sum says.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use crate::kit::{Fault, Tamper};
use crate::world::{Ran, World, ran};

/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1";

impl World {
    /// `run` over the data folder, with this shell script as the command.
    pub fn shell(&self, script: &str) -> Command {
        self.run_command(&[], &["sh", "-c", script])
    }

    pub fn run_command(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.command(&["run", "--proxy", &self.site.mirror.url(), "--sumdb", &self.site.sumdb()]);
        command.arg("--data").arg(self.data()).args(options).arg("--").args(words);
        command
    }
}

fn shell(world: &World, script: &str) -> Ran {
    ran(&world.shell(script).output().unwrap())
}

/// Whether a process still runs; one that has ended and is waited for by nobody does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let world = World::new();
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        let ran = shell(&world, script);
        assert_eq!(ran.code, code, "{script}: {}", ran.err);
        assert!(ran.err.contains("0 modules proven, 0 refused, "), "{}", ran.err);
    }
    let file = world.file("no-program", "text");
    for (word, code, why) in [("no-such-program", 127, "not found"), (&file, 126, "cannot be run")] {
        let ran = ran(&world.run_command(&[], &[word]).output().unwrap());
        assert!(ran.code == code && ran.err.contains(why), "{} {}", ran.code, ran.err);
    }
    let ran = ran(&world.command(&["run"]).output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("COMMAND"), "{}", ran.err);
}

#[test]
fn the_command_has_its_own_server_and_all_else_as_it_was() {
    let world = World::new();
    let script = "echo ${GOPROXY%,direct}; echo $GOSUMDB; umask; ulimit -Sn; cat";
    let plain = Command::new("sh").args(["-c", "umask; ulimit -Sn"]).output().unwrap();
    let mut command = world.shell(script);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed\n").unwrap();
    let ran = ran(&child.wait_with_output().unwrap());
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("http://127.0.0.1:"), "{}", ran.out);
    assert_eq!(lines[1], format!("{} {}", world.site.log.vkey(), lines[0]));
    assert_eq!(lines[2..4].join("\n"), String::from_utf8(plain.stdout).unwrap().trim());
    assert_eq!(lines[4], "typed");
}

#[test]
fn what_go_sum_lists_is_proven_and_a_wrong_line_is_a_finding() {
    let world = World::new();
    world.go_sum();
    let ok = shell(&world, "true");
    assert!(ok.code == 0 && ok.err.ends_with("3 modules proven, 0 refused, tree 1,503\n"), "{} {}", ok.code, ok.err);
    let wrong = world.site.corpus.go_sum();
    let (first, rest) = wrong.split_once('\n').unwrap();
    let (subject, _) = first.rsplit_once(' ').unwrap();
    world.file("go.sum", &format!("{subject} h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n{rest}"));
    let wrong = shell(&world, "true");
    assert!(wrong.code == 1 && wrong.err.contains("DIFFERS") && wrong.err.contains("go.sum:1"), "{}", wrong.err);
    assert!(wrong.err.contains("2 modules proven"), "{}", wrong.err);
    // The command's own failure is not hidden by it.
    assert_eq!(shell(&world, "exit 3").code, 3);
}

#[test]
fn all_that_a_build_asks_for_is_brought_before_it_asks() {
    let world = World::new();
    world.go_sum();
    let mut command = world.shell("cat");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for kind in ["*.mod", "*.info", "*.zip"] {
        world.site.mirror.wait(kind, 3);
    }
    drop(child.stdin.take());
    let ran = ran(&child.wait_with_output().unwrap());
    assert!(ran.code == 0 && ran.err.contains("3 modules proven"), "{}", ran.err);
}

#[test]
fn a_line_that_go_drops_is_not_a_finding() {
    let world = World::new();
    // The hash of an empty go.mod, which old releases of Go wrote down (cmd/go/internal/modfetch, emptyGoModHash).
    let empty = |line: &str| match line.rsplit_once(' ') {
        Some((file, _)) if file.ends_with("/go.mod") => {
            format!("{file} h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n")
        }
        _ => format!("{line}\n"),
    };
    let dropped = world.file("go.sum", &world.site.corpus.go_sum().lines().map(empty).collect::<String>());
    let run = shell(&world, "true");
    assert!(run.code == 0 && run.err.contains("3 modules proven, 0 refused"), "{} {}", run.code, run.err);
    let brought = world.prefetch(&[&dropped]);
    assert_eq!((brought.code, world.stored().len()), (0, 6), "{}", brought.err);
}

#[test]
fn without_a_network_nothing_passes_for_proven() {
    let world = World::new();
    let dead = format!("{} {DEAD}", world.site.log.vkey());
    let run = |options: &[&str]| {
        let mut command = world.command(&["run", "--proxy", DEAD, "--sumdb", &dead, "--data"]);
        ran(&command.arg(world.data()).args(options).args(["--", "true"]).output().unwrap())
    };
    assert_eq!(run(&[]).code, 0, "there is nothing to prove");
    world.go_sum();
    let unproven = run(&[]);
    assert!(unproven.code == 2 && unproven.err.contains("not proven: a.example/one@v1.0.0"), "{}", unproven.err);
    assert_eq!(shell(&world, "true").code, 0);
    let offline = run(&[]);
    assert!(offline.code == 0 && offline.err.contains("3 modules proven"), "kept: {}", offline.err);
}

#[test]
fn what_the_environment_weakens_is_said() {
    let world = World::new();
    world.go_sum();
    let with = |variables: &[(&str, &str)], script: &str| {
        let mut command = world.shell(script);
        ran(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let off = with(&[("GOSUMDB", "off"), ("GOFLAGS", "-insecure -x")], "echo $GOFLAGS; echo $GOSUMDB");
    assert!(off.code == 0 && off.out.starts_with("-x\n") && !off.out.contains("off"), "{}", off.out);
    assert!(off.err.contains("GOSUMDB=off (from the environment) is not followed"), "{}", off.err);
    let all = with(&[("GONOSUMDB", "*")], "true");
    assert!(
        all.code == 2 && all.err.contains("GONOSUMDB=* (from the environment) keeps public modules"),
        "{}",
        all.err
    );
    assert!(all.err.contains("0 modules proven, 0 refused, 3 private and not proven"), "{}", all.err);
    let some = with(&[("GOPRIVATE", "b.example")], "echo $GONOPROXY $GONOSUMDB");
    assert!(some.code == 0 && some.out == "b.example b.example\n", "{} {}", some.out, some.err);
    assert!(some.err.contains("2 modules proven, 0 refused, 1 private and not proven"), "{}", some.err);
    let none = ran(&world
        .run_command(&["--private", "none"], &["sh", "-c", "echo $GONOSUMDB"])
        .env("GONOSUMDB", "*")
        .output()
        .unwrap());
    assert!(none.code == 0 && none.out == "none\n" && none.err.contains("3 modules proven"), "{}", none.err);
}

#[test]
fn a_refusal_is_said_though_the_command_succeeds() {
    let world = World::new();
    world.go_sum();
    world.site.mirror.fault("a.example/one/@v/v1.0.0.zip", Fault::Zip(Tamper::FlipBit));
    let script = "curl -s -o /dev/null ${GOPROXY%%,*}/a.example/one/@v/v1.0.0.zip; true";
    let refused = shell(&world, script);
    assert!(refused.code == 1 && refused.err.contains("REFUSED  a.example/one/@v/v1.0.0.zip"), "{}", refused.err);
    assert!(refused.err.contains("expected h1:") && refused.err.contains("1 refused"), "{}", refused.err);
    assert!(refused.err.contains("the command succeeded, but"), "{}", refused.err);
}

#[test]
fn signals_are_passed_on_and_nothing_is_left() {
    let world = World::new();
    for (signal, code) in [("-TERM", 9), ("-INT", 9), ("-HUP", 129)] {
        let script = "trap 'exit 9' TERM INT; sleep 1000 & echo $!; wait";
        let mut child = world.shell(script).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pid = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        assert!(runs(&pid));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}: {said}");
        assert!(!runs(&pid), "{signal}: {said}");
    }
}

#[test]
fn what_the_command_leaves_behind_is_ended() {
    let world = World::new();
    let left = shell(&world, "sleep 1000 >/dev/null 2>&1 & echo $!");
    assert!(left.code == 0 && !runs(&left.out), "{} {}", left.out, left.err);
    let stubborn =
        shell(&world, "(trap '' TERM; echo ready; sleep 1000) >pipe & echo $!; until [ -s pipe ]; do :; done");
    assert!(stubborn.code == 0 && !runs(&stubborn.out), "{}", stubborn.err);
}

#[test]
fn two_at_once_over_one_data_folder() {
    let world = World::new();
    world.go_sum();
    let inner = format!(
        "{} run --proxy {} --sumdb '{}' --data {} -- true",
        env!("CARGO_BIN_EXE_gosumcheck"),
        world.site.mirror.url(),
        world.site.sumdb(),
        world.data().display()
    );
    let ran = shell(&world, &inner);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("note: another gosumcheck has the module store"), "{}", ran.err);
    assert_eq!(ran.err.matches("3 modules proven, 0 refused, tree 1,503").count(), 2, "{}", ran.err);
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_half_written() {
    let world = World::new();
    let script = "curl -s -o /dev/null -w '%{http_code}' ${GOPROXY%%,*}/a.example/one/@v/v1.0.0.zip; exit 5";
    let run = world.shell(script);
    // No file may grow at all: every write fails, as on a full disk.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    limited.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let full = ran(&limited.current_dir(world.home.path()).output().unwrap());
    assert!(full.code == 5 && full.out == "503", "{} {}", full.out, full.err);
    let why = "not had: a.example/one/@v/v1.0.0.zip: ";
    assert!(full.err.contains(why) && full.err.contains("cannot write: File too large"), "{}", full.err);
    assert!(full.err.contains("0 modules proven, 0 refused"), "{}", full.err);
    assert_eq!(world.stored().len(), 0);
    let tmp = crate::common::files_below(&world.data().join("tmp"));
    assert!(tmp.is_empty(), "{tmp:?}");
    // With room again the same folder serves.
    let room = shell(&world, script);
    assert!(room.code == 5 && room.out == "200" && room.err.contains("1 module proven"), "{} {}", room.out, room.err);
}

#[test]
fn a_data_folder_that_cannot_be_is_said_before_the_command_starts() {
    let world = World::new();
    let file = world.file("file", "");
    let mut command = world.command(&["run", "--sumdb", &world.site.sumdb(), "--data", &file, "--", "echo", "started"]);
    let ran = ran(&command.output().unwrap());
    assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains("file"), "{} {}", ran.out, ran.err);
}
