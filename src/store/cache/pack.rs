//! Many entries of a cache in one file, `pack`: a thousand small files cost more to make than what is in them to prove.
//!
//! It grows by whole groups: a table with a line `LENGTH NAME` for each entry, an empty line, and the entries' bytes in that
//! order. What does not read as a group, such as the half of one that a killed process left, ends the file, and the next
//! group is written over it. Of two entries of one name the later one counts.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::super::disk::Disk;
use super::super::lock::Lock;
use super::super::words::unavailable;
use super::{ENTRY_LIMIT, GROUP};
use crate::fault::Fault;
use crate::files;
use crate::sumdb::number::wide;

/// Entries after which new ones are files again: opening a pack reads all its tables, in milliseconds.
const FULL: usize = 32_768;
/// Entries that are read, so that those which take the place of damaged ones still count.
const MAX_ENTRIES: usize = 2 * FULL;
/// The longest table, in bytes.
const MAX_TABLE: usize = 64 << 10;
/// Bytes that are read of a table at first: most are shorter.
const SHORT_TABLE: usize = 8 << 10;

/// The pack of one cache, opened when it is first needed.
#[derive(Debug)]
pub(super) struct Pack {
    path: PathBuf,
    index: Mutex<PackIndex>,
}

/// What the tables say.
#[derive(Debug, Default)]
struct PackIndex {
    file: Option<Arc<File>>,
    inode: u64,
    entries: HashMap<String, Span>,
    /// entries of all groups, those that do not count any more among them
    count: usize,
    /// where the next group goes
    end: u64,
}

/// Where the bytes of an entry are.
#[derive(Debug, Clone, Copy)]
struct Span {
    at: u64,
    len: usize,
}

/// One group's table.
struct GroupTable {
    entries: Vec<(String, Span)>,
    /// where the group ends
    end: u64,
}

impl Pack {
    pub(super) fn new(path: PathBuf) -> Pack {
        Pack { path, index: Mutex::default() }
    }

    /// The bytes of the entry `name`, or none.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let index = self.index(name)?;
        let (Some(span), Some(file)) = (index.entries.get(name).copied(), index.file.clone()) else { return Ok(None) };
        drop(index); // others may read meanwhile
        let mut bytes = vec![0; span.len];
        match file.read_exact_at(&mut bytes, span.at) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there is an entry `name`.
    pub(super) fn holds(&self, name: &str) -> io::Result<bool> {
        Ok(self.index(name)?.entries.contains_key(name))
    }

    /// The names of all entries.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.index("")?.entries.keys().cloned().collect())
    }

    /// Whether no new entries should be added.
    pub(super) fn is_full(&self) -> io::Result<bool> {
        Ok(self.index("")?.count >= FULL)
    }

    /// Adds entries, in groups of [`GROUP`] with one write each. The folder exists.
    ///
    /// # Errors
    /// `Unavailable`: the disk; `Usage`: these cannot be groups. Groups before the one at fault are kept.
    pub(super) fn append(&self, disk: &dyn Disk, entries: &[(String, Vec<u8>)]) -> Result<(), Fault> {
        let _alone = Lock::acquire(&self.path)?;
        let cannot = |error: io::Error| unavailable(&self.path, "write", &error);
        let file = OpenOptions::new().read(true).write(true).open(&self.path).map_err(cannot)?;
        let mut index = self.lock();
        index.catch_up(Arc::new(file)).map_err(cannot)?;
        let Some(file) = index.file.clone() else { return Ok(()) };
        let unfit = || Fault::Usage("these entries cannot be kept together".to_owned());
        let mut group = Vec::new();
        for entries in entries.chunks(GROUP) {
            let table = write_group(entries, index.end, &mut group).ok_or_else(unfit)?;
            disk.write_at(&file, &group, index.end).map_err(cannot)?;
            index.add(table);
        }
        Ok(())
    }

    /// The index; where it does not know `name`, with what other processes have added meanwhile.
    fn index(&self, name: &str) -> io::Result<MutexGuard<'_, PackIndex>> {
        let mut index = self.lock();
        if index.entries.contains_key(name) {
            return Ok(index);
        }
        let file = match index.file.clone() {
            Some(file) => Some(file),
            None if self.path.is_file() => Some(Arc::new(files::open(&self.path)?)),
            None => None,
        };
        file.map_or(Ok(()), |file| index.catch_up(file))?;
        Ok(index)
    }

    fn lock(&self) -> MutexGuard<'_, PackIndex> {
        self.index.lock()
    }
}

