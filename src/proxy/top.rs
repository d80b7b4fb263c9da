//! Which public modules are asked for most: a bounded list of counts, by the space-saving algorithm (Metwally and others, 2005). A
//! module that is asked for often is on it; the counts of rare ones are too high.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Modules that are counted at once.
const COUNTED: usize = 256;
/// Modules that are shown.
const SHOWN: usize = 20;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct TopModules(
    /// requests by module
    Mutex<HashMap<String, u64>>,
);

impl TopModules {
    /// Counts a request about a module.
    pub(super) fn asked(&self, module: &str) {
        let mut counts = self.0.lock();
        if let Some(count) = counts.get_mut(module) {
            *count += 1;
            return;
        }
        let mut count = 1;
        if counts.len() >= COUNTED
            && let Some((rarest, least)) = counts.iter().min_by_key(|(_, count)| **count)
        {
            // The newcomer may have been asked for as often, before it was counted.
            let (rarest, least) = (rarest.clone(), *least);
            counts.remove(&rarest);
            count = least + 1;
        }
        counts.insert(module.to_owned(), count);
    }

    /// The modules that were asked for most, the first first.
    pub(super) fn top(&self) -> Vec<(String, u64)> {
        let mut all: Vec<(String, u64)> =
            self.0.lock().iter().map(|(module, count)| (module.clone(), *count)).collect();
        all.sort_by(|(one, more), (other, less)| less.cmp(more).then_with(|| one.cmp(other)));
        all.truncate(SHOWN);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_often_is_on_a_list_that_stays_short() {
        let top = TopModules::default();
        for number in 0..5_000 {
            top.asked(&format!("rare.example/{number}"));
            if number % 10 == 0 {
                top.asked("often.example/a");
            }
        }
        let shown = top.top();
        assert!(shown.len() == SHOWN && top.0.lock().len() == COUNTED);
        assert!(shown.iter().any(|(module, count)| module == "often.example/a" && *count >= 500), "{shown:?}");
    }
}
