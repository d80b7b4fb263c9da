//! go.sum files made of a database's records, and the records that make a go.sum file's lines true.

use std::collections::{BTreeMap, BTreeSet};

use super::names::mix;
use super::records::{Given, made_up_h1};
use super::sumdb::FakeSumdb;

/// A go.sum of `lines` lines about records drawn by `seed`: by turns both lines of a module version, as of one that is built,
/// and its go.mod line only, as of one that is only looked at. Sorted by line. Fewer lines if the log is too small.
pub fn write_gosum(database: &FakeSumdb, lines: usize, seed: u64) -> String {
    let size = database.size();
    let mut drawn = BTreeSet::new();
    let mut out = BTreeSet::new();
    for draw in 0.. {
        if out.len() >= lines || drawn.len() as u64 >= size {
            break;
        }
        // Draws repeat themselves too often in a log of about as many records: then all are taken in turn.
        let id = if size > 4 * lines as u64 { mix(mix(seed) ^ draw) % size } else { draw % size };
        if !drawn.insert(id) {
            continue;
        }
        let text = database.record_text(id);
        let both = drawn.len() % 2 == 1 && out.len() + 2 <= lines;
        out.extend(text.lines().skip(usize::from(!both)).map(|line| format!("{line}\n")));
    }
    out.into_iter().collect()
}

/// Records in which every line of the go.sum file stands; where one of a record's two lines is not in the file, its hash is
/// made up. Lines that are not three fields, and a second hash for the same thing, are passed over.
pub fn read_gosum(text: &str) -> Vec<Given> {
    let mut order = Vec::new();
    let mut hashes: BTreeMap<(String, String), [Option<String>; 2]> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [module, version, hash] = fields[..] else { continue };
        let (version, kind) = version.strip_suffix("/go.mod").map_or((version, 0), |version| (version, 1));
        let key = (module.to_owned(), version.to_owned());
        let pair = hashes.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            [None, None]
        });
        pair[kind].get_or_insert_with(|| hash.to_owned());
    }
    let records = order.into_iter().enumerate().map(|(n, key)| {
        let [zip, go_mod] = hashes.remove(&key).unwrap_or_default();
        let zip = zip.unwrap_or_else(|| made_up_h1(2 * n as u64));
        let go_mod = go_mod.unwrap_or_else(|| made_up_h1(2 * n as u64 + 1));
        Given::new(&key.0, &key.1, &zip, &go_mod)
    });
    records.collect()
}
