//! Who can read what is stored.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{LIST, PUBLIC_ZIP, Server, ZIP, command, site};
use crate::client::get;
use crate::common::{Serving, files_below};
use crate::kit::{Fault, Site};

/// What others than the owner may do with anything at or below `path`.
fn open_to_others(path: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(path).into_iter().map(Result::unwrap);
    let open = entries.filter(|entry| entry.metadata().unwrap().mode() & 0o077 != 0);
    open.map(|entry| format!("{:o} {}", entry.metadata().unwrap().mode(), entry.path().display())).collect()
}

/// The same with a umask of 0.
fn unmasked(command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}

#[test]
fn the_data_folder_is_its_owners_alone_whatever_the_umask() {
    let site = site();
    let private = site.mirror();
    let url = private.url();
    let (plain, home) = command(
        &site,
        &[],
        &["--private", "secret.corp.example", "--private-proxy", &url, "--mirror", "--sync-interval", "1s"],
    );
    let server = Server { serving: Serving::start(&mut unmasked(&plain)), home };
    let data = server.home.path().join("data");
    for path in [ZIP, LIST, PUBLIC_ZIP, "/example.com/a/@v/v1.0.0.info", "/example.com/a/@v/list"] {
        assert_eq!(get(server.at(), path).status, 200, "{path}");
    }
    // Bytes that are refused are kept too.
    private.fault("*.mod", Fault::Html);
    assert_eq!(get(server.at(), &ZIP.replace(".zip", ".mod")).status, 403);
    let head = format!("/log/{}/head", site.log.name());
    for _ in 0..3000 {
        if get(server.at(), &head).status == 200 && data.join("log").join(site.log.name()).join("index.sqlite").exists()
        {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let stored: Vec<String> = files_below(&data).iter().map(|path| path.display().to_string()).collect();
    for name in [
        "v1.0.0.zip",
        "/refused/",
        "proxy.sqlite",
        "proxy.sqlite-wal",
        "proxy.sqlite-shm",
        "index.sqlite",
        "lock",
        "head",
    ] {
        assert!(
            stored.iter().any(|path| path.ends_with(name) || name.ends_with('/') && path.contains(name)),
            "no {name} in {stored:#?}"
        );
    }
    assert_eq!(open_to_others(&data), [""; 0]);
    let Server { serving, home: _home } = server;
    serving.end("-TERM");
    assert_eq!(open_to_others(&data), [""; 0]);
    // The same of the commands that serve nothing.
    let audited = home_with_audit(&site);
    assert_eq!(open_to_others(&audited.path().join("data")), [""; 0]);
    // A proof is the user's own file, made as the user wants it.
    let proof = audited.path().join("a.proof").metadata().unwrap();
    assert_eq!(proof.mode() & 0o777, 0o666);
}

/// A folder in which `audit`, `sync` and `index` have worked with a umask of 0.
fn home_with_audit(site: &Site) -> TempDir {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sum: String = site
        .corpus
        .go_sum()
        .lines()
        .filter(|line| line.starts_with("example.com"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(home.path().join("go.sum"), sum).unwrap();
    let sumdb = site.sumdb();
    for args in [&["audit", "go.sum", "--proof", "a.proof"][..], &["sync"], &["index", "--rebuild"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(args).args(["--data", "data", "--sumdb", &sumdb]).current_dir(home.path());
        command.env_clear().env("HOME", home.path()).env("GOENV", "off");
        let ran = unmasked(&command).output().unwrap();
        // 1: an auditor would ask about records of this log.
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    home
}

/// A folder of an earlier version, or one that somebody made beforehand.
#[test]
fn an_open_data_folder_is_closed_at_the_start() {
    let site = site();
    let (mut starting, home) = command(&site, &[], &[]);
    let data = home.path().join("data");
    let set = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for name in ["", "modules", "modules/secret.corp.example", "cache"] {
        fs::create_dir(data.join(name)).unwrap();
        set(&data.join(name), 0o777);
    }
    let zip = data.join("modules/secret.corp.example/v1.0.0.zip");
    fs::write(&zip, "zip").unwrap();
    set(&zip, 0o666);
    let server = Server { serving: Serving::start(&mut starting), home };
    let mode = |name: &str| data.join(name).metadata().unwrap().mode() & 0o777;
    assert_eq!((mode(""), mode("modules"), mode("cache")), (0o700, 0o700, 0o700));
    assert!(server.stop().contains("mode=\"0777\""), "it is logged");
    // A folder that also holds what is not ours keeps its mode; what is ours in it does not.
    let (mut starting, home) = command(&site, &[], &[]);
    let data = home.path().join("data");
    for name in ["", "modules", "photos"] {
        fs::create_dir(data.join(name)).unwrap();
        set(&data.join(name), 0o755);
    }
    let server = Server { serving: Serving::start(&mut starting), home };
    let mode = |name: &str| data.join(name).metadata().unwrap().mode() & 0o777;
    assert_eq!((mode(""), mode("modules"), mode("photos")), (0o755, 0o700, 0o755));
    server.stop();
}
