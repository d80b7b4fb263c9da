//! The last recorded verification of each database, under the names that `gosumcheck verify --metrics` uses too.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::report::integrity::Flaw;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDatabase {
    database: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    database: String,
    kind: &'static str,
}

/// What came of a verification.
pub(crate) struct LastRun<'a> {
    pub(crate) database: &'a str,
    pub(crate) exit_code: u64,
    /// in seconds since 1970
    pub(crate) ended: u64,
    /// when the last one ended that covered all of the same, in seconds since 1970, and its exit code
    pub(crate) complete: Option<(u64, u64)>,
    /// how many findings there were of each kind
    pub(crate) by_kind: Vec<(&'a str, u64)>,
}

/// The metrics of verifications; `routes::metrics` sets them.
#[derive(Debug, Default)]
pub(crate) struct RunMetrics {
    exit_code: Family<OfDatabase, Gauge>,
    ended: Family<OfDatabase, Gauge>,
    full_ended: Family<OfDatabase, Gauge>,
    full_exit_code: Family<OfDatabase, Gauge>,
    findings: Family<OfKind, Gauge>,
}

impl RunMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Exit code of the last recorded verification: 0 in order, 1 findings, 2 could not tell, 3 the log misbehaved";
        registry.register("verify_exit_code", help, self.exit_code.clone());
        registry.register("verify_ended_seconds", "When it ended, in seconds since 1970", self.ended.clone());
        let help =
            "When the last recorded verification that covered all of it ended, in seconds since 1970; 0 if none did";
        registry.register("verify_full_ended_seconds", help, self.full_ended.clone());
        let help = "Exit code of the last recorded verification that covered all of it; 2 if there was none";
        registry.register("verify_full_exit_code", help, self.full_exit_code.clone());
        registry.register("verify_findings", "Its findings, by kind", self.findings.clone());
    }

    /// Sets those of one database.
    pub(crate) fn set(&self, run: &LastRun<'_>) {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let of = || OfDatabase { database: run.database.to_owned() };
        self.exit_code.get_or_create(&of()).set(signed(run.exit_code));
        self.ended.get_or_create(&of()).set(signed(run.ended));
        let (ended, exit_code) = run.complete.unwrap_or((0, 2));
        self.full_ended.get_or_create(&of()).set(signed(ended));
        self.full_exit_code.get_or_create(&of()).set(signed(exit_code));
        for kind in Flaw::ALL.map(Flaw::id) {
            let count = run.by_kind.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count);
            let label = OfKind { database: run.database.to_owned(), kind };
            self.findings.get_or_create(&label).set(signed(count));
        }
    }
}
