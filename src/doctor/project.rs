//! Checks of the module in the folder: go.sum, the toolchain that go.mod asks for, and the vendor folder.

use super::finding::Severity::{Error, Note, Warning};
use super::{Finding, Machine};
use crate::audit::go_release::GoRelease;

/// All of them.
pub(super) fn check(machine: &Machine) -> Vec<Finding> {
    let Some(project) = &machine.project else { return Vec::new() };
    let mut findings = Vec::new();
    let folder = project.folder.display();
    if !project.has_sum && project.has_requirements() {
        let why = "what is downloaded is held to nothing that somebody reviewed: each machine believes what it gets";
        let finding = Finding::new("no-go-sum", Error, format!("{folder} requires modules and has no go.sum"), why);
        findings.push(finding.advice("go mod tidy, and put go.sum under version control"));
    }
    findings.extend(toolchain(machine));
    if project.has_vendor {
        let why = "builds take it as it is: go checks nothing in it (golang/go#27348)";
        let finding = Finding::new("vendor-unchecked", Warning, format!("{folder} has a vendor folder"), why);
        findings.push(finding.advice("gosumcheck audit vendor, in CI"));
    }
    findings
}

/// The toolchain that is downloaded for the module, or kept from it.
fn toolchain(machine: &Machine) -> Vec<Finding> {
    let Some(project) = &machine.project else { return Vec::new() };
    let setting = machine.go.value("GOTOOLCHAIN").unwrap_or("auto");
    let named = project.directive("toolchain").map(str::to_owned);
    let named = named.or_else(|| project.directive("go").map(|version| format!("go{version}")));
    let Some(named) = named.filter(|named| named != "default") else { return Vec::new() };
    let Some(release) = GoRelease::parse(&named) else { return Vec::new() };
    let is_newer = machine.release().is_none_or(|installed| release > installed);
    let is_local = setting == "local";
    let mut findings = Vec::new();
    if is_newer && is_local {
        let why = "the installed Go is older, and may not download another: builds fail";
        let what = format!("go.mod asks for {named}, and GOTOOLCHAIN is {setting}");
        findings.push(Finding::new("toolchain-local", Note, what, why).set(&machine.go, "GOTOOLCHAIN", None));
    }
    let names: Vec<&str> = release.vulnerabilities().map(|one| one.cve).collect();
    if is_newer && !is_local && !names.is_empty() {
        let why = format!(
            "go downloads it and builds with it, and a proxy can lead it past the checksum database: {}",
            names.join(", ")
        );
        let finding = Finding::new("toolchain-vulnerable", Error, format!("go.mod asks for {named}"), why);
        findings.push(finding.command("go get toolchain@latest"));
    }
    findings
}
