//! What the upstreams have now of the modules that are stored: each of them is asked for each file, and what it sends is hashed and held
//! against the record that proves the stored one.
//!
//! All are asked, so that what is behind a difference is shown and not guessed: one that sends other bytes than the record while another
//! sends the recorded ones is to blame itself (`upstream-wrong-bytes`); where the repository itself, or several upstreams alike, have other
//! bytes, the version was moved (`version-moved`); where the repository, or all that answer, have it no more, it is gone
//! (`version-vanished`). What could not be asked shows nothing. Nothing that is sent is kept.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::hashing::{Bad, ReadBudget, hash};
use super::scan::{Scan, Stored};
use super::{Known, ModuleOptions, learn, turns};
use crate::database::Database;
use crate::report::integrity::{Finding, Flaw, OfModule};
use crate::report::{Integrity, Level, Notice, counted, grouped};
use crate::store::Folder;
use crate::store::modules::Tree;
use crate::sumdb::dirhash::MAX_ZIP;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::modzip::MAX_GO_MOD;
use crate::sumdb::number::wide;
use crate::upstream::{Proxies, Sent, Sink};

/// Files that are asked for at once.
const AT_ONCE: usize = 4;
/// The upstream that is the repository itself.
const DIRECT: &str = "direct";

/// Who is asked for a public module version; none where a rule lets nobody be.
pub type SourcesOf<'a> = &'a (dyn Fn(&ModuleVersion) -> Option<&'a Proxies> + Sync);

/// What one upstream says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// it sends what the record says
    Recorded,
    /// it sends something else: what that hashes to, or why it has no hash
    Other(String),
    /// it says that there is no such thing
    Absent(String),
    /// nothing that shows anything: it could not be asked, or did not answer
    Nothing(String),
}

/// What came of the question for one file.
struct UpstreamAnswers<'a> {
    file: &'a Stored,
    expected: SumHash,
    /// each upstream by its name
    said: Vec<(String, Said)>,
}

/// Asks the `sources` of each stored public module that `options` cover, and adds what is wrong with them to `report`. `database` proves
/// the records, from `folder` alone.
pub async fn upstreams(
    folder: &Folder,
    database: &Database,
    options: &ModuleOptions,
    sources: SourcesOf<'_>,
    report: &mut Integrity,
) {
    // What is wrong in the store is reported by the pass over it.
    let scan = Scan::of(&folder.modules(), &mut Integrity::new(""));
    let covered = turns::covered(folder, &scan, options.coverage);
    let files: Vec<&Stored> = covered.iter().map(|(_, file)| *file).filter(|file| file.tree == Tree::Proven).collect();
    let known = learn(folder, &files, database, options, false, report).await;
    let recorded = files.into_iter().filter_map(|file| match known.get(&file.module) {
        Some(Known::Record(record)) => Some((file, record.hash(file.kind).clone(), sources(&file.module)?)),
        _ => None,
    });
    let tmp = folder.root().join("tmp");
    let asked = recorded.map(|(file, expected, proxies)| ask(file, expected, proxies, &tmp));
    let mut answers = stream::iter(asked).buffered(AT_ONCE);
    let (mut files, mut unanswered) = (0_u64, 0_u64);
    while let Some(asked) = answers.next().await {
        files += 1;
        unanswered += wide(asked.said.iter().filter(|(_, said)| matches!(said, Said::Nothing(_))).count());
        judge(&asked, report);
    }
    report.figures.upstreams = Some(files);
    let (files, unanswered) = (counted(files, "file"), grouped(unanswered));
    let text = format!("the upstreams were asked for {files}; {unanswered} of their answers show nothing");
    report.notices.push(Notice { level: Level::Note, text });
}

async fn ask<'a>(file: &'a Stored, expected: SumHash, proxies: &Proxies, tmp: &Path) -> UpstreamAnswers<'a> {
    let mut said = Vec::new();
    for at in 0..proxies.len() {
        said.push((proxies.name(at).to_owned(), ask_one(file, &expected, proxies, at, tmp).await));
    }
    UpstreamAnswers { file, expected, said }
}

/// What entry number `at` sends.
async fn ask_one(file: &Stored, expected: &SumHash, proxies: &Proxies, at: usize, tmp: &Path) -> Said {
    let (request, limit) = (ModuleRequest::File(file.module.clone(), file.kind), max_bytes(file.kind));
    // It has no name, so nothing of it is left whatever happens.
    let mut sink = match tempfile::tempfile_in(tmp).or_else(|_| tempfile::tempfile()) {
        Ok(file) => Unnamed { file, len: 0 },
        Err(error) => return Said::Nothing(format!("what it sends cannot be held: {error}")),
    };
    match proxies.download(at, &request, limit, &mut sink).await {
        Ok(Sent::Whole(_)) => {}
        Ok(Sent::Missing(words)) => return Said::Absent(words),
        Err(failure) => return Said::Nothing(failure.to_string()),
    }
    let stored = Stored { len: sink.len, ..file.clone() };
    let hashed = tokio::task::spawn_blocking(move || {
        sink.file.rewind().map_err(|error| Bad::Unreadable(error.to_string()))?;
        hash(&stored, &sink.file, ReadBudget { threads: 1, pace: None })
    });
    match hashed.await {
        Ok(Ok((hash, _))) if SumHash::H1(hash) == *expected => Said::Recorded,
        Ok(Ok((hash, _))) => Said::Other(SumHash::H1(hash).to_string()),
        Ok(Err(Bad::Refused(why))) => Said::Other(why),
        Ok(Err(Bad::Gone)) => Said::Nothing("what it sent is gone".to_owned()),
        Ok(Err(Bad::Unreadable(why))) => Said::Nothing(why),
        Err(error) => Said::Nothing(error.to_string()),
    }
}

