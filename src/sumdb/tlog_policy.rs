//! Policy files: which logs and witnesses are known, and which of the witnesses together make a head count (C2SP tlog-policy).
//!
//! ```text
//! # a comment; empty lines and white space (space, tab) around items do not count
//! log VKEY [URL]
//! witness NAME VKEY [URL]
//! group NAME all|any|K NAME...
//! quorum NAME|none
//! ```
//! A line names only what lines before it define; there is one quorum. Anything else is an error, with its line.

use std::collections::HashMap;

use super::checkpoint::Policy;
use super::error::{Error, Result};
use super::note::{KeyKind, VerifierKey};
use super::printable::{QUOTED_CHARS, printable};
use super::quorum::Quorum;

/// A policy of 32 logs, witnesses and groups, as every reader must take, has some 8 KB.
const MAX_BYTES: usize = 256 << 10;
/// Witnesses and groups, which bounds how deep groups are within groups.
const MAX_NAMES: usize = 256;
/// The quorum of those who need no witness; no witness and no group may have that name.
const NONE: &[u8] = b"none";

/// What a policy file says.
#[derive(Debug, Clone)]
pub struct TlogPolicy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    quorum: Quorum,
}

/// What is known after some lines.
#[derive(Default)]
struct PolicyLines {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    /// by name; taken out by the group or the quorum that it is a member of
    open: HashMap<Vec<u8>, Quorum>,
    /// all names, with their lines
    names: HashMap<Vec<u8>, usize>,
    quorum: Option<Quorum>,
}

impl TlogPolicy {
    /// The policy in the bytes of a file.
    ///
    /// # Errors
    /// `Malformed`: which line is wrong, and why.
    pub fn parse(bytes: &[u8]) -> Result<TlogPolicy> {
        let whole = |why: &str| Error::malformed("policy", why);
        if bytes.len() > MAX_BYTES {
            return Err(whole("longer than 256 KiB"));
        }
        let Some(bytes) = bytes.strip_suffix(b"\n") else {
            return Err(whole("the last line does not end in a newline"));
        };
        let mut lines = PolicyLines::default();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            let wrong = |why: String| Error::malformed(format!("policy line {number}"), why);
            // SPEC: the allowed octets are 0x09, 0x0A, 0x20-0x7E and 0x80-0xFF.
            if let Some(byte) = line.iter().find(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
                return Err(wrong(format!("has the control character 0x{byte:02x}")));
            }
            let items: Vec<&[u8]> =
                line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|item| !item.is_empty()).collect();
            let is_comment = items.first().is_none_or(|first| first.starts_with(b"#"));
            if !is_comment {
                lines.add(number, &items).map_err(wrong)?;
            }
        }
        let quorum = lines.quorum.ok_or_else(|| whole("no line says `quorum NAME` or `quorum none`"))?;
        Ok(TlogPolicy { logs: lines.logs, witnesses: lines.witnesses, quorum })
    }

    /// What heads of the log with this key must carry.
    ///
    /// # Errors
    /// `Malformed`: the policy names logs, and not this one.
    pub fn of_log(&self, key: &VerifierKey) -> Result<Policy> {
        if !self.logs.is_empty() && !self.logs.contains(key) {
            let why = format!("it has no line `log {key}`: it is about other logs");
            return Err(Error::malformed("policy", why));
        }
        Ok(Policy::of_quorum(key.clone(), &self.witnesses, self.quorum.clone()))
    }
}

impl PolicyLines {
    fn add(&mut self, number: usize, items: &[&[u8]]) -> std::result::Result<(), String> {
        match items {
            [b"log", vkey] | [b"log", vkey, _] => self.log(vkey),
            [b"witness", name, vkey] | [b"witness", name, vkey, _] => self.witness(number, name, vkey),
            [b"group", name, least, members @ ..] if !members.is_empty() => self.group(number, name, least, members),
            [b"quorum", name] => self.set_quorum(name),
            [b"log", ..] => Err("write it as in `log VKEY` or `log VKEY URL`".to_owned()),
            [b"witness", ..] => Err("write it as in `witness NAME VKEY` or `witness NAME VKEY URL`".to_owned()),
            [b"group", ..] => Err("write it as in `group NAME all|any|NUMBER MEMBER...`".to_owned()),
            [b"quorum", ..] => Err("write it as in `quorum NAME` or `quorum none`".to_owned()),
            [first, ..] => Err(format!("begins with {}; known are log, witness, group and quorum", quoted(first))),
            [] => Ok(()),
        }
    }

