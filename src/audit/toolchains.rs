//! The versions of Go that built programs, held against the log: each release since Go 1.21 is a module, `golang.org/toolchain`, and
//! has a record there. A program names its version of Go without a hash, so nothing is proven about what built it; but a version
//! that nobody published is not a release of Go.

use std::collections::BTreeSet;

use super::{Answers, Claims};
use crate::database::Answer;
use crate::report::{FileReport, grouped, plain};
use crate::sumdb::module::{ModuleVersion, Patterns};

/// The toolchains that `files` were built by and that `exempt` does not name, each once.
pub(super) fn asked(files: &[Claims], exempt: &Patterns) -> Vec<ModuleVersion> {
    let all: BTreeSet<_> = files.iter().flat_map(|file| &file.toolchains).collect();
    all.into_iter().filter(|module| exempt.exemption(module.path()).is_none()).cloned().collect()
}

/// Notes in the report of a file what the log `name` has of the toolchains that built it.
pub(super) fn compare(file: &mut FileReport, toolchains: &[ModuleVersion], name: &str, answers: &Answers) {
    for toolchain in toolchains {
        match answers.get(toolchain) {
            Some(Answer::Found(record)) => {
                let known = format!("{name} has this release in record {}", grouped(record.id()));
                // Of many programs each is as it should be; of one there is room to say so.
                if let ([_], Some(about)) = (toolchains, &mut file.about) {
                    *about = format!("{about}; {known}");
                }
            }
            Some(Answer::NotInLog { .. }) => file.remarks.push(format!(
                "{name} has no record of {toolchain}: nobody downloaded such a release of Go, so something else may have built it"
            )),
            Some(Answer::Unknown(miss)) => file.remarks.push(format!(
                "whether the version of Go that it names was released is not known: {toolchain}: {}",
                plain(&miss.clone().into_fault(name).to_string())
            )),
            None => {}
        }
    }
}
