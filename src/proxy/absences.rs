//! What the upstreams said "no" to lately. The go command asks twice what is answered with 4xx, and a build asks for every prefix
//! of an import's path: the answer is repeated for a while without asking anybody.

use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::Denied;

/// Questions whose answers are remembered.
const ABSENCES: usize = 65_536;

/// Answers that are no files and no hints, by the paths of the questions.
pub(super) struct Absences {
    said: Cache<String, (Instant, Denied)>,
    age: Duration,
}

impl Absences {
    /// Each answer is repeated for as long as `age`.
    pub(super) fn new(age: Duration) -> Absences {
        Absences { said: Cache::new(ABSENCES), age }
    }

    /// What was answered lately to the question `path`, if that was a "no".
    pub(super) fn recent(&self, path: &str) -> Option<Denied> {
        let (since, denied) = self.said.get(path)?;
        (since.elapsed() < self.age).then_some(denied)
    }

    /// This was answered to the question `path`, and everybody who was asked had a say in it.
    pub(super) fn note(&self, path: String, denied: &Denied) {
        self.said.insert(path, (Instant::now(), denied.clone()));
    }
}