fn max_bytes(kind: Kind) -> u64 {
    match kind {
        Kind::Zip => MAX_ZIP,
        Kind::GoMod => MAX_GO_MOD,
    }
}

/// What arrives, in a file without a name.
struct Unnamed {
    file: File,
    len: u64,
}

impl Sink for Unnamed {
    fn len(&self) -> u64 {
        self.len
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += wide(bytes.len());
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.len = 0;
        Ok(())
    }
}

/// Reports what the answers about one file show.
fn judge(asked: &UpstreamAnswers<'_>, report: &mut Integrity) {
    for (flaw, what, got) in shown(&asked.said) {
        let module = &asked.file.module;
        let (path, version) = (module.path().to_string(), module.version().to_string());
        let module = Some(OfModule { path, version, expected: Some(asked.expected.to_string()), got });
        let evidence = asked.said.iter().map(|(name, said)| format!("{name}: {}", words(said))).collect();
        let file = asked.file.path.display().to_string();
        report.add(Finding { module, evidence, ..Finding::of_file(flaw, file, what) });
    }
}

/// What these answers show: the kind, what it is, and the hash that is there in place of the recorded one.
fn shown(said: &[(String, Said)]) -> Vec<(Flaw, String, Option<String>)> {
    let others: Vec<(&str, &str)> = said
        .iter()
        .filter_map(|(name, said)| match said {
            Said::Other(got) => Some((name.as_str(), got.as_str())),
            _ => None,
        })
        .collect();
    let is_of_source = |name: &str| name == DIRECT;
    let has_recorded = said.iter().any(|(_, said)| *said == Said::Recorded);
    let alike = |got: &str| others.iter().filter(|(_, other)| *other == got).count();
    let moved = others
        .iter()
        .find(|(name, _)| is_of_source(name))
        .or_else(|| others.iter().find(|(_, got)| !has_recorded && alike(got) > 1));
    let mut found = Vec::new();
    if let Some((_, got)) = moved {
        let by: Vec<&str> = others.iter().filter(|(_, other)| other == got).map(|(name, _)| *name).collect();
        let what = format!("this version has other content now than the log recorded: {got} at {}", by.join(", "));
        found.push((Flaw::VersionMoved, what, Some((*got).to_owned())));
    }
    for (name, got) in others.iter().filter(|(_, got)| moved.is_none_or(|(_, moved)| moved != got)) {
        let what = format!("{name} sends other bytes now than those that the log recorded: {got}");
        found.push((Flaw::UpstreamWrong, what, Some((*got).to_owned())));
    }
    let absent: Vec<&str> =
        said.iter().filter(|(_, said)| matches!(said, Said::Absent(_))).map(|(name, _)| name.as_str()).collect();
    let is_gone_everywhere = absent.len() == said.len() && !absent.is_empty();
    if is_gone_everywhere || absent.iter().any(|name| is_of_source(name)) {
        let left = if has_recorded { "; others still send what the log recorded" } else { "" };
        let what = format!("this version is gone at {}{left}", absent.join(", "));
        found.push((Flaw::VersionVanished, what, None));
    }
    found
}

/// An answer in a few words.
fn words(said: &Said) -> String {
    match said {
        Said::Recorded => "sends what the log recorded".to_owned(),
        Said::Other(got) => format!("sends other bytes: {got}"),
        Said::Absent(words) => format!("has no such version: {words}"),
        Said::Nothing(why) => format!("shows nothing: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Said::{Nothing, Other, Recorded};
    use super::*;

    fn flaws(said: &[(&str, Said)]) -> Vec<Flaw> {
        let said: Vec<(String, Said)> = said.iter().map(|(name, said)| ((*name).to_owned(), said.clone())).collect();
        shown(&said).into_iter().map(|(flaw, _, _)| flaw).collect()
    }

    #[test]
    fn who_is_behind_it_is_what_all_answers_show() {
        let (other, third) = (|| Other("h1:b".to_owned()), || Other("h1:c".to_owned()));
        let (absent, failed) = (|| Said::Absent("404".to_owned()), || Nothing("503".to_owned()));
        let (wrong, moved, gone) = (Flaw::UpstreamWrong, Flaw::VersionMoved, Flaw::VersionVanished);
        type Case<'a> = (&'a [(&'a str, Said)], &'a [Flaw]);
        let cases: [Case<'_>; 16] = [
            (&[("a", Recorded), ("direct", Recorded)], &[]),
            // One that sends other bytes shows that it does, and of the version nothing.
            (&[("a", other())], &[wrong]),
            (&[("a", other()), ("b", Recorded)], &[wrong]),
            (&[("a", other()), ("direct", Recorded)], &[wrong]),
            (&[("a", other()), ("b", third())], &[wrong, wrong]),
            (&[("a", other()), ("b", other()), ("c", Recorded)], &[wrong, wrong]),
            // Several alike and nobody with the recorded ones, or the repository itself.
            (&[("a", other()), ("b", other())], &[moved]),
            (&[("a", Recorded), ("direct", other())], &[moved]),
            (&[("a", third()), ("direct", other())], &[moved, wrong]),
            (&[("a", other()), ("direct", other())], &[moved]),
            (&[("a", absent())], &[gone]),
            (&[("a", absent()), ("direct", absent())], &[gone]),
            (&[("a", Recorded), ("direct", absent())], &[gone]),
            // A mirror need not have it, and one that is out may.
            (&[("a", absent()), ("b", Recorded)], &[]),
            (&[("a", absent()), ("b", failed())], &[]),
            (&[("a", failed())], &[]),
        ];
        for (said, expected) in cases {
            assert_eq!(flaws(said), expected, "{said:?}");
        }
        assert_eq!(flaws(&[]), []);
    }
}
