//! What an outcome means and what to do about it, for what was audited: advice about the lines of a go.sum would be wrong for the
//! files of a module cache, and that to ask another source impossible where a proof file is all there is.

use super::{Artifact, Outcome, Report};

/// What was audited, and against what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Input {
    /// the lines of go.sum files, against the database
    #[default]
    Lines,
    /// the files of a module cache, against the database
    ModuleCache,
    /// the lines of go.sum files, against a proof file
    ProofFile,
    /// the lines of all go.sum files that the commits of a repository ever had, against the database
    History,
}

/// The words for one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// one line that says what is the case
    pub title: &'static str,
    /// what it means, in a paragraph
    pub meaning: &'static str,
    /// what to do next, in a paragraph
    pub next: &'static str,
}

impl Report {
    /// What `outcome` means in this report.
    pub fn advice(&self, outcome: Outcome) -> Advice {
        match (self.input, outcome) {
            (Input::ModuleCache, Outcome::Differs) => CACHE_DIFFERS,
            (Input::ModuleCache, Outcome::Altered) => CACHE_ALTERED,
            (Input::ModuleCache, Outcome::Malformed) => CACHE_MALFORMED,
            (Input::ModuleCache, Outcome::Unavailable) => CACHE_UNAVAILABLE,
            (Input::ModuleCache, Outcome::NotInLog) => CACHE_NOT_IN_LOG,
            (Input::ProofFile, Outcome::NotHeld) => PROOF_NOT_HELD,
            (Input::History, Outcome::Differs) => HISTORY_DIFFERS,
            (Input::History, Outcome::Malformed) => HISTORY_MALFORMED,
            (Input::Lines, Outcome::Differs) if self.is_all_of_others(outcome) => OTHER_DIFFERS,
            (Input::Lines, Outcome::Malformed) if self.is_all_of_others(outcome) => OTHER_MALFORMED,
            _ => Advice { title: outcome.title(), meaning: outcome.meaning(), next: outcome.next() },
        }
    }
}

impl Report {
    /// Whether no line with this outcome stands in a go.sum, so that advice about a go.sum would be wrong.
    fn is_all_of_others(&self, outcome: Outcome) -> bool {
        let with = self.files.iter().filter(|file| file.lines.iter().any(|line| line.verdict.outcome() == outcome));
        let artifacts: Vec<Artifact> = with.map(|file| file.artifact).collect();
        !artifacts.is_empty() && !artifacts.contains(&Artifact::GoSum)
    }
}

const HISTORY_DIFFERS: Advice = Advice {
    title: "the hash is not the one in the checksum database",
    meaning: "While the line stood, builds of those commits were held to other contents of this module version than the rest of the \
              world was given, or failed with a checksum mismatch.",
    next: "Find out what was built and shipped from the commits that are named, and ask their authors which GOPROXY and GOSUMDB their \
           machines had then. Where a branch still has the line, audit its go.sum without --history and do what it says.",
};

const HISTORY_MALFORMED: Advice = Advice {
    title: "this is not a go.sum line",
    meaning: "Such a line protects nothing. Conflict markers and cut lines get into commits; go refuses most of them.",
    next: "Nothing, where no branch has it any longer: --history RANGE or --exclude leaves those commits or files out. Else mend the \
           go.sum of that branch.",
};

const OTHER_DIFFERS: Advice = Advice {
    title: "the hash is not the one in the checksum database",
    meaning: "The program, SBOM or folder names other contents for a module version than the checksum database recorded: it was made \
              from bytes that nobody else was given, or it does not say the truth.",
    next: "Do not use it before you know why. Ask those who made it for the go.sum that it was built with and for the GOPROXY and \
           GOSUMDB of that machine, and build it anew from the sources with the database on.",
};

const OTHER_MALFORMED: Advice = Advice {
    title: "a module version or a hash in it cannot be read",
    meaning: "What it says about a module follows no form that Go writes, so there is nothing to compare.",
    next: "Make it anew with the tool that wrote it. If that writes the same again, report it to those who make the tool.",
};

const CACHE_DIFFERS: Advice = Advice {
    title: "the hash is not the one in the checksum database",
    meaning: "The file or folder of the module cache is not what the checksum database recorded for this module version. Builds read \
              the module cache, and do not check the unpacked folders in it again.",
    next: "Do not build before you know why: somebody edited the files, the disk lost some, or a proxy gave other bytes. Then empty \
           the cache with `go clean -modcache`, and run `go mod download` with the database on. If go reports a SECURITY ERROR, your \
           proxy or the origin serves other bytes than the world was given: use neither, and report it.",
};

const CACHE_ALTERED: Advice = Advice {
    title: "the unpacked module is not what is in its proven zip",
    meaning: "The zip of the module was proven by the checksum database, and the file differs from the one in it, is not in it, or \
              is missing. Builds read the unpacked module, and do not check it again.",
    next: "Look at the file: an edit while debugging looks harmless, and the next build of anybody on this machine has it. Then empty \
           the cache with `go clean -modcache`: the go command downloads it again.",
};

const CACHE_MALFORMED: Advice = Advice {
    title: "this is not a file or folder that the go command made",
    meaning: "A module zip or go.mod in the cache is cut off, empty or damaged, or an unpacked module holds more than a module may: a \
              crash, a full disk, or another program. The go command fails on it, or reads something else than was recorded.",
    next: "Delete the file or folder, or empty the cache with `go clean -modcache`: the go command downloads it again.",
};

const CACHE_UNAVAILABLE: Advice = Advice {
    title: "the file could not be read, or no source could be reached",
    meaning: "Nothing is known about it: neither that it is right nor that it is wrong. A build may read it.",
    next: "Where the file itself could not be read: let this user read it, and replace a link that leads out of the module cache by \
           what it leads to. Otherwise check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the --sumdb-url addresses. \
           Then run it again.",
};

const CACHE_NOT_IN_LOG: Advice = Advice {
    title: "the checksum database has no record of this module version",
    meaning: "The database records every public module version that anybody asks it for. This one it could not record: the module is \
              private, or it was gone before anyone asked.",
    next: "If the module is yours or your company's, name it in GOPRIVATE or with --private, and it is skipped. If it is meant to be \
           public, find out which build brought it before you use it: no one can confirm its hash.",
};

const PROOF_NOT_HELD: Advice = Advice {
    title: "the proof file does not cover this line",
    meaning: "The proof file has no proof of the module version. This says nothing about the log, neither that the line is right nor \
              that it is wrong.",
    next: "Ask the author of the proof file for one that covers the whole go.sum: `gosumcheck audit --proof FILE` writes it. Or run \
           `gosumcheck audit`, which asks the database.",
};
