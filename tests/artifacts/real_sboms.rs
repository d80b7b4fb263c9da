//! SBOMs as cyclonedx-gomod and syft wrote them of one project and its program: each hash in them is proven, and what is broken in
//! them is placed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Machine;
use crate::fake::{FakeSumdb, Served, read_gosum};

/// Modules of the project that its packages come from.
const MODULES: usize = 10;
/// Each document, what it is taken for, and how many modules it names with and without a hash. syft writes more than the build list
/// has: what go.sum has besides, and the main module.
const DOCUMENTS: [(&str, &str, usize, usize); 8] = [
    ("cyclonedx-gomod.cdx.json", "a CycloneDX SBOM: version 1.6", MODULES, 0),
    ("cyclonedx-gomod.cdx.xml", "a CycloneDX SBOM: version 1.6", MODULES, 0),
    ("cyclonedx-gomod-program.cdx.json", "a CycloneDX SBOM: version 1.6", MODULES, 0),
    ("syft.cdx.json", "a CycloneDX SBOM: version 1.7", MODULES + 1, 1),
    ("syft.cdx.xml", "a CycloneDX SBOM: version 1.7", MODULES + 1, 1),
    ("syft-program.cdx.json", "a CycloneDX SBOM: version 1.7", MODULES, 1),
    ("syft-program.spdx.json", "an SPDX SBOM: SPDX-2.3", MODULES, 1),
    ("syft-program.spdx", "an SPDX SBOM: SPDX-2.3", MODULES, 1),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sboms")
}

/// A machine whose checksum database has the project's modules.
fn machine() -> (Machine, Served) {
    let gosum = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/ten/go.sum");
    let log = FakeSumdb::of_records(&read_gosum(&fs::read_to_string(gosum).unwrap()));
    let (served, mut machine) = (log.serve(), Machine::new());
    machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url())).set("GOPROXY", "off");
    (machine, served)
}

#[test]
fn every_hash_in_them_is_proven() {
    let (machine, _served) = machine();
    let found = fs::read_dir(folder()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        !name.ends_with(".md")
    });
    assert_eq!(found.count(), DOCUMENTS.len());
    for (name, taken_for, verified, unnamed) in DOCUMENTS {
        let bytes = fs::read(folder().join(name)).unwrap();
        machine.write(name, &bytes);
        let verified = format!("{verified} verified");
        let ran = machine.run(&["audit", name]);
        match unnamed {
            0 => ran.says(0, &[taken_for, &verified]),
            _ => ran.says(2, &[taken_for, &verified, "1 no hash", "gosumcheck.example/ten"]),
        };
        // One digit or letter of a hash, wherever the document has it: the h1, or the SHA-256 that it is.
        let h1 = b"h1:dRaEfpa2VI55EwlIW72hMRHdWouJeRF7TPYhI+AUQjk=".as_slice();
        let hex = b"7516847e96b6548e791309485bbda13111dd5a8b8979117b4cf62123e0144239".as_slice();
        let at = [h1, hex].iter().find_map(|hash| memchr::memmem::find(&bytes, hash)).unwrap();
        let mut wrong = bytes.clone();
        wrong[at + 5] = if wrong[at + 5] == b'a' { b'b' } else { b'a' };
        machine.write(name, &wrong);
        machine.run(&["audit", name]).says(1, &["DIFFERS", "github.com/BurntSushi/toml v1.6.0", "1 DIFFERS"]);
    }
}

#[test]
fn a_document_that_is_cut_off_says_where() {
    let (machine, _served) = machine();
    for (name, ..) in DOCUMENTS {
        let bytes = fs::read(folder().join(name)).unwrap();
        let is_spdx = name.contains("spdx");
        for at in (200..bytes.len() - 8).step_by(bytes.len() / 12) {
            machine.write(name, &bytes[..at]);
            let format = if is_spdx { "spdx" } else { "cyclonedx" };
            let ran = machine.run(&["audit", name, "--as", format]);
            if name.ends_with(".spdx") {
                // A list of lines has no end; what is left of it is never more than it was.
                assert!([0, 1, 2].contains(&ran.code) && !ran.err.contains("panicked"), "{at}: {}", ran.show());
            } else {
                ran.says(2, &[" at line "]);
            }
        }
    }
    let text = fs::read_to_string(folder().join("syft-program.spdx")).unwrap();
    let line = text.lines().position(|line| line.starts_with("PackageChecksum")).unwrap() + 1;
    machine.write("x.spdx", text.replace("PackageChecksum: SHA256: ", "PackageChecksum: "));
    machine.run(&["audit", "x.spdx"]).says(2, &[&format!("a checksum without its algorithm at line {line}")]);
}
