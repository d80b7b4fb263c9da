//! Who vouches for which modules, in a line for each kind.

use serde::Serialize;

use super::{Machine, Relaying};
use crate::config::Sumdb;
use crate::config::private;
use crate::sumdb::redact::redact;

/// One kind of module, and what protects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Protection {
    /// which modules
    pub modules: String,
    /// by what
    pub by: String,
}

/// Of every kind.
pub(super) fn of(machine: &Machine) -> Vec<Protection> {
    let line = |modules: String, by: String| Protection { modules, by };
    let project = machine.project.as_ref();
    let mut lines = vec![
        line(
            "public, in go.sum".to_owned(),
            match project {
                Some(project) if !project.has_sum => "nothing: there is no go.sum".to_owned(),
                _ => "go.sum, whose lines go believes; `gosumcheck audit` proves them".to_owned(),
            },
        ),
        line("public, new to go.sum".to_owned(), new(machine)),
    ];
    lines.extend(exempt(machine).map(|list| {
        line(
            format!("private ({list})"),
            "go.sum alone, once they are in it: the first download is believed".to_owned(),
        )
    }));
    lines.push(line("toolchains".to_owned(), toolchains(machine)));
    if project.is_some_and(|project| project.has_vendor) {
        let by = "nothing: go builds from it as it is; `gosumcheck audit vendor` proves it";
        lines.push(line("in the vendor folder".to_owned(), by.to_owned()));
    }
    lines
}

/// The patterns of modules that go asks no checksum database about.
fn exempt(machine: &Machine) -> Option<&str> {
    Some(machine.go.private().patterns).filter(|list| !list.is_empty())
}

/// What protects modules that are downloaded for the first time.
fn new(machine: &Machine) -> String {
    let wide = private::too_wide(exempt(machine).unwrap_or_default());
    if let Some((pattern, _)) = wide.first().filter(|_| matches!(machine.go.sumdb(), Ok(Sumdb::On { .. }))) {
        return format!("nothing, where the pattern {pattern} names them");
    }
    match machine.go.sumdb() {
        Ok(Sumdb::Off) => "nothing: GOSUMDB is off".to_owned(),
        Err(_) => "nothing is downloaded: GOSUMDB is not valid".to_owned(),
        Ok(Sumdb::On { name, url, .. }) => {
            let relay = machine.relaying.iter().find(|(_, said)| *said == Relaying::Yes).map(|(url, _)| redact(url));
            match url.map(|url| redact(&url)).or(relay) {
                Some(way) => format!("{name}, by way of {way}"),
                None => name,
            }
        }
    }
}

/// The go command proves toolchains whatever the patterns say.
fn toolchains(machine: &Machine) -> String {
    let is_local = machine.go.value("GOTOOLCHAIN").is_some_and(|setting| setting == "local");
    match machine.go.sumdb() {
        _ if is_local => "none is downloaded: GOTOOLCHAIN is local".to_owned(),
        Ok(Sumdb::On { name, .. }) => name,
        Ok(Sumdb::Off) => "none can be downloaded: go refuses to without a checksum database".to_owned(),
        Err(_) => "none can be downloaded: GOSUMDB is not valid".to_owned(),
    }
}
