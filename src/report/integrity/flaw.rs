//! The kinds of findings: what each means, who must act on it, and how.

use super::blame::Blame;

/// What a kind of finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportPart {
    /// the log, its heads, and how others see it
    Log,
    /// the index
    Index,
    /// the module store
    Modules,
    /// what the upstreams have of its modules
    Upstreams,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// bytes of `records` are not those that the log committed to
    RecordsDamaged,
    /// an entry of `offsets` is not where its data tile begins
    OffsetsDamaged,
    /// a stored hash is not that of what lies below it
    HashesDamaged,
    /// a file is missing, or ends before the tree does
    CutOff,
    /// a file could not be read: the disk reports an error
    Unreadable,
    /// records and hashes disagree, and nothing proven shows which of them is damaged
    Undecided,
    /// `head` is missing or no signed note
    HeadDamaged,
    /// `head` is older than a head that was committed before
    HeadBehind,
    /// the files are of one piece but have another root than a signed head
    RootDiffers,
    /// an entry of `heads` or the remembered head is not a signed note
    HeadsDamaged,
    /// what a key of ours cosigned last cannot be read, or is not signed
    CosignedDamaged,
    /// more was cosigned here than the full log holds
    CosignedAhead,
    /// the newest head lacks the cosignatures that the policy asks for
    HeadUncosigned,
    /// no newer signed head was seen for long, or a route shows an old one
    HeadStale,
    /// a cached tile or answer is not part of the tree of the remembered head
    CacheDamaged,
    /// evidence of a fork that does not hold any more
    EvidenceDamaged,
    /// a link stands in the place of a file
    NotAFile,
    /// others can change a file, or its owner cannot use it
    Permissions,
    /// the index does not agree with the records
    IndexWrong,
    /// the log holds two records of one module version with different texts
    Duplicate,
    /// the log holds a record that is not two well-formed lines about one module version
    Malformed,
    /// a module's file is not what its record or its pin says
    ModuleDamaged,
    /// a file of the module store could not be read
    ModuleUnreadable,
    /// the hash that is kept beside a module's file is missing or another than the file's
    ModuleHash,
    /// a module's file has no record here, and is not private
    ModuleUnrecorded,
    /// a module's file is intact, and was admitted under other settings: another database proved it, or it was public then
    ModuleOtherPolicy,
    /// a zip is as it was recorded, and breaks the rules for module zips
    ModuleRules,
    /// an `.info` is not JSON about its version
    ModuleInfo,
    /// something below `modules/` or `refused/` is not ours
    Stray,
    /// quarantined bytes without a report, or a report that cannot be read
    Refused,
    /// `proxy.sqlite` is damaged
    Journal,
    /// an upstream sends other bytes now than those that the log recorded
    UpstreamWrong,
    /// a module version has other content at its source than the log recorded
    VersionMoved,
    /// a module version is gone at its source
    VersionVanished,
    /// a head was first seen at a time that has not come yet
    ClockJumped,
}

impl Flaw {
    /// All kinds, in the order of the report.
    pub const ALL: [Flaw; 35] = [
        Flaw::HeadDamaged,
        Flaw::HeadBehind,
        Flaw::RootDiffers,
        Flaw::CutOff,
        Flaw::Unreadable,
        Flaw::RecordsDamaged,
        Flaw::OffsetsDamaged,
        Flaw::HashesDamaged,
        Flaw::Undecided,
        Flaw::HeadsDamaged,
        Flaw::CosignedDamaged,
        Flaw::CosignedAhead,
        Flaw::HeadUncosigned,
        Flaw::HeadStale,
        Flaw::CacheDamaged,
        Flaw::EvidenceDamaged,
        Flaw::NotAFile,
        Flaw::Permissions,
        Flaw::IndexWrong,
        Flaw::Duplicate,
        Flaw::Malformed,
        Flaw::ModuleDamaged,
        Flaw::ModuleUnreadable,
        Flaw::ModuleHash,
        Flaw::ModuleUnrecorded,
        Flaw::ModuleOtherPolicy,
        Flaw::ModuleRules,
        Flaw::ModuleInfo,
        Flaw::Stray,
        Flaw::Refused,
        Flaw::Journal,
        Flaw::UpstreamWrong,
        Flaw::VersionMoved,
        Flaw::VersionVanished,
        Flaw::ClockJumped,
    ];

