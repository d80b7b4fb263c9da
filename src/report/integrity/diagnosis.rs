//! What is behind a finding. It is established from what was seen, which stands beside it as evidence; where nothing shows it, it is
//! said to be open.

/// What is behind a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnosis {
    /// bytes on our disk are not those that were proven when they were written: some flipped, or were overwritten
    BitRot,
    /// a write did not reach the disk whole: the file ends early, or has zeros in the place of bytes
    TornWrite,
    /// two reads of the same bytes gave different ones: memory, a cable, or a disk that fails
    UnsteadyRead,
    /// the file is gone
    Missing,
    /// something else stands in its place, or its mode was changed: somebody did that
    Replaced,
    /// what is derived from the log is not what follows from it
    IndexDrift,
    /// the log has records that contradict each other, or one that is none
    RecordConflict,
    /// it is as it was stored, and the settings of now are not those of then
    OtherSettings,
    /// an upstream sends bytes that are not those that the log recorded, which others have or nobody
    WrongUpstream,
    /// a module version has other content at its source than when it was recorded
    MovedVersion,
    /// a module version is gone at its source
    VanishedVersion,
    /// a newer head is known, or should be
    StaleHead,
    /// the witnesses of the policy did not cosign it
    QuorumMissing,
    /// the clock of this machine was set
    ClockJump,
    /// nothing that was seen shows it
    Open,
}

impl Diagnosis {
    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Diagnosis::BitRot => "bit-rot",
            Diagnosis::TornWrite => "torn-write",
            Diagnosis::UnsteadyRead => "unsteady-read",
            Diagnosis::Missing => "missing",
            Diagnosis::Replaced => "replaced",
            Diagnosis::IndexDrift => "index-drift",
            Diagnosis::RecordConflict => "record-conflict",
            Diagnosis::OtherSettings => "other-settings",
            Diagnosis::WrongUpstream => "wrong-upstream",
            Diagnosis::MovedVersion => "moved-version",
            Diagnosis::VanishedVersion => "vanished-version",
            Diagnosis::StaleHead => "stale-head",
            Diagnosis::QuorumMissing => "quorum-missing",
            Diagnosis::ClockJump => "clock-jump",
            Diagnosis::Open => "open",
        }
    }
}
