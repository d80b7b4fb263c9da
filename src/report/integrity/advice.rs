//! What the kinds of findings mean, and what to do about each.

use super::Flaw;

impl Flaw {
    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Flaw::RecordsDamaged => {
                "These bytes of the records are not those that the log committed to; their hashes are intact."
            }
            Flaw::OffsetsDamaged => {
                "The table of where data tiles begin is wrong there; the records themselves say where they begin."
            }
            Flaw::HashesDamaged => "Stored hashes are not those of what lies below them, which is intact.",
            Flaw::CutOff => "A file is missing or ends before the tree does.",
            Flaw::Unreadable => "The disk could not read there: the device may be failing.",
            Flaw::Undecided => {
                "Records and hashes disagree, and nothing proven shows which of them is damaged: both may be."
            }
            Flaw::HeadDamaged => "The committed head is lost; all was checked under the newest other signed head.",
            Flaw::HeadBehind => {
                "The committed head is older than one that was committed before: the file was replaced, or a commit was \
                 interrupted. Everything was checked under the newer one, up to the last record that the files hold."
            }
            Flaw::RootDiffers => "The files are consistent with each other, and do not belong to this signed head.",
            Flaw::HeadsDamaged => "A remembered head is damaged, so nothing can be compared with it.",
            Flaw::CosignedDamaged => "What `serve --cosign` signed last is damaged; nothing is cosigned without it.",
            Flaw::CosignedAhead => "More was cosigned here than the full log holds: it was put back, or removed.",
            Flaw::HeadUncosigned => {
                "The newest head lacks cosignatures of the policy's witnesses, so it does not count yet."
            }
            Flaw::HeadStale => {
                "A newer signed head should be seen there: what is shown is old, or nothing new reaches it."
            }
            Flaw::CacheDamaged => {
                "A cached answer is not what was proven. It is proven again each time it is read, so none was given."
            }
            Flaw::EvidenceDamaged => {
                "The evidence that the log signed two histories does not hold any more: the file was changed."
            }
            Flaw::NotAFile => {
                "A link stands where a file of the log belongs. gosumcheck makes none: somebody put it there."
            }
            Flaw::Permissions => {
                "Other users can change a file of the data folder, or its owner cannot read or write it."
            }
            Flaw::IndexWrong => "The index does not agree with the records. It decides nothing, but lookups may miss.",
            Flaw::Duplicate => {
                "The log itself has two records of one module version that differ. No honest database writes that."
            }
            Flaw::Malformed => "The log itself has a record that is not two lines about one module version.",
            Flaw::ModuleDamaged => "A stored module is not the one that was proven when it was admitted.",
            Flaw::ModuleUnreadable => "A file of the module store cannot be read, so it could not be checked.",
            Flaw::ModuleHash => "A stored module is in order, and the hash that is kept beside it is not.",
            Flaw::ModuleUnrecorded => {
                "Nothing here proves these modules: there is no record of them in the data folder, and no pattern says that \
                 they are private."
            }
            Flaw::ModuleOtherPolicy => {
                "These modules were admitted under other settings: another database proved them, or they were public then. They \
                 are as they were admitted, and are not given under these settings."
            }
            Flaw::ModuleRules => "A stored zip is as it was recorded, but the go command would refuse it.",
            Flaw::ModuleInfo => "What is kept about a version is not JSON about that version.",
            Flaw::Stray => "There is something in the store that gosumcheck did not put there. It is never served.",
            Flaw::Refused => "What was refused once can no longer be explained. None of it is ever served.",
            Flaw::Journal => {
                "Hints, incidents or times of admission of the proxy are damaged. They prove nothing and decide nothing."
            }
            Flaw::UpstreamWrong => "An upstream sends other bytes now than the log recorded. None is stored or served.",
            Flaw::VersionMoved => "The source has other content under this version now than the log recorded.",
            Flaw::VersionVanished => "The source does not have this version any more. What is stored here stays.",
            Flaw::ClockJumped => "Heads were first seen at times to come: the clock was ahead then, or is behind now.",
        }
    }

    /// What to do next.
    pub fn next(self) -> &'static str {
        match self {
            Flaw::RecordsDamaged | Flaw::CutOff | Flaw::Undecided => {
                "Check the disk and its memory. Bring the data tiles that are named here again: restore the file from a copy, \
                 or delete the log's folder and run `gosumcheck sync`."
            }
            Flaw::OffsetsDamaged | Flaw::HashesDamaged => {
                "Check the disk and its memory. Nothing has to be fetched: the file can be derived from the records; until \
                 then restore it from a copy, or delete the log's folder and run `gosumcheck sync`."
            }
            Flaw::Unreadable => "Look at the system's log, replace the disk, and restore the file from a copy.",
            Flaw::HeadDamaged | Flaw::HeadsDamaged => {
                "Restore the file from a copy; `gosumcheck sync` writes a new head once the files are in order."
            }
            Flaw::HeadBehind => {
                "Run `gosumcheck sync`: it goes on from here and commits a newer head. If no sync was interrupted here, find out \
                 who replaced the file."
            }
            Flaw::RootDiffers => {
                "Find out where these files came from. Restore them from a copy, or delete the log's folder and run \
                 `gosumcheck sync`."
            }
            Flaw::CosignedDamaged => "Restore the file from a backup, or cosign with a new key. Do not delete it.",
            Flaw::CosignedAhead => "Run `gosumcheck sync`: nothing is cosigned until then. Find out who put it back.",
            Flaw::HeadUncosigned => {
                "Run `gosumcheck sync --policy FILE --distributor URL`; if it stays, ask the witnesses."
            }
            Flaw::HeadStale => "Ask the database itself, by another network too: find out who answers with old heads.",
            Flaw::CacheDamaged => {
                "Check the disk and its memory. Delete what is named here: it is fetched again, and proven."
            }
            Flaw::EvidenceDamaged => "Restore the file from a copy: it is the proof against the log.",
            Flaw::NotAFile => {
                "Find out who put it there. `gosumcheck verify --repair` puts a file with the same bytes in its place."
            }
            Flaw::Permissions => "Set the mode of what is named here to 0600, or run `gosumcheck verify --repair`.",
            Flaw::IndexWrong => "Run `gosumcheck index --rebuild`.",
            Flaw::ModuleDamaged | Flaw::ModuleHash | Flaw::ModuleInfo => {
                "Check the disk and its memory. Delete the files that are named here: a module that is asked for again is \
                 fetched again and proven. What is private was pinned when it was first fetched: compare with its source."
            }
            Flaw::ModuleUnreadable => {
                "Run as the user that owns the data folder. If it does, look at the system's log; delete the file, and it is \
                 fetched again."
            }
            Flaw::ModuleUnrecorded => {
                "Name what is private with --private, as for `serve`. Prove the rest with `gosumcheck lookup MODULE@VERSION` \
                 and verify again, or delete it: it is fetched again and proven."
            }
            Flaw::ModuleOtherPolicy => {
                "Verify with the settings of `serve`: --sumdb and --private. If the settings were changed for good, delete the \
                 files that are named here: a module that is asked for again is fetched again and proven."
            }
            Flaw::ModuleRules => "Delete the files that are named here.",
            Flaw::Stray => "Find out who put it there, and move it away.",
            Flaw::Refused => "Move it away, or delete it.",
            Flaw::Journal => {
                "Stop the server and delete the file: gosumcheck creates a new one. The reports in `refused/`, from which \
                 its incidents were made, stay."
            }
            Flaw::UpstreamWrong => "Report it to the operator of that upstream, or take it out of the list.",
            Flaw::VersionMoved => "Ask the module's author why: other content needs another version.",
            Flaw::VersionVanished => "Keep what is stored here: it may be the last copy. Look for another version.",
            Flaw::ClockJumped => "Set the clock. Times of first sight may be wrong; the order of the heads is not.",
            Flaw::Duplicate | Flaw::Malformed => {
                "Report it to the operator of the database (sum.golang.org: security@golang.org), with the record numbers."
            }
        }
    }
}
