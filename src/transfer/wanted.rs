//! What a build needs besides the file that its user names: the hashes stand in the go.sum beside a go.mod, and those of a workspace
//! in the files of all its modules.

use std::path::Path;

use crate::fault::Fault;
use crate::files;

/// Bytes of a go.work that are read.
const MAX_GO_WORK: u64 = 1 << 20;

/// The arguments with the files that belong to them: for a go.mod the go.sum beside it, for a go.work those of its modules and its
/// own.
///
/// # Errors
/// `Usage`: a go.work cannot be read.
pub fn with_neighbours(arguments: &[String]) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for argument in arguments {
        let path = Path::new(argument);
        let folder = path.parent().unwrap_or(Path::new(""));
        match path.file_name().and_then(|name| name.to_str()) {
            Some("go.work") => {
                let usage = |why: String| Fault::Usage(format!("{argument}: {why}"));
                let read = files::open(path).and_then(|file| files::read_bounded(file, MAX_GO_WORK));
                let bytes = read.map_err(|error| usage(files::explain(&error)))?;
                let text = String::from_utf8(bytes).map_err(|_| usage("is not UTF-8".to_owned()))?;
                for used in used(&text) {
                    all.extend(present(&folder.join(used), &["go.mod", "go.sum"]));
                }
                all.extend(present(folder, &["go.work.sum"]));
            }
            Some("go.mod") => {
                all.push(argument.clone());
                all.extend(present(folder, &["go.sum"]));
            }
            _ => all.push(argument.clone()),
        }
    }
    Ok(all)
}

fn present(folder: &Path, names: &[&str]) -> Vec<String> {
    let paths = names.iter().map(|name| folder.join(name)).filter(|path| path.is_file());
    paths.map(|path| path.display().to_string()).collect()
}

/// The folders that the `use` directives of a go.work name (go.dev/ref/mod, "go.work files").
fn used(text: &str) -> Vec<String> {
    let (mut folders, mut in_block) = (Vec::new(), false);
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["use", "("] | ["use("] => in_block = true,
            [")"] => in_block = false,
            ["use", folder] => folders.push(unquoted(folder)),
            [folder] if in_block => folders.push(unquoted(folder)),
            _ => {}
        }
    }
    folders
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '`']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_modules_of_a_workspace_are_named() {
        let text = "go 1.26\n\nuse ./one // a comment\nuse (\n\t./two\n\t\"./three\"\n)\nreplace a => ./b\n";
        assert_eq!(used(text), ["./one", "./two", "./three"]);
    }
}
