//! A command line as it stands in a unit file, a script or a file of variables: words and variables.

use std::collections::BTreeMap;

use super::TheirSettings;

/// The words of a program's command line, without the program, and the variables that are set for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) words: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
}

/// What the text that was given says about the program `name`, and the arguments that were.
pub(super) fn given(given: &TheirSettings<'_>, name: &str) -> CommandLine {
    let mut line = given.text.map_or_else(CommandLine::default, |text| read(text, name));
    line.words.extend(given.arguments.iter().cloned());
    line
}

/// What the text says about the program `name`: `ExecStart=` and `Environment=` of a systemd unit, lines of a shell that begin with
/// its name or end in a path of that name, and `NAME=VALUE`.
pub(super) fn read(text: &str, name: &str) -> CommandLine {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut found = CommandLine::default();
    for line in joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '['])) {
        let line = line.strip_prefix("ExecStart=").unwrap_or(line);
        let line = line.strip_prefix("Environment=").or_else(|| line.strip_prefix("export ")).unwrap_or(line);
        let mut words = split(line);
        // Variables before a command are for it alone.
        while let Some((key, value)) = words.first().and_then(|word| variable(word)) {
            found.variables.insert(key, value);
            words.remove(0);
        }
        let is_program = |word: &String| word.rsplit('/').next() == Some(name);
        if let Some(at) = words.iter().position(is_program) {
            found.words = words.split_off(at + 1);
        }
    }
    found
}

fn variable(word: &str) -> Option<(String, String)> {
    let (key, value) = word.split_once('=')?;
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!key.is_empty() && key.chars().all(is_name)).then(|| (key.to_owned(), value.to_owned()))
}

/// The words of a line, as a shell splits it: in quotes blanks are part of a word.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), letter) if open == letter => quote = None,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The flags of a command line: `--name value`, `--name=value`, with one dash or two; those of `switches` take no value. With the
/// words that are not flags.
pub(super) fn flags(words: &[String], switches: &[&str]) -> (Vec<(String, String)>, Vec<String>) {
    let (mut flags, mut others) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|flag| !flag.is_empty())
        else {
            others.push(word.clone());
            continue;
        };
        match flag.split_once('=') {
            Some((name, value)) => flags.push((name.to_owned(), value.to_owned())),
            None if switches.contains(&flag) => flags.push((flag.to_owned(), "true".to_owned())),
            None => flags.push((flag.to_owned(), words.next().cloned().unwrap_or_default())),
        }
    }
    (flags, others)
}

/// The value of a flag; of several the last one counts.
pub(super) fn value<'a>(flags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    flags.iter().rev().find(|(flag, _)| flag == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_shells_and_files_of_variables_say_the_same() {
        let unit = "[Service]\nEnvironment=\"GOPROXY=https://a,direct\"\n\
                    ExecStart=/usr/bin/goproxy server --address :8080 \\\n  --cacher-dir='/var/my cache'\n";
        let shell = "# starts it\nexport GOPROXY=https://a,direct\nexec goproxy server --address :8080 --cacher-dir=\"/var/my cache\"\n";
        for text in [unit, shell] {
            let read = read(text, "goproxy");
            assert_eq!(read.words, ["server", "--address", ":8080", "--cacher-dir=/var/my cache"]);
            assert_eq!(read.variables.get("GOPROXY").map(String::as_str), Some("https://a,direct"));
            let (flags, others) = flags(&read.words, &[]);
            let flag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            assert_eq!(flags, [flag("address", ":8080"), flag("cacher-dir", "/var/my cache")]);
            assert_eq!(others, ["server"]);
        }
    }
}
