//! Whether a file can be had again: upstreams are asked for it before it is removed, within a budget.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::store::modules::InventoryFile;
use crate::sumdb::goproxy::ModuleRequest;
use crate::upstream::{Proxies, Touched};

/// The budget of questions is given out for an hour.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// A file for which no upstream answered is not asked for again for so long.
const UNANSWERED_FOR: Duration = Duration::from_secs(60);

/// What upstreams say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    There,
    Vanished,
    Unanswered,
}

/// Asks upstreams.
pub(super) struct Asking {
    /// questions in an hour
    budget: u64,
    /// since when they are counted, and how many there were
    asked: Mutex<(Instant, u64)>,
    /// files for which no upstream answered, and when
    unanswered: Mutex<HashMap<String, Instant>>,
}

impl Asking {
    pub(super) fn new(budget: u64) -> Asking {
        Asking { budget, asked: Mutex::new((Instant::now(), 0)), unanswered: Mutex::default() }
    }

    /// The files for which no upstream answered lately.
    pub(super) fn lately_unanswered(&self) -> HashSet<String> {
        let mut unanswered = self.unanswered.lock();
        unanswered.retain(|_, at| at.elapsed() < UNANSWERED_FOR);
        unanswered.keys().cloned().collect()
    }

    /// Whether an upstream has a file: each is asked in turn, as for a download, until one has it; where none may be asked, nobody
    /// answers. What is left of files that went is made again from the log.
    pub(super) async fn ask(&self, proxies: Option<&Proxies>, file: &InventoryFile) -> Asked {
        if file.is_remains() {
            return Asked::There;
        }
        let asked = match proxies.filter(|_| self.may_ask()) {
            Some(proxies) => ask(proxies, file).await,
            None => Asked::Unanswered,
        };
        if asked == Asked::Unanswered {
            self.unanswered.lock().insert(file.name.clone(), Instant::now());
        }
        asked
    }

    fn may_ask(&self) -> bool {
        let mut asked = self.asked.lock();
        if asked.0.elapsed() >= HOUR {
            *asked = (Instant::now(), 0);
        }
        asked.1 += 1;
        asked.1 <= self.budget
    }
}

async fn ask(proxies: &Proxies, file: &InventoryFile) -> Asked {
    let request = ModuleRequest::File(file.module.clone(), file.kind);
    let (mut missing, mut failed) = (false, false);
    for at in 0..proxies.len() {
        match proxies.has(at, &request).await {
            Ok(Touched::There) => return Asked::There,
            Ok(Touched::Missing(_)) => missing = true,
            Err(failure) => {
                failed = true;
                if !proxies.goes_on(at, &failure) {
                    break;
                }
            }
        }
    }
    if missing && !failed { Asked::Vanished } else { Asked::Unanswered }
}
