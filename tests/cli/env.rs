//! `gosumcheck env`: what it prints, and that a shell and the go command take it.

use crate::command::{Machine, binary};
use crate::common::go_command;

#[test]
fn each_shell_has_its_own_words() {
    let machine = Machine::new();
    let url = "http://127.0.0.1:3000";
    for (shell, lines) in [
        ("sh", format!("export GOPROXY='{url}'\nexport GOSUMDB='sum.golang.org {url}'\n")),
        ("fish", format!("set -gx GOPROXY '{url}'\nset -gx GOSUMDB 'sum.golang.org {url}'\n")),
        ("powershell", format!("$env:GOPROXY = '{url}'\n$env:GOSUMDB = 'sum.golang.org {url}'\n")),
    ] {
        let ran = machine.run(&["env", "--shell", shell, &format!("{url}/")]);
        assert_eq!(ran.says(0, &[]).quiet().out, lines);
    }
    assert_eq!(machine.run(&["env", "--unset"]).out, "unset GOPROXY\nunset GOSUMDB\n");
    machine.run(&["env", "file:///tmp"]).complains(2, &["URL of a server"]);
    machine.run(&["env", "server"]).complains(2, &["server"]);
    machine.run(&["env", "--sumdb", "off"]).complains(2, &["GOSUMDB"]);
    let key = "fakelog.example+a4bb786a+AXzkilt2v9LMwkeu20P0rN3AGyM0loVG8cNppseYbwHa";
    assert!(machine.run(&["env", "--sumdb", key]).out.contains(key), "a name alone would not do");
}

#[test]
fn a_shell_and_go_take_it() {
    let Some(go) = go_command() else { return };
    let script = "eval \"$($G env http://127.0.0.1:3999/go)\" && exec \"$GO\" env GOPROXY GOSUMDB";
    let mut shell = Machine::new().program("/bin/sh");
    shell.args(["-c", script]).env("G", binary()).env("GO", go).current_dir("/");
    let ran = shell.output().unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(told, "http://127.0.0.1:3999/go\nsum.golang.org http://127.0.0.1:3999/go\n");
}
