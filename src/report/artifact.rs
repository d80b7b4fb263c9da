//! What a file was taken for: each kind carries the hashes of modules in its own way.

/// A kind of file or folder that an audit reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Artifact {
    /// a go.sum or go.work.sum file
    #[default]
    GoSum,
    /// the go command's module cache
    ModuleCache,
    /// a program that Go built
    Program,
    /// what `go version -m -json` prints of programs
    BuildInfo,
    /// a vendor folder
    Vendor,
    /// an SBOM of the CycloneDX format
    CycloneDx,
    /// an SBOM of the SPDX format
    Spdx,
    /// the commits of a git repository
    GitHistory,
}

impl Artifact {
    /// All of them.
    pub const ALL: [Artifact; 8] = [
        Artifact::GoSum,
        Artifact::ModuleCache,
        Artifact::Program,
        Artifact::BuildInfo,
        Artifact::Vendor,
        Artifact::CycloneDx,
        Artifact::Spdx,
        Artifact::GitHistory,
    ];

    /// The stable name, which programs read and arguments give.
    pub fn id(self) -> &'static str {
        match self {
            Artifact::GoSum => "go-sum",
            Artifact::ModuleCache => "module-cache",
            Artifact::Program => "go-program",
            Artifact::BuildInfo => "build-info",
            Artifact::Vendor => "vendor",
            Artifact::CycloneDx => "cyclonedx",
            Artifact::Spdx => "spdx",
            Artifact::GitHistory => "git-history",
        }
    }

    /// As people call it, behind `is taken for`.
    pub fn noun(self) -> &'static str {
        match self {
            Artifact::GoSum => "a go.sum file",
            Artifact::ModuleCache => "a module cache",
            Artifact::Program => "a Go program",
            Artifact::BuildInfo => "the output of `go version -m -json`",
            Artifact::Vendor => "a vendor folder",
            Artifact::CycloneDx => "a CycloneDX SBOM",
            Artifact::Spdx => "an SPDX SBOM",
            Artifact::GitHistory => "a git history",
        }
    }
}
