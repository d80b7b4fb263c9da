//! What files and arguments name: go.sum files and folders of them, go.mod files, lists of module versions, and module versions.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use crate::audit::exclude::Exclusions;
use crate::audit::inputs::{self, HERE, STDIN};
use crate::audit::look::Look;
use crate::audit::{Claims, Says};
use crate::fault::Fault;
use crate::files;
use crate::report::{Artifact, Location, Notice, Verdict};
use crate::sumdb::gomod::GoMod;
use crate::sumdb::gosum::{Kind, MAX_FILE_BYTES, SumHash};
use crate::sumdb::module::{ModuleVersion, Patterns};
use crate::sumdb::number::wide;

/// All that is wanted, and what is wrong with the places that say so.
#[derive(Debug, Default)]
pub struct Wanted {
    /// each file once, with the hashes that lines of go.sum files say it has
    pub files: BTreeMap<(ModuleVersion, Kind), Vec<Said>>,
    /// lines and files that name nothing, each as `PLACE: WHY`
    pub malformed: Vec<String>,
    /// files that could not be read, each as `PATH: WHY`
    pub unread: Vec<String>,
    /// what was left out without harm
    pub notices: Vec<Notice>,
}

/// A line of a go.sum file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `PATH:LINE`
    pub place: String,
    /// the hash that it says
    pub hash: SumHash,
}

impl Wanted {
    /// What `arguments` name; without any, `./go.sum`. Standard input, `-`, is read from `stdin`.
    ///
    /// # Errors
    /// `Usage`: an argument that is neither a file nor a module version; `advice` has the words for the right spelling.
    pub fn read(arguments: &[String], stdin: &mut dyn Read, advice: &dyn Fn(&str) -> String) -> Result<Wanted, Fault> {
        let mut wanted = Wanted::default();
        if arguments.is_empty() {
            wanted.add_sums(&[]);
        }
        for argument in arguments {
            let path = Path::new(argument);
            if argument == STDIN {
                wanted.add_file(STDIN, files::read_bounded(&mut *stdin, limit()));
            } else if path.is_dir() || is_named(path, &inputs::SUM_NAMES) {
                wanted.add_sums(std::slice::from_ref(argument));
            } else if let Ok(module) = ModuleVersion::parse_at(argument) {
                wanted.add(module);
            } else if path.symlink_metadata().is_ok() {
                let read = files::open_named(path).and_then(|file| files::read_bounded(file, limit()));
                wanted.add_file(argument, read);
            } else {
                let text = format!("{argument:?} is neither a file nor a module version; {}", advice(argument));
                return Err(Fault::Usage(text));
            }
        }
        Ok(wanted)
    }

    /// Adds both files of a module version.
    pub fn add(&mut self, module: ModuleVersion) {
        self.files.entry((module.clone(), Kind::GoMod)).or_default();
        self.files.entry((module, Kind::Zip)).or_default();
    }

    /// Leaves out the modules whose paths match these patterns; gives their number.
    pub fn leave_out(&mut self, patterns: &Patterns) -> usize {
        let before = self.modules();
        self.files.retain(|(module, _), _| patterns.exemption(module.path()).is_none());
        before.saturating_sub(self.modules())
    }

    /// Leaves out the files that `held` says are there.
    pub fn leave_out_files(&mut self, held: impl Fn(&ModuleVersion, Kind) -> bool) {
        self.files.retain(|(module, kind), _| !held(module, *kind));
    }

    /// How many module versions there are.
    pub fn modules(&self) -> usize {
        let mut modules: Vec<&ModuleVersion> = self.files.keys().map(|(module, _)| module).collect();
        modules.dedup();
        modules.len()
    }

    /// Adds the content of a file, as what it looks like.
    fn add_file(&mut self, path: &str, read: io::Result<Vec<u8>>) {
        let bytes = match read {
            Ok(bytes) if bytes.len() > MAX_FILE_BYTES => {
                return self.unread.push(format!("{path}: it has more than {MAX_FILE_BYTES} bytes"));
            }
            Ok(bytes) => bytes,
            Err(error) => return self.unread.push(format!("{path}: {}", files::explain(&error))),
        };
        if is_named(Path::new(path), &["go.mod"]) {
            match GoMod::read(&bytes) {
                Ok(go_mod) => go_mod.requirements.into_iter().for_each(|required| self.add(required.module)),
                Err(error) => self.malformed.push(format!("{path}: {error}")),
            }
        } else if is_go_sum(&bytes) {
            self.add_claims(inputs::of_bytes(path, &bytes));
        } else {
            self.add_list(path, &bytes);
        }
    }

    /// Adds a list: on each line a module version, as `PATH@VERSION` or as `go list -m all` prints it. What has no version there is
    /// the main module.
    fn add_list(&mut self, path: &str, bytes: &[u8]) {
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let line = line.split('#').next().unwrap_or_default();
            let module = match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                [] => continue,
                [one] if !one.contains('@') => continue,
                [one] => ModuleVersion::parse_at(one),
                [module, version] => ModuleVersion::new(module, version),
                // A replacement: what it is replaced by is what a build reads, if that has a version.
                [_, _, "=>", module, version] | [_, "=>", module, version] => ModuleVersion::new(module, version),
                [_, _, "=>", _] | [_, "=>", _] => continue,
                _ => {
                    self.malformed.push(format!("{path}:{}: it is not a module version", number + 1));
                    continue;
                }
            };
            match module {
                Ok(module) => self.add(module),
                Err(error) => self.malformed.push(format!("{path}:{}: {error}", number + 1)),
            }
        }
    }

    /// Adds the lines of go.sum files, read as an audit reads them.
    fn add_sums(&mut self, paths: &[String]) {
        let inputs = inputs::read(paths, Look::For(Artifact::GoSum), &Exclusions::default(), &mut io::empty());
        self.notices.extend(inputs.notices);
        inputs.files.into_iter().for_each(|file| self.add_claims(file));
    }

    fn add_claims(&mut self, file: Claims) {
        if let Some(why) = file.unread {
            let why = match file.path == HERE && Path::new(HERE).symlink_metadata().is_err() {
                true => "there is no go.sum in this folder: name one, or a list of module versions".to_owned(),
                false => why,
            };
            return self.unread.push(format!("{}: {why}", file.path));
        }
        for claim in file.claims {
            let place = match claim.place {
                Location::Line(line) => format!("{}:{line}", file.path),
                Location::File(path) => path,
                Location::Part(part) => format!("{}#{part}", file.path),
                Location::Commit { commit, path, line } => format!("{commit}:{path}:{line}"),
            };
            match claim.says {
                Says::Sum(sum) => {
                    // What go drops says nothing of the file, which a build needs all the same.
                    let is_dropped = sum.is_dropped_by_go();
                    let file = self.files.entry((sum.module, sum.kind)).or_default();
                    file.extend((!is_dropped).then_some(Said { place, hash: sum.hash }));
                }
                Says::Nothing(Verdict::Malformed { why }) => self.malformed.push(format!("{place}: {why}")),
                Says::Nothing(_) | Says::About(..) => {}
            }
        }
    }
}

fn limit() -> u64 {
    wide(MAX_FILE_BYTES)
}

fn is_named(path: &Path, names: &[&str]) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.contains(&name))
}

/// Whether the first line with anything on it has three fields, of which the last is a hash.
fn is_go_sum(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let fields: Vec<&[u8]> = first.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect();
    matches!(fields.as_slice(), [_, _, hash] if hash.starts_with(b"h1:"))
}
