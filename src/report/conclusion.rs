//! What a report comes to, and the exit code that says so.

use super::{Class, Report};

impl Report {
    /// What the report comes to. The worst wins, in the order 3, 1, 2: a log that misbehaved outweighs all, and a finding
    /// stays a finding when something else could not be decided.
    pub fn conclusion(&self) -> Conclusion {
        if self.misbehaviour.is_some() {
            Conclusion::LogMisbehaved
        } else if self.lines().any(|line| line.verdict.class() == Class::Finding) {
            Conclusion::Findings
        } else if self.is_complete() {
            Conclusion::Proven
        } else {
            Conclusion::CouldNotTell
        }
    }

    /// Whether every line was decided: there was a file, all were read, and nothing was left undecided.
    pub fn is_complete(&self) -> bool {
        let all_decided = self.lines().all(|line| line.verdict.class() != Class::CouldNotTell);
        all_decided
            && !self.skips_all()
            && !self.files.is_empty()
            && self.files.iter().all(|file| file.unread.is_none())
    }

    /// Whether nothing was proven, because the user's settings exempt every line that could have been. An environment that exempts
    /// all modules must not turn a check into one that always passes; who means it says so with an argument.
    pub fn skips_all(&self) -> bool {
        let any = |class: Class| self.lines().any(|line| line.verdict.class() == class);
        self.inherits_exemptions && any(Class::Skipped) && !any(Class::Proven)
    }

    /// The exit code of the command: see `Conclusion::exit_code`.
    pub fn exit_code(&self) -> u8 {
        self.conclusion().exit_code()
    }
}

/// What a whole report comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// nothing stands against any line; also where there was no line to prove
    Proven,
    /// at least one line is not what the log says
    Findings,
    /// no finding, but at least one line or file could not be decided, or there was no file at all
    CouldNotTell,
    /// the log signed two histories
    LogMisbehaved,
}

impl Conclusion {
    /// 0 all proven, 1 findings, 2 could not tell, 3 the log misbehaved.
    pub fn exit_code(self) -> u8 {
        match self {
            Conclusion::Proven => 0,
            Conclusion::Findings => 1,
            Conclusion::CouldNotTell => 2,
            Conclusion::LogMisbehaved => 3,
        }
    }

    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Conclusion::Proven => "proven",
            Conclusion::Findings => "findings",
            Conclusion::CouldNotTell => "could-not-tell",
            Conclusion::LogMisbehaved => "log-misbehaved",
        }
    }
}
