//! An entry of the record of verifications, for all who ask what earlier runs covered and found. Programs of other versions wrote some of
//! them: what an entry does not say, or says in other words, is absent.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::JobScope;
use crate::report::integrity::Coverage;

/// What the exit code of a run is taken for whose entry names none: that it could not tell.
const NO_EXIT_CODE: u64 = 2;

/// One entry of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    fields: Map<String, Value>,
}

impl RecordedRun {
    /// The run with these fields, as [`crate::store::runs::RunEntries`] has them.
    pub fn of(fields: Map<String, Value>) -> RecordedRun {
        RecordedRun { fields }
    }

    /// The text of a field; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The number of a field; 0 where there is none.
    pub fn number(&self, name: &str) -> u64 {
        self.fields.get(name).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A number in an object of the entry.
    pub fn number_in(&self, object: &[&str], name: &str) -> Option<u64> {
        let (first, rest) = object.split_first()?;
        let inner = rest.iter().try_fold(self.fields.get(*first)?, |value, key| value.get(key))?;
        inner.get(name)?.as_u64()
    }

    /// The time of a field.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).parse().ok()
    }

    /// Seconds since 1970 of the time of a field; 0 where there is none.
    pub fn seconds(&self, name: &str) -> u64 {
        self.time(name).and_then(|time| u64::try_from(time.as_second()).ok()).unwrap_or(0)
    }

    /// That of `gosumcheck verify`; 2, which is that it could not tell, where none is named.
    pub fn exit_code(&self) -> u64 {
        self.fields.get("exit_code").and_then(Value::as_u64).unwrap_or(NO_EXIT_CODE)
    }

    /// Records of the signed head under which it ran.
    pub fn head_size(&self) -> Option<u64> {
        self.number_in(&["head"], "size")
    }

    /// What it covered.
    pub fn coverage(&self) -> Option<Coverage> {
        serde_json::from_value(self.fields.get("coverage")?.clone()).ok()
    }

    /// What it was asked for.
    pub fn scope(&self) -> Option<JobScope> {
        serde_json::from_value(self.fields.get("scope")?.clone()).ok()
    }

    /// Whether it was asked about the same database and at least the same parts.
    pub fn covers(&self, asked: &JobScope) -> bool {
        self.scope().is_some_and(|earlier| {
            let has = |earlier: bool, now: bool| earlier || !now;
            earlier.database == asked.database
                && has(earlier.log, asked.log)
                && has(earlier.index, asked.index)
                && has(earlier.modules, asked.modules)
                && has(earlier.upstreams, asked.upstreams)
        })
    }

    /// Whether it covered all of the parts that it was asked about, and could tell.
    pub fn is_complete(&self) -> bool {
        self.exit_code() != NO_EXIT_CODE && self.coverage().is_some_and(|coverage| coverage.is_full())
    }

    /// The findings that it names.
    pub fn findings(&self) -> &[Value] {
        self.fields.get("first").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// How many findings of each kind there were.
    pub fn by_kind(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.fields.get("by_kind").and_then(Value::as_object);
        counts.into_iter().flatten().filter_map(|(kind, count)| Some((kind.as_str(), count.as_u64()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_names_no_exit_code_could_not_tell() {
        for (entry, code) in [
            (r#"{"exit_code":0}"#, 0),
            (r#"{"exit_code":3}"#, 3),
            ("{}", 2),
            (r#"{"exit_code":"0"}"#, 2),
            (r#"{"exit_code":-1}"#, 2),
        ] {
            let fields = serde_json::from_str(entry).unwrap_or_default();
            assert_eq!(RecordedRun::of(fields).exit_code(), code, "{entry}");
        }
    }
}
