//! What a build needs besides the file that its user names: the hashes stand in the go.sum beside a go.mod, and those of a workspace
//! in the files of all its modules.

use std::path::Path;

use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// Bytes of a go.work that are read.
const MAX_GO_WORK: u64 = 1 << 20;

/// The arguments with the files that belong to them: for a go.mod the go.sum beside it, for a go.work the go.mod and go.sum of each of
/// its modules and its own go.work.sum. A go.mod that is not there is among them, so that its reader says so.
///
/// # Errors
/// `Usage`: a go.work cannot be read, or names no module.
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
                if wide(bytes.len()) > MAX_GO_WORK {
                    return Err(usage(format!("has more than {MAX_GO_WORK} bytes")));
                }
                let text = String::from_utf8(bytes).map_err(|_| usage("is not UTF-8".to_owned()))?;
                let modules = used(&text);
                if modules.is_empty() {
                    return Err(usage("has no use directive, so it names no module".to_owned()));
                }
                for module in modules.iter().map(|used| folder.join(used)) {
                    all.push(module.join("go.mod").display().to_string());
                    all.extend(present(&module, "go.sum"));
                }
                all.extend(present(folder, "go.work.sum"));
            }
            Some("go.mod") => {
                all.push(argument.clone());
                all.extend(present(folder, "go.sum"));
            }
            _ => all.push(argument.clone()),
        }
    }
    Ok(all)
}

/// The path of a file, if it is there.
fn present(folder: &Path, name: &str) -> Option<String> {
    let path = folder.join(name);
    path.is_file().then(|| path.display().to_string())
}

/// The folders that the `use` directives of a go.work name (go.dev/ref/mod, "go.work files").
fn used(text: &str) -> Vec<String> {
    let (mut folders, mut in_block) = (Vec::new(), false);
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let rest = line.strip_prefix("use").unwrap_or_default();
        match line {
            "" => {}
            ")" => in_block = false,
            folder if in_block => folders.push(unquoted(folder)),
            _ if rest.trim_start() == "(" => in_block = true,
            _ if rest.starts_with([' ', '\t']) => folders.push(unquoted(rest.trim_start())),
            _ => {}
        }
    }
    folders
}

/// A path without the quotes that it has where there is a blank in it.
fn unquoted(path: &str) -> String {
    path.trim_matches(['"', '`']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_modules_of_a_workspace_are_named() {
        let text = "go 1.26\n\nuse ./one // a comment\nuse (\n\t./two\n\t\"./three\"\n)\nreplace a => ./b\n";
        assert_eq!(used(text), ["./one", "./two", "./three"]);
        let text = "use(\n\n\t\"./a b\" // c\n\tuse\n)\nuse\t`./c d`\nuseful ./no\nreplace (\n\ta => ./b\n)\n";
        assert_eq!(used(text), ["./a b", "use", "./c d"]);
    }
}
