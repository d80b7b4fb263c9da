//! `gosumcheck doctor --write` and `--undo` where something comes between: a link, another change, a go command that fails or loses the
//! file, another file. Nothing that anybody wrote is lost, byte for byte.
//!
//! The go command is a script that keeps the file of `go env -w` as go does, and then does what the test is about.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use crate::command::{Machine, Ran};

const BEFORE: &str = "# mine\nGOFLAGS=-trimpath -insecure\nGOSUMDB=off\n";
/// What `--write` leaves of it.
const MENDED: &str = "# mine\nGOFLAGS=-trimpath\n";

/// A machine whose settings are in `home/go-env`.
fn machine() -> (Machine, PathBuf) {
    let mut machine = Machine::new();
    let file = machine.home().join("go-env");
    machine.set("GOENV", file.display().to_string());
    machine.set("PATH", format!("{}:/usr/bin:/bin", machine.at("bin").display()));
    go(&machine, "");
    (machine, file)
}

/// The go command of the machine, which does this after each change. `$name` is the setting that it changed.
fn go(machine: &Machine, then: &str) {
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = env ] || exit 1\nname=${{3%%=*}}\nkept=$(grep -v \"^$name=\" \"$GOENV\")\n\
         {{ [ -z \"$kept\" ] || printf '%s\\n' \"$kept\"; [ \"$2\" = -u ] || printf '%s\\n' \"$3\"; }} >\"$GOENV\"\n{then}\nexit 0\n"
    );
    machine.write("bin/go", script);
    fs::set_permissions(machine.at("bin/go"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn write(machine: &Machine) -> Ran {
    machine.run(&["doctor", "--offline", "--write"])
}

fn undo(machine: &Machine) -> Ran {
    machine.run(&["doctor", "--undo"])
}

#[test]
fn a_link_stays_one_and_what_it_leads_to_is_put_back() {
    let (machine, link) = machine();
    let file = machine.at("dotfiles/go-env");
    machine.write("dotfiles/go-env", BEFORE);
    symlink("../work/dotfiles/go-env", &link).unwrap();
    write(&machine).says(0, &["--undo"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), MENDED);
    undo(&machine).says(0, &["is what it was before"]);
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
}

#[test]
fn a_link_to_nothing_leads_to_nothing_again() {
    let (mut machine, link) = machine();
    machine.write("dotfiles/other", "");
    symlink("../work/dotfiles/go-env", &link).unwrap();
    machine.write("goroot/go.env", "GOSUMDB=off\n");
    machine.set("GOROOT", machine.at("goroot").display().to_string());
    write(&machine).says(0, &["--undo"]);
    assert!(machine.at("dotfiles/go-env").exists());
    undo(&machine).says(0, &["is what it was before"]);
    assert!(link.is_symlink() && !machine.at("dotfiles/go-env").exists());
}

#[test]
fn what_the_installation_sets_is_mended_in_the_users_file() {
    let (mut machine, file) = machine();
    machine.write("goroot/go.env", "GOSUMDB=off\nGOFLAGS=-insecure\n");
    machine.set("GOROOT", machine.at("goroot").display().to_string());
    // go env -u takes nothing out of that file, and fails where the user has none.
    go(&machine, "[ \"$2\" = -w ] || exit 1");
    write(&machine).says(0, &["go env -w GOSUMDB=sum.golang.org\n", "go env -w GOFLAGS=\n"]);
    let sound = machine.run(&["doctor", "--offline", "--format", "json"]).json();
    let ids = sound["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap());
    assert!(!ids.into_iter().any(|id| ["sumdb-off", "goflags-insecure"].contains(&id)), "{sound:#}");
    undo(&machine).says(0, &["is what it was before"]);
    assert!(!file.exists());
}

#[test]
fn a_change_that_was_not_completed_is_undone_to_where_it_began() {
    let (machine, file) = machine();
    fs::write(&file, BEFORE).unwrap();
    go(&machine, "[ $name = GOFLAGS ] && { echo 'no space left' >&2; exit 1; }");
    write(&machine).says(2, &["go env -w GOFLAGS=-trimpath", "no space left", "doctor --undo"]);
    // The rest is done later.
    go(&machine, "");
    write(&machine).says(0, &[]);
    undo(&machine).says(0, &["is what it was before"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
    // A go command that lost the file: what it had is put back.
    go(&machine, ": >\"$GOENV\"; exit 1");
    write(&machine).says(2, &["doctor --undo"]);
    undo(&machine).says(0, &["is what it was before"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
}

#[test]
fn what_a_person_changed_after_a_failed_change_is_left_alone() {
    let (machine, file) = machine();
    fs::write(&file, BEFORE).unwrap();
    go(&machine, "[ $name = GOFLAGS ] && exit 1");
    write(&machine).says(2, &[]);
    fs::write(&file, "GOPRIVATE=corp.example\n").unwrap();
    undo(&machine).complains(2, &["was changed since", "go-env.json"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "GOPRIVATE=corp.example\n");
}

#[test]
fn what_a_person_changed_meanwhile_is_left_alone() {
    let (machine, file) = machine();
    fs::write(&file, BEFORE).unwrap();
    go(&machine, "[ $name = GOSUMDB ] && echo GOPRIVATE=corp.example >>\"$GOENV\"");
    write(&machine).says(0, &[]);
    undo(&machine).complains(2, &["was changed since", "go-env.json"]);
    assert!(fs::read_to_string(&file).unwrap().contains("GOPRIVATE=corp.example\n"));
}

#[test]
fn each_change_is_undone_by_itself_where_a_person_changed_something_between() {
    let (machine, file) = machine();
    fs::write(&file, BEFORE).unwrap();
    write(&machine).says(0, &[]);
    let edited = format!("{MENDED}# more\nGOSUMDB=off\n");
    fs::write(&file, &edited).unwrap();
    write(&machine).says(0, &["go env -u GOSUMDB"]);
    undo(&machine).says(0, &["is what it was before", "an earlier change"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    // The first change is known still, and what the person wrote since is not lost to it.
    undo(&machine).complains(2, &["was changed since"]);
    fs::write(&file, MENDED).unwrap();
    undo(&machine).says(0, &["is what it was before"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
    undo(&machine).says(0, &["nothing to undo"]);
}

#[test]
fn two_files_are_put_back_one_after_the_other() {
    let (mut machine, one) = machine();
    let two = machine.home().join("other-env");
    fs::write(&one, BEFORE).unwrap();
    fs::write(&two, BEFORE).unwrap();
    write(&machine).says(0, &[]);
    machine.set("GOENV", two.display().to_string());
    write(&machine).says(0, &[]);
    undo(&machine).says(0, &["other-env"]);
    undo(&machine).says(0, &["go-env"]);
    for file in [one, two] {
        assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
    }
}

#[test]
fn a_long_file_is_put_back_too() {
    let (machine, file) = machine();
    let long = format!("{BEFORE}{}GOPROXY=direct\n", "#\u{1}\n".repeat(300_000));
    fs::write(&file, &long).unwrap();
    write(&machine).says(0, &[]);
    undo(&machine).says(0, &["is what it was before"]);
    assert!(fs::read_to_string(&file).unwrap() == long, "byte for byte");
}

#[test]
fn a_password_is_written_back_and_never_shown() {
    let (mut machine, file) = machine();
    let (before, after) =
        ("https://me:s3cret@a.example|https://b.example", "https://me:s3cret@a.example,https://b.example");
    fs::write(&file, format!("GOPROXY={before}\n")).unwrap();
    let shown =
        "go env -w GOPROXY=https://a.example,https://b.example (with the names and passwords that stand there now)";
    let mut all = Vec::new();
    for options in [&[][..], &["--fix"], &["--format", "json"], &["--write"]] {
        all.push(machine.run(&[&["doctor", "--offline"], options].concat()));
        assert!(all.last().unwrap().out.contains(shown), "{}", all.last().unwrap().show());
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("GOPROXY={after}\n"));
    go(&machine, "exit 1");
    fs::write(&file, format!("GOPROXY={before}\n")).unwrap();
    all.push(write(&machine));
    machine.set("GOPROXY", before);
    all.push(machine.run(&["doctor", "--offline", "--fix"]));
    for ran in &all {
        assert!(!ran.out.contains("s3cret") && !ran.err.contains("s3cret"), "{}", ran.show());
    }
}

#[test]
fn a_file_that_keeps_nothing_is_said() {
    let (machine, file) = machine();
    fs::write(&file, BEFORE).unwrap();
    // As where go takes another file for its own.
    machine.write("bin/go", "#!/bin/sh\nexit 0\n");
    write(&machine).says(2, &["go-env", "is as it was"]);
    undo(&machine).says(0, &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
}
