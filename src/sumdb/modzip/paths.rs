//! Paths inside a module: which are valid on every file system, and which would be one file on some.
//! (golang.org/x/mod/module/module.go, CheckFilePath; zip/zip.go, collisionChecker)

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use super::unicode::{fold, is_letter};
use crate::sumdb::hash::{Hash, sha256};
use crate::sumdb::module::WINDOWS_RESERVED;

/// Files and folders of one module, those only implied by a path included. Go has no limit; each costs 30 bytes.
const MAX_PATHS: u32 = 1 << 20;

/// Punctuation that a file name may have beside letters and digits (module.go, fileNameOK).
const PUNCTUATION: &str = "!#$%&()+,-.=@[]^_{}~ ";

/// Go's module.CheckFilePath: a relative, clean, portable path with slashes.
pub(super) fn check_file_path(path: &str) -> Result<(), String> {
    path.split('/').try_for_each(check_element)
}

fn check_element(element: &str) -> Result<(), String> {
    if element.is_empty() {
        return Err("an empty path element".to_owned());
    }
    if element.chars().all(|c| c == '.') {
        return Err("a path element of dots only".to_owned());
    }
    if element.ends_with('.') {
        return Err("a path element that ends with a dot".to_owned());
    }
    let valid = |c: char| c.is_ascii_digit() || is_letter(c) || PUNCTUATION.contains(c);
    if let Some(bad) = element.chars().find(|&c| !valid(c)) {
        return Err(format!("the character {bad:?} in its path"));
    }
    let stem = element.split('.').next().unwrap_or(element);
    match WINDOWS_RESERVED.iter().find(|name| name.eq_ignore_ascii_case(stem)) {
        Some(name) => Err(format!("{name} is a reserved name on Windows")),
        None => Ok(()),
    }
}

/// The paths so far, as a tree of folded elements: two that are one under case folding are one entry. A zip may have a
/// million paths, so an element is known by a hash, its spelling stays among the zip's names, and all elements are one block of
/// memory: 30 bytes each.
pub(super) struct Paths<'a> {
    /// All names of the zip.
    names: &'a [u8],
    elements: HashMap<Folded, KnownElement, BuildHasherDefault<FirstBits>>,
    /// What the next element is known by, before it is hashed.
    known_by: Vec<u8>,
}

/// The first half of the SHA-256 of the number of the parent (0 is the root, the first child is 1) and the folded element. If
/// ever two elements had one hash, the second would be refused.
#[derive(PartialEq, Eq)]
struct Folded([u8; 16]);

impl std::hash::Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// A hash function for what is a hash already.
#[derive(Default)]
struct FirstBits(u64);

impl Hasher for FirstBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    }
}

struct KnownElement {
    number: u32,
    /// Where the element as it was first spelled begins among the names, and its bytes.
    start: u32,
    length: u16,
    is_folder: bool,
}

impl<'a> Paths<'a> {
    /// No path yet of a zip with these names, with room for `paths` of them.
    pub(super) fn with_room(names: &'a [u8], paths: usize) -> Paths<'a> {
        let elements = HashMap::with_capacity_and_hasher(paths, BuildHasherDefault::default());
        Paths { names, elements, known_by: Vec::new() }
    }

    /// Adds a path, which begins at byte `start` of the names, and the folders that it implies.
    ///
    /// # Errors
    /// If one of them is there already under another spelling, as both file and folder, or as a file.
    pub(super) fn add(&mut self, path: &str, start: u32, is_folder: bool) -> Result<(), String> {
        let mut parent = 0;
        let mut start = start;
        let mut elements = path.split('/').peekable();
        while let Some(element) = elements.next() {
            let is_last = elements.peek().is_none();
            let is_folder = is_folder || !is_last;
            let number = u32::try_from(self.elements.len() + 1).unwrap_or(u32::MAX);
            // A name has at most 65,535 bytes, and all names together have less than 4 GiB.
            let length = u16::try_from(element.len()).unwrap_or(u16::MAX);
            match self.elements.entry(folded(parent, element, &mut self.known_by)) {
                Entry::Vacant(_) if number > MAX_PATHS => return Err(format!("more than {MAX_PATHS} paths")),
                Entry::Vacant(slot) => {
                    slot.insert(KnownElement { number, start, length, is_folder });
                    parent = number;
                }
                Entry::Occupied(slot) => {
                    let there = slot.get();
                    if spelled(self.names, there) != Some(element.as_bytes()) {
                        return Err("it differs only by case from another path".to_owned());
                    }
                    if there.is_folder != is_folder {
                        return Err("it makes one path both a file and a folder".to_owned());
                    }
                    if !is_folder {
                        return Err("a file of that name is there already".to_owned());
                    }
                    parent = there.number;
                }
            }
            start = start.saturating_add(u32::from(length)).saturating_add(1);
        }
        Ok(())
    }
}

/// An element as it was first spelled.
fn spelled<'a>(names: &'a [u8], element: &KnownElement) -> Option<&'a [u8]> {
    names.get(usize::try_from(element.start).ok()?..)?.get(..usize::from(element.length))
}

/// What an element is known by. `known_by` is room for it: there are millions of elements.
fn folded(parent: u32, element: &str, known_by: &mut Vec<u8>) -> Folded {
    known_by.clear();
    known_by.extend_from_slice(&parent.to_le_bytes());
    for c in element.chars() {
        known_by.extend_from_slice(fold(c).encode_utf8(&mut [0; 4]).as_bytes());
    }
    let Hash(hash) = sha256(known_by);
    Folded(hash.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;

    /// If all elements had one hash, the time to check a zip would grow with the square of its paths.
    #[test]
    fn elements_are_spread_over_the_table() {
        let hasher = BuildHasherDefault::<FirstBits>::default();
        let mut hashes: Vec<u64> = (0..100).map(|n| hasher.hash_one(folded(n, "a", &mut Vec::new()))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 100);
    }
}
