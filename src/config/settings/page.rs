//! The reference page of all settings, `docs/configuration.md`, written from the tables.

use super::setting::{Setting, Value};
use super::table::SETTINGS;
use super::upstream::UPSTREAM_SETTINGS;

/// Characters of a line of prose.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Configuration

<!-- Written by `gosumcheck generate configuration`. Edit src/config/settings/table.rs and run it again. -->

Every setting of `gosumcheck serve` has a key in `gosumcheck.toml`, an environment variable and a command-line flag. A flag
overrides a variable, a variable overrides the file, and the file overrides the default. An empty variable counts as unset.

The file is the one that `--config FILE` or `GOSUMCHECK_CONFIG` names, else `gosumcheck/gosumcheck.toml` in the user's
configuration folder (such as `~/.config`), if it exists. A key in a table is written `table.key` below: `limits.memory` is the
key `memory` of the table `[limits]`. Unknown keys and wrong values are errors, and the message names the line.

`gosumcheck serve --check-config` prints the settings in effect, and where each comes from. The settings are read at the start, and
again on SIGHUP: [reload](tls.md#reload) says which of them can change then.

A setting that takes several values is a list in the file, a comma-separated text in a variable, and a flag that may be repeated.
A setting that is true or false is a flag without a value.

`GOSUMCHECK_DATA` names the data folder for all commands. `gosumcheck verify` reads `private` and `[verify]` as `serve` does. The other commands
read neither the file nor the other variables; they follow the go command's settings.

## Sizes

A number, a decimal fraction if you like, and a unit: `500MB`, `1.5GiB`, `10 MiB`, `4096`.

| Unit | Bytes |
|---|---|
| none, `B` | 1 |
| `kB`, `MB`, `GB`, `TB` | 1000, 1000^2, 1000^3, 1000^4 |
| `KiB`, `MiB`, `GiB`, `TiB` | 1024, 1024^2, 1024^3, 1024^4 |

Case does not matter: `10mb`, `10MB` and `10Mb` are all 10,000,000 bytes. A letter alone is decimal, so `10m` is `10MB` too; write
`10MiB` for 10,485,760 bytes. A fraction of a byte is dropped. `gosumcheck sync --limit-rate` takes a size per second, with or without
`/s` at its end.

## Durations

One number or more, each with its unit: `500ms`, `30s`, `5m`, `1h30m`, `1h 30m`, `1.5h`, `2d`. A day has 24 hours, a week (`1w`)
seven days. A number without a unit is an error. Every duration of this page is between `1ms` and `168h`; `store.scrub` and
`verify.full_every` are between `1s` and `366d`, or `0`.
";

const UPSTREAMS: &str = "
## Single upstreams

One entry of `proxy` or `private_proxy`, or one source of a checksum database, can have settings of its own, in the file only. They
stand in a table that is named after its URL. A proxy that relays the database is asked for both under the same settings:

```toml
proxy = \"https://proxy.corp.example,https://proxy.golang.org\"

[upstreams.\"https://proxy.corp.example\"]
connect_timeout = \"2s\"
bearer_file = \"/etc/gosumcheck/token\"
ca = \"/etc/gosumcheck/corp.pem\"
```
";

const ACCESS_TABLES: &str = "
## Groups, rules and issuers

The tables of `[access]` that are not single values stand in the file only: `[access.groups]`, `[[access.rule]]` and
`[[access.issuer]]`. [Access control](access.md) explains them.

```toml
[access.groups]
team-a = [\"user:alice\", \"token:team-a-ci\"]

[[access.rule]]
who = \"group:team-a\"
may = \"read\"
modules = \"corp.example/team-a\"
```
";

/// The page, as Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut headings: Vec<&str> = Vec::new();
    SETTINGS.iter().for_each(|setting| {
        if !headings.contains(&setting.heading) {
            headings.push(setting.heading);
        }
    });
    for heading in headings {
        page += &format!("\n## {heading}\n");
        SETTINGS.iter().filter(|setting| setting.heading == heading).for_each(|setting| page += &section(setting));
    }
    page += ACCESS_TABLES;
    page += UPSTREAMS;
    for setting in &UPSTREAM_SETTINGS {
        let (name, help) = (setting.name, wrapped(setting.help));
        page += &format!("\n### `{name}`\n\n{help}\n\n- Value: `{}`\n- Default: {}\n", setting.value, setting.default);
    }
    page
}

fn section(setting: &Setting) -> String {
    let Setting { name, variable, flag, help, .. } = setting;
    let value = setting.value_name().map_or_else(String::new, |name| format!(" {name}"));
    let several = if setting.is_list() { ", may be repeated" } else { "" };
    let default = match (setting.value, setting.shown_default()) {
        (Value::Switch, _) => "`false`".to_owned(),
        (_, None) => "none".to_owned(),
        (_, Some(words)) if words.contains(' ') => words.to_owned(),
        (_, Some(text)) => format!("`{text}`"),
    };
    let help = wrapped(help);
    format!(
        "\n### `{name}`\n\n{help}\n\n- Flag: `{flag}{value}`{several}\n- Variable: `{variable}`\n- Default: {default}\n"
    )
}

/// The text in lines of at most `WIDTH` characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
