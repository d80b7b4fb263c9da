//! Checks of go's settings that say what is proven and what is not, of the installed Go, and of netrc.

use super::finding::Severity::{Error, Note, Warning};
use super::finding::quoted;
use super::{Finding, Machine, public};
use crate::config::private::{self, NONE};
use crate::config::{GoEnv, Sumdb, sumdb};
use crate::sumdb::module::Patterns;
use crate::sumdb::redact::redact;

/// The settings with patterns.
const PATTERNS: [&str; 4] = ["GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOINSECURE"];

/// All of them.
pub(super) fn check(machine: &Machine) -> Vec<Finding> {
    let go = &machine.go;
    let mut findings = database(go);
    findings.extend(PATTERNS.into_iter().flat_map(|name| patterns(go, name)));
    findings.extend(leaks(go));
    findings.extend(flags(go));
    findings.extend(other_settings(go));
    findings.extend(installed(machine));
    findings.extend(netrc(machine));
    findings
}

/// `NAME=value (from where)`.
pub(super) fn shown(go: &GoEnv, name: &str) -> String {
    let value = redact(go.value(name).unwrap_or_default());
    format!("{name}={value} (from {})", go.origin(name))
}

fn database(go: &GoEnv) -> Vec<Finding> {
    let what = || shown(go, "GOSUMDB");
    match go.sumdb() {
        Ok(Sumdb::Off) => {
            let why = "go asks nobody about modules that are new to a go.sum: whatever a proxy sends first is believed and \
                       written down";
            vec![Finding::new("sumdb-off", Error, what(), why).set(go, "GOSUMDB", None)]
        }
        Err(fault) => {
            let why = format!("go refuses it, and every download of a new module fails: {fault}");
            vec![Finding::new("sumdb-invalid", Error, what(), why).set(go, "GOSUMDB", None)]
        }
        Ok(Sumdb::On { name, .. }) if name != sumdb::DEFAULT => {
            let why = format!("modules are proven by {name} alone, and not by the log that the world sees");
            vec![Finding::new("sumdb-other", Note, what(), why)]
        }
        Ok(Sumdb::On { .. }) => Vec::new(),
    }
}

fn patterns(go: &GoEnv, name: &'static str) -> Vec<Finding> {
    let Some(list) = go.value(name).filter(|list| list.trim() != NONE) else { return Vec::new() };
    let mut findings = Vec::new();
    let wide = private::too_wide(list);
    if let Some((pattern, example)) = wide.first() {
        let why = match name {
            "GONOPROXY" => "these modules come from their repositories, and not from a proxy that keeps them",
            "GOINSECURE" => "go asks their hosts without TLS, or without checking who answers",
            _ => "go asks no checksum database about these modules: whatever comes first is believed and written down",
        };
        let narrow: Vec<&str> = list.split(',').filter(|one| !wide.iter().any(|(pattern, _)| pattern == one)).collect();
        let narrow = Some(narrow.join(",")).filter(|narrow| !narrow.is_empty());
        let what = format!("{}: the pattern {pattern:?} names public modules too, such as {example}", shown(go, name));
        let severity = if name == "GONOPROXY" { Warning } else { Error };
        findings.push(Finding::new("pattern-too-wide", severity, what, why).set(go, name, narrow));
    }
    let parsed = Patterns::parse(list);
    for wrong in parsed.unmatchable().iter().filter(|wrong| !matches!(wrong.pattern().trim(), "" | NONE)) {
        let why = "go passes over it without a word: what it was to keep private is named to public proxies and to the checksum \
                   database";
        let finding = Finding::new("pattern-matches-nothing", Error, format!("{}: {wrong}", shown(go, name)), why);
        let right = list.split(',').filter_map(|one| if one == wrong.pattern() { wrong.meant() } else { Some(one) });
        let right: Vec<&str> = right.collect();
        findings.push(finding.set(go, name, Some(right.join(",")).filter(|right| !right.is_empty())));
    }
    findings
}

/// Modules that are kept from one public place and named to the other.
fn leaks(go: &GoEnv) -> Vec<Finding> {
    let (no_sumdb, no_proxy) = (go.private().patterns, go.unproxied().patterns);
    let mut findings = Vec::new();
    if let Some(named) = lacking(no_sumdb, no_proxy).filter(|_| is_public(go)) {
        let what =
            format!("{named} is kept from the checksum database (GONOSUMDB) and not from the proxies (GONOPROXY)");
        let why = "the names of these modules go to the proxies in GOPROXY, which are public";
        findings.push(with(go, "GONOPROXY", &named, Finding::new("private-names-to-proxy", Error, what, why)));
    }
    if let Some(named) = lacking(no_proxy, no_sumdb).filter(|_| matches!(go.sumdb(), Ok(Sumdb::On { .. }))) {
        let what =
            format!("{named} is kept from the proxies (GONOPROXY) and not from the checksum database (GONOSUMDB)");
        let why = "their names go to the checksum database, which cannot reach private ones: their builds fail with 404 or 410";
        findings.push(with(go, "GONOSUMDB", &named, Finding::new("private-names-to-sumdb", Error, what, why)));
    }
    findings
}

