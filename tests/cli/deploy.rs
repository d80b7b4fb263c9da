//! The files of `deploy/` against the program: what they start parses, and they say what they should.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Machine, binary};
use crate::common::{Serving, skip};
use crate::fake::FakeSumdb;

/// Where the units expect the program and its data.
const INSTALLED: &str = "/usr/local/bin/gosumcheck";
const DATA: &str = "/var/lib/gosumcheck";
const SERVER: &str = "gosumcheck.service";
const NIGHTLY: &str = "gosumcheck-verify.service";
const TIMER: &str = "gosumcheck-verify.timer";

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// The lines of a unit file: section, key, and the last value.
fn unit(name: &str) -> BTreeMap<(String, String), String> {
    let (text, mut section, mut keys) = (text(name), String::new(), BTreeMap::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').unwrap().to_owned();
        } else {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{name}: {line}"));
            assert!(keys.insert((section.clone(), key.to_owned()), value.to_owned()).is_none(), "{name}: {key} twice");
        }
    }
    keys
}

/// The command line that begins with the program, in `text`: its arguments.
fn arguments(text: &str) -> Vec<&str> {
    let after = text.split_once(INSTALLED).unwrap().1;
    after.lines().next().unwrap().split_whitespace().take_while(|word| !word.starts_with("2>")).collect()
}

fn port(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn what_the_units_and_cron_start_is_understood() {
    let machine = Machine::new();
    let server = unit(SERVER)[&("Service".into(), "ExecStart".into())].clone();
    let args = arguments(&server);
    assert_eq!(args[0], "serve");
    machine.run(&[&args, ["--check-config"].as_slice()].concat()).says(0, &[DATA, "--data"]).quiet();
    let nightly = unit(NIGHTLY)[&("Service".into(), "ExecStart".into())].clone();
    let crontab = text("crontab");
    for line in [nightly.as_str(), crontab.lines().last().unwrap()] {
        let args = arguments(line);
        assert_eq!(args, ["verify", "--data", DATA, "--record", "--resume"]);
        // All arguments are understood, and on a folder of our own the outcome is the exit code.
        machine.run(&[&args, ["--help"].as_slice()].concat()).says(0, &["Exit codes:"]);
        let data = machine.at("data");
        machine
            .run(&["verify", "--data", data.to_str().unwrap(), "--record", "--resume"])
            .complains(2, &["there is no mirror of this log here"]);
    }
}

#[test]
fn cron_is_silent_unless_something_is_found() {
    let machine = Machine::new();
    let line = text("crontab").lines().last().unwrap().to_owned();
    let (times, command) = line.split_once(" gosumcheck told=").unwrap();
    assert_eq!(times.split(' ').count(), 5, "{times}");
    assert!(!command.contains('%'), "cron takes it for a newline");
    let script = format!("told={command}");
    for (code, said) in [(0, ""), (1, "exit code 1\nfound\n"), (3, "exit code 3\nfound\n")] {
        let stub = format!("f() {{ echo found; return {code}; }}\n{}", script.replace(INSTALLED, "f"));
        let ran = machine.shell(&stub);
        assert_eq!((ran.code, ran.out.as_str()), (code, said), "{}", ran.show());
    }
}

#[test]
fn the_units_say_what_they_should() {
    let [server, nightly, timer] = [SERVER, NIGHTLY, TIMER].map(unit);
    for (name, keys) in [(SERVER, &server), (NIGHTLY, &nightly)] {
        for (key, value) in [
            ("DynamicUser", "yes"),
            ("User", "gosumcheck"),
            ("StateDirectory", "gosumcheck"),
            ("StateDirectoryMode", "0700"),
            ("UMask", "0077"),
            ("CapabilityBoundingSet", ""),
            ("NoNewPrivileges", "yes"),
            ("ProtectSystem", "strict"),
            ("ProtectHome", "yes"),
            ("PrivateTmp", "yes"),
            ("Environment", "GOSUMCHECK_CONFIG=/etc/gosumcheck/gosumcheck.toml"),
            ("EnvironmentFile", "-/etc/gosumcheck/environment"),
        ] {
            assert_eq!(keys.get(&("Service".into(), key.into())).map(String::as_str), Some(value), "{name}: {key}");
        }
    }
    let has = |keys: &BTreeMap<_, String>, section: &str, key: &str, value: &str| {
        assert_eq!(
            keys.get(&(section.to_owned(), key.to_owned())).map(String::as_str),
            Some(value),
            "{section}: {key}"
        );
    };
    has(&server, "Service", "Restart", "always");
    has(&server, "Service", "LimitNOFILE", "65536");
    has(&server, "Service", "KillSignal", "SIGTERM");
    has(&server, "Install", "WantedBy", "multi-user.target");
    // What waits for the nightly job gets its exit code: nothing but 0 is a success.
    has(&nightly, "Service", "Type", "oneshot");
    has(&nightly, "Service", "PrivateNetwork", "yes");
    assert!(!nightly.contains_key(&("Service".into(), "SuccessExitStatus".into())));
    assert!(text(NIGHTLY).contains("#OnFailure="));
    has(&timer, "Timer", "Persistent", "true");
    has(&timer, "Timer", "RandomizedDelaySec", "1h");
    has(&timer, "Install", "WantedBy", "timers.target");
    assert_eq!(
        TIMER.strip_suffix(".timer"),
        NIGHTLY.strip_suffix(".service"),
        "a timer starts the service of its name"
    );
}

#[test]
fn systemd_takes_the_units() {
    let found = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].into_iter().find(|path| Path::new(path).is_file());
    let Some(analyze) = found else { return skip("there is no systemd-analyze", "GOSUMCHECK_REQUIRE_SYSTEMD") };
    let root = tempfile::tempdir().unwrap();
    for name in [SERVER, NIGHTLY, TIMER] {
        fs::write(root.path().join(name), text(name).replace(INSTALLED, binary())).unwrap();
    }
    for name in [SERVER, NIGHTLY, TIMER] {
        let run = Command::new(analyze).args(["verify", "--man=no"]).arg(root.path().join(name)).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        // Of other units of this machine, and of a machine that systemd does not run, it may say what it likes.
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("gosumcheck")).collect();
        assert!(ours.is_empty(), "{name}: {ours:#?}");
    }
}

