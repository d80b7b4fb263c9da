//! Man pages, completions and the reference page of the settings: what is generated has the program's real commands and flags.

use std::collections::BTreeSet;
use std::path::Path;

use gosumcheck::config::settings::{SETTINGS, UPSTREAM_SETTINGS};

use crate::command::Machine;

const COMMANDS: [&str; 37] = [
    "audit",
    "run",
    "doctor",
    "env",
    "lookup",
    "sync",
    "serve",
    "prefetch",
    "import",
    "export",
    "migrate",
    "explain",
    "token",
    "token create",
    "token list",
    "token revoke",
    "verify",
    "heads",
    "heads ls",
    "heads add",
    "heads clear-fork",
    "journal",
    "journal verify",
    "journal ls",
    "key",
    "key generate",
    "key show",
    "store",
    "store ls",
    "store stats",
    "store pin",
    "store unpin",
    "store rm",
    "store gc",
    "verify-proof",
    "index",
    "verify-evidence",
];

/// The long flags that a command's `--help` lists.
fn flags(machine: &Machine, command: &str) -> BTreeSet<String> {
    let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
    let help = machine.run(&words).out;
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let flags = lines.filter_map(|line| line.split(&[' ', ',']).find(|word| word.starts_with("--")));
    let flags: BTreeSet<String> = flags.map(str::to_owned).collect();
    assert!(flags.contains("--help"), "{help}");
    flags
}

#[test]
fn man_pages_have_every_flag() {
    let machine = Machine::new();
    machine.run(&["generate", "man", "man/man1"]).says(0, &[]).quiet();
    let read = |name: &str| machine.read(&format!("man/man1/{name}.1")).replace("\\-", "-");
    let main = read("gosumcheck");
    for command in COMMANDS {
        let name = format!("gosumcheck-{}", command.replace(' ', "-"));
        let page = read(&name);
        // One below another stands in the page of that.
        let above = command.rsplit_once(' ').map(|(above, _)| read(&format!("gosumcheck-{above}")));
        let above = above.as_ref().unwrap_or(&main);
        assert!(above.contains(&format!("{name}(1)")), "{command}: {above}");
        for flag in flags(&machine, command) {
            assert!(page.contains(&flag), "{command}: {flag}");
        }
        assert!(
            page.contains("Exit codes:") && page.contains(concat!("gosumcheck ", env!("CARGO_PKG_VERSION"))),
            "{command}"
        );
    }
    assert_eq!(std::fs::read_dir(machine.at("man/man1")).unwrap().count(), COMMANDS.len() + 1);
    machine.write("file", "");
    machine.run(&["generate", "man", "file"]).complains(2, &["file: cannot be written", "name a folder"]);
}

#[test]
fn completions_have_every_flag() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = machine.run(&["generate", "completions", shell]);
        let names = COMMANDS.map(|command| command.rsplit(' ').next().unwrap());
        ran.says(0, &names).quiet();
        for command in COMMANDS {
            for flag in flags(&machine, command) {
                // Fish names flags without their dashes: -l listen.
                let flag = if shell == "fish" { format!("-l {}", &flag[2..]) } else { flag };
                assert!(ran.out.contains(&flag), "{shell}: {command} {flag}");
            }
        }
    }
    machine.run(&["generate", "completions", "sh"]).says(2, &["invalid value 'sh'", "bash"]);
}

#[test]
fn the_reference_page_is_that_of_the_table() {
    let page = Machine::new().run(&["generate", "configuration"]).says(0, &[]).quiet().out.clone();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let first = page.lines().zip(written.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
    assert!(
        page == written,
        "docs/configuration.md is not what the table of settings says; write it anew:\n\
         cargo run -- generate configuration > docs/configuration.md\n{first:?}"
    );
    for setting in SETTINGS {
        for words in [format!("### `{}`\n", setting.name), format!("`{}", setting.flag), setting.variable.to_owned()] {
            assert!(page.contains(&words), "{words}");
        }
    }
    for setting in &UPSTREAM_SETTINGS {
        assert!(page.contains(&format!("### `{}`\n", setting.name)), "{}", setting.name);
    }
}
