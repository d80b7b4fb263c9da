//! Checks of GOPROXY: who is asked, in which order, and what happens where one of them refuses.

use super::finding::Severity::{Error, Note, Warning};
use super::settings::shown;
use super::{Finding, Machine, Relaying};
use crate::config::Sumdb;
use crate::sumdb::redact::redact;
use crate::upstream::Base;

/// All of them.
pub(super) fn check(machine: &Machine) -> Vec<Finding> {
    let go = &machine.go;
    let list = match go.proxies() {
        Ok(list) => list,
        Err(fault) => {
            let why = format!("go refuses it, and every download fails: {fault}");
            return vec![Finding::new("proxy-invalid", Error, shown(go, "GOPROXY"), why).set(go, "GOPROXY", None)];
        }
    };
    let entries: Vec<(&str, bool)> = list.entries().collect();
    let mut findings = Vec::new();
    match entries.as_slice() {
        [("off", _), ..] => {
            let why = "nothing is downloaded: builds have what the module cache holds";
            findings.push(Finding::new("proxy-off", Note, shown(go, "GOPROXY"), why));
        }
        [("direct", _), ..] => {
            let why = "every module comes from its repository: a version that is deleted there is gone, and each host on the way runs \
                       git here; the checksum database is asked itself";
            findings.push(Finding::new("proxy-direct-only", Note, shown(go, "GOPROXY"), why));
        }
        _ => {}
    }
    for pair in entries.windows(2) {
        if let [(url, falls_back), (next, _)] = pair {
            findings.extend(step(machine, url, *falls_back, next));
        }
    }
    findings.extend(entries.iter().flat_map(|(url, _)| entry(machine, url)));
    findings
}

/// From one entry to the next.
fn step(machine: &Machine, url: &str, falls_back: bool, next: &str) -> Option<Finding> {
    let (go, url) = (&machine.go, redact(url));
    let is_off = matches!(go.sumdb(), Ok(Sumdb::Off));
    if falls_back {
        let what = format!("{}: after {url} stands |", shown(go, "GOPROXY"));
        let why =
            format!("where it refuses a module, for its bytes or by a rule, go asks {} all the same", redact(next));
        let with_comma = go.value("GOPROXY").unwrap_or_default().replace('|', ",");
        return Some(Finding::new("proxy-refusals-passed-over", Warning, what, why).set(
            go,
            "GOPROXY",
            Some(with_comma),
        ));
    }
    (next == "direct").then(|| {
        let what = format!("{}: after {url} stands `,direct`", shown(go, "GOPROXY"));
        let why = "what that proxy does not have (404, 410) comes from its repository, whose host learns who builds it; a proxy that \
                   answers 404 in place of a refusal is passed over";
        Finding::new("direct-after-comma", if is_off { Warning } else { Note }, what, why)
    })
}

/// One server.
fn entry(machine: &Machine, url: &str) -> Vec<Finding> {
    let (name, mut findings) = (redact(url), Vec::new());
    let host = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    if let Some((credentials, _)) = host.rsplit_once('@').filter(|(credentials, _)| credentials.contains(':')) {
        let user = credentials.split(':').next().unwrap_or_default();
        let what = format!("the password of {user} stands in GOPROXY ({name})");
        let why = "`go env`, error messages and the logs of CI print it";
        findings.push(
            Finding::new("proxy-password", Warning, what, why)
                .advice("put it into netrc, with mode 600, or use GOAUTH"),
        );
    }
    if url.starts_with("http://") && !Base::parse(url).is_ok_and(|base| base.is_local()) {
        let why = "anybody on the way sees which modules are asked for, and can change what nothing proves: lists and versions, and \
                   private modules";
        findings.push(Finding::new("proxy-without-tls", Warning, format!("{name} is asked without TLS"), why));
    }
    let said = machine.relaying.iter().find(|(asked, _)| asked == url).map(|(_, said)| said);
    match said {
        Some(Relaying::No) => {
            let why = "go asks the checksum database itself about every new module: it fails where only the proxy can be reached";
            let finding =
                Finding::new("proxy-no-relay", Warning, format!("{name} does not relay the checksum database"), why);
            findings.push(
                finding.advice("use a proxy that relays it, such as https://proxy.golang.org or `gosumcheck serve`"),
            );
        }
        Some(Relaying::Failed(reason)) => {
            let why = format!("go fails where it asks it about new modules: {reason}");
            findings.push(Finding::new("proxy-unreachable", Error, format!("{name} does not answer"), why));
        }
        Some(Relaying::Yes) | None => {}
    }
    findings
}
