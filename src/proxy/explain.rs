//! What there is to say about one module version, from what is held here: which rule and which upstreams it has, which record the log
//! has of it, since when its files are here, and what was refused. Nobody is asked for it.

use std::fmt;
use std::time::SystemTime;

use serde::Serialize;

use super::expected::Route;
use super::{Denied, Inner, Proxy, stored};
use crate::fault::Fault;
use crate::report::{printable, write_json};
use crate::store::modules::Stored;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Incidents that are listed.
const MAX_INCIDENTS: usize = 10;

/// What there is to say about one module version.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    module: String,
    version: String,
    verdict: Treatment,
    /// where it is refused: what users read
    refusal: Vec<String>,
    rule: Option<ExplainedRule>,
    /// the pattern that makes it private
    private: Option<String>,
    /// who is asked for it, in order, without credentials
    upstreams: Vec<String>,
    database: String,
    /// the record of it that is held here
    record: Option<ExplainedRecord>,
    files: Vec<ExplainedFile>,
    /// wrong bytes that came of it, the newest first
    incidents: Vec<ExplainedIncident>,
}

/// What becomes of a request for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Treatment {
    /// it gets 403
    Refused,
    /// its zip is here
    Held,
    /// it is fetched and proven when it is asked for
    Fetched,
}

#[derive(Debug, Clone, Serialize)]
struct ExplainedRule {
    file: String,
    line: usize,
    text: String,
    /// false in a dry run
    enforced: bool,
}

#[derive(Debug, Clone, Serialize)]
struct ExplainedRecord {
    number: u64,
    zip: String,
    go_mod: String,
}

#[derive(Debug, Clone, Serialize)]
struct ExplainedFile {
    file: &'static str,
    /// `proven`, `pinned`, `unproven` (by the database asked now), `changed` (hashed again before it is given) or `missing`
    state: &'static str,
    /// when it came
    since: Option<String>,
    bytes: Option<u64>,
    hash: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct ExplainedIncident {
    at: String,
    file: String,
    upstream: String,
    why: String,
    report: Option<String>,
}

impl Explanation {
    /// Whether it is refused.
    pub fn is_refused(&self) -> bool {
        self.verdict == Treatment::Refused
    }

