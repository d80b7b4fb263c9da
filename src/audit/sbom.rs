//! SBOMs: the golang packages of CycloneDX (JSON, XML) and SPDX (JSON, tag-value) documents, each with the h1 that it gives; and what
//! `go version -m -json` prints. An h1 stands there as such, or as the SHA-256 that it is, in hexadecimal: so cyclonedx-gomod and syft
//! write it.
//!
//! A package URL of Go is written in lower case, which is another module to Go; the name beside it has the module's own spelling.

mod go_version;
mod tag_value;
mod xml;

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Deserialize;

use super::programs::sum_of;
use super::{Claim, Claims, Says};
use crate::report::{Artifact, Kind, Location, Subject, Verdict};
use crate::sumdb::hash::Hash;
use crate::sumdb::percent;

/// Packages of one document.
const MAX_PACKAGES: usize = 200_000;
/// Characters of a package that are shown.
const MAX_SHOWN: usize = 500;
/// Names of the standard library, which no checksum database has.
const STANDARD: [&str; 2] = ["std", "stdlib"];
/// The property in which syft keeps an h1.
const SYFT_H1: &str = "syft:metadata:h1Digest";

/// A CycloneDX document, or a component of one; what is not needed is passed over.
#[derive(Deserialize, Default)]
struct Component {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    purl: String,
    #[serde(default)]
    hashes: Vec<ComponentHash>,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct ComponentHash {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CycloneDx {
    bom_format: String,
    #[serde(default)]
    spec_version: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx {
    spdx_version: String,
    #[serde(default)]
    packages: Vec<SpdxPackage>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version_info: String,
    #[serde(default)]
    checksums: Vec<Checksum>,
    #[serde(default)]
    external_refs: Vec<ExternalRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_type: String,
    reference_locator: String,
}

/// What the text looks like, if it is one of these documents.
pub fn kind(text: &[u8]) -> Option<Artifact> {
    let text = without_mark(text).trim_ascii_start();
    let first = text.split(|byte| *byte == b'\n').find(|line| !line.starts_with(b"#")).unwrap_or_default();
    if first.starts_with(tag_value::FIRST.as_bytes()) {
        return Some(Artifact::Spdx);
    }
    if is_xml(text) {
        return memchr::memmem::find(text, b"cyclonedx.org/schema/bom").map(|_| Artifact::CycloneDx);
    }
    if !text.starts_with(b"{") && !text.starts_with(b"[") {
        return None;
    }
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    match () {
        () if has(b"\"bomFormat\"") => Some(Artifact::CycloneDx),
        () if has(b"\"spdxVersion\"") => Some(Artifact::Spdx),
        () if has(b"\"GoVersion\"") => Some(Artifact::BuildInfo),
        () => None,
    }
}

/// A text without the mark that some editors put before it.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

fn is_xml(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"<")
}

/// The claims of a document of this kind.
///
/// # Errors
/// Why it is not one, with the line and the column.
pub fn read(path: &str, text: &[u8], artifact: Artifact) -> Result<Claims, String> {
    let text = without_mark(text);
    let wrong = |why: &dyn Display| format!("is not {}: {why}", artifact.noun());
    let json = |error: serde_json::Error| wrong(&error);
    let (claims, about) = match artifact {
        Artifact::CycloneDx => {
            let document: CycloneDx = match is_xml(text) {
                true => xml::read(text).map_err(|why| wrong(&why))?,
                false => serde_json::from_slice(text).map_err(json)?,
            };
            if document.bom_format != "CycloneDX" {
                return Err("is not a CycloneDX SBOM: its bomFormat is another".to_owned());
            }
            let mut claims = Vec::new();
            add_components("", &document.components, &mut claims)?;
            (claims, format!("version {}", document.spec_version))
        }
        Artifact::Spdx => {
            let document: Spdx = match text.trim_ascii_start().starts_with(b"{") {
                true => serde_json::from_slice(text).map_err(json)?,
                false => tag_value::read(text).map_err(|why| wrong(&why))?,
            };
            (spdx(&document)?, document.spdx_version)
        }
        _ => return go_version::read(path, text).map_err(json),
    };
    let modules = claims.len();
    let about = Some(format!("{about}, {modules} golang packages besides the standard library"));
    Ok(Claims { artifact, about, claims, ..Claims::empty(path) })
}

/// No deeper than serde_json reads, which is 128 of its values inside each other.
fn add_components(at: &str, components: &[Component], claims: &mut Vec<Claim>) -> Result<(), String> {
    for (number, component) in components.iter().enumerate() {
        let at = format!("{at}/components/{number}");
        let h1 =
            component.properties.iter().filter(|property| property.name == SYFT_H1).map(|found| found.value.clone());
        let sha256 = component.hashes.iter().filter(|hash| hash.alg == "SHA-256").map(|hash| h1_of_hex(&hash.content));
        let hashes = h1.chain(sha256).collect();
        add_package(&at, [&component.purl, &component.name, &component.version], &hashes, claims)?;
        add_components(&at, &component.components, claims)?;
    }
    Ok(())
}

fn spdx(document: &Spdx) -> Result<Vec<Claim>, String> {
    let mut claims = Vec::new();
    for (number, package) in document.packages.iter().enumerate() {
        let sha256 = package.checksums.iter().filter(|checksum| checksum.algorithm == "SHA256");
        let hashes = sha256.map(|checksum| h1_of_hex(&checksum.checksum_value)).collect();
        for purl in package.external_refs.iter().filter(|found| found.reference_type == "purl") {
            let says = [purl.reference_locator.as_str(), &package.name, &package.version_info];
            add_package(&format!("/packages/{number}"), says, &hashes, &mut claims)?;
        }
    }
    Ok(claims)
}

/// Adds the claims of a package, if it is a module of Go: one for each of its hashes, which are the same in an honest document.
fn add_package(
    at: &str,
    [purl, name, version]: [&str; 3],
    hashes: &BTreeSet<String>,
    claims: &mut Vec<Claim>,
) -> Result<(), String> {
    let Some((path, purl_version)) = module_of(purl) else { return Ok(()) };
    // What differs only in case is the same to those who write package URLs.
    let path = if name.eq_ignore_ascii_case(&path) { name.to_owned() } else { path };
    let version = if purl_version.is_empty() { version.to_owned() } else { purl_version };
    if STANDARD.contains(&path.as_str()) {
        return Ok(());
    }
    let mut add = |hash: &str, says: Says| {
        if claims.len() == MAX_PACKAGES {
            return Err(format!("has more than {MAX_PACKAGES} golang packages"));
        }
        let text = format!("{path} {version} {hash}");
        let text = crate::sumdb::printable::printable(text.trim_end().as_bytes(), MAX_SHOWN);
        claims.push(Claim::new(Location::Part(at.to_owned()), text, says));
        Ok(())
    };
    let mut hashes = hashes.iter().filter(|hash| !hash.is_empty()).peekable();
    if hashes.peek().is_none() {
        let why = "the document gives no hash of it".to_owned();
        let subject = Subject { module: path.clone(), version: version.clone(), kind: Kind::Zip };
        add("", Says::About(subject, Verdict::NoHash { why }))?;
    }
    hashes.try_for_each(|hash| add(hash, sum_of(&path, &version, hash)))
}

/// The module path and the version in a package URL; none where it is of another type.
fn module_of(purl: &str) -> Option<(String, String)> {
    // The scheme and the type are the same in every case, and slashes may stand before the type (purl-spec, "Parsing").
    let (scheme, rest) = purl.split_once(':')?;
    let (kind, rest) = rest.trim_start_matches('/').split_once('/')?;
    if !scheme.eq_ignore_ascii_case("pkg") || !kind.eq_ignore_ascii_case("golang") {
        return None;
    }
    let rest = rest.trim_start_matches('/');
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (path, version) = rest.split_once('@').unwrap_or((rest, ""));
    Some((unescaped(path), unescaped(version)))
}

/// A text without its percent signs.
fn unescaped(text: &str) -> String {
    String::from_utf8_lossy(&percent::decoded(text)).into_owned()
}

/// An h1 that is written as the SHA-256 that it is; what is not one stays as it is, and is malformed.
fn h1_of_hex(text: &str) -> String {
    let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map_or_else(|| text.to_owned(), |bytes| format!("h1:{}", Hash(bytes)))
}