impl PackIndex {
    /// Reads the tables that were added since the last time.
    fn catch_up(&mut self, file: Arc<File>) -> io::Result<()> {
        let found = file.metadata()?;
        let (len, inode) = (found.len(), found.ino());
        if len < self.end || inode != self.inode {
            *self = PackIndex { inode, ..PackIndex::default() }; // it was deleted, and begun anew
        }
        while let Some(table) = read_table(&file, self.end, len)?.filter(|_| self.count < MAX_ENTRIES) {
            self.add(table);
        }
        self.file = Some(file);
        Ok(())
    }

    fn add(&mut self, table: GroupTable) {
        self.count += table.entries.len();
        self.entries.extend(table.entries);
        self.end = table.end;
    }
}

/// The table of the group at `start` of a file of `len` bytes; none where there is no whole group.
fn read_table(file: &File, start: u64, len: u64) -> io::Result<Option<GroupTable>> {
    let left = usize::try_from(len.saturating_sub(start)).unwrap_or(usize::MAX);
    for most in [SHORT_TABLE, MAX_TABLE] {
        let mut head = vec![0; left.min(most)];
        match file.read_exact_at(&mut head, start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        if let Some(end) = memchr::memmem::find(&head, b"\n\n") {
            head.truncate(end);
            let bodies = start.saturating_add(wide(end + 2));
            return Ok(parse_table(&head, bodies).filter(|table| table.end <= len));
        }
        if left <= most {
            break;
        }
    }
    Ok(None)
}

/// The table of entries whose bytes begin at `at`.
fn parse_table(table: &[u8], mut at: u64) -> Option<GroupTable> {
    let mut entries = Vec::new();
    for line in std::str::from_utf8(table).ok()?.split('\n') {
        let (len, name) = line.split_once(' ')?;
        let len: u64 = len.parse().ok().filter(|len| (1..=ENTRY_LIMIT).contains(len))?;
        entries.push((name.to_owned(), Span { at, len: usize::try_from(len).ok()? }));
        at = at.checked_add(len)?;
    }
    Some(GroupTable { entries, end: at })
}

/// Writes a group that begins at `start` into `group`, in place of what is there, and gives its table; none where it would not be
/// read again.
fn write_group(entries: &[(String, Vec<u8>)], start: u64, group: &mut Vec<u8>) -> Option<GroupTable> {
    group.clear();
    for (name, bytes) in entries {
        group.extend_from_slice(format!("{} {name}\n", bytes.len()).as_bytes());
    }
    let table = group.len() + 1;
    group.push(b'\n');
    entries.iter().for_each(|(_, bytes)| group.extend_from_slice(bytes));
    let read = parse_table(group.get(..table.checked_sub(2)?)?, start + wide(table))?;
    let is_read = read.entries.iter().map(|(name, _)| name).eq(entries.iter().map(|(name, _)| name));
    (table <= MAX_TABLE && is_read).then_some(read)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::super::disk::RealDisk;
    use super::*;

    fn pack(root: &tempfile::TempDir) -> Pack {
        Pack::new(root.path().join("pack"))
    }

    fn add(pack: &Pack, entries: &[(&str, &[u8])]) {
        let entries: Vec<_> = entries.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        pack.append(&RealDisk, &entries).unwrap();
    }

    #[test]
    fn groups_are_read_by_whoever_opens_them_and_the_last_of_a_name_counts() {
        let root = tempfile::tempdir().unwrap();
        let (one, other) = (pack(&root), pack(&root));
        assert_eq!(one.read("a").unwrap(), None);
        add(&one, &[("a", b"1"), ("b", b"two\n\n")]);
        assert_eq!(std::fs::read(root.path().join("pack")).unwrap(), b"1 a\n5 b\n\n1two\n\n");
        assert_eq!(other.read("b").unwrap().unwrap(), b"two\n\n");
        add(&one, &[("e", b"5")]);
        assert_eq!(other.read("e").unwrap().unwrap(), b"5");
        add(&other, &[("a", b"second")]);
        add(&one, &[("c", b"3")]);
        for pack in [&one, &pack(&root)] {
            let read = |name: &str| pack.read(name).unwrap();
            assert_eq!(read("a").unwrap(), b"second");
            assert_eq!(read("c").unwrap(), b"3");
            assert_eq!((read("d"), pack.holds("b").unwrap(), pack.holds("d").unwrap()), (None, true, false));
        }
    }

    #[test]
    fn half_a_group_is_none_and_is_written_over() {
        let root = tempfile::tempdir().unwrap();
        add(&pack(&root), &[("a", b"first")]);
        let first = std::fs::read(root.path().join("pack")).unwrap();
        add(&pack(&root), &[("b", &[b'b'; 3000]), ("c", b"c")]);
        let whole = std::fs::read(root.path().join("pack")).unwrap();
        for len in (0..whole.len()).filter(|len| len % 100 < 20) {
            std::fs::write(root.path().join("pack"), &whole[..len]).unwrap();
            let cut = pack(&root);
            assert_eq!(cut.read("a").unwrap().is_some(), len >= first.len(), "{len}");
            assert_eq!((cut.read("b").unwrap(), cut.read("c").unwrap()), (None, None), "{len}");
            add(&cut, &[("d", b"after")]);
            assert_eq!(pack(&root).read("d").unwrap().unwrap(), b"after", "{len}");
        }
    }

    #[test]
    fn what_is_no_table_ends_the_pack() {
        let root = tempfile::tempdir().unwrap();
        let long = format!("{} a\n\n", ENTRY_LIMIT + 1);
        let endless = "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(MAX_TABLE / 32);
        for bytes in [
            "",
            "\n\n",
            "x",
            "0 a\n\n",
            "-1 a\n\n1",
            "1\n\n1",
            "2 a\n\n1",
            "1 a\n1",
            "99999999999999999999 a\n\n",
            &long,
            &endless,
        ] {
            let file = root.path().join("pack");
            std::fs::write(&file, bytes).unwrap();
            if bytes.ends_with('\n') {
                File::options().write(true).open(&file).unwrap().set_len(2 * ENTRY_LIMIT).unwrap(); // bytes enough
            }
            let pack = pack(&root);
            assert_eq!(pack.read("a").unwrap(), None, "{bytes:?}");
            assert_eq!(pack.lock().end, 0, "{bytes:?}");
        }
    }

    #[test]
    fn a_full_pack_says_so_and_stays_bounded() {
        let root = tempfile::tempdir().unwrap();
        let group: Vec<_> = (0..1024).map(|n| (format!("n{n}"), b"x".to_vec())).collect();
        let pack = pack(&root);
        for _ in 0..FULL / group.len() {
            assert!(!pack.is_full().unwrap());
            pack.append(&RealDisk, &group).unwrap();
        }
        assert!(pack.is_full().unwrap());
        let bytes = std::fs::read(root.path().join("pack")).unwrap();
        std::fs::write(root.path().join("pack"), bytes.repeat(3)).unwrap();
        assert_eq!(Pack::new(root.path().join("pack")).index("").unwrap().count, MAX_ENTRIES);
    }

    #[test]
    fn of_groups_that_were_written_together_the_whole_ones_count() {
        let root = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..2 * GROUP + 1).map(|n| format!("n{n}")).collect();
        add(&pack(&root), &names.iter().map(|name| (name.as_str(), &b"bytes"[..])).collect::<Vec<_>>());
        let file = root.path().join("pack");
        let whole = std::fs::read(&file).unwrap();
        let ends: Vec<usize> =
            names.chunks(GROUP).map(|names| names.iter().map(|name| name.len() + 8).sum::<usize>() + 1).collect();
        assert_eq!(whole.len(), ends.iter().sum::<usize>());
        for len in 0..=whole.len() {
            std::fs::write(&file, &whole[..len]).unwrap();
            let kept = ends
                .iter()
                .scan(0, |end, of| {
                    *end += of;
                    Some(*end)
                })
                .filter(|end| *end <= len)
                .count();
            let count = pack(&root).names().unwrap().len();
            assert_eq!(count, (kept * GROUP).min(names.len()), "{len}");
        }
    }

    #[test]
    fn a_pack_that_was_deleted_is_begun_anew() {
        let root = tempfile::tempdir().unwrap();
        let pack = pack(&root);
        add(&pack, &[("a", b"first"), ("b", b"gone")]);
        std::fs::remove_file(root.path().join("pack")).unwrap();
        add(&pack, &[("c", b"3")]);
        assert_eq!((pack.read("a").unwrap(), pack.read("c").unwrap().unwrap()), (None, b"3".to_vec()));
    }

    #[test]
    fn what_would_not_be_read_is_not_written() {
        let root = tempfile::tempdir().unwrap();
        let long = "n".repeat(MAX_TABLE);
        for (name, bytes) in [("a\nb", "x"), ("a\n", "x"), ("a", ""), (&long, "x")] {
            let entries = [(name.to_owned(), bytes.as_bytes().to_vec())];
            assert!(matches!(pack(&root).append(&RealDisk, &entries), Err(Fault::Usage(_))), "{entries:?}");
        }
        pack(&root).append(&RealDisk, &[]).unwrap();
        assert_eq!(pack(&root).names().unwrap(), Vec::<String>::new());
    }
}