    /// As JSON, with a line end.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        // Writing into memory cannot fail, nor can the names of these fields.
        let _ = write_json(self, &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

impl Proxy {
    /// What there is to say about a module version, without asking anybody.
    ///
    /// # Errors
    /// `Unavailable`: the data folder cannot be read.
    pub async fn explain(&self, module: &ModuleVersion) -> Result<Explanation, Fault> {
        explain(&self.inner, module).await
    }
}

/// Explains a module version.
///
/// # Errors
/// `Unavailable`: the data folder cannot be read.
async fn explain(inner: &Inner, module: &ModuleVersion) -> Result<Explanation, Fault> {
    let (path, version) = (module.path(), module.version());
    let policy = inner.policy.now();
    let private = policy.exemption(path);
    let found = policy.get().and_then(|now| Some((now, now.decide(path, private.is_some(), Some(version)).rule?.1)));
    let rule = found.map(|(now, rule)| ExplainedRule {
        file: now.name.clone(),
        line: rule.line,
        text: rule.to_string(),
        enforced: !now.is_dry_run || !rule.is_deny(),
    });
    let route = policy.route(path, Some(version));
    let upstreams = route.as_ref().map_or_else(
        |_| Vec::new(),
        |route| (0..route.proxies().len()).map(|at| route.proxies().name(at).to_owned()).collect(),
    );
    let files = match &route {
        Ok(route) => [Kind::GoMod, Kind::Zip].map(|kind| file(inner, *route, module, kind)).into_iter().collect(),
        Err(_) => Ok(Vec::new()),
    };
    let files: Vec<ExplainedFile> = files?;
    let is_held = files.iter().any(|file| file.file == "zip" && matches!(file.state, "proven" | "pinned"));
    let refusal = match &route {
        Err(Denied::Refused(_, lines)) => lines.clone(),
        _ => Vec::new(),
    };
    let verdict = match &route {
        Err(_) => Treatment::Refused,
        Ok(_) if is_held => Treatment::Held,
        Ok(_) => Treatment::Fetched,
    };
    let record = inner.relay.local_record(module).await?.map(|record| ExplainedRecord {
        number: record.id(),
        zip: record.zip_hash().to_string(),
        go_mod: record.go_mod_hash().to_string(),
    });
    Ok(Explanation {
        module: path.to_string(),
        version: version.to_string(),
        verdict,
        refusal,
        rule,
        private: private.map(str::to_owned),
        upstreams,
        database: inner.relay.name().to_owned(),
        record,
        files,
        incidents: incidents(inner, module)?,
    })
}

fn file(inner: &Inner, route: Route<'_>, module: &ModuleVersion, kind: Kind) -> Result<ExplainedFile, Fault> {
    let (state, since, bytes, hash) = match stored::stored_file(inner, route, module, kind)? {
        Stored::Proven(file) => {
            let state = if matches!(route, Route::Private(_)) { "pinned" } else { "proven" };
            (state, Some(moment(file.modified())), Some(file.len()), Some(file.hash().to_string()))
        }
        Stored::Unproven(file) => ("unproven", None, Some(file.len()), Some(file.hash().to_string())),
        Stored::Changed(file) => ("changed", None, Some(file.file().len()), Some(file.hash().to_string())),
        Stored::Missing => ("missing", None, None, None),
    };
    Ok(ExplainedFile { file: kind.extension(), state, since, bytes, hash })
}

fn incidents(inner: &Inner, module: &ModuleVersion) -> Result<Vec<ExplainedIncident>, Fault> {
    let found = inner.journal.incidents_of(module.path().as_str(), module.version().as_str(), MAX_INCIDENTS)?;
    let explained = found.into_iter().map(|incident| ExplainedIncident {
        at: moment(incident.at),
        file: incident.file,
        upstream: incident.upstream,
        why: incident.why,
        report: incident.report.map(|path| path.display().to_string()),
    });
    Ok(explained.collect())
}

/// In UTC, to the second.
fn moment(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).ok().and_then(|at| jiff::Timestamp::from_second(at.as_second()).ok());
    at.map_or_else(String::new, |at| at.to_string())
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { module, version, database, .. } = self;
        let verdict = match self.verdict {
            Treatment::Refused => "refused (403)",
            Treatment::Held => "served from here",
            Treatment::Fetched => "fetched and proven when it is asked for",
        };
        writeln!(f, "{module}@{version}: {verdict}")?;
        match &self.rule {
            Some(ExplainedRule { file, line, text, enforced }) => {
                let only_logged = if *enforced { "" } else { " (dry run: only logged)" };
                writeln!(f, "rule       {}:{line}: {}{only_logged}", printable(file), printable(text))?;
            }
            None => writeln!(f, "rule       none matches")?,
        }
        for line in &self.refusal {
            writeln!(f, "           {}", printable(line))?;
        }
        match &self.private {
            Some(pattern) => writeln!(f, "private    yes, by the pattern {}", printable(pattern))?,
            None => writeln!(f, "private    no: proven by {}", printable(database))?,
        }
        if !self.upstreams.is_empty() {
            writeln!(f, "upstreams  {}", printable(&self.upstreams.join(" ")))?;
        }
        match (&self.record, &self.private) {
            (Some(record), _) => {
                writeln!(f, "record     {} of {}", record.number, printable(database))?;
                writeln!(f, "  zip      {}", record.zip)?;
                writeln!(f, "  go.mod   {}", record.go_mod)?;
            }
            (None, None) => writeln!(f, "record     none of {} is held here", printable(database))?,
            (None, Some(_)) => {}
        }
        for ExplainedFile { file, state, since, bytes, hash } in &self.files {
            write!(f, "{file:10} {state}")?;
            since.iter().try_for_each(|since| write!(f, ", here since {since}"))?;
            bytes.iter().try_for_each(|bytes| write!(f, ", {bytes} bytes"))?;
            hash.iter().try_for_each(|hash| write!(f, ", {hash}"))?;
            writeln!(f)?;
        }
        for ExplainedIncident { at, file, upstream, why, .. } in &self.incidents {
            writeln!(f, "wrong      {at}: {} from {}: {}", printable(file), printable(upstream), printable(why))?;
        }
        Ok(())
    }
}
