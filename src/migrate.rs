//! What the settings of another program come to here: the text of a `gosumcheck.toml` that says the same, the rules that go with it,
//! and what has no counterpart, each with what to do about it. Nothing is guessed: what is not understood is named.

mod artifactory;
mod athens;
mod command_line;
mod draft;
mod goproxy;
mod goproxyio;
mod nexus;
mod repositories;

pub use draft::Draft;

use crate::fault::Fault;

/// The longest text of settings that is read, in bytes: an export of all repositories of a server may be long.
pub const MAX_SETTINGS: u64 = 16 << 20;

/// Whose settings they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherProgram {
    /// gomods/athens: a config.toml, the variables ATHENS_*, the filter file, the download mode file
    Athens,
    /// goproxy/goproxy: its command line and go's variables
    Goproxy,
    /// goproxyio/goproxy: its command line
    Goproxyio,
    /// Sonatype Nexus: repositories as its REST interface gives them
    Nexus,
    /// JFrog Artifactory: repositories as its REST interface gives them
    Artifactory,
}

/// What there is to read.
pub struct TheirSettings<'a> {
    /// the text of the file that was named; none where none was
    pub text: Option<&'a str>,
    /// a command line, without the program
    pub arguments: &'a [String],
    /// the environment
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// reads a file that the settings name; why not, in words
    pub read: &'a dyn Fn(&str) -> Result<String, String>,
}

impl OtherProgram {
    /// All of them.
    pub const ALL: [OtherProgram; 5] = [
        OtherProgram::Athens,
        OtherProgram::Goproxy,
        OtherProgram::Goproxyio,
        OtherProgram::Nexus,
        OtherProgram::Artifactory,
    ];

    /// As `--from` has it.
    pub fn name(self) -> &'static str {
        match self {
            OtherProgram::Athens => "athens",
            OtherProgram::Goproxy => "goproxy",
            OtherProgram::Goproxyio => "goproxyio",
            OtherProgram::Nexus => "nexus",
            OtherProgram::Artifactory => "artifactory",
        }
    }
}

/// What the settings come to.
///
/// # Errors
/// `Usage`: the text is not what that program writes or reads.
pub fn migrate(from: OtherProgram, given: &TheirSettings<'_>) -> Result<Draft, Fault> {
    let draft = match from {
        OtherProgram::Athens => athens::read(given),
        OtherProgram::Goproxy => goproxy::read(given),
        OtherProgram::Goproxyio => goproxyio::read(given),
        OtherProgram::Nexus => nexus::read(given),
        OtherProgram::Artifactory => artifactory::read(given),
    };
    let mut draft = draft.map_err(Fault::Usage)?;
    draft.keep_what_is_understood();
    Ok(draft)
}
