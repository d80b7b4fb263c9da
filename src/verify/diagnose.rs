//! What is behind a finding, by looking again: the file that it names is read a second time, where the finding is, and what is there
//! says whether a write was torn, a bit flipped, the file left or was replaced, or two reads disagree.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::files;
use crate::report::Integrity;
use crate::report::integrity::{Diagnosis, Finding, Flaw};
use crate::sumdb::hash::{Hash, sha256};
use crate::sumdb::number::wide;

/// The most bytes of one finding that are read again.
const MAX_READ: u64 = 8 << 20;
/// So many zeros in a row, from a multiple of so many on, are what a power cut leaves of a block that was never written.
const BLOCK: usize = 512;
/// Fewer zeros than so many show nothing, even where nothing else is there.
const FEWEST_ZEROS: usize = 8;

/// Establishes what is behind each finding that is about bytes here; `dir` is where files are that are named without a folder.
pub fn diagnose(dir: &Path, report: &mut Integrity) {
    for finding in &mut report.findings {
        if let Some(known) = known(finding.flaw) {
            finding.diagnosis = known;
        } else {
            let path = if finding.file.contains('/') { PathBuf::from(&finding.file) } else { dir.join(&finding.file) };
            let (diagnosis, evidence) = look(&path, finding);
            finding.diagnosis = diagnosis;
            finding.evidence.extend(evidence);
        }
    }
}

/// What is behind findings of which the kind says it.
fn known(flaw: Flaw) -> Option<Diagnosis> {
    Some(match flaw {
        Flaw::IndexWrong => Diagnosis::IndexDrift,
        Flaw::Duplicate | Flaw::Malformed => Diagnosis::RecordConflict,
        Flaw::HeadBehind | Flaw::CosignedAhead | Flaw::NotAFile | Flaw::Permissions | Flaw::Stray => {
            Diagnosis::Replaced
        }
        Flaw::ModuleUnrecorded | Flaw::ModuleOtherPolicy => Diagnosis::OtherSettings,
        Flaw::RootDiffers | Flaw::ModuleRules => Diagnosis::Open,
        // Neither is about bytes here: others were asked.
        Flaw::UpstreamWrong => Diagnosis::WrongUpstream,
        Flaw::VersionMoved => Diagnosis::MovedVersion,
        Flaw::VersionVanished => Diagnosis::VanishedVersion,
        Flaw::HeadStale => Diagnosis::StaleHead,
        Flaw::HeadUncosigned => Diagnosis::QuorumMissing,
        Flaw::ClockJumped => Diagnosis::ClockJump,
        _ => return None,
    })
}

/// Looks at the file again.
fn look(path: &Path, finding: &Finding) -> (Diagnosis, Option<String>) {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (Diagnosis::Missing, Some("nothing is there".to_owned()));
        }
        Err(error) => return (Diagnosis::Open, Some(format!("it cannot be looked at: {error}"))),
        Ok(found) if !found.is_file() => {
            return (Diagnosis::Replaced, Some("what is there is not a regular file".to_owned()));
        }
        Ok(_) => {}
    }
    let read = files::open(path).and_then(|file| {
        let len = file.metadata()?.len();
        let range = finding.bytes.clone().unwrap_or(0..len);
        let ends_early = finding.bytes.as_ref().is_some_and(|bytes| bytes.end > len) || finding.flaw == Flaw::CutOff;
        let first = bytes(&file, &range, len)?;
        let second = bytes(&file, &range, len)?;
        Ok((len, ends_early, first, second))
    });
    match read {
        Err(error) => (Diagnosis::Open, Some(format!("it cannot be read again: {error}"))),
        Ok((len, ends_early, first, second)) => {
            // A note ends with the end of a line.
            let is_note = matches!(finding.flaw, Flaw::HeadDamaged | Flaw::HeadsDamaged | Flaw::CosignedDamaged)
                && finding.bytes.is_none();
            judge(len, ends_early || is_note && !first.ends_with(b"\n"), &first, &second)
        }
    }
}

fn bytes(file: &File, range: &Range<u64>, len: u64) -> io::Result<Vec<u8>> {
    let end = range.end.min(len).min(range.start.saturating_add(MAX_READ));
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(range.start)).unwrap_or(0)];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}

/// What two reads of the same bytes of a file of `len` bytes show.
fn judge(len: u64, ends_early: bool, first: &[u8], second: &[u8]) -> (Diagnosis, Option<String>) {
    if first != second {
        let places = first.iter().zip(second).filter(|(one, other)| one != other).count();
        let text = format!("two reads of the same bytes differ in {places} of {}", first.len());
        return (Diagnosis::UnsteadyRead, Some(text));
    }
    if ends_early || len == 0 {
        return (Diagnosis::TornWrite, Some(format!("the file ends after {len} bytes")));
    }
    if let Some(zeros) = zeros(first) {
        let text = format!("{} bytes from byte {} of the damaged ones on are zeros", zeros.len(), zeros.start);
        return (Diagnosis::TornWrite, Some(text));
    }
    let Hash(digest) = sha256(first);
    let text = format!("read twice, the same {} bytes, SHA-256 {}", wide(first.len()), hex::encode(digest));
    (Diagnosis::BitRot, Some(text))
}

/// Where blocks of zeros are that were never written; all of a short range.
fn zeros(bytes: &[u8]) -> Option<Range<usize>> {
    if bytes.len() >= FEWEST_ZEROS && bytes.iter().all(|byte| *byte == 0) {
        return Some(0..bytes.len());
    }
    let run = bytes.split(|byte| *byte != 0).max_by_key(|run| run.len())?;
    if run.len() < BLOCK {
        return None;
    }
    let start = run.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
    Some(start..start + run.len())
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_says_what_is_behind_it() {
        let text = vec![7; 2000];
        let mut blocks = text.clone();
        blocks[600..1300].fill(0);
        let mut few = text.clone();
        few[600..900].fill(0);
        type Case<'a> = (u64, bool, &'a [u8], &'a [u8], Diagnosis);
        let cases: [Case<'_>; 7] = [
            (2000, false, &text, &text, Diagnosis::BitRot),
            (2000, false, &text, &few, Diagnosis::UnsteadyRead),
            (2000, true, &text, &text, Diagnosis::TornWrite),
            (0, false, &[], &[], Diagnosis::TornWrite),
            (2000, false, &blocks, &blocks, Diagnosis::TornWrite),
            (2000, false, &few, &few, Diagnosis::BitRot),
            (2000, false, &[0; 32], &[0; 32], Diagnosis::TornWrite),
        ];
        for (len, ends_early, first, second, expected) in cases {
            assert_eq!(judge(len, ends_early, first, second).0, expected, "{len} {ends_early} {}", first.len());
        }
        assert_eq!(zeros(&blocks), Some(600..1300));
    }
}
