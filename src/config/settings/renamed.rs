//! Settings that had another name once: the old one is understood, with a note that tells the new one.

use super::setting::Setting;
use super::table::rows;

/// The old names of a setting.
#[derive(Debug)]
pub struct Renamed {
    /// in the file
    pub name: &'static str,
    /// in the environment
    pub variable: &'static str,
    /// on the command line, with its two dashes
    pub flag: &'static str,
    /// the setting as it is called now
    pub setting: &'static Setting,
}

/// All that were renamed.
pub static RENAMED: [Renamed; 1] =
    [Renamed { name: "upstream", variable: "GOSUMCHECK_UPSTREAM", flag: "--upstream", setting: &rows::sumdb_url }];

impl Renamed {
    /// The old names of `setting`, if it had any.
    pub(super) fn of(setting: &Setting) -> Option<&'static Renamed> {
        RENAMED.iter().find(|renamed| renamed.setting.name == setting.name)
    }

    /// What is said where the flag was used.
    pub fn flag_note(&self) -> String {
        note(self.flag, self.setting.flag)
    }

    /// What is said where the variable was used.
    pub(super) fn variable_note(&self) -> String {
        note(self.variable, self.setting.variable)
    }

    /// What is said where the key stands in the file.
    pub(super) fn name_note(&self) -> String {
        note(self.name, self.setting.name)
    }
}

fn note(old: &str, new: &str) -> String {
    format!("{old} is called {new} now; the old name still works")
}
