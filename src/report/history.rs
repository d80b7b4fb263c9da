//! What a git history says of a line: which commits and branches carried it, from when to when, and by whose commit it came and
//! went. Names of people and branches are a stranger's texts.

use serde::Serialize;

use super::text::layout::short;
use super::{counted, printable};

/// The life of one line in the commits of a repository that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LineHistory {
    /// how many commits have a file with it
    pub commits: u64,
    /// the one with the earliest time
    pub first: CommitNote,
    /// the one with the latest time
    pub last: CommitNote,
    /// the commits that have it and whose parents have not; the first of them
    pub came: Vec<CommitNote>,
    /// how many more came to have it
    pub more_came: u64,
    /// the commits that have it no more, although a parent has; the first of them
    pub went: Vec<CommitNote>,
    /// how many more lost it
    pub more_went: u64,
    /// it is older than the commits that were read: parents of the first of them have it, or are not at hand
    pub is_older: bool,
    /// the branches and tags with such a commit in their history; the first of them
    pub branches: Vec<Branch>,
    /// how many more there are
    pub more_branches: u64,
}

/// A commit: which, when and whose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CommitNote {
    /// its hash, in hexadecimal
    pub commit: String,
    /// when it was committed, RFC 3339 in UTC; what its committer's clock said
    pub time: String,
    /// its author: `NAME <ADDRESS>`
    pub author: String,
}

/// A branch or a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// its name: `main`, `origin/main`, `tag v1.0.0`
    pub name: String,
    /// whether its newest commit has the line
    pub has_it_now: bool,
}

impl LineHistory {
    /// The same for people, a sentence each, fit to be shown.
    pub fn sentences(&self) -> Vec<String> {
        let day = |note: &CommitNote| printable(note.time.get(..10).unwrap_or(&note.time));
        let (first, last) = (day(&self.first), day(&self.last));
        let span = if first == last { format!("of {first}") } else { format!("from {first} to {last}") };
        let mut sentences = vec![format!("in {} {span}", counted(self.commits, "commit"))];
        if self.is_older {
            sentences.push("it is older than the commits that were read".to_owned());
        }
        sentences.extend(notes("came with", &self.came, self.more_came));
        sentences.extend(notes("went with", &self.went, self.more_went));
        let names = |has_it_now: bool| {
            let named = self.branches.iter().filter(|branch| branch.has_it_now == has_it_now);
            named.map(|branch| printable(&branch.name)).collect::<Vec<_>>().join(", ")
        };
        let more = if self.more_branches > 0 { format!(", and {} more", self.more_branches) } else { String::new() };
        sentences.push(match (names(true), names(false)) {
            (now, then) if now.is_empty() && then.is_empty() => "on no branch and no tag".to_owned(),
            (now, then) if now.is_empty() => format!("was on {then}{more}, and is there no longer"),
            (now, then) if then.is_empty() => format!("is still on {now}{more}"),
            (now, then) => format!("is still on {now}; was on {then}{more}"),
        });
        sentences
    }
}

fn notes(verb: &str, notes: &[CommitNote], more: u64) -> Vec<String> {
    let sentence = |note: &CommitNote| {
        let (time, author) = (printable(&note.time), printable(&note.author));
        format!("{verb} {} of {time} by {author}", short(&note.commit))
    };
    let rest = (more > 0).then(|| format!("{verb} {}", counted(more, "more commit")));
    notes.iter().map(sentence).chain(rest).collect()
}
