//! What was cosigned last. Nothing can make our signature again without the secret key, and nothing here signs: where the line with the
//! signature is whole, and what it is over is one of the heads that were committed, the two together prove what the file was. A link
//! becomes a file where it leads to such a note. Else the file stays as it is: without it the cosigner would begin anew, and could
//! contradict itself.

use super::super::VerifyOptions;
use super::super::cosigned::{key_of, open};
use super::Repaired;
use crate::fault::Fault;
use crate::report::integrity::Repair;
use crate::store::Log;
use crate::store::head::CosignedHead;
use crate::store::log::{HEADS_LIMIT, entries};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::note::{Note, VerifierKey, message};

/// The committed heads that are tried, the newest: one is committed every few minutes at most.
const MAX_HEADS: usize = 4096;
/// Characters of a cosignature in Base64: the key's id, the time and the signature of Ed25519.
const BLOB_CHARS: usize = (4 + 8 + 64_usize).div_ceil(3) * 4;
/// What the line of a signature begins with.
const SIGNATURE: &str = "— ";

/// Puts the files that `options` name in order.
///
/// # Errors
/// `Unavailable`: the log's heads cannot be read.
pub fn mend_cosigned(log: &Log, policy: &Policy, options: &VerifyOptions, done: &mut Repaired) -> Result<(), Fault> {
    for file in &options.cosigned {
        let shown = file.path().display().to_string();
        match mend(file, log, policy, &options.cosigners)? {
            Ok(Some(what)) => done.note(Repair::of_file(shown, what)),
            Ok(None) => {}
            Err(why) => {
                let next = "restore it from a backup, or cosign with a new key; it was left as it is, so that nothing is cosigned with this one";
                done.failed.push(format!("{shown}: {why}; {next}"));
            }
        }
    }
    Ok(())
}

/// Says what was put in order, if anything; or why nothing could be.
fn mend(
    file: &CosignedHead,
    log: &Log,
    policy: &Policy,
    cosigners: &[VerifierKey],
) -> Result<Result<Option<&'static str>, String>, Fault> {
    let is_sound = |note: &[u8]| open(note, file, policy, cosigners).is_ok();
    let found = match file.as_it_is() {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault.to_string())),
    };
    if is_sound(&found) {
        let replaced = file.replace_link().map_err(|fault| fault.to_string());
        return Ok(replaced.map(|was_link| was_link.then_some("was a link, and is a file now")));
    }
    let Some((cosigner, log_key)) = key_of(file, cosigners).zip(policy.log_key()) else {
        return Ok(Err("the key that cosigned is not known here: name it with --cosign".to_owned()));
    };
    let listed = log.open_file("heads")?.bytes(0, usize::try_from(HEADS_LIMIT).unwrap_or(usize::MAX));
    let mut heads: Vec<Checkpoint> =
        entries(&listed).filter_map(|entry| Checkpoint::open(entry.bytes(), policy).ok()).collect();
    heads.extend(log.head().ok().flatten().and_then(|note| Checkpoint::open(&note, policy).ok()));
    let lines = lines_of(&found, cosigner);
    let proven = heads.iter().rev().take(MAX_HEADS).find_map(|head| {
        let made = lines.iter().filter_map(|line| joined(head, line, log_key));
        made.into_iter().find(|note| is_sound(note))
    });
    let Some(proven) = proven else {
        return Ok(Err("no committed head here has the signature that is left of it".to_owned()));
    };
    Ok(match file.restore(&found, &proven) {
        Ok(true) => Ok(Some("has the head again that its cosignature is over")),
        Ok(false) => Ok(None),
        Err(fault) => Err(fault.to_string()),
    })
}

/// What of a damaged note may be the line of a signature in the name of this key, without its end.
fn lines_of(damaged: &[u8], cosigner: &VerifierKey) -> Vec<String> {
    let begin = format!("{SIGNATURE}{} ", cosigner.name());
    let line = |at| str::from_utf8(damaged.get(at..at + begin.len() + BLOB_CHARS)?).ok().map(str::to_owned);
    memchr::memmem::find_iter(damaged, begin.as_bytes()).filter_map(line).collect()
}

/// A head with the log's signature, and the line of another after it, as a cosigner writes it.
fn joined(head: &Checkpoint, line: &str, log_key: &VerifierKey) -> Option<Vec<u8>> {
    let note = Note::open(head.bytes(), std::slice::from_ref(log_key)).ok()?;
    let signed = message(note.text(), note.verified()).ok()?;
    Some(format!("{signed}{line}\n").into_bytes())
}