/// The patterns of `list` that `other` lacks, apart from those that are wrong in themselves.
fn lacking(list: &str, other: &str) -> Option<String> {
    let (wide, sound) = (private::too_wide(list), Patterns::parse(list));
    let lacks = |one: &&str| {
        sound.has(one)
            && !other.split(',').any(|there| there == *one)
            && !wide.iter().any(|(pattern, _)| pattern == one)
    };
    let lacking: Vec<&str> = list.split(',').filter(lacks).collect();
    (!lacking.is_empty()).then(|| lacking.join(","))
}

/// Mended by more patterns in the setting `name`, or where that is not set, in GOPRIVATE.
fn with(go: &GoEnv, name: &'static str, more: &str, finding: Finding) -> Finding {
    let name = if go.value(name).is_some() { name } else { "GOPRIVATE" };
    let now = go.value(name).filter(|list| list.trim() != NONE);
    finding.set(go, name, Some(now.map_or_else(|| more.to_owned(), |now| format!("{now},{more}"))))
}

/// Whether a proxy of the list is one that everybody uses.
fn is_public(go: &GoEnv) -> bool {
    let list = go.proxies().unwrap_or_default();
    list.entries().any(|(url, _)| public::is_public(url))
}

fn flags(go: &GoEnv) -> Vec<Finding> {
    let without = |flag: &str| Some(go.flags_without(flag)).filter(|rest| !rest.is_empty());
    let mut findings = Vec::new();
    if go.has_flag("insecure") {
        let why = "before Go 1.16 `go get` then asked no checksum database; later ones refuse the flag, and every command fails";
        findings.push(Finding::new("goflags-insecure", Error, shown(go, "GOFLAGS"), why).set(
            go,
            "GOFLAGS",
            without("insecure"),
        ));
    }
    if go.has_flag("mod=mod") {
        let why = "builds change go.mod and go.sum by themselves, so a reviewed go.sum is not what is built from";
        findings.push(Finding::new("goflags-mod-mod", Warning, shown(go, "GOFLAGS"), why).set(
            go,
            "GOFLAGS",
            without("mod=mod"),
        ));
    }
    if go.has_flag("mod=vendor") {
        let why = "builds take the vendor folder as it is: go checks nothing in it (golang/go#27348)";
        let finding = Finding::new("goflags-mod-vendor", Warning, shown(go, "GOFLAGS"), why);
        findings.push(finding.command("gosumcheck audit vendor"));
    }
    findings
}

fn other_settings(go: &GoEnv) -> Vec<Finding> {
    let mut findings = Vec::new();
    if go.value("GONOSUMCHECK").is_some() {
        let why = "no go command reads it: the checksum database is asked all the same, also about private modules";
        let finding = Finding::new("gonosumcheck-no-effect", Warning, shown(go, "GONOSUMCHECK"), why);
        findings.push(finding.set(go, "GONOSUMCHECK", None));
    }
    if go.value("GOINSECURE").is_some() {
        let why = "the checksum database still proves public modules; private ones are fetched so that anybody on the way can \
                   change them before go.sum knows them";
        findings.push(Finding::new("goinsecure", Warning, shown(go, "GOINSECURE"), why).set(go, "GOINSECURE", None));
    }
    if go.value("GOVCS").is_some_and(|rules| rules.split(',').any(|rule| matches!(rule.trim(), "*:all" | "public:all")))
    {
        let why =
            "public modules may have any version control tool run on this machine, also those that were never hardened";
        findings.push(Finding::new("govcs-all", Warning, shown(go, "GOVCS"), why).set(go, "GOVCS", None));
    }
    findings
}

fn installed(machine: &Machine) -> Vec<Finding> {
    let Some(version) = &machine.version else {
        let why = "go's settings are read all the same; which vulnerabilities its go command has cannot be told";
        return vec![Finding::new("no-go", Note, "no Go installation was found on PATH or in GOROOT", why)];
    };
    let names: Vec<&str> =
        machine.release().into_iter().flat_map(|release| release.vulnerabilities()).map(|one| one.cve).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let why = format!("{}: a proxy can lead this go command past the checksum database", names.join(", "));
    let finding = Finding::new("go-vulnerable", Error, format!("{version} is installed"), why);
    vec![finding.advice("install Go 1.25.13, 1.26.6, 1.27 or later: https://go.dev/dl/")]
}

fn netrc(machine: &Machine) -> Vec<Finding> {
    let Some(netrc) = &machine.netrc else { return Vec::new() };
    let path = netrc.path.display();
    let mut findings = Vec::new();
    if netrc.is_open {
        let why = "every user of this machine can read the passwords of your module hosts";
        findings.push(
            Finding::new("netrc-open", Error, format!("{path} can be read by others"), why)
                .command(format!("chmod 600 {}", quoted(&path.to_string()))),
        );
    }
    if netrc.has_default {
        let why = "the password is sent to every https host that a module path or a redirect names";
        let finding = Finding::new("netrc-default", Warning, format!("{path} has a `default` entry"), why);
        findings.push(finding.advice(format!("name hosts in {path} with `machine`, and remove `default`")));
    }
    findings
}
