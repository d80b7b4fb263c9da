//! `migrate`: the settings of other programs, in ours. `testdata/migrate` has theirs, and beside them what is printed of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::Ran;

/// Whose settings, and the file with them. What is printed is in a file of the same name and the end `.expected`, the rules in
/// one with the end `.rules`.
const CASES: [(&str, &str); 6] = [
    ("athens", "athens.toml"),
    ("athens", "athens.env"),
    ("goproxy", "goproxy.service"),
    ("goproxyio", "goproxyio.sh"),
    ("nexus", "nexus.json"),
    ("artifactory", "artifactory.json"),
];

/// The program in the folder of the repository, with nothing of this machine's settings.
fn run(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.env_clear().env("HOME", home).env("GOENV", "off").envs(variables.iter().copied());
    Ran::of(command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap())
}

#[track_caller]
fn same(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, expected, "{}: UPDATE_GOLDEN=1 writes it anew", path.display());
}

#[test]
fn settings_of_each_program_come_to_what_is_written_down_and_a_server_takes_them() {
    let home = tempfile::tempdir().unwrap();
    for (from, name) in CASES {
        let file = format!("testdata/migrate/{name}");
        let rules = home.path().join(format!("{name}.rules"));
        let said = run(home.path(), &["migrate", "--from", from, &file], &[]);
        said.says(0, &[]);
        assert_eq!(said.err, "", "{name}");
        assert!(!said.out.contains("secret"), "{name}: {}", said.out);
        assert!(!said.out.contains("it is not understood"), "{name}: {}", said.out);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/migrate");
        same(&root.join(format!("{name}.expected")), &said.out);
        // Whatever is left to do, a server understands what is there; and with the rules in a file too.
        let arguments = ["migrate", "--from", from, &file, "--rules", rules.to_str().unwrap()];
        let with_rules = run(home.path(), &arguments, &[]);
        with_rules.says(0, &[]);
        for text in [&said.out, &with_rules.out] {
            let toml = home.path().join("gosumcheck.toml");
            fs::write(&toml, text).unwrap();
            let checked = run(home.path(), &["serve", "--check-config", "--config", toml.to_str().unwrap()], &[]);
            assert_eq!(checked.code, 0, "{name}: {}{}\n{text}", checked.out, checked.err);
        }
        if rules.exists() {
            same(&root.join(format!("{name}.rules")), &fs::read_to_string(&rules).unwrap());
            assert!(with_rules.out.contains("\nrules = "), "{name}: {}", with_rules.out);
        }
    }
}

#[test]
fn the_environment_overrules_the_file_and_stands_alone() {
    let home = tempfile::tempdir().unwrap();
    let alone = run(home.path(), &["migrate", "--from", "athens"], &[("ATHENS_PORT", ":4000")]);
    alone.says(0, &["# ATHENS_PORT\nlisten = [\"0.0.0.0:4000\"]", "proxy = \"direct\""]);
    let over = ["migrate", "--from", "athens", "testdata/migrate/athens.toml"];
    let over = run(home.path(), &over, &[("ATHENS_PATH_PREFIX", "/other"), ("ATHENS_DISK_STORAGE_ROOT", "/elsewhere")]);
    over.says(0, &["prefix = \"/other\"", "gosumcheck import --as athens /elsewhere"]);
    let variables = [("ATHENS_LOG_LEVEL", "loud"), ("ATHENS_LOG_FORMAT", "xml"), ("ATHENS_SHUTDOWN_TIMEOUT", "soon")];
    run(home.path(), &["migrate", "--from", "athens"], &variables).says(
        0,
        &[
            "# - ATHENS_LOG_LEVEL: as log.level = \"loud\" it is not understood: ",
            "# - ATHENS_LOG_FORMAT: as log.format = \"xml\" it is not understood: ",
            "# - ATHENS_SHUTDOWN_TIMEOUT: as limits.stop_timeout = \"soons\" it is not understood: ",
        ],
    );
    let flags = ["migrate", "--from", "goproxy", "--", "server", "--address", "localhost:1", "--what", "x"];
    let flags = run(home.path(), &flags, &[("GOPROXY", "https://a.example")]);
    let odd = ["migrate", "--from", "goproxy", "--", "server", "--shutdown-timeout", "0", "--log-format", "xml"];
    let odd = run(home.path(), &odd, &[]);
    odd.says(
        0,
        &[
            "# - --shutdown-timeout: as limits.stop_timeout = \"0\" it is not understood: ",
            "log.format = \"xml\" it is not",
        ],
    );
    flags.says(0, &["listen = [\"127.0.0.1:1\"]", "proxy = \"https://a.example\"", "--what x: not a flag of goproxy"]);
}

#[test]
fn a_rule_that_is_none_here_is_named_and_stays_where_it_stood() {
    use base64::Engine as _;
    let home = tempfile::tempdir().unwrap();
    let modes = "mode = \"sync\"\ndownload \"a.example/b c/*\" {\n  mode = \"none\"\n}\n";
    let modes = format!("custom:{}", base64::engine::general_purpose::STANDARD.encode(modes));
    let rules = home.path().join("rules");
    let migrate = ["migrate", "--from", "athens", "--rules", rules.to_str().unwrap()];
    let ran = run(home.path(), &migrate, &[("ATHENS_DOWNLOAD_MODE", &modes)]);
    ran.says(0, &["TO DO: mend this rule, with which no server starts: ", "# deny a.example/b c/*"]);
    assert_eq!(fs::read_to_string(&rules).unwrap(), "deny a.example/b c/* \"not served here\"\n");
}

#[test]
fn what_is_not_their_settings_is_said() {
    let home = tempfile::tempdir().unwrap();
    let bad = home.path().join("bad");
    fs::write(&bad, "{ no").unwrap();
    let bad = bad.to_str().unwrap();
    for (arguments, words) in [
        (&["--from", "athens", bad][..], &["bad: is neither a config.toml nor a file of variables"][..]),
        (&["--from", "nexus", bad], &["bad: is not the JSON that `GET /service/rest/v1/repositorySettings` answers"]),
        (&["--from", "artifactory", bad], &["bad: is not the JSON"]),
        (&["--from", "nexus"], &["name a file with what"]),
        (
            &["--from", "artifactory", "testdata/migrate/nexus.json"],
            &["there is no remote repository of the package type go"],
        ),
        (&["--from", "nexus", "testdata/migrate/artifactory.json"], &["there is no repository of the format go"]),
        (&["--from", "athens", "none"], &["none: cannot be read: No such file"]),
        (&["--from", "nginx"], &["invalid value 'nginx'"]),
        (&[], &["--from"]),
    ] {
        run(home.path(), &[&["migrate"], arguments].concat(), &[]).says(2, words);
    }
    // A file of rules that is there stays as it is.
    let rules = home.path().join("rules");
    fs::write(&rules, "deny *\n").unwrap();
    let over = ["migrate", "--from", "athens", "testdata/migrate/athens.toml", "--rules", rules.to_str().unwrap()];
    run(home.path(), &over, &[]).says(2, &["rules: cannot be written: File exists"]);
    assert_eq!(fs::read_to_string(&rules).unwrap(), "deny *\n");
}
