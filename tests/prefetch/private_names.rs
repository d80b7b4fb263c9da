//! No name of a private module gets to a public place, whatever says it and however it is spelt: all requests that the public mirror and
//! the public log got are looked at.

use crate::kit::{Site, Spec};
use crate::world::{Ran, World, ran};

/// Each kept from somebody by another setting.
const PRIVATE: [(&str, &str); 4] = [
    ("corp.example/secret", "v1.0.0"),
    ("git.example/Team/tool", "v1.1.0"),
    ("github.com/acme/inner", "v0.3.0"),
    ("sub.corp.example/deep/er/v2", "v2.0.0"),
];
/// Parts of these that nobody may have heard of.
const NAMES: [&str; 4] = ["corp.example", "team/tool", "acme/inner", "deep/er"];

fn world() -> World {
    let mut specs = vec![
        // What is read ahead of it would name private modules.
        Spec::new("a.example/one", "v1.0.0")
            .requires("corp.example/secret", "v1.0.0")
            .requires("a.example/two", "v1.2.0"),
        Spec::new("a.example/two", "v1.2.0").requires("git.example/Team/tool", "v1.1.0"),
    ];
    // The public mirror has them, as one has that somebody asked before.
    specs.extend(PRIVATE.map(|(module, version)| Spec::new(module, version)));
    World { site: Site::of(&specs), home: tempfile::tempdir().unwrap() }
}

/// Runs a command with settings that keep each private module from somebody.
fn with_settings(mut command: std::process::Command) -> Ran {
    command.env("GOPRIVATE", "corp.example,*.corp.example").env("GONOPROXY", "git.example/Team");
    ran(&command.env("GONOSUMDB", "github.com/acme").output().unwrap())
}

#[track_caller]
fn nobody_heard(world: &World) {
    let requests = world.site.mirror.requests();
    let mirror: Vec<String> =
        requests.iter().map(|request| format!("{} {:?}", request.target, request.headers)).collect();
    let log: Vec<String> = world.site.log.requests().iter().map(|request| request.path.clone()).collect();
    assert!(!mirror.is_empty(), "nobody was asked for anything");
    for text in mirror.iter().chain(&log) {
        let plain = text.to_lowercase().replace("%21", "!").replace("%2f", "/").replace('!', "");
        let heard: Vec<&&str> = NAMES.iter().filter(|name| plain.contains(**name)).collect();
        assert!(heard.is_empty(), "{heard:?}: {text}");
    }
}

/// All spellings of a module's path in a URL.
fn spellings(module: &str) -> Vec<String> {
    let escaped: String = module
        .chars()
        .flat_map(|c| if c.is_ascii_uppercase() { vec!['!', c.to_ascii_lowercase()] } else { vec![c] })
        .collect();
    let mut all =
        vec![module.to_owned(), module.to_ascii_uppercase(), escaped.replace('!', "%21"), escaped.replace('/', "%2F")];
    all.extend(["/", "./", "x/../"].map(|before| format!("{before}{escaped}")));
    all.push(escaped.chars().map(|c| format!("%{:02x}", u32::from(c))).collect());
    all.push(escaped);
    all
}

/// Asks the server in GOPROXY for all of it, in every spelling.
fn ask_for_all(world: &World) -> String {
    let name = world.site.log.name();
    let mut script = "p=${GOPROXY%%,*}; ask() { curl -s -o /dev/null --path-as-is \"$p/$1\"; }\n".to_owned();
    for (module, version) in PRIVATE {
        for path in spellings(module) {
            for end in ["@v/list", "@latest", "@v/main.info"] {
                script += &format!("ask '{path}/{end}'\n");
            }
            for end in ["info", "mod", "zip"] {
                script += &format!("ask '{path}/@v/{version}.{end}'\n");
            }
            script += &format!("ask 'sumdb/{name}/lookup/{path}@{version}'\n");
        }
    }
    script
        + "ask a.example/one/@v/v1.0.0.info; ask a.example/one/@v/v1.0.0.mod; ask a.example/one/@v/v1.0.0.zip; exit 0"
}

#[test]
fn run_names_no_private_module_in_public() {
    for with_sum in [true, false] {
        let world = world();
        if with_sum {
            world.go_sum();
            let replaced = "module a.example/main\n\ngo 1.21\n\nrequire corp.example/secret v1.0.0\nrequire a.example/one v1.0.0\n\n\
                            replace a.example/two => git.example/Team/tool v1.1.0\n";
            world.file("go.mod", replaced);
            world.file("go.work.sum", &world.site.corpus.go_sum());
        }
        world.site.log.log_requests(true);
        let run = with_settings(world.shell(&ask_for_all(&world)));
        // The command asked its own server for what goes around that: it is refused there.
        assert!(run.code == 1 && run.err.contains("is private here"), "{} {}", run.code, run.err);
        nobody_heard(&world);
        assert!(world.site.mirror.count("a.example/two/@v/v1.2.0.mod") > 0, "brought ahead: {}", run.err);
    }
}

#[test]
fn prefetch_names_no_private_module_in_public() {
    let world = world();
    let sum = world.go_sum();
    let list: String =
        PRIVATE.map(|(module, version)| format!("a.example/three v1.0.0 => {module} {version}\n")).concat();
    let list = world.file("modules.txt", &format!("{list}a.example/two v1.2.0\n"));
    let mut command = world.command(&["prefetch", "--proxy", &world.site.mirror.url(), "--sumdb", &world.site.sumdb()]);
    command
        .arg("--data")
        .arg(world.data())
        .args([&sum, &list])
        .args(PRIVATE.map(|(module, version)| format!("{module}@{version}")));
    world.site.log.log_requests(true);
    let brought = with_settings(command);
    assert!(brought.code == 0 && brought.err.contains("private modules were left out"), "{}", brought.err);
    nobody_heard(&world);
}
