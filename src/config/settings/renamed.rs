//! Settings that had another name once: the old one is understood, with a note that tells the new one.

/// The old names of a setting.
#[derive(Debug)]
pub struct Renamed {
    /// in the file
    pub name: &'static str,
    /// in the environment
    pub variable: &'static str,
    /// on the command line, with its two dashes
    pub flag: &'static str,
    /// the three names as they are now
    pub now: [&'static str; 3],
}

/// All that were renamed.
pub static RENAMED: [Renamed; 1] = [Renamed {
    name: "upstream",
    variable: "GOSUMCHECK_UPSTREAM",
    flag: "--upstream",
    now: ["sumdb_url", "GOSUMCHECK_SUMDB_URL", "--sumdb-url"],
}];

impl Renamed {
    /// The old names of the setting that is called `name` now, if it had any.
    pub(super) fn of(name: &str) -> Option<&'static Renamed> {
        RENAMED.iter().find(|renamed| renamed.name_now() == name)
    }

    /// What it is called in the file now.
    pub fn name_now(&self) -> &'static str {
        let [name, ..] = self.now;
        name
    }

    /// What is said where the flag was used.
    pub fn flag_note(&self) -> String {
        let [.., flag] = self.now;
        note(self.flag, flag)
    }

    /// What is said where the variable was used.
    pub(super) fn variable_note(&self) -> String {
        let [_, variable, _] = self.now;
        note(self.variable, variable)
    }

    /// What is said where the key stands in the file.
    pub(super) fn name_note(&self) -> String {
        note(self.name, self.name_now())
    }
}

fn note(old: &str, new: &str) -> String {
    format!("{old} is called {new} now; the old name still works")
}
