//! A tree that a stranger made: links, pipes, sockets, devices and loops where a go.sum belongs. A run ends, says what it did
//! not read, and shows nothing of any file that the tree points to.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use gosumcheck::sumdb::module::ModulePath;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::command::{Machine, Ran, file_url};
use crate::world::World;

/// What no output may hold any part of.
const SECRETS: [&str; 3] =
    ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"];
/// Letters of a secret in a row that are not met with by chance.
const PART: usize = 5;
const FORMATS: [&str; 4] = ["text", "json", "sarif", "junit"];

/// A machine with credentials in its home and in its environment, and an honest go.sum in `tree/`.
fn world() -> World {
    let mut world = World::new();
    let [id, key, token] = SECRETS;
    let text = format!("[default]\naws_access_key_id = {id}\nAWS_SECRET_ACCESS_KEY={key}\nexport GH_TOKEN={token}\n");
    world.machine.write("../home/.aws/credentials", text);
    world.machine.write("tree/.git/config", format!("[http]\n\textraheader = AUTHORIZATION: basic {token}\n"));
    world.machine.set("GH_TOKEN", token);
    world.machine.write("tree/go.sum", world.gosum());
    world
}

fn link(machine: &Machine, path: &str, target: impl AsRef<Path>) {
    let path = machine.at(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

fn fifo(machine: &Machine, path: &str) {
    let path = machine.at(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Fails where anything that was said has a part of a secret in it.
#[track_caller]
fn keeps_secrets(ran: &Ran) -> &Ran {
    for text in [&ran.out, &ran.err] {
        for secret in SECRETS {
            let parts = secret.as_bytes().windows(PART).map(|part| str::from_utf8(part).unwrap());
            let shown: Vec<_> = parts.filter(|part| text.contains(part)).collect();
            assert!(shown.is_empty(), "{shown:?} of a secret are shown:\n{}", ran.show());
        }
    }
    ran
}

#[test]
fn a_link_that_leaves_the_tree_is_named_and_not_read() {
    let world = world();
    let credentials = world.machine.home().join(".aws/credentials");
    link(&world.machine, "tree/relative/go.sum", "../../../home/.aws/credentials");
    link(&world.machine, "tree/absolute/go.sum", &credentials);
    link(&world.machine, "tree/config/go.work.sum", "../.git/config");
    link(&world.machine, "tree/environment/go.sum", "/proc/self/environ");
    link(&world.machine, "tree/nowhere/go.sum", "no such file");
    for format in FORMATS {
        for tree in ["tree", "tree/", "./tree/environment"] {
            let ran = world.machine.run_to_the_end(&["audit", tree, "--format", format, "--verbose"]);
            keeps_secrets(&ran).says(2, &["go.sum", "a link"]).quiet();
        }
    }
    let ran = world.run(&["audit", "tree"]);
    let links = ["relative/go.sum", "absolute/go.sum", "config/go.work.sum", "environment/go.sum", "nowhere/go.sum"];
    ran.says(2, &links.map(|path| format!("tree/{path}:  not read  is a link")).each_ref().map(String::as_str));
    ran.says(2, &["40 lines in 6 files: 40 verified, 5 files not read"]);
    // A proof file is checked against the same tree in the same way.
    world.run(&["audit", "go.sum", "--proof", "p.txt"]).says(0, &[]);
    for format in FORMATS {
        let ran = world.machine.run_to_the_end(&["verify-proof", "p.txt", "tree", "--format", format]);
        keeps_secrets(&ran).says(2, &["a link"]);
    }
}

#[test]
fn a_go_sum_that_no_argument_names_is_no_link_out_of_the_folder() {
    let world = world();
    std::fs::remove_file(world.machine.at("go.sum")).unwrap();
    link(&world.machine, "go.sum", "../home/.aws/credentials");
    for format in FORMATS {
        let ran = world.machine.run_to_the_end(&["audit", "--format", format]);
        keeps_secrets(&ran).says(2, &["./go.sum", "a link"]).quiet();
    }
    // A link to a file of the same folder leads to nothing that is not there anyway.
    std::fs::remove_file(world.machine.at("go.sum")).unwrap();
    link(&world.machine, "go.sum", "tree/go.sum");
    world.run(&["audit"]).says(0, &["40 verified"]).quiet();
}

#[test]
fn a_named_file_without_a_valid_line_is_not_shown() {
    let world = world();
    link(&world.machine, "named.sum", "../home/.aws/credentials");
    for format in FORMATS {
        let ran = world.machine.run_to_the_end(&["audit", "named.sum", "--format", format, "--verbose"]);
        keeps_secrets(&ran).says(1, &["not a go.sum file", "4 lines", "not shown"]).quiet();
        let ran = world.machine.run_to_the_end(&["audit", "/proc/self/environ", "--format", format, "--verbose"]);
        keeps_secrets(&ran).says(1, &["not a go.sum file", "not shown"]).quiet();
    }
}

#[test]
fn a_malformed_line_among_others_is_cut() {
    let world = World::new();
    let long = format!("begin {} end-of-the-line", "x".repeat(150));
    world.machine.write("go.sum", world.gosum() + &long + "\n");
    for format in FORMATS {
        let ran = world.run(&["audit", "--format", format]);
        ran.says(1, &["malformed"]).quiet();
        assert!(!ran.out.contains("end-of-the-line") && !ran.out.contains(&"x".repeat(80)), "{}", ran.show());
    }
    world.run(&["audit"]).says(1, &["begin xxx"]);
}

#[test]
fn a_link_to_a_file_that_is_audited_itself_is_no_finding() {
    let world = world();
    link(&world.machine, "tree/sub/go.sum", "../go.sum");
    link(&world.machine, "tree/sub/deeper/go.sum", "../go.sum");
    let ran = world.run(&["audit", "tree"]);
    ran.says(0, &["40 lines: 40 verified", "2 links were not read", "tree/sub/go.sum"]).quiet();
    for format in FORMATS {
        world.run(&["audit", "tree", "--format", format]).says(0, &["2 links were not read"]).quiet();
    }
    // Not through a linked folder: what the system makes of `..` behind it is another file.
    link(&world.machine, "tree/elsewhere", "../../home");
    link(&world.machine, "tree/third/go.sum", "../elsewhere/../go.sum");
    world.run(&["audit", "tree"]).says(2, &["tree/third/go.sum:  not read  is a link"]).quiet();
}

#[test]
fn links_in_a_circle_end() {
    let world = world();
    link(&world.machine, "tree/a/go.sum", "../b/go.sum");
    link(&world.machine, "tree/b/go.sum", "../a/go.sum");
    link(&world.machine, "tree/c/go.sum", "go.sum");
    link(&world.machine, "tree/d/up", "..");
    link(&world.machine, "tree/e", "/");
    let ran = world.machine.run_to_the_end(&["audit", "tree"]);
    ran.says(2, &["a/go.sum", "b/go.sum", "c/go.sum", "40 verified, 3 files not read"]).quiet();
}

#[test]
fn pipes_sockets_and_devices_are_named_and_not_waited_for() {
    let world = world();
    fifo(&world.machine, "tree/pipe/go.sum");
    std::fs::create_dir(world.machine.at("tree/socket")).unwrap();
    let _listener = UnixListener::bind(world.machine.at("tree/socket/go.sum")).unwrap();
    link(&world.machine, "tree/endless/go.sum", "/dev/zero");
    link(&world.machine, "tree/to-pipe/go.sum", "../pipe/go.sum");
    for format in FORMATS {
        let ran = world.machine.run_to_the_end(&["audit", "tree", "--format", format]);
        ran.says(2, &["is a named pipe", "is a socket", "is a link"]).quiet();
    }
    for (path, what) in [
        ("tree/pipe/go.sum", "is a named pipe"),
        ("tree/to-pipe/go.sum", "is a named pipe"),
        ("tree/socket/go.sum", "is a socket"),
        ("tree/endless/go.sum", "is a device"),
    ] {
        world.machine.run_to_the_end(&["audit", path]).says(2, &["not read", what]).quiet();
        world.machine.run_to_the_end(&["verify-proof", path]).complains(2, &[path, what]);
        world.machine.run_to_the_end(&["verify-evidence", path]).complains(2, &[path, what]);
    }
    std::fs::remove_file(world.machine.at("go.sum")).unwrap();
    fifo(&world.machine, "go.sum");
    world.machine.run_to_the_end(&["audit"]).says(2, &["./go.sum:  not read  is a named pipe"]).quiet();
}

#[test]
fn what_a_shell_opened_is_read() {
    let world = World::new();
    world.machine.shell("cat go.sum | $G audit /dev/stdin").says(0, &["/dev/stdin", "40 verified"][1..]);
    world.machine.shell("cat go.sum | $G audit /dev/fd/0").says(0, &["40 verified"]);
    world.machine.shell("cat go.sum | $G audit /proc/self/fd/0").says(0, &["40 verified"]);
    world.machine.shell("$G audit /dev/fd/7 7<go.sum").says(0, &["40 verified"]);
    world.machine.shell("cat go.sum | $G audit -").says(0, &["40 verified"]);
    world.run(&["audit", "--proof", "p.txt"]).says(0, &[]);
    world.machine.shell("cat p.txt | $G verify-proof /dev/stdin go.sum").says(0, &["40 verified"]);
}

#[test]
fn proofs_are_not_written_through_a_planted_link() {
    let world = world();
    let credentials = world.machine.home().join(".aws/credentials");
    let before = std::fs::read(&credentials).unwrap();
    link(&world.machine, "proof.txt", &credentials);
    let ran = world.machine.run_to_the_end(&["audit", "--proof", "proof.txt"]);
    ran.says(2, &["40 verified", "proof.txt", "is a link"]);
    assert_eq!(std::fs::read(&credentials).unwrap(), before);
    // Nor through one that has the name of the draft, whatever number the process has.
    let ran = world.machine.shell("ln -s ../home/.aws/credentials out.txt.tmp$$; exec $G audit --proof out.txt");
    ran.says(2, &["40 verified", "out.txt", "File exists"]);
    assert_eq!(std::fs::read(&credentials).unwrap(), before);
    fifo(&world.machine, "pipe");
    world.machine.run_to_the_end(&["audit", "--proof", "pipe"]).says(2, &["pipe", "is a named pipe"]);
    world.machine.shell("$G audit --proof /dev/stdout | grep c2sp.org/tlog-proof").says(0, &["tlog-proof"]);
}

#[test]
fn a_folder_as_upstream_gives_nothing_from_beyond_it() {
    let world = world();
    let mirror = |name: &str| file_url(&world.machine.at(name));
    let (module, version) = world.log.module(4);
    let (subject, escaped) = (format!("{module}@{version}"), ModulePath::parse(&module).unwrap().escaped());
    let lookup = format!("lookup/{escaped}@{version}");
    let credentials = world.machine.home().join(".aws/credentials");
    link(&world.machine, &format!("linked/{lookup}"), &credentials);
    let ran = world.machine.run_to_the_end(&["lookup", &subject, "--sumdb-url", &mirror("linked")]);
    keeps_secrets(&ran).complains(2, &["a link that leads out of"]);
    fifo(&world.machine, &format!("piped/{lookup}"));
    let ran = world.machine.run_to_the_end(&["lookup", &subject, "--sumdb-url", &mirror("piped")]);
    ran.complains(2, &["is a named pipe"]);
}
