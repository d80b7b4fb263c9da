//! The outcomes that a line can have, without the facts of any one line: what programs call them, what people call them,
//! what they mean and what to do about them. Every rendering takes its words from here.

/// What an outcome means for the conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// the log says the same
    Proven,
    /// something is wrong with the line: exit code 1
    Finding,
    /// neither right nor wrong could be shown: exit code 2
    CouldNotTell,
    /// the user asked for no check
    Skipped,
    /// nothing to prove on this line, and nothing wrong
    Note,
}

impl Class {
    /// The stable name that programs read.
    pub fn id(self) -> &'static str {
        match self {
            Class::Proven => "proven",
            Class::Finding => "finding",
            Class::CouldNotTell => "could-not-tell",
            Class::Skipped => "skipped",
            Class::Note => "note",
        }
    }
}

/// What can become of a line; `Verdict` adds the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// the hash is the one in the log
    Verified,
    /// the log has another hash
    Differs,
    /// the log has no record
    NotInLog,
    /// the hash has an unknown algorithm
    UnknownAlgorithm,
    /// not a go.sum line
    Malformed,
    /// an answer that did not prove
    Refused,
    /// no source could be reached
    Unavailable,
    /// the sources do not hold the answer
    NotHeld,
    /// exempted by the user
    Skipped,
    /// the go command drops the line
    DroppedEmptyGoMod,
    /// a module without a hash
    NoHash,
    /// the main module, built from a folder
    MainModule,
    /// a vendored file that is not the module's
    Altered,
}

/// The words for one outcome.
struct Words {
    id: &'static str,
    label: &'static str,
    title: &'static str,
    meaning: &'static str,
    next: &'static str,
}

impl Outcome {
    /// Every outcome, in the order of a summary: proven, findings, could not tell, the rest.
    pub const ALL: [Outcome; 13] = [
        Outcome::Verified,
        Outcome::Differs,
        Outcome::Altered,
        Outcome::NotInLog,
        Outcome::UnknownAlgorithm,
        Outcome::Malformed,
        Outcome::Refused,
        Outcome::Unavailable,
        Outcome::NotHeld,
        Outcome::NoHash,
        Outcome::Skipped,
        Outcome::DroppedEmptyGoMod,
        Outcome::MainModule,
    ];

    /// What it means for the conclusion.
    pub fn class(self) -> Class {
        match self {
            Outcome::Verified => Class::Proven,
            Outcome::Differs
            | Outcome::Altered
            | Outcome::NotInLog
            | Outcome::UnknownAlgorithm
            | Outcome::Malformed => Class::Finding,
            Outcome::Refused | Outcome::Unavailable | Outcome::NotHeld | Outcome::NoHash => Class::CouldNotTell,
            Outcome::Skipped => Class::Skipped,
            Outcome::DroppedEmptyGoMod | Outcome::MainModule => Class::Note,
        }
    }

    /// Whether a reader who asked for no details should see the line.
    pub fn needs_attention(self) -> bool {
        matches!(self.class(), Class::Finding | Class::CouldNotTell) || self == Outcome::DroppedEmptyGoMod
    }

    /// The stable name that programs read: `not-in-log`.
    pub fn id(self) -> &'static str {
        self.words().id
    }

    /// The word or two that people read: `not in the log`.
    pub fn label(self) -> &'static str {
        self.words().label
    }

    /// One line that says what is the case.
    pub fn title(self) -> &'static str {
        self.words().title
    }

    /// What it means, in a paragraph.
    pub fn meaning(self) -> &'static str {
        self.words().meaning
    }

    /// What to do next, in a paragraph.
    pub fn next(self) -> &'static str {
        self.words().next
    }

    fn words(self) -> &'static Words {
        match self {
            Outcome::Verified => &VERIFIED,
            Outcome::Differs => &DIFFERS,
            Outcome::NotInLog => &NOT_IN_LOG,
            Outcome::UnknownAlgorithm => &UNKNOWN_ALGORITHM,
            Outcome::Malformed => &MALFORMED,
            Outcome::Refused => &REFUSED,
            Outcome::Unavailable => &UNAVAILABLE,
            Outcome::NotHeld => &NOT_HELD,
            Outcome::Skipped => &SKIPPED,
            Outcome::DroppedEmptyGoMod => &DROPPED_EMPTY_GO_MOD,
            Outcome::NoHash => &NO_HASH,
            Outcome::MainModule => &MAIN_MODULE,
            Outcome::Altered => &ALTERED,
        }
    }
}

const VERIFIED: Words = Words {
    id: "verified",
    label: "verified",
    title: "the hash is the one in the checksum database",
    meaning: "The record was proven to be in the signed tree, and it gives this hash.",
    next: "Nothing.",
};

