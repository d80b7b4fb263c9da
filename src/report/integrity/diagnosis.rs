//! What is behind a finding. It is established from what was seen, which stands beside it as evidence; where nothing shows it, it is
//! said to be open.

/// What is behind a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// an upstream was asked, and sends bytes now that are not what the log has
    UpstreamWrong,
    /// upstreams were asked, and have other bytes under that version than the log has
    VersionMoved,
    /// upstreams were asked, and none has it any more
    VersionVanished,
    /// the log has records that contradict each other, or one that is none
    RecordConflict,
    /// the log signed two histories
    Fork,
    /// the newest head is older than it should be
    StaleHead,
    /// the clock of this machine went back, or was ahead
    ClockJumped,
    /// it is as it was stored, and the settings of now are not those of then
    OtherSettings,
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
            Diagnosis::UpstreamWrong => "upstream-wrong",
            Diagnosis::VersionMoved => "version-moved",
            Diagnosis::VersionVanished => "version-vanished",
            Diagnosis::RecordConflict => "record-conflict",
            Diagnosis::Fork => "fork",
            Diagnosis::StaleHead => "stale-head",
            Diagnosis::ClockJumped => "clock-jumped",
            Diagnosis::OtherSettings => "other-settings",
            Diagnosis::Open => "open",
        }
    }
}