    /// What it is about.
    pub fn part(self) -> ReportPart {
        match self {
            Flaw::IndexWrong => ReportPart::Index,
            Flaw::ModuleDamaged
            | Flaw::ModuleUnreadable
            | Flaw::ModuleHash
            | Flaw::ModuleUnrecorded
            | Flaw::ModuleOtherPolicy
            | Flaw::ModuleRules
            | Flaw::ModuleInfo
            | Flaw::Stray
            | Flaw::Refused
            | Flaw::Journal => ReportPart::Modules,
            Flaw::UpstreamWrong | Flaw::VersionMoved | Flaw::VersionVanished => ReportPart::Upstreams,
            _ => ReportPart::Log,
        }
    }

    /// The kind of this name; none where this version has none.
    pub fn of_id(id: &str) -> Option<Flaw> {
        Flaw::ALL.into_iter().find(|flaw| flaw.id() == id)
    }

    /// Whether the kind of this name is damage of a full log.
    pub fn is_of_log_id(id: &str) -> bool {
        use Flaw::{
            CutOff, HashesDamaged, HeadDamaged, OffsetsDamaged, RecordsDamaged, RootDiffers, Undecided, Unreadable,
        };
        let of_log =
            [RecordsDamaged, OffsetsDamaged, HashesDamaged, CutOff, Unreadable, Undecided, HeadDamaged, RootDiffers];
        of_log.iter().any(|flaw| flaw.id() == id)
    }

    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Flaw::RecordsDamaged => "records-damaged",
            Flaw::OffsetsDamaged => "offsets-damaged",
            Flaw::HashesDamaged => "hashes-damaged",
            Flaw::CutOff => "cut-off",
            Flaw::Unreadable => "unreadable",
            Flaw::Undecided => "undecided",
            Flaw::HeadDamaged => "head-damaged",
            Flaw::HeadBehind => "head-behind",
            Flaw::RootDiffers => "root-differs",
            Flaw::HeadsDamaged => "heads-damaged",
            Flaw::CosignedDamaged => "cosigned-damaged",
            Flaw::CosignedAhead => "cosigned-ahead",
            Flaw::HeadUncosigned => "head-uncosigned",
            Flaw::HeadStale => "head-stale",
            Flaw::CacheDamaged => "cache-damaged",
            Flaw::EvidenceDamaged => "evidence-damaged",
            Flaw::NotAFile => "not-a-file",
            Flaw::Permissions => "permissions",
            Flaw::IndexWrong => "index-wrong",
            Flaw::Duplicate => "duplicate",
            Flaw::Malformed => "malformed",
            Flaw::ModuleDamaged => "module-damaged",
            Flaw::ModuleUnreadable => "module-unreadable",
            Flaw::ModuleHash => "module-hash-wrong",
            Flaw::ModuleUnrecorded => "module-not-recorded",
            Flaw::ModuleOtherPolicy => "module-other-policy",
            Flaw::ModuleRules => "module-zip-refused",
            Flaw::ModuleInfo => "module-info-damaged",
            Flaw::Stray => "stray",
            Flaw::Refused => "refused-damaged",
            Flaw::Journal => "journal-damaged",
            Flaw::UpstreamWrong => "upstream-wrong-bytes",
            Flaw::VersionMoved => "version-moved",
            Flaw::VersionVanished => "version-vanished",
            Flaw::ClockJumped => "clock-jumped",
        }
    }

    /// Who must act on it.
    pub fn blame(self) -> Blame {
        match self {
            Flaw::IndexWrong => Blame::Index,
            Flaw::Duplicate | Flaw::Malformed | Flaw::HeadUncosigned => Blame::Log,
            Flaw::HeadStale | Flaw::UpstreamWrong | Flaw::VersionMoved | Flaw::VersionVanished => Blame::Upstream,
            Flaw::ClockJumped => Blame::Machine,
            _ => Blame::Disk,
        }
    }
}
