//! The signed heads that are stored on this machine, and the file of each: so that a report of a fork says where the older head was.

use std::path::{Path, PathBuf};

use crate::config::GoEnv;
use crate::fault::Fault;
use crate::files;
use crate::report::{Level, Notice};
use crate::store::Folder;
use crate::sumdb::checkpoint::{Checkpoint, Policy, Tree};
use crate::sumdb::evidence::Evidence;

/// The longest head of the go command that is read, in bytes.
const GO_HEAD_LIMIT: u64 = 1 << 20;

/// The heads of one database, with the file of each.
pub(super) struct KnownHeads<'a> {
    policy: &'a Policy,
    heads: Vec<(PathBuf, Tree)>,
}

/// The head that the go command remembers, and the file it is in.
pub(super) fn go_head(go: &GoEnv, name: &str) -> Option<(PathBuf, Vec<u8>)> {
    let path = go.sumdb_head(name)?;
    let read = files::open(&path).and_then(|file| files::read_bounded(file, GO_HEAD_LIMIT));
    let note = read.ok().filter(|note| !note.is_empty())?;
    Some((path, note))
}

impl<'a> KnownHeads<'a> {
    /// Those of the data folder `data` and of the go command. What cannot be read is left out: it is named elsewhere.
    pub(super) fn read(data: &Path, go: &GoEnv, name: &str, policy: &'a Policy) -> KnownHeads<'a> {
        let mut notes: Vec<(PathBuf, Vec<u8>)> = go_head(go, name).into_iter().collect();
        if let Ok(folder) = Folder::look(data) {
            let stored = folder.head(name).and_then(|file| file.all()).unwrap_or_default();
            notes.extend(stored.into_iter().map(|head| (head.path, head.note)));
            if let Ok(log) = folder.log(name) {
                let path = log.dir().join("heads");
                notes.extend(log.heads().unwrap_or_default().into_iter().map(|note| (path.clone(), note)));
            }
        }
        let open = |(path, note): (PathBuf, Vec<u8>)| Some((path, Checkpoint::signed(&note, policy).ok()?.tree()));
        KnownHeads { policy, heads: notes.into_iter().filter_map(open).collect() }
    }

    /// Where the heads of the report `evidence` are, if any of them is here.
    pub(super) fn origin(&self, evidence: &str) -> Option<Notice> {
        let fork = Evidence::find(evidence, self.policy).ok()?;
        let file_of = |tree: Tree| self.heads.iter().find(|(_, known)| *known == tree).map(|(path, _)| path.display());
        let named: Vec<String> = [("old", fork.old), ("new", fork.new)]
            .into_iter()
            .filter_map(|(which, tree)| Some(format!("the {which} one, of size {}, in {}", tree.size, file_of(tree)?)))
            .collect();
        let text = format!("of the two signed tree heads, this machine has {}", named.join(", and "));
        (!named.is_empty()).then_some(Notice { level: Level::Note, text })
    }

    /// As `origin`, of a fault; none of any other than a fork.
    pub(super) fn origin_of(&self, fault: &Fault) -> Option<Notice> {
        let Fault::Forked { evidence, .. } = fault else { return None };
        self.origin(&evidence.to_string())
    }
}
