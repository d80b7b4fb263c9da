//! `gosumcheck run` where a command ends in another way than by itself, and what a build in a workspace uses.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::go_command;
use crate::kit::until;
use crate::world::{World, ran};

fn kill(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The first line that it prints.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn said(child: &mut Child) -> String {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

/// `run` with a database at this address.
fn run_by(world: &World, database: &str, script: &str) -> Command {
    let sumdb = format!("{} {database}", world.site.log.vkey());
    let mut command = world.command(&["run", "--proxy", database, "--sumdb", &sumdb, "--data"]);
    command.arg(world.data()).args(["--", "sh", "-c", script]);
    command
}

#[test]
fn a_command_that_a_signal_makes_succeed_has_not_proven_anything() {
    let world = World::new();
    world.go_sum();
    let script = "trap 'exit 0' TERM; sleep 1000 & echo ready; wait";
    let mut child = spawn(&mut run_by(&world, "http://127.0.0.1:1", script));
    assert_eq!(first_line(&mut child), "ready");
    kill("-TERM", &child);
    let said = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(2), "{said}");
    assert!(said.contains("not proven: a.example/one@v1.0.0"), "{said}");
}

#[test]
fn what_is_still_proven_once_the_command_has_ended_can_be_stopped() {
    let world = World::new();
    world.go_sum();
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for (script, code) in [("echo $$", 130), ("echo $$; exit 7", 7)] {
        let mut child = spawn(&mut run_by(&world, &url, script));
        let command = first_line(&mut child);
        until("the command has ended", || !Path::new("/proc").join(&command).exists());
        until("it ends too", || {
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
            std::fs::read_to_string(format!("/proc/{}/stat", child.id())).is_ok_and(|stat| stat.contains(") Z "))
        });
        let said = said(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{said}");
        assert!(said.contains("stopped by a signal before all that go.sum lists was proven"), "{said}");
    }
}

#[test]
fn a_command_may_ask_twice_before_it_ends() {
    let world = World::new();
    let script =
        "n=0; trap 'n=$((n+1)); echo $n; [ $n -lt 2 ] || exit 9' INT; echo ready; while :; do sleep 1000 & wait; done";
    let mut child = spawn(&mut world.shell(script));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    for number in ["1", "2"] {
        kill("-INT", &child);
        assert_eq!(lines.next().unwrap().unwrap(), number);
    }
    let said = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(9), "{said}");
}

#[test]
fn what_goes_settings_name_is_asked_in_their_way() {
    let world = World::new();
    world.go_sum();
    let tree = world.home.path().join("tree");
    world.site.corpus.write_to(&tree);
    let tree = format!("file://{}", tree.display());
    let run = |proxies: &str| {
        let script = "curl -s -o /dev/null -w '%{http_code}' ${GOPROXY%%,*}/a.example/one/@v/v1.0.0.zip; exec >&-";
        let mut command = world.command(&["run", "--data"]);
        command.arg(world.data()).args(["--", "sh", "-c", script]);
        ran(&command.env("GOPROXY", proxies).env("GOSUMDB", world.site.sumdb()).output().unwrap())
    };
    // After a comma only an absence leads on.
    let dead = run(&format!("http://127.0.0.1:1,{tree}"));
    assert!(dead.code == 0 && matches!(dead.out.as_str(), "502" | "503"), "{} {}", dead.out, dead.err);
    for list in [format!("http://127.0.0.1:1|{tree}"), tree.clone(), "off".to_owned()] {
        let found = run(&list);
        assert!(
            found.code == 0 && found.out == "200" && found.err.contains("3 modules proven, 0 refused"),
            "{list}: {}",
            found.err
        );
    }
    let off = world.file("go-env", "GOSUMDB=off\n");
    let mut command = world.shell("true");
    let off = ran(&command.env("GOENV", off).output().unwrap());
    assert!(off.code == 0 && off.err.contains("GOSUMDB=off (from go env -w) is not followed"), "{}", off.err);
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let world = World::new();
    let run = world.shell("echo $$; read line; exit 5");
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    nohup.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = spawn(nohup.current_dir(world.home.path()));
    let command = first_line(&mut child);
    kill("-HUP", &child);
    // As a terminal does that goes away: to all that it had.
    assert!(Command::new("kill").args(["-HUP", &command]).status().unwrap().success());
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let said = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(5), "{said}");
}

#[test]
fn in_a_workspace_the_sums_of_all_modules_count() {
    let world = World::new();
    let right = world.site.corpus.go_sum();
    let wrong = {
        let (first, _) = right.split_once('\n').unwrap();
        let (subject, _) = first.rsplit_once(' ').unwrap();
        format!("{subject} h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    };
    for folder in ["work/one", "work/two"] {
        std::fs::create_dir_all(world.home.path().join(folder)).unwrap();
        world.file(&format!("{folder}/go.mod"), "module a.example/main\n\ngo 1.21\n");
    }
    world.file("work/go.work", "go 1.21\n\nuse (\n\t./one\n\t./two\n)\n");
    world.file("work/one/go.sum", &right);
    let run = |go_work: &str| {
        let mut command = world.shell("true");
        ran(&command.env("GOWORK", go_work).current_dir(world.home.path().join("work/one")).output().unwrap())
    };
    for place in ["work/go.work.sum", "work/two/go.sum"] {
        let file = world.file(place, &wrong);
        let found = run("");
        assert!(found.code == 1 && found.err.contains("DIFFERS") && found.err.contains(place), "{}", found.err);
        let apart = run("off");
        assert!(apart.code == 0 && apart.err.contains("3 modules proven"), "{}", apart.err);
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(run("").code, 0);
    // One that cannot be read hides what the build used.
    let other = run("../other.work");
    assert!(other.code == 2 && other.err.contains("other.work: GOWORK names it"), "{}", other.err);
    world.file("work/go.work", &"x".repeat(2 << 20));
    let unread = run("");
    assert!(unread.code == 2 && unread.err.contains("not read: "), "{}", unread.err);
}

#[test]
fn a_flag_in_the_file_of_go_env_is_left_out_too() {
    let world = World::new();
    let Some(go) = go_command() else { return };
    let file = world.file("go-env", "GOFLAGS=-insecure\n");
    let mut command = world.shell("\"$GO\" env GOFLAGS");
    let ran = ran(&command.env("GO", go).env("GOENV", file).env("GOTELEMETRY", "off").output().unwrap());
    assert!(!ran.out.contains("insecure"), "{}", ran.out);
    assert!(ran.err.contains("-insecure in GOFLAGS (from go env -w) is left out"), "{}", ran.err);
}