const DIFFERS: Words = Words {
    id: "differs",
    label: "DIFFERS",
    title: "the hash is not the one in the checksum database",
    meaning: "The file and the checksum database name different contents for one module version. While such a line stands, the \
              go command goes by the line and does not ask the database: it fails with a checksum mismatch, or it builds from \
              bytes that nobody else was given.",
    next: "Do not build before you know why. Harmless causes are known, most of them old: Go before 1.11.4 (golang/go#29278), \
           files hashed with CRLF line ends, a tag moved before the database first saw it. Delete the line and run \
           `go mod download` with the database on: go writes the hash that the database has. If go reports a SECURITY ERROR \
           instead, your proxy or the origin serves other bytes than the world was given: use neither, and report it. A module \
           cache is emptied with `go clean -modcache`.",
};

const NOT_IN_LOG: Words = Words {
    id: "not-in-log",
    label: "not in the log",
    title: "the checksum database has no record of this module version",
    meaning: "The database records every public module version that anybody asks it for. This one it could not record: the \
              module is private, its path or version is misspelt, or it was gone before anyone asked.",
    next: "If the module is yours or your company's, name it in GOPRIVATE or with --private, and it is skipped. If it is meant \
           to be public, find out where the line came from before you build: no one can confirm its hash.",
};

const UNKNOWN_ALGORITHM: Words = Words {
    id: "unknown-algorithm",
    label: "unknown algorithm",
    title: "the hash has an algorithm that go does not know",
    meaning: "Only h1 hashes are defined. The go command ignores a line with any other, so it protects nothing.",
    next: "Delete the line and run `go mod tidy`: go writes the h1 hash.",
};

const MALFORMED: Words = Words {
    id: "malformed",
    label: "malformed",
    title: "this is not a go.sum line",
    meaning: "A go.sum line is a module path, a version and a hash. This line is not, so it protects nothing, and the go command \
              may refuse the whole file.",
    next: "Only a go.sum or go.work.sum can be checked here: if this is another file, name the go.sum instead. In a go.sum, remove \
           conflict markers, cut lines and stray bytes by hand, or restore the file from version control; `go mod download` then \
           writes what is missing.",
};

const REFUSED: Words = Words {
    id: "refused",
    label: "refused",
    title: "a source's answer did not prove what it says",
    meaning: "The answer is malformed, or its signature or hashes do not lead to the signed tree head. It was not used, and no \
              other source had one that proves.",
    next: "Try again with another source (--sumdb-url), best the database itself. Report a cache or mirror that is wrong even \
           once to its operator.",
};

const UNAVAILABLE: Words = Words {
    id: "unavailable",
    label: "unavailable",
    title: "no source could be reached",
    meaning: "Nothing is known about the line: neither that it is right nor that it is wrong.",
    next: "Check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the --sumdb-url addresses, then run it again. What \
           was proven so far is kept and not fetched again.",
};

const NOT_HELD: Words = Words {
    id: "not-held",
    label: "not held",
    title: "the sources at hand do not hold the answer",
    meaning: "A folder or an offline store holds a part of the log. That this part has no answer says nothing about the log.",
    next: "Run it once without --offline, or add a source that holds the whole log (--sumdb-url).",
};

const SKIPPED: Words = Words {
    id: "skipped",
    label: "skipped",
    title: "exempted by a pattern, not checked",
    meaning: "The module matches GOPRIVATE, GONOSUMDB or --private, so the database was not asked about it.",
    next: "Nothing, if the pattern is meant to match it.",
};

const DROPPED_EMPTY_GO_MOD: Words = Words {
    id: "dropped-empty-go-mod",
    label: "ignored by go",
    title: "the hash of an empty go.mod, which the go command drops without a word",
    meaning: "An early version of Go had a bug: it wrote this hash for modules that have no go.mod. Since then the go command \
              drops every line with it as it reads the file, so the line protects nothing and does no harm.",
    next: "Run `go mod tidy`: it removes the line and writes the true hash if one is needed. Builds with -mod=readonly may ask for \
           just that (\"missing go.sum entry\").",
};

const NO_HASH: Words = Words {
    id: "no-hash",
    label: "no hash",
    title: "a module is named without its hash, so there is nothing to compare",
    meaning: "The packages of this module were built from a folder: a replacement by a local path, a workspace or a vendor folder. Or \
              the tool that wrote an SBOM did not know the hash. Nothing says which bytes these were.",
    next: "Where the module is published, build from its published version instead, without -mod=vendor and local replacements: \
           go then embeds the hashes. A vendor folder is audited where it lies.",
};

const MAIN_MODULE: Words = Words {
    id: "main-module",
    label: "main module",
    title: "the main module was built from a folder, so it has no hash",
    meaning: "The hash of a main module is known only where it was downloaded, as by `go install PACKAGE@VERSION`.",
    next: "Nothing. It is your own code, or else that of those who gave you the program.",
};

const ALTERED: Words = Words {
    id: "altered",
    label: "ALTERED",
    title: "the vendor folder is not what `go mod vendor` makes of the proven modules",
    meaning: "The zip of the module was proven by the checksum database, and the file differs from the one in it, is not in it, or \
              is missing. Builds use the vendor folder as it is: the go command does not check it (golang/go#27348).",
    next: "Look at what was changed and by whom: `git log` of the file says so. `go mod vendor` makes the folder anew. A patch that \
           you want belongs into a fork, with a `replace` in go.mod.",
};
