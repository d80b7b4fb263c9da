//! What the upstreams denied lately. The go command repeats a request that is answered with 4xx, and a build asks for every prefix
//! of an import's path: the answer is repeated for a while without asking anybody.

use std::time::{Duration, Instant};

use super::{Denied, Inner};
use crate::relay::denials::{Denials, Repeated, cut, held_by};

/// Bytes of an answer's words that are kept: the go command shows 8 lines of 80.
const MAX_WORDS: usize = 640;

/// Denials, by the paths of the requests.
pub(super) struct Absences(Denials<Denied>);

impl Repeated for Denied {
    fn held(&self) -> usize {
        match self {
            Denied::NotFound(words) | Denied::NotCached(words) => words.len(),
            Denied::Refused(_, lines) => held_by(lines),
            Denied::Fault(_) => MAX_WORDS,
        }
    }
}

impl Absences {
    /// Each answer is repeated for as long as `age`; all of them together take `bytes` at most.
    pub(super) fn new(age: Duration, bytes: u64) -> Absences {
        Absences(Denials::new(age, bytes))
    }

    /// What was answered lately to the question `path`, if that was a "no".
    pub(super) fn recent(&self, path: &str) -> Option<Denied> {
        self.0.recent(path, Instant::now())
    }

    /// Remembers the denial of `path`, after every upstream answered.
    pub(super) fn note(&self, path: &str, denied: &Denied) {
        let denied = match denied {
            Denied::NotFound(words) => Denied::NotFound(cut(words, MAX_WORDS)),
            Denied::NotCached(words) => Denied::NotCached(cut(words, MAX_WORDS)),
            Denied::Refused(cause, lines) => Denied::Refused(*cause, cut_lines(lines)),
            // An outage is over when it is over.
            Denied::Fault(_) => return,
        };
        self.0.keep(path, denied, Instant::now());
    }

    /// Repeats none of them any more.
    pub(super) fn forget(&self) {
        self.0.forget();
    }

    /// Bytes that the answers take.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

impl Inner {
    /// Remembers what was denied under the settings of that number, unless there are others by now.
    pub(super) fn note_absence(&self, path: &str, denied: &Denied, generation: u64) {
        if self.policy.generation() == generation {
            self.absences.note(path, denied);
        }
    }
}

fn cut_lines(lines: &[String]) -> Vec<String> {
    let mut left = MAX_WORDS;
    let cut = lines.iter().map_while(|line| {
        let line = (left > 0).then(|| cut(line, left))?;
        left -= line.len().max(1);
        Some(line)
    });
    cut.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::RefusalCause;

    const BYTES: u64 = 2 << 20;

    fn absences() -> Absences {
        Absences::new(Duration::from_secs(60), BYTES)
    }

    /// The longest path that is answered, and a server's page with it.
    fn long(number: usize) -> (String, Denied) {
        let path = format!("{}/{number}/@v/v1.0.0.info", "example.com/a".repeat(145));
        let words = format!("not found: {path}: https://proxy.example: 404 Not Found: {}", "words ".repeat(200));
        (path, Denied::NotFound(words))
    }

    #[test]
    fn seventy_thousand_long_paths_take_no_more_than_the_bound() {
        let absences = absences();
        for number in 0..70_000 {
            let (path, denied) = long(number);
            absences.note(&path, &denied);
        }
        assert!((BYTES / 2..=BYTES).contains(&absences.bytes()), "{}", absences.bytes());
        let remembered = (0..70_000).filter(|number| absences.recent(&long(*number).0).is_some()).count();
        assert!((1_000..5_000).contains(&remembered), "{remembered} times 840 bytes");
    }

    #[test]
    fn what_is_repeated_is_cut_to_what_clients_show() {
        let absences = absences();
        let (path, denied) = long(1);
        absences.note(&path, &denied);
        absences.note(
            "refused",
            &Denied::Refused(RefusalCause::Rule, vec!["é".repeat(300), "x".repeat(100), String::new()]),
        );
        absences.note("out", &Denied::Fault(crate::fault::Fault::upstream("https://a", "no connection")));
        let Some(Denied::NotFound(words)) = absences.recent(&path) else { panic!("forgotten") };
        assert!(words.len() == MAX_WORDS && words.starts_with("not found: example.com/a"), "{words}");
        let Some(Denied::Refused(_, lines)) = absences.recent("refused") else { panic!("forgotten") };
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [600, 40]);
        assert!(absences.recent("out").is_none() && absences.recent("another").is_none());
    }
}