#[test]
fn the_images_serve_where_they_say_so() {
    let dockerfile = text("Dockerfile");
    let stages: Vec<&str> = dockerfile.split("\nFROM ").collect();
    let direct = stages.iter().find(|stage| stage.lines().next().unwrap().ends_with(" AS direct")).unwrap();
    let image = stages.last().unwrap();
    for stage in [image, direct] {
        let line = |start: &str| stage.lines().find(|line| line.starts_with(start)).unwrap();
        let mut machine = Machine::new();
        for pair in line("ENV ").split(' ').skip(1) {
            let (name, value) = pair.split_once('=').unwrap();
            machine.set(name, value);
        }
        let args = line("CMD ").trim_start_matches("CMD ").to_owned();
        let args: Vec<String> = serde_json::from_str(&args).unwrap();
        let args: Vec<&str> = args.iter().map(String::as_str).chain(["--check-config"]).collect();
        machine.run(&args).says(0, &["0.0.0.0:3000", "GOSUMCHECK_LISTEN", DATA, "GOSUMCHECK_DATA"]);
        assert_eq!(line("ENTRYPOINT "), "ENTRYPOINT [\"gosumcheck\"]");
        assert_eq!(line("VOLUME "), format!("VOLUME {DATA}"));
        assert_eq!(line("EXPOSE "), "EXPOSE 3000");
        assert_eq!(line("USER "), "USER 65532:65532");
        assert!(stage.lines().any(|line| line.starts_with("COPY --from=build ") && line.ends_with(INSTALLED)));
        // A volume that is new is as the folder in its place: the server's own.
        let owned = "COPY --from=build --chown=65532:65532 ";
        assert!(stage.lines().any(|line| line.starts_with(owned) && line.ends_with(DATA)));
    }
    // The last stage is the image: it begins with nothing, so that nothing but the program can run.
    assert!(image.starts_with("scratch\n") && !image.contains("\nRUN "), "{image}");
}

