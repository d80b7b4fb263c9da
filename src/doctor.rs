//! What protects the modules that are built on a machine, and what does not: facts about the machine in, findings out.
//!
//! `machine` reads the facts; `settings`, `proxies` and `project` judge them, each a table of checks; `protection` says in a line for
//! each kind of module who vouches for it; `change` writes the settings that mend it, and puts back what was there. `bench` measures
//! module proxies, of which `public` knows those that are open to everybody.

pub mod bench;
pub mod change;
mod finding;
mod machine;
mod project;
mod protection;
mod proxies;
mod public;
mod settings;

pub use finding::{Finding, Fix, Severity};
pub use machine::{Machine, Relaying};
pub use protection::Protection;
pub use public::{PUBLIC_PROXIES, PublicProxy};

/// All that there is to say about a machine.
#[derive(Debug, serde::Serialize)]
pub struct Examination {
    /// who vouches for which modules
    pub protections: Vec<Protection>,
    /// what weakens that, the worst first
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Of these facts.
    pub fn of(machine: &Machine) -> Examination {
        let mut findings = settings::check(machine);
        findings.extend(proxies::check(machine));
        findings.extend(project::check(machine));
        findings.sort_by_key(|finding| finding.severity);
        Examination { protections: protection::of(machine), findings }
    }

    /// How many findings are so severe.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// 1 where anything is an error or a warning, else 0.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.findings.iter().any(|finding| finding.severity != Severity::Note))
    }
}
