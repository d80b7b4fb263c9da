//! `direct` in the built binary: the environment of the go command for public and for private modules, and its leftovers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::client::get;
use crate::common::Serving;
use crate::fake::FakeSumdb;

/// A go command that writes its environment to a file named after the host of the module, and finds no module.
const GO: &str = "#!/bin/sh\nfor last; do :; done\nenv > \"HERE/${last%%/*}\"\necho '{}'\n";

fn serve(here: &Path, db: &FakeSumdb, upstream: &str) -> Serving {
    let bin = here.join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("go"), GO.replace("HERE", &here.display().to_string())).unwrap();
    fs::set_permissions(bin.join("go"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data", "--proxy", "direct"]);
    command.args(["--sumdb", &format!("{} {upstream}", db.vkey())]);
    command.args(["--private", "corp.example.com", "--private-proxy", "direct"]);
    command.env_clear().env("HOME", here).env("GOENV", "off").current_dir(here);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    command.env("SSH_AUTH_SOCK", "/agent").env("GIT_SSH", "/git-ssh").env("GIT_SSH_COMMAND", "/ssh-command");
    command.env("HTTPS_PROXY", "http://outbound.example:8080").env("NO_PROXY", "inner.example");
    command.env("GIT_CONFIG_GLOBAL", "/gitconfig").env("GIT_ALLOW_PROTOCOL", "ssh");
    Serving::start(&mut command)
}

#[test]
fn only_private_modules_get_keys_and_agent() {
    let here = tempfile::tempdir().unwrap();
    let left = here.path().join("data/tmp/direct-left");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("lock"), "").unwrap();
    let db = FakeSumdb::synthetic(10, 3);
    db.grow(10);
    let upstream = db.serve();
    let server = serve(here.path(), &db, &upstream.url());
    assert!(!left.exists(), "what a killed process left behind is swept at start");
    for path in ["/public.example.com/m/@v/list", "/corp.example.com/m/@v/list"] {
        let reply = get(server.address(), path);
        assert_eq!((reply.status, reply.text()), (200, String::new()), "{path}");
    }
    let refused = get(server.address(), "/10.0.0.5/secret.git/@v/list");
    assert!(refused.status >= 500, "{refused:?}");
    assert!(refused.text().contains("10.0.0.5 is not a public address"), "{refused:?}");
    assert!(!here.path().join("10.0.0.5").exists(), "no command is run");
    let env = |host: &str| fs::read_to_string(here.path().join(host)).unwrap();
    let has = |env: &str, line: &str| env.lines().any(|found| found == line);
    let public = env("public.example.com");
    for foreign in ["/agent", "/git-ssh", "/ssh-command", "outbound.example", "inner.example", "/gitconfig"] {
        assert!(!public.contains(foreign), "{foreign}: {public}");
    }
    assert!(has(&public, "GIT_ALLOW_PROTOCOL=https") && has(&public, "GIT_SSH_COMMAND=false"), "{public}");
    assert!(!has(&public, &format!("HOME={}", here.path().display())), "{public}");
    let private = env("corp.example.com");
    let home = format!("HOME={}", here.path().display());
    for own in
        ["SSH_AUTH_SOCK=/agent", "GIT_SSH=/git-ssh", "GIT_SSH_COMMAND=/ssh-command", "NO_PROXY=inner.example", &home]
    {
        assert!(has(&private, own), "{own}: {private}");
    }
    let (_, logged) = server.end("-TERM");
    assert!(logged.contains("clients choose which public hosts are asked"), "{logged}");
    assert!(logged.contains("private modules are fetched with this user's ssh keys"), "{logged}");
}
