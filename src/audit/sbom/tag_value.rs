//! SPDX as tag-value: lines of `Tag: value`, a package from one `PackageName` to the next (SPDX 2.3, chapters 6 to 8).

use super::{Checksum, ExternalRef, Spdx, SpdxPackage};

/// What the first line of a document begins with.
pub(super) const FIRST: &str = "SPDXVersion:";
/// Around a value of several lines.
const OPEN: &str = "<text>";
const CLOSE: &str = "</text>";

/// Reads a document.
///
/// # Errors
/// Why it is not one, with the line.
pub(super) fn read(text: &[u8]) -> Result<Spdx, String> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        format!("not UTF-8 at line {}", 1 + before.iter().filter(|byte| **byte == b'\n').count())
    })?;
    let mut document = Spdx { spdx_version: String::new(), packages: Vec::new() };
    // Whether the tags that follow are of the last package.
    let mut in_package = false;
    let mut lines = (1_u64..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else {
            return Err(format!("neither a tag nor a comment at line {number}"));
        };
        let (tag, value) = (tag.trim(), value.trim());
        if value.starts_with(OPEN) && !value.contains(CLOSE) && !lines.any(|(_, line)| line.contains(CLOSE)) {
            return Err(format!("a text without its end at line {number}"));
        }
        match tag {
            "SPDXVersion" => value.clone_into(&mut document.spdx_version),
            "PackageName" => {
                document.packages.push(SpdxPackage { name: value.to_owned(), ..SpdxPackage::default() });
                in_package = true;
            }
            "FileName" | "SnippetSPDXID" | "LicenseID" => in_package = false,
            _ => {}
        }
        let Some(package) = document.packages.last_mut().filter(|_| in_package) else { continue };
        match tag {
            "PackageVersion" => value.clone_into(&mut package.version_info),
            "PackageChecksum" => {
                let (algorithm, value) = value
                    .split_once(':')
                    .ok_or_else(|| format!("a checksum without its algorithm at line {number}"))?;
                let (algorithm, checksum_value) = (algorithm.trim().to_owned(), value.trim().to_owned());
                package.checksums.push(Checksum { algorithm, checksum_value });
            }
            "ExternalRef" => {
                let fields: Vec<&str> = value.split_whitespace().collect();
                let [_, kind, locator] = fields.as_slice() else {
                    return Err(format!("an external reference of {} fields, not 3, at line {number}", fields.len()));
                };
                let (reference_type, reference_locator) = ((*kind).to_owned(), (*locator).to_owned());
                package.external_refs.push(ExternalRef { reference_type, reference_locator });
            }
            _ => {}
        }
    }
    if document.spdx_version.is_empty() { Err("no line with SPDXVersion".to_owned()) } else { Ok(document) }
}