    fn log(&mut self, vkey: &[u8]) -> std::result::Result<(), String> {
        let key = read_key(vkey)?;
        if key.kind() != KeyKind::Log {
            return Err("this is a cosigner's key (algorithm 3 or 4); a log's has algorithm 1".to_owned());
        }
        if self.logs.iter().any(|log| log.has_key_of(&key)) {
            return Err("this log's key stands on an earlier line".to_owned());
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, number: usize, name: &[u8], vkey: &[u8]) -> std::result::Result<(), String> {
        let key = read_key(vkey)?;
        if self.witnesses.iter().any(|witness| witness.has_key_of(&key)) {
            return Err("this witness's key stands on an earlier line; one key is one witness".to_owned());
        }
        self.define(number, name, Quorum::Witness(self.witnesses.len()))?;
        // Many witnesses publish the algorithm 1 form of the key that they cosign with.
        self.witnesses.push(key.as_witness());
        Ok(())
    }

    fn group(
        &mut self,
        number: usize,
        name: &[u8],
        least: &[u8],
        members: &[&[u8]],
    ) -> std::result::Result<(), String> {
        let of = members.iter().map(|member| self.take(member)).collect::<std::result::Result<Vec<_>, _>>()?;
        let count = std::str::from_utf8(least).ok().and_then(super::checkpoint::parse_decimal);
        let least = match (least, count.and_then(|count| usize::try_from(count).ok())) {
            (b"all", _) => of.len(),
            (b"any", _) => 1,
            (_, Some(count)) if (1..=of.len()).contains(&count) => count,
            (given, _) => return Err(format!("{} is not all, any, or a number from 1 to {}", quoted(given), of.len())),
        };
        self.define(number, name, Quorum::Group { least, of })
    }

    fn set_quorum(&mut self, name: &[u8]) -> std::result::Result<(), String> {
        if self.quorum.is_some() {
            return Err("there is a quorum already, on an earlier line".to_owned());
        }
        self.quorum = Some(if name == NONE { Quorum::Nobody } else { self.take(name)? });
        Ok(())
    }

    /// The witness or group of this name, which can be a member of nothing else from now on.
    fn take(&mut self, name: &[u8]) -> std::result::Result<Quorum, String> {
        // SPEC: each name is a member of at most one group, so that a witness counts in one way only.
        self.open.remove(name).ok_or_else(|| match self.names.get(name) {
            Some(line) => format!("{}, of line {line}, is a member already", quoted(name)),
            None => format!("no earlier line defines {}", quoted(name)),
        })
    }

    fn define(&mut self, number: usize, name: &[u8], meaning: Quorum) -> std::result::Result<(), String> {
        if name == NONE {
            return Err("\"none\" cannot be a name".to_owned());
        }
        if self.names.len() >= MAX_NAMES {
            return Err(format!("more than {MAX_NAMES} witnesses and groups"));
        }
        if let Some(line) = self.names.insert(name.to_vec(), number) {
            return Err(format!("{} is the name of something on line {line}", quoted(name)));
        }
        self.open.insert(name.to_vec(), meaning);
        Ok(())
    }
}

fn read_key(vkey: &[u8]) -> std::result::Result<VerifierKey, String> {
    let text = std::str::from_utf8(vkey).map_err(|_| format!("{} is not a verifier key", quoted(vkey)))?;
    VerifierKey::parse(text).map_err(|error| error.to_string())
}

fn quoted(name: &[u8]) -> String {
    format!("\"{}\"", printable(name, QUOTED_CHARS))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sumdb::checkpoint::{Checkpoint, Tree};
    use crate::sumdb::hash::leaf_hash;
    use crate::sumdb::note::{SignerKey, message};

    fn key(name: &str, seed: u8) -> SignerKey {
        SignerKey::of_kind(KeyKind::Witness, name, [seed; 32]).unwrap()
    }

    fn log() -> SignerKey {
        SignerKey::from_seed("log.example", [9; 32]).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_counts_as_it_says() {
        let [x1, x2, x3, y1, y2] = [1, 2, 3, 4, 5].map(|seed| key(&format!("w{seed}.example"), seed));
        let text = format!(
            "# ours\n\nlog {} https://log.example/\n\t witness  X1 {}\nwitness X2 {}\nwitness X3 {} https://x/\n\
             group X-witnesses 2 X1 X2 X3\nwitness Y\u{e9}1 {}\nwitness Y2 {}\ngroup Y any Y\u{e9}1 Y2\n\
             group X-and-Y all X-witnesses Y\nquorum X-and-Y\n",
            log().vkey(),
            x1.vkey(),
            x2.vkey(),
            x3.vkey(),
            y1.verifier(),
            y2.vkey()
        );
        let policy = TlogPolicy::parse(text.as_bytes()).unwrap().of_log(&log().vkey()).unwrap();
        let note = Tree { size: 1, root: leaf_hash(b"a") }.note_text();
        let open = |by: &[&SignerKey]| {
            let signatures = std::iter::once(log().sign(&note)).chain(by.iter().map(|key| key.cosign(&note, 7)));
            Checkpoint::open(message(&note, &signatures.collect::<Vec<_>>()).unwrap().as_bytes(), &policy)
        };
        assert!(open(&[&x1, &x3, &y1]).is_ok() && open(&[&y2, &x2, &x1]).is_ok());
        for few in [&[&x1, &x2, &x3][..], &[&x1, &y1, &y2], &[]] {
            assert!(matches!(open(few).unwrap_err(), Error::Uncosigned { .. }));
        }
        let other = SignerKey::from_seed("log.example", [8; 32]).unwrap();
        assert!(TlogPolicy::parse(text.as_bytes()).unwrap().of_log(&other.vkey()).is_err());
    }

    #[test]
    fn what_the_specification_forbids_is_refused_with_its_line() {
        let [a, b] = [key("a.example", 1).vkey(), key("b.example", 2).vkey()];
        let (same, log) = (key("other.name", 1).vkey(), log().vkey());
        let two = format!("witness a {a}\nwitness b {b}\n");
        for (text, reason) in [
            (String::new(), "newline"),
            ("\n".to_owned(), "no line says"),
            ("quorum none".to_owned(), "newline"),
            ("quorum none\nquorum none\n".to_owned(), "line 2: there is a quorum already"),
            ("quorum none\r\n".to_owned(), "line 1: has the control character 0x0d"),
            ("quorum\u{b}none\n".to_owned(), "0x0b"),
            ("quorum a\n".to_owned(), "line 1: no earlier line defines \"a\""),
            (format!("quorum a\n{two}"), "line 1"),
            (format!("{two}quorum a b\n"), "line 3: write it as"),
            (format!("{two}Quorum a\n"), "line 3: begins with \"Quorum\""),
            (format!("{two}group g 0 a b\nquorum g\n"), "line 3: \"0\" is not all, any, or a number from 1 to 2"),
            (format!("{two}group g 3 a b\nquorum g\n"), "\"3\""),
            (format!("{two}group g 02 a b\nquorum g\n"), "\"02\""),
            (format!("{two}group g +1 a b\nquorum g\n"), "\"+1\""),
            (format!("{two}group g ALL a b\nquorum g\n"), "\"ALL\""),
            (format!("{two}group g all\nquorum g\n"), "line 3: write it as"),
            (format!("{two}group g all a a\nquorum g\n"), "line 3: \"a\", of line 1, is a member already"),
            (format!("{two}group g any a\ngroup h any a b\nquorum h\n"), "line 4"),
            (format!("{two}group g any a\nquorum a\n"), "line 4"),
            (format!("{two}group g all g\nquorum g\n"), "no earlier line defines \"g\""),
            (format!("{two}group a any b\nquorum a\n"), "line 3: \"a\" is the name of something on line 1"),
            (format!("witness none {a}\nquorum none\n"), "line 1: \"none\" cannot be a name"),
            (format!("witness a {a}\nwitness b {same}\nquorum a\n"), "line 2: this witness's key"),
            (format!("log {log}\nlog {log} https://x/\nquorum none\n"), "line 2: this log's key"),
            (format!("log {a}\nquorum none\n"), "line 1: this is a cosigner's key"),
            ("witness a nonsense\nquorum a\n".to_owned(), "line 1: malformed key"),
            (format!("witness a {a} https://x/ more\nquorum a\n"), "line 1: write it as"),
            (format!("{two}group none none a\nquorum a\n"), "line 3"),
            (format!("#{}\nquorum none\n", "x".repeat(MAX_BYTES)), "longer"),
        ] {
            let error = TlogPolicy::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn no_witness_and_no_log_is_a_policy_too() {
        let policy = TlogPolicy::parse(b" \t# nothing\n\tquorum \t none \n").unwrap();
        let text = Tree::EMPTY.note_text();
        let note = message(&text, &[log().sign(&text)]).unwrap();
        assert!(Checkpoint::open(note.as_bytes(), &policy.of_log(&log().vkey()).unwrap()).is_ok());
    }
}
