//! Which files are to be removed next, as it was found by looking at the whole store: a part of it, so that a plan is not followed to
//! its end while other files cool.

use std::collections::VecDeque;
use std::time::Instant;

use crate::store::Usage;
use crate::store::eviction::Standing;

/// Files that upstreams are asked for at once.
const AT_ONCE: usize = 8;
/// A plan is this part of all that may go, as a divisor.
const PLAN_PART: u64 = 20;

#[derive(Default)]
pub(super) struct Plan {
    pub(super) files: VecDeque<Standing>,
    pub(super) made: Option<Instant>,
    /// the same in microseconds since 1970
    made_at: u64,
    /// when nothing of a whole plan could be removed
    pub(super) barren: Option<Instant>,
}

impl Plan {
    /// The first files of an order that was made at `made_at`, in microseconds since 1970.
    pub(super) fn of(mut order: Vec<Standing>, made_at: u64) -> Plan {
        let all: u64 = order.iter().map(|standing| standing.file.bytes).sum();
        let mut bytes = 0_u64;
        let planned = order.iter().take_while(|standing| {
            let is_in = bytes <= all / PLAN_PART;
            bytes = bytes.saturating_add(standing.file.bytes);
            is_in
        });
        let planned = planned.count().max(AT_ONCE);
        order.truncate(planned);
        Plan { files: order.into(), made: Some(Instant::now()), made_at, barren: None }
    }

    /// The next files: a few, and no more than make enough room. What was used since the plan was made is left out.
    pub(super) fn next(&mut self, usage: &Usage, lacking: u64) -> Vec<Standing> {
        let (mut batch, mut bytes) = (Vec::new(), 0_u64);
        while batch.len() < AT_ONCE
            && bytes < lacking
            && let Some(next) = self.files.pop_front()
        {
            if usage.last(&next.file.name) <= self.made_at {
                bytes = bytes.saturating_add(next.file.bytes);
                batch.push(next);
            }
        }
        batch
    }
}
