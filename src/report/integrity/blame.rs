//! Who must act on a finding of a verification.

/// Who must act on a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// our own disk
    Disk,
    /// what is derived from the log and can be made again
    Index,
    /// the log, which committed to it
    Log,
    /// the party that answers for the database, or for modules
    Upstream,
    /// this machine, its clock
    Machine,
}

impl Blame {
    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Blame::Disk => "our-disk",
            Blame::Index => "our-index",
            Blame::Log => "the-log",
            Blame::Upstream => "an-upstream",
            Blame::Machine => "our-machine",
        }
    }
}