#[test]
fn the_settings_of_the_chart_are_understood() {
    let machine = Machine::new();
    let (file, users) = (machine.at("gosumcheck.toml"), machine.at("users"));
    fs::write(&users, "").unwrap();
    for values in ["helm/gosumcheck/values.yaml", "helm/gosumcheck/ci/company.yaml"] {
        let values = text(values);
        let block = values.split_once("\nsettings: |\n").unwrap().1.lines().take_while(|line| line.starts_with("  "));
        // What the chart only shows is understood too, and files of its Secret are where they are here.
        let block: Vec<&str> = block.map(|line| line.trim_start().trim_start_matches("# ")).collect();
        assert!(block.len() >= 2, "{block:?}");
        let settings = block.join("\n").replace("/run/secrets/gosumcheck/users", users.to_str().unwrap());
        fs::write(&file, &settings).unwrap();
        let ran = machine.run(&["serve", "--config", file.to_str().unwrap(), "--check-config"]);
        assert_eq!(ran.code, 0, "{settings}: {}", ran.show());
    }
}

#[test]
fn the_health_check_knows_a_server_that_answers_from_one_that_does_not() {
    let dockerfile = text("Dockerfile");
    let check = dockerfile.lines().find_map(|line| line.strip_prefix("HEALTHCHECK ")?.split_once(" CMD ")).unwrap().1;
    let check: Vec<String> = serde_json::from_str(check).unwrap();
    let (program, args) = check.split_first().unwrap();
    assert_eq!(program, "gosumcheck");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let asked = |name: &str, address: &str| {
        let mut machine = Machine::new();
        machine.set(name, address);
        machine.run(&args)
    };
    let served = FakeSumdb::synthetic(1, 1).serve();
    let other = format!("127.0.0.1:{}", port(&served.url()));
    asked("GOSUMCHECK_LISTEN", &other).says(2, &["404", "/healthz"]);
    let machine = Machine::new();
    let socket = machine.at("socket");
    let at = format!("unix:{}", socket.display());
    let server =
        Serving::start(&mut machine.command(&["serve", "--offline", "--listen", "127.0.0.1:0", "--admin-listen", &at]));
    let everywhere = format!("0.0.0.0:{}", server.address().port());
    for (name, address) in [("GOSUMCHECK_LISTEN", &everywhere), ("GOSUMCHECK_ADMIN_LISTEN", &at)] {
        let ran = asked(name, address);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""), "{name}");
    }
    drop(server);
    asked("GOSUMCHECK_LISTEN", &everywhere).says(2, &["cannot be asked for /healthz"]);
    asked("GOSUMCHECK_ADMIN_LISTEN", &at).says(2, &["cannot be asked for /healthz"]);
    asked("GOSUMCHECK_LISTEN", "systemd:web").says(2, &["no address can be asked"]);
}

#[test]
fn the_sample_of_the_settings_is_understood() {
    let sample = text("gosumcheck.toml");
    let setting = |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).map(str::to_owned);
    let lines: Vec<String> = sample.lines().filter_map(setting).collect();
    assert!(lines.len() >= 6, "{lines:?}");
    let machine = Machine::new();
    for (name, text) in [("as it is", sample.clone()), ("with all that it shows", lines.join("\n"))] {
        let file = machine.at("gosumcheck.toml");
        fs::write(&file, text).unwrap();
        let ran = machine.run(&["serve", "--config", file.to_str().unwrap(), "--check-config"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.show());
    }
}
